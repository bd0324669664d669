"""``helixnet config show``: each setting with its value and where it came from."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    show = verbs.add_parser("show", help="value and source of each setting; secrets are masked")
    show.add_argument("--data", help="data folder, whose helixnet.toml is read")
    show.add_argument("--json", action="store_true", help="print JSON instead of a table")


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from dataclasses import asdict

    from helixnet import settings
    from helixnet.cli import show

    rows = [asdict(line) for line in settings.describe(settings.load({"data": args.data}))]
    if args.json:
        show.show_json(rows)
    else:
        show.show_table(rows, ("name", "value", "source", "doc"))
    return 0
