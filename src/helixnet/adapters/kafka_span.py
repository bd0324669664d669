"""A range of a topic by offset, read beside all groups."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from helixnet.adapters.kafka_records import decode
from helixnet.errors import UnavailableError
from helixnet.events import Event

FETCH_MS: Final = 1000
PATIENCE_SECONDS: Final = 15.0  # for one answer
BATCH: Final = 200


async def read_span(
    servers: Sequence[str], place: TopicPartition, first: int, last: int
) -> AsyncGenerator[tuple[int, Event]]:
    """Yield (offset, event) from ``first`` to ``last``, as far as the partition goes now.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(servers), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        end = min(last + 1, await _opened(consumer, place, first))
        position = first
        while position < end:
            async with asyncio.timeout(PATIENCE_SECONDS):
                fetched = await consumer.getmany(place, timeout_ms=FETCH_MS, max_records=BATCH)
                position = await consumer.position(place)
            found, _ = decode(fetched.get(place, []))
            for record, event in found:
                if first <= record.offset < end:
                    yield record.offset, event
    except (KafkaError, OSError, TimeoutError) as error:
        raise UnavailableError(f"Kafka does not give {place.topic}: {error!r}") from error
    finally:
        await consumer.stop()


async def _opened(consumer: AIOKafkaConsumer, place: TopicPartition, first: int) -> int:
    """Stand at ``first``, or where the topic begins, and return where it ends."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await consumer.start()
        consumer.assign([place])
        begins = await consumer.beginning_offsets([place])
        consumer.seek(place, max(first, begins[place]))
        return (await consumer.end_offsets([place]))[place]
