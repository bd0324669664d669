"""What operators watch: how much waits, since when, what is tried again, what was given up.

Each number is found by a partial index, so that a scrape costs the same however many jobs there
have been.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    FromClause,
    Select,
    TextClause,
    func,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement

from helixnet.jobs import PartState
from helixnet.ledger.dialect import SECOND, clock
from helixnet.ledger.tables import (
    DEAD,
    DELIVERY_WAITS,
    LEASED,
    PART_OPEN,
    PART_WAITS,
    RETRIES,
    RUN_SETTLED,
    RUN_WAITS,
    UNPUBLISHED,
    deliveries,
    events,
    parts,
    runs,
)


def _count(name: str, label: str, table: FromClause, where: str) -> Select[str, str, int]:
    found = select(literal(name).label("name"), literal(label).label("label"), func.count())
    return found.select_from(table).where(text(where))


def _oldest(
    label: str, since: ColumnElement[int], where: ColumnElement[bool] | TextClause
) -> Select[str, str, int]:
    """Age of the oldest of its kind, in microseconds; 0 where none waits."""
    age = func.coalesce(clock() - func.min(since), 0, type_=BigInteger())
    name = literal("helixnet_oldest_seconds").label("name")
    return select(name, literal(label).label("label"), age).where(where)


_FIRST_PART: Final = (
    select(parts.c.run_id).where(text(PART_WAITS)).order_by(parts.c.id).limit(1).scalar_subquery()
)
_QUEUES: Final = {"run": runs, "part": parts, "delivery": deliveries}
_BACKLOG: Final = union_all(
    _count("helixnet_waiting_runs", "", runs, RUN_WAITS),
    _count("helixnet_unfinished_runs", "", runs, RUN_SETTLED),
    *(
        _count("helixnet_open_parts", state, parts, f"{PART_OPEN} AND state = '{state}'")
        for state in (PartState.PENDING.value, PartState.LEASED.value)
    ),
    _count("helixnet_dead_parts", "", parts, DEAD),
    _count("helixnet_open_deliveries", "WAITING", deliveries, DELIVERY_WAITS),
    _count("helixnet_open_deliveries", "LEASED", deliveries, LEASED),
    _count("helixnet_open_deliveries", "DEAD", deliveries, DEAD),
    *(_count("helixnet_retries_waiting", name, q, RETRIES) for name, q in _QUEUES.items()),
    _count("helixnet_unpublished_events", "", events, UNPUBLISHED),
    _oldest("run", runs.c.created, text(RUN_WAITS)),
    _oldest("part", runs.c.started, runs.c.id == _FIRST_PART),  # since its file was cut
    _oldest("delivery", deliveries.c.created, text(DELIVERY_WAITS)),
    _oldest("event", events.c.at, text(UNPUBLISHED)),
)
LABELS: Final = {
    "helixnet_open_parts": "state",
    "helixnet_open_deliveries": "state",
    "helixnet_retries_waiting": "what",
    "helixnet_oldest_seconds": "what",
}


def backlog(conn: Connection) -> Mapping[tuple[str, str], float]:
    """Return by (metric, value of its label or empty) what waits at this moment."""
    found: dict[tuple[str, str], float] = {}
    for name, label, number in conn.execute(_BACKLOG):
        aged = name == "helixnet_oldest_seconds"
        found[name, label] = number / SECOND if aged else float(number)
    return found
