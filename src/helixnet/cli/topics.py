"""``helixnet topics read NAME``: the events of a topic, one JSON line each."""

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    read = verbs.add_parser("read", help="print the events of a topic as NDJSON")
    read.add_argument("name", metavar="TOPIC", help="such as helix.results")
    read.add_argument("--after", type=int, default=0, help="position to go on from")
    read.add_argument("--url", help="address of the server (default: HELIXNET_URL)")


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection

    server = connection.connect(args)
    path = f"/topics/{connection.segment(args.name)}"
    with server.stream(path, params={"after": args.after}) as blocks:
        for block in blocks:
            sys.stdout.buffer.write(block)
    sys.stdout.flush()
    return 0
