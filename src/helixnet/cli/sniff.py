"""``helixnet sniff``: what a file is, and a source block to begin a context with."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="file to look at, packed or not")
    parser.add_argument("--json", action="store_true", help="print JSON instead of YAML")


def main(args: argparse.Namespace) -> int:
    """Say what each file is; return 0, or 1 if one of them is nothing that is known."""
    from helixnet.cli.sniffing import sniff_files

    return sniff_files(args.files, as_json=args.json)
