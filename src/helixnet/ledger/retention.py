"""What is old goes: files, results, rejects, events and whole jobs, but never open work.

Rows forget an object in the same transaction that notes its key as garbage; the caller deletes
the objects of noted keys and then strikes them off, so a crash between leaves no orphan.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVarTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    text,
    update,
)

from helixnet.errors import UsageError
from helixnet.jobs import FINAL, DeliveryState
from helixnet.ledger.catalog import Flow, list_flows
from helixnet.ledger.dialect import clock, insert_ignore, microseconds, position_of
from helixnet.ledger.runs import unpacked_of
from helixnet.ledger.tables import (
    UNPACKED,
    dead_letters,
    deliveries,
    events,
    garbage,
    idempotency,
    jobs,
    offsets,
    parts,
    rejects,
    runs,
)

CLASSES: Final = ("drops", "work", "results", "rejects", "events", "jobs")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_ENDED: Final = sorted(FINAL)
_FOREVER: Final = 1e10  # seconds; 300 years


@dataclass(slots=True)
class Cleaned:
    """What a cleaning removed, or would remove.

    Args:
        rows: by class, how many files, results (runs), rejects (runs), events, jobs.
        keys: objects of the store that nothing speaks of any more; one that ends with ``/`` means
            all below it.
    """

    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))
    keys: list[str] = field(default_factory=list[str])


def seconds_of(age: str) -> float:
    """Return ``90d``, ``12h``, ``30m``, ``45s`` or ``2w`` in seconds.

    Raises:
        UsageError: it is none of these.
    """
    found = re.fullmatch(r"(\d{1,9})([smhdw])", age, re.ASCII)
    if found is None:
        raise UsageError(f"{age!r} is no age", hint="write a number and s, m, h, d or w: 90d")
    return float(found[1]) * _UNITS[found[2]]


def clean(
    conn: Connection, older_than: dict[str, float], *, dry_run: bool = False, limit: int = 500
) -> Cleaned:
    """Remove what ended longer ago than its class allows; call again until nothing is found.

    Args:
        conn: in whose transaction.
        older_than: seconds by class; a class that is not named is kept, unless a flow's own
            ``retention`` names it. ``drops`` are accepted files that were dropped, ``work`` those
            that were uploaded.
        dry_run: change nothing, only tell.
        limit: most things of a class and scope in one call.
    """
    for name in older_than:
        if name not in CLASSES:
            raise UsageError(f"there is no class {name}", hint=f"of {', '.join(CLASSES)}")
    cleaned = Cleaned()
    for kind, step in _STEPS.items():
        for scope, rest, age in _scopes(conn, kind, older_than.get(kind)):
            before = clock() - microseconds(age)
            found, keys = step(_Sweep(conn, scope, rest, before, limit, dry_run))
            cleaned.rows[kind] += found
            cleaned.keys += keys
    cleaned.keys += _unpacked(conn, limit, dry_run=dry_run)
    if cleaned.keys and not dry_run:
        statement = insert_ignore(conn, garbage, "created", returning="key")
        conn.execute(statement, [{"key": key} for key in dict.fromkeys(cleaned.keys)])
    return cleaned


def garbage_keys(conn: Connection, *, limit: int = 500) -> list[str]:
    """Return keys whose objects are to be deleted now."""
    query = select(garbage.c.key).order_by(garbage.c.created, garbage.c.key).limit(limit)
    return list(conn.execute(query).scalars())


def strike(conn: Connection, keys: Sequence[str]) -> int:
    """Say that the objects of these keys are gone."""
    gone = delete(garbage).where(garbage.c.key.in_(bindparam("keys", expanding=True)))
    return conn.execute(gone, {"keys": list(keys)}).rowcount if keys else 0


def _scopes(
    conn: Connection, kind: str, default: float | None
) -> Iterable[tuple[ColumnElement[bool], bool, float]]:
    """Flows with an age of their own, then all other jobs."""
    ages = [(flow, _age(flow, kind)) for flow in list_flows(conn)]
    own = [(flow, age) for flow, age in ages if age is not None]
    of_flow = [and_(jobs.c.tenant == flow.tenant, jobs.c.flow == flow.name) for flow, _ in own]
    for (_, age), scope in zip(own, of_flow, strict=True):
        yield scope, False, age
    if default is not None:
        yield (not_(or_(*of_flow)) if of_flow else jobs.c.no > 0), True, default


def _age(flow: Flow, kind: str) -> float | None:
    """Return a flow's own age for a class; ``keep`` is the one for its drops."""
    if kind in flow.retention:
        return float(flow.retention[kind])
    if kind != "drops" or not flow.keep:
        return None
    words = {"delete": 0.0, "forever": _FOREVER}
    return words[flow.keep] if flow.keep in words else seconds_of(flow.keep)


@dataclass(frozen=True, slots=True)
class _Sweep:
    """One class in one scope: jobs of a flow, or all others, and what ended before a time."""

    conn: Connection
    scope: ColumnElement[bool]
    rest: bool  # all others, and what belongs to no job
    before: ColumnElement[int]
    limit: int
    dry_run: bool


_Found = tuple[int, list[str]]
_Columns = TypeVarTuple("_Columns")
_Step = Callable[[_Sweep], _Found]


def _file_step(*, dropped: bool) -> _Step:
    kind = jobs.c.origin_key != "" if dropped else jobs.c.origin_key == ""

    def step(sweep: _Sweep) -> _Found:
        old = and_(sweep.scope, kind, jobs.c.state.in_(_ENDED), jobs.c.purged == 0)
        query = (
            select(jobs.c.no, jobs.c.key)
            .where(old, jobs.c.changed < sweep.before)
            .limit(sweep.limit)
        )
        rows = sweep.conn.execute(_held(sweep, query)).all()
        if rows and not sweep.dry_run:
            gone = update(jobs).where(jobs.c.no.in_([row.no for row in rows]))
            sweep.conn.execute(gone.values(purged=1, content=None))
        return len(rows), [row.key for row in rows if row.key]

    return step


def _held(sweep: _Sweep, query: Select[*_Columns]) -> Select[*_Columns]:
    """Hold the jobs that were found: between look and removal none of them may run again."""
    return query if sweep.dry_run else query.with_for_update(of=jobs, skip_locked=True)


def _undelivered() -> ColumnElement[bool]:
    pending = deliveries.c.state == DeliveryState.PENDING
    return exists().where(deliveries.c.run_id == runs.c.id, pending)


def _old_runs(sweep: _Sweep) -> Select[int, Any]:
    ended = and_(runs.c.state.in_(_ENDED), runs.c.finished < sweep.before)
    return (
        select(runs.c.id, runs.c.result_keys)
        .join_from(runs, jobs, runs.c.job == jobs.c.id)
        .where(sweep.scope, ended, ~_undelivered())
        .order_by(runs.c.id)
        .limit(sweep.limit)
    )


def _results(sweep: _Sweep) -> _Found:
    rows = sweep.conn.execute(_old_runs(sweep).where(runs.c.results_gone == 0)).all()
    ids = [row.id for row in rows]
    keys = _part_keys(sweep.conn, ids, parts.c.documents_key)
    for row in rows:
        keys += row.result_keys or []
    if ids and not sweep.dry_run:
        sweep.conn.execute(update(runs).where(runs.c.id.in_(ids)).values(results_gone=1))
        bare = {"documents_inline": None, "documents_key": "", "documents_version": ""}
        sweep.conn.execute(update(parts).where(parts.c.run_id.in_(ids)).values(bare))
    return len(ids), keys


def _rejects(sweep: _Sweep) -> _Found:
    rows = sweep.conn.execute(_old_runs(sweep).where(runs.c.rejects_gone == 0)).all()
    ids = [row.id for row in rows]
    keys = _part_keys(sweep.conn, ids, parts.c.rejects_key)
    if ids and not sweep.dry_run:
        sweep.conn.execute(update(runs).where(runs.c.id.in_(ids)).values(rejects_gone=1))
        bare = {"rejects_inline": None, "rejects_key": "", "rejects_version": ""}
        sweep.conn.execute(update(parts).where(parts.c.run_id.in_(ids)).values(bare))
        sweep.conn.execute(delete(rejects).where(rejects.c.run_id.in_(ids)))
    return len(ids), keys


def _part_keys(conn: Connection, run_ids: Sequence[int], key: ColumnElement[str]) -> list[str]:
    found = select(key).where(parts.c.run_id.in_(run_ids), key != "").order_by(parts.c.id)
    return list(conn.execute(found).scalars()) if run_ids else []


def _unpacked(conn: Connection, limit: int, *, dry_run: bool) -> list[str]:
    """What packed files unpack to goes when its run has ended; also of attempts that were lost."""
    query = (
        select(runs.c.id, runs.c.tenant, runs.c.job, runs.c.run)
        .where(text(UNPACKED), runs.c.state.in_(_ENDED))
        .order_by(runs.c.id)
        .limit(limit)
    )
    rows = conn.execute(query).all()
    if rows and not dry_run:
        gone = update(runs).where(runs.c.id.in_([row.id for row in rows]))
        conn.execute(gone.values(unpacked_key="", unpacked_version=""))
    return [unpacked_of(row.tenant, row.job, row.run) for row in rows]


def _events(sweep: _Sweep) -> _Found:
    """Events go when they are published and every consumer has read past them."""
    orphan = jobs.c.id.is_(None) if sweep.rest else false()
    place = position_of(sweep.conn, events)
    read_to = select(func.min(offsets.c.position)).where(offsets.c.topic == events.c.topic)
    query = (
        select(events.c.id)
        .outerjoin_from(events, jobs, jobs.c.id == events.c.job)
        .where(
            or_(and_(sweep.scope, jobs.c.state.in_(_ENDED)), orphan),
            events.c.at < sweep.before,
            events.c.published == 1,
            place <= func.coalesce(read_to.scalar_subquery(), place),
        )
        .order_by(events.c.id)
        .limit(sweep.limit)
    )
    ids = list(sweep.conn.execute(query).scalars())
    if ids and not sweep.dry_run:
        sweep.conn.execute(delete(events).where(events.c.id.in_(ids)))
    return len(ids) + (_letters(sweep) if sweep.rest else 0), []


def _letters(sweep: _Sweep) -> int:
    """Dead letters go with the events of no job: an event tells of each."""
    query = select(dead_letters.c.number).where(dead_letters.c.at < sweep.before)
    numbers = list(
        sweep.conn.execute(query.order_by(dead_letters.c.number).limit(sweep.limit)).scalars()
    )
    if numbers and not sweep.dry_run:
        sweep.conn.execute(delete(dead_letters).where(dead_letters.c.number.in_(numbers)))
    return len(numbers)


def _jobs(sweep: _Sweep) -> _Found:
    """Whole jobs with their runs; everything that the store has of them is garbage."""
    pending = exists().where(
        deliveries.c.job == jobs.c.id, deliveries.c.state == DeliveryState.PENDING
    )
    query = (
        select(jobs.c.id, jobs.c.tenant, jobs.c.key)
        .where(sweep.scope, jobs.c.state.in_(_ENDED), jobs.c.changed < sweep.before, ~pending)
        .order_by(jobs.c.no)
        .limit(sweep.limit)
    )
    rows = sweep.conn.execute(_held(sweep, query)).all()
    keys = [row.key for row in rows if row.key]
    for row in rows:
        keys += [f"work/{row.tenant}/{row.id}/", f"results/{row.tenant}/{row.id}/"]
    if rows and not sweep.dry_run:
        ids = [row.id for row in rows]
        sweep.conn.execute(delete(idempotency).where(idempotency.c.job.in_(ids)))
        sweep.conn.execute(delete(jobs).where(jobs.c.id.in_(ids)))
    return len(rows), keys


_STEPS: Final[dict[str, _Step]] = {
    "drops": _file_step(dropped=True),
    "work": _file_step(dropped=False),
    "results": _results,
    "rejects": _rejects,
    "events": _events,
    "jobs": _jobs,
}
