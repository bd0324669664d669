"""What operators look at: why a part fails."""

from typing import Any

from sqlalchemy import Connection, select

from helixnet.ledger.tables import parts


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
