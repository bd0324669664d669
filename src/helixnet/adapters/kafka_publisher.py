"""Sends to Kafka by FastStream's broker: a group at a time, durable when the call returns.

A producer that failed once may have lost its place (an idempotent one numbers what it sends), so
it is dropped and the next call makes another: what it had not confirmed is sent again by whoever
asked, under the same ids.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from faststream.exceptions import FastStreamException
from faststream.kafka import KafkaBroker

from helixnet.adapters.kafka_admin import KafkaTopics
from helixnet.adapters.kafka_logs import KafkaLog
from helixnet.adapters.kafka_records import Headers, headers_of, value_of
from helixnet.errors import ConflictError, UnavailableError
from helixnet.events import OUT, Event

log = structlog.get_logger()
SEND_SECONDS: Final = 15.0  # after which a group counts as not durable
CONNECT_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0
REQUEST_MS: Final = 10_000
METADATA_MS: Final = 10_000  # a topic that was made anew is found within this time
LINGER_MS: Final = 0  # what waits while a request is on its way shares the next one
BATCH_BYTES: Final = 128 * 1024
REQUEST_BYTES: Final = 1 << 20
RETRY_MS: Final = 500
Confirmation = asyncio.Future[Any]


class Publisher:
    """The sending half of the bus.

    Args:
        servers: ``host:port`` each.
        topics: makes the declared ones that are missing.
    """

    def __init__(self, servers: Sequence[str], topics: KafkaTopics) -> None:
        self._servers = list(servers)
        self._topics = topics
        self._known: set[str] = set()
        self._refused: dict[str, str] = {}
        self._broker: KafkaBroker | None = None
        self._lock = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()

    async def connect(self) -> KafkaBroker:
        """Return a broker that is connected, the same as before while it works.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        async with self._lock:
            if self._broker is None:
                self._broker = await self._connected()
            return self._broker

    async def send(self, events: Sequence[Event]) -> None:
        """Return once all are durable.

        Raises:
            UnavailableError: some may not be.
        """
        broker = await self.connect()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await asyncio.gather(*[await self._put(broker, event) for event in events])
        except (KafkaError, FastStreamException, OSError, TimeoutError) as error:
            await self._drop(broker)
            raise UnavailableError(
                f"Kafka at {','.join(self._servers)} did not take {len(events)} events: {error!r}"
            ) from error

    async def send_raw(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> None:
        """Send one record byte for byte; FastStream's headers are texts, so aiokafka does it.

        Raises:
            UnavailableError: it may not be durable.
        """
        await self.require({topic})
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers, acks="all", max_request_size=REQUEST_BYTES
        )
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await producer.start()
                await producer.send_and_wait(topic, value, key, headers=list(headers))
        except (KafkaError, OSError, TimeoutError) as error:
            raise UnavailableError(f"Kafka did not take a record for {topic}: {error!r}") from error
        finally:
            await asyncio.wait({asyncio.ensure_future(producer.stop())}, timeout=STOP_SECONDS)

    async def close(self) -> None:
        """Let go; what is not confirmed within a short time is not waited for."""
        async with self._lock:
            broker, self._broker = self._broker, None
        if broker is not None:
            self._end(broker)
        if self._ending:
            _, late = await asyncio.wait(self._ending, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()

    async def _put(self, broker: KafkaBroker, event: Event) -> Confirmation:
        """Hand an event to the producer, which groups what follows closely."""
        return await broker.publish(
            value_of(event),
            event.topic,
            key=event.key.encode() or None,
            headers=headers_of(event),
            correlation_id=event.id,
            no_confirm=True,
        )

    async def require(self, topics: set[str]) -> Mapping[str, str]:
        """Make sure of topics before the first send: an unknown one would wait for its time-out.

        Returns:
            by topic, why Kafka can't have it; those are sent nothing.

        Raises:
            UnavailableError: Kafka does not answer, or lacks a fixed topic.
        """
        missing = topics - self._known - self._refused.keys()
        if missing:
            absent = missing - await self._topics.names()
            fixed = sorted(topic for topic in absent if not topic.startswith(OUT))
            if fixed:
                text = f"Kafka has no topic {', '.join(fixed)}"
                raise UnavailableError(text, hint="helixnet topics apply")
            for topic in sorted(absent):
                try:
                    await self._topics.ensure([topic])
                except ConflictError as error:
                    self._refused[topic] = str(error)
            self._known |= missing - self._refused.keys()
        return {topic: why for topic, why in self._refused.items() if topic in topics}

    async def _connected(self) -> KafkaBroker:
        """Ask first whether Kafka is there: FastStream's start would leave an open producer."""
        probe = AIOKafkaClient(bootstrap_servers=self._servers)
        broker = KafkaBroker(
            self._servers,
            client_id="helixnet",
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES,
            retry_backoff_ms=RETRY_MS,
            request_timeout_ms=REQUEST_MS,
            metadata_max_age_ms=METADATA_MS,
            allow_auto_create_topics=False,
            apply_types=False,
            logger=KafkaLog(),
        )
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await probe.bootstrap()
                await broker.connect()
        except (KafkaError, OSError, TimeoutError) as error:
            raise UnavailableError(
                f"no Kafka answers at {','.join(self._servers)}: {error!r}"
            ) from error
        finally:
            await probe.close()
        return broker

    async def _drop(self, broker: KafkaBroker) -> None:
        """Forget a producer that failed, and what was known of topics."""
        self._known.clear()
        self._refused.clear()
        async with self._lock:
            if self._broker is broker:
                self._broker = None
                self._end(broker)

    def _end(self, broker: KafkaBroker) -> None:
        """Close aside: a producer gives what it holds until its time-out, and nobody waits."""
        task = asyncio.create_task(_stop(broker), name="kafka producer ends")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _stop(broker: KafkaBroker) -> None:
    try:
        await broker.stop()
    except (KafkaError, OSError) as error:
        log.warning("producer not closed cleanly", error=repr(error))
