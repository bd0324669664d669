"""What happens though nobody asks: events are sent, again if need be; retries come due."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helixnet.adapters.bus_local import LocalBus
from helixnet.adapters.ledger_sqlite import LedgerSqlite, open_ledger
from helixnet.events import Event, Topic, event_id
from helixnet.ledger.outbox import emit, read_topic, unpublished
from helixnet.metrics import Metrics
from helixnet.stages.outbox import Publisher

pytestmark = pytest.mark.contract


@pytest.fixture
async def ledgers(tmp_path: Path) -> AsyncIterator[tuple[LedgerSqlite, LedgerSqlite]]:
    """One whose events must be sent, and one that is the bus they are sent to."""
    paths = [tmp_path / name / "ledger.db" for name in ("here", "there")]
    for path in paths:
        path.parent.mkdir()
    here = await asyncio.to_thread(open_ledger, paths[0], relay=True)
    there = await asyncio.to_thread(open_ledger, paths[1])
    yield here, there
    await here.close()
    await there.close()


def events(count: int) -> list[Event]:
    return [
        Event(
            id=event_id("test", n),
            type="test",
            topic=Topic.JOBS,
            key=str(n),
            tenant="acme",
            job=str(n),
            seq=n,
            time="",
            data={},
        )
        for n in range(count)
    ]


def publisher(here: LedgerSqlite, there: LedgerSqlite, sweep: float = 30.0) -> Publisher:
    return Publisher(
        ledger=here,
        bus=LocalBus(there, poll_seconds=0.1),
        metrics=Metrics(),
        sweep_seconds=sweep,
        poll_seconds=0.1,
    )


async def sent(there: LedgerSqlite) -> list[str]:
    found = await there.read(lambda conn: read_topic(conn, Topic.JOBS, 0, 10_000))
    return [stored.event.key for stored in found]


async def test_what_was_committed_is_sent_once(
    ledgers: tuple[LedgerSqlite, LedgerSqlite],
) -> None:
    here, there = ledgers
    sending = asyncio.create_task(publisher(here, there).run())
    await here.do(lambda conn: emit(conn, events(1200)))
    for _ in range(400):
        await asyncio.sleep(0.05)
        if len(await sent(there)) >= 1200:
            break
    await asyncio.sleep(0.3)
    sending.cancel()
    assert await sent(there) == [str(n) for n in range(1200)]
    assert await here.do(unpublished) == []


async def test_what_a_dead_process_had_taken_is_sent_by_another(
    ledgers: tuple[LedgerSqlite, LedgerSqlite],
) -> None:
    """Claimed but never marked: after the sweep time the next publisher sends it."""
    here, there = ledgers
    await here.do(lambda conn: emit(conn, events(3)))
    taken = await here.do(unpublished)
    assert len(taken) == 3
    assert await publisher(here, there).send() == 0
    await asyncio.sleep(0.3)
    assert await publisher(here, there, sweep=0.2).send() == 3
    assert await sent(there) == ["0", "1", "2"]
