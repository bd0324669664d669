"""``helixnet replay``: run many finished jobs again, or see what that would change."""

import argparse
from typing import TYPE_CHECKING, Any, Final, cast

from helixnet.cli.arguments import add_server_arguments, add_tenant_argument

if TYPE_CHECKING:
    from helixnet.cli.connection import Server

PAUSE: Final = 1.0  # seconds between two looks at a dry run
COLUMNS: Final = ("job", "before", "after", "same", "changed", "added", "removed", "rejects")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", metavar="JOB", nargs="*", help="ids of jobs; or filters:")
    parser.add_argument("--flow", help="jobs of this flow")
    parser.add_argument("--of-context", metavar="NAME", help="jobs whose run had this context")
    parser.add_argument("--state", action="append", help="PARTIAL, FAILED, …; may be repeated")
    parser.add_argument("--since", metavar="TIME", help="accepted at or after (RFC 3339)")
    parser.add_argument("--until", metavar="TIME", help="accepted before (RFC 3339)")
    parser.add_argument("--text", help="jobs whose file name contains this")
    parser.add_argument("--topic", metavar="NAME", help="jobs of the events of this topic, with:")
    parser.add_argument("--first", type=int, metavar="N", help="from this position or offset")
    parser.add_argument("--last", type=int, metavar="N", help="to this one")
    parser.add_argument("--partition", type=int, metavar="P", help="by offsets of the bus")
    parser.add_argument("--context", metavar="C[@V]", help="another published context")
    parser.add_argument(
        "--deliver",
        choices=("none", "changed", "all"),
        default="none",
        help="what the new runs tell on their topics (default: none)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only tell what would change")
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


def topic_of(args: argparse.Namespace) -> dict[str, Any] | None:
    """Return the range of a topic that was asked for.

    Raises:
        UsageError: the topic or one of its bounds is missing.
    """
    from helixnet.errors import UsageError

    bounds = {"first": args.first, "last": args.last, "partition": args.partition}
    given = {name: value for name, value in bounds.items() if value is not None}
    if not args.topic and not given:
        return None
    if not args.topic or not {"first", "last"} <= given.keys():
        raise UsageError(
            "a range of a topic needs all of --topic, --first and --last",
            hint="--topic helix.results --first 1 --last 200",
        )
    return {"name": args.topic, **given}


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, show

    select = {
        "jobs": args.job,
        "flow": args.flow,
        "context": args.of_context,
        "state": args.state,
        "since": time_of("since", args.since),
        "until": time_of("until", args.until),
        "text": args.text,
        "topic": topic_of(args),
    }
    request = {
        "select": {name: value for name, value in select.items() if value},
        "context": args.context,
        "deliver": args.deliver,
        "dry_run": args.dry_run,
        "tenant": args.tenant,
    }
    server = connection.connect(args)
    done = exact(server.send("POST", "/replays", json=request).content)
    if args.dry_run:
        done |= awaited(server, done)
    if args.json:
        show.show_exact(done)
    else:
        show_replay(done)
    return 1 if done["state"] == "FAILED" else 0


def awaited(server: "Server", done: dict[str, Any]) -> dict[str, Any]:
    """Ask for a dry run until it has ended; it has a limit of its own."""
    import time

    while done["state"] == "PENDING":
        time.sleep(PAUSE)
        answer = server.send("GET", f"/replays/{done['replay_id']}")
        done = exact(answer.content) | {
            "left_out": done["left_out"]  # what the selection left out, the errand does not know
        }
    return done


def exact(content: bytes) -> dict[str, Any]:
    """Read an answer so that the numbers of documents keep every digit.

    Raises:
        UnavailableError: what answers is no HelixNet.
    """
    from helixnet.engine.output import read_json
    from helixnet.errors import RejectedError, UnavailableError

    try:
        return cast("dict[str, Any]", read_json(content))
    except RejectedError as error:
        raise UnavailableError("what answers is no HelixNet", hint="set HELIXNET_URL") from error


def show_replay(done: dict[str, Any]) -> None:
    """Print a replay for a person."""
    number = len(done["jobs"])
    if not number and not done["left_out"]:
        print("no job is what was asked for: nothing runs again")
        return
    jobs, runs = ("1 job", "runs") if number == 1 else (f"{number} jobs", "run")
    what = "would run again" if done["dry_run"] else f"{runs} again as replay {done['replay_id']}"
    print(f"{jobs} {what}; {done['unchanged']} with an unchanged context")
    if done["state"] == "PENDING":
        print(f"{done['begun']} of {done['selected']} have begun, the others follow")
    for job in () if done["comparison"] else done["jobs"]:
        print(job)
    for item in done["left_out"]:
        print(f"left out: {item['job_id']}: {item['reason']}")
    for error in done["errors"]:
        print(f"not compared: {error.get('code', '')}: {error.get('message', '')}")
    if done["comparison"]:
        show_comparison(done["comparison"])


def show_comparison(found: dict[str, Any]) -> None:
    """Print what would change: sums, a line a job, then samples."""
    from helixnet.cli import show

    total = found["total"]
    documents, rejects = total["documents"], total["rejects"]
    print(
        f"compared {total['jobs']}: {total['jobs_that_change']} would change, "
        f"{total['jobs_that_fail']} would fail"
    )
    print(
        "documents: " + ", ".join(f"{number} {name}" for name, number in documents.items()),
        f"rejects: {rejects['before']} before, {rejects['after']} after",
        sep="\n",
    )
    show.show_table([line_of(job) for job in found["jobs"]], COLUMNS)
    for job in found["jobs"]:
        for text in samples_of(job):
            print(f"{job['job_id']}: {show.plain(text)}")
    for item in found["not_compared"]:
        print(f"not compared: {item['job_id']}: {show.plain(item['reason'])}")


def line_of(job: dict[str, Any]) -> dict[str, Any]:
    """Make one table row of a compared job."""
    before, after, documents = job["before"], job["after"], job["documents"]
    rejected = [side["counts"]["rejected"] for side in (before, after)]
    return {
        "job": job["job_id"],
        "before": before["state"],
        "after": after["state"],
        "same": documents["unchanged"],
        "rejects": "{} -> {}".format(*rejected),
        **{name: documents[name] for name in ("changed", "added", "removed")},
    }


def samples_of(job: dict[str, Any]) -> list[str]:
    """Write each shown difference, and why the first rejects would be some, as a line."""
    from helixnet.engine.output import json_text

    def text(side: dict[str, Any], name: str) -> str:
        return json_text(side[name]) if name in side else "nothing"

    lines: list[str] = []
    for sample in job["samples"]:
        lines += [f"{kind} {text(sample, kind)}" for kind in ("added", "removed") if kind in sample]
        lines += [
            f"changed {place['pointer']}: {text(place, 'before')} -> {text(place, 'after')}"
            for place in sample.get("changed", ())
        ]
    if job["after"].get("message"):
        lines.append(f"would fail: {job['after']['code']}: {job['after']['message']}")
    for reject in job["rejects"]:
        fault = reject["errors"][0]
        lines.append(f"would reject record {reject['record']}: {fault['code']}: {fault['message']}")
    return lines
