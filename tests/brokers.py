"""A real Kafka for tests: one broker a test session and worker, emptied between tests."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from scripts.stack import kafka, server
from scripts.stack.server import Server

from helixnet.adapters.bus_kafka import KafkaBus
from helixnet.adapters.kafka_admin import KafkaTopics
from helixnet.adapters.ledger_sqlite import LedgerSqlite, open_ledger

PARTITIONS = 4
PATIENCE = 120


@contextmanager
def broker(folder: Path) -> Iterator[Server]:
    """Run a broker until the block ends, however often it was restarted meanwhile."""
    kept = kafka.start(folder, heap="256m")
    try:
        yield kept
    finally:
        found = server_of(folder)
        if found is not None:
            found.kill()


def server_of(folder: Path) -> Server | None:
    """The broker that was last started on a folder."""
    return server.load(folder)


def topics_of(running: Server) -> KafkaTopics:
    return KafkaTopics([running.address], partitions=PARTITIONS, replicas=1)


async def emptied(running: Server) -> None:
    """Remove all topics, and with them what groups have read of them; make the fixed ones anew."""
    names = [name for name in await topics_of(running).names() if name.startswith("helix.")]
    await removed(running, names)
    await topics_of(running).apply(dry_run=False)
    await asyncio.sleep(0.2)


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if await check():
                return
            await asyncio.sleep(0.2)


async def _gone(admin: AIOKafkaAdminClient, names: Sequence[str]) -> bool:
    return not set(names) & set(await admin.list_topics())


async def removed(running: Server, names: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=running.address)
    await admin.start()
    try:
        if names:
            await admin.delete_topics(list(names))
        await eventually(lambda: _gone(admin, names))
    finally:
        await admin.close()


class Kafka:
    """The bus of the stack; what is no event goes to a ledger of its own."""

    def __init__(self, folder: Path, running: Server) -> None:
        self.folder = folder
        self.running = running
        self.open: list[KafkaBus] = []
        self.ledgers: list[LedgerSqlite] = []

    async def bus(self) -> KafkaBus:
        await self.close()
        self.ledgers.append(await asyncio.to_thread(open_ledger, self.folder / "ledger.db"))
        topics = topics_of(self.running)
        bus = KafkaBus([self.running.address], ledger=self.ledgers[0], topics=topics)
        bus.start()
        self.open.append(bus)
        return bus

    async def close(self) -> None:
        while self.open:
            await self.open.pop().close()
        while self.ledgers:
            await self.ledgers.pop().close()
