"""The stack as a whole: its doors and topics, more processes than one, servers that go away."""

import asyncio
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from scripts.stack import kafka

from helixnet.metrics import TABLE
from helixnet.settings import Settings
from tests import servers
from tests.scenario.conftest import example
from tests.scenario.running import FINAL, Person, eventually
from tests.scenario.stack import StackHelix
from tests.scenario.test_jobs import GOOD, HEADER
from tests.servers import Backing

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("whole"), pytest.mark.timeout(1200)]
CONTENT = (HEADER + GOOD).encode()
SWEEP_SECONDS = Settings().sweep_seconds
AWAY_SECONDS = 30  # how long a server is away in the middle of work
LONG = 240.0  # seconds; generous, because a timing never decides a test


@pytest.fixture(scope="module")
def own(backing: Backing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backing]:
    """Servers that these tests may stop and break, beside the run's own Keycloak."""
    folder = tmp_path_factory.mktemp("whole")
    starts = {"kafka": servers.a_kafka, "minio": servers.a_minio, "postgres": servers.a_postgres}
    try:
        mine = {name: start(folder) for name, start in starts.items()}
        yield Backing(backing.servers | mine, backing.private_key)
    finally:
        servers.stop_below(folder)


@pytest.fixture(scope="module")
def helix(own: Backing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackHelix]:
    """Two mappers and two sinks, so that each can be lost."""
    folder = tmp_path_factory.mktemp("helix")
    running = StackHelix(folder / "data", own, {"mapper": 2, "sink": 2}, part_size="65536")
    running.start()
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture(scope="module")
def demo(helix: StackHelix) -> Person:
    """Viewer, operator and designer, with a flow that takes `orders/*.csv`."""
    person = Person(helix.url, "demo")
    files = [("files", (name, data)) for name, data in example("orders-csv").items()]
    assert person.http.post("/contexts", files=files).status_code == 201
    flow = {"name": "orders", "match": "orders/*.csv", "context": "acme-orders-csv"}
    assert person.http.post("/flows", json=flow).status_code == 201
    return person


def every(person: Person, **filters: str) -> list[dict[str, Any]]:
    """Read all pages of the job list."""
    found: list[dict[str, Any]] = []
    url: str | None = "/jobs"
    parameters: dict[str, str] | None = {"limit": "200", **filters}
    while url:
        answer = person.http.get(url, params=parameters)
        assert answer.status_code == 200, answer.text
        found += answer.json()["jobs"]
        url, parameters = answer.links.get("next", {}).get("url"), None
    return found


async def consumed(address: str, topic: str) -> list[Any]:
    """Read a topic from its begin to its present end, as any Kafka client does."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=address, enable_auto_commit=False)
    await consumer.start()
    try:
        places = list(consumer.assignment())
        if not places:
            return []
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        found: list[Any] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            batches = await consumer.getmany(timeout_ms=1000)
            found += [record for batch in batches.values() for record in batch]
        return found
    finally:
        await consumer.stop()


def test_any_kafka_client_sees_results_and_records(helix: StackHelix, demo: Person) -> None:
    """One event a finished run; the records of a declared topic in order, with key and hash."""
    numbers = [uuid.uuid4().hex for _ in range(300)]
    lines = "".join(GOOD.replace("4711", number) for number in numbers)
    job = demo.wait(demo.submit((HEADER + lines).encode(), example("orders-csv")), patience=LONG)
    assert job["state"] == "COMPLETED"
    address = helix.servers["kafka"].address

    def records() -> list[Any] | None:
        told = asyncio.run(consumed(address, "helix.out.demo.orders.validated"))
        mine = [
            record for record in told if job["job_id"].encode() in dict(record.headers).values()
        ]
        return mine if len(mine) >= len(numbers) else None

    told = eventually(records, patience=LONG)
    assert [record.key.decode() for record in told] == numbers
    assert all(len(dict(record.headers)["ce_hxsha256"]) == 64 for record in told)
    results = asyncio.run(consumed(address, "helix.results"))
    mine = [r for r in results if dict(r.headers).get("ce_hxjob") == job["job_id"].encode()]
    assert len({dict(record.headers)["ce_id"] for record in mine}) == 1
    place = {"first": mine[0].offset, "last": mine[0].offset, "partition": mine[0].partition}
    replay = {"select": {"topic": {"name": "helix.results", **place}}, "dry_run": True}
    answer = demo.http.post("/replays?wait=30", json=replay)
    assert answer.json()["jobs"] == [job["job_id"]], answer.text


def test_what_was_not_notified_is_found(helix: StackHelix, demo: Person) -> None:
    """Notifications are a hint: with them switched off every object still becomes one job."""

    async def silence() -> None:
        client = helix.client()
        try:
            await client.delete_bucket_notification(helix.name)
        finally:
            await client.close_session()

    asyncio.run(silence())
    helix.drop_all("demo", "orders", {f"silent-{n}.csv": CONTENT for n in range(1000)})
    begun = time.monotonic()
    eventually(lambda: len(every(demo, text="silent-")) == 1000, patience=LONG)
    print(f"\n1,000 silent drops became jobs in {time.monotonic() - begun:.1f} s after the last")
    assert helix.command("store", "apply").returncode == 0

    def ended() -> list[dict[str, Any]] | None:
        found = every(demo, text="silent-")
        return found if all(job["state"] in FINAL for job in found) else None

    done = eventually(ended, patience=LONG)
    assert {job["state"] for job in done} == {"COMPLETED"}
    assert len({job["filename"] for job in done}) == len(done) == 1000


def test_an_overwritten_drop_is_two_jobs(helix: StackHelix, demo: Person) -> None:
    """Each version that was stored becomes a job with its own bytes, in whatever order."""
    name = f"{uuid.uuid4().hex}.csv"
    for number in ("1001", "1002"):
        helix.drop("demo", "orders", name, CONTENT.replace(b"4711", number.encode()))
    jobs = eventually(lambda: found if len(found := demo.jobs(text=name)) == 2 else None)
    results = {demo.result(demo.wait(str(job["job_id"]))["job_id"])[:18] for job in jobs}
    assert results == {b'{"orderId":"1001",', b'{"orderId":"1002",'}


SHOWN = {"kafka": "helixnet_bus_up", "postgres": "helixnet_ledger_up"}


def gauge(helix: StackHelix, metric: str) -> set[str]:
    """Read a gauge of every process."""
    lines = [line for name in helix.names for line in helix.metrics_of(name).splitlines()]
    return {line.split()[1] for line in lines if line.split()[0] == metric}


def test_every_process_shows_the_whole_table(helix: StackHelix) -> None:
    for name in helix.names:
        shown = helix.metrics_of(name)
        assert [metric for metric in TABLE if f"# HELP {metric}" not in shown] == [], name
    lag = 'helixnet_bus_lag{group="mapper",topic="helix.parts"}'
    for metric in SHOWN.values():  # a process is ready before Kafka has let it into a group
        eventually(lambda metric=metric: gauge(helix, metric) == {"1.0"})
    eventually(lambda: lag in helix.metrics_of("mapper"))


def test_a_paused_process_never_matters(helix: StackHelix, demo: Person) -> None:
    """Its work is done by another; when it goes on, nothing that it does counts twice."""
    lines = "".join(GOOD.replace("4711", str(n)) for n in range(10_000, 14_000))
    paused = helix.processes["mapper-1"].pid
    job = demo.submit((HEADER + lines).encode(), example("orders-csv"))
    eventually(lambda: demo.job(job)["state"] == "PROCESSING" or demo.job(job)["state"] in FINAL)
    os.killpg(paused, signal.SIGSTOP)
    try:
        ended = demo.wait(job, patience=LONG)
    finally:
        os.killpg(paused, signal.SIGCONT)
    assert ended["state"] == "COMPLETED"
    assert ended["counts"]["written"] == 4000
    numbers = [line[12:17] for line in demo.result(job).splitlines()]
    assert numbers == [str(n).encode() for n in range(10_000, 14_000)]


class Clients:
    """People who upload without a pause, and remember what was accepted."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.accepted: list[str] = []
        self.statuses: set[int] = set()
        self.over = threading.Event()
        self.pool = ThreadPoolExecutor(2)

    def __enter__(self) -> Self:
        self.runs = [self.pool.submit(self.run) for _ in range(2)]
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for run in self.runs:
            run.result()
        self.pool.shutdown()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                answer = self.person.upload(CONTENT, flow="orders")
            except httpx.TransportError:
                continue
            self.statuses.add(answer.status_code)
            if answer.status_code == 201:
                self.accepted.append(answer.json()["job_id"])
            self.over.wait(0.2)


@pytest.mark.parametrize("name", ["kafka", "minio", "postgres"])
def test_a_server_that_goes_away_costs_nothing(helix: StackHelix, demo: Person, name: str) -> None:
    """Uploads are accepted or answered 503 meanwhile; what was accepted ends once, by itself."""
    with Clients(demo) as clients:
        eventually(lambda: len(clients.accepted) >= 5, patience=LONG)
        helix.servers[name].kill()
        gone = time.monotonic()
        if name in SHOWN:
            eventually(lambda: gauge(helix, SHOWN[name]) == {"0.0"}, patience=LONG)
        time.sleep(max(0.0, gone + AWAY_SECONDS - time.monotonic()))
        helix.backing.servers[name] = helix.servers[name].restart()
        before = len(clients.accepted)
        eventually(lambda: len(clients.accepted) >= before + 5, patience=LONG)
    assert clients.statuses <= {201, 503}
    if name in SHOWN:
        eventually(lambda: gauge(helix, SHOWN[name]) == {"1.0"}, patience=LONG)
    states = {demo.wait(job, patience=LONG)["state"] for job in clients.accepted}
    assert states == {"COMPLETED"}
    assert all(process.poll() is None for process in helix.processes.values()), helix.log


def test_records_keep_their_order_when_the_bus_goes_away(helix: StackHelix, demo: Person) -> None:
    """What waited is sent by whoever told it and by sweepers; repeats do no harm, gaps would."""
    numbers = [uuid.uuid4().hex for _ in range(20_000)]
    lines = "".join(GOOD.replace("4711", number) for number in numbers)
    job = demo.submit((HEADER + lines).encode(), example("orders-csv"))

    def told() -> int:
        return sum(delivery["delivered"] for delivery in demo.job(job)["deliveries"])

    eventually(lambda: told() > 1000, patience=LONG)
    helix.servers["kafka"].kill()
    time.sleep(AWAY_SECONDS + SWEEP_SECONDS)
    helix.backing.servers["kafka"] = helix.servers["kafka"].restart()
    eventually(lambda: told() == len(numbers), patience=LONG)
    address = helix.servers["kafka"].address

    def first_of_each() -> list[str]:
        records = asyncio.run(consumed(address, "helix.out.demo.orders.validated"))
        mine = [r for r in records if dict(r.headers)["ce_hxjob"] == job.encode()]
        return list(dict.fromkeys(record.key.decode() for record in mine))

    eventually(lambda: len(first_of_each()) == len(numbers), patience=LONG)
    assert first_of_each() == numbers


def test_services_start_while_their_servers_are_away(helix: StackHelix, demo: Person) -> None:
    """Nothing has to be started in an order: each waits, says so, and goes on by itself."""
    assert helix.stop() == 0
    for name in ("kafka", "minio", "postgres"):
        helix.servers[name].kill()
    for name in helix.names:
        helix.start_one(name)
    live = f"{helix.url}/health/live"
    eventually(lambda: _answers(live), patience=LONG)
    assert httpx.get(f"{helix.url}/health/ready", timeout=30).status_code == 503
    for name in ("kafka", "minio", "postgres"):
        helix.backing.servers[name] = helix.servers[name].restart()
    for name in helix.names:
        eventually(lambda name=name: helix.ready(name), patience=LONG)
    answer = demo.upload(CONTENT, flow="orders")
    assert answer.status_code == 201, answer.text
    assert demo.wait(answer.json()["job_id"], patience=LONG)["state"] == "COMPLETED"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_a_bus_that_lost_everything_loses_no_file(helix: StackHelix, demo: Person) -> None:
    """Topics deleted, log wiped: the ledger knows what is open, and signals are only signals."""
    broker = helix.servers["kafka"]
    broker.kill()
    answers = [demo.upload(CONTENT, flow="orders") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {201}
    wiped = broker.folder / "data"
    wiped.rename(Path(f"{wiped}-lost"))
    helix.backing.servers["kafka"] = kafka.start(
        broker.folder, port=broker.ports["main"], controller_port=broker.ports["controller"]
    )
    eventually(lambda: helix.command("topics", "apply").returncode == 0, patience=LONG)
    for answer in answers:
        assert demo.wait(answer.json()["job_id"], patience=LONG)["state"] == "COMPLETED"


def test_a_graceful_stop_gives_back_what_is_in_hand(helix: StackHelix, demo: Person) -> None:
    lines = "".join(GOOD.replace("4711", str(n)) for n in range(10_000, 16_000))
    job = demo.submit((HEADER + lines).encode(), example("orders-csv"))
    begun = time.monotonic()
    assert helix.stop() == 0, helix.log
    print(f"\nall processes ended in {time.monotonic() - begun:.1f} s under load")
    helix.start()
    assert demo.wait(job, patience=LONG)["counts"]["written"] == 6000


def test_a_graceful_stop_ends_though_no_server_answers(helix: StackHelix, demo: Person) -> None:
    """Work in hand can neither be finished nor given back then: its leases run out."""
    lines = "".join(GOOD.replace("4711", str(n)) for n in range(20_000, 26_000))
    job = demo.submit((HEADER + lines).encode(), example("orders-csv"))
    away = [helix.servers[name] for name in ("kafka", "minio", "postgres")]
    for server in away:
        server.pause()
    begun = time.monotonic()
    try:
        assert helix.stop() == 0, helix.log
    finally:
        for server in away:
            server.resume()
    print(f"\nall processes ended in {time.monotonic() - begun:.1f} s, no server answering")
    helix.start()
    assert demo.wait(job, patience=LONG)["counts"]["written"] == 6000
