"""Bus on the ledger's events table: what a transaction told is read once it is durable."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import structlog

from helixnet.errors import NotFoundError, UnavailableError
from helixnet.events import Event, Topic
from helixnet.ledger.outbox import commit_position, emit, position, read_topic
from helixnet.ports import Ledger

log = structlog.get_logger()
BATCH: Final = 200
COMMIT_SECONDS: Final = 0.5  # a position is a hint where to go on: repeats are harmless
TOGETHER_SECONDS: Final = 0.01  # under load, commits that follow closely are read as one


class LocalBus:
    """See :class:`helixnet.ports.Bus`; the bell is the ledger's count of commits.

    Args:
        ledger: of this process.
        poll_seconds: longest wait when the bell was not heard, as after a commit elsewhere.
    """

    def __init__(self, ledger: Ledger, *, poll_seconds: float) -> None:
        self._ledger = ledger
        self._poll = poll_seconds

    async def publish(self, events: Sequence[Event]) -> None:
        """See the port."""
        batch = list(events)
        await self._ledger.do(lambda conn: emit(conn, batch))

    async def subscribe(self, topic: Topic, group: str) -> AsyncIterator[Sequence[Event]]:
        """See the port."""
        reached = await self._ledger.read(lambda conn: position(conn, group, topic))
        committed, last, dense = reached, time.monotonic(), False
        while True:
            mark = await self._ledger.changed(-1, 0)
            after = reached
            found = await self._ledger.read(
                lambda conn, after=after: read_topic(conn, topic, after, BATCH)
            )
            if found:
                yield [stored.event for stored in found]
                reached, dense = found[-1].position, len(found) > 1
            due = reached > committed and time.monotonic() - last >= COMMIT_SECONDS
            if due and await self._commit(topic, group, reached):
                committed, last = reached, time.monotonic()
            if not found:
                patience = self._poll if reached == committed else COMMIT_SECONDS
                await self._ledger.changed(mark, patience, topic)
                if dense:
                    await asyncio.sleep(TOGETHER_SECONDS)

    async def _commit(self, topic: Topic, group: str, reached: int) -> bool:
        """Keep a position; where the ledger can't now, later will do: events may come again."""
        try:
            await self._ledger.do(lambda conn: commit_position(conn, group, topic, reached))
        except UnavailableError as error:
            log.warning("position not kept", topic=topic, group=group, error=str(error))
            return False
        return True

    async def span(
        self, topic: str, first: int, last: int, partition: int = 0
    ) -> AsyncIterator[tuple[int, Event]]:
        """See the port; there is one partition, and a topic that nobody told of is empty."""
        if partition:
            raise NotFoundError(f"topic {topic} has no partition {partition}")
        reached = first - 1
        while found := await self._ledger.read(
            lambda conn, start=reached: read_topic(conn, topic, start, BATCH)
        ):
            for stored in found:
                reached = stored.position
                if reached > last:
                    return
                yield reached, stored.event

    async def lag(self) -> Mapping[tuple[str, str], int]:
        """See the port; the readers of this table are woken by each commit and never behind."""
        return {}

    async def ensure(self, topics: Sequence[str]) -> None:
        """See the port; a topic of this table is there once something was told on it."""
