"""One suite for every adapter of the ledger port: each is a way to open one, and open it again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.ports import Ledger
from tests.contract.ledger.driving import Driver


class Sqlite:
    """The ledger of the embedded shape, on a file of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened = list[Ledger]()

    async def open(self, *, relay: bool = False) -> Ledger:
        """Open it; what was open before is closed, as when a server starts again."""
        await self.close()
        ledger = await asyncio.to_thread(open_ledger, self.folder / "ledger.db", relay=relay)
        self.opened.append(ledger)
        return ledger

    async def close(self) -> None:
        while self.opened:
            await self.opened.pop().close()


@pytest.fixture(params=[pytest.param(Sqlite, id="sqlite")])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sqlite]:
    running = request.param(tmp_path)
    yield running
    await running.close()


@pytest.fixture
async def hx(server: Sqlite) -> Driver:
    return Driver(await server.open())
