"""``helixnet replay``: run many finished jobs again, or see what that would do."""

import argparse

from helixnet.cli.arguments import add_server_arguments, add_tenant_argument


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
    add_tenant_argument(parser)
    add_server_arguments(parser)


def time_of(option: str, text: str | None) -> str | None:
    """Check a time before it is sent.

    Raises:
        UsageError: it is none, or has no offset (RFC 3339).
    """
    from datetime import datetime

    from helixnet.errors import UsageError

    if not text:
        return None
    try:
        known = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise UsageError(
            f"--{option} {text}: no time with an offset from UTC",
            hint=f"--{option} 2026-01-01T00:00:00Z, or …T00:00:00+01:00",
        )
    return text


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show

    server = connection.connect(args)
    select = {
        "jobs": args.job,
        "flow": args.flow,
        "context": args.of_context,
        "state": args.state,
        "since": time_of("since", args.since),
        "until": time_of("until", args.until),
        "text": args.text,
    }
    request = {
        "select": {name: value for name, value in select.items() if value},
        "context": args.context,
        "deliver": args.deliver,
        "dry_run": args.dry_run,
        "tenant": args.tenant,
    }
    done = server.post("/replays", request)
    if args.json:
        show.show_json(done)
        return 0
    what = "would run again" if args.dry_run else f"run again as replay {done['replay_id']}"
    number = len(done["jobs"])
    jobs = "1 job" if number == 1 else f"{number} jobs"
    print(f"{jobs} {what}; {done['unchanged']} with an unchanged context")
    for job in done["jobs"]:
        print(job)
    for item in done["left_out"]:
        print(f"left out: {item['job_id']}: {item['reason']}")
    return 0
