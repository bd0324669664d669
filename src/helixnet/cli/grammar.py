"""``helixnet grammar import``: the YAML form of an IDoc type from SAP's parser report or schema."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    text = "print the YAML form of a grammar, to read and edit and name in `source.grammar`"
    take = verbs.add_parser("import", help=text, description=text)
    take.add_argument(
        "report",
        metavar="REPORT",
        help="SAP's parser report of the IDoc type (WE60), or its XML Schema (.xsd)",
    )
    take.add_argument("-o", "--output", metavar="FILE", help="write here (default: print)")


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    import sys
    from pathlib import Path

    from helixnet.cli.aside import Aside
    from helixnet.cli.streams import opened
    from helixnet.engine.formats.idoc.grammar import import_grammar

    name = Path(args.report).name
    with opened(args.report) as stream:
        text = import_grammar(args.report, stream.read(), f"imported from {name}")
    if args.output is None:
        sys.stdout.write(text)
        return 0
    target = Aside(Path(args.output))
    try:
        target.write(text.encode())
        target.keep()
    finally:
        target.drop()
    return 0
