"""A short hand for driving jobs through a ledger, step by step."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from helixnet.engine.outcome import Counts
from helixnet.engine.source import Part, SourceIndex
from helixnet.jobs import RunState
from helixnet.ledger import arrivals, finish, parts, queries, reaper, runs
from helixnet.ports import Ledger

T = TypeVar("T")
GOOD = Counts(records=10, used=10, documents=10, written=10)
BAD = Counts(records=10, used=8, rejected=2, documents=10, written=8, documents_rejected=2)


def index(cuts: int = 1) -> SourceIndex:
    """An index of a file of ``cuts`` parts of 100 bytes and 10 records each."""
    made = [
        Part(n, n * 100, n * 100 + 100, first_line=n * 10 + 1, first_record=n * 10 + 1, records=10)
        for n in range(cuts)
    ]
    return SourceIndex(cuts * 100, "ab" * 32, "utf-8", ",", "\n", ["A", "B"], 0, ["x"], made)


def arrival(tenant: str = "demo", **given: Any) -> arrivals.Arrival:
    """A small inline file."""
    base = arrivals.Arrival(tenant=tenant, name="a.csv", size=3, content=b"a,b", context_hash="h")
    return replace(base, job=arrivals.new_job(), **given)


class Driver:
    """One ledger and the steps of a job, each its own transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def do(self, unit: Callable[..., T], *given: Any, **named: Any) -> T:
        return await self.ledger.do(lambda conn: unit(conn, *given, **named))

    async def read(self, unit: Callable[..., T], *given: Any, **named: Any) -> T:
        return await self.ledger.read(lambda conn: unit(conn, *given, **named))

    async def sql(self, statement: str, **given: Any) -> list[Any]:
        def run(conn: Connection) -> list[Any]:
            found = conn.execute(text(statement), given)
            return list(found.all()) if found.returns_rows else []

        return await self.ledger.do(run)

    async def accept(self, tenant: str = "demo", **given: Any) -> str:
        (accepted,) = await self.do(arrivals.accept, [arrival(tenant, **given)])
        return accepted.job

    async def claim_runs(self, limit: int = 10, seconds: float = 60) -> list[runs.ClaimedRun]:
        return await self.do(runs.claim_runs, worker="i", limit=limit, lease_seconds=seconds)

    async def claim_parts(self, limit: int = 10, seconds: float = 60) -> list[parts.ClaimedPart]:
        return await self.do(parts.claim_parts, worker="m", limit=limit, lease_seconds=seconds)

    async def claim_finish(self, limit: int = 10, seconds: float = 60) -> list[finish.Finishable]:
        return await self.do(finish.finishable, worker="s", limit=limit, lease_seconds=seconds)

    async def start(self, cuts: int = 1, **given: Any) -> list[runs.ClaimedRun]:
        claimed = await self.claim_runs()
        starts = [runs.Start(id=r.id, epoch=r.epoch, index=index(cuts), **given) for r in claimed]
        assert await self.do(runs.start_runs, starts) == len(starts)
        return claimed

    async def started(self, cuts: int = 1, tenant: str = "demo", **given: Any) -> str:
        job = await self.accept(tenant)
        await self.start(cuts, **given)
        return job

    async def done(self, part: parts.ClaimedPart, counts: Counts = GOOD, **given: Any) -> int:
        output = parts.Output(b"{}\n", size=3)
        made = {"documents": output, **given}
        outcome = parts.PartDone(
            id=part.id, epoch=part.epoch, made=parts.Made(counts=counts, **made)
        )
        return await self.do(parts.finish_parts, [outcome])

    async def map_all(self, counts: Counts = GOOD) -> int:
        mapped = 0
        while claimed := await self.claim_parts():
            for part in claimed:
                mapped += await self.done(part, counts)
        return mapped

    async def finish_all(self, **given: Any) -> list[RunState]:
        states = list[RunState]()
        for run in await self.claim_finish():
            state, error = finish.verdict(run)
            end = finish.Finish(
                id=run.id, epoch=run.epoch, state=state, manifest={"n": 1}, error=error, **given
            )
            assert await self.do(finish.finish_runs, [end]) == 1
            states.append(state)
        return states

    async def whole(self, cuts: int = 1, counts: Counts = GOOD, **given: Any) -> str:
        job = await self.started(cuts)
        await self.map_all(counts)
        await self.finish_all(**given)
        return job

    async def reap(self, max_attempts: int = 10) -> int:
        return await self.do(reaper.reap, max_attempts=max_attempts)

    async def detail(self, job: str, tenant: str | None = "demo") -> queries.JobDetail:
        return await self.read(queries.job_detail, tenant=tenant, job=job)

    async def state(self, job: str) -> RunState:
        return (await self.detail(job, None)).job.state

    async def events(self, topic: str) -> list[dict[str, Any]]:
        found = await self.sql(
            "SELECT type, job, seq FROM events WHERE topic = :t ORDER BY id", t=topic
        )
        return [row._asdict() for row in found]
