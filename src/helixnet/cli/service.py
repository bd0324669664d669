"""``helixnet service NAME``: one service of the stack, in a process of its own."""

import argparse

from helixnet.cli import serve
from helixnet.errors import UsageError
from helixnet.pipeline import SERVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the service, and one flag a setting."""
    parser.add_argument("name", metavar="SERVICE", help=", ".join(SERVICES))
    serve.add_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 0 when everything in hand was finished or released."""
    if args.name not in SERVICES:
        raise UsageError(f"there is no service {args.name!r}", hint=f"one of {', '.join(SERVICES)}")
    return serve.serve(args, args.name)
