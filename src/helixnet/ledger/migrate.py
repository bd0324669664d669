"""Which steps a ledger has behind it, and how it is brought up to date."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_FOLDER: Final = Path(__file__).with_name("migrations")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def known_revisions() -> list[str]:
    """Return the revisions that this version can read, the newest first."""
    script = ScriptDirectory.from_config(_config())
    return [step.revision for step in script.walk_revisions()]


def revision(conn: Connection) -> str:
    """Return where the ledger of a connection stands; empty when it has no tables yet."""
    return MigrationContext.configure(conn).get_current_revision() or ""


def upgrade(conn: Connection, revision: str = "head") -> None:
    """Run the missing steps in the caller's transaction: all of them or none."""
    config = _config()
    config.attributes["connection"] = conn
    command.upgrade(config, revision)
