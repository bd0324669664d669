"""The ledger on Postgres: the same functions, many processes, one transaction a unit."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection, bindparam, event, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from helixnet.adapters import postgres_errors
from helixnet.adapters.bells import Bells
from helixnet.adapters.outgoing import Outgoing
from helixnet.adapters.postgres_database import CONNECT_SECONDS, Database, require_present
from helixnet.adapters.postgres_listen import Listener
from helixnet.errors import HelixNetError, UnavailableError
from helixnet.events import Event
from helixnet.ledger import scope
from helixnet.ledger.outbox import TOLD, Told, mark_published

log = structlog.get_logger()
T = TypeVar("T")
ATTEMPTS: Final = 5  # of a transaction that loses races
PAUSE_SECONDS: Final = 0.01
CLOSE_SECONDS: Final = 1.0  # for a server that does not answer, too
_WRITES: Final = ("INSERT", "UPDATE", "DELETE", "WITH")


class _LostError(Exception):
    """The connection went before anything was committed."""


class LedgerPostgres:
    """A :class:`helixnet.ports.Ledger` on a Postgres database that many processes share.

    Each unit is a transaction on a connection of a bounded pool: the server makes commits of
    several connections durable together, so nothing is gained by sharing one here. Where a
    transaction lost a race or its connection before the commit, it runs again.

    Args:
        database: where, and how to connect.
        relay: whether events must be published elsewhere; False where this database is the bus.
        scoped: whether the role is one that sees only the tenant of :mod:`helixnet.ledger.scope`.
    """

    def __init__(self, database: Database, *, relay: bool, scoped: bool) -> None:
        self._where = database.where
        self._proven = False
        self._relay = relay
        self._scoped = scoped
        self._engine = database.engine()
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        event.listen(self._engine.sync_engine, "after_cursor_execute", _note)
        self._bells = Bells()
        self._outgoing = Outgoing()
        self._database = database
        self._listener: Listener | None = None
        self._going: set[asyncio.Task[Any]] = set()
        self._closed = False

    def listen(self) -> None:
        """Begin to hear what other processes publish."""
        engine = self._database.engine(size=1, seconds=CONNECT_SECONDS)
        self._listener = Listener(engine, self._where, self._bells)

    async def do(self, unit: Callable[[Connection], T]) -> T:
        """See :class:`helixnet.ports.Ledger`."""
        return await self._shielded(self._repeated(unit, self._tenant()))

    async def read(self, unit: Callable[[Connection], T]) -> T:
        """See :class:`helixnet.ports.Ledger`."""
        return await self._shielded(self._looked(unit, self._tenant()))

    async def changed(self, after: int, seconds: float, topic: str = "") -> int:
        """See :class:`helixnet.ports.Ledger`; commits of other processes count once published."""
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
        self._closed = True
        if self._going:
            await asyncio.wait(self._going, timeout=CLOSE_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._listener is not None:
                    await self._listener.close()
                await self._engine.dispose()

    def _tenant(self) -> str | None:
        return scope.present() if self._scoped else None

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """Let a transaction end by itself: a caller who leaves must not cut off its commit."""
        if self._closed:
            work.close()
            raise UnavailableError("the ledger is closed")
        task = asyncio.create_task(work)
        self._going.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._going.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have left

    async def _repeated(self, unit: Callable[[Connection], T], tenant: str | None) -> T:
        lost = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._once(unit, tenant)
            except _LostError as error:
                if lost:
                    raise self._translated(error.__cause__ or error) from error.__cause__
                lost = True  # a server that was restarted: the pool has only old connections
            except Exception as error:
                if attempt == ATTEMPTS or not postgres_errors.may_repeat(error):
                    raise self._translated(error) from error
            await asyncio.sleep(PAUSE_SECONDS * secrets.randbelow(2**attempt))
        raise UnavailableError(f"{self._where}: no connection lasts")

    async def _once(self, unit: Callable[[Connection], T], tenant: str | None) -> T:
        told = Told(relayed=True)
        conn = await self._connected(self._engine)
        try:
            await conn.execution_options(**{TOLD: told})
            try:
                value = await conn.run_sync(self._run, unit, told, tenant)
            except Exception as error:
                if await self._dropped(conn, error):
                    raise _LostError from error
                raise
            await self._committed(conn)
        finally:
            await self._released(conn)
        if self._relay:
            self._outgoing.put(told.events)
        if told.wrote:
            self._bells.ring(told.topics)
        return value

    def _run(
        self, conn: Connection, unit: Callable[[Connection], T], told: Told, tenant: str | None
    ) -> T:
        _limit(conn, tenant)
        value = unit(conn)
        if not self._relay and told.events:
            mark_published(conn, [stored.position for stored in told.events])
        return value

    async def _committed(self, conn: AsyncConnection) -> None:
        """Commit; where the answer is lost nobody knows, so it is as if nothing was written."""
        try:
            await conn.commit()
        except Exception as error:
            if await self._dropped(conn, error):
                raise UnavailableError(
                    f"{self._where} went away during a commit, which may have been made or not"
                ) from error
            raise

    async def _looked(self, unit: Callable[[Connection], T], tenant: str | None) -> T:
        try:
            return await self._look(unit, tenant)
        except _LostError:
            pass
        try:
            return await self._look(unit, tenant)
        except _LostError as error:
            raise self._translated(error.__cause__ or error) from error.__cause__

    async def _look(self, unit: Callable[[Connection], T], tenant: str | None) -> T:
        def run(sync: Connection) -> T:
            _limit(sync, tenant)
            return unit(sync)

        conn = await self._connected(self._reading)
        try:
            return await conn.run_sync(run)
        except Exception as error:
            if await self._dropped(conn, error):
                raise _LostError from error
            raise self._translated(error) from error
        finally:
            await self._released(conn)

    async def _connected(self, engine: AsyncEngine) -> AsyncConnection:
        try:
            conn = await engine.connect()
        except Exception as error:
            meant = self._translated if self._proven else self._refused
            raise meant(error) from error
        if not self._proven:
            await self._prove(conn)
        return conn

    async def _prove(self, conn: AsyncConnection) -> None:
        """See, on the first connection, that the tables and the role are as they must be."""
        try:
            await conn.run_sync(
                lambda sync: require_present(sync, self._where, scoped=self._scoped)
            )
        except HelixNetError:
            await self._released(conn)
            raise
        except Exception as error:
            await self._released(conn)
            raise self._refused(error) from error
        self._proven = True

    def _refused(self, error: BaseException) -> BaseException:
        return postgres_errors.refused(error, self._where)

    async def _released(self, conn: AsyncConnection) -> None:
        """Give a connection back; what it was asked has its outcome already."""
        try:
            await conn.close()
        except Exception as error:
            if not await self._dropped(conn, error):
                raise

    async def _dropped(self, conn: AsyncConnection, error: Exception) -> bool:
        """Let a lost connection go without asking it anything; False when it is not lost."""
        lost = postgres_errors.is_lost(error)
        if lost and not (conn.invalidated or conn.closed):
            await conn.invalidate(error)
        return lost

    def _translated(self, error: BaseException) -> BaseException:
        return postgres_errors.translated(error, self._where)


_SCOPE: Final = select(func.set_config("helixnet.tenant", bindparam("tenant"), literal(True)))  # noqa: FBT003 - a value of SQL


def _limit(conn: Connection, tenant: str | None) -> None:
    """Tell the database whose rows this transaction may touch."""
    if tenant is not None:
        conn.execute(_SCOPE, {"tenant": tenant})


def _note(
    conn: Connection,
    cursor: Any,
    statement: str,
    _parameters: object,
    _context: object,
    _many: bool,  # noqa: FBT001 - as above
) -> None:
    """Remember that a transaction wrote something; a claim that found nothing did not."""
    told: Told | None = conn.get_execution_options().get(TOLD)
    if told is not None and cursor.rowcount != 0 and statement.lstrip().startswith(_WRITES):
        told.wrote = told.wrote or not statement.lstrip().startswith("WITH RECURSIVE")


async def open_ledger(
    url: str, *, password: str = "", relay: bool = True, scoped: bool = False
) -> LedgerPostgres:
    """Open the ledger at ``postgresql+asyncpg://user@host:port/database``.

    Nothing is migrated and no lease is voided: other processes live on it. One that can't be
    reached now is waited for: its first answer is looked at then.

    Args:
        url: of the database.
        password: of its user.
        relay: whether events must be published elsewhere; False where this database is the bus.
        scoped: whether the role is one that sees only the tenant of :mod:`helixnet.ledger.scope`.

    Raises:
        UsageError: the URL, role or password is wrong, or the tables are not those of this
            version.
    """
    database = Database.at(url, password)
    ledger = LedgerPostgres(database, relay=relay, scoped=scoped)
    try:
        await ledger.read(lambda _: None)
    except UnavailableError as error:  # a service starts all the same, and waits
        log.warning("ledger not reached", error=str(error))
    except HelixNetError:
        await ledger.close()
        raise
    ledger.listen()
    return ledger
