"""Work that many workers share: claimed fairly by tenant, held by a lease, fenced by an epoch.

One mechanism serves runs that wait for ingest, parts, runs that wait for their finish, and
deliveries; a :class:`Queue` says what differs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from helixnet.ledger.dialect import clock, first_of, microseconds, replace
from helixnet.ledger.tables import turns

MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Lease:
    """A hold on one row: whoever shows an older epoch changes nothing.

    Args:
        id: of the row.
        epoch: given by the claim.
    """

    id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that ended without effect.

    Args:
        id: of the row.
        epoch: given by the claim.
        error: what operators see: ``code``, ``message``, ``traceback``.
        retry_seconds: how long to wait before the next attempt.
        counted: False when the world was unavailable and the work is not to blame.
    """

    id: int
    epoch: int
    error: Mapping[str, object]
    retry_seconds: float = 0
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Queue:
    """Rows of one table that wait, are leased, and wait again.

    Args:
        name: of the turn-taking.
        table: with the lease columns.
        waits: the words of its partial index.
        held: state while leased, where leasing is a move of its own.
        free: state while it waits.
    """

    name: str
    table: Table
    waits: str
    held: str = ""
    free: str = ""
    tenants: Select[Any, Any] = field(init=False)
    take: ReturningUpdate[*tuple[Any, ...]] = field(init=False)
    extend: ReturningUpdate[*tuple[Any, ...]] = field(init=False)
    give_back: ReturningUpdate[*tuple[Any, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Build the statements once."""
        object.__setattr__(self, "tenants", _waiting_tenants(self))
        object.__setattr__(self, "take", _take(self))
        object.__setattr__(self, "extend", _extend(self))
        object.__setattr__(self, "give_back", _give_back(self))


def _waiting_tenants(queue: Queue) -> Select[Any, Any]:
    """Tenants with work, longest unserved first: one index probe a tenant, however many rows."""
    rows = queue.table.alias("w")
    waits = text(queue.waits)
    first = select(func.min(rows.c.tenant).label("tenant")).where(waits)
    walk = first.cte("walk", recursive=True)
    above = (
        select(func.min(rows.c.tenant))
        .where(waits, rows.c.tenant > walk.c.tenant)
        .correlate(walk)
        .scalar_subquery()
    )
    walk = walk.union_all(select(above).where(walk.c.tenant.is_not(None)))
    served = and_(turns.c.tenant == walk.c.tenant, turns.c.queue == queue.name)
    return (
        select(walk.c.tenant, func.coalesce(turns.c.turn, 0).label("turn"))
        .outerjoin_from(walk, turns, served)
        .where(walk.c.tenant.is_not(None))
        .order_by("turn", walk.c.tenant)
    )


def _moved(state: str) -> dict[str, ColumnElement[str]]:
    return {"state": literal(state)} if state else {}


def _take(queue: Queue) -> ReturningUpdate[*tuple[Any, ...]]:
    rows = queue.table
    oldest = (
        select(rows.c.id)
        .where(text(queue.waits), rows.c.tenant == bindparam("of_tenant"))
        .order_by(rows.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    picked = first_of(oldest)
    return (
        update(rows)
        .where(rows.c.id.in_(picked), text(queue.waits))
        .values(
            epoch=rows.c.epoch + 1,
            attempts=rows.c.attempts + 1,
            lease_until=clock() + bindparam("span"),
            worker=bindparam("by"),
            **_moved(queue.held),
        )
        .returning(rows.c.id, rows.c.epoch)
    )


def _extend(queue: Queue) -> ReturningUpdate[*tuple[Any, ...]]:
    return (
        update(queue.table)
        .where(_holds(queue))
        .values(lease_until=clock() + bindparam("span"))
        .returning(queue.table.c.id)
    )


def _holds(queue: Queue) -> ColumnElement[bool]:
    rows = queue.table
    return and_(
        rows.c.id == bindparam("row"), rows.c.epoch == bindparam("fence"), rows.c.lease_until > 0
    )


def _give_back(queue: Queue) -> ReturningUpdate[*tuple[Any, ...]]:
    rows = queue.table
    return (
        update(rows)
        .where(_holds(queue))
        .values(
            lease_until=0,
            worker="",
            attempts=rows.c.attempts - bindparam("refund"),
            retry_at=bindparam("later", type_=BigInteger)
            + bindparam("waits", type_=BigInteger) * clock(),
            error=bindparam("why", type_=rows.c.error.type),
            **_moved(queue.free),
        )
        .returning(rows.c.id)
    )


class _HasId(Protocol):
    @property
    def id(self) -> int: ...


H = TypeVar("H", bound=_HasId)


def in_order(rows: Iterable[H]) -> list[H]:
    """Sort by id: all who change several rows of a table lock them in this order."""
    return sorted(rows, key=lambda row: row.id)


def claim(
    conn: Connection, queue: Queue, *, worker: str, limit: int, lease_seconds: float
) -> list[Lease]:
    """Lease up to ``limit`` waiting rows, in turn over the tenants that have any.

    Within a tenant the oldest come first. The attempt is counted here, before the work starts.
    """
    waiting = [(str(row.tenant), int(row.turn)) for row in conn.execute(queue.tenants)]
    if not waiting:
        return []
    given = {"span": microseconds(lease_seconds), "by": worker}
    leases: list[Lease] = []
    tenants = [tenant for tenant, _ in waiting]
    served: dict[str, None] = {}
    while tenants and len(leases) < limit:
        share = max(1, (limit - len(leases)) // len(tenants))
        going = list[str]()
        for tenant in tenants[: limit - len(leases)]:
            rows = conn.execute(queue.take, {"of_tenant": tenant, "most": share, **given}).all()
            leases += [Lease(row.id, row.epoch) for row in rows]
            served[tenant] = None
            if len(rows) == share:
                going.append(tenant)
        tenants = going
    if len(waiting) > 1:
        _take_turns(conn, queue, list(served), max(turn for _, turn in waiting))
    return sorted(leases, key=lambda lease: lease.id)


def _take_turns(conn: Connection, queue: Queue, served: Sequence[str], last: int) -> None:
    rows = [
        {"queue": queue.name, "tenant": tenant, "turn": last + 1 + place}
        for place, tenant in enumerate(served)
    ]
    conn.execute(replace(conn, turns), sorted(rows, key=lambda row: str(row["tenant"])))


def renew(
    conn: Connection, queue: Queue, leases: Sequence[Lease], lease_seconds: float
) -> set[int]:
    """Extend leases; what is missing from the returned ids is lost and its work must stop."""
    span = microseconds(lease_seconds)
    held = set[int]()
    for lease in in_order(leases):
        given = {"row": lease.id, "fence": lease.epoch, "span": span}
        held.update(conn.execute(queue.extend, given).scalars())
    return held


def release(conn: Connection, queue: Queue, leases: Sequence[Lease]) -> int:
    """Give rows back unworked, and the attempt with them; returns how many were still held."""
    return sum(
        _back(conn, queue, lease, {"refund": 1, "later": 0, "waits": 0, "why": None})
        for lease in in_order(leases)
    )


def retry_later(conn: Connection, queue: Queue, failure: Failure) -> int:
    """Let a row wait for its next attempt; 1 if it was still held, else 0."""
    later = max(1, microseconds(failure.retry_seconds))
    how = {
        "refund": 0 if failure.counted else 1,
        "later": later,
        "waits": 1,
        "why": failure.error,
    }
    return _back(conn, queue, Lease(failure.id, failure.epoch), how)


def _back(conn: Connection, queue: Queue, lease: Lease, how: Mapping[str, object]) -> int:
    given = {"row": lease.id, "fence": lease.epoch, **how}
    return len(conn.execute(queue.give_back, given).all())


def by_id(rows: Sequence[RowMapping], leases: Sequence[Lease]) -> list[tuple[Lease, RowMapping]]:
    """Pair each lease with the row that was read for it, in the order of the leases."""
    known = {row["id"]: row for row in rows}
    return [(lease, known[lease.id]) for lease in leases]
