"""The ledger on SQLite: one writer thread with group commit, readers beside it."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from helixnet.adapters import ledger_file
from helixnet.adapters.bells import Bells
from helixnet.adapters.outgoing import Outgoing
from helixnet.errors import UnavailableError, UsageError
from helixnet.events import Event
from helixnet.ledger.outbox import TOLD, Told

T = TypeVar("T")
GROUP: Final = 64  # units that share a commit
READERS: Final = 3


@dataclass(slots=True)
class _Unit:
    """Something to run in a transaction, and whom to tell."""

    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    value: Any = None
    error: BaseException | None = None

    def resolve(self) -> None:
        """Hand the outcome to the loop that waits for it; it may have gone."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._set)

    def _set(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class LedgerSqlite:
    """A :class:`helixnet.ports.Ledger` on one SQLite file.

    All writes of the process go through one thread: up to 64 units share a commit, each in a
    savepoint, so that a failing unit does not undo its neighbours. Answers go out after the
    commit only.

    Args:
        path: of the file; it has the tables already.
        relay: whether events must be published elsewhere; False where this file is the bus.
        release: called when the ledger is closed, to let the data folder go.
    """

    def __init__(
        self, path: Path, *, relay: bool = False, release: Callable[[], None] = lambda: None
    ) -> None:
        self._path = path
        self._release = release
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._told = Told(relayed=relay)  # by the group in hand; the writer's own
        self._bells = Bells()
        self._outgoing = Outgoing()
        self._guard = threading.Lock()
        self._closed = False
        self._writing = ledger_file.connect(path, "BEGIN IMMEDIATE").execution_options(
            **{TOLD: self._told}
        )
        self._reading = ledger_file.connect(path, "BEGIN", read_only=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-reader")
        self._conn = self._writing.connect()
        self._writer = threading.Thread(target=self._write, name="ledger-writer", daemon=True)
        self._writer.start()

    async def do(self, unit: Callable[[Connection], T]) -> T:
        """See :class:`helixnet.ports.Ledger`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._guard:
            if self._closed:
                raise UnavailableError("the ledger is closed")
            self._units.put(_Unit(unit, loop, future))
        return await future

    async def read(self, unit: Callable[[Connection], T]) -> T:
        """See :class:`helixnet.ports.Ledger`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._look, unit)

    def _look(self, unit: Callable[[Connection], T]) -> T:
        try:
            with self._reading.connect() as conn, conn.begin():
                return unit(conn)
        except DBAPIError as error:
            raise ledger_file.translated(error, self._path) from error

    async def changed(self, after: int, seconds: float, topic: str = "") -> int:
        """See :class:`helixnet.ports.Ledger`; commits that wrote nothing do not count."""
        return await self._bells.wait(after, seconds, topic)

    def outgoing(self, most: int) -> Sequence[tuple[int, Event]]:
        """See :class:`helixnet.ports.Ledger`."""
        return self._outgoing.take(most)

    @property
    def crowded(self) -> bool:
        """See :class:`helixnet.ports.Ledger`."""
        return self._outgoing.crowded

    async def close(self) -> None:
        """See :class:`helixnet.ports.Ledger`."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._units.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._finish)

    def _finish(self) -> None:
        self._writer.join()
        self._readers.shutdown()
        self._reading.dispose()
        self._writing.dispose()
        self._release()

    def _write(self) -> None:
        """Run units until the ledger is closed: the writer thread."""
        with self._conn as conn:
            going = True
            while going:
                units = [self._units.get()]
                with contextlib.suppress(queue.Empty):
                    while units[-1] is not None and len(units) < GROUP:
                        units.append(self._units.get_nowait())
                going = units[-1] is not None
                group = [unit for unit in units if unit is not None]
                if group:
                    self._group(conn, group)

    def _group(self, conn: Connection, group: list[_Unit]) -> None:
        driver = _driver(conn)
        before = driver.total_changes
        self._told.topics.clear()
        self._told.events.clear()
        try:
            with conn.begin():
                for unit in group:
                    self._attempt(conn, driver, unit)
            if driver.total_changes != before:
                self._outgoing.put(self._told.events)
                self._bells.ring(self._told.topics)
        except Exception as error:  # noqa: BLE001 - what broke the commit is everybody's answer
            for unit in group:
                unit.value, unit.error = None, ledger_file.translated(error, self._path)
        for unit in group:
            unit.resolve()

    def _attempt(self, conn: Connection, driver: sqlite3.Connection, unit: _Unit) -> None:
        """Run a unit in a savepoint; its failure is its own unless it broke the transaction."""
        driver.execute("SAVEPOINT unit")
        told = len(self._told.events)
        try:
            unit.value = unit.work(conn)
        except Exception as error:
            if not driver.in_transaction:
                raise
            driver.execute("ROLLBACK TO unit")
            del self._told.events[told:]
            unit.error = ledger_file.translated(error, self._path)
        driver.execute("RELEASE unit")


def _driver(conn: Connection) -> sqlite3.Connection:
    driver = conn.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise UsageError("the SQLite ledger needs the sqlite3 driver")
    return driver


def open_ledger(path: Path, *, relay: bool = False) -> LedgerSqlite:
    """Open the ledger at ``path`` for the one server of that data folder; blocks, so call it first.

    Makes or migrates the file (after a copy of it) and voids all leases.

    Args:
        path: of the file; its folder is locked until the ledger is closed.
        relay: whether events must be published elsewhere; False where this file is the bus.

    Raises:
        ConflictError: another server uses the folder.
        UsageError: the file is damaged, no ledger, or of a newer version.
        UnavailableError: there is no room for it.
    """
    release = ledger_file.lock(path.parent)
    try:
        ledger_file.prepare(path)
        return LedgerSqlite(path, relay=relay, release=release)
    except BaseException:
        release()
        raise
