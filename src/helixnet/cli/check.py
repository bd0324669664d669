"""``helixnet check``: every problem of a context, with file, line, column and a hint."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "contexts", nargs="+", metavar="CONTEXT", help="context file, its folder, or a bundle's zip"
    )
    parser.add_argument(
        "--explain", action="store_true", help="say what each code means and how the map will run"
    )
    parser.add_argument("--json", action="store_true", help="print problems as JSON")


def main(args: argparse.Namespace) -> int:
    """Print the problems of each context; return 0 with warnings only, else 2."""
    from helixnet.cli.checking import check

    return check(args.contexts, explain=args.explain, as_json=args.json)
