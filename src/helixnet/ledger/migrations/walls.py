"""Wall the tenants off from each other in the database itself (Postgres row-level security)."""

from typing import Final

from alembic import op

_POLICY: Final = """
CREATE POLICY tenant ON {table} USING (
  tenant = nullif(current_setting('helixnet.tenant', true), '')
  OR current_setting('helixnet.tenant', true) = '*'
)
"""


def wall_off(*tables: str) -> None:
    """Let a role without BYPASSRLS see and write the rows of its transaction's tenant only.

    A transaction that names no tenant sees none; ``*`` means all. Other databases have no roles.
    """
    if op.get_context().dialect.name != "postgresql":
        return
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(_POLICY.format(table=table))
