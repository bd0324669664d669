"""One load for every system: the same requests over raw kept-alive connections, then their ends.

The client shares the cores with what it measures, so it does as little as it can.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

CLIENTS = 32
PER_SECOND = 20
BOUNDARY = "helixnet-bench"
HEADER = "PO_NO;PO_DATE;CURRENCY;BUYER;NAME;LINE_NO;SKU;TEXT;QTY;UOM;PRICE\r\n"


def table(number: int, orders: int = 1) -> str:
    """Make a CSV of orders, ten lines each; ``number`` is the first one's."""
    lines = (
        f"{order};23.11.2026;EUR;C100;;{line * 10};AB-{line};;1,500;ST;1.012,34\r\n"
        for order in range(number, number + orders)
        for line in range(1, 11)
    )
    return HEADER + "".join(lines)


def body(number: int) -> bytes:
    """Make the multipart body of one job, for the flow `bench`."""
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="flow"\r\n\r\nbench\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content_file"; '
        f'filename="{number}.csv"\r\nContent-Type: text/csv\r\n\r\n{table(number)}\r\n'
        f"--{BOUNDARY}--\r\n"
    ).encode()


class Client:
    """One kept-alive HTTP connection."""

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


Ends = Callable[[], AsyncIterator[str]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Jobs a second at saturation; by job of the paced half: the time of its request's begin."""

    per_second: float
    paced: dict[str, float] = field(default_factory=dict[str, float])


async def _listen(ends: Ends, ended: dict[str, float]) -> None:
    async for job in ends():
        ended[job] = time.monotonic()


async def _until_all(jobs: dict[str, float], ended: dict[str, float]) -> None:
    deadline = time.monotonic() + 120
    while not jobs.keys() <= ended.keys():
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(jobs.keys() - ended.keys())} jobs did not end in 120 s")
        await asyncio.sleep(0.02)


async def _saturate(clients: list[Client], jobs: int, ended: dict[str, float]) -> float:
    sent: dict[str, float] = {}
    numbers = iter(range(1_000_000, 1_000_000 + jobs))

    async def upload(client: Client) -> None:
        for number in numbers:
            begun = time.monotonic()
            sent[await client.upload(number)] = begun

    started = time.monotonic()
    await asyncio.gather(*map(upload, clients))
    await _until_all(sent, ended)
    return jobs / (max(ended[job] for job in sent) - started)


async def _pace(clients: list[Client], seconds: float, ended: dict[str, float]) -> dict[str, float]:
    sent: dict[str, float] = {}  # wall clock, as the system under test has its own
    tasks: list[asyncio.Task[None]] = []

    async def upload(client: Client, number: int) -> None:
        begun = time.time()
        sent[await client.upload(number)] = begun

    for number in range(int(seconds * PER_SECOND)):
        client = clients[number % len(clients)]
        tasks.append(asyncio.create_task(upload(client, 2_000_000 + number)))
        await asyncio.sleep(1 / PER_SECOND)
    await asyncio.gather(*tasks)
    await _until_all(sent, ended)
    return sent


async def drive(port: int, token: str, ends: Ends, *, jobs: int, seconds: float) -> Loaded:
    """Load a system with all clients at once for ``jobs``, then at 20 a second for ``seconds``.

    Args:
        port: where it takes uploads.
        token: bearer token for it.
        ends: yields the id of each job that has ended, from now on.
        jobs: how many at saturation; 0 leaves that half out.
        seconds: how long the paced half lasts.
    """
    ended: dict[str, float] = {}
    listener = asyncio.create_task(_listen(ends, ended))
    clients = [Client(port, token) for _ in range(CLIENTS)]
    for client in clients:
        await client.open()
    await asyncio.sleep(0.2)  # the listener hears what ends from now on
    rate = await _saturate(clients, jobs, ended) if jobs else 0.0
    paced = await _pace(clients, seconds, ended)
    listener.cancel()
    for client in clients:
        client.writer.close()
    return Loaded(rate, paced)
