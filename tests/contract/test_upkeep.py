"""What happens though nobody asks: events are sent, again if need be; retries come due."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from helixnet.adapters.bus_local import LocalBus
from helixnet.adapters.ledger_sqlite import LedgerSqlite, open_ledger
from helixnet.errors import UnavailableError
from helixnet.events import Event, Topic, event_id
from helixnet.ledger.outbox import emit, mark_published, read_topic, unsent
from helixnet.metrics import Metrics
from helixnet.stages.outbox import Publisher, flush

pytestmark = pytest.mark.contract
Ledgers = tuple[LedgerSqlite, LedgerSqlite]


@pytest.fixture
async def ledgers(tmp_path: Path) -> AsyncIterator[Ledgers]:
    """One whose events must be sent, and one that is the bus they are sent to."""
    paths = [tmp_path / name / "ledger.db" for name in ("here", "there")]
    for path in paths:
        path.parent.mkdir()
    here = await asyncio.to_thread(open_ledger, paths[0], relay=True)
    there = await asyncio.to_thread(open_ledger, paths[1])
    yield here, there
    await here.close()
    await there.close()


def events(count: int, *, first: int = 0, topic: str = Topic.JOBS, job: str = "") -> list[Event]:
    return [
        Event(
            id=event_id("test", n),
            type="test",
            topic=topic,
            key=str(n),
            tenant="acme",
            job=job or str(n),
            seq=n,
            time="",
            data={},
        )
        for n in range(first, first + count)
    ]


def telling(batch: list[Event]) -> Callable[[Connection], None]:
    return lambda conn: emit(conn, batch)


def publisher(here: LedgerSqlite, there: LedgerSqlite, sweep: float = 30.0) -> Publisher:
    return Publisher(
        ledger=here,
        bus=LocalBus(there, poll_seconds=0.1),
        metrics=Metrics(),
        sweep_seconds=sweep,
        poll_seconds=0.1,
    )


async def sent(there: LedgerSqlite, topic: str = Topic.JOBS) -> list[str]:
    found = await there.read(lambda conn: read_topic(conn, topic, 0, 10_000))
    return [stored.event.key for stored in found]


async def unmarked(here: LedgerSqlite) -> int:
    return await here.read(
        lambda conn: conn.exec_driver_sql(
            "SELECT count(*) FROM events WHERE published = 0"
        ).scalar_one()
    )


async def test_what_was_committed_is_sent_once_in_order_and_marked(ledgers: Ledgers) -> None:
    here, there = ledgers
    sending = asyncio.create_task(publisher(here, there).run())
    for n in range(12):
        await here.do(telling(events(100, first=n * 100)))
    async with asyncio.timeout(60):
        heard = 0
        while await unmarked(here):
            heard = await here.changed(heard, 1)
    sending.cancel()
    assert await sent(there) == [str(n) for n in range(1200)]


async def test_what_was_rolled_back_is_never_sent(ledgers: Ledgers) -> None:
    """Its neighbours in the same commit are."""
    here, there = ledgers

    def fail(conn: Connection) -> None:
        emit(conn, events(1, first=99))
        raise UnavailableError("no")

    units = [telling(events(1, first=n)) for n in range(4)]
    asked = [here.do(unit) for unit in (*units[:2], fail, *units[2:])]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(UnavailableError) == 1
    publishing = publisher(here, there)
    while await publishing.send():
        pass
    assert await sent(there) == ["0", "1", "2", "3"]


async def test_what_could_not_be_sent_is_sent_later_before_what_is_younger(
    ledgers: Ledgers,
) -> None:
    here, there = ledgers
    await there.close()
    publishing = publisher(here, there)
    await here.do(telling(events(3)))
    with pytest.raises(UnavailableError):
        await publishing.send()
    await here.do(telling(events(2, first=3)))
    again = await asyncio.to_thread(open_ledger, there._path)
    try:
        back = Publisher(
            ledger=here,
            bus=LocalBus(again, poll_seconds=0.1),
            metrics=Metrics(),
            sweep_seconds=30,
            poll_seconds=0.1,
            _hand=publishing._hand,
        )
        await back.stop(30)
        assert await sent(again) == ["0", "1", "2", "3", "4"]
        assert await unmarked(here) == 0
    finally:
        await again.close()


async def test_what_a_dead_process_had_not_marked_is_swept_by_another(ledgers: Ledgers) -> None:
    """After the sweep time, and then by one sweeper only."""
    here, there = ledgers
    await here.do(telling(events(3)))
    assert len(here.outgoing(100)) == 3  # and then it died
    assert await publisher(here, there).send() == 0
    assert await publisher(here, there).sweep() == 0
    await asyncio.sleep(0.3)
    assert await publisher(here, there, sweep=0.2).sweep() == 3
    assert await publisher(here, there, sweep=0.0).sweep() == 0
    assert await sent(there) == ["0", "1", "2"]


async def test_a_flush_sends_what_is_left_of_a_job_on_a_topic_in_order(ledgers: Ledgers) -> None:
    here, there = ledgers
    out = "helix.out.acme.orders"
    await here.do(telling(events(700, topic=out, job="j")))
    await here.do(telling(events(3, first=700, topic=out, job="other")))
    await here.do(telling(events(3, first=703, job="j")))
    done = await here.read(lambda conn: unsent(conn, topic=out, job="j", limit=10))
    await here.do(lambda conn: mark_published(conn, [stored.position for stored in done]))
    await flush(here, LocalBus(there, poll_seconds=0.1), topic=out, job="j")
    assert await sent(there, out) == [str(n) for n in range(10, 700)]
    assert await unmarked(here) == 6


async def test_a_queue_that_is_full_leaves_the_rest_to_the_sweeper(ledgers: Ledgers) -> None:
    """Memory is bounded while the bus is away, and who can wait is told to."""
    here, there = ledgers
    assert not here.crowded
    for n in range(25):
        await here.do(telling(events(1000, first=n * 1000)))
    assert here.crowded
    publishing = publisher(here, there, sweep=0.0)
    while await publishing.send():
        pass
    await publishing.mark()
    assert not here.crowded
    assert len(await sent(there)) == 10_000  # as far as this test reads
    assert await unmarked(here) == 5000
    while await publishing.sweep():
        pass
    assert await unmarked(here) == 0
