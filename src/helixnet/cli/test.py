"""``helixnet test``: run the tests inside contexts."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "contexts", nargs="+", metavar="CONTEXT", help="context file, its folder, or a bundle's zip"
    )
    parser.add_argument(
        "--update", action="store_true", help="write what came out into `expect` of failing tests"
    )
    parser.add_argument("--json", action="store_true", help="print results as JSON")


def main(args: argparse.Namespace) -> int:
    """Run the tests of each context; return 0, 1 when one fails, 2 for a bad context."""
    from helixnet.cli.trials import try_contexts

    return try_contexts(args.contexts, update=args.update, as_json=args.json)
