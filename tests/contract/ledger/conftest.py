"""One suite for every adapter of the ledger port: each is a way to open one, and open it again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from scripts.stack import postgres
from scripts.stack.server import Server

from helixnet.adapters.ledger_postgres import open_ledger as open_postgres
from helixnet.adapters.ledger_sqlite import open_ledger as open_sqlite
from helixnet.adapters.postgres_care import upgrade
from helixnet.ports import Ledger
from tests.contract.ledger.driving import Driver

TEMPLATE = "ledger_template"


class LedgerServer(Protocol):
    """Where a ledger can be opened."""

    async def open(self, *, relay: bool = False) -> Ledger:
        """Open it; what was open before is closed, as when a server starts again."""
        ...

    async def another(self, *, relay: bool = False) -> Ledger:
        """Open it once more, as another process would."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class Sqlite:
    """The ledger of the embedded shape, on a file of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened = list[Ledger]()

    async def open(self, *, relay: bool = False) -> Ledger:
        await self.close()
        ledger = await asyncio.to_thread(open_sqlite, self.folder / "ledger.db", relay=relay)
        self.opened.append(ledger)
        return ledger

    async def another(self, *, relay: bool = False) -> Ledger:
        """One process has the file, so it is the same ledger."""
        del relay
        return self.opened[0]

    async def close(self) -> None:
        while self.opened:
            await self.opened.pop().close()


class Postgres:
    """The ledger of the stack, in a database of the test's own."""

    def __init__(self, cluster: Server, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.opened = list[Ledger]()

    async def open(self, *, relay: bool = False) -> Ledger:
        await self.close()
        return await self.another(relay=relay)

    async def another(
        self, *, relay: bool = False, role: str = postgres.OWNER, scoped: bool = False
    ) -> Ledger:
        password = self.cluster.secrets[role]
        ledger = await open_postgres(self.url(role), password=password, relay=relay, scoped=scoped)
        self.opened.append(ledger)
        return ledger

    def url(self, role: str = postgres.OWNER) -> str:
        return postgres.url(self.cluster, role=role, database=self.name, driver="asyncpg")

    async def close(self) -> None:
        while self.opened:
            await self.opened.pop().close()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a migrated database to copy."""
    running = postgres.start(tmp_path_factory.mktemp("postgres"))
    try:
        postgres.create_database(running, TEMPLATE)
        url = postgres.url(running, database=TEMPLATE, driver="asyncpg")
        asyncio.run(upgrade(url, running.secrets[postgres.OWNER]))
        yield running
    finally:
        running.stop()


@pytest.fixture
async def database(cluster: Server, request: pytest.FixtureRequest) -> AsyncIterator[Postgres]:
    name = f"ledger_{abs(hash(request.node.nodeid)):x}"
    await asyncio.to_thread(postgres.create_database, cluster, name, template=TEMPLATE)
    running = Postgres(cluster, name)
    yield running
    await running.close()
    await asyncio.to_thread(postgres.drop_database, cluster, name)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=[pytest.mark.stack, pytest.mark.xdist_group("postgres")]),
    ]
)
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LedgerServer]:
    if request.param == "sqlite":
        running: LedgerServer = Sqlite(tmp_path)
        yield running
        await running.close()
    else:
        yield request.getfixturevalue("database")


@pytest.fixture
async def hx(server: LedgerServer) -> Driver:
    return Driver(await server.open())
