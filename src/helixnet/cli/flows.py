"""``helixnet flows list|add|remove``: which files of a tenant go to which context."""

import argparse

from helixnet.cli.arguments import add_server_arguments, add_tenant_argument

COLUMNS = ("name", "match", "context", "keep", "tenant")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="the flows of your tenant")
    add = verbs.add_parser("add", help="take files that match, with a context")
    add.add_argument("--match", required=True, help="path below the tenant's inbox: orders/*.csv")
    add.add_argument("--context", required=True, metavar="C[@V]", help="a published context")
    add.add_argument(
        "--keep", default="", metavar="AGE", help="how long a finished drop stays: 30d"
    )
    add.add_argument("--input", action="append", default=[], metavar="K=V", help="an input's value")
    add.add_argument(
        "--retain",
        action="append",
        default=[],
        metavar="CLASS=AGE",
        help="how long work, results, rejects or events stay: results=90d",
    )
    remove = verbs.add_parser("remove", help="take no more files for this flow")
    for verb in (add, remove):
        verb.add_argument("name", metavar="NAME", help="of the flow")
    for verb in (listing, add, remove):
        add_tenant_argument(verb)
        add_server_arguments(verb)


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show

    server = connection.connect(args)
    if args.verb == "list":
        flows = server.get("/flows", tenant=args.tenant)["flows"]
        if args.json:
            show.show_json(flows)
        else:
            show.show_table(flows, COLUMNS)
        return 0
    if args.verb == "remove":
        params = {"tenant": args.tenant} if args.tenant else {}
        server.send("DELETE", f"/flows/{connection.segment(args.name)}", params=params)
        return 0
    flow = {name: getattr(args, name) for name in ("name", "match", "context", "keep", "tenant")}
    flow["inputs"] = dict(show.pair(item) for item in args.input)
    kept = [show.pair(item) for item in args.retain]
    flow["retention"] = {kind: show.seconds(age) for kind, age in kept}
    made = server.post("/flows", flow)
    if args.json:
        show.show_json(made)
    else:
        print(f"flow {made['name']} takes {made['match']} with {made['context']}")
    return 0
