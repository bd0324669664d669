"""Rejects that went on in a child job: each is taken once, so nothing is lost and nothing doubled.

The parent's run and counts stay as they are. A child that failed as a whole holds nothing back:
whoever takes its records anew supersedes it, and it can't run again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from helixnet.engine.outcome import Counts
from helixnet.errors import ConflictError, NotFoundError
from helixnet.jobs import RunState
from helixnet.ledger.arrivals import Accepted, Arrival, accept
from helixnet.ledger.counts import COUNTS, counts_of
from helixnet.ledger.tables import fixes, jobs, runs

FRUITLESS: Final = (RunState.FAILED, RunState.CANCELLED)  # of such a child nothing came

_PARENT = (
    select(jobs.c.run, jobs.c.state, runs.c.id.label("run_id"), runs.c.rejects_gone)
    .join_from(jobs, runs, (runs.c.job == jobs.c.id) & (runs.c.run == jobs.c.run))
    .where(jobs.c.id == bindparam("job"), jobs.c.tenant == bindparam("tenant"))
    .with_for_update(of=jobs)
)
TAKER: Final = (
    select(fixes.c.run_id, fixes.c.record, fixes.c.child)
    .outerjoin_from(fixes, jobs, jobs.c.id == fixes.c.child)
    .where(func.coalesce(jobs.c.state, "").not_in(FRUITLESS))
    .subquery("taker")
)
"""Which child has each reject that is not open; a child that is gone has it for good."""

_TAKEN = (
    select(fixes.c.record, fixes.c.child, jobs.c.state)
    .outerjoin_from(fixes, jobs, jobs.c.id == fixes.c.child)
    .where(fixes.c.run_id == bindparam("of_run"))
)
_SUPERSEDE = (
    update(jobs)
    .where(
        jobs.c.id.in_(bindparam("ids", expanding=True)),
        jobs.c.state.in_(FRUITLESS),
        jobs.c.superseded == 0,
    )
    .values(superseded=1)
    .returning(jobs.c.id)
)
_FREE = delete(fixes).where(fixes.c.child.in_(bindparam("ids", expanding=True)))
_CHILDREN = (
    select(jobs.c.id, jobs.c.run, jobs.c.state, jobs.c.parent_run, jobs.c.corrects)
    .add_columns(jobs.c.superseded, *(runs.c[name] for name in COUNTS))
    .join_from(jobs, runs, (runs.c.job == jobs.c.id) & (runs.c.run == jobs.c.run))
    .where(jobs.c.parent == bindparam("job"), jobs.c.tenant == bindparam("tenant"))
    .order_by(jobs.c.no)
)
_HELD = select(TAKER.c.record, TAKER.c.child).where(TAKER.c.run_id == bindparam("of_run"))
_HELD_COUNT = select(func.count()).select_from(TAKER).where(TAKER.c.run_id == bindparam("of_run"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A job of corrected or requeued rejects.

    Args:
        parent_run: whose rejects they were.
        corrects: how many.
        superseded: it failed, and others have its records now.
    """

    job: str
    run: int
    state: RunState
    parent_run: int
    corrects: int
    superseded: bool
    counts: Counts


def take(conn: Connection, child: Arrival, records: Sequence[int]) -> Accepted:
    """Accept a child job and give it these rejects of its parent's run, all or none.

    Raises:
        ConflictError: one was taken before, or the parent runs again or has no result.
        NotFoundError: there is no such parent.
    """
    (accepted,) = accept(conn, [child])
    if not accepted.created:
        return accepted
    run_id = _parent(conn, child)
    _free(conn, run_id, set(records))
    rows = [
        {"run_id": run_id, "record": record, "tenant": child.tenant, "child": accepted.job}
        for record in records
    ]
    conn.execute(insert(fixes), rows)
    return accepted


def _parent(conn: Connection, child: Arrival) -> int:
    """Lock the parent's row and return its run's id."""
    given = {"job": child.parent, "tenant": child.tenant}
    parent = conn.execute(_PARENT, given).first()
    if parent is None:
        raise NotFoundError(f"there is no job {child.parent}")
    if parent.run != child.parent_run or parent.state != RunState.PARTIAL:
        raise ConflictError(f"job {child.parent} is {parent.state} in run {parent.run} by now")
    if parent.rejects_gone:
        raise ConflictError(f"the rejects of job {child.parent} are no longer kept")
    return int(parent.run_id)


def _free(conn: Connection, run_id: int, wanted: set[int]) -> None:
    """Take records from children of which nothing came; refuse those that others have."""
    held = [row for row in conn.execute(_TAKEN, {"of_run": run_id}) if row.record in wanted]
    fruitless = sorted({row.child for row in held if row.state in FRUITLESS})
    gone = set[str]()
    if fruitless:
        gone = set(conn.execute(_SUPERSEDE, {"ids": fruitless}).scalars())
    for row in held:
        if row.child not in gone:
            raise ConflictError(
                f"record {row.record} went on in job {row.child} already",
                hint=f"helixnet jobs show {row.child}",
            )
    if gone:
        conn.execute(_FREE, {"ids": sorted(gone)})


def taken(conn: Connection, *, run_id: int) -> dict[int, str]:
    """Return the child that has each record; those of fruitless children are open again."""
    return {row.record: row.child for row in conn.execute(_HELD, {"of_run": run_id})}


def count_taken(conn: Connection, *, run_id: int) -> int:
    """Return how many rejects of a run went on in children."""
    return int(conn.execute(_HELD_COUNT, {"of_run": run_id}).scalar_one())


def children(conn: Connection, *, tenant: str, job: str) -> list[Child]:
    """Return the children of a job in order of acceptance."""
    rows = conn.execute(_CHILDREN, {"job": job, "tenant": tenant}).mappings()
    return [
        Child(
            job=row["id"],
            state=RunState(row["state"]),
            superseded=bool(row["superseded"]),
            counts=counts_of(row),
            **{name: row[name] for name in ("run", "parent_run", "corrects")},
        )
        for row in rows
    ]
