"""Bus on Kafka or Redpanda: FastStream and aiokafka under rules that lose nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

import structlog
from aiokafka import TopicPartition

from helixnet.adapters.kafka_admin import KafkaTopics
from helixnet.adapters.kafka_publisher import Publisher
from helixnet.adapters.kafka_records import record_of, unsent
from helixnet.adapters.kafka_span import read_span
from helixnet.adapters.kafka_subscription import Subscription
from helixnet.errors import NotFoundError, UnavailableError
from helixnet.events import Event, Topic
from helixnet.ledger.dead import RECORD_REQUEUED, Letter, bury, get_letter
from helixnet.ports import Ledger

log = structlog.get_logger()
RECONNECT_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
MAX_KEY: Final = 64 * 1024  # characters: a key stands in a record twice
_LARGE_KEY: Final = f"the record key is longer than {MAX_KEY} characters"
CLOSE_SECONDS: Final = 4.0


class KafkaBus:
    """See :class:`helixnet.ports.Bus`.

    Args:
        servers: ``host:port`` each.
        ledger: of this process; keeps what is no event.
        topics: makes what contexts declare.
    """

    def __init__(self, servers: Sequence[str], *, ledger: Ledger, topics: KafkaTopics) -> None:
        self._servers = list(servers)
        self._ledger = ledger
        self._topics = topics
        self._publisher = Publisher(servers, topics)
        self._open: set[Subscription] = set()
        self._connecting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect in the background: a bus that is away must keep no service from starting."""
        self._connecting = asyncio.create_task(self._connect(), name="kafka")

    async def publish(self, events: Sequence[Event]) -> None:
        """See the port."""
        fresh = [event for event in events if event.type != RECORD_REQUEUED]
        refused = await self._publisher.require({event.topic for event in fresh})
        letters = [
            unsent(event, refused.get(event.topic, _LARGE_KEY))
            for event in fresh
            if event.topic in refused or len(event.key) > MAX_KEY
        ]
        if letters:  # kept first: whoever sends again must find them told
            await self._bury(letters)
            topics = sorted({letter.topic for letter in letters})
            log.error("kafka can't take events", topics=topics, count=len(letters))
        sent = [e for e in fresh if e.topic not in refused and len(e.key) <= MAX_KEY]
        if sent:
            await self._publisher.send(sent)
        for event in events:
            if event.type == RECORD_REQUEUED:
                await self._put_back(str(event.data["letter"]))

    async def subscribe(self, topic: Topic, group: str) -> AsyncIterator[Sequence[Event]]:
        """See the port."""
        reading = Subscription(self._servers, topic=topic, group=group, bury=self._bury)
        self._open.add(reading)
        try:
            async with aclosing(reading.batches()) as batches:
                async for batch in batches:
                    yield batch
        finally:
            self._open.discard(reading)

    async def span(
        self, topic: str, first: int, last: int, partition: int = 0
    ) -> AsyncIterator[tuple[int, Event]]:
        """See the port."""
        count = await self._topics.partitions(topic)
        if not 0 <= partition < count:
            raise NotFoundError(
                f"topic {topic} has no partition {partition}"
                if count
                else f"there is no topic {topic}"
            )
        place = TopicPartition(topic, partition)
        async with aclosing(read_span(self._servers, place, first, last)) as found:
            async for item in found:
                yield item

    async def lag(self) -> Mapping[tuple[str, str], int]:
        """See the port."""
        found: dict[tuple[str, str], int] = {}
        for reading in tuple(self._open):
            name = (reading.topic, reading.group)
            found[name] = found.get(name, 0) + await reading.lag()
        if not found:  # a process that only sends: whether it could is all that there is to say
            await self._topics.names()
        return found

    async def ensure(self, topics: Sequence[str]) -> None:
        """See the port."""
        await self._topics.ensure(topics)

    async def close(self) -> None:
        """Leave the groups and let go, in bounded time, also when nobody answers."""
        if self._connecting is not None:
            self._connecting.cancel()
        ends = [reading.stop() for reading in tuple(self._open)]
        ending = asyncio.gather(*ends, self._publisher.close())
        # Not `wait_for`: it waits for what it cancels, and a client's task may not end for that.
        _, late = await asyncio.wait({ending}, timeout=CLOSE_SECONDS)
        if late:
            ending.cancel()
            log.warning("kafka not closed in time", seconds=CLOSE_SECONDS)
        else:
            ending.result()

    async def _connect(self) -> None:
        attempt = 0
        while True:
            try:
                await self._publisher.connect()
            except UnavailableError as error:
                wait = RECONNECT_SECONDS[min(attempt, len(RECONNECT_SECONDS) - 1)]
                log.warning("kafka not reached", error=str(error), wait=wait)
                await asyncio.sleep(wait)
                attempt += 1
            else:
                return

    async def _bury(self, letters: Sequence[Letter]) -> None:
        await self._ledger.do(lambda conn: bury(conn, letters))

    async def _put_back(self, letter_id: str) -> None:
        """Send the record that a letter was, byte for byte, to where it came from."""
        try:
            kept = await self._ledger.read(lambda conn: get_letter(conn, letter_id))
        except NotFoundError:
            log.warning("dead letter gone before it was put back", letter=letter_id)
            return
        key, value, headers = record_of(kept.letter)
        await self._publisher.send_raw(kept.letter.topic, key, value, headers)
