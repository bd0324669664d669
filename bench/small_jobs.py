"""W0: ten-line CSV jobs against a running embedded server, at saturation and at 20 a second."""

import asyncio
import json
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.scenario.running import EmbeddedHelix, Person

CONTEXT = Path(__file__).resolve().parent / "w0"
HEADER = "PO_NO;PO_DATE;CURRENCY;BUYER;NAME;LINE_NO;SKU;TEXT;QTY;UOM;PRICE\r\n"
BOUNDARY = "helixnet-bench"


@dataclass(frozen=True, slots=True)
class Rates:
    """Jobs a second at saturation; upload to COMPLETED in seconds; server ready in seconds."""

    jobs: int
    per_second: float
    p50: float
    p95: float
    ready: float


def body(number: int) -> bytes:
    """Make the multipart body of one job: a CSV of ten lines, for the flow `bench`."""
    lines = "".join(
        f"{number};23.11.2026;EUR;C100;;{line * 10};AB-{line};;1,500;ST;1.012,34\r\n"
        for line in range(1, 11)
    )
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="flow"\r\n\r\nbench\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content_file"; '
        f'filename="{number}.csv"\r\nContent-Type: text/csv\r\n\r\n{HEADER}{lines}\r\n'
        f"--{BOUNDARY}--\r\n"
    ).encode()


class Client:
    """One kept-alive HTTP connection, with as little work of its own as can be."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"

    async def open(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def upload(self, number: int) -> str:
        """Upload one job; return its id."""
        content = body(number)
        self.writer.write(
            f"POST /api/v1/jobs/upload HTTP/1.1\r\n{self.head}"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        answer: dict[str, Any] = json.loads(await self.reader.readexactly(length))
        if b" 201 " not in head.split(b"\r\n")[0] + b" ":
            raise SystemExit(f"upload failed: {answer}")
        return str(answer["job_id"])


async def results(client: Client, ended: dict[str, float], stop: asyncio.Event) -> None:
    """Note when each job's result event arrives."""
    await client.open()
    client.writer.write(
        f"GET /api/v1/topics/helix.results HTTP/1.1\r\n{client.head}"
        "Accept: text/event-stream\r\n\r\n".encode()
    )
    while not stop.is_set():
        line = await client.reader.readline()
        if line.startswith(b"data:"):
            ended[json.loads(line[5:])["job"]] = time.monotonic()


async def until_all(jobs: dict[str, float], ended: dict[str, float]) -> None:
    """Wait until every job has ended."""
    deadline = time.monotonic() + 120
    while not jobs.keys() <= ended.keys():
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(jobs.keys() - ended.keys())} jobs did not end in 120 s")
        await asyncio.sleep(0.02)


async def drive(port: int, token: str, jobs: int, seconds: float) -> tuple[float, dict[str, float]]:
    """Load the server; return jobs a second at saturation and when each paced job was sent."""
    ended: dict[str, float] = {}
    stop = asyncio.Event()
    listener = asyncio.create_task(results(Client(port, token), ended, stop))
    clients = [Client(port, token) for _ in range(32)]
    for client in clients:
        await client.open()
    sent: dict[str, float] = {}
    numbers = iter(range(1_000_000, 1_000_000 + jobs))

    async def saturate(client: Client) -> None:
        for number in numbers:
            started = time.monotonic()
            sent[await client.upload(number)] = started

    started = time.monotonic()
    await asyncio.gather(*map(saturate, clients))
    await until_all(sent, ended)
    rate = jobs / (max(ended.values()) - started)
    paced: dict[str, float] = {}  # wall clock of the request's begin
    tasks: list[asyncio.Task[None]] = []

    async def one(client: Client, number: int) -> None:
        begun = time.time()
        paced[await client.upload(number)] = begun

    for number in range(int(seconds * 20)):
        tasks.append(asyncio.create_task(one(clients[number % 32], 2_000_000 + number)))
        await asyncio.sleep(0.05)
    await asyncio.gather(*tasks)
    await until_all(paced, ended)
    stop.set()
    listener.cancel()
    return rate, paced


def prepare(url: str) -> str:
    """Publish the context and its flow; return a token."""
    person = Person(url, "demo")
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


def measure(*, jobs: int, seconds: float) -> Rates:
    """Start a server with the product's defaults on a temporary folder, load it, end it."""
    with tempfile.TemporaryDirectory(prefix="helixnet-bench-") as folder:
        helix = EmbeddedHelix(Path(folder) / "data")
        started = time.monotonic()
        helix.start()
        ready = time.monotonic() - started
        try:
            token = prepare(helix.url)
            asyncio.run(drive(helix.port, token, 50, 1))  # warm
            rate, sent = asyncio.run(drive(helix.port, token, jobs, seconds))
            times = durations(Person(helix.url, "demo"), sent)
        finally:
            helix.stop()
    return Rates(jobs, rate, median(times), quantiles(times, n=20)[18], ready)
