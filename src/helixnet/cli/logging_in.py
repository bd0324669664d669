"""The ways to log in at a server, of which it says itself what it offers."""

import argparse
import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helixnet.cli import issuer
from helixnet.cli.connection import Server
from helixnet.cli.tokens import Kept, of_answer
from helixnet.errors import UnauthenticatedError, UsageError


def no_terminal() -> UsageError:
    """Make the error for a password that can't be asked for."""
    return UsageError(
        "no terminal to ask for the password at",
        hint="echo PASSWORD | helixnet login --user NAME --password-stdin",
    )


def log_in(args: argparse.Namespace, server: Server) -> tuple[Kept, int]:
    """Get a token by the way that was asked for, or the best there is, and its seconds.

    Raises:
        UsageError: the server offers no such way, or does not take the token.
        UnauthenticatedError: the password, person or secret was refused.
        UnavailableError: server or identity provider does not answer.
    """
    offered: Mapping[str, Any] = server.get("/auth/methods")
    if args.client_id:
        file = Path(args.client_secret_file).absolute()
        client = str(args.client_id)
        answer = issuer.by_secret(offered["token_endpoint"], client, file)
        known = {"endpoint": offered["token_endpoint"], "client": client, "secret_file": str(file)}
        return _taken(server, answer, known)
    named = bool(args.user or args.password_stdin)
    if named and not offered["password_form"]:
        raise UsageError(
            f"{server.url} takes no passwords; log in in a browser", hint="helixnet login"
        )
    device = str(offered["device_authorization_endpoint"])
    if named or (offered["password_form"] and not device):
        answer = _by_password(args, server)
        return of_answer(answer), int(answer["expires_in"])
    if not device:
        raise UsageError(
            f"{offered['issuer']} offers no login for a terminal",
            hint="--client-id with --client-secret-file, or HELIXNET_TOKEN",
        )
    client = str(offered["cli_client"])
    answer = _by_browser(device, offered["token_endpoint"], client)
    return _taken(server, answer, {"endpoint": offered["token_endpoint"], "client": client})


def _by_password(args: argparse.Namespace, server: Server) -> Mapping[str, Any]:
    if not args.password_stdin and not sys.stdin.isatty():
        raise no_terminal()
    try:
        user = args.user or input("user: ")
        password = sys.stdin.readline().rstrip("\n") if args.password_stdin else getpass.getpass()
    except EOFError as error:
        raise UsageError("name and password are needed", hint="--password-stdin") from error
    return server.post("/auth/token", data={"username": user, "password": password})


def _by_browser(device_endpoint: str, endpoint: str, client: str) -> Mapping[str, Any]:
    begun = issuer.begin_device(device_endpoint, client)
    print(f"helixnet: to log in, open {begun.complete_address or begun.address}", file=sys.stderr)
    print(
        f"helixnet: or, on another machine, {begun.address} and enter {begun.user_code}",
        file=sys.stderr,
        flush=True,
    )
    return issuer.await_device(endpoint, client, begun)


def _taken(server: Server, answer: Mapping[str, Any], known: Mapping[str, str]) -> tuple[Kept, int]:
    """Have the server look at a token that came from elsewhere, before it is kept."""
    kept = of_answer(answer, **known)
    try:
        Server(server.url, lambda: kept.token).get("/users/me")
    except UnauthenticatedError as error:
        raise UsageError(
            f"{server.url} does not take tokens of the client {kept.client}",
            hint="the server's settings clients and audience say what it takes",
        ) from error
    return kept, int(answer.get("expires_in") or 0)
