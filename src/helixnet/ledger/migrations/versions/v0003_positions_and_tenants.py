"""Number events when they are marked, find a job's events by topic, and wall tenants off.

The wall (row-level security) is of Postgres only: a role without BYPASSRLS sees and writes the
rows of the tenant that its transaction names, and none when it names none. ``*`` means all.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, text

from helixnet.ledger.migrations.walls import wall_off

revision = "0003"
down_revision = "0002"

_WALLED = (
    *("jobs", "runs", "parts", "rejects", "deliveries", "events", "turns", "idempotency"),
    *("replays", "flows", "partners", "bundles", "contexts", "audit"),
)


def upgrade() -> None:
    """Add the column, its sequence and indexes, and the policies."""
    op.add_column("events", Column("position", BigInteger, nullable=False, server_default="0"))
    op.drop_index("ix_events_job", "events")
    _partial("ix_events_job", ["job", "topic", "id"], "job <> ''")
    _partial("ix_events_position", ["topic", "position"], "position > 0")
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE events_position OWNED BY events.position")
    wall_off(*_WALLED)


def _partial(name: str, columns: list[str], where: str) -> None:
    words = text(where)
    op.create_index(name, "events", columns, sqlite_where=words, postgresql_where=words)
