"""Runs again: one job or a selection, with the same or another context, always with lineage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from helixnet.errors import ConflictError, NotFoundError
from helixnet.events import Event, Topic
from helixnet.jobs import FINAL, RunState
from helixnet.ledger.dialect import clock
from helixnet.ledger.inputs import given, sides
from helixnet.ledger.moves import JOB_CHANGED, Move, lock_job, told
from helixnet.ledger.outbox import emit
from helixnet.ledger.tables import jobs, replays, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How a run is repeated.

    Args:
        context_hash: other context; empty keeps the one of the current run.
        tenant_inputs: other values of the tenant; None keeps those of the current run.
        deliver: ``none``, ``changed`` or ``all``.
        trigger: ``rerun`` or ``replay``.
        replay: id of the replay.
        by: who asked.
    """

    context_hash: str = ""
    context_name: str = ""
    context_version: str = ""
    tenant_inputs: Mapping[str, object] | None = None
    deliver: str = "none"
    trigger: str = "rerun"
    replay: str = ""
    by: str = ""
    engine: str = ""


_CURRENT = (
    select(jobs.c.id, jobs.c.run, jobs.c.state, jobs.c.purged, jobs.c.traceparent)
    .add_columns(jobs.c.superseded, jobs.c.parent)
    .add_columns(runs.c.context_hash, runs.c.context_name, runs.c.context_version)
    .add_columns(runs.c.inputs, runs.c.given)
    .join_from(jobs, runs, (runs.c.job == jobs.c.id) & (runs.c.run == jobs.c.run))
    .where(jobs.c.tenant == bindparam("tenant"), jobs.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(jobs.c.no)
)
_RERUN = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("of_job"),
        jobs.c.run == bindparam("was"),
        jobs.c.state.in_(sorted(FINAL)),
        jobs.c.purged == 0,
        jobs.c.superseded == 0,
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
_BEGUN = (
    update(replays)
    .where(replays.c.id == bindparam("of_replay"))
    .values(jobs=replays.c.jobs + bindparam("more"))
)


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
    if row["superseded"]:
        raise ConflictError(
            f"job {job} failed, and other children have taken its records since",
            hint=f"helixnet jobs list --parent {row['parent']}",
        )
    made = _again(conn, tenant, [row], again)
    if not made:
        raise ConflictError(f"job {job} is {row['state']}", hint="cancel it, or wait for its end")
    return made[job]


def keep_replay(conn: Connection, *, tenant: str, selection: object, again: Again) -> None:
    """Write down who asked for what; ``again.replay`` is its id."""
    row = {
        "id": again.replay,
        "tenant": tenant,
        "actor": again.by,
        "context_hash": again.context_hash,
        "deliver": again.deliver,
        "selection": selection,
        "jobs": 0,
    }
    conn.execute(_REPLAY, row)


def note_begun(conn: Connection, replay: str, number: int) -> None:
    """Count runs that a replay has begun."""
    conn.execute(_BEGUN, {"of_replay": replay, "more": number})


def begin_runs(
    conn: Connection, *, tenant: str, job_ids: Sequence[str], again: Again
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Start new runs of some jobs, in order of acceptance.

    Returns:
        the new run's number by job, and (job, reason) of those that can't run again.
    """
    rows = conn.execute(_CURRENT, {"tenant": tenant, "ids": list(job_ids)}).mappings().all()
    made = _again(conn, tenant, rows, again)
    known = {row["id"]: row for row in rows}
    return made, [(job, _left(known.get(job))) for job in job_ids if job not in made]


def obstacle(*, state: str, purged: object, superseded: object) -> str:
    """Say why a job can't run again; empty when it can, as far as its row says."""
    if purged:
        return "its file is no longer kept"
    if superseded:
        return "other children have taken its records"
    return "" if state in FINAL else f"it is {state}"


def _left(row: RowMapping | None) -> str:
    if row is None:
        return "it is no longer kept"
    why = obstacle(state=row["state"], purged=row["purged"], superseded=row["superseded"])
    return why or "it began to run meanwhile"


def _again(
    conn: Connection,
    tenant: str,
    rows: Sequence[RowMapping],
    again: Again,
) -> dict[str, int]:
    made: dict[str, int] = {}
    new: list[dict[str, Any]] = []
    batch: list[Event] = []
    for row in sorted(rows, key=lambda row: str(row["id"])):  # as all who lock several jobs
        run = _run_row(tenant, row, again)
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


def _run_row(tenant: str, row: RowMapping, again: Again) -> dict[str, Any]:
    old = again if not again.context_hash else None
    known = sides(row)
    of_tenant = known["tenant_inputs"] if again.tenant_inputs is None else again.tenant_inputs
    return {
        "job": row["id"],
        "run": row["run"] + 1,
        "tenant": tenant,
        "context_hash": row["context_hash"] if old else again.context_hash,
        "context_name": row["context_name"] if old else again.context_name,
        "context_version": row["context_version"] if old else again.context_version,
        "inputs": known["inputs"],
        "given": given(known["inputs"], of_tenant),
        "trigger": again.trigger,
        "replay": again.replay,
        "deliver": again.deliver,
        "asked_by": again.by,
        "previous": row["run"],
        "engine": again.engine,
        "traceparent": row["traceparent"],
    }
