"""``helixnet users``: the demo users of a loopback-bound embedded server."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet import datafolder
    from helixnet.cli import show

    users = datafolder.demo_users()
    if args.json:
        show.show_json(users)
    else:
        show.show_table(users, ("user", "tenant", "roles"))
        print("(the password is the name; only on a server that is bound to loopback)")
    return 0
