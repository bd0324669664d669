"""Bus on the ledger's events table: what a transaction told is read once it is durable."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

from helixnet.events import Event, Topic
from helixnet.ledger.outbox import commit_position, emit, position, read_topic
from helixnet.ports import Ledger

BATCH: Final = 200
COMMIT_SECONDS: Final = 0.5  # a position is a hint where to go on: repeats are harmless


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
        committed, last = reached, time.monotonic()
        while True:
            mark = await self._ledger.changed(-1, 0)
            after = reached
            found = await self._ledger.read(
                lambda conn, after=after: read_topic(conn, topic, after, BATCH)
            )
            if found:
                yield [stored.event for stored in found]
                reached = found[-1].position
            due = not found or time.monotonic() - last >= COMMIT_SECONDS
            if reached > committed and due:
                await self._ledger.do(
                    lambda conn, now=reached: commit_position(conn, group, topic, now)
                )
                committed, last = reached, time.monotonic()
            elif not found:
                await self._ledger.changed(mark, self._poll)

    async def tail(self, topic: str, after: int) -> AsyncIterator[tuple[int, Event]]:
        """See the port."""
        reached = after
        while True:
            mark = await self._ledger.changed(-1, 0)
            start = reached
            for stored in await self._ledger.read(
                lambda conn, start=start: read_topic(conn, topic, start, BATCH)
            ):
                reached = stored.position
                yield reached, stored.event
            if reached == start:
                await self._ledger.changed(mark, self._poll)
