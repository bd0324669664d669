"""``helixnet keys rotate``: sign tokens with a new key from now on."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    rotate = verbs.add_parser("rotate", help="a new signing key; old tokens stay valid")
    rotate.add_argument("--data", help="data folder (default: as `helixnet serve`)")


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet import datafolder, settings

    data = settings.load({"data": args.data}).settings.data
    print(f"tokens are signed with key {datafolder.rotate_keys(data)} from now on")
    return 0
