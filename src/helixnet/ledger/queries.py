"""What people look at: job lists by filter, one job with its runs, samples of rejects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, case, func, select

from helixnet.engine.outcome import Counts
from helixnet.errors import NotFoundError
from helixnet.jobs import RunState
from helixnet.ledger.counts import COUNTS, counts_of, sums_of
from helixnet.ledger.dialect import rfc3339
from helixnet.ledger.fixes import TAKER
from helixnet.ledger.tables import deliveries, jobs, parts, rejects, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs; empty fields ask nothing.

    Args:
        tenant: None for all tenants (an admin without tenant).
        context: name of the current run's context.
        since: accepted at or after, in ledger microseconds.
        until: accepted before, in ledger microseconds.
        text: somewhere in the file name, whatever the case of ASCII letters.
        parent: job whose children are asked.
        ids: only these jobs.
    """

    tenant: str | None
    states: Sequence[RunState] = ()
    flow: str = ""
    context: str = ""
    source: str = ""
    since: int | None = None
    until: int | None = None
    text: str = ""
    parent: str = ""
    ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One line of a job list, with its current run.

    Args:
        no: order of acceptance; the next page starts before the last one's.
        counts: final, or the sum over the parts that are done.
        created: RFC 3339, as the other times; ``started`` and ``finished`` are None before.
        purged: retention removed the file; it can't run again.
        superseded: a child that failed, and whose records other children have now.
        results_gone: retention removed the results of the current run.
    """

    no: int
    job: str
    tenant: str
    flow: str
    name: str
    source: str
    submitted_by: str
    size: int
    sha256: str
    seq: int
    run: int
    run_id: int
    state: RunState
    context_hash: str
    context_name: str
    context_version: str
    counts: Counts
    incomplete: bool
    parts_total: int
    error: dict[str, Any] | None
    created: str
    started: str | None
    finished: str | None
    parent: str
    purged: bool
    superseded: bool
    results_gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run of a job."""

    run: int
    run_id: int
    state: RunState
    context_hash: str
    context_name: str
    context_version: str
    inputs: dict[str, Any]
    trigger: str
    replay: str
    deliver: str
    asked_by: str
    previous: int
    engine: str
    counts: Counts
    incomplete: bool
    parts_total: int
    parts_done: int
    parts_dead: int
    drift: Sequence[str]
    patch: Sequence[dict[str, Any]]
    error: dict[str, Any] | None
    manifest: dict[str, Any] | None
    created: str
    started: str | None
    finished: str | None
    results_gone: bool
    rejects_gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One delivery of a run."""

    run: int
    number: int
    topic: str
    state: str
    cursor: int
    delivered: int
    attempts: int
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetail:
    """A job with all of its runs, the newest first, and their deliveries."""

    job: JobRow
    key: str
    version: str
    parent_run: int
    corrects: int
    traceparent: str
    runs: Sequence[RunRow]
    deliveries: Sequence[DeliveryRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectRow:
    """A sample of a run's rejects; ``reject`` is the NDJSON object.

    Args:
        child: the job in which it went on; None while it is open.
    """

    id: int
    job: str
    run: int
    part: int
    record: int
    line: int
    code: str
    reject: dict[str, Any]
    child: str | None


_STORED = (RunState.COMPLETED, RunState.PARTIAL)  # their counts stand in the run row
_LIST = (
    select(
        jobs.c.no,
        jobs.c.id.label("job"),
        jobs.c.corrects,
        *(jobs.c[name] for name in ("tenant", "flow", "name", "source", "submitted_by", "size")),
        *(jobs.c[name] for name in ("sha256", "seq", "run", "state", "created", "parent")),
        *(
            jobs.c[name]
            for name in ("purged", "superseded", "key", "version", "parent_run", "traceparent")
        ),
        runs.c.id.label("run_id"),
        *(runs.c[name] for name in ("context_hash", "context_name", "context_version")),
        *(runs.c[name] for name in COUNTS),
        *(runs.c[name] for name in ("incomplete", "parts_total", "error", "started", "finished")),
        runs.c.results_gone,
    )
    .join_from(jobs, runs, (runs.c.job == jobs.c.id) & (runs.c.run == jobs.c.run))
    .order_by(jobs.c.no.desc())
)
_JOB_FIELDS = (
    *("no", "job", "tenant", "flow", "name", "source", "submitted_by", "size", "sha256", "seq"),
    *("run", "run_id", "context_hash", "context_name", "context_version", "parts_total"),
    *("error", "parent"),
)
_RUN_FIELDS = (
    *("run", "context_hash", "context_name", "context_version", "inputs", "trigger", "replay"),
    *("deliver", "asked_by", "previous", "engine", "parts_total", "error", "manifest"),
)
_TALLY = select(
    parts.c.run_id,
    func.sum(case((parts.c.state == "DONE", 1), else_=0)).label("done"),
    func.sum(case((parts.c.state == "DEAD", 1), else_=0)).label("dead"),
).group_by(parts.c.run_id)


def list_jobs(
    conn: Connection, wanted: JobFilter, *, before: int | None = None, limit: int = 50
) -> list[JobRow]:
    """Return jobs, the last accepted first.

    Args:
        conn: to read from.
        wanted: which jobs.
        limit: jobs a page.
        before: ``no`` of the last row of the page before.
    """
    query = _where(_LIST, wanted).limit(limit)
    if before is not None:
        query = query.where(jobs.c.no < before)
    rows = conn.execute(query).mappings().all()
    open_ids = [row["run_id"] for row in rows if row["state"] not in _STORED]
    sums = sums_of(conn, open_ids) if open_ids else {}
    return [_job(row, sums.get(row["run_id"], (counts_of(row), 0))[0]) for row in rows]


def _where(query: Select[Any], wanted: JobFilter) -> Select[Any]:
    equal = {
        "tenant": wanted.tenant,
        "flow": wanted.flow or None,
        "context": wanted.context or None,
        "source": wanted.source or None,
        "parent": wanted.parent or None,
    }
    for name, value in equal.items():
        if value is not None:
            query = query.where(jobs.c[name] == value)
    if wanted.states:
        query = query.where(jobs.c.state.in_([state.value for state in wanted.states]))
    if wanted.ids:
        query = query.where(jobs.c.id.in_(wanted.ids))
    if wanted.since is not None:
        query = query.where(jobs.c.created >= wanted.since)
    if wanted.until is not None:
        query = query.where(jobs.c.created < wanted.until)
    if wanted.text:
        query = query.where(jobs.c.name.icontains(wanted.text, autoescape=True))
    return query


def select_jobs(conn: Connection, wanted: JobFilter, *, limit: int = 1000) -> list[str]:
    """Return the ids of jobs in order of acceptance, for a replay."""
    query = _where(select(jobs.c.id), wanted).order_by(jobs.c.no).limit(limit)
    return [str(job) for job in conn.execute(query).scalars()]


def _time(value: int) -> str | None:
    return rfc3339(value) if value else None


def _job(row: RowMapping, counts: Counts) -> JobRow:
    return JobRow(
        state=RunState(row["state"]),
        counts=counts,
        incomplete=bool(row["incomplete"]),
        created=rfc3339(row["created"]),
        started=_time(row["started"]),
        finished=_time(row["finished"]),
        purged=bool(row["purged"]),
        superseded=bool(row["superseded"]),
        results_gone=bool(row["results_gone"]),
        **{name: row[name] for name in _JOB_FIELDS},
    )


def job_detail(conn: Connection, *, tenant: str | None, job: str) -> JobDetail:
    """Return a job with everything about it.

    Raises:
        NotFoundError: this tenant has no such job.
    """
    query = _where(_LIST, JobFilter(tenant=tenant)).where(jobs.c.id == job)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no job {job}")
    shown = _runs(conn, job)
    return JobDetail(
        job=_job(row, next(run.counts for run in shown if run.run == row["run"])),
        key=row["key"],
        version=row["version"],
        parent_run=row["parent_run"],
        corrects=row["corrects"],
        traceparent=row["traceparent"],
        runs=shown,
        deliveries=_deliveries(conn, job),
    )


def _runs(conn: Connection, job: str) -> list[RunRow]:
    found = select(runs).where(runs.c.job == job).order_by(runs.c.run.desc())
    rows = conn.execute(found).mappings().all()
    ids = [row["id"] for row in rows]
    tally = {t["run_id"]: t for t in conn.execute(_TALLY.where(parts.c.run_id.in_(ids))).mappings()}
    open_ids = [row["id"] for row in rows if row["state"] not in _STORED]
    sums = sums_of(conn, open_ids) if open_ids else {}
    return [
        _run(row, sums.get(row["id"], (counts_of(row), 0))[0], tally.get(row["id"])) for row in rows
    ]


def _run(row: RowMapping, counts: Counts, tally: RowMapping | None) -> RunRow:
    index: Mapping[str, Any] = row["source_index"] or {}
    return RunRow(
        run_id=row["id"],
        state=RunState(row["state"]),
        counts=counts,
        incomplete=bool(row["incomplete"]),
        parts_done=int(tally["done"]) if tally else 0,
        parts_dead=int(tally["dead"]) if tally else 0,
        drift=index.get("drift", ()),
        patch=index.get("patch", ()),
        created=rfc3339(row["created"]),
        started=_time(row["started"]),
        finished=_time(row["finished"]),
        results_gone=bool(row["results_gone"]),
        rejects_gone=bool(row["rejects_gone"]),
        **{name: row[name] for name in _RUN_FIELDS},
    )


def _deliveries(conn: Connection, job: str) -> list[DeliveryRow]:
    query = (
        select(*(deliveries.c[name] for name in DeliveryRow.__slots__))
        .where(deliveries.c.run_id.in_(select(runs.c.id).where(runs.c.job == job)))
        .order_by(deliveries.c.run.desc(), deliveries.c.number)
    )
    return [DeliveryRow(**row) for row in conn.execute(query).mappings()]


def list_rejects(  # noqa: PLR0913 - every filter of a list is a keyword of its own
    conn: Connection,
    *,
    tenant: str | None,
    job: str = "",
    run: int | None = None,
    code: str = "",
    after: int = 0,
    newest: bool = False,
    limit: int = 50,
) -> list[RejectRow]:
    """Return samples of rejects by id; the next page starts after the last one's id.

    With ``newest`` from the newest on backwards, where ``after`` 0 starts at the end.
    """
    query = (
        select(rejects, runs.c.job, runs.c.run, TAKER.c.child)
        .join_from(rejects, runs, rejects.c.run_id == runs.c.id)
        .outerjoin(
            TAKER, (TAKER.c.run_id == rejects.c.run_id) & (TAKER.c.record == rejects.c.record)
        )
        .order_by(rejects.c.id.desc() if newest else rejects.c.id)
        .limit(limit)
    )
    if after:
        query = query.where(rejects.c.id < after if newest else rejects.c.id > after)
    if tenant is not None:
        query = query.where(rejects.c.tenant == tenant)
    if job:
        query = query.where(runs.c.job == job)
    if run is not None:
        query = query.where(runs.c.run == run)
    if code:
        query = query.where(rejects.c.code == code)
    rows = conn.execute(query).mappings()
    return [RejectRow(**{name: row[name] for name in RejectRow.__slots__}) for row in rows]
