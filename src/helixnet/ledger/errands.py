"""Errands: the batches that a replay has yet to begin, and the comparisons that a dry run asks for.

A replay of ten thousand jobs is no single transaction: its row holds the ids and a cursor, and
each batch of new runs moves the cursor in its own transaction. Whoever claims the row goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import BigInteger, Connection, bindparam, delete, insert, select, update

from helixnet.errors import NotFoundError
from helixnet.ledger import leases
from helixnet.ledger.dialect import clock, microseconds
from helixnet.ledger.leases import MAX_ATTEMPTS, Failure, Lease, Queue
from helixnet.ledger.replays import Again, begin_runs, note_begun
from helixnet.ledger.tables import ERRAND_WAITS, errands

ERRANDS: Final = Queue("errands", errands, ERRAND_WAITS)
TOGETHER: Final = 200  # jobs that begin in one transaction
DRY_RUN_SECONDS: Final = 86_400.0  # how long the answer of a dry run is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedErrand:
    """An errand that this worker may go on with now."""

    id: int
    epoch: int
    attempts: int
    replay: str
    tenant: str
    dry_run: bool
    ids: Sequence[str]
    cursor: int
    again: Again
    traceparent: str = ""

    @property
    def lease(self) -> Lease:
        """What fences this worker's writes."""
        return Lease(self.id, self.epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrandRow:
    """How far a replay or dry run is.

    Args:
        selected: jobs that it is about.
        begun: of them, how many run again.
        left_out: (job, reason) of those that don't.
        comparison: of a dry run that is done.
    """

    replay: str
    tenant: str
    actor: str
    state: str
    dry_run: bool
    context_hash: str
    deliver: str
    selected: int
    begun: int
    left_out: Sequence[Sequence[str]]
    comparison: dict[str, Any] | None
    error: dict[str, Any] | None


_NEW = insert(errands).values(created=clock(), state="PENDING")
_CLAIMED = select(errands).where(errands.c.id.in_(bindparam("ids", expanding=True)))
_HELD = (
    errands.c.id == bindparam("row"),
    errands.c.epoch == bindparam("fence"),
    errands.c.state == "PENDING",
)
_ADVANCE = (
    update(errands)
    .where(*_HELD, errands.c.cursor == bindparam("was"))
    .values(cursor=bindparam("now"))
    .returning(errands.c.begun, errands.c.left_out)
)
_NOTE = (
    update(errands)
    .where(errands.c.id == bindparam("row"))
    .values(begun=bindparam("so_far"), left_out=bindparam("left", type_=errands.c.left_out.type))
)
_END = (
    update(errands)
    .where(*_HELD)
    .values(
        state=bindparam("target"),
        lease_until=0,
        worker="",
        ids=None,
        finished=clock(),
        comparison=bindparam("found", type_=errands.c.comparison.type),
        error=bindparam("why", type_=errands.c.error.type),
    )
    .returning(errands.c.id)
)
_FAIL = _END.where(errands.c.attempts >= bindparam("limit"))
_SHOWN = (
    *("replay", "tenant", "actor", "state", "context_hash", "deliver", "selected", "begun"),
    *("comparison", "error"),
)
_OLD = delete(errands).where(
    errands.c.dry_run == 1,
    errands.c.created < clock() - bindparam("age", type_=BigInteger),
)


def ask(
    conn: Connection, *, tenant: str, ids: Sequence[str], again: Again, dry_run: bool = False
) -> str:
    """Write down an errand and, unless it is a dry run, begin its first batch; return its id."""
    replay = again.replay or uuid4().hex
    row = {
        "replay": replay,
        "tenant": tenant,
        "actor": again.by,
        "context_hash": again.context_hash,
        "context_name": again.context_name,
        "context_version": again.context_version,
        "deliver": again.deliver,
        "engine": again.engine,
        "dry_run": int(dry_run),
        "selected": len(ids),
        "ids": list(ids),
        "left_out": [],
    }
    (number,) = conn.execute(_NEW.returning(errands.c.id), row).one()
    if not dry_run:
        claimed = conn.execute(_CLAIMED, {"ids": [number]}).mappings().one()
        advance(conn, _claimed(0, claimed))
    return replay


def claim_errands(
    conn: Connection, *, worker: str, limit: int, lease_seconds: float
) -> list[ClaimedErrand]:
    """Claim errands to go on with, fair by tenant."""
    held = leases.claim(conn, ERRANDS, worker=worker, limit=limit, lease_seconds=lease_seconds)
    if not held:
        return []
    rows = conn.execute(_CLAIMED, {"ids": [lease.id for lease in held]}).mappings().all()
    return [_claimed(lease.epoch, row) for lease, row in leases.by_id(rows, held)]


def _claimed(epoch: int, row: Any) -> ClaimedErrand:
    again = Again(
        context_hash=row["context_hash"],
        context_name=row["context_name"],
        context_version=row["context_version"],
        deliver=row["deliver"],
        trigger="replay",
        replay=row["replay"],
        by=row["actor"],
        engine=row["engine"],
    )
    plain = {name: row[name] for name in ("id", "attempts", "replay", "tenant", "ids", "cursor")}
    return ClaimedErrand(epoch=epoch, dry_run=bool(row["dry_run"]), again=again, **plain)


def advance(conn: Connection, errand: ClaimedErrand) -> int:
    """Begin the next batch of new runs; return the new cursor, or -1 when the lease was lost.

    At the end of the ids the errand is DONE, in the same transaction.
    """
    was = errand.cursor
    now = min(was + TOGETHER, len(errand.ids))
    fence = {"row": errand.id, "fence": errand.epoch}
    moved = conn.execute(_ADVANCE, {**fence, "was": was, "now": now}).first()
    if moved is None:
        return -1
    begun, left = begin_runs(
        conn, tenant=errand.tenant, job_ids=errand.ids[was:now], again=errand.again
    )
    so_far = moved.begun + len(begun)
    noted = [*(moved.left_out or ()), *left]
    conn.execute(_NOTE, {"row": errand.id, "so_far": so_far, "left": noted})
    note_begun(conn, errand.replay, len(begun))
    if now == len(errand.ids):
        conn.execute(_END, {**fence, "target": "DONE", "found": None, "why": None})
    return now


def finish_dry_run(conn: Connection, lease: Lease, comparison: Mapping[str, object]) -> int:
    """Keep what a dry run found; 0 when the lease was lost."""
    fence = {"row": lease.id, "fence": lease.epoch}
    ended = {**fence, "target": "DONE", "found": comparison, "why": None}
    return len(conn.execute(_END, ended).all())


def fail_errands(
    conn: Connection, failures: Sequence[Failure], *, max_attempts: int = MAX_ATTEMPTS
) -> int:
    """Let errands wait for another attempt, or end them FAILED; returns how many were held."""
    held = 0
    for failure in failures:
        given = {"row": failure.id, "fence": failure.epoch, "limit": max_attempts}
        end = {"target": "FAILED", "found": None, "why": failure.error}
        ended = failure.counted and conn.execute(_FAIL, {**given, **end}).first() is not None
        held += 1 if ended else leases.retry_later(conn, ERRANDS, failure)
    return held


def renew_errands(conn: Connection, held: Sequence[Lease], lease_seconds: float) -> set[int]:
    """Extend leases; what is missing from the returned ids is lost."""
    return leases.renew(conn, ERRANDS, held, lease_seconds)


def release_errands(conn: Connection, held: Sequence[Lease]) -> int:
    """Give errands back, and the attempt with them."""
    return leases.release(conn, ERRANDS, held)


def errand(conn: Connection, *, tenant: str | None, replay: str) -> ErrandRow:
    """Return how far a replay or dry run is.

    Raises:
        NotFoundError: this tenant has no such replay, or its dry run is no longer kept.
    """
    query = select(errands).where(errands.c.replay == replay)
    if tenant is not None:
        query = query.where(errands.c.tenant == tenant)
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no replay {replay[:64]}")
    return ErrandRow(
        dry_run=bool(row["dry_run"]),
        left_out=row["left_out"] or (),
        **{name: row[name] for name in _SHOWN},
    )


def drop_old(conn: Connection) -> int:
    """Remove dry runs that nobody comes back for; returns how many."""
    return conn.execute(_OLD, {"age": microseconds(DRY_RUN_SECONDS)}).rowcount
