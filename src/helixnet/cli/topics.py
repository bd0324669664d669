"""``helixnet topics read|apply``: read a topic of a server; make the topics of a bus."""

import argparse
import sys
from dataclasses import asdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    read = verbs.add_parser("read", help="print the events of a topic as NDJSON")
    read.add_argument("name", metavar="TOPIC", help="such as helix.results")
    read.add_argument("--after", type=int, default=0, help="position to go on from")
    read.add_argument("--url", help="address of the server (default: HELIXNET_URL)")
    apply = verbs.add_parser("apply", help="make the fixed topics of the bus, or bring them up")
    apply.add_argument("--bus", help="where (default: HELIXNET_BUS)")
    apply.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    apply.add_argument("--json", action="store_true", help="print JSON instead of text")


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    return apply(args) if args.verb == "apply" else read(args)


def apply(args: argparse.Namespace) -> int:
    """Bring the topics of the bus to what the table says; nothing is ever removed."""
    import asyncio

    from helixnet import runtime, settings
    from helixnet.cli import show

    known = settings.load({"bus": args.bus}).settings
    changes = asyncio.run(runtime.apply_topics(known, dry_run=args.dry_run))
    rows = [asdict(change) for change in changes]
    if args.json:
        show.show_json(rows)
    elif rows:
        if args.dry_run:
            print("would be done:")
        show.show_table(rows, ("topic", "action", "detail"))
    else:
        print("the bus of this server is its ledger: there are no topics to make")
    return 0


def read(args: argparse.Namespace) -> int:
    """Print what is there now."""
    from helixnet.cli import connection

    server = connection.connect(args)
    path = f"/topics/{connection.segment(args.name)}"
    with server.stream(path, params={"after": args.after}) as blocks:
        for block in blocks:
            sys.stdout.buffer.write(block)
    sys.stdout.flush()
    return 0
