"""``helixnet topics read NAME``: the events of a topic, one JSON line each."""

import argparse
import sys

from helixnet.cli.arguments import add_server_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    read = verbs.add_parser("read", help="print the events of a topic as NDJSON")
    read.add_argument("name", metavar="TOPIC", help="such as helix.results")
    read.add_argument("--after", type=int, default=0, help="position to go on from")
    add_server_arguments(read)


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection

    server = connection.connect(args)
    answer = server.send("GET", f"/topics/{args.name}", params={"after": args.after})
    sys.stdout.write(answer.text)
    return 0
