"""Arguments that many commands share; importing this costs nothing."""

import argparse


def add_tenant_argument(parser: argparse.ArgumentParser) -> None:
    """Declare what an admin, who belongs to no tenant, must add."""
    parser.add_argument("--tenant", help="for an admin without tenant only")


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what every command takes that talks to a server."""
    parser.add_argument("--url", help="address of the server (default: HELIXNET_URL)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def add_join_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the second files that every command takes which maps a file."""
    parser.add_argument(
        "--join",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="second file for a join of the context",
    )
