"""``helixnet rejects list|show``: records set aside, on a server."""

import argparse
from typing import Any

from helixnet.cli.arguments import add_server_arguments
from helixnet.cli.faults import faults


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="rejects of one job, or samples of the newest jobs")
    listing.add_argument("--job", help="id of the job")
    listing.add_argument("--code", help="only this HX-#### code")
    listing.add_argument("--limit", type=int, default=50, help="how many at most (default 50)")
    show = verbs.add_parser("show", help="one reject with its raw record")
    show.add_argument("job", metavar="JOB", help="id of the job")
    show.add_argument("record", metavar="RECORD", type=int, help="number of the record")
    for verb in (listing, show):
        add_server_arguments(verb)


def lines(rejects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make one table row of each fault."""
    return [
        {
            "job": reject.get("job_id", ""),
            "record": reject["record"],
            "line": error.get("source", {}).get("line") or reject["line"],
            "field": error.get("source", {}).get("field", ""),
            "code": error["code"],
            "value": error.get("value"),
            "message": error["message"],
            "feeds": error["targets"],
        }
        for reject in rejects
        for error in faults(reject["errors"])
    ]


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show
    from helixnet.errors import NotFoundError

    server = connection.connect(args)
    if args.verb == "show":
        page = server.get(
            f"/jobs/{connection.segment(args.job)}/rejects", record=args.record, limit=1
        )
        found = [item for item in page["rejects"] if item["record"] == args.record]
        if not found:
            raise NotFoundError(f"job {args.job} has no reject of record {args.record}")
        show.show_json(found[0])
        return 0
    path = f"/jobs/{connection.segment(args.job)}/rejects" if args.job else "/rejects"
    rejects = server.get(path, code=args.code, limit=args.limit)["rejects"]
    if args.json:
        show.show_json(rejects)
    else:
        show.show_table(
            lines(rejects), ("job", "record", "line", "field", "code", "value", "message", "feeds")
        )
    return 0
