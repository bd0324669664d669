"""A consumer that passes over what its client can't even read.

aiokafka decodes the names of headers by itself, and one that is no UTF-8 raises out of ``getmany``
for ever: nothing of that partition is read again, and what was taken from others in the same call
is gone. Here such a call is made again record by record, from where each partition stood.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from helixnet.adapters.kafka_records import Record
from helixnet.events import event_id
from helixnet.ledger.dead import UNREADABLE, Letter

BATCH: Final = 200
FETCH_MS: Final = 1000
Fetched = dict[TopicPartition, list[Record]]
Keep = Callable[[list[Letter]], Awaitable[None]]
Build = Callable[..., AIOKafkaConsumer]


def steady(build: Build, keep: Keep) -> Build:
    """Let the consumers that ``build`` makes keep what they can't read, and go on."""

    def built(*topics: str, **options: Any) -> AIOKafkaConsumer:
        consumer = build(*topics, **options)
        consumer.getmany = _Steady(consumer, keep).getmany
        return consumer

    return built


class _Steady:
    def __init__(self, consumer: AIOKafkaConsumer, keep: Keep) -> None:
        self._consumer = consumer
        self._fetch = consumer.getmany
        self._keep = keep
        self._next: dict[TopicPartition, int] = {}  # after what was handed out

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Fetched:
        """See aiokafka, but wait until there is something: FastStream sleeps after nothing."""
        del timeout_ms
        found: Fetched = {}
        try:
            while not found:
                found = await self._fetch(*partitions, timeout_ms=FETCH_MS, max_records=max_records)
        except UnicodeDecodeError:
            singly = [(place, await self._singly(place)) for place in self._consumer.assignment()]
            return {place: some for place, some in singly if some}
        self._next |= {place: some[-1].offset + 1 for place, some in found.items()}
        return found

    async def _singly(self, place: TopicPartition) -> list[Record]:
        """Read a partition one by one up to the record that can't be read, and pass over that."""
        consumer = self._consumer
        known = self._next.get(place)
        stood = (await consumer.committed(place) or 0) if known is None else known
        consumer.seek(place, min(stood, await consumer.position(place)))
        found: list[Record] = []
        while len(found) < BATCH:
            try:
                fetched = await self._fetch(place, timeout_ms=FETCH_MS, max_records=1)
            except UnicodeDecodeError as error:
                offset = await consumer.position(place)
                await self._keep([_unread(place, offset, error)])
                consumer.seek(place, offset + 1)
                self._next[place] = offset + 1
                break
            if not fetched.get(place):
                break
            found += fetched[place]
            self._next[place] = found[-1].offset + 1
        return found


def _unread(place: TopicPartition, offset: int, error: Exception) -> Letter:
    """Say where the record stands: of its bytes the client gives none."""
    return Letter(
        id=event_id("unread", place.topic, place.partition, offset),
        topic=place.topic,
        partition=place.partition,
        offset=offset,
        key=None,
        value=None,
        headers=[],
        error=UNREADABLE,
        reason=f"the name of a header is no UTF-8, so the record can't be read: {error}"[:500],
    )
