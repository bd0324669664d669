"""``helixnet rejects list|show|fix|requeue``: records set aside, on a server."""

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
    show = verbs.add_parser("show", help="one reject, or with --raw all open ones as a file")
    show.add_argument("job", metavar="JOB", help="id of the job")
    show.add_argument("record", metavar="RECORD", type=int, nargs="*", help="numbers of records")
    show.add_argument("--raw", action="store_true", help="the records, as a file to be corrected")
    show.add_argument("-o", "--output", metavar="FILE", help="with --raw: write here")
    fix = verbs.add_parser("fix", help="send corrected records on, as a child job")
    how = fix.add_mutually_exclusive_group(required=True)
    how.add_argument("--file", metavar="FILE", help="the corrected file, as --raw gave it")
    how.add_argument("--edit", action="store_true", help="correct the records in $EDITOR")
    requeue = verbs.add_parser("requeue", help="send records on as they are, as a child job")
    for verb in (fix, requeue):
        _add_sending(verb)
    for verb in (listing, show, fix, requeue):
        add_server_arguments(verb)


def _add_sending(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("job", metavar="JOB", help="id of the parent job")
    verb.add_argument(
        "--record",
        metavar="N",
        type=int,
        nargs="+",
        action="extend",
        default=[],
        help="only these records of the parent (default: all open ones)",
    )
    verb.add_argument("--context", metavar="C[@V]", help="another published context")
    verb.add_argument("--deliver", choices=("none", "all"), help="default: as the parent's run")
    verb.add_argument("--wait", action="store_true", help="wait until the child has ended")


def lines(rejects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make one table row of each fault."""
    return [
        {
            "job": reject.get("job_id", ""),
            "record": reject["record"],
            "child": reject.get("child", ""),
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


def show_one(server: Any, args: argparse.Namespace) -> int:
    """Print one reject, or the records of many as a file."""
    from helixnet.cli import connection, corrections, show
    from helixnet.errors import NotFoundError, UsageError

    if args.raw:
        return corrections.save_raw(server, args)
    if len(args.record) != 1 or args.output:
        raise UsageError("name one record, or add --raw", hint="helixnet rejects show JOB 7")
    (number,) = args.record
    path = f"/jobs/{connection.segment(args.job)}/rejects"
    page = server.get(path, record=number, limit=1)
    found = [item for item in page["rejects"] if item["record"] == number]
    if not found:
        raise NotFoundError(f"job {args.job} has no reject of record {number}")
    show.show_json(found[0])
    return 0


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show

    server = connection.connect(args)
    if args.verb == "show":
        return show_one(server, args)
    if args.verb in {"fix", "requeue"}:
        from helixnet.cli import corrections

        send = corrections.fix if args.verb == "fix" else corrections.requeue
        return send(server, args)
    path = f"/jobs/{connection.segment(args.job)}/rejects" if args.job else "/rejects"
    rejects = server.get(path, code=args.code, limit=args.limit)["rejects"]
    if args.json:
        show.show_json(rejects)
    else:
        show.show_table(
            lines(rejects),
            ("job", "record", "line", "field", "code", "value", "message", "feeds", "child"),
        )
    return 0
