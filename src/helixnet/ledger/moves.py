"""Every change of state of a job goes through here: one conditional update and its events.

The job row is locked before anything of its runs and parts is changed or derived: two workers
that end the last two parts of a run at once see each other, and nobody waits for a row while
holding one that its holder waits for. The order is everywhere jobs, runs, parts; by id in each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, bindparam, select, text, update

from helixnet.events import Event, Topic, event_id
from helixnet.jobs import FINAL, RunState, sources_of
from helixnet.ledger.dialect import clock, has_row_locks
from helixnet.ledger.outbox import emit
from helixnet.ledger.tables import PART_OPEN, jobs, parts, runs

JOB_CHANGED: Final = "io.helixnet.job.changed.v1"
RUN_FINISHED: Final = "io.helixnet.run.finished.v1"
PARTS_READY: Final = "io.helixnet.parts.ready.v1"
PART_ENDED: Final = "io.helixnet.part.ended.v1"
DELIVERY_CHANGED: Final = "io.helixnet.delivery.changed.v1"

_RAISE = (
    update(jobs)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
    .values(seq=jobs.c.seq + 1, changed=clock())
    .returning(jobs.c.id, jobs.c.seq)
)
_MOVE = (
    update(jobs)
    .where(
        jobs.c.id.in_(bindparam("ids", expanding=True)),
        jobs.c.state.in_(bindparam("sources", expanding=True)),
    )
    .values(seq=jobs.c.seq + 1, changed=clock(), state=bindparam("target"))
    .returning(jobs.c.id, jobs.c.seq)
)
_BY_ID = (
    select(jobs.c.id)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(jobs.c.id)
    .with_for_update()
)
_SETTLE = (
    update(runs)
    .where(
        runs.c.id.in_(bindparam("ids", expanding=True)),
        runs.c.state == "PROCESSING",
        ~select(parts.c.id)
        .where(parts.c.run_id == runs.c.id, text(PART_OPEN))
        .correlate(runs)
        .exists(),
    )
    .values(settled=1)
)


@dataclass(frozen=True, slots=True)
class Move:
    """A job's current run goes to a state.

    Args:
        data: what the events say beside job, run and state.
    """

    job: str
    run: int
    tenant: str
    state: RunState
    data: Mapping[str, object] = field(default_factory=dict[str, object])
    traceparent: str = ""


@cache
def _jobs_of(rows: Table) -> Select[Any]:
    theirs = select(rows.c.job).where(rows.c.id.in_(bindparam("ids", expanding=True)))
    return (
        select(jobs.c.id).where(jobs.c.id.in_(theirs)).order_by(jobs.c.id).with_for_update(of=jobs)
    )


def lock_job(conn: Connection, job: str) -> None:
    """Lock one job, so that what is read of it next is the present and stays so."""
    if has_row_locks(conn):
        conn.execute(_BY_ID, {"ids": [job]})


def lock_jobs(conn: Connection, of: Mapping[Table, Iterable[int]]) -> None:
    """Lock the jobs of these rows, by table, before the first change to any of them."""
    asked = [(rows, sorted(set(ids))) for rows, ids in of.items()]
    wanted = {rows: ids for rows, ids in asked if ids}
    if not wanted or not has_row_locks(conn):
        return
    if len(wanted) == 1:
        ((rows, ids),) = wanted.items()
        conn.execute(_jobs_of(rows), {"ids": ids})
        return
    found = set[str]()
    for rows, ids in wanted.items():
        found.update(conn.execute(select(rows.c.job).where(rows.c.id.in_(ids))).scalars())
    conn.execute(_BY_ID, {"ids": sorted(found)})


def raise_seq(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Raise the counters of these jobs by one, lock their rows, and return the new values."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {str(job): int(seq) for job, seq in conn.execute(_RAISE, {"ids": wanted})}


def told(kind: str, topic: Topic, move: Move, seq: int, **data: object) -> Event:
    """Return the event that tells of a move."""
    body: dict[str, Any] = {"job": move.job, "run": move.run, **move.data, **data}
    return Event(
        id=event_id(kind, move.job, move.run, data.get("part", ""), seq),
        type=kind,
        topic=topic,
        key=move.job,
        tenant=move.tenant,
        job=move.job,
        seq=seq,
        time="",
        data=body,
        traceparent=move.traceparent,
    )


def move_jobs(conn: Connection, moves: Sequence[Move]) -> dict[str, int]:
    """Show the new states on the job rows and tell them; the run rows were moved already.

    Returns:
        the new ``seq`` of each job.
    """
    seqs: dict[str, int] = {}
    for state, group in groupby(sorted(moves, key=lambda m: m.state), key=lambda m: m.state):
        given = {
            "ids": sorted(move.job for move in group),
            "sources": list(sources_of(state)),
            "target": state,
        }
        seqs |= {str(job): int(seq) for job, seq in conn.execute(_MOVE, given)}
    batch = list[Event]()
    for move in moves:
        seq = seqs[move.job]
        batch.append(told(JOB_CHANGED, Topic.JOBS, move, seq, state=move.state))
        if move.state in FINAL:
            batch.append(told(RUN_FINISHED, Topic.RESULTS, move, seq, state=move.state))
    emit(conn, batch)
    return seqs


def settle(conn: Connection, run_ids: Iterable[int]) -> None:
    """Mark those runs whose last part has ended; call with the job rows locked."""
    wanted = sorted(set(run_ids))
    if wanted:
        conn.execute(_SETTLE, {"ids": wanted})
