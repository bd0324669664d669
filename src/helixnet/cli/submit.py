"""``helixnet submit FILE``: send a file to a server, for a context or a flow."""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from helixnet.cli.arguments import add_server_arguments, add_tenant_argument

BUNDLES: Final = frozenset({".yaml", ".yml", ".zip"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", metavar="FILE", help="the file to map; - reads the pipe")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--context", metavar="C", help="a context file, folder or zip, or a published NAME[@V]"
    )
    how.add_argument("--flow", metavar="NAME", help="a flow of your tenant on the server")
    parser.add_argument("--key", help="Idempotency-Key: the same key makes one job, however often")
    parser.add_argument("--wait", action="store_true", help="wait and print the result on stdout")
    add_tenant_argument(parser)
    add_server_arguments(parser)


def upload(server: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Send the file with its context or flow; return what the server answered."""
    from helixnet.cli.streams import STDIN, opened
    from helixnet.errors import UsageError

    path = Path("stdin" if args.file == STDIN else args.file)
    if args.file != STDIN and not path.is_file():
        raise UsageError(f"{path}: no such file")
    headers = {"Idempotency-Key": args.key} if args.key else {}
    data = {name: value for name in ("flow", "tenant") if (value := getattr(args, name))}
    files: dict[str, object] = {}
    if args.context and published(args.context):
        data["context"] = args.context
    elif args.context:
        files["context_file"] = ("bundle.zip", zipped(args.context), "application/zip")
    try:
        with opened(args.file) as content:
            files["content_file"] = (path.name, content)
            return server.post("/jobs/upload", files=files, data=data, headers=headers)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def published(context: str) -> bool:
    """Say whether a context is the name of a published one: there is no such path, nor may be."""
    path = Path(context)
    return not path.exists() and path.name == context and path.suffix not in BUNDLES


def zipped(context: str) -> bytes:
    """Pack a context with its files."""
    from helixnet.engine.context.bundle import load_bundle

    return load_bundle(Path(context)).to_zip()


def tell_rejects(job: dict[str, Any]) -> None:
    """Say on stderr what a run that did not use everything made of the records."""
    counts: dict[str, int] = job["counts"]
    if job["state"] not in {"PARTIAL", "FAILED"} or not any(counts.values()):
        return
    told = ", ".join(f"{name} {number}" for name, number in counts.items())
    print(f"helixnet: {told}", file=sys.stderr)
    if counts["rejected"]:
        print(
            f"helixnet: {counts['rejected']} of {counts['records']} records rejected: "
            f"helixnet rejects list --job {job['job_id']}",
            file=sys.stderr,
        )


def main(args: argparse.Namespace) -> int:
    """Do it; return the exit status."""
    from helixnet.cli import connection, following, results, show

    server = connection.connect(args)
    job = upload(server, args)
    if args.wait:
        job = following.wait(server, job["job_id"])
        print(f"helixnet: job {job['job_id']} {job['state']}", file=sys.stderr)
        tell_rejects(job)
        errors: list[dict[str, Any]] = job["errors"]
        for error in errors:
            print(f"helixnet: {error['code']}: {error['message']}", file=sys.stderr)
    if args.json:
        show.show_json(job)
    elif not args.wait:
        print(job["job_id"])
    elif job["state"] in {"COMPLETED", "PARTIAL"}:
        results.print_result(server, job["job_id"])
    return 0 if not args.wait or job["state"] == "COMPLETED" else 1
