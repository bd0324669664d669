"""``helixnet trace``: one field of a result back to file, line, column, bytes and rule."""

import argparse

from helixnet.cli.arguments import add_join_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("context", help="context file, its folder, or a bundle's zip")
    parser.add_argument("file", metavar="FILE", help="file to map; - reads the pipe")
    parser.add_argument(
        "pointers",
        nargs="+",
        metavar="POINTER",
        help="JSON pointer of a field in its document, such as /items/3/quantity",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--record",
        type=ordinal,
        metavar="N",
        help="of the N-th record of the file; default the first that writes the field",
    )
    which.add_argument(
        "--document", type=ordinal, metavar="N", help="of the N-th document of the result"
    )
    parser.add_argument(
        "--input", action="append", default=[], metavar="K=V", help="value of an `inputs` entry"
    )
    add_join_argument(parser)
    parser.add_argument("--json", action="store_true", help="print a list of one object a field")


def ordinal(text: str) -> int:
    """Read a number that counts from 1.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text)):  # noqa: PLR2004 - no file has more
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def main(args: argparse.Namespace) -> int:
    """Trace each field; return 0, 1 when one of them is not written, 2 for bad usage."""
    from helixnet.cli.joining import Outside
    from helixnet.cli.tracing import trace_fields
    from helixnet.engine.seek import Choice

    outside = Outside(args.input, args.join)
    choice = Choice(record=args.record, document=args.document)
    return trace_fields(
        args.context, args.file, args.pointers, outside, choice=choice, as_json=args.json
    )
