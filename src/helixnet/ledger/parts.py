"""Parts of runs: claimed by mappers, renewed, finished once, retried, given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from helixnet.engine.outcome import Counts
from helixnet.engine.source import Part, SourceIndex
from helixnet.events import Topic
from helixnet.jobs import PartState, RunState
from helixnet.ledger import leases
from helixnet.ledger.dialect import clock
from helixnet.ledger.endings import close_parts
from helixnet.ledger.leases import MAX_ATTEMPTS, Failure, Lease, Queue
from helixnet.ledger.moves import PART_ENDED, Move, lock_jobs, raise_seq, settle, told
from helixnet.ledger.outbox import emit
from helixnet.ledger.tables import PART_WAITS, jobs, parts, rejects, runs

MAPPING = Queue("mapping", parts, PART_WAITS, PartState.LEASED, PartState.PENDING)
WRONG_FILE = "HX-5030"
MAX_SAMPLES = 100  # rejects a run that are shown without opening its files


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPart:
    """A part that this worker may map now.

    Args:
        content: the whole file when it is inline; else None and ``key``, ``version``, ``size``: of
            the file, or of what it unpacks to.
        index: of the whole file, with only this part in ``parts``.
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
    size: int
    sha256: str
    content: bytes | None
    context_hash: str
    inputs: dict[str, Any]
    index: SourceIndex
    part: Part
    parts_total: int
    stop_number: int | None
    traceparent: str

    @property
    def lease(self) -> Lease:
        """What fences this worker's writes."""
        return Lease(self.id, self.epoch)


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes that a part wrote: inline up to 64 KiB, else an object of the store."""

    inline: bytes | None = None
    key: str = ""
    version: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What mapping a part gave.

    Args:
        outputs: ``documents``, ``size`` and ``sha256`` of each output, whose documents stand one
            after the other; empty where the only output has no name.
        samples: at most the first 100 rejects, each as its NDJSON object.
        incomplete: mapping stopped early, the counts are not of the whole part.
        wrong: which checks of the file fail; its only part knows.
    """

    counts: Counts
    documents: Output = Output(b"")
    documents_sha256: str = ""
    outputs: Sequence[Mapping[str, Any]] = field(default_factory=tuple[Mapping[str, Any], ...])
    rejects: Output = Output(b"")
    samples: Sequence[Mapping[str, Any]] = field(default_factory=tuple[Mapping[str, Any], ...])
    incomplete: bool = False
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDone:
    """A claimed part that was mapped; only its row makes the output visible."""

    id: int
    epoch: int
    made: Made


_CLAIMED = (
    select(
        parts,
        jobs.c.flow,
        jobs.c.name,
        jobs.c.key,
        jobs.c.version,
        jobs.c.size,
        jobs.c.sha256,
        jobs.c.content,
        runs.c.context_hash,
        runs.c.inputs,
        runs.c.source_index,
        runs.c.parts_total,
        runs.c.stop_number,
        runs.c.traceparent,
        *(runs.c[name] for name in ("unpacked_key", "unpacked_version", "unpacked_size")),
    )
    .join_from(parts, runs, parts.c.run_id == runs.c.id)
    .join(jobs, runs.c.job == jobs.c.id)
    .where(parts.c.id.in_(bindparam("ids", expanding=True)))
)
_SAME = ("id", "attempts", "job", "run", "tenant", "flow", "name", "key", "version", "size")
_ALSO = ("sha256", "content", "context_hash", "inputs", "parts_total", "stop_number", "traceparent")
_HELD = (
    parts.c.id == bindparam("row"),
    parts.c.epoch == bindparam("fence"),
    parts.c.state == PartState.LEASED,
)
_TOLD = (parts.c.run_id, parts.c.job, parts.c.run, parts.c.tenant, parts.c.number)
_OUTPUT = (
    *(f.name for f in fields(Counts)),
    *("documents_inline", "documents_key", "documents_version", "documents_size"),
    *("documents_sha256", "rejects_inline", "rejects_key", "rejects_version", "rejects_size"),
)
_DONE = (
    update(parts)
    .where(*_HELD)
    .values(
        state=PartState.DONE,
        lease_until=0,
        worker="",
        finished=clock(),
        error=bindparam("new_error", type_=parts.c.error.type),
        outputs=bindparam("new_outputs", type_=parts.c.outputs.type),
        **{name: bindparam(f"new_{name}") for name in _OUTPUT},
    )
    .returning(*_TOLD)
)
_DEAD = (
    update(parts)
    .where(*_HELD, parts.c.attempts >= bindparam("limit"))
    .values(
        state=PartState.DEAD,
        lease_until=0,
        worker="",
        finished=clock(),
        error=bindparam("why", type_=parts.c.error.type),
    )
    .returning(*_TOLD)
)
_INCOMPLETE = (
    update(runs).where(runs.c.id.in_(bindparam("ids", expanding=True))).values(incomplete=1)
)
_OVER = (
    select(runs.c.id, runs.c.job, runs.c.run, runs.c.tenant)
    .join_from(runs, parts, parts.c.run_id == runs.c.id)
    .where(
        runs.c.id.in_(bindparam("ids", expanding=True)),
        runs.c.stop_number.is_not(None),
        runs.c.state == RunState.PROCESSING,
    )
    .group_by(runs.c.id, runs.c.job, runs.c.run, runs.c.tenant, runs.c.stop_number)
    .having(func.sum(parts.c.rejected) > runs.c.stop_number)
)
_SURPLUS = delete(rejects).where(
    rejects.c.run_id == bindparam("of_run"),
    rejects.c.id.not_in(
        select(rejects.c.id)
        .where(rejects.c.run_id == bindparam("of_run"))
        .order_by(rejects.c.part, rejects.c.record, rejects.c.id)
        .limit(MAX_SAMPLES)
    ),
)


def claim_parts(
    conn: Connection, *, worker: str, limit: int, lease_seconds: float
) -> list[ClaimedPart]:
    """Claim waiting parts, fair by tenant; ask for no more than there are free workers."""
    held = leases.claim(conn, MAPPING, worker=worker, limit=limit, lease_seconds=lease_seconds)
    if not held:
        return []
    rows = conn.execute(_CLAIMED, {"ids": [lease.id for lease in held]}).mappings().all()
    return [_claimed(lease.epoch, row) for lease, row in leases.by_id(rows, held)]


def _claimed(epoch: int, row: RowMapping) -> ClaimedPart:
    part = Part(
        number=row["number"],
        start=row["start_byte"],
        end=row["end_byte"],
        first_line=row["first_line"],
        first_record=row["first_record"],
        records=row["expected"],
    )
    index = SourceIndex(**row["source_index"], parts=(part,))
    plain = {name: row[name] for name in _SAME + _ALSO}
    if row["unpacked_key"]:
        plain |= {name: row[f"unpacked_{name}"] for name in ("key", "version", "size")}
        plain["content"] = None
    return ClaimedPart(epoch=epoch, index=index, part=part, **plain)


def renew(conn: Connection, held: Sequence[Lease], lease_seconds: float) -> set[int]:
    """Extend leases; what is missing from the returned ids is lost and its work must stop."""
    return leases.renew(conn, MAPPING, held, lease_seconds)


def release_parts(conn: Connection, held: Sequence[Lease]) -> int:
    """Give parts back unworked, and the attempt with them."""
    return leases.release(conn, MAPPING, held)


def finish_parts(conn: Connection, outcomes: Sequence[PartDone]) -> int:
    """Make the outputs of parts visible, once; returns how many counted.

    An outcome of an older epoch changes nothing. A run whose rejects exceed its plain ``stop_at``
    has its other parts closed; a run whose last part ended is settled.
    """
    ended: list[RowMapping] = []
    samples: list[dict[str, Any]] = []
    incomplete = set[int]()
    lock_jobs(conn, {parts: [outcome.id for outcome in outcomes]})
    for outcome in leases.in_order(outcomes):
        done = conn.execute(_DONE, _output(outcome)).mappings().first()
        if done is None:
            continue
        ended.append(done)
        samples += sample_rows(done["run_id"], done["tenant"], done["number"], outcome.made.samples)
        if outcome.made.incomplete:
            incomplete.add(done["run_id"])
    _tell(conn, ended, PartState.DONE)
    keep_samples(conn, samples)
    touched = {row["run_id"] for row in ended}
    incomplete |= _stop_early(conn, touched)
    if incomplete:
        conn.execute(_INCOMPLETE, {"ids": sorted(incomplete)})
    settle(conn, touched)
    return len(ended)


def _output(outcome: PartDone) -> dict[str, Any]:
    new = {f"new_{name}": value for name, value in output_row(outcome.made).items()}
    return {"row": outcome.id, "fence": outcome.epoch, **new}


def output_row(made: Made) -> dict[str, Any]:
    """Return what a part's row says of its output."""
    counted = {f.name: getattr(made.counts, f.name) for f in fields(Counts)}
    return counted | {
        "error": {"code": WRONG_FILE, "message": made.wrong} if made.wrong else None,
        "documents_inline": made.documents.inline,
        "documents_key": made.documents.key,
        "documents_version": made.documents.version,
        "documents_size": made.documents.size,
        "documents_sha256": made.documents_sha256,
        "outputs": [*made.outputs] or None,
        "rejects_inline": made.rejects.inline,
        "rejects_key": made.rejects.key,
        "rejects_version": made.rejects.version,
        "rejects_size": made.rejects.size,
    }


def sample_rows(
    run_id: int, tenant: str, part: int, found: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows that show a part's first rejects."""
    return [
        {
            "run_id": run_id,
            "tenant": tenant,
            "part": part,
            "record": sample.get("record", 0),
            "line": sample.get("line", 0),
            "code": next((str(e.get("code", "")) for e in sample.get("errors", ())), ""),
            "reject": sample,
        }
        for sample in found[:MAX_SAMPLES]
    ]


def keep_samples(conn: Connection, samples: Sequence[Mapping[str, Any]]) -> None:
    """Keep the first samples of each run by position, whatever order the parts end in."""
    if samples:
        conn.execute(insert(rejects), list(samples))
        for run_id in sorted({sample["run_id"] for sample in samples}):
            conn.execute(_SURPLUS, {"of_run": run_id})


def _tell(conn: Connection, ended: Sequence[RowMapping], state: PartState) -> None:
    """Raise the jobs' counters, which locks their rows, and emit ``mapped`` for each part."""
    seqs = raise_seq(conn, (row["job"] for row in ended))
    emit(
        conn,
        [
            told(
                PART_ENDED,
                Topic.MAPPED,
                Move(row["job"], row["run"], row["tenant"], RunState.PROCESSING),
                seqs[row["job"]],
                part=row["number"],
                state=state,
            )
            for row in ended
        ],
    )


def _stop_early(conn: Connection, touched: set[int]) -> set[int]:
    """Close the open parts of runs over their plain ``stop_at``; returns those runs."""
    if not touched:
        return set()
    stopped = set[int]()
    why = {"code": "stopped", "message": "more rejects than stop_at allows"}
    for over in conn.execute(_OVER, {"ids": sorted(touched)}).all():
        move = Move(over.job, over.run, over.tenant, RunState.PROCESSING)
        if close_parts(conn, over.id, move, why):
            stopped.add(over.id)
    return stopped


def fail_parts(
    conn: Connection, failures: Sequence[Failure], *, max_attempts: int = MAX_ATTEMPTS
) -> int:
    """Let parts wait for another attempt, or give them up DEAD after ``max_attempts``.

    Returns:
        how many were still held by this worker.
    """
    held = 0
    dead: list[RowMapping] = []
    lock_jobs(conn, {parts: [failure.id for failure in failures if failure.counted]})
    for failure in leases.in_order(failures):
        fence = {"row": failure.id, "fence": failure.epoch}
        gone = None
        if failure.counted:
            given = {**fence, "limit": max_attempts, "why": failure.error}
            gone = conn.execute(_DEAD, given).mappings().first()
        if gone is not None:
            dead.append(gone)
        else:
            held += leases.retry_later(conn, MAPPING, failure)
    bury(conn, dead)
    return held + len(dead)


def bury(conn: Connection, dead: Sequence[RowMapping]) -> None:
    """Tell that parts were given up, and settle their runs."""
    if dead:
        _tell(conn, dead, PartState.DEAD)
        settle(conn, {row["run_id"] for row in dead})
