"""What differs between SQLite and Postgres: clock, conflict, row locks, positions of events.

Times are integer microseconds since 1970 UTC everywhere, always by the database's clock, so that
leases of several machines compare and both databases order and add the same numbers.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Select, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.functions import FunctionElement

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, as the ledger's clock is
Upsert = postgresql.Insert | sqlite.Insert


class clock(FunctionElement[int]):  # noqa: N801 - reads as the SQL function that it is
    """The database's present time in microseconds; SQLite knows it to a millisecond."""

    type = BigInteger()
    inherit_cache = True
    name = "clock"


def _clock_sqlite(element: clock, compiler: SQLCompiler, **options: Any) -> str:
    del element, compiler, options
    return "(CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)"


def _clock_postgresql(element: clock, compiler: SQLCompiler, **options: Any) -> str:
    del element, compiler, options
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


compiles(clock, "sqlite")(_clock_sqlite)
compiles(clock, "postgresql")(_clock_postgresql)


def microseconds(seconds: float) -> int:
    """Return a span as the ledger counts it."""
    return round(seconds * SECOND)


def rfc3339(time: int) -> str:
    """Return a ledger time as RFC 3339 in UTC with milliseconds."""
    shown = _EPOCH + timedelta(microseconds=time)
    return shown.isoformat(timespec="milliseconds") + "Z"


def first_of(rows: Select[int]) -> Select[int]:
    """Fence off a limited SELECT: as a plain subquery Postgres may run it again for every row."""
    picked = rows.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    return select(picked.c.id)


def has_row_locks(conn: Connection) -> bool:
    """Whether writers work side by side; SQLite has one at a time, so nothing needs a lock."""
    return conn.dialect.name == "postgresql"


def position_of(conn: Connection, events: Table) -> Column[int]:
    """Return the column that numbers events in the order in which readers may rely on them.

    SQLite has one writer, so ids are in order of commit. Postgres gives ids before the commit:
    a reader that goes on after the last id it saw would miss a late one. There the position is
    given when the event is marked, under a lock.
    """
    return events.c.position if conn.dialect.name == "postgresql" else events.c.id


@cache
def _insert(dialect: str, table: Table, stamped: tuple[str, ...]) -> Upsert:
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    return insert.values({name: clock() for name in stamped}) if stamped else insert


@cache
def _insert_ignore(
    dialect: str, table: Table, stamped: tuple[str, ...], returning: str
) -> ReturningInsert[Any]:
    ignoring = _insert(dialect, table, stamped).on_conflict_do_nothing()
    return ignoring.returning(table.c[returning])


@cache
def _replace(dialect: str, table: Table, stamped: tuple[str, ...]) -> Upsert:
    insert = _insert(dialect, table, stamped)
    keys = list(table.primary_key.columns)
    rest = {c.name: insert.excluded[c.name] for c in table.columns if c not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=rest)


def insert_ignore(
    conn: Connection, table: Table, *stamped: str, returning: str
) -> ReturningInsert[Any]:
    """Return an INSERT that leaves rows which are already there as they are.

    Args:
        conn: tells the dialect.
        table: to insert into.
        stamped: columns that take the database's present time.
        returning: column that comes back for each row that was not there.
    """
    return _insert_ignore(conn.dialect.name, table, stamped, returning)


def replace(conn: Connection, table: Table, *stamped: str) -> Upsert:
    """Return an INSERT that takes the place of the row with the same primary key.

    Every column must be given; ``stamped`` ones take the database's present time.
    """
    return _replace(conn.dialect.name, table, stamped)
