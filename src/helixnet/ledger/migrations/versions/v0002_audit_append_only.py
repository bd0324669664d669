"""Hold in the database itself that audit rows are never changed or removed."""

from alembic import op

revision = "0002"
down_revision = "0001"

_SQLITE = """
CREATE TRIGGER audit_no_{event} BEFORE {event} ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed or removed'); END
"""
_FUNCTION = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit rows are never changed or removed'; END $$
"""
_POSTGRESQL = """
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_append_only()
"""


def upgrade() -> None:
    """Add the triggers."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(_FUNCTION)
        op.execute(_POSTGRESQL)
    else:
        op.execute(_SQLITE.format(event="update"))
        op.execute(_SQLITE.format(event="delete"))
