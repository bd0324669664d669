"""What HelixNet sends and writes is what schemas/ says: events, rejects, manifests."""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.scenario.conftest import EXAMPLES
from tests.scenario.running import Helix, Person, eventually
from tests.scenario.test_jobs import BAD, GOOD, HEADER, edited

pytestmark = pytest.mark.scenario
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
TOPICS = ("helix.jobs", "helix.parts", "helix.mapped", "helix.results")
OUT = "helix.out.demo.orders.validated"
Event = dict[str, Any]


def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def read(person: Person, topic: str) -> list[Event]:
    answer = person.http.get(f"/topics/{topic}")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def cancelled(person: Person, orders: dict[str, bytes]) -> str:
    line = "{};23.11.2026;EUR;C9;;10;A;;1;ST;1,00\n"
    job = person.submit((HEADER + "".join(map(line.format, range(100_000)))).encode(), orders)
    assert person.http.post(f"/jobs/{job}/cancel").status_code == 200
    return job


def large(number: str) -> str:
    """One order whose document is too large for an event."""
    line = "{};23.11.2026;EUR;C9;;{};A{};some text;1;ST;1,00\n"
    return "".join(line.format(number, 10 * n, n) for n in range(1, 1001))


def test_events_are_as_the_schema_says(
    own_helix: Callable[..., Helix], orders: dict[str, bytes]
) -> None:
    """Every type that a run can tell, with each of its fields, each once."""
    helix = own_helix(part_size="32768")
    person = Person(helix.url, "demo")
    lenient = edited(orders, "stop_at: 50%", "stop_at: 90%")
    good = person.submit((HEADER + large("77") + GOOD).encode(), orders)
    partial = person.submit((HEADER + GOOD + BAD).encode(), lenient)
    failed = person.submit((HEADER + BAD).encode(), orders)
    refused = person.submit(b"\x00\x01\x02", orders)
    ended = [cancelled(person, orders), *map(str, (good, partial, failed, refused))]
    states = [person.wait(job)["state"] for job in ended]
    assert states == ["CANCELLED", "COMPLETED", "PARTIAL", "FAILED", "FAILED"]
    assert person.http.post(f"/jobs/{good}/rerun?deliver=all").status_code == 202
    person.wait(good, run=2)
    eventually(lambda: len([e for e in read(person, OUT) if e["job"] == good]) >= 4)

    told = [event for topic in (*TOPICS, OUT) for event in read(person, topic)]
    event_schema = validator("events")
    for event in told:
        assert list(map(str, event_schema.iter_errors(event))) == [], event
    assert len({event["type"] for event in told}) == 6
    assert {"record" in event["data"] for event in read(person, OUT)} == {True, False}
    assert len({event["id"] for event in told}) == len(told)
    once_each(read(person, "helix.jobs"))
    shown = helix.metrics()
    for state in states:
        assert f'helixnet_runs_finished_total{{state="{state}"}}' in shown
    for job in ended:
        last = [e for e in read(person, "helix.results") if e["job"] == job][-1]
        assert last["data"]["state"] == person.job(job)["state"]


def once_each(events: list[Event]) -> None:
    """A bus promises no order between its senders; `seq` tells it, and stands for one event."""
    seqs: dict[str, list[int]] = defaultdict(list)
    for event in events:
        seqs[event["job"]].append(event["seq"])
    for found in seqs.values():
        assert len(found) == len(set(found))


def test_a_named_document_is_found_where_its_event_says(
    own_helix: Callable[..., Helix], orders: dict[str, bytes]
) -> None:
    """A document that is too large for an event stands in the store at key and range."""
    helix = own_helix()
    person = Person(helix.url, "demo")
    number = uuid.uuid4().hex
    job = person.wait(person.submit((HEADER + GOOD + large(number)).encode(), orders))["job_id"]
    events = eventually(lambda: found if len(found := read(person, OUT)) == 2 else None)
    place = events[1]["data"]["object"]
    begins, ends = place["range"]
    document = helix.stored(place["key"])[begins:ends]
    assert json.loads(document)["orderId"] == number
    assert document in person.result(job)


def test_manifests_and_rejects_are_as_their_schemas_say(
    helix: Helix, demo: Person, orders: dict[str, bytes]
) -> None:
    idoc = {
        name: (EXAMPLES / "orders-idoc" / name).read_bytes()
        for name in ("context.yaml", "purchase-order.schema.json")
    }
    lenient = edited(orders, "stop_at: 50%", "stop_at: 90%")
    jobs = [
        demo.submit((HEADER + GOOD + BAD).encode(), lenient),
        demo.submit((HEADER + BAD).encode(), orders),
        demo.submit(
            (EXAMPLES / "orders-idoc" / "orders.idoc").read_bytes(), idoc, name="orders.idoc"
        ),
    ]
    for job_id in jobs:
        job = demo.wait(job_id)
        manifest = helix.manifest("demo", job_id)
        assert list(map(str, validator("manifest").iter_errors(manifest))) == []
        assert manifest["counts"] == job["counts"]
        answer = demo.http.get(
            f"/jobs/{job_id}/rejects", headers={"Accept": "application/x-ndjson"}
        )
        lines = [json.loads(line) for line in answer.text.splitlines()]
        for reject in [*lines, *demo.rejects(job_id), *demo.http.get("/rejects").json()["rejects"]]:
            assert list(map(str, validator("reject").iter_errors(reject))) == [], reject
        assert len(lines) == job["counts"]["rejected"] > 0
