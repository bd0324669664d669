"""News from other processes: LISTEN on a connection of its own, opened again when it is lost."""

import asyncio
import contextlib
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from helixnet.adapters import postgres_errors
from helixnet.adapters.bells import Bells
from helixnet.ledger.outbox import CHANNEL

log = structlog.get_logger()
ALIVE_SECONDS: Final = 10.0  # how often a silent connection is asked whether it lives
AGAIN_SECONDS: Final = 2.0


class Listener:
    """Rings for what other processes have published; without it that is found by polling.

    Args:
        engine: makes connections; the listener closes it.
        where: the database, for people.
        bells: to ring.
    """

    def __init__(self, engine: AsyncEngine, where: str, bells: Bells) -> None:
        self._engine = engine
        self._where = where
        self._bells = bells
        self._task = asyncio.create_task(self._run(), name="ledger-listener")

    async def close(self) -> None:
        """Stop listening."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._engine.dispose()

    async def _run(self) -> None:
        while True:
            try:
                async with self._engine.connect() as conn:
                    await self._listen(conn)
            except Exception as error:  # noqa: BLE001 - the ledger works without, by polling
                why = postgres_errors.translated(error, self._where)
                log.warning("no news of other processes", error=str(why))
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self, conn: AsyncConnection) -> None:
        """Listen until the connection is lost."""
        driver: Any = (await conn.get_raw_connection()).driver_connection
        try:
            await driver.add_listener(CHANNEL, self._hear)
            self._bells.ring(None)  # whatever was told while nobody listened
            while True:
                await asyncio.sleep(ALIVE_SECONDS)
                await driver.execute("SELECT 1")
        except Exception:
            await conn.invalidate()
            raise

    def _hear(self, _conn: object, _pid: int, _channel: str, topics: object) -> None:
        self._bells.ring(str(topics).split() or None)
