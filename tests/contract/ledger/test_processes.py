"""Several processes on one Postgres: whatever they do at once has one effect, and nothing hangs."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, text

from helixnet.adapters import ledger_postgres
from helixnet.engine.outcome import Counts
from helixnet.errors import ConflictError
from helixnet.events import Event, Topic, event_id
from helixnet.jobs import PART_MOVES, RUN_MOVES, PartState, RunState
from helixnet.ledger import arrivals, catalog, finish, outbox, parts, reaper, replays, runs
from helixnet.ledger.leases import Failure
from tests.contract.ledger.driving import BAD, GOOD, Driver, arrival, index
from tests.contract.ledger.servers import ON_POSTGRES, Postgres
from tests.contract.ledger.test_parts import MOUNTAIN

pytestmark = [pytest.mark.contract, *ON_POSTGRES]

LOG = """
CREATE TABLE moves (kind text, id bigint, old text, new text);
CREATE FUNCTION log_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO moves VALUES (TG_TABLE_NAME, old.id, old.state, new.state); RETURN NULL; END $$;
CREATE TRIGGER log AFTER UPDATE OF state ON runs FOR EACH ROW
  WHEN (old.state <> new.state) EXECUTE FUNCTION log_move();
CREATE TRIGGER log AFTER UPDATE OF state ON parts FOR EACH ROW
  WHEN (old.state <> new.state) EXECUTE FUNCTION log_move();
"""


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a test that can be repeated


@pytest.fixture
async def several(database: Postgres) -> list[Driver]:
    """Three processes, as far as the database can tell."""
    database.elsewhere(LOG)
    return [Driver(await database.another(relay=True)) for _ in range(3)]


@pytest.fixture
def races(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the deadlocks that transactions met, though a repeat hides them."""
    met = Counter[str]()
    may_repeat = ledger_postgres.postgres_errors.may_repeat

    def counted(error: BaseException) -> bool:
        met[ledger_postgres.postgres_errors.sqlstate(error)] += may_repeat(error)
        return may_repeat(error)

    monkeypatch.setattr(ledger_postgres.postgres_errors, "may_repeat", counted)
    return met


async def test_racing_claims_never_share_a_part(several: list[Driver]) -> None:
    await several[0].started(cuts=90)
    await several[0].started(cuts=30, tenant="acme")
    claims = await asyncio.gather(*(hx.claim_parts(limit=4) for hx in several * 15))
    ids = [part.id for claim in claims for part in claim]
    assert len(ids) == len(set(ids)) == 120


async def test_the_last_two_parts_that_end_at_once_settle_the_run(several: list[Driver]) -> None:
    """Each sees the other, though neither was committed when the other began."""
    one, other, _ = several
    for _ in range(15):
        await one.started(cuts=2)
        first, second = await one.claim_parts()
        assert await asyncio.gather(one.done(first), other.done(second)) == [1, 1]
        assert await one.finish_all() == [RunState.COMPLETED]


async def test_a_part_that_two_finish_at_once_counts_once(several: list[Driver]) -> None:
    await several[0].started()
    (part,) = await several[0].claim_parts()
    assert sum(await asyncio.gather(*(hx.done(part) for hx in several * 4))) == 1


async def test_a_drop_that_all_accept_at_once_is_one_job(
    several: list[Driver], races: Counter[str]
) -> None:
    """In whatever order each lists them, and again under one Idempotency-Key."""

    def drops(order: random.Random) -> list[arrivals.Arrival]:
        made = [
            arrival(origin_key=f"inbox/demo/{n}", origin_version="1", idempotency_key=f"k{n}")
            for n in range(20)
        ]
        order.shuffle(made)
        return made

    asked = [drops(dice(n)) for n in range(9)]
    answers = await asyncio.gather(
        *(hx.do(arrivals.accept, batch) for hx, batch in zip(several * 3, asked, strict=True))
    )
    made = [accepted for answer in answers for accepted in answer if accepted.created]
    assert len(made) == 20
    by_drop = {
        (one.origin_key, accepted.job)
        for batch, answer in zip(asked, answers, strict=True)
        for one, accepted in zip(batch, answer, strict=True)
    }
    assert len(by_drop) == 20
    assert await several[0].sql("SELECT count(*) FROM runs") == [(20,)]
    assert races == Counter()


async def test_a_job_that_all_repeat_at_once_runs_once_more(several: list[Driver]) -> None:
    job = await several[0].whole()

    async def rerun(hx: Driver) -> int:
        try:
            return await hx.do(
                replays.rerun, tenant="demo", job=job, again=replays.Again(deliver="all")
            )
        except ConflictError:
            return 0

    assert sorted(await asyncio.gather(*map(rerun, several))) == [0, 0, 2]
    assert await several[0].sql("SELECT count(*) FROM runs WHERE job = :j", j=job) == [(2,)]


async def test_a_reader_of_a_topic_misses_nothing_that_commits_late(several: list[Driver]) -> None:
    """An event with a lower id may be committed after one with a higher: positions do not tell."""
    writers, reader = several[:2], several[2]
    count, pauses = 120, dice(1)

    async def write(hx: Driver, n: int) -> None:
        def unit(conn: Connection) -> None:
            outbox.emit(conn, [_event(n)])
            conn.execute(text("SELECT pg_sleep(:s)"), {"s": pauses.random() / 50})

        await hx.ledger.do(unit)
        marks = [number for number, _ in hx.ledger.outgoing(50)]
        await hx.do(outbox.mark_published, marks)

    async def read() -> list[int]:
        position, found = 0, list[int]()
        while len(found) < count:
            page = await reader.read(outbox.read_topic, Topic.DEAD, position, 7)
            found += [stored.event.data["n"] for stored in page]
            position = page[-1].position if page else position
        return found

    async with asyncio.timeout(100):
        reading = asyncio.create_task(read())
        await asyncio.gather(*(write(writers[n % 2], n) for n in range(count)))
        assert sorted(await reading) == list(range(count))


def _event(n: int) -> Event:
    return Event(event_id("t", n), "t", Topic.DEAD, "k", "demo", "", 0, "", {"n": n})


async def test_what_one_process_publishes_wakes_the_others(several: list[Driver]) -> None:
    """By NOTIFY, sent with the marks; a commit that is not published yet wakes nobody else."""
    one, other, _ = several
    await asyncio.sleep(1)  # both listen by now; later only costs the wait below
    mark = await other.ledger.changed(0, 0)
    waiting = asyncio.create_task(other.ledger.changed(mark, 60, Topic.DEAD))
    await one.do(outbox.emit, [_event(1)])
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await one.do(outbox.mark_published, [number for number, _ in one.ledger.outgoing(9)])
    assert await asyncio.wait_for(waiting, 30) > mark


class Chaos:
    """A process that does whatever comes to its mind, with leases that are often too short."""

    def __init__(self, hx: Driver, seed: int, jobs: list[str]) -> None:
        self.hx = hx
        self.random = dice(seed)
        self.jobs = jobs

    def some(self, of: Sequence[Any]) -> list[Any]:
        return self.random.sample(list(of), self.random.randint(0, len(of)))

    @property
    def seconds(self) -> float:
        return self.random.choice([-1, 60, 60])

    async def run(self, steps: int) -> None:
        deeds = (self.accept, self.ingest, self.map, self.map, self.end, self.meddle, self.reap)
        for _ in range(steps):
            await self.random.choice(deeds)()

    async def accept(self) -> None:
        batch = [arrival(f"t{self.random.randint(0, 2)}") for _ in range(3)]
        self.jobs += [accepted.job for accepted in await self.hx.do(arrivals.accept, batch)]

    async def ingest(self) -> None:
        claimed = await self.hx.claim_runs(limit=4, seconds=self.seconds)
        await self.hx.do(runs.renew_runs, [run.lease for run in self.some(claimed)], 60)
        starts = [
            runs.Start(
                id=run.id,
                epoch=run.epoch,
                index=index(self.random.randint(1, 4)),
                stop_number=self.random.choice([None, None, 3]),
            )
            for run in self.some(claimed)
        ]
        await self.hx.do(runs.start_runs, starts)
        await self.hx.do(runs.release_runs, [run.lease for run in claimed])

    async def map(self) -> None:
        claimed = await self.hx.claim_parts(limit=6, seconds=self.seconds)
        await self.hx.do(parts.renew, [part.lease for part in self.some(claimed)], 60)
        outcomes = [
            parts.PartDone(
                id=part.id,
                epoch=part.epoch,
                made=parts.Made(
                    counts=self.random.choice([GOOD, BAD]),
                    documents=parts.Output(b"{}\n", size=3),
                ),
            )
            for part in self.some(claimed)
        ]
        await self.hx.do(parts.finish_parts, outcomes)
        failures = [
            Failure(part.id, part.epoch, {"code": "x"}, counted=self.random.random() < 0.5)
            for part in self.some(claimed)
        ]
        await self.hx.do(parts.fail_parts, failures, max_attempts=3)

    async def end(self) -> None:
        claimed = await self.hx.claim_finish(limit=4, seconds=self.seconds)
        ends = list[finish.Finish]()
        for run in self.some(claimed):
            state, error = finish.verdict(run)
            to = (finish.NewDelivery(0, f"helix.out.{run.tenant}.x"),)
            ends.append(
                finish.Finish(
                    id=run.id,
                    epoch=run.epoch,
                    state=state,
                    manifest={"counts": {"written": run.counts.written}},
                    error=error,
                    deliveries=to,
                )
            )
        await self.hx.do(finish.finish_runs, ends)

    async def meddle(self) -> None:
        for job in self.some(self.jobs[-12:])[:4]:
            tenant = (await self.hx.detail(job, None)).job.tenant
            unit = self.random.choice([runs.cancel, replays.rerun])
            given = {"again": replays.Again()} if unit is replays.rerun else {}
            try:
                await self.hx.do(unit, tenant=tenant, job=job, **given)
            except ConflictError:
                continue
        tenant = f"t{self.random.randint(0, 2)}"
        chosen = self.some(self.jobs[-12:])
        await self.hx.do(replays.begin_runs, tenant=tenant, job_ids=chosen, again=replays.Again())

    async def reap(self) -> None:
        await self.hx.do(reaper.reap, max_attempts=3)
        marks = [number for number, _ in self.hx.ledger.outgoing(200)]
        await self.hx.do(outbox.mark_published, marks)


async def settled(hx: Driver) -> None:
    """Let honest workers do what is left."""
    for _ in range(200):
        await hx.sql("UPDATE runs SET lease_until = 1 WHERE lease_until > 0")
        await hx.sql("UPDATE parts SET lease_until = 1 WHERE lease_until > 0")
        await hx.reap(max_attempts=3)
        await hx.start(2)
        await hx.map_all()
        await hx.finish_all()
        if not await hx.sql("SELECT 1 FROM jobs WHERE state IN ('PENDING', 'PROCESSING')"):
            return
    pytest.fail("something hangs")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_interleaving_of_processes_ends_well(
    several: list[Driver], races: Counter[str], seed: int
) -> None:
    """Every run ends in one final state, told once, by legal moves, and without a deadlock."""
    jobs = list[str]()
    await Chaos(several[0], seed, jobs).accept()
    players = [Chaos(hx, seed * 10 + n, jobs) for n, hx in enumerate(several * 3)]
    await asyncio.gather(*(player.run(25) for player in players))
    hx = several[0]
    await settled(hx)
    for kind, old, new in await hx.sql("SELECT kind, old, new FROM moves"):
        if kind == "runs":
            assert RunState(new) in RUN_MOVES[RunState(old)]
        else:
            assert PartState(new) in PART_MOVES[PartState(old)]
    twice = "SELECT id FROM moves WHERE kind = 'runs' AND new <> 'PROCESSING' GROUP BY id"
    assert await hx.sql(f"{twice} HAVING count(*) > 1") == []
    ended = await hx.sql("SELECT count(*) FROM runs WHERE finished > 0")
    assert ended == await hx.sql("SELECT count(*) FROM events WHERE topic = 'helix.results'")
    assert await hx.sql("SELECT 1 FROM parts WHERE state IN ('PENDING', 'LEASED')") == []
    seqs = await hx.sql("SELECT job, seq FROM events WHERE topic = 'helix.jobs' ORDER BY id")
    last = dict[str, int]()
    for job, seq in seqs:
        assert seq > last.get(job, 0)
        last[job] = seq
    assert races == Counter()


async def test_a_lone_part_behind_a_mountain_is_among_the_next(several: list[Driver]) -> None:
    """100,000 parts of one tenant wait: another's is claimed among the next 2 x workers."""
    hx, other, _ = several
    await hx.started(tenant="acme")
    await hx.sql(MOUNTAIN)
    await hx.started(tenant="globex")
    first = await asyncio.gather(hx.claim_parts(limit=2), other.claim_parts(limit=2))
    assert "globex" in {part.tenant for claim in first for part in claim}
    for statement in (parts.MAPPING.tenants, parts.MAPPING.take):
        plan = await hx.do(explained, statement)
        assert "ix_parts_waits" in plan
        assert "Seq Scan on parts" not in plan


def explained(conn: Connection, statement: Any) -> str:
    given = {"of_tenant": "acme", "most": 2, "span": 1, "by": "x"}
    compiled = statement.compile(conn, compile_kwargs={"render_postcompile": True})
    values = tuple((compiled.params | given)[name] for name in compiled.positiontup or ())
    rows = conn.exec_driver_sql(f"EXPLAIN {compiled}", values)
    return "\n".join(str(row[0]) for row in rows)


async def test_counts_of_a_cancelled_race_stay_balanced(several: list[Driver]) -> None:
    """Cancel and the finish of parts lock the same rows from two sides."""
    for _ in range(10):
        job = await several[0].started(cuts=4)
        claimed = await several[0].claim_parts()

        async def cancel(job: str = job) -> Counts | None:
            await several[1].do(runs.cancel, tenant="demo", job=job)
            return None

        await asyncio.gather(
            *(hx.done(part) for hx, part in zip(several * 2, claimed, strict=False)), cancel()
        )
        assert await several[0].state(job) is RunState.CANCELLED
        open_parts = "SELECT 1 FROM parts WHERE state IN ('PENDING', 'LEASED')"
        assert await several[0].sql(open_parts) == []


async def test_a_tenant_that_two_add_at_once_is_one(several: list[Driver]) -> None:
    made = await asyncio.gather(*(hx.do(catalog.add_tenant, "acme") for hx in several * 3))
    assert sorted(made) == [False] * 8 + [True]
