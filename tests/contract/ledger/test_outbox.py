"""Events are rows: read by position, relayed by claim."""

import asyncio

import pytest

from helixnet.errors import TooLargeError
from helixnet.events import Event, Topic, event_id
from helixnet.ledger import outbox
from tests.contract.ledger.driving import Driver
from tests.contract.ledger.servers import LedgerServer

pytestmark = pytest.mark.contract


def event(n: int, topic: str = Topic.DEAD, **data: object) -> Event:
    return Event(event_id("t", n), "t", topic, "k", "demo", "", 0, "", {"n": n, **data}, "00-trace")


async def test_what_is_emitted_is_read_in_order(hx: Driver) -> None:
    await hx.do(outbox.emit, [event(n) for n in range(5)])
    await hx.do(outbox.emit, [event(9, Topic.DROPS)])
    found = await hx.read(outbox.read_topic, Topic.DEAD, 0, 3)
    assert [stored.event.data["n"] for stored in found] == [0, 1, 2]
    rest = await hx.read(outbox.read_topic, Topic.DEAD, found[-1].position)
    assert [stored.event.data["n"] for stored in rest] == [3, 4]
    assert (found[0].event.id, found[0].event.traceparent) == (event(0).id, "00-trace")
    assert found[0].event.time.endswith("Z")


async def test_an_event_of_more_than_64_kib_is_refused(hx: Driver) -> None:
    with pytest.raises(TooLargeError):
        await hx.do(outbox.emit, [event(1, text="x" * 65536)])
    assert await hx.read(outbox.read_topic, Topic.DEAD, 0) == []


async def test_a_failed_transaction_tells_nothing(hx: Driver) -> None:
    def fail(conn: outbox.Connection) -> None:
        outbox.emit(conn, [event(1)])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await hx.ledger.do(fail)
    assert await hx.read(outbox.read_topic, Topic.DEAD, 0) == []


async def test_consumers_keep_their_own_place(hx: Driver) -> None:
    assert await hx.read(outbox.position, "sink", Topic.MAPPED) == 0
    await hx.do(outbox.commit_position, "sink", Topic.MAPPED, 7)
    await hx.do(outbox.commit_position, "sink", Topic.MAPPED, 9)
    assert await hx.read(outbox.position, "sink", Topic.MAPPED) == 9
    assert await hx.read(outbox.position, "other", Topic.MAPPED) == 0


async def test_the_events_of_a_job_are_its_tenants(hx: Driver) -> None:
    job = await hx.whole()
    await hx.whole()
    asked = {"job": job, "topic": Topic.JOBS}
    found = await hx.read(outbox.job_events, tenant="demo", **asked)
    assert {(stored.event.job, stored.event.topic) for stored in found} == {(job, Topic.JOBS)}
    assert [stored.event.seq for stored in found] == [1, 2, 4]
    after = await hx.read(outbox.job_events, tenant="demo", after=found[0].position, **asked)
    assert after == found[1:]
    assert await hx.read(outbox.job_events, tenant="acme", **asked) == []


async def test_a_relay_gets_each_event_and_a_sweeper_what_stayed_unmarked(
    server: LedgerServer,
) -> None:
    hx = Driver(await server.open(relay=True))
    await hx.do(outbox.emit, [event(n) for n in range(3)])
    claims = await asyncio.gather(*(hx.do(outbox.unpublished) for _ in range(4)))
    sent = [stored for claim in claims for stored in claim]
    assert [stored.event.data["n"] for stored in sent] == [0, 1, 2]
    assert await hx.do(outbox.mark_published, [sent[0].position]) == 1
    assert await hx.do(outbox.mark_published, [sent[0].position]) == 0
    swept = await hx.do(outbox.unpublished, stale=-1)
    assert [stored.event.data["n"] for stored in swept] == [1, 2]


async def test_where_the_table_is_the_bus_nothing_waits_for_a_relay(hx: Driver) -> None:
    await hx.do(outbox.emit, [event(1)])
    assert await hx.do(outbox.unpublished) == []


async def test_one_sweeper_at_a_time_keeps_a_topic_in_order(server: LedgerServer) -> None:
    """What a second one would send meanwhile comes after what the first one has in hand."""
    hx = Driver(await server.open(relay=True))
    await hx.do(outbox.emit, [event(n) for n in range(6)])

    async def sweep(stale: float = 60) -> list[int]:
        found = await hx.do(outbox.unpublished, limit=2, stale=stale)
        return [stored.event.data["n"] for stored in found]

    first = await hx.do(outbox.unpublished, limit=2, stale=60)
    assert [stored.event.data["n"] for stored in first] == [0, 1]
    assert await asyncio.gather(sweep(), sweep()) == [[], []]
    await hx.do(outbox.mark_published, [stored.position for stored in first])
    assert sorted(await asyncio.gather(sweep(), sweep())) == [[], [2, 3]]
    await asyncio.sleep(0.05)
    assert await sweep(stale=0.02) == [2, 3], "who claimed and died is waited for, no longer"
