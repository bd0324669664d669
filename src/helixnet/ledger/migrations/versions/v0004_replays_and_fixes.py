"""Errands of replays, and which child job has taken which reject; frozen."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from helixnet.ledger.migrations.walls import wall_off

revision = "0004"
down_revision = "0003"

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_SERIAL = BigInteger().with_variant(Integer, "sqlite")


def _partial(name: str, *columns: str, where: str) -> Index:
    condition = text(where)
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


def _words(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False, server_default="") for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default="0") for name in names]


def _tables() -> tuple[Table, Table]:
    metadata = MetaData(naming_convention=_NAMES)
    Table("runs", metadata, Column("id", _SERIAL, primary_key=True))  # there already
    errands = Table(
        "errands",
        metadata,
        Column("id", _SERIAL, primary_key=True, autoincrement=True),
        Column("replay", Text, nullable=False),
        Column("tenant", Text, nullable=False),
        Column("state", Text, nullable=False),
        *_numbers("epoch", "attempts", "lease_until", "retry_at"),
        *_words("worker"),
        *_words("actor", "context_hash", "context_name", "context_version", "deliver", "engine"),
        *_numbers("dry_run", "selected", "cursor", "begun", "created", "finished"),
        *(Column(name, Text) for name in ("ids", "left_out", "comparison", "error")),
        UniqueConstraint("replay"),
        _partial(
            "ix_errands_waits",
            "tenant",
            "id",
            where="state = 'PENDING' AND lease_until = 0 AND retry_at = 0",
        ),
        _partial("ix_errands_leased", "lease_until", where="lease_until > 0"),
        _partial("ix_errands_retries", "retry_at", where="retry_at > 0"),
        sqlite_autoincrement=True,
    )
    fixes = Table(
        "fixes",
        metadata,
        Column("run_id", _SERIAL, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        Column("record", BigInteger, primary_key=True),
        Column("tenant", Text, nullable=False),
        Column("child", Text, nullable=False),
        Index("ix_fixes_child", "child"),
    )
    return errands, fixes


def upgrade() -> None:
    """Add the tables, and what a job says of itself as a child."""
    for name in ("corrects", "superseded"):
        op.add_column("jobs", Column(name, BigInteger, nullable=False, server_default="0"))
    for table in _tables():
        table.create(op.get_bind())
    wall_off("errands", "fixes")
