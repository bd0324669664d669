"""Alembic runs this file: the caller gives the connection, and its transaction holds all steps."""

from alembic import context

from helixnet.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
