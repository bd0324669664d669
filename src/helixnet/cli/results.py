"""A run's result as it is fetched: streamed to standard output or into a file."""

import sys
from pathlib import Path

from helixnet.cli.aside import Aside, writing
from helixnet.cli.connection import Server, segment
from helixnet.cli.streams import StandardOutput


def print_result(server: Server, job_id: str, *, run: int | None = None) -> None:
    """Stream the documents of a run to standard output; without ``run``, of the current one.

    Raises:
        HelixNetError: the server has no such result, or standard output can't be written.
    """
    _stream(server, job_id, run, StandardOutput())
    with writing("standard output"):
        sys.stdout.flush()


def save_result(server: Server, job_id: str, path: Path, *, run: int | None = None) -> None:
    """Write the documents of a run into a file that appears only when it is whole.

    Raises:
        HelixNetError: the server has no such result, or the file can't be written.
    """
    file = Aside(path, lazy=True)
    try:
        _stream(server, job_id, run, file)
        file.write(b"")  # a result of no documents is a file too
        file.keep()
    finally:
        file.drop()


def _stream(server: Server, job_id: str, run: int | None, sink: Aside | StandardOutput) -> None:
    params = {} if run is None else {"run": run}
    with server.stream(f"/jobs/{segment(job_id)}/result", params=params) as blocks:
        for block in blocks:
            sink.write(block)
