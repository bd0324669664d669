"""Care for the ledger's SQLite file: lock, version, migration, backup, restore, integrity."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final, NoReturn

from sqlalchemy import Connection, Engine, create_engine, event

from helixnet.errors import ConflictError, HelixNetError, UnavailableError, UsageError
from helixnet.ledger.dialect import replace
from helixnet.ledger.migrate import known_revisions, upgrade
from helixnet.ledger.reaper import void_leases
from helixnet.ledger.tables import REVISION, meta

LOCK_NAME: Final = "ledger.lock"
_QUICK_CHECK_BYTES: Final = 64 * 1024 * 1024  # above that a start would take too long
_HEADER: Final = b"SQLite format 3\0"
_PRAGMAS: Final = (
    "PRAGMA busy_timeout=10000",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA cache_size=-32768",
    "PRAGMA temp_store=MEMORY",
)


def connect(path: Path, begin: str, *, read_only: bool = False) -> Engine:
    """Return an engine on the file whose transactions start with ``begin``."""
    arguments = {"check_same_thread": False, "isolation_level": None}
    engine = create_engine(f"sqlite:///{path}", connect_args=arguments)

    def configure(driver: sqlite3.Connection, _record: object) -> None:
        for pragma in _PRAGMAS:
            driver.execute(pragma)
        if read_only:
            driver.execute("PRAGMA query_only=ON")

    def start(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", start)
    return engine


def translated(error: BaseException, path: Path) -> BaseException:
    """Return what a database error means for the caller; other errors come back as they are."""
    cause = getattr(error, "orig", error)
    if not isinstance(cause, sqlite3.Error):
        return error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return UnavailableError(
            f"no room to write {path}; nothing accepted is lost",
            code="HX-7004",
            hint="free room on that disk, then try again",
        )
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return damaged(path, str(cause))
    waits = {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    }
    return UnavailableError(f"{path} can't be used now: {cause}") if code in waits else error


def damaged(path: Path, why: str) -> UsageError:
    """Return the error for a file that is no whole ledger."""
    return UsageError(
        f"the ledger {path} is damaged: {why}",
        hint="stop the server, move the file away and restore a backup (helixnet db backup)",
    )


def lock(folder: Path) -> Callable[[], None]:
    """Take the data folder for this process; returns what lets it go.

    Raises:
        ConflictError: another process has it.
        UsageError: the folder can't be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / LOCK_NAME).open("a+")
    except OSError as error:
        raise UsageError(f"the data folder {folder} can't be used: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        _taken(folder, held, error)
    try:
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
    except OSError as error:
        held.close()
        raise _unwritable(folder / LOCK_NAME, error) from error
    return held.close


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    code = "HX-7004" if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} else ""
    return UnavailableError(f"{path} can't be written: {error.strerror}", code=code)


def _taken(folder: Path, held: IO[str], error: OSError) -> NoReturn:
    with held:
        held.seek(0)
        owner = held.read(20).strip() or "unknown"
    raise ConflictError(
        f"the data folder {folder} is in use by process {owner}",
        hint="stop that server, or give this one another folder (--data)",
    ) from error


def prepare(path: Path) -> None:
    """Bring the file to the present tables; the folder is locked by this process.

    An older ledger is copied to ``<name>.before-<revision>`` first. All leases are voided: no
    worker outlived the server that gave them.

    Raises:
        UsageError: the file is damaged, no ledger, or of a newer version.
        UnavailableError: there is no room for it.
    """
    try:
        fresh = not path.exists() or path.stat().st_size == 0
        if not fresh:
            _sound(path)
        engine = connect(path, "BEGIN IMMEDIATE")
        try:
            _migrate(path, engine, fresh=fresh)
        finally:
            engine.dispose()
    except HelixNetError:
        raise
    except Exception as error:
        raise translated(error, path) from error


def _sound(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            raise damaged(path, "it is not a SQLite file")
    if path.stat().st_size <= _QUICK_CHECK_BYTES and (found := check(path)):
        raise damaged(path, found[0])


def _migrate(path: Path, engine: Engine, *, fresh: bool) -> None:
    stands = "" if fresh else _revision(path)
    if stands and stands not in known_revisions():
        raise UsageError(
            f"the ledger {path} was written by HelixNet {_written_by(path)} (ledger {stands}); "
            f"this is HelixNet {version('helixnet')} (ledger {REVISION})",
            hint="use that version or a newer one, or restore a copy made before its upgrade",
        )
    if stands not in {"", REVISION}:
        copy(path, path.with_name(f"{path.name}.before-{REVISION}"))
    with engine.begin() as conn:
        if stands != REVISION:
            upgrade(conn)
        conn.execute(replace(conn, meta), {"name": "version", "value": version("helixnet")})
        void_leases(conn)


def _value(path: Path, query: str) -> str:
    with closing(sqlite3.connect(path)) as driver:
        row = driver.execute(query).fetchone()
    return str(row[0]) if row else ""


def _revision(path: Path) -> str:
    """Return where a ledger stands; a SQLite file of something else is refused.

    A file without any table is what a server left that ended while it made its first ledger.
    """
    if _value(path, "SELECT count(*) FROM sqlite_master") == "0":
        return ""
    try:
        return _value(path, "SELECT version_num FROM alembic_version")
    except sqlite3.OperationalError as error:
        raise damaged(path, "it has no ledger tables") from error


def _written_by(path: Path) -> str:
    try:
        return _value(path, "SELECT value FROM meta WHERE name = 'version'") or "of another version"
    except sqlite3.OperationalError:
        return "of another version"


def check(path: Path) -> list[str]:
    """Return what SQLite's integrity check finds wrong; nothing when the file is sound."""
    try:
        with closing(sqlite3.connect(path)) as driver:
            found = [str(row[0]) for row in driver.execute("PRAGMA integrity_check(20)")]
            found += [
                f"row {row[1]} of {row[0]} points nowhere"
                for row in driver.execute("PRAGMA foreign_key_check")
            ]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else [line for line in found if line != "ok"]


def copy(path: Path, target: Path) -> None:
    """Write a consistent copy of a ledger, also while it is in use; whole or not at all."""
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as made:
            source.backup(made)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(target, error) from error
        raise translated(error, target) from error


def backup(path: Path, folder: Path) -> Path:
    """Copy the ledger into ``folder`` while its server runs; returns the copy's path.

    Raises:
        UsageError: there is no ledger, or the folder can't be made.
        ConflictError: the folder has a copy of that name.
        UnavailableError: there is no room.
    """
    if not path.is_file():
        raise UsageError(f"there is no ledger {path}")
    target = folder / path.name
    if target.exists():
        raise ConflictError(f"{target} is there already", hint="name an empty folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {folder} can't be made: {error.strerror}") from error
    copy(path, target)
    return target


def restore(source: Path, path: Path) -> None:
    """Put a copy in the ledger's place; what stood there stays as ``<name>.replaced``.

    Raises:
        ConflictError: a server has the data folder.
        UsageError: the copy is damaged.
    """
    if not source.is_file():
        raise UsageError(f"there is no ledger {source}")
    if found := check(source):
        raise damaged(source, found[0])
    release = lock(path.parent)
    try:
        for end in ("", "-wal", "-shm"):
            old = path.with_name(path.name + end)
            if old.exists():
                old.replace(path.with_name(f"{path.name}.replaced{end}"))
        copy(source, path)
    finally:
        release()
