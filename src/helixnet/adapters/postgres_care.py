"""Care for a ledger on Postgres: migrate, look whether it fits, forget what ended long ago.

Backup and restore are the database's own: ``pg_dump`` and ``pg_restore`` know it better.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from helixnet.adapters import postgres_errors
from helixnet.adapters.postgres_database import Database, migrate_present, require_present
from helixnet.errors import HelixNetError
from helixnet.ledger import retention

T = TypeVar("T")
TOGETHER = 500  # rows of a class that one transaction forgets


async def upgrade(url: str, password: str) -> str:
    """Create or migrate the tables in one transaction; return where they are.

    Two at once take turns, and again changes nothing. The gateway's role gets its rights each
    time, so that it may also be made later.

    Raises:
        UsageError: the role may not, or the tables are of a newer version.
        UnavailableError: the database can't be reached.
    """
    database = Database.at(url, password)
    await _run(database, lambda conn: migrate_present(conn, database.where))
    return database.where


async def check(url: str, password: str) -> str:
    """Make sure that the tables and the role are as this version needs them.

    Raises:
        UsageError: they are not.
        UnavailableError: the database can't be reached.
    """
    database = Database.at(url, password)
    await _run(database, lambda conn: require_present(conn, database.where, scoped=False))
    return database.where


async def clean(
    url: str, password: str, age: str, *, jobs: bool = False, dry_run: bool
) -> dict[str, int]:
    """Forget what ended longer ago than ``age``; open work is never touched.

    The objects in the store that no row speaks of any more are deleted by the running services.

    Returns:
        how many of each class were (or would be) removed.

    Raises:
        UsageError: ``age`` is none, or the tables are not those of this version.
        UnavailableError: the database can't be reached.
    """
    database = Database.at(url, password)
    seconds = retention.seconds_of(age)
    ages = {name: seconds for name in retention.CLASSES if jobs or name != "jobs"}
    limit = 1_000_000_000 if dry_run else TOGETHER

    def unit(conn: Connection) -> dict[str, int]:
        require_present(conn, database.where, scoped=False)
        return retention.clean(conn, ages, dry_run=dry_run, limit=limit).rows

    total = dict.fromkeys(ages, 0)
    while True:
        found = await _run(database, unit)
        total = {name: count + found[name] for name, count in total.items()}
        if dry_run or not any(found.values()):
            return total


async def _run(database: Database, unit: Callable[[Connection], T]) -> T:
    """Run in one transaction on a connection of its own, however long it takes."""
    engine = database.engine(seconds=None)
    try:
        async with engine.begin() as conn:
            return await conn.run_sync(unit)
    except HelixNetError:
        raise
    except Exception as error:
        raise postgres_errors.refused(error, database.where) from error
    finally:
        await engine.dispose()
