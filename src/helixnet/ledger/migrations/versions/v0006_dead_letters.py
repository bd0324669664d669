"""Keep records of the bus that are no events."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text, UniqueConstraint

revision = "0006"
down_revision = "0005"

_SERIAL = BigInteger().with_variant(Integer, "sqlite")


def _words(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False, server_default="") for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default="0") for name in names]


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "dead_letters",
        Column("number", _SERIAL, primary_key=True, autoincrement=True),
        Column("id", Text, nullable=False),
        *_words("topic"),
        *_numbers("partition", "offset"),
        Column("key", LargeBinary),
        Column("value", LargeBinary),
        Column("headers", Text),
        *_words("error", "reason", "requeued_by"),
        *_numbers("at", "requeued"),
        UniqueConstraint("id", name="uq_dead_letters_id"),
        sqlite_autoincrement=True,
    )
