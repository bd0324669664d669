"""Counts of a run are sums over its part rows, never a counter of their own."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

from sqlalchemy import Connection, RowMapping, bindparam, case, func, select

from helixnet.engine.outcome import Counts
from helixnet.ledger.tables import parts

COUNTS: Final = tuple(f.name for f in fields(Counts))
_SUMS = (
    select(
        parts.c.run_id,
        *(func.sum(parts.c[name]).label(name) for name in COUNTS),
        func.sum(case((parts.c.state == "DEAD", 1), else_=0)).label("dead"),
    )
    .where(parts.c.run_id.in_(bindparam("ids", expanding=True)))
    .group_by(parts.c.run_id)
)


def sums_of(conn: Connection, ids: Sequence[int]) -> dict[int, tuple[Counts, int]]:
    """Return the counts summed over the part rows, and how many are DEAD, by run id."""
    return {
        row["run_id"]: (counts_of(row), int(row["dead"]))
        for row in conn.execute(_SUMS, {"ids": list(ids)}).mappings()
    }


def counts_of(row: RowMapping) -> Counts:
    """Return the counts in a row of runs, parts or sums."""
    return Counts(**{name: int(row[name] or 0) for name in COUNTS})
