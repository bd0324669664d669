"""A server that is killed at any moment goes on where it was: nothing lost, nothing twice."""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.scenario.running import FINAL, Helix, Person, eventually
from tests.scenario.test_jobs import HEADER

pytestmark = pytest.mark.scenario
KILLS = 4


TOPIC = "helix.out.demo.orders.validated"


def order(number: int) -> str:
    return f"{number};23.11.2026;EUR;C9;Nine;10;A;a thing;1;ST;1,00\n"


def file_of(first: int, count: int) -> bytes:
    return (HEADER + "".join(order(first + n) for n in range(count))).encode()


def flow_of(person: Person, orders: dict[str, bytes]) -> None:
    files = [("files", (name, data)) for name, data in orders.items()]
    assert person.http.post("/contexts", files=files).status_code in {200, 201}
    flow = {"name": "orders", "match": "orders/*.csv", "context": "acme-orders-csv"}
    assert person.http.post("/flows", json=flow).status_code in {200, 201}


def ids(result: bytes) -> list[str]:
    return [json.loads(line)["orderId"] for line in result.splitlines()]


def delivered(person: Person, topic: str) -> Counter[tuple[str, str]]:
    """Count what was told on a topic by (job, record key)."""
    answer = person.http.get(f"/topics/{topic}")
    assert answer.status_code == 200, answer.text
    events = map(json.loads, answer.text.splitlines())
    return Counter((event["job"], event["key"]) for event in events)


Sent = dict[str, tuple[int, int]]


def send(helix: Helix, person: Person, first: int) -> Sent:
    """Upload a small, a middling and a large file, and drop one: name -> first id and count."""
    sent: Sent = {}
    for count in (1, 30, 12_000):
        name = f"{first}.csv"
        answer = person.upload(file_of(first, count), flow="orders", name=name)
        assert answer.status_code == 201, answer.text
        sent[name] = (first, count)
        first += count
    helix.drop("demo", "orders", f"{first}.csv", file_of(first, 20))
    return sent | {f"{first}.csv": (first, 20)}


def ended(person: Person, count: int) -> list[dict[str, Any]] | None:
    """Return the jobs once there are ``count`` completed ones; no other end is right."""
    jobs = person.jobs(limit="100")
    assert [job["errors"] for job in jobs if job["state"] in FINAL - {"COMPLETED"}] == []
    done = [job for job in jobs if job["state"] == "COMPLETED"]
    return done if len(done) == count else None


@pytest.mark.timeout(600)
def test_killed_in_the_middle_finished_once(
    own_helix: Callable[..., Helix], orders: dict[str, bytes]
) -> None:
    """Uploads, drops and deliveries survive kill -9 at random moments, each with one effect."""
    dice = random.Random(seed := random.randrange(1 << 32))  # noqa: S311 - no secret
    sys.stdout.write(f"seed {seed}\n")
    helix = own_helix(workers="2", part_size="65536")
    person = Person(helix.url, "demo")
    flow_of(person, orders)
    sent: Sent = {}
    for kill in range(KILLS):
        sent |= send(helix, person, (kill + 1) * 1_000_000)
        time.sleep(dice.uniform(0.0, 1.5 + kill))
        helix.kill()
        helix.start()
        person = Person(helix.url, "demo")
    jobs = eventually(lambda: ended(person, len(sent)), patience=300)
    assert len(person.jobs(limit="100")) == len(sent)
    for job in jobs:
        start, count = sent[job["filename"]]
        assert ids(person.result(job["job_id"])) == [str(start + n) for n in range(count)]
    expect = sum(count for _, count in sent.values())
    told = eventually(
        lambda: found if len(found := delivered(person, TOPIC)) >= expect else None, patience=300
    )
    assert set(told.values()) == {1}
    assert len(told) == expect
    assert helix.stop() == 0


@pytest.mark.timeout(600)
def test_a_graceful_stop_loses_no_attempt(
    own_helix: Callable[..., Helix], orders: dict[str, bytes]
) -> None:
    """SIGTERM in the middle of mapping ends the process well; the work goes on after a start."""
    helix = own_helix(workers="1", part_size="65536", max_attempts="2", stop_seconds="1")
    person = Person(helix.url, "demo")
    job_id = person.submit(file_of(1, 20_000), orders)
    for _ in range(3):
        time.sleep(0.7)
        assert helix.stop() == 0
        helix.start()
        person = Person(helix.url, "demo")
    job = person.wait(job_id, patience=180)
    assert job["state"] == "COMPLETED"
    assert ids(person.result(job_id)) == [str(1 + n) for n in range(20_000)]
