"""What every bus promises; each adapter is one parameter."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import pytest
from scripts.stack.server import Server

from helixnet.adapters.bus_local import LocalBus
from helixnet.adapters.ledger_sqlite import LedgerSqlite, open_ledger
from helixnet.errors import NotFoundError
from helixnet.events import Event, Topic, event_id, out_topic
from helixnet.ports import Bus
from tests.brokers import Kafka, broker, emptied

pytestmark = pytest.mark.contract


class Opened(Protocol):
    """What each adapter is tested by: a bus that may be opened again, as after a restart."""

    async def bus(self) -> Bus: ...

    async def close(self) -> None: ...


class Local:
    """The bus of the embedded shape, which may be opened again on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open: list[LedgerSqlite] = []

    async def bus(self) -> Bus:
        await self.close()
        self.open.append(await asyncio.to_thread(open_ledger, self.folder / "ledger.db"))
        return LocalBus(self.open[0], poll_seconds=0.05)

    async def close(self) -> None:
        while self.open:
            await self.open.pop().close()


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(params=["local", pytest.param("kafka", marks=pytest.mark.stack)])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    running: Opened = Local(tmp_path)
    if request.param == "kafka":
        found: Server = request.getfixturevalue("kafka")
        await emptied(found)
        running = Kafka(tmp_path, found)
    yield running
    await running.close()


def event(number: int, topic: str = Topic.PARTS) -> Event:
    return Event(
        id=event_id("test", topic, number),
        type="io.helixnet.test.v1",
        topic=topic,
        key=f"k{number % 3}",
        tenant="acme",
        job=f"j{number}",
        seq=number,
        time="",
        data={"number": number, "exact": Decimal("1.10")},
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


def numbers(batch: Sequence[Event]) -> list[int]:
    return [item.data["number"] for item in batch]


async def collect(subscription: AsyncIterator[Sequence[Event]], count: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += numbers(await anext(subscription))
    return found


async def test_every_group_gets_every_event(server: Opened) -> None:
    bus = await server.bus()
    whole = list(range(450))
    await bus.publish([event(n) for n in whole])
    for group in ("mapper", "other"):
        subscription = bus.subscribe(Topic.PARTS, group)
        first = await anext(subscription)
        assert len(first) <= 200
        assert sorted(numbers(first) + await collect(subscription, 450 - len(first))) == whole


async def test_an_event_travels_whole(server: Opened) -> None:
    bus = await server.bus()
    await bus.publish([event(7)])
    ((found,),) = [await anext(bus.subscribe(Topic.PARTS, "mapper"))]
    sent = event(7)
    assert (found.id, found.type, found.topic, found.key) == (
        sent.id,
        sent.type,
        sent.topic,
        sent.key,
    )
    assert (found.tenant, found.job, found.seq, found.data) == ("acme", "j7", 7, sent.data)
    assert found.traceparent == sent.traceparent
    assert found.time.endswith("Z")


async def test_a_waiting_group_is_woken(server: Opened) -> None:
    bus = await server.bus()
    subscription = bus.subscribe(Topic.PARTS, "mapper")
    waiting = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await bus.publish([event(1, Topic.MAPPED), event(2)])
    assert numbers(await asyncio.wait_for(waiting, 20)) == [2]


async def test_what_was_not_followed_by_a_step_comes_again(server: Opened) -> None:
    """A consumer that dies with a batch in hand finds it again; nothing is skipped."""
    bus = await server.bus()
    await bus.publish([event(n) for n in range(3)])
    first = bus.subscribe(Topic.PARTS, "mapper")
    assert numbers(await anext(first))
    bus = await server.bus()
    assert sorted(await collect(bus.subscribe(Topic.PARTS, "mapper"), 3)) == [0, 1, 2]


async def test_what_was_dealt_with_does_not_come_back_for_long(server: Opened) -> None:
    bus = await server.bus()
    await bus.publish([event(n) for n in range(3)])
    subscription = bus.subscribe(Topic.PARTS, "mapper")
    await collect(subscription, 3)
    waiting = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(1)
    waiting.cancel()
    bus = await server.bus()
    await bus.publish([event(9)])
    assert await collect(bus.subscribe(Topic.PARTS, "mapper"), 1) == [9]


async def test_a_span_is_read_without_a_group(server: Opened) -> None:
    bus = await server.bus()
    topic = out_topic("acme", "orders")
    await bus.publish([event(n, topic) for n in range(5)])
    whole = [(at, item.data["number"]) async for at, item in bus.span(topic, 0, 1 << 40)]
    assert [number for _, number in whole] == [0, 1, 2, 3, 4]
    first, last = whole[1][0], whole[3][0]
    found = [(at, item.data["number"]) async for at, item in bus.span(topic, first, last)]
    assert found == whole[1:4]
    with pytest.raises(NotFoundError):
        [_ async for _ in bus.span(topic, 0, 9, partition=999)]
