"""``helixnet test``: run the tests inside contexts."""

import argparse
from decimal import Decimal, InvalidOperation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "contexts", nargs="+", metavar="CONTEXT", help="context file, its folder, or a bundle's zip"
    )
    parser.add_argument(
        "--update", action="store_true", help="write what came out into `expect` of failing tests"
    )
    parser.add_argument(
        "--coverage",
        action="store_true",
        help="say which fields no test writes and which conditions have one outcome only",
    )
    parser.add_argument(
        "--min-coverage",
        type=percentage,
        metavar="PERCENT",
        help="fail if the tests write less than this share of the fields",
    )
    parser.add_argument("--json", action="store_true", help="print results as JSON")


def percentage(text: str) -> Decimal:
    """Read a share such as ``80`` or ``80%``.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        share = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        share = Decimal("NaN")
    if not share.is_finite() or not 0 <= share <= 100:  # noqa: PLR2004 - of a hundred
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")
    return share


def main(args: argparse.Namespace) -> int:
    """Run the tests of each context; return 0, 1 when one fails, 2 for a bad context."""
    from helixnet.cli.trials import Asked, try_contexts

    asked = Asked(
        update=args.update,
        as_json=args.json,
        coverage=args.coverage or args.min_coverage is not None,
        least=args.min_coverage,
    )
    return try_contexts(args.contexts, asked)
