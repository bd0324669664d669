"""``helixnet inputs list|set|remove``: values that a tenant gives to all its contexts."""

import argparse
from typing import Any

from helixnet.cli.arguments import add_server_arguments, add_tenant_argument

COLUMNS = ("name", "value")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="the values of your tenant")
    put = verbs.add_parser("set", help="give values, to files that come from now on")
    put.add_argument("values", nargs="+", metavar="K=V", help="an input's value: plant=1000")
    remove = verbs.add_parser("remove", help="give these values no more")
    remove.add_argument("names", nargs="+", metavar="NAME", help="of an input")
    for verb in (listing, put, remove):
        add_tenant_argument(verb)
        add_server_arguments(verb)


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show

    server = connection.connect(args)
    if args.verb == "list":
        found = server.get("/inputs", tenant=args.tenant)
    else:
        found = _change(server, args)
    if args.json:
        show.show_json(found)
    else:
        rows = [{"name": name, "value": value} for name, value in found.items()]
        show.show_table(rows, COLUMNS)
    return 0


def _change(server: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Change what is named only, so that two who change others don't undo each other.

    Raises:
        UsageError: a name to remove has no value.
    """
    from helixnet.cli import show
    from helixnet.errors import UsageError

    params = {"tenant": args.tenant} if args.tenant else {}
    if args.verb == "set":
        changes: dict[str, str | None] = dict(show.pair(item) for item in args.values)
    else:
        changes = dict.fromkeys(args.names)
        there = server.get("/inputs", **params)
        if missing := [name for name in changes if name not in there]:
            raise UsageError(f"the tenant gives no value to {', '.join(missing)}")
    found: dict[str, Any] = server.send("PATCH", "/inputs", json=changes, params=params).json()
    return found
