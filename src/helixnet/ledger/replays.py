"""Runs again: one job or a selection, with the same or another context, always with lineage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from helixnet.errors import ConflictError, NotFoundError
from helixnet.events import Event, Topic
from helixnet.jobs import FINAL, RunState
from helixnet.ledger.dialect import clock
from helixnet.ledger.moves import JOB_CHANGED, Move, lock_job, told
from helixnet.ledger.outbox import emit
from helixnet.ledger.tables import jobs, replays, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How a run is repeated.

    Args:
        context_hash: other context; empty keeps the one of the current run.
        inputs: other inputs; None keeps them.
        deliver: ``none``, ``changed`` or ``all``.
        trigger: ``rerun`` or ``replay``.
        replay: id of the replay.
        by: who asked.
    """

    context_hash: str = ""
    context_name: str = ""
    context_version: str = ""
    inputs: Mapping[str, object] | None = None
    deliver: str = "none"
    trigger: str = "rerun"
    replay: str = ""
    by: str = ""
    engine: str = ""


_CURRENT = (
    select(jobs.c.id, jobs.c.run, jobs.c.state, jobs.c.purged, jobs.c.traceparent)
    .add_columns(runs.c.context_hash, runs.c.context_name, runs.c.context_version, runs.c.inputs)
    .join_from(jobs, runs, (runs.c.job == jobs.c.id) & (runs.c.run == jobs.c.run))
    .where(jobs.c.tenant == bindparam("tenant"), jobs.c.id.in_(bindparam("ids", expanding=True)))
)
_RERUN = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("of_job"),
        jobs.c.run == bindparam("was"),
        jobs.c.state.in_(sorted(FINAL)),
        jobs.c.purged == 0,
    )
    .values(
        run=jobs.c.run + 1,
        seq=jobs.c.seq + 1,
        state=RunState.PENDING,
        context=bindparam("named"),
        changed=clock(),
    )
    .returning(jobs.c.run, jobs.c.seq)
)
_NEW_RUNS = insert(runs).values(created=clock(), state=RunState.PENDING)
_REPLAY = insert(replays).values(created=clock())


def rerun(conn: Connection, *, tenant: str, job: str, again: Again) -> int:
    """Start a new run of a finished job; returns its number.

    Raises:
        NotFoundError: this tenant has no such job.
        ConflictError: the current run is still open, or the job's file is no longer kept.
    """
    lock_job(conn, job)
    row = conn.execute(_CURRENT, {"tenant": tenant, "ids": [job]}).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no job {job}")
    if row["purged"]:
        raise ConflictError(f"the file of job {job} is no longer kept", hint="send it again")
    made = _again(conn, tenant, [row], again)
    if not made:
        raise ConflictError(f"job {job} is {row['state']}", hint="cancel it, or wait for its end")
    return made[job]


def replay(
    conn: Connection, *, tenant: str, job_ids: Sequence[str], selection: object, again: Again
) -> tuple[str, list[str]]:
    """Start new runs of a selection and keep what was asked.

    Args:
        conn: in whose transaction.
        tenant: whose jobs.
        again: how they run.
        job_ids: of this tenant (``queries.select_jobs``); open or purged ones are left out.
        selection: the filter as asked, for the record.

    Returns:
        the replay's id, and the jobs that run again.
    """
    replay_id = uuid4().hex
    rows = conn.execute(_CURRENT, {"tenant": tenant, "ids": list(job_ids)}).mappings().all()
    made = _again(conn, tenant, rows, again, replay_id)
    row = {
        "id": replay_id,
        "tenant": tenant,
        "actor": again.by,
        "context_hash": again.context_hash,
        "deliver": again.deliver,
        "selection": selection,
        "jobs": len(made),
    }
    conn.execute(_REPLAY, row)
    return replay_id, list(made)


def _again(
    conn: Connection,
    tenant: str,
    rows: Sequence[RowMapping],
    again: Again,
    replay_id: str = "",
) -> dict[str, int]:
    made: dict[str, int] = {}
    new: list[dict[str, Any]] = []
    batch: list[Event] = []
    for row in sorted(rows, key=lambda row: str(row["id"])):  # as all who lock several jobs
        run = _run_row(tenant, row, again, replay_id)
        given = {"of_job": row["id"], "was": row["run"], "named": run["context_name"]}
        moved = conn.execute(_RERUN, given).first()
        if moved is None:
            continue
        made[row["id"]] = moved.run
        new.append(run)
        state = RunState.PENDING
        data = {"trigger": again.trigger, "by": again.by}
        move = Move(row["id"], moved.run, tenant, state, data, row["traceparent"])
        batch.append(told(JOB_CHANGED, Topic.JOBS, move, moved.seq, state=state))
    if new:
        conn.execute(_NEW_RUNS, new)
        emit(conn, batch)
    return made


def _run_row(tenant: str, row: RowMapping, again: Again, replay_id: str) -> dict[str, Any]:
    old = again if not again.context_hash else None
    return {
        "job": row["id"],
        "run": row["run"] + 1,
        "tenant": tenant,
        "context_hash": row["context_hash"] if old else again.context_hash,
        "context_name": row["context_name"] if old else again.context_name,
        "context_version": row["context_version"] if old else again.context_version,
        "inputs": row["inputs"] if again.inputs is None else dict(again.inputs),
        "trigger": again.trigger,
        "replay": replay_id or again.replay,
        "deliver": again.deliver,
        "asked_by": again.by,
        "previous": row["run"],
        "engine": again.engine,
        "traceparent": row["traceparent"],
    }
