"""Nothing hangs: expired leases and due retries go back to waiting, or end after many attempts."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Select, Update, bindparam, select, text, update

from helixnet.jobs import RunState
from helixnet.ledger.deliveries import DELIVERING, fail_deliveries
from helixnet.ledger.dialect import clock
from helixnet.ledger.errands import ERRANDS, fail_errands
from helixnet.ledger.finish import FINISHING, fail_finish
from helixnet.ledger.leases import MAX_ATTEMPTS, Failure, Queue
from helixnet.ledger.parts import MAPPING, fail_parts
from helixnet.ledger.runs import INGEST, fail_runs
from helixnet.ledger.tables import LEASED, RETRIES

VANISHED: Final = {"code": "HX-7001", "message": "the worker vanished while it held the lease"}


class Fail(Protocol):
    """Ends what has no attempt left."""

    def __call__(self, conn: Connection, failures: Sequence[Failure], *, max_attempts: int) -> int:
        """Return how many were still held."""
        ...


def _due(queue: Queue) -> Update:
    rows = queue.table
    return update(rows).where(text(RETRIES), rows.c.retry_at <= clock()).values(retry_at=0)


def _freed(queue: Queue) -> dict[str, Any]:
    free = {"state": queue.free} if queue.free else {}
    return {"lease_until": 0, "worker": "", **free}


def _expired(queue: Queue) -> Update:
    rows = queue.table
    past = (text(LEASED), rows.c.lease_until <= clock())
    return update(rows).where(*past, rows.c.attempts < bindparam("limit")).values(_freed(queue))


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
_ENDS: Final[list[tuple[Select[Any, Any], Fail]]] = [
    (_exhausted(MAPPING, MAPPING.held), fail_parts),
    (_exhausted(INGEST, RunState.PENDING), fail_runs),
    (_exhausted(FINISHING, RunState.PROCESSING), fail_finish),
    (_exhausted(DELIVERING, "PENDING"), fail_deliveries),
    (_exhausted(ERRANDS, "PENDING"), fail_errands),
]


def reap(conn: Connection, *, max_attempts: int = MAX_ATTEMPTS) -> int:
    """Put expired and due work back to waiting; end what has used up its attempts.

    An attempt is counted when work is claimed, so a worker that dies at once still counts.

    Returns:
        how many rows changed.
    """
    changed = sum(conn.execute(statement).rowcount for statement in _DUE)
    changed += sum(
        conn.execute(statement, {"limit": max_attempts}).rowcount for statement in _EXPIRED
    )
    for find, end in _ENDS:
        rows = conn.execute(find, {"limit": max_attempts}).all()
        failures = [Failure(row.id, row.epoch, VANISHED) for row in rows]
        changed += end(conn, failures, max_attempts=max_attempts)
    return changed


def void_leases(conn: Connection) -> int:
    """Free all that was leased, and give the attempts back: no worker outlived its server."""
    return sum(conn.execute(statement).rowcount for statement in _VOID)
