"""Where to shoot: what to send and what to break so that one certain fault of a build must show.

Random kills find a missing safeguard sooner or later; an aim finds it soon.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.load import Mix
from tests.chaos.nemesis import Fault

SMALL: Final = ((1, 25),)
ZOMBIE: Final = {  # leases that run out under whoever stands still for a moment
    "lease_seconds": "2",
    "renew_seconds": "60",
    "max_attempts": "1000",
    "workers": "3",
}


@dataclass(frozen=True, slots=True)
class Aim:
    """What to send, how the server is set, and what is done to it.

    Args:
        faults: by seed.
        shows: of :data:`tests.chaos.findings.KINDS`, what the checker must call it.
        stall: seconds without progress after which open work counts as stuck.
    """

    faults: Callable[[int], Iterator[Fault]]
    mix: Mix
    shows: str
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    stall: float = 60.0


def at_point(point: str, times: int) -> Callable[[int], Iterator[Fault]]:
    """Let the server end ``times`` times at one point."""

    def faults(seed: int) -> Iterator[Fault]:
        dice = random.Random(seed)  # noqa: S311 - no secret
        for _ in range(times):
            yield Fault("serve", "crash", dice.uniform(0.5, 1.5), f"{point}:{dice.randint(1, 2)}")

    return faults


def at_points(points: list[str]) -> Iterator[Fault]:
    """Let the server end at each of these points, in the order given."""
    for point in points:
        yield Fault("serve", "crash", 0.3, point)


def nothing(_seed: int) -> Iterator[Fault]:
    """Break nothing: what is missing shows by itself."""
    yield from ()


def children(seed: int) -> Iterator[Fault]:
    """End processes that work for the server."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(8):
        yield Fault("serve", "child", dice.uniform(0.4, 1.0))


def stalls(seed: int) -> Iterator[Fault]:
    """Let the processes that work for the server stand still in turn, for longer than a lease."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(25):
        yield Fault("serve", "stall", dice.uniform(0.1, 0.8), seconds=dice.uniform(1.0, 5.0))


def mix(*kinds: str, sizes: tuple[tuple[int, int], ...] = SMALL, open_jobs: int = 30) -> Mix:
    """Send these kinds only, and let nothing be cancelled or run again."""
    return Mix(
        kinds=kinds,
        sizes=sizes,
        shares=(1,) * len(sizes),
        pause=0.4,
        open_jobs=open_jobs,
        deeds=False,
    )


AIMS: Final = {
    "no-reaper": Aim(children, mix("lines", "orders", sizes=((200, 3000),)), "open", stall=15.0),
    "no-epoch": Aim(
        stalls, mix("lines", sizes=((12_000, 16_000),), open_jobs=6), "doubled", ZOMBIE
    ),
    "unconditional-finish": Aim(stalls, mix("own"), "wrong", ZOMBIE),
    "no-reconciler": Aim(nothing, mix("lines"), "lost", stall=10.0),
    "no-outbox": Aim(at_point("sink.committed", 3), mix("lines", "orders"), "lost"),
    "take-first": Aim(at_point("inbox.accepted", 3), mix("lines"), "lost"),
    "cursor-first": Aim(
        at_point("deliver.between", 3), mix("orders", sizes=((250, 500),), open_jobs=8), "lost"
    ),
}
