"""``helixnet diff``: what an edit of a context would change for files, field by field."""

import argparse
from typing import Final

from helixnet.cli.arguments import add_join_argument

SAMPLES: Final = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("before", metavar="CONTEXT_A", help="the old context, folder or zip")
    parser.add_argument("after", metavar="CONTEXT_B", help="the new one")
    parser.add_argument("files", nargs="+", metavar="FILE", help="file to map; - reads the pipe")
    parser.add_argument(
        "--samples",
        type=how_many,
        default=SAMPLES,
        metavar="N",
        help=f"differences shown of each field and kind (default {SAMPLES})",
    )
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="K=V",
        help="value of an `inputs` entry, for each context that has it",
    )
    add_join_argument(parser)
    parser.add_argument("--json", action="store_true", help="print a list of one object a file")


def how_many(text: str) -> int:
    """Read a count.

    Raises:
        argparse.ArgumentTypeError: it is no whole number up to 1000.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= 1000):  # noqa: PLR2004 - all samples are kept in memory
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 1000")
    return int(text)


def main(args: argparse.Namespace) -> int:
    """Compare; return 0 without difference, 1 with one, 2 for a bad context or file."""
    from helixnet.cli.comparing import compare_files
    from helixnet.cli.joining import Outside

    outside = Outside(args.input, args.join)
    return compare_files(
        (args.before, args.after), args.files, outside, most=args.samples, as_json=args.json
    )
