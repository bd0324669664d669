"""A job's current run with its file: what a dry run or a correction starts from."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select

from helixnet.engine.outcome import Counts
from helixnet.jobs import RunState
from helixnet.ledger.counts import COUNTS, counts_of
from helixnet.ledger.inputs import sides
from helixnet.ledger.replays import obstacle
from helixnet.ledger.tables import jobs, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledRun:
    """A job with its current run.

    Args:
        index: as the sequential pass found it, without parts; empty before.
        content: the whole file when it is inline; else None and ``key``, ``version``.
        obstacle: why it would not run again; empty when it would.
    """

    job: str
    run: int
    run_id: int
    tenant: str
    name: str
    state: RunState
    key: str
    version: str
    size: int
    content: bytes | None
    flow: str
    context_hash: str
    context_name: str
    context_version: str
    deliver: str
    traceparent: str
    inputs: dict[str, Any]
    tenant_inputs: dict[str, Any]
    index: dict[str, Any]
    results_gone: bool
    counts: Counts
    obstacle: str


_JOB = (
    select(
        jobs.c.id.label("job"),
        *(jobs.c[name] for name in ("run", "tenant", "name", "state", "key", "version", "size")),
        *(jobs.c[name] for name in ("content", "flow", "purged", "superseded", "traceparent")),
        runs.c.id.label("run_id"),
        *(
            runs.c[name]
            for name in (
                "context_hash",
                "context_name",
                "context_version",
                "deliver",
                "inputs",
                "given",
            )
        ),
        *(runs.c[name] for name in ("results_gone", "source_index", *COUNTS)),
    )
    .join_from(jobs, runs, (runs.c.job == jobs.c.id) & (runs.c.run == jobs.c.run))
    .where(jobs.c.id == bindparam("job"), jobs.c.tenant == bindparam("tenant"))
)
_PLAIN = (
    *("job", "run", "run_id", "tenant", "name", "key", "version", "size", "content"),
    *("context_hash", "context_name", "context_version", "inputs", "tenant_inputs"),
    *("flow", "deliver"),
    "traceparent",
)


def filed_run(conn: Connection, *, tenant: str, job: str) -> FiledRun | None:
    """Return a job as a dry run needs it; None when it is gone."""
    row = conn.execute(_JOB, {"tenant": tenant, "job": job}).mappings().first()
    return None if row is None else _comparable(row)


def _comparable(row: RowMapping) -> FiledRun:
    known = sides(row)
    return FiledRun(
        state=RunState(row["state"]),
        results_gone=bool(row["results_gone"]),
        counts=counts_of(row),
        index=row["source_index"] or {},
        obstacle=obstacle(state=row["state"], purged=row["purged"], superseded=row["superseded"]),
        **{name: known[name] for name in _PLAIN},
    )
