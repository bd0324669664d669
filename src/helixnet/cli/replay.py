"""``helixnet replay``: run many finished jobs again, or see what that would do."""

import argparse

from helixnet.cli.arguments import add_server_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", metavar="JOB", nargs="*", help="ids of jobs; or filters:")
    parser.add_argument("--flow", help="jobs of this flow")
    parser.add_argument("--of-context", metavar="NAME", help="jobs whose run had this context")
    parser.add_argument("--state", action="append", help="PARTIAL, FAILED, …; may be repeated")
    parser.add_argument("--since", metavar="TIME", help="accepted at or after (RFC 3339)")
    parser.add_argument("--until", metavar="TIME", help="accepted before (RFC 3339)")
    parser.add_argument("--text", help="jobs whose file name contains this")
    parser.add_argument("--context", metavar="C[@V]", help="another published context")
    parser.add_argument("--deliver", choices=("none", "changed", "all"), default="none")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would run")
    add_server_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show

    server = connection.connect(args)
    select = {
        "jobs": args.job,
        "flow": args.flow,
        "context": args.of_context,
        "state": args.state,
        "since": args.since,
        "until": args.until,
        "text": args.text,
    }
    request = {
        "select": {name: value for name, value in select.items() if value},
        "context": args.context,
        "deliver": args.deliver,
        "dry_run": args.dry_run,
    }
    done = server.post("/replays", request)
    if args.json:
        show.show_json(done)
        return 0
    what = "would run again" if args.dry_run else f"run again as replay {done['replay_id']}"
    print(f"{len(done['jobs'])} jobs {what}; {done['unchanged']} with an unchanged context")
    print("\n".join(done["jobs"]))
    for item in done["left_out"]:
        print(f"left out: {item['job_id']}: {item['reason']}")
    return 0
