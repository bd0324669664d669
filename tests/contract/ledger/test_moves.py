"""Whatever happens in whatever order, only legal moves are made and the counts stay balanced."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.engine.outcome import Counts
from helixnet.errors import ConflictError
from helixnet.jobs import PART_MOVES, RUN_MOVES, PartState, RunState
from helixnet.ledger import finish, parts, replays, runs, tables
from helixnet.ledger.counts import counts_of, sums_of
from helixnet.ledger.leases import Failure
from tests.contract.ledger.driving import BAD, GOOD, Driver, index

pytestmark = pytest.mark.contract

# The database itself writes down every move, so that nothing can pass unseen.
LOG = """
CREATE TRIGGER log_{kind} AFTER UPDATE OF state ON {kind} WHEN old.state <> new.state
BEGIN INSERT INTO moves VALUES ('{kind}', old.id, old.state, new.state); END
"""


def log_moves(conn: Connection) -> None:
    conn.exec_driver_sql("CREATE TABLE moves (kind TEXT, id INTEGER, old TEXT, new TEXT)")
    for kind in ("runs", "parts"):
        conn.exec_driver_sql(LOG.format(kind=kind))


class Chance:
    """Workers that claim, lose, repeat and cancel as they are told."""

    def __init__(self, hx: Driver) -> None:
        self.hx = hx
        self.jobs = list[str]()
        self.runs = list[runs.ClaimedRun]()
        self.parts = list[parts.ClaimedPart]()
        self.ends = list[finish.Finishable]()

    async def step(self, what: str, pick: int) -> None:
        await getattr(self, what)(pick)

    def pick(self, of: list[Any], pick: int) -> list[Any]:
        return [of[pick % len(of)]] if of else []

    async def accept(self, pick: int) -> None:
        self.jobs.append(await self.hx.accept(f"t{pick % 3}"))

    async def claim_runs(self, pick: int) -> None:
        self.runs += await self.hx.claim_runs(limit=2, seconds=-1 if pick % 3 == 0 else 60)

    async def start(self, pick: int) -> None:
        for run in self.pick(self.runs, pick):
            rules = {"stop_number": 2} if pick % 4 == 0 else {}
            cut = index(1 + pick % 3)
            start = runs.Start(id=run.id, epoch=run.epoch, index=cut, **rules)
            await self.hx.do(runs.start_runs, [start])

    async def refuse(self, pick: int) -> None:
        for run in self.pick(self.runs, pick):
            refusal = runs.Refusal(id=run.id, epoch=run.epoch, error={"code": "HX-5001"})
            await self.hx.do(runs.refuse_runs, [refusal])

    async def claim_parts(self, pick: int) -> None:
        self.parts += await self.hx.claim_parts(limit=2, seconds=-1 if pick % 3 == 0 else 60)

    async def finish_part(self, pick: int) -> None:
        for part in self.pick(self.parts, pick):
            await self.hx.done(part, BAD if pick % 2 else GOOD)

    async def fail_part(self, pick: int) -> None:
        for part in self.pick(self.parts, pick):
            failure = Failure(part.id, part.epoch, {"code": "x"}, counted=pick % 2 == 0)
            await self.hx.do(parts.fail_parts, [failure], max_attempts=2)

    async def release(self, pick: int) -> None:
        for part in self.pick(self.parts, pick):
            await self.hx.do(parts.release_parts, [part.lease])

    async def claim_finish(self, pick: int) -> None:
        self.ends += await self.hx.claim_finish(limit=2, seconds=-1 if pick % 3 == 0 else 60)

    async def finish(self, pick: int) -> None:
        for run in self.pick(self.ends, pick):
            state, error = finish.verdict(run)
            end = finish.Finish(id=run.id, epoch=run.epoch, state=state, manifest={}, error=error)
            await self.hx.do(finish.finish_runs, [end])

    async def cancel(self, pick: int) -> None:
        await self._try(pick, runs.cancel)

    async def rerun(self, pick: int) -> None:
        await self._try(pick, replays.rerun, again=replays.Again())

    async def _try(self, pick: int, unit: Any, **given: Any) -> None:
        for job in self.pick(self.jobs, pick):
            tenant = (await self.hx.detail(job, None)).job.tenant
            try:
                await self.hx.do(unit, tenant=tenant, job=job, **given)
            except ConflictError:
                continue

    async def reap(self, pick: int) -> None:
        await self.hx.reap(max_attempts=2 + pick % 2)


STEPS = [name for name in vars(Chance) if not name.startswith("_") and name not in {"step", "pick"}]


async def settle_all(chance: Chance) -> None:
    """Let every worker do its honest work until nothing is left."""
    hx = chance.hx
    for _ in range(30):
        await hx.sql("UPDATE runs SET lease_until = 1 WHERE lease_until > 0")
        await hx.sql("UPDATE parts SET lease_until = 1 WHERE lease_until > 0")
        await asyncio.sleep(0.001)
        await hx.reap()
        await hx.start(2)
        await hx.map_all()
        await hx.finish_all()
        if not await hx.sql("SELECT 1 FROM jobs WHERE state IN ('PENDING', 'PROCESSING')"):
            return
    pytest.fail("something hangs")


def counted_twice(conn: Connection) -> list[tuple[Counts, Counts]]:
    """The counts of each finished run as they stand, and as its parts add up."""
    good = tables.runs.c.state.in_([RunState.COMPLETED, RunState.PARTIAL])
    rows = conn.execute(select(tables.runs).where(good)).mappings().all()
    sums = sums_of(conn, [row["id"] for row in rows])
    return [(counts_of(row), sums[row["id"]][0]) for row in rows]


async def check(hx: Driver) -> None:
    for kind, old, new in await hx.sql("SELECT kind, old, new FROM moves"):
        if kind == "runs":
            assert RunState(new) in RUN_MOVES[RunState(old)]
        else:
            assert PartState(new) in PART_MOVES[PartState(old)]
    twice = "SELECT id FROM moves WHERE kind = 'runs' AND new <> 'PROCESSING' GROUP BY id"
    assert await hx.sql(f"{twice} HAVING count(*) > 1") == []
    for own, sums in await hx.read(counted_twice):
        assert own == sums
        assert own.balanced
    ended = await hx.sql("SELECT count(*) FROM runs WHERE finished > 0")
    told = await hx.sql("SELECT count(*) FROM events WHERE topic = 'helix.results'")
    assert ended == told
    seqs = await hx.sql("SELECT job, seq, id FROM events WHERE topic = 'helix.jobs' ORDER BY id")
    last = dict[str, int]()
    for job, seq, _ in seqs:
        assert seq > last.get(job, 0)
        last[job] = seq
    stuck = "SELECT 1 FROM parts WHERE state IN ('PENDING', 'LEASED')"
    assert await hx.sql(stuck) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 11)), min_size=5, max_size=60))
def test_any_interleaving_ends_well(steps: list[tuple[str, int]]) -> None:
    """Every run ends in one final state, told once, with legal moves and summed counts only."""

    async def play() -> None:
        with TemporaryDirectory() as folder:
            ledger = open_ledger(Path(folder) / "ledger.db")
            try:
                hx = Driver(ledger)
                await ledger.do(log_moves)
                chance = Chance(hx)
                for what in ("accept", "accept", "claim_runs", "start", "start", "claim_parts"):
                    await chance.step(what, len(steps))
                for what, pick in steps:
                    await chance.step(what, pick)
                await settle_all(chance)
                await check(hx)
            finally:
                await ledger.close()

    asyncio.run(play())
