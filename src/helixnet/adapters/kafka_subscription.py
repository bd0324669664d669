"""One group's reading of one topic by a FastStream batch subscriber, with offsets of our own.

FastStream hands over raw records and never commits; this commits what the reader has dealt with,
partition by partition. A batch that was handed over but not followed by another step is not
committed, so it comes again.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from helixnet.adapters.kafka_logs import KafkaLog
from helixnet.adapters.kafka_records import Record, decode
from helixnet.adapters.kafka_steady import steady
from helixnet.errors import UnavailableError
from helixnet.events import Event
from helixnet.ledger.dead import Letter

log = structlog.get_logger()
BATCH: Final = 200
GATHER_MS: Final = 10
COMMIT_SECONDS: Final = 0.5
COMMIT_PATIENCE: Final = 5.0
STOP_SECONDS: Final = 4.0
RETRY_MS: Final = 500
METADATA_MS: Final = 10_000  # a topic that was made anew is found within this time
MAX_POLL_MS: Final = 600_000
BACKOFF_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)
Records = tuple[Record, ...]
Bury = Callable[[Sequence[Letter]], Awaitable[object]]


class Subscription:
    """Batches of one topic for one group.

    Args:
        servers: ``host:port`` each.
        topic: full name.
        group: name of the consumer group.
        bury: keeps what is no event; it is asked again until it could.
    """

    def __init__(self, servers: Sequence[str], *, topic: str, group: str, bury: Bury) -> None:
        self.topic = topic
        self.group = group
        self._servers = list(servers)
        self._bury = bury
        self._broker: KafkaBroker | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._handed: asyncio.Queue[Records] = asyncio.Queue(maxsize=1)
        self._done: dict[TopicPartition, int] = {}  # dealt with, not yet committed
        self._committed = time.monotonic()
        self._behind = False  # whether the last commit failed: said once
        self._ending: asyncio.Task[None] | None = None

    async def batches(self) -> AsyncGenerator[Sequence[Event]]:
        """Yield events; what was yielded is dealt with when the next is asked for."""
        try:
            await self._start()
            while True:
                records = await self._next()
                found, letters = decode(records)
                if letters:
                    await self._keep(letters)
                for start in range(0, len(found), BATCH):  # a notification may name several
                    yield [event for _, event in found[start : start + BATCH]]
                self._done |= {
                    TopicPartition(item.topic, item.partition): item.offset + 1 for item in records
                }
                if time.monotonic() - self._committed >= COMMIT_SECONDS:
                    await self._commit()
        finally:
            await self.stop()

    async def lag(self) -> int:
        """Return how many records of the assigned partitions are not dealt with.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        consumer = self._consumer
        if consumer is None:
            raise UnavailableError(f"Kafka does not answer for {self.topic}")
        try:
            async with asyncio.timeout(COMMIT_PATIENCE):
                assigned = consumer.assignment()
                if not assigned:
                    return 0
                starts = await consumer.beginning_offsets(list(assigned))
                ends = await consumer.end_offsets(list(assigned))
                reached = {part: await self._reached(consumer, part) for part in assigned}
        except (KafkaError, OSError, TimeoutError) as error:
            raise UnavailableError(f"Kafka does not answer for {self.topic}: {error!r}") from error
        return sum(max(0, ends[part] - max(starts[part], reached[part])) for part in assigned)

    async def stop(self) -> None:
        """Leave the group; where Kafka does not answer, that goes on aside for a while."""
        broker, self._broker = self._broker, None
        while not self._handed.empty():
            self._handed.get_nowait()  # else FastStream waits for its place: a fault to it
        if broker is not None:
            self._ending = asyncio.create_task(self._close(broker), name="kafka consumer ends")
        if self._ending is not None:
            await asyncio.wait({self._ending}, timeout=STOP_SECONDS)

    async def _close(self, broker: KafkaBroker) -> None:
        """Commit and leave. Ended half-way, the client would stay a member that reads nothing."""
        try:
            await self._commit()
            await broker.stop()
        except (KafkaError, OSError) as error:
            log.warning("subscription not closed cleanly", **self._where(), error=repr(error))
        self._consumer = None

    async def _next(self) -> Records:
        """Wait for records, and commit meanwhile what was dealt with."""
        while self._done:
            wait = self._committed + COMMIT_SECONDS - time.monotonic()
            with suppress(TimeoutError):
                return await asyncio.wait_for(self._handed.get(), max(wait, 0.01))
            await self._commit()
        return await self._handed.get()

    async def _start(self) -> None:
        """Begin to read, however long Kafka takes to be there."""
        attempt = 0
        while True:
            broker, subscriber = self._reader()
            self._broker = broker
            try:
                await broker.connect()  # no network yet: of a consumer alone it makes the builder
                made = broker.config.broker_config
                made.builder = steady(made.builder, self._keep)
                await broker.start()
            except (KafkaError, OSError) as error:
                await broker.stop()
                wait = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
                log.warning("topic not readable yet", **self._where(), error=repr(error), wait=wait)
                await asyncio.sleep(wait)
                attempt += 1
            else:
                self._consumer = subscriber.consumer
                return

    def _reader(self) -> tuple[KafkaBroker, BatchSubscriber]:
        broker = KafkaBroker(
            self._servers,
            client_id="helixnet",
            consumer_only=True,
            allow_auto_create_topics=False,
            retry_backoff_ms=RETRY_MS,
            metadata_max_age_ms=METADATA_MS,
            graceful_timeout=None,
            apply_types=False,
            logger=KafkaLog(),
        )
        subscriber = broker.subscriber(
            self.topic,
            group_id=self.group,
            batch=True,
            max_records=BATCH,
            batch_timeout_ms=GATHER_MS,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            max_poll_interval_ms=MAX_POLL_MS,
            listener=_Revoked(self._revoked),
            parser=_parse,
            decoder=_decode,
        )
        subscriber(self._take)
        return broker, subscriber

    async def _take(self, records: Records) -> None:
        """Take a batch from FastStream; one is read ahead while another is dealt with."""
        if self._broker is not None:
            await self._handed.put(records)

    async def _keep(self, letters: Sequence[Letter]) -> None:
        """Keep what is no event before anything after it counts as dealt with."""
        attempt = 0
        while True:
            try:
                await self._bury(letters)
            except UnavailableError as error:
                wait = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
                log.warning("dead letters not kept yet", **self._where(), error=str(error))
                await asyncio.sleep(wait)
                attempt += 1
            else:
                log.warning("records are no events", **self._where(), count=len(letters))
                return

    async def _commit(self) -> None:
        """Tell Kafka how far this is; where it can't be told, records come again."""
        consumer, self._committed = self._consumer, time.monotonic()
        if consumer is None or not self._done:
            return
        assigned = consumer.assignment()
        offsets = {part: offset for part, offset in self._done.items() if part in assigned}
        self._done = {}
        try:
            if offsets:
                await asyncio.wait_for(consumer.commit(offsets), COMMIT_PATIENCE)
            self._behind = False
        except (CommitFailedError, IllegalStateError):
            log.warning("partitions went to another member", **self._where())
        except (KafkaError, TimeoutError) as error:
            self._done = offsets | self._done  # again later
            if not self._behind:
                log.warning("offsets not committed yet", **self._where(), error=repr(error))
            self._behind = True

    async def _revoked(self) -> None:
        await self._commit()

    async def _reached(self, consumer: AIOKafkaConsumer, part: TopicPartition) -> int:
        if part in self._done:
            return self._done[part]
        return await consumer.committed(part) or 0

    def _where(self) -> Mapping[str, Any]:
        return {"topic": self.topic, "group": self.group}


class _Revoked(ConsumerRebalanceListener):
    """Commits before partitions go to another member, so that little comes twice."""

    def __init__(self, commit: Callable[[], Awaitable[None]]) -> None:
        self._commit = commit

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """See aiokafka."""
        del revoked
        await self._commit()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """See aiokafka; there is nothing to do."""


async def _parse(records: Records) -> KafkaMessage:
    """Wrap records without a look at their headers: what is in them may be anything."""
    return KafkaMessage(raw_message=records, body=b"", consumer=FAKE_CONSUMER)


async def _decode(message: KafkaMessage) -> object:
    """Give the records themselves to the handler."""
    return message.raw_message
