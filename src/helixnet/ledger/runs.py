"""Runs of jobs: claimed by ingest, started with all their parts, refused, cancelled, rerun."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select, update

from helixnet.engine.source import Part, SourceIndex
from helixnet.errors import ConflictError, NotFoundError, UsageError
from helixnet.events import Event, Topic
from helixnet.jobs import PartState, RunState
from helixnet.ledger import leases
from helixnet.ledger.dialect import clock
from helixnet.ledger.drifts import Drifted, tell_drift
from helixnet.ledger.endings import close_parts, end_failed, end_run, retry_or_end
from helixnet.ledger.inputs import sides
from helixnet.ledger.leases import MAX_ATTEMPTS, Failure, Lease, Queue
from helixnet.ledger.moves import (
    PART_ENDED,
    PARTS_READY,
    Move,
    lock_job,
    lock_jobs,
    move_jobs,
    told,
)
from helixnet.ledger.outbox import emit
from helixnet.ledger.parts import Made, Output, keep_samples, output_row, sample_rows
from helixnet.ledger.tables import RUN_WAITS, jobs, parts, runs

INGEST = Queue("ingest", runs, RUN_WAITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRun:
    """A run that this worker may split now.

    Args:
        content: None when the file is in the store.
        corrects: how many rejects of its parent a child's file must hold; 0 for other jobs.
    """

    id: int
    epoch: int
    attempts: int
    job: str
    run: int
    tenant: str
    flow: str
    name: str
    source: str
    key: str
    version: str
    size: int
    sha256: str
    content: bytes | None
    origin_key: str
    origin_version: str
    corrects: int
    context_hash: str
    inputs: dict[str, Any]
    tenant_inputs: dict[str, Any]
    trigger: str
    traceparent: str

    @property
    def lease(self) -> Lease:
        """What fences this worker's writes."""
        return Lease(self.id, self.epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the sequential pass found: the run can be mapped.

    Args:
        id: of the claimed run; with ``epoch``.
        index: with all parts, at least one.
        made: what its only part gave, when that was mapped at once; None: its parts wait.
        unpacked: the object whose bytes the parts are of; None: they are of the file itself.
        stop_percent: ``stop_at`` as a decimal percent; None without.
        stop_number: ``stop_at`` as a plain number; None without.
        fail_file: ``on_error.scope: file``.
        context_name: for lists, when the arrival did not know it.
        on_drift: what the context says of files that differ from it; nobody is told of ``allow``.
        inputs: the values that map the file; None leaves those of flow and job.
    """

    id: int
    epoch: int
    index: SourceIndex
    made: Made | None = None
    unpacked: Output | None = None
    stop_percent: str | None = None
    stop_number: int | None = None
    fail_file: bool = False
    context_name: str = ""
    context_version: str = ""
    engine: str = ""
    on_drift: str = "allow"
    inputs: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The file as a whole is refused; ``error`` has ``code``, ``message``, ``hint``, a place."""

    id: int
    epoch: int
    error: Mapping[str, object]


def unpacked_of(tenant: str, job: str, run: int) -> str:
    """Return the folder of what a run's packed file unpacks to: gone when the run has ended."""
    return f"results/{tenant}/{job}/{run}/unpacked/"


def _unless_empty(name: str, column: ColumnElement[str]) -> ColumnElement[str]:
    """A parameter, or what stands in the column already when it is empty."""
    return func.coalesce(func.nullif(bindparam(name, type_=column.type), ""), column)


_CLAIMED = (
    select(
        runs.c.id,
        runs.c.attempts,
        runs.c.job,
        runs.c.run,
        runs.c.tenant,
        jobs.c.flow,
        jobs.c.name,
        jobs.c.source,
        jobs.c.key,
        jobs.c.version,
        jobs.c.size,
        jobs.c.sha256,
        jobs.c.content,
        jobs.c.origin_key,
        jobs.c.origin_version,
        jobs.c.corrects,
        runs.c.context_hash,
        runs.c.inputs,
        runs.c.given,
        runs.c.trigger,
        runs.c.traceparent,
    )
    .join_from(runs, jobs, runs.c.job == jobs.c.id)
    .where(runs.c.id.in_(bindparam("ids", expanding=True)))
)
_HELD = (
    runs.c.id == bindparam("row"),
    runs.c.epoch == bindparam("fence"),
    runs.c.state == RunState.PENDING,
    runs.c.lease_until > 0,
)
_START = (
    update(runs)
    .where(*_HELD)
    .values(
        state=RunState.PROCESSING,
        lease_until=0,
        worker="",
        attempts=0,
        started=clock(),
        parts_total=bindparam("total"),
        settled=bindparam("ended"),
        incomplete=bindparam("stopped"),
        source_index=bindparam("found", type_=runs.c.source_index.type),
        stop_percent=bindparam("percent"),
        stop_number=bindparam("number"),
        fail_file=bindparam("whole"),
        context_name=_unless_empty("named", runs.c.context_name),
        context_version=_unless_empty("versioned", runs.c.context_version),
        engine=_unless_empty("made_by", runs.c.engine),
        unpacked_key=bindparam("plain_key"),
        unpacked_version=bindparam("plain_version"),
        unpacked_size=bindparam("plain_size"),
        inputs=func.coalesce(bindparam("values", type_=runs.c.inputs.type), runs.c.inputs),
    )
    .returning(runs.c.job, runs.c.run, runs.c.tenant, runs.c.traceparent)
)
_FOUND = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"))
    .values(sha256=bindparam("digest"), context=_unless_empty("named", jobs.c.context))
)
_WAITING = insert(parts).values(state=PartState.PENDING)
_DONE = insert(parts).values(state=PartState.DONE, attempts=1, finished=clock())
_CURRENT = (
    select(runs, jobs.c.purged)
    .join_from(jobs, runs, (runs.c.job == jobs.c.id) & (runs.c.run == jobs.c.run))
    .where(jobs.c.id == bindparam("job"), jobs.c.tenant == bindparam("tenant"))
    .with_for_update()
)


def claim_runs(
    conn: Connection, *, worker: str, limit: int, lease_seconds: float
) -> list[ClaimedRun]:
    """Claim runs that wait to be split, fair by tenant."""
    held = leases.claim(conn, INGEST, worker=worker, limit=limit, lease_seconds=lease_seconds)
    if not held:
        return []
    rows = conn.execute(_CLAIMED, {"ids": [lease.id for lease in held]}).mappings().all()
    return [ClaimedRun(epoch=lease.epoch, **sides(row)) for lease, row in leases.by_id(rows, held)]


def renew_runs(conn: Connection, held: Sequence[Lease], lease_seconds: float) -> set[int]:
    """Extend leases; what is missing from the returned ids is lost."""
    return leases.renew(conn, INGEST, held, lease_seconds)


def release_runs(conn: Connection, held: Sequence[Lease]) -> int:
    """Give runs back unworked, and the attempt with them."""
    return leases.release(conn, INGEST, held)


def fail_runs(
    conn: Connection, failures: Sequence[Failure], *, max_attempts: int = MAX_ATTEMPTS
) -> int:
    """Let runs wait for another attempt at splitting, or end them FAILED after too many."""
    return retry_or_end(conn, INGEST, failures, max_attempts)


def start_runs(conn: Connection, starts: Sequence[Start]) -> int:
    """Move claimed runs to PROCESSING with every part row, in one transaction.

    Returns:
        how many moved; one that was cancelled or lost meanwhile changes nothing.

    Raises:
        UsageError: an index without parts; an empty file has one, or its run would never end. Or
            something made of one with several.
    """
    for start in starts:
        if not start.index.parts or (start.made and len(start.index.parts) > 1):
            raise UsageError("a run needs at least one part, and only one that is mapped at once")
    begun: list[tuple[Start, Move]] = []
    lock_jobs(conn, {runs: [start.id for start in starts]})
    for start in leases.in_order(starts):
        moved = conn.execute(_START, _start_row(start)).first()
        if moved is not None:
            total = {"parts_total": len(start.index.parts)}
            state = RunState.PROCESSING
            move = Move(moved.job, moved.run, moved.tenant, state, total, moved.traceparent)
            begun.append((start, move))
    if begun:
        conn.execute(_FOUND, [_found_row(start, move) for start, move in begun])
        _add_parts(conn, begun)
        seqs = move_jobs(conn, [move for _, move in begun])
        emit(conn, [_signal(start, move, seqs[move.job]) for start, move in begun])
        tell_drift(conn, [_drifted(start, move) for start, move in begun if _drifts(start)])
    return len(begun)


def _add_parts(conn: Connection, begun: Sequence[tuple[Start, Move]]) -> None:
    waiting: list[dict[str, Any]] = []
    done: list[dict[str, Any]] = []
    samples: list[dict[str, Any]] = []
    for start, move in begun:
        base = {"run_id": start.id, "job": move.job, "run": move.run, "tenant": move.tenant}
        rows = [base | _part_row(part) for part in start.index.parts]
        if start.made is None:
            waiting += rows
        else:
            done.append(rows[0] | output_row(start.made) | {"epoch": start.epoch})
            samples += sample_rows(start.id, move.tenant, 0, start.made.samples)
    if waiting:
        conn.execute(_WAITING, waiting)
    if done:
        conn.execute(_DONE, done)
    keep_samples(conn, samples)


def _found_row(start: Start, move: Move) -> dict[str, str]:
    return {"of_job": move.job, "digest": start.index.sha256, "named": start.context_name}


def _signal(start: Start, move: Move, seq: int) -> Event:
    """Tell the next stage: the parts wait, or the only one has ended."""
    if start.made is None:
        return told(PARTS_READY, Topic.PARTS, move, seq)
    bare = replace(move, data={})
    return told(PART_ENDED, Topic.MAPPED, bare, seq, part=0, state=PartState.DONE)


def _drifts(start: Start) -> bool:
    return bool(start.index.drift) and start.on_drift != "allow"


def _drifted(start: Start, move: Move) -> Drifted:
    return Drifted(move, start.on_drift, start.index.drift, start.index.patch)


def _start_row(start: Start) -> dict[str, Any]:
    found = fields(start.index)
    index = {f.name: getattr(start.index, f.name) for f in found if f.name != "parts"}
    plain = start.unpacked or Output()
    return {
        "row": start.id,
        "fence": start.epoch,
        "total": len(start.index.parts),
        "ended": int(start.made is not None),
        "stopped": int(start.made is not None and start.made.incomplete),
        "found": index,
        "percent": start.stop_percent or "",
        "number": start.stop_number,
        "whole": int(start.fail_file),
        "named": start.context_name,
        "versioned": start.context_version,
        "made_by": start.engine,
        "values": start.inputs,
        "plain_key": plain.key,
        "plain_version": plain.version,
        "plain_size": plain.size,
    }


def _part_row(part: Part) -> dict[str, Any]:
    return {
        "number": part.number,
        "start_byte": part.start,
        "end_byte": part.end,
        "first_line": part.first_line,
        "first_record": part.first_record,
        "expected": part.records,
    }


def refuse_runs(conn: Connection, refusals: Sequence[Refusal]) -> int:
    """End claimed runs FAILED before any part exists; returns how many were still held."""
    return end_failed(conn, [Failure(r.id, r.epoch, r.error) for r in refusals])


def cancel(conn: Connection, *, tenant: str, job: str, by: str = "") -> None:
    """End the job's current run CANCELLED and fence all of its workers, in one transaction.

    Raises:
        NotFoundError: this tenant has no such job.
        ConflictError: the run is final already.
    """
    lock_job(conn, job)
    current = conn.execute(_CURRENT, {"tenant": tenant, "job": job}).mappings().first()
    if current is None:
        raise NotFoundError(f"there is no job {job}")
    why = {"code": "cancelled", "message": f"cancelled by {by}" if by else "cancelled"}
    move = Move(job, current["run"], tenant, RunState.CANCELLED, {"by": by}, current["traceparent"])
    if not end_run(conn, current["id"], move, why):
        raise ConflictError(f"job {job} is {current['state']} already")
    close_parts(conn, current["id"], move, why)
    move_jobs(conn, [move])
