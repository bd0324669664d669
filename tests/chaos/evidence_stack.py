"""What can be seen of the stack: Postgres by SQL, the bucket by S3, topics by a Kafka client."""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import asyncpg
from aiokafka import AIOKafkaConsumer
from miniopy_async import Minio
from miniopy_async.error import S3Error

Json = dict[str, Any]
T = TypeVar("T")
ABSENT = frozenset({"NoSuchKey", "NoSuchVersion"})


class StackEvidence:
    """See :class:`tests.chaos.evidence.Evidence`; plain clients, none of the product's code."""

    def __init__(self, told: Mapping[str, Any], _tokens: Mapping[str, str]) -> None:
        self.url: str = told["url"]
        self._told = told
        self._runner = asyncio.Runner()
        self._client: Minio | None = None
        self._events: dict[str, list[Json]] = {}

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def rows(self, sql: str) -> list[Json]:
        async def ask() -> list[Json]:
            link = await asyncpg.connect(self._told["database"], password=self._told["password"])
            try:
                return [dict(row) for row in await link.fetch(sql)]
            finally:
                await link.close()

        return self._do(ask())

    def stored(self, key: str) -> bytes | None:
        async def get() -> bytes | None:
            try:
                async with await self._store().get_object(self._told["bucket"], key) as answer:
                    return await answer.read()
            except S3Error as error:
                if error.code in ABSENT:
                    return None
                raise

        return self._do(get())

    def keys(self, prefix: str) -> set[str]:
        async def look() -> set[str]:
            bucket = self._told["bucket"]
            found = self._store().list_objects(bucket, prefix=prefix, recursive=True)
            return {str(item.object_name) async for item in found}

        return self._do(look())

    def _store(self) -> Minio:
        """Make the client on its loop at the first use, and keep its connections."""
        if self._client is None:
            address, access, secret = self._told["store"]
            self._client = Minio(address, access_key=access, secret_key=secret, secure=False)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._do(self._client.close_session())
        self._runner.close()

    def topic(self, name: str, tenant: str) -> Iterator[Json]:
        if name not in self._events:
            self._events[name] = self._do(self._read(name))
        for event in self._events[name]:
            if event["tenant"] == tenant:
                yield event

    async def _read(self, name: str) -> list[Json]:
        """Read every partition from its beginning to its present end.

        To seek there is not enough: the client's own look for the end may come later.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._told["kafka"],
            enable_auto_commit=False,
            group_id=None,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            if name not in await consumer.topics():
                return []
            consumer.subscribe([name])
            async with asyncio.timeout(60):
                while not consumer.assignment():  # noqa: ASYNC110 - the client has no bell for it
                    await asyncio.sleep(0.05)
            places = sorted(consumer.assignment())
            await consumer.seek_to_beginning(*places)
            ends = await consumer.end_offsets(places)
            events: list[Json] = []
            while any([await consumer.position(place) < ends[place] for place in places]):
                for records in (await consumer.getmany(*places, timeout_ms=500)).values():
                    events += map(_event, records)
            return events
        finally:
            await consumer.stop()


def _event(record: Any) -> Json:
    """Read a CloudEvent in the binary mode of its Kafka binding."""
    headers = {key: value.decode() for key, value in record.headers}
    return {
        "id": headers["ce_id"],
        "type": headers["ce_type"],
        "job": headers.get("ce_hxjob", ""),
        "tenant": headers.get("ce_hxtenant", ""),
        "key": record.key.decode() if record.key else "",
        "data": json.loads(record.value, parse_float=Decimal),
    }
