"""What wakes a stage."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from helixnet.adapters.bus_local import LocalBus
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.events import Event, Topic, event_id
from helixnet.jobs import RunState
from helixnet.ledger.leases import Lease
from helixnet.ledger.outbox import emit
from helixnet.ledger.runs import ClaimedRun
from helixnet.stages.service import Dealt, Service, Times

pytestmark = pytest.mark.contract


class Idle:
    """A stage for which nothing ever waits; it tells of every look."""

    slots = 1

    def __init__(self) -> None:
        self.looked: asyncio.Queue[None] = asyncio.Queue()

    async def claim(self, room: int) -> Dealt[ClaimedRun]:
        del room
        self.looked.put_nowait(None)
        return Dealt((), more=False)

    def renew(self, conn: Connection, held: Sequence[Lease], seconds: float) -> set[int]:
        del conn, held, seconds
        return set()

    def release(self, conn: Connection, held: Sequence[Lease]) -> int:
        del conn, held
        return 0

    async def handle(self, batch: Sequence[ClaimedRun]) -> None:
        raise AssertionError(batch)


def told(state: RunState) -> Event:
    return Event(
        id=event_id("test", state),
        type="io.helixnet.job.changed.v1",
        topic=Topic.JOBS,
        key="j",
        tenant="acme",
        job="j",
        seq=1,
        time="",
        data={"job": "j", "run": 1, "state": state},
    )


async def test_events_of_other_states_do_not_wake_a_stage_that_waits_for_one(
    tmp_path: Path,
) -> None:
    ledger = await asyncio.to_thread(open_ledger, tmp_path / "ledger.db")
    bus = LocalBus(ledger, poll_seconds=0.05)
    stage = Idle()
    times = Times(lease=30, renew=10, poll=30, stop=1)
    service = Service[ClaimedRun](stage, name="ingest", ledger=ledger, times=times)
    signals = partial(bus.subscribe, Topic.JOBS, "ingest")
    listening = asyncio.create_task(service.listen(signals, state=RunState.PENDING))
    running = asyncio.create_task(service.run())
    try:
        await asyncio.wait_for(stage.looked.get(), 5)  # the look at its start
        await ledger.do(lambda conn: emit(conn, [told(RunState.PROCESSING)]))
        await asyncio.sleep(0.3)
        assert stage.looked.empty()
        await ledger.do(lambda conn: emit(conn, [told(RunState.PENDING)]))
        await asyncio.wait_for(stage.looked.get(), 5)
    finally:
        service.stop()
        listening.cancel()
        await asyncio.gather(running, listening, return_exceptions=True)
        await ledger.close()
