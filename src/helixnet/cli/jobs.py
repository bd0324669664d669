"""``helixnet jobs list|show|result|cancel|rerun``: jobs on a server."""

import argparse
from pathlib import Path
from typing import Any

from helixnet.cli.arguments import add_server_arguments

COLUMNS = ("job_id", "state", "run", "filename", "context", "flow", "created", "result")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="the newest jobs first")
    listing.add_argument("--state", help="PENDING, PROCESSING, COMPLETED, PARTIAL, FAILED, …")
    listing.add_argument("--flow", help="only jobs of this flow")
    listing.add_argument("--parent", metavar="JOB", help="only children of this job")
    listing.add_argument("--text", help="only jobs whose file name contains this")
    listing.add_argument("--limit", type=int, default=50, help="how many at most (default 50)")
    show = verbs.add_parser("show", help="state, counts and errors of a job")
    fetch = verbs.add_parser("result", help="the documents of a finished run, as NDJSON")
    fetch.add_argument("--run", type=int, metavar="N", help="of this run (default: the newest)")
    fetch.add_argument(
        "-o", "--output", metavar="OUT", help="write here instead of on stdout; outputs: a folder"
    )
    fetch.add_argument("--only", metavar="NAME", help="of several outputs only this one")
    cancel = verbs.add_parser("cancel", help="end a job's open run for good")
    rerun = verbs.add_parser("rerun", help="run a job again, with the same or another context")
    rerun.add_argument("--context", help="a context file, folder or zip, or a published NAME[@V]")
    rerun.add_argument(
        "--present-inputs",
        action="store_true",
        help="with the tenant's values of now (see inputs), not those of the last run",
    )
    rerun.add_argument("--wait", action="store_true", help="wait until the run has ended")
    for verb in (show, fetch, cancel, rerun):
        verb.add_argument("job", metavar="JOB", help="id of the job")
    for verb in (listing, show, fetch, cancel, rerun):
        add_server_arguments(verb)


def show_job(job: dict[str, Any]) -> None:
    """Print one job for a person."""
    for name in ("job_id", "state", "run", "filename", "context", "result_path"):
        if job.get(name) is not None:
            print(f"{name:12} {job[name]}")
    print(f"{'result':12} {result(job)}")
    counts: dict[str, int] = job["counts"]
    errors: list[dict[str, Any]] = job["errors"]
    print("counts       " + ", ".join(f"{name} {number}" for name, number in counts.items()))
    if job.get("parent"):
        print(f"parent       {job['parent']} run {job['parent_run']}, {job['corrects']} rejects")
    if counts["rejected"]:
        print(f"open         {job['rejects_open']} rejects")
    for child in job["children"]:
        note = " (superseded)" if child["superseded"] else ""
        print(f"child        {child['job_id']} {child['state']} {child['corrects']} rejects{note}")
    for error in errors:
        print(f"error        {error.get('code', '')}: {error.get('message', '')}")


def result(job: dict[str, Any]) -> str:
    """Say whether a job's result can be had."""
    if job["results_gone"]:
        return "removed"
    return "there" if job["result_path"] else "none"


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, following, show

    server = connection.connect(args)
    if args.verb == "list":
        names = ("state", "flow", "parent", "text", "limit")
        found = server.get("/jobs", **{name: getattr(args, name) for name in names})
        if args.json:
            show.show_json(found["jobs"])
        else:
            rows = [row | {"result": result(row)} for row in found["jobs"]]
            several = len({row["tenant"] for row in rows}) > 1  # as an admin without tenant sees
            show.show_table(rows, (*COLUMNS, "tenant") if several else COLUMNS)
        return 0
    if args.verb == "result":
        return fetch_result(server, args)
    if args.verb == "rerun":
        job = rerun(server, args.job, args.context, present=args.present_inputs)
        if args.wait:
            job = following.wait(server, args.job, run=int(job["run"]))
    elif args.verb == "cancel":
        job = server.post(f"/jobs/{connection.segment(args.job)}/cancel")
    else:
        job = server.get(f"/jobs/{connection.segment(args.job)}")
    if args.json:
        show.show_json(job)
    else:
        show_job(job)
    waited = args.verb == "rerun" and args.wait
    return 1 if waited and job["state"] != "COMPLETED" else 0


def fetch_result(server: Any, args: argparse.Namespace) -> int:
    """Print or save a result; return the exit status."""
    from helixnet.cli import results, show

    if args.output is None:
        results.print_result(server, args.job, run=args.run, only=args.only)
        return 0
    results.save_result(server, args.job, Path(args.output), run=args.run, only=args.only)
    if args.json:
        show.show_json({"job_id": args.job, "file": args.output})
    return 0


def rerun(server: Any, job: str, context: str | None, *, present: bool) -> dict[str, Any]:
    """Ask for a new run; a context that is a path is sent along, a name is looked up there."""
    from helixnet.cli.connection import segment
    from helixnet.engine.context.bundle import load_bundle

    path = f"/jobs/{segment(job)}/rerun"
    params = {"tenant_inputs": "present"} if present else {}
    if context and Path(context).exists():
        bundle = load_bundle(Path(context))
        files = {"bundle": ("bundle.zip", bundle.to_zip(), "application/zip")}
        return server.post(path, files=files, params=params)
    data = {"context": context} if context else {}
    return server.post(path, data=data, params=params)
