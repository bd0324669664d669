"""Keep where the store has what a packed file unpacks to, until its run has ended."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text, text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns; no run of before has such an object."""
    for name in ("unpacked_key", "unpacked_version"):
        op.add_column("runs", Column(name, Text, nullable=False, server_default=""))
    op.add_column("runs", Column("unpacked_size", BigInteger, nullable=False, server_default="0"))
    words = text("unpacked_key <> ''")
    op.create_index("ix_runs_unpacked", "runs", ["id"], sqlite_where=words, postgresql_where=words)
