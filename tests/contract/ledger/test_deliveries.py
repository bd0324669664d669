"""Deliveries have a cursor and a state of their own, and every step counts once."""

import asyncio

import pytest

from helixnet.events import Event, event_id, out_topic
from helixnet.jobs import RunState
from helixnet.ledger import deliveries, outbox, queries
from helixnet.ledger.finish import NewDelivery
from helixnet.ledger.leases import Failure
from tests.contract.ledger.driving import Driver

pytestmark = pytest.mark.contract
TOPIC = out_topic("demo", "orders")


async def delivering(hx: Driver) -> deliveries.ClaimedDelivery:
    await hx.whole(deliveries=[NewDelivery(0, TOPIC)])
    return (await claim(hx))[0]


async def claim(hx: Driver, seconds: float = 60) -> list[deliveries.ClaimedDelivery]:
    return await hx.do(deliveries.claim_deliveries, worker="d", limit=5, lease_seconds=seconds)


def record(n: int) -> Event:
    return Event(event_id("record", n), "record", TOPIC, f"k{n}", "demo", "", 0, "", {"n": n})


async def test_a_delivery_starts_where_it_stopped(hx: Driver) -> None:
    first = await delivering(hx)
    assert (first.cursor, first.manifest, first.topic) == (0, {"n": 1}, TOPIC)
    assert await hx.do(deliveries.advance, first.lease, was=0, now=2, batch=[record(0), record(1)])
    await hx.do(deliveries.release_deliveries, [first.lease])
    (again,) = await claim(hx)
    assert (again.cursor, again.delivered, again.attempts) == (2, 2, 1)


async def test_a_zombie_emits_nothing(hx: Driver) -> None:
    """The cursor and its events are one transaction behind the epoch."""
    await hx.whole(deliveries=[NewDelivery(0, TOPIC)])
    (zombie,) = await claim(hx, seconds=-1)
    await hx.reap()
    (new,) = await claim(hx)
    assert not await hx.do(deliveries.advance, zombie.lease, was=0, now=1, batch=[record(0)])
    assert await hx.do(deliveries.advance, new.lease, was=0, now=1, batch=[record(0)])
    assert not await hx.do(deliveries.advance, new.lease, was=0, now=1, batch=[record(0)])
    assert len(await hx.read(outbox.read_topic, TOPIC, 0)) == 1


async def test_a_finished_delivery_is_done_once(hx: Driver) -> None:
    one = await delivering(hx)
    done = [await hx.do(deliveries.finish_deliveries, [one.lease]) for _ in range(2)]
    assert done == [1, 0]
    (shown,) = (await hx.detail(one.job)).deliveries
    assert (shown.state, shown.run) == ("DONE", 1)
    assert await claim(hx) == []


async def test_a_delivery_that_always_fails_is_dead_and_the_job_stays_completed(
    hx: Driver,
) -> None:
    one = await delivering(hx)
    for _ in range(10):
        failure = Failure(one.id, one.epoch, {"message": "refused"})
        assert await hx.do(deliveries.fail_deliveries, [failure]) == 1
        await asyncio.sleep(0.002)
        await hx.reap()
        one = next(iter(await claim(hx)), one)
    detail = await hx.detail(one.job)
    assert (detail.job.state, detail.deliveries[0].state) == (RunState.COMPLETED, "DEAD")


async def test_a_failed_run_delivers_nothing(hx: Driver) -> None:
    await hx.accept()
    await hx.start(1, fail_file=True)
    from_bad = queries.Counts(records=1, rejected=1, documents=1, documents_rejected=1)
    await hx.map_all(from_bad)
    await hx.finish_all(deliveries=[NewDelivery(0, TOPIC)])
    assert await claim(hx) == []
