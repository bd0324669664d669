"""Rejected records given back as a file, and sent on, corrected or as they are."""

import argparse
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from helixnet.cli import following, show
from helixnet.cli.aside import Aside, writing
from helixnet.cli.connection import Server, segment
from helixnet.errors import HelixNetError, UsageError

# The shell knows which editor the person wants; it gets the file as its argument.
EDITOR: Final = ["sh", "-c", 'exec ${VISUAL:-${EDITOR:-vi}} "$1"', "sh"]


def save_raw(server: Server, args: argparse.Namespace) -> int:
    """Write the rejected records, as a file of their own format, to a file or stdout."""
    import sys

    answer = _raw(server, args.job, args.record)
    if args.output is None:
        sys.stdout.buffer.write(answer.content)
        sys.stdout.buffer.flush()
    else:
        target = Aside(Path(args.output))
        try:
            target.write(answer.content)
            target.keep()
        finally:
            target.drop()
    left = answer.headers["X-Helix-Left-Open"]
    if left != "0":
        print(f"helixnet: {left} more are open", file=sys.stderr)
    return 0


def _raw(server: Server, job: str, records: list[int]) -> Any:
    path = f"/jobs/{segment(job)}/rejects.raw"
    return server.send("GET", path, params={"record": records} if records else {})


def fix(server: Server, args: argparse.Namespace) -> int:
    """Send corrected records on, from a file or from an editor."""
    if args.edit:
        return _edit(server, args)
    with writing(args.file):
        content = Path(args.file).read_bytes()
    return _told(server, args, [_send(server, args, content, {})])


def _edit(server: Server, args: argparse.Namespace) -> int:
    """Let a person correct the records; what was typed is kept until the server has it."""
    given = _raw(server, args.job, args.record)
    name = Path(str(server.get(f"/jobs/{segment(args.job)}")["filename"])).name
    folder = Path(mkdtemp(prefix="helixnet-"))
    path = folder / f"rejects-{name}"
    path.write_bytes(given.content)
    with _kept(path, given.content):
        if subprocess.run([*EDITOR, str(path)], check=False).returncode != 0:  # noqa: S603 - the person's own
            raise UsageError("the editor ended with an error; nothing was sent")
        content = path.read_bytes()
        if content == given.content:
            raise UsageError("nothing was changed, so nothing was sent", hint="rejects requeue")
        made = _send(server, args, content, {"If-Match": given.headers["ETag"]})
    path.unlink()
    folder.rmdir()
    return _told(server, args, [made])


@contextmanager
def _kept(path: Path, given: bytes) -> Generator[None]:
    """On an error, say where the corrections are; without any, leave nothing."""
    try:
        yield
    except HelixNetError as error:
        if path.read_bytes() == given:
            path.unlink()
            path.parent.rmdir()
        else:
            error.hint = f"{error.hint}; " * bool(error.hint) + f"your text is kept in {path}"
        raise


def _send(
    server: Server, args: argparse.Namespace, content: bytes, headers: dict[str, str]
) -> dict[str, Any]:
    said = {"records": ",".join(map(str, args.record)), **_wishes(args)}
    return server.post(
        f"/jobs/{segment(args.job)}/rejects/fix",
        files={"content_file": ("corrected", content)},
        data={name: value for name, value in said.items() if value},
        headers=headers,
    )


def requeue(server: Server, args: argparse.Namespace) -> int:
    """Send records on as they are; more than one child takes, in several."""
    path = f"/jobs/{segment(args.job)}/rejects/requeue"
    body = {"records": args.record, **_wishes(args)}
    made = [server.post(path, body)]
    while made[-1]["more"]:
        made.append(server.post(path, body))
    return _told(server, args, made)


def _wishes(args: argparse.Namespace) -> dict[str, str]:
    given = {"context": args.context, "deliver": args.deliver}
    return {name: value for name, value in given.items() if value}


def _told(server: Server, args: argparse.Namespace, made: list[dict[str, Any]]) -> int:
    """Print the children, and wait for them where that was asked for; return the exit status."""
    ended: dict[str, dict[str, Any]] = {}
    if args.wait:
        ended = {child["job_id"]: following.wait(server, child["job_id"]) for child in made}
        made = [child | {"state": ended[child["job_id"]]["state"]} for child in made]
    if args.json:
        show.show_json(made)
    else:
        for child in made:
            number = child["records"]
            print(f"{child['job_id']} {child['state']}: {number} of {child['parent']}'s rejects")
            for error in ended.get(child["job_id"], {}).get("errors", ()):
                hint = error.get("hint", "")
                text = f"{error.get('code', '')}: {error.get('message', '')}"
                print(show.plain(f"  {text}{f'; try: {hint}' if hint else ''}"))
        if made[-1]["left_open"]:
            print(f"{made[-1]['left_open']} are still open")
    return 1 if any(job["state"] != "COMPLETED" for job in ended.values()) else 0
