"""Who waits for commits: any, or those that tell something on a topic."""

import asyncio
import contextlib
import threading
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class _Bell:
    loop: asyncio.AbstractEventLoop
    event: asyncio.Event
    topic: str


class Bells:
    """Counts commits and wakes those who wait; may be rung from any thread."""

    def __init__(self) -> None:
        self._count = 0
        self._last: dict[str, int] = {}  # by topic, the last count that told something on it
        self._any = 0  # the last count of which nobody knows what it told
        self._waiting: list[_Bell] = []
        self._guard = threading.Lock()

    def ring(self, topics: Collection[str] | None) -> None:
        """Count a commit that told on ``topics``; None when nobody knows on which."""
        with self._guard:
            self._count += 1
            if topics is None:
                self._any = self._count
            else:
                self._last |= dict.fromkeys(topics, self._count)
            heard = [b for b in self._waiting if not b.topic or topics is None or b.topic in topics]
        for bell in heard:
            with contextlib.suppress(RuntimeError):  # its loop may have gone
                bell.loop.call_soon_threadsafe(bell.event.set)

    async def wait(self, after: int, seconds: float, topic: str = "") -> int:
        """See :meth:`helixnet.ports.Ledger.changed`."""
        bell = _Bell(asyncio.get_running_loop(), asyncio.Event(), topic)
        with self._guard:
            last = max(self._last.get(topic, 0), self._any) if topic else self._count
            if last > after:
                return self._count
            self._waiting.append(bell)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await bell.event.wait()
            return self._count
        finally:
            with self._guard, contextlib.suppress(ValueError):
                self._waiting.remove(bell)
