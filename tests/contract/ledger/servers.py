"""Where a ledger can be opened in a test: a file, or a database of its own on a real server."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
from scripts.stack import postgres
from scripts.stack.server import Server

from helixnet.adapters.ledger_postgres import open_ledger as open_postgres
from helixnet.adapters.ledger_sqlite import open_ledger as open_sqlite
from helixnet.ports import Ledger

TEMPLATE = "ledger_template"
ON_POSTGRES = (pytest.mark.stack, pytest.mark.xdist_group("postgres"))


class LedgerServer(Protocol):
    """Where a ledger can be opened."""

    async def open(self, *, relay: bool = False) -> Ledger:
        """Open it; what was open before is closed, as when a server starts again."""
        ...

    async def another(self, *, relay: bool = False) -> Ledger:
        """Open it once more, as another process would."""
        ...

    def elsewhere(self, statement: str) -> None:
        """Run SQL from another program, at once."""
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

    def elsewhere(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "ledger.db")) as driver, driver:
            driver.execute(statement)

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

    def elsewhere(self, statement: str) -> None:
        postgres.execute(self.cluster, statement, role=postgres.OWNER, database=self.name)

    def url(self, role: str = postgres.OWNER) -> str:
        return postgres.url(self.cluster, role=role, database=self.name, driver="asyncpg")

    async def close(self) -> None:
        while self.opened:
            await self.opened.pop().close()


def upgrade(database: Postgres) -> str:
    """Migrate a database as a person does, and return what was printed."""
    given = {
        "HELIXNET_LEDGER": database.url(),
        "HELIXNET_LEDGER_PASSWORD": database.cluster.secrets[postgres.OWNER],
    }
    command = [sys.executable, "-m", "helixnet", "db", "upgrade"]
    done = subprocess.run(
        command, env=os.environ | given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@asynccontextmanager
async def copied(cluster: Server) -> AsyncGenerator[Postgres]:
    """A database of one test, and no longer."""
    name = f"ledger_{uuid4().hex}"
    await asyncio.to_thread(postgres.create_database, cluster, name, template=TEMPLATE)
    running = Postgres(cluster, name)
    yield running
    await running.close()
    await asyncio.to_thread(postgres.drop_database, cluster, name)
