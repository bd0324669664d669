"""How claimed work is dealt to workers: a large piece alone, small ones together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy import Connection

from helixnet.ledger.leases import Lease
from helixnet.ports import Ledger
from helixnet.stages.service import Claim, Dealt

SMALL: Final = 256 << 10  # bytes that are worth sending together with others
MOST_TOGETHER: Final = 32
C = TypeVar("C")
L = TypeVar("L", bound=Claim)


@dataclass(slots=True)
class Appetite:
    """How many items to claim for each worker: one, and more while all that comes is small."""

    items: int = 1

    def learn(self, sizes: Iterable[int], asked: int) -> None:
        """Grow when a claim was filled with small items, and start over at the first large one."""
        claimed = list(sizes)
        if any(size > SMALL for size in claimed):
            self.items = 1
        elif len(claimed) == asked:
            self.items = min(self.items * 2, MOST_TOGETHER)


def deal(
    claimed: Sequence[C], room: int, size_of: Callable[[C], int]
) -> tuple[list[list[C]], list[C]]:
    """Deal claimed items to at most ``room`` batches.

    Returns:
        the batches, none of them empty, and what found no place.
    """
    large = [item for item in claimed if size_of(item) > SMALL]
    small = [item for item in claimed if size_of(item) <= SMALL]
    batches = [[item] for item in large[:room]]
    hands = room - len(batches)
    if hands == 0:
        return batches, large[room:] + small
    worth = -(-sum(map(size_of, small)) // SMALL)  # each hand is a transaction of its own
    hands = min(hands, max(1, worth))
    return batches + [hand for n in range(hands) if (hand := small[n::hands])], []


async def claim_dealt(
    ledger: Ledger,
    appetite: Appetite,
    room: int,
    *,
    claim: Callable[[Connection, int], Sequence[L]],
    release: Callable[[Connection, Sequence[Lease]], int],
    size_of: Callable[[L], int],
) -> Dealt[L]:
    """Claim as much as ``room`` workers can do, dealt; what is too much goes back at once."""
    asked = room * appetite.items
    claimed = await ledger.do(lambda conn: claim(conn, asked))
    appetite.learn(map(size_of, claimed), asked)
    batches, surplus = deal(claimed, room, size_of)
    if surplus:
        leases = [item.lease for item in surplus]
        await ledger.do(lambda conn: release(conn, leases))
    return Dealt(batches, more=len(claimed) == asked)
