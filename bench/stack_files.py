"""What large loads do to the stack: many drops, one big file, a killed mapper, a long queue."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from scripts.stack import postgres

from bench.load import table
from bench.make_w1 import HEADER, line
from bench.small_jobs import prepare, results
from bench.w1 import CONTEXT, SCHEMA
from tests.scenario.running import Person, eventually, pss, session_of
from tests.scenario.stack import StackHelix

PUTS_AT_ONCE = 8
PATIENCE = 3600.0
SEED_LINES = 50_000


class Ends:
    """Notes when jobs end, from :meth:`begin` on."""

    def __init__(self, helix: StackHelix, token: str, count: int) -> None:
        self._stream, self._count = results(helix.port, token), count
        self._earlier: set[str] = set()
        self._begun = False
        self.moments: list[float] = []
        self.all = asyncio.Event()

    async def listen(self) -> None:
        """Read results without end."""
        async for job in self._stream():
            if not self._begun:
                self._earlier.add(job)  # the stream begins with what the topic still holds
            elif job not in self._earlier:
                self.moments.append(time.monotonic())
                if len(self.moments) == self._count:
                    self.all.set()

    async def begin(self) -> float:
        """Let what ended before pass by; return the moment from which on ends count."""
        heard = -1
        while heard < len(self._earlier):
            heard = len(self._earlier)
            await asyncio.sleep(2)
        self._begun = True
        return time.monotonic()


async def _dropped(helix: StackHelix, token: str, count: int) -> list[float]:
    ends = Ends(helix, token, count)
    client = helix.client()
    numbers = iter(range(3_000_000, 3_000_000 + count))

    async def put() -> None:
        for number in numbers:
            content = table(number).encode()
            key = f"inbox/demo/bench/{number}.csv"
            await client.put_object(helix.name, key, BytesIO(content), len(content))

    listener = asyncio.create_task(ends.listen())
    try:
        started = await ends.begin()
        await asyncio.gather(*(put() for _ in range(PUTS_AT_ONCE)))
        await asyncio.wait_for(ends.all.wait(), PATIENCE)
    except TimeoutError:
        raise SystemExit(f"{count - len(ends.moments)} of {count} drops did not end") from None
    finally:
        listener.cancel()
        await client.close_session()
    return [moment - started for moment in ends.moments]


def drops(helix: StackHelix, *, count: int, step: int) -> list[float]:
    """Put ``count`` files into the bucket; return the seconds that each ``step`` of ends took.

    The flow of W0 must have been made.
    """
    ended = [0.0, *asyncio.run(_dropped(helix, Person(helix.url, "demo").token, count))]
    return [ended[at] - ended[at - step] for at in range(step, count + 1, step)]


def order_lines(path: Path, size: int) -> int:
    """Write a CSV of about ``size`` bytes, the same lines again and again; return the lines."""
    chance = random.Random(20261123)  # noqa: S311 - test data, not a secret
    block = "".join(line(row, chance) for row in range(SEED_LINES)).encode()
    times = max(1, size // len(block))
    with path.open("wb") as file:
        file.write(HEADER.encode())
        for _ in range(times):
            file.write(block)
    return times * SEED_LINES


def publish(person: Person) -> None:
    """Publish the context of W1 and a flow for it."""
    files = [("files", (path.name, path.read_bytes())) for path in (CONTEXT, SCHEMA)]
    context = person.http.post("/contexts", files=files).raise_for_status().json()
    flow = {"name": "lines", "match": "lines/*.csv", "context": context["name"]}
    person.http.post("/flows", json=flow).raise_for_status()


def upload(person: Person, path: Path) -> str:
    """Upload a file of any size; return its job."""
    with path.open("rb") as file:
        answer = person.http.post(
            "/jobs/upload",
            data={"flow": "lines"},
            files={"content_file": (path.name, file)},
            timeout=httpx.Timeout(PATIENCE),
        )
    return answer.raise_for_status().json()["job_id"]


@contextmanager
def peaks(helix: StackHelix, service: str) -> Iterator[dict[str, int]]:
    """Keep the largest proportional set size of each process of a service meanwhile."""
    found: dict[str, int] = {}
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.5):
            for name, process in list(helix.processes.items()):
                if name.partition("-")[0] == service:
                    now = sum(pss(pid) for pid in session_of(process.pid))
                    found[name] = max(found.get(name, 0), now)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield found
    finally:
        done.set()
        sampler.join()


@dataclass(frozen=True, slots=True)
class BigFile:
    """One file in parts: its size, from 201 to its final state, and the mappers' memory."""

    size: int
    lines: int
    accepted: float
    seconds: float
    peaks: dict[str, int]


def second_mapper(helix: StackHelix) -> None:
    """Let another mapper share the work."""
    if "mapper-1" not in helix.names:
        helix.counts["mapper"] = 2
        helix.start_one("mapper-1")
        helix.await_one("mapper-1")


def big_file(helix: StackHelix, folder: Path, *, size: int) -> BigFile:
    """Upload a CSV of ``size`` bytes and let two mappers map it."""
    second_mapper(helix)
    person = Person(helix.url, "demo")
    publish(person)
    path = folder / "lines.csv"
    lines = order_lines(path, size)
    size = path.stat().st_size
    with peaks(helix, "mapper") as found:
        begun = time.monotonic()
        job_id = upload(person, path)
        accepted = time.monotonic()
        job = ended(person, job_id)
        seconds = time.monotonic() - accepted
    path.unlink()
    if job["counts"]["written"] != lines:
        raise SystemExit(f"{lines} lines in, {job['counts']['written']} documents out")
    return BigFile(size, lines, accepted - begun, seconds, found)


def ended(person: Person, job_id: str) -> dict[str, Any]:
    """Wait, without much asking, until a job has ended well."""
    while (job := person.job(job_id))["state"] in {"PENDING", "PROCESSING"}:
        time.sleep(0.25)
    if job["state"] != "COMPLETED":
        raise SystemExit(f"job {job_id} ended {job['state']}: {job['errors']}")
    return job


def leased(helix: StackHelix) -> set[str]:
    """Name each claim that holds now: part and epoch."""
    sql = "SELECT run_id, number, epoch FROM parts WHERE state = 'LEASED'"
    lines = postgres.execute(helix.servers["postgres"], sql, database=helix.name)
    return set(lines.splitlines())


def resumed(helix: StackHelix, folder: Path, *, size: int) -> float:
    """Kill one of two mappers at work; return the seconds until each of its claims is another's."""
    second_mapper(helix)
    person = Person(helix.url, "demo")
    path = folder / "killed.csv"
    order_lines(path, size)
    job_id = upload(person, path)
    path.unlink()
    eventually(lambda: leased(helix))
    held = leased(helix)
    helix.kill_one("mapper-1")
    killed = time.monotonic()
    while held & leased(helix):
        if time.monotonic() > killed + PATIENCE:
            raise SystemExit("the killed mapper's parts were not claimed again")
        time.sleep(0.2)
    seconds = time.monotonic() - killed
    ended(person, job_id)
    helix.start_one("mapper-1")
    helix.await_one("mapper-1")
    return seconds


def lone_file(helix: StackHelix, folder: Path, *, size: int) -> tuple[int, float]:
    """Queue one tenant's file of many parts, then another's small one; its seconds to COMPLETED.

    The stack must have been started with a small ``part_size``.
    """
    crowd, lone = Person(helix.url, "demo"), Person(helix.url, "chuck")
    publish(crowd)
    prepare(helix.url, "chuck")
    path = folder / "many.csv"
    order_lines(path, size)
    job_id = upload(crowd, path)
    path.unlink()
    while not (many := crowd.job(job_id)["runs"][0]["parts_total"]):
        time.sleep(0.25)
    begun = time.time()
    answer = lone.upload(table(1, orders=20).encode(), flow="bench").raise_for_status().json()
    job = ended(lone, answer["job_id"])
    if job["runs"][0]["parts_total"] == 1:
        raise SystemExit("the lone file did not stand behind the other's parts: it has only one")
    crowd.http.post(f"/jobs/{job_id}/cancel").raise_for_status()
    return many, datetime.fromisoformat(job["finished"]).timestamp() - begun
