"""Nothing hangs: expired leases and due retries go back to waiting, or end after many attempts."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    TextClause,
    Update,
    bindparam,
    select,
    text,
    update,
)

from helixnet.jobs import RunState
from helixnet.ledger.deliveries import DELIVERING, fail_deliveries
from helixnet.ledger.dialect import clock
from helixnet.ledger.errands import ERRANDS, fail_errands
from helixnet.ledger.finish import FINISHING, fail_finish
from helixnet.ledger.leases import MAX_ATTEMPTS, Failure, Queue
from helixnet.ledger.moves import lock_jobs
from helixnet.ledger.parts import MAPPING, fail_parts
from helixnet.ledger.runs import INGEST, fail_runs
from helixnet.ledger.tables import LEASED, RETRIES

VANISHED: Final = {"code": "HX-7001", "message": "the worker vanished while it held the lease"}


class Fail(Protocol):
    """Ends what has no attempt left."""

    def __call__(self, conn: Connection, failures: Sequence[Failure], *, max_attempts: int) -> int:
        """Return how many were still held."""
        ...


def _free(queue: Queue, *conditions: ColumnElement[bool] | TextClause) -> Select[int]:
    """Rows that nobody has in hand just now: the others can wait for the next look."""
    rows = queue.table
    found = select(rows.c.id).where(*conditions).order_by(rows.c.id)
    return found.with_for_update(skip_locked=True)


def _due(queue: Queue) -> Update:
    rows = queue.table
    due = _free(queue, text(RETRIES), rows.c.retry_at <= clock())
    return update(rows).where(rows.c.id.in_(due)).values(retry_at=0)


def _freed(queue: Queue) -> dict[str, Any]:
    free = {"state": queue.free} if queue.free else {}
    return {"lease_until": 0, "worker": "", **free}


def _expired(queue: Queue) -> Update:
    rows = queue.table
    past = (text(LEASED), rows.c.lease_until <= clock())
    found = _free(queue, *past, rows.c.attempts < bindparam("limit"))
    return update(rows).where(rows.c.id.in_(found)).values(_freed(queue))


def _void(queue: Queue) -> Update:
    rows = queue.table
    return update(rows).where(text(LEASED)).values(attempts=rows.c.attempts - 1, **_freed(queue))


def _exhausted(queue: Queue, state: str) -> Select[Any, Any]:
    rows = queue.table
    past = (text(LEASED), rows.c.lease_until <= clock())
    return select(rows.c.id, rows.c.epoch).where(
        *past, rows.c.attempts >= bindparam("limit"), rows.c.state == state
    )


_QUEUES: Final = (MAPPING, INGEST, DELIVERING, ERRANDS)  # one a table
_DUE: Final = [_due(queue) for queue in _QUEUES]
_EXPIRED: Final = [_expired(queue) for queue in _QUEUES]
_VOID: Final = [_void(queue) for queue in _QUEUES]
_ENDS: Final[list[tuple[Queue, Select[Any, Any], Fail]]] = [
    (MAPPING, _exhausted(MAPPING, MAPPING.held), fail_parts),
    (INGEST, _exhausted(INGEST, RunState.PENDING), fail_runs),
    (FINISHING, _exhausted(FINISHING, RunState.PROCESSING), fail_finish),
    (DELIVERING, _exhausted(DELIVERING, "PENDING"), fail_deliveries),
    (ERRANDS, _exhausted(ERRANDS, "PENDING"), fail_errands),
]


def reap(conn: Connection, *, max_attempts: int = MAX_ATTEMPTS) -> int:
    """Put expired and due work back to waiting; end what has used up its attempts.

    An attempt is counted when work is claimed, so a worker that dies at once still counts.

    Returns:
        how many rows changed.
    """
    changed = _end_exhausted(conn, max_attempts)
    changed += sum(conn.execute(statement).rowcount for statement in _DUE)
    return changed + sum(
        conn.execute(statement, {"limit": max_attempts}).rowcount for statement in _EXPIRED
    )


def _end_exhausted(conn: Connection, max_attempts: int) -> int:
    """End what has no attempt left; the jobs of all of it are locked first."""
    ends: list[tuple[Fail, list[Failure]]] = []
    of: dict[Table, list[int]] = {}
    for queue, find, end in _ENDS:
        rows = conn.execute(find, {"limit": max_attempts}).all()
        ends.append((end, [Failure(row.id, row.epoch, VANISHED) for row in rows]))
        if "job" in queue.table.c:
            of.setdefault(queue.table, []).extend(row.id for row in rows)
    lock_jobs(conn, of)
    return sum(end(conn, failures, max_attempts=max_attempts) for end, failures in ends)


def void_leases(conn: Connection) -> int:
    """Free all that was leased, and give the attempts back: no worker outlived its server."""
    return sum(conn.execute(statement).rowcount for statement in _VOID)
