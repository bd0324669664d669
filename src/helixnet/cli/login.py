"""``helixnet login``: get a token and keep it for the client commands."""

import argparse
import sys
from typing import Final

from helixnet.cli.arguments import add_server_arguments

START_SECONDS: Final = 10.0  # how long a server that was just started may take to answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--user", help="name, where the server takes passwords (asked for if not)")
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password from stdin"
    )
    parser.add_argument("--client-id", help="log in as a machine: a client of the provider")
    parser.add_argument("--client-secret-file", metavar="FILE", help="file that holds its secret")
    add_server_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, logging_in, show, tokens
    from helixnet.errors import UsageError

    if bool(args.client_id) != bool(args.client_secret_file):
        raise UsageError("--client-id and --client-secret-file go together")
    if args.user and not args.password_stdin and not sys.stdin.isatty():
        raise logging_in.no_terminal()
    server = connection.connect_unknown(args)
    server.await_start(START_SECONDS)
    kept, seconds = logging_in.log_in(args, server)
    tokens.keep(server.url, kept)
    if args.json:
        show.show_json({"url": server.url, "expires_in": seconds})
    else:
        print(f"logged in at {server.url} for {seconds // 60} minutes")
    return 0
