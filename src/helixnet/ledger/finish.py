"""The end of a run: its counts are sums over its parts, its state is judged once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from helixnet.engine.outcome import Counts
from helixnet.engine.verdict import Terms, judge
from helixnet.errors import ConflictError
from helixnet.jobs import RunState
from helixnet.ledger import leases
from helixnet.ledger.counts import COUNTS, counts_of, sums_of
from helixnet.ledger.dialect import clock
from helixnet.ledger.endings import retry_or_end, short
from helixnet.ledger.leases import MAX_ATTEMPTS, Failure, Lease, Queue
from helixnet.ledger.moves import Move, lock_jobs, move_jobs
from helixnet.ledger.parts import Output
from helixnet.ledger.slices import Slice, slices_of
from helixnet.ledger.tables import RUN_SETTLED, deliveries, jobs, parts, runs

FINISHING = Queue("finish", runs, RUN_SETTLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishable:
    """A run whose last part has ended, with what decides its state.

    Args:
        counts: sums over the part rows.
        dead: parts given up.
        incomplete: mapping stopped early, so the counts are not of the whole file.
        created: when it was accepted or asked for, in microseconds since 1970.
        index: as the sequential pass found it, without parts (``drift``, ``sha256``, …).
    """

    id: int
    epoch: int
    attempts: int
    job: str
    run: int
    tenant: str
    flow: str
    name: str
    key: str
    version: str
    context_hash: str
    context_name: str
    context_version: str
    inputs: dict[str, Any]
    index: dict[str, Any]
    engine: str
    trigger: str
    deliver: str
    stop_percent: str
    stop_number: int | None
    fail_file: bool
    incomplete: bool
    parts_total: int
    dead: int
    counts: Counts
    created: int
    traceparent: str

    @property
    def lease(self) -> Lease:
        """What fences this worker's writes."""
        return Lease(self.id, self.epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOutput:
    """What one DONE part of a run wrote; ``slices`` are the documents of each output.

    ``error`` says what is wrong with the file as a whole, where its only part knows.
    """

    number: int
    epoch: int
    counts: Counts
    documents: Output
    documents_sha256: str
    slices: Sequence[Slice]
    rejects: Output
    error: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to make after the finish.

    Args:
        number: of ``deliver:`` in the context, from 0.
        output: number of the output whose documents it tells of, from 0.
    """

    number: int
    topic: str
    policy: str = "all"
    output: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The end of a claimed run; deliveries are made only when it is COMPLETED or PARTIAL.

    Args:
        manifest: what the result is made of, in order.
        result_keys: objects that the sink wrote, beside those of the parts.
    """

    id: int
    epoch: int
    state: RunState
    manifest: Mapping[str, object]
    error: Mapping[str, object] | None = None
    deliveries: Sequence[NewDelivery] = field(default_factory=tuple[NewDelivery, ...])
    result_keys: Sequence[str] = ()


_FINISHABLE = (
    select(
        runs,
        jobs.c.flow,
        jobs.c.name,
        jobs.c.key,
        jobs.c.version,
    )
    .join_from(runs, jobs, runs.c.job == jobs.c.id)
    .where(runs.c.id.in_(bindparam("ids", expanding=True)))
)
_PLAIN = (
    *("id", "attempts", "job", "run", "tenant", "flow", "name", "key", "version"),
    *("context_hash", "context_name", "context_version", "inputs", "engine", "trigger"),
    *("deliver", "stop_percent", "stop_number", "parts_total", "created", "traceparent"),
)
_FINISH = (
    update(runs)
    .where(
        runs.c.id == bindparam("row"),
        runs.c.epoch == bindparam("fence"),
        runs.c.state == RunState.PROCESSING,
        runs.c.settled == 1,
        runs.c.lease_until > 0,
    )
    .values(
        state=bindparam("target"),
        lease_until=0,
        worker="",
        finished=clock(),
        manifest=bindparam("listing", type_=runs.c.manifest.type),
        result_keys=bindparam("written_keys", type_=runs.c.result_keys.type),
        error=bindparam("why", type_=runs.c.error.type),
        **{name: bindparam(f"sum_{name}") for name in COUNTS},
    )
    .returning(runs.c.job, runs.c.run, runs.c.tenant, runs.c.traceparent)
)
_OUTPUTS = (
    select(parts)
    .where(
        parts.c.run_id == bindparam("of_run"),
        parts.c.state == "DONE",
        parts.c.number > bindparam("after"),
    )
    .order_by(parts.c.number)
    .limit(bindparam("most"))
)
_SINGLE_OUTPUTS = select(parts).where(
    parts.c.run_id.in_(bindparam("ids", expanding=True)), parts.c.state == "DONE"
)
_NEW_DELIVERIES = insert(deliveries).values(state="PENDING", created=clock())


def finishable(
    conn: Connection, *, worker: str, limit: int, lease_seconds: float
) -> list[Finishable]:
    """Claim settled runs to finish, fair by tenant, so that one sink alone writes each result."""
    held = leases.claim(conn, FINISHING, worker=worker, limit=limit, lease_seconds=lease_seconds)
    if not held:
        return []
    ids = [lease.id for lease in held]
    rows = conn.execute(_FINISHABLE, {"ids": ids}).mappings().all()
    sums = sums_of(conn, ids)
    return [
        _finishable(lease.epoch, row, *sums[lease.id]) for lease, row in leases.by_id(rows, held)
    ]


def _finishable(epoch: int, row: RowMapping, counts: Counts, dead: int) -> Finishable:
    return Finishable(
        epoch=epoch,
        index=row["source_index"],
        fail_file=bool(row["fail_file"]),
        incomplete=bool(row["incomplete"]),
        dead=dead,
        counts=counts,
        **{name: row[name] for name in _PLAIN},
    )


def outputs(
    conn: Connection, run_id: int, *, after: int = -1, limit: int = 200
) -> list[PartOutput]:
    """Return the DONE parts of a run by number, a page at a time, with inline bytes."""
    given = {"of_run": run_id, "after": after, "most": limit}
    return [_output(row) for row in conn.execute(_OUTPUTS, given).mappings()]


def single_outputs(conn: Connection, claimed: Sequence[Finishable]) -> dict[int, list[PartOutput]]:
    """Return what runs of one part wrote, by run: most runs, at once."""
    single = {run.id: list[PartOutput]() for run in claimed if run.parts_total == 1}
    if single:
        for row in conn.execute(_SINGLE_OUTPUTS, {"ids": list(single)}).mappings():
            single[row["run_id"]].append(_output(row))
    return single


def _output(row: RowMapping) -> PartOutput:
    made = {
        kind: Output(
            row[f"{kind}_inline"], row[f"{kind}_key"], row[f"{kind}_version"], row[f"{kind}_size"]
        )
        for kind in ("documents", "rejects")
    }
    counts, sha256 = counts_of(row), row["documents_sha256"]
    whole = Slice(0, row["documents_size"], counts.written, sha256)
    return PartOutput(
        number=row["number"],
        epoch=row["epoch"],
        counts=counts,
        documents_sha256=sha256,
        slices=slices_of(row["outputs"], whole),
        error=row["error"],
        **made,
    )


def verdict(
    run: Finishable, outputs: Sequence[PartOutput] = ()
) -> tuple[RunState, dict[str, object] | None]:
    """Judge a settled run: its final state, and the error where that is FAILED.

    Args:
        run: with the sums of its counts.
        outputs: of a run of one part, which knows what is wrong with the file as a whole.
    """
    if run.dead and not run.incomplete:
        text = f"{run.dead} of {run.parts_total} parts failed at every attempt"
        return RunState.FAILED, {"code": "HX-7001", "message": text}
    terms = Terms(
        stop_number=run.stop_number,
        stop_percent=Decimal(run.stop_percent) if run.stop_percent else None,
        fail_file=run.fail_file,
    )
    found = judge(terms, run.counts, stopped=run.incomplete)
    wrong = next((part.error for part in outputs if part.error), None)
    if wrong is not None and found.state != RunState.FAILED:
        return RunState.FAILED, wrong
    error: dict[str, object] = {"code": found.code, "message": found.message}
    return RunState(found.state), error if found.code else None


def finish_runs(conn: Connection, finishes: Sequence[Finish]) -> int:
    """End claimed runs, store their counts and manifest, and create their deliveries, once.

    Returns:
        how many moved; one that was cancelled or claimed by another changes nothing.

    Raises:
        ConflictError: a state other than FAILED is asked for counts that do not balance.
    """
    lock_jobs(conn, {runs: [finish.id for finish in finishes]})
    sums = sums_of(conn, [finish.id for finish in finishes])
    moves: list[Move] = []
    due: list[dict[str, Any]] = []
    for finish in leases.in_order(finishes):
        counts, _ = sums[finish.id]
        if finish.state is not RunState.FAILED and not counts.balanced:
            raise ConflictError(f"run {finish.id} can't be {finish.state}: {counts}")
        ended = conn.execute(_FINISH, _finish_row(finish, counts)).first()
        if ended is None:
            continue
        who = {"job": ended.job, "run": ended.run, "tenant": ended.tenant}
        data: dict[str, object] = {"counts": _asdict(counts)}
        if finish.error:
            data["error"] = short(finish.error)
        moves.append(Move(state=finish.state, data=data, traceparent=ended.traceparent, **who))
        if finish.state is not RunState.FAILED:
            due += [{"run_id": finish.id, **who, **_delivery(d)} for d in finish.deliveries]
    if due:
        conn.execute(_NEW_DELIVERIES, due)
    if moves:
        move_jobs(conn, moves)
    return len(moves)


def _asdict(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in COUNTS}


def _delivery(new: NewDelivery) -> dict[str, Any]:
    return {
        "number": new.number,
        "topic": new.topic,
        "policy": new.policy,
        "output": new.output,
    }


def _finish_row(finish: Finish, counts: Counts) -> dict[str, Any]:
    return {
        "row": finish.id,
        "fence": finish.epoch,
        "target": finish.state,
        "listing": finish.manifest,
        "written_keys": list(finish.result_keys),
        "why": finish.error,
        **{f"sum_{name}": value for name, value in _asdict(counts).items()},
    }


def fail_finish(
    conn: Connection, failures: Sequence[Failure], *, max_attempts: int = MAX_ATTEMPTS
) -> int:
    """Let runs wait for another attempt at their finish, or end them FAILED after too many."""
    return retry_or_end(conn, FINISHING, failures, max_attempts)


def renew_finish(conn: Connection, held: Sequence[Lease], lease_seconds: float) -> set[int]:
    """Extend leases while results are written; what is missing is lost."""
    return leases.renew(conn, FINISHING, held, lease_seconds)


def release_finish(conn: Connection, held: Sequence[Lease]) -> int:
    """Give runs back unfinished, and the attempt with them."""
    return leases.release(conn, FINISHING, held)
