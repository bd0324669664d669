"""What operators look at: how much waits, and why a part fails."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select, text

from helixnet.ledger.tables import PART_OPEN, RUN_WAITS, parts, runs

_PARTS = (
    select(parts.c.state, func.count().label("number"))
    .where(text(PART_OPEN))
    .group_by(parts.c.state)
)
_RUNS = select(func.count()).select_from(runs).where(text(RUN_WAITS))


def open_work(conn: Connection) -> tuple[int, Mapping[str, int]]:
    """Return how many runs wait to be split, and how many parts are open by state."""
    waiting = conn.execute(_RUNS).scalar_one()
    return waiting, {str(row.state): int(row.number) for row in conn.execute(_PARTS)}


def part_faults(conn: Connection, *, run_id: int, limit: int = 10) -> list[dict[str, Any]]:
    """Return why parts of a run failed at their last attempt, by number, with tracebacks."""
    query = (
        select(parts.c.number, parts.c.attempts, parts.c.state, parts.c.error)
        .where(parts.c.run_id == run_id, parts.c.error.is_not(None))
        .order_by(parts.c.number)
        .limit(limit)
    )
    return [
        {"part": row.number, "attempts": row.attempts, "part_state": row.state, **row.error}
        for row in conn.execute(query)
        if row.error
    ]
