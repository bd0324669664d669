"""Events go from the ledger to the bus: each process sends its own, a sweeper what others left.

The transaction that changes a state writes its events too, unmarked. Right after the commit the
same process sends and marks them. A process that dies between leaves them to whichever publisher
sweeps next: twice is possible, never is not.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from helixnet.crashpoints import reach
from helixnet.errors import UnavailableError
from helixnet.events import Event
from helixnet.ledger import scope
from helixnet.ledger.outbox import mark_published, unpublished, unsent
from helixnet.metrics import Metrics
from helixnet.ports import Bus, Ledger

log = structlog.get_logger()
TOGETHER: Final = 500
MARK_SECONDS: Final = 0.05  # marks of this long are one transaction
SWEEPS: Final = 3  # looks for what was left, in each span after which it counts as left


@dataclass(slots=True)
class _Hand:
    """What was taken from the ledger's queue: to be sent, and to be marked."""

    unsent: Sequence[tuple[int, Event]] = ()
    sent: list[int] = field(default_factory=list[int])
    swept: float = 0.0
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Sends what this process told, in order, and what nobody marked for ``sweep_seconds``."""

    ledger: Ledger
    bus: Bus
    metrics: Metrics
    sweep_seconds: float
    poll_seconds: float
    _hand: _Hand = field(default_factory=_Hand)

    async def run(self) -> None:
        """Send and mark until cancelled."""
        scope.lift()  # it serves every tenant, whosever requests this process takes
        tasks = [asyncio.create_task(work) for work in (self._send(), self._mark())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def stop(self, seconds: float) -> None:
        """After :meth:`run` ended: send and mark what is left, as far as the time allows."""
        try:
            with scope.lifted():
                async with asyncio.timeout(seconds):
                    while await self.send():
                        pass
                    await self.mark()
        except (UnavailableError, TimeoutError) as error:
            log.warning("events left to a sweeper", error=str(error))

    async def send(self) -> int:
        """Send this process's own events that wait now; returns how many."""
        hand = self._hand
        hand.unsent = hand.unsent or self.ledger.outgoing(TOGETHER)
        count = len(hand.unsent)
        if count:
            await self.bus.publish([event for _, event in hand.unsent])
            reach("publisher.sent")
            hand.sent += [number for number, _ in hand.unsent]
            hand.unsent = ()
            hand.news.set()
            self.metrics.count("helixnet_events_published_total", count, kind="outbox")
        return count

    async def mark(self) -> int:
        """Mark what was sent; returns how many were not marked before."""
        hand = self._hand
        marks, hand.sent = hand.sent, []
        try:
            return await self.ledger.do(lambda conn: mark_published(conn, marks)) if marks else 0
        except UnavailableError:
            hand.sent = marks + hand.sent
            raise

    async def sweep(self) -> int:
        """Send and mark what stayed unmarked too long, whoever told it; returns how many."""
        age = self.sweep_seconds
        left = await self.ledger.do(
            lambda conn: unpublished(conn, older_than=age, stale=age, limit=TOGETHER)
        )
        if left:
            await self.bus.publish([stored.event for stored in left])
            marks = [stored.position for stored in left]
            await self.ledger.do(lambda conn: mark_published(conn, marks))
            self.metrics.count("helixnet_events_published_total", len(left), kind="sweep")
            log.info("events swept", count=len(left))
        return len(left)

    async def _send(self) -> None:
        count = 0
        while True:
            try:
                while await self.send():
                    pass
                await self._sweep()
            except UnavailableError as error:
                log.warning("events not sent", error=str(error))
                await asyncio.sleep(self.poll_seconds)
            count = await self.ledger.changed(count, self.poll_seconds)

    async def _sweep(self) -> None:
        now = time.monotonic()
        if now - self._hand.swept < self.sweep_seconds / SWEEPS:
            return
        while await self.sweep() == TOGETHER:
            await self.send()
        self._hand.swept = now

    async def _mark(self) -> None:
        while True:
            await self._hand.news.wait()
            self._hand.news.clear()
            try:
                await self.mark()
                await asyncio.sleep(MARK_SECONDS)
            except UnavailableError as error:
                log.warning("events not marked", error=str(error))
                self._hand.news.set()
                await asyncio.sleep(self.poll_seconds)


async def flush(ledger: Ledger, bus: Bus, *, topic: str, job: str) -> None:
    """Send and mark what an earlier worker told of a job on a topic and may not have sent.

    Raises:
        UnavailableError: ledger or bus can't; nothing more may be told before.
    """
    while left := await ledger.read(
        lambda conn: unsent(conn, topic=topic, job=job, limit=TOGETHER)
    ):
        await bus.publish([stored.event for stored in left])
        marks = [stored.position for stored in left]
        await ledger.do(lambda conn, marks=marks: mark_published(conn, marks))
