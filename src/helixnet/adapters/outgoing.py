"""Events that this process's own commits told, on their way to whoever publishes them."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from helixnet.events import Event
from helixnet.ledger.outbox import Stored

MOST: Final = 20_000
MOST_BYTES: Final = 16 << 20


class Outgoing:
    """A bounded queue in order of commit; what finds no room is left to a sweeper.

    The rows in the database are the truth: this only spares a publisher from asking for them.
    """

    def __init__(self) -> None:
        self._events: deque[Stored] = deque()
        self._bytes = 0
        self._guard = threading.Lock()

    def put(self, told: Sequence[Stored]) -> None:
        """Append the events of one commit, as long as there is room."""
        with self._guard:
            for stored in told:
                if len(self._events) >= MOST or self._bytes >= MOST_BYTES:
                    return
                self._events.append(stored)
                self._bytes += stored.size

    def take(self, most: int) -> list[tuple[int, Event]]:
        """Return and forget the oldest ``most``, each with its row's id."""
        with self._guard:
            taken = [self._events.popleft() for _ in range(min(most, len(self._events)))]
            self._bytes -= sum(stored.size for stored in taken)
        return [(stored.position, stored.event) for stored in taken]

    @property
    def crowded(self) -> bool:
        """Whether it is half full: who can wait should."""
        return len(self._events) >= MOST // 2 or self._bytes >= MOST_BYTES // 2
