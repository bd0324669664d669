"""``helixnet check``: every problem of a context, with file, line, column and a hint."""

import argparse
from typing import Final

FORMATS: Final = ("text", "github", "sarif", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "contexts", nargs="+", metavar="CONTEXT", help="context file, its folder, or a bundle's zip"
    )
    parser.add_argument(
        "--sample",
        action="append",
        default=[],
        metavar="FILE",
        help="check names also against what this file has (may be given several times)",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say also what each code means, what nothing reads, and how the map will run",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="how problems are printed: lines, GitHub Actions annotations, SARIF 2.1.0 or JSON",
    )
    parser.add_argument(
        "--json",
        action="store_const",
        const="json",
        dest="format",
        help="the same as --format json",
    )


def main(args: argparse.Namespace) -> int:
    """Print the problems of each context; return 0 with warnings only, else 2."""
    from helixnet.cli.checking import check

    return check(args.contexts, args.sample, explain=args.explain, form=args.format)
