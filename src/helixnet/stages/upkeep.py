"""What must happen though nobody asks: leases run out, old things go."""

import asyncio
from dataclasses import dataclass

import structlog

from helixnet.errors import UnavailableError
from helixnet.ledger.errands import drop_old
from helixnet.ledger.reaper import reap
from helixnet.ledger.retention import clean, garbage_keys, strike
from helixnet.ports import Ledger, ObjectStore

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaper:
    """Puts work back whose lease ran out or whose time to retry has come."""

    ledger: Ledger
    max_attempts: int
    interval: float

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                count = await self.ledger.do(
                    lambda conn: reap(conn, max_attempts=self.max_attempts)
                )
                if count:
                    log.info("work put back", count=count)
            except UnavailableError as error:
                log.warning("ledger unavailable", stage="reaper", error=str(error))
            await asyncio.sleep(self.interval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaner:
    """Removes what is older than its flow keeps it, and objects that no row speaks of."""

    ledger: Ledger
    store: ObjectStore
    interval: float

    async def run(self) -> None:
        """Clean now and then, until cancelled."""
        while True:
            try:
                await self.clean()
            except UnavailableError as error:
                log.warning("not cleaned", error=str(error))
            await asyncio.sleep(self.interval)

    async def clean(self) -> None:
        """Clean once; rows forget an object before it goes, so a crash between costs nothing."""
        await self.ledger.do(drop_old)
        while True:
            cleaned = await self.ledger.do(lambda conn: clean(conn, {}))
            if not cleaned.keys and not any(cleaned.rows.values()):
                break
            log.info("cleaned", **cleaned.rows)
        while keys := await self.ledger.read(garbage_keys):
            for key in keys:
                await self._delete(key)
            await self.ledger.do(lambda conn, gone=keys: strike(conn, gone))

    async def _delete(self, key: str) -> None:
        if not key.endswith("/"):
            await self.store.delete(key)
            return
        below = [ref.key async for ref in self.store.list(key)]
        for found in below:
            await self.store.delete(found)
