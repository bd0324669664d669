"""``helixnet completion bash|zsh``: the completion script, made from the parser itself."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=("bash", "zsh"), help="which shell")


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    import shtab

    from helixnet.cli.main import build_parser

    print(shtab.complete(build_parser(), args.shell))
    return 0
