"""Keep a tenant's values for the inputs of its contexts, and what each run was given of them."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Text

from helixnet.ledger.migrations.walls import wall_off

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table and the column; a run of before was given what stands in its inputs."""
    op.create_table(
        "tenant_inputs",
        Column(
            "tenant",
            Text,
            ForeignKey("tenants.name", name="fk_tenant_inputs_tenant"),
            primary_key=True,
        ),
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
        Column("changed_by", Text, nullable=False, server_default=""),
        Column("changed", BigInteger, nullable=False, server_default="0"),
    )
    op.add_column("runs", Column("given", Text))
    wall_off("tenant_inputs")
