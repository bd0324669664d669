"""Say what of a part's documents is of which output, and whose documents a delivery tells of."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns; a part or run of before has the one output of its context."""
    op.add_column("parts", Column("outputs", Text))
    op.add_column("deliveries", Column("output", BigInteger, nullable=False, server_default="0"))
