"""W0: ten-line CSV jobs against a running HelixNet, at saturation and at 20 a second."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles

from bench.load import Client, Loaded, drive
from tests.scenario.running import EmbeddedHelix, Person

CONTEXT = Path(__file__).resolve().parent / "w0"
WARM = 50


@dataclass(frozen=True, slots=True)
class Rates:
    """Jobs a second at saturation; upload to COMPLETED in seconds; what a job cost there.

    Args:
        cpu: milliseconds of processor a job at saturation, by part of the system.
        operations: requests to the object store a job at saturation, by kind.
    """

    jobs: int
    per_second: float
    p50: float
    p95: float
    ready: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict[str, float])
    operations: dict[str, float] = field(default_factory=dict[str, float])


def results(port: int, token: str) -> Callable[[], AsyncIterator[str]]:
    """Yield the id of each job whose result event arrives."""

    async def ends() -> AsyncIterator[str]:
        client = Client(port, token)
        await client.open()
        client.writer.write(
            f"GET /api/v1/topics/helix.results HTTP/1.1\r\n{client.head}"
            "Accept: text/event-stream\r\n\r\n".encode()
        )
        while line := await client.reader.readline():
            if line.startswith(b"data:"):
                yield json.loads(line[5:])["job"]

    return ends


def prepare(url: str, name: str = "demo") -> str:
    """Publish the context and its flow as a person; return the person's token."""
    person = Person(url, name)
    names = ("context.yaml", "purchase-order.schema.json")
    files = [("files", (name, (CONTEXT / name).read_bytes())) for name in names]
    published = person.http.post("/contexts", files=files).raise_for_status().json()
    flow = {"name": "bench", "match": "bench/*.csv", "context": published["name"]}
    person.http.post("/flows", json=flow).raise_for_status()
    return person.token


def durations(person: Person, sent: dict[str, float]) -> list[float]:
    """Return for each job the seconds from its request to the commit that made it COMPLETED."""
    found: list[float] = []
    for job_id, begun in sent.items():
        job = person.job(job_id)
        if job["state"] != "COMPLETED":
            raise SystemExit(f"job {job_id} ended {job['state']}")
        found.append(datetime.fromisoformat(job["finished"]).timestamp() - begun)
    return found


def load(port: int, token: str, *, jobs: int, seconds: float) -> Loaded:
    """Load a HelixNet's gateway; with ``jobs`` 0 at 20 a second only."""
    return asyncio.run(drive(port, token, results(port, token), jobs=jobs, seconds=seconds))


def percentiles(times: list[float]) -> tuple[float, float]:
    """Return the 50th and the 95th."""
    return median(times), quantiles(times, n=20)[18]


def measure(*, jobs: int, seconds: float) -> Rates:
    """Start a server with the product's defaults on a temporary folder, load it, end it."""
    with tempfile.TemporaryDirectory(prefix="helixnet-bench-") as folder:
        helix = EmbeddedHelix(Path(folder) / "data")
        started = time.monotonic()
        helix.start()
        ready = time.monotonic() - started
        try:
            token = prepare(helix.url)
            load(helix.port, token, jobs=WARM, seconds=1)
            loaded = load(helix.port, token, jobs=jobs, seconds=seconds)
            p50, p95 = percentiles(durations(Person(helix.url, "demo"), loaded.paced))
        finally:
            helix.stop()
    return Rates(jobs, loaded.per_second, p50, p95, ready)
