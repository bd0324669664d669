"""A run's result as it is fetched: streamed to standard output or into a file."""

import sys
from pathlib import Path
from typing import Any

from helixnet.cli.aside import Aside, writing
from helixnet.cli.connection import Server, segment
from helixnet.cli.folder import AsideFolder
from helixnet.cli.streams import StandardOutput


def print_result(
    server: Server, job_id: str, *, run: int | None = None, only: str | None = None
) -> None:
    """Stream the documents of a run to standard output.

    Args:
        server: that has it.
        job_id: of the job.
        run: which run; the current one unless given.
        only: of several outputs this one.

    Raises:
        HelixNetError: the server has no such result, or standard output can't be written.
    """
    _stream(server, job_id, run, only, StandardOutput())
    with writing("standard output"):
        sys.stdout.flush()


def save_result(
    server: Server, job_id: str, path: Path, *, run: int | None = None, only: str | None = None
) -> None:
    """Write the documents of a run into a file that appears only when it is whole.

    Several outputs become a folder with a file each, unless one of them is named.

    Raises:
        HelixNetError: the server has no such result, or the file can't be written.
    """
    names = [] if only else _outputs(server, job_id, run)
    folder = AsideFolder(path, [f"{name}.ndjson" for name in names]) if names else None
    file = None if folder else Aside(path, lazy=True)
    sinks = folder.files if folder else [file] if file else []
    made = folder or file
    try:
        for name, sink in zip(names or [only], sinks, strict=True):
            _stream(server, job_id, run, name, sink)
            sink.write(b"")  # a result of no documents is a file too
        if made:
            made.keep()
    finally:
        if made:
            made.drop()


def _outputs(server: Server, job_id: str, run: int | None) -> list[str]:
    """Return the names of a run's outputs; none where the only one has no name."""
    job = server.get(f"/jobs/{segment(job_id)}")
    wanted = job["run"] if run is None else run
    runs: list[dict[str, Any]] = job["runs"]
    found = [one.get("outputs", ()) for one in runs if one["run"] == wanted]
    return [output["name"] for output in (found[0] if found else ())]


def _stream(
    server: Server, job_id: str, run: int | None, output: str | None, sink: Aside | StandardOutput
) -> None:
    given = {"run": run, "output": output}
    params = {name: value for name, value in given.items() if value is not None}
    with server.stream(f"/jobs/{segment(job_id)}/result", params=params) as blocks:
        for block in blocks:
            sink.write(block)
