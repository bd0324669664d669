"""One suite for every adapter of the ledger port: each is a way to open one, and open it again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.ledger.driving import Driver
from tests.contract.ledger.servers import ON_POSTGRES, LedgerServer, Sqlite, copied


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=ON_POSTGRES)])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LedgerServer]:
    if request.param == "postgres":
        async with copied(request.getfixturevalue("cluster")) as running:
            yield running
        return
    made = Sqlite(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def hx(server: LedgerServer) -> Driver:
    return Driver(await server.open())
