"""Deliveries of finished runs: their own rows, state, cursor and attempts, beside the job's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select, update

from helixnet.events import Event, Topic
from helixnet.jobs import DeliveryState, RunState
from helixnet.ledger import leases
from helixnet.ledger.dialect import clock
from helixnet.ledger.leases import MAX_ATTEMPTS, Failure, Lease, Queue
from helixnet.ledger.moves import DELIVERY_CHANGED, Move, raise_seq, told
from helixnet.ledger.outbox import emit
from helixnet.ledger.tables import DELIVERY_WAITS, deliveries, runs

DELIVERING = Queue("deliver", deliveries, DELIVERY_WAITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that this worker may go on with.

    Args:
        number: of ``deliver:`` in the context, from 0.
        output: number of the output whose documents it tells of, from 0.
        topic: full name.
        policy: ``all`` or ``changed``.
        cursor: how many documents of the manifest were dealt with.
        manifest: of the run.
    """

    id: int
    epoch: int
    attempts: int
    run_id: int
    job: str
    run: int
    tenant: str
    number: int
    output: int
    topic: str
    policy: str
    cursor: int
    delivered: int
    manifest: dict[str, Any]
    context_hash: str
    inputs: dict[str, Any]
    traceparent: str

    @property
    def lease(self) -> Lease:
        """What fences this worker's writes."""
        return Lease(self.id, self.epoch)


_CLAIMED = (
    select(
        *(deliveries.c[name] for name in ("id", "attempts", "run_id", "job", "run", "tenant")),
        *(deliveries.c[name] for name in ("number", "output", "topic", "policy")),
        *(deliveries.c[name] for name in ("cursor", "delivered")),
        *(runs.c[name] for name in ("manifest", "context_hash", "inputs", "traceparent")),
    )
    .join_from(deliveries, runs, deliveries.c.run_id == runs.c.id)
    .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
)
_HELD = (
    deliveries.c.id == bindparam("row"),
    deliveries.c.epoch == bindparam("fence"),
    deliveries.c.state == DeliveryState.PENDING,
    deliveries.c.lease_until > 0,
)
_WHO = (deliveries.c.job, deliveries.c.run, deliveries.c.tenant, deliveries.c.number)
_ADVANCE = (
    update(deliveries)
    .where(*_HELD, deliveries.c.cursor == bindparam("was"))
    .values(cursor=bindparam("now"), delivered=deliveries.c.delivered + bindparam("sent"))
    .returning(deliveries.c.id)
)
_END = (
    update(deliveries)
    .where(*_HELD, deliveries.c.attempts >= bindparam("limit"))
    .values(
        state=bindparam("target"),
        lease_until=0,
        worker="",
        finished=clock(),
        error=bindparam("why", type_=deliveries.c.error.type),
    )
    .returning(*_WHO)
)


def claim_deliveries(
    conn: Connection, *, worker: str, limit: int, lease_seconds: float
) -> list[ClaimedDelivery]:
    """Claim waiting deliveries, fair by tenant."""
    held = leases.claim(conn, DELIVERING, worker=worker, limit=limit, lease_seconds=lease_seconds)
    if not held:
        return []
    rows = conn.execute(_CLAIMED, {"ids": [lease.id for lease in held]}).mappings().all()
    return [ClaimedDelivery(epoch=lease.epoch, **row) for lease, row in leases.by_id(rows, held)]


def renew_deliveries(conn: Connection, held: Sequence[Lease], lease_seconds: float) -> set[int]:
    """Extend leases; what is missing from the returned ids is lost."""
    return leases.renew(conn, DELIVERING, held, lease_seconds)


def release_deliveries(conn: Connection, held: Sequence[Lease]) -> int:
    """Give deliveries back where they stand, and the attempt with them."""
    return leases.release(conn, DELIVERING, held)


def advance(
    conn: Connection, lease: Lease, *, was: int, now: int, batch: Sequence[Event] = ()
) -> bool:
    """Move the cursor from ``was`` to ``now`` and emit ``batch`` in the same transaction.

    Returns:
        False when another worker has moved it meanwhile: then nothing was emitted.
    """
    given = {"row": lease.id, "fence": lease.epoch, "was": was, "now": now, "sent": len(batch)}
    if conn.execute(_ADVANCE, given).first() is None:
        return False
    emit(conn, batch)
    return True


def finish_deliveries(conn: Connection, held: Sequence[Lease]) -> int:
    """End deliveries DONE; returns how many were still held."""
    return sum(_end(conn, lease, DeliveryState.DONE, 0, None) for lease in held)


def fail_deliveries(
    conn: Connection, failures: Sequence[Failure], *, max_attempts: int = MAX_ATTEMPTS
) -> int:
    """Let deliveries wait for another attempt, or end them DEAD after ``max_attempts``."""
    held = 0
    for failure in failures:
        lease = Lease(failure.id, failure.epoch)
        dead = failure.counted and _end(
            conn, lease, DeliveryState.DEAD, max_attempts, dict(failure.error)
        )
        held += 1 if dead else leases.retry_later(conn, DELIVERING, failure)
    return held


def _end(
    conn: Connection,
    lease: Lease,
    state: DeliveryState,
    limit: int,
    why: dict[str, object] | None,
) -> int:
    given = {
        "row": lease.id,
        "fence": lease.epoch,
        "limit": limit,
        "target": state,
        "why": why,
    }
    ended = conn.execute(_END, given).mappings().first()
    if ended is None:
        return 0
    tell(conn, ended, state)
    return 1


def tell(conn: Connection, ended: RowMapping, state: DeliveryState) -> None:
    """Tell that a delivery ended."""
    seq = raise_seq(conn, [ended["job"]])[ended["job"]]
    move = Move(ended["job"], ended["run"], ended["tenant"], RunState.COMPLETED)
    which = {"delivery": ended["number"], "state": state}
    emit(conn, [told(DELIVERY_CHANGED, Topic.JOBS, move, seq, **which)])
