"""``helixnet login``: get a token and keep it for the client commands."""

import argparse
import getpass
import sys
from typing import Final

from helixnet.cli.arguments import add_server_arguments

START_SECONDS: Final = 10.0  # how long a server that was just started may take to answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--user", help="name (asked for if missing)")
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password from stdin"
    )
    add_server_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show
    from helixnet.errors import UsageError

    server = connection.connect(args)
    if not args.password_stdin and not sys.stdin.isatty():
        raise UsageError(
            "no terminal to ask for the password at",
            hint="echo PASSWORD | helixnet login --user NAME --password-stdin",
        )
    try:
        user = args.user or input("user: ")
        password = sys.stdin.readline().rstrip("\n") if args.password_stdin else getpass.getpass()
    except EOFError as error:
        raise UsageError("name and password are needed", hint="--password-stdin") from error
    server.await_start(START_SECONDS)
    token = server.post("/auth/token", data={"username": user, "password": password})
    connection.keep_token(server.url, token["access_token"], int(token["expires_in"]))
    if args.json:
        show.show_json({"url": server.url, "expires_in": token["expires_in"]})
    else:
        print(f"logged in at {server.url} for {int(token['expires_in']) // 60} minutes")
    return 0
