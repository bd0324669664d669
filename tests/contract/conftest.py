"""What the suites of several ports share: one Postgres server a session, started when asked for."""

from collections.abc import AsyncIterator, Iterator

import pytest
from scripts.stack import postgres
from scripts.stack.server import Server

from tests.contract.ledger.servers import TEMPLATE, Postgres, copied, upgrade


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a migrated database to copy."""
    quick = {"fsync": "off", "full_page_writes": "off"}  # its disk need not survive a power cut
    running = postgres.start(tmp_path_factory.mktemp("postgres"), settings=quick)
    try:
        postgres.create_database(running, TEMPLATE)
        upgrade(Postgres(running, TEMPLATE))
        yield running
    finally:
        running.stop()


@pytest.fixture
async def database(cluster: Server) -> AsyncIterator[Postgres]:
    """A migrated database of the test's own."""
    async with copied(cluster) as running:
        yield running
