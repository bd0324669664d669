"""Find what was given up without looking at every row: operators watch these numbers."""

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"

_DEAD = text("state = 'DEAD'")


def upgrade() -> None:
    """Add the partial indexes."""
    for table in ("parts", "deliveries"):
        op.create_index(
            f"ix_{table}_dead", table, ["run_id"], sqlite_where=_DEAD, postgresql_where=_DEAD
        )
