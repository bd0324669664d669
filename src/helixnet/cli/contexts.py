"""``helixnet contexts publish|list|diff``: contexts on a server; a version never changes."""

import argparse
from pathlib import Path

from helixnet.cli.arguments import add_server_arguments, add_tenant_argument

COLUMNS = ("name", "version", "hash", "created", "created_by", "tenant")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    publish = verbs.add_parser("publish", help="check a context and keep it under name and version")
    publish.add_argument("context", metavar="CONTEXT", help="a context file, folder or zip")
    listing = verbs.add_parser("list", help="the published contexts of your tenant")
    diff = verbs.add_parser("diff", help="which files differ between two versions")
    diff.add_argument("name", metavar="NAME", help="of the context")
    diff.add_argument("one", metavar="VERSION", help="a version")
    diff.add_argument("other", metavar="VERSION", nargs="?", help="another; default the newest")
    for verb in (publish, listing, diff):
        add_tenant_argument(verb)
        add_server_arguments(verb)


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show
    from helixnet.engine.context.bundle import load_bundle

    server = connection.connect(args)
    if args.verb == "publish":
        zipped = load_bundle(Path(args.context)).to_zip()
        data = {"tenant": args.tenant} if args.tenant else {}
        files = {"files": ("bundle.zip", zipped, "application/zip")}
        made = server.post("/contexts", files=files, data=data)
        if args.json:
            show.show_json(made)
        else:
            print(f"published {made['name']}@{made['version']} {made['hash']}")
        return 0
    if args.verb == "list":
        found = server.get("/contexts", tenant=args.tenant)["contexts"]
        columns = COLUMNS
    else:
        path = f"/contexts/{connection.segment(args.name)}/diff"
        found = server.get(path, one=args.one, other=args.other, tenant=args.tenant)["files"]
        columns = ("file", "one", "other")
    if args.json:
        show.show_json(found)
    else:
        show.show_table(found, columns)
    return 0
