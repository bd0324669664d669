"""Waiting for a job's run to end."""

import time
from typing import Any, Final

from helixnet.cli.connection import Server, segment

FINAL: Final = frozenset({"COMPLETED", "PARTIAL", "FAILED", "CANCELLED"})


def wait(server: Server, job_id: str, *, run: int = 1, pause: float = 0.1) -> dict[str, Any]:
    """Read a job until its run has ended; return the job."""
    while True:
        job: dict[str, Any] = server.get(f"/jobs/{segment(job_id)}")
        if int(job["run"]) >= run and job["state"] in FINAL:
            return job
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)
