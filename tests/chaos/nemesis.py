"""Ends processes one after another, by a seed: the same seed, the same faults in the same order."""

import math
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from helixnet.crashpoints import STATUS
from tests.chaos.victims import Target, Victim

FAULTS: Final = {
    "kill": "SIGKILL at a random moment",
    "crash": "armed anew by a SIGKILL and a start, it ends itself at a named point of the code",
    "child": "SIGKILL to one of the processes that work for it",
    "term": "SIGTERM: it ends or gives back what it has in hand",
    "pause": "SIGSTOP for longer than a lease, then SIGCONT",
    "stall": "SIGSTOP to one of the processes that work for it, SIGCONT some seconds later",
}
DEADLY: Final = {"kill": 1, "crash": 2, "child": 1}  # processes that end without a farewell
WEIGHTS: Final = {"kill": 5, "crash": 4, "child": 2}
PAUSE_SECONDS: Final = 12.0  # a lease is 10
PROGRESS_SECONDS: Final = 15.0  # then the fault comes all the same
REACH_SECONDS: Final = 8.0  # a point not reached by then is given up


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that the nemesis will do: wait ``after`` seconds, then ``kind`` to ``victim``.

    Args:
        point: of a crash, ``:n`` for its n-th passing.
        seconds: of a pause or stall.
    """

    victim: str
    kind: str
    after: float
    point: str = ""
    seconds: float = PAUSE_SECONDS


def plan(target: Target, *, kills: int, seed: int) -> Iterator[Fault]:
    """Yield faults with ``kills`` deaths, and now and then a stop, a stall, a long pause."""
    dice = random.Random(f"nemesis/{seed}")  # noqa: S311 - no secret
    points = _shuffled(dice, target)
    gentle = ["pause"] * max(1, kills // 20) + ["term"] * (kills // 10) + ["stall"] * (kills // 10)
    dice.shuffle(gentle)
    places = sorted(dice.randrange(kills) for _ in gentle)
    left = kills
    while left > 0:
        while places and kills - left >= places[0]:
            del places[0]
            yield _fault(dice, target, gentle.pop(), points)
        kinds = [kind for kind, deaths in DEADLY.items() if deaths <= left]
        kind = dice.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        left -= DEADLY[kind]
        yield _fault(dice, target, kind, points)


def _fault(dice: random.Random, target: Target, kind: str, points: Iterator[str]) -> Fault:
    point = next(points) if kind == "crash" else ""
    able = [
        name
        for name, victim in sorted(target.victims.items())
        if kind in victim.faults and (not point or point.partition(":")[0] in victim.points)
    ]
    seconds = dice.uniform(1, 4) if kind == "stall" else PAUSE_SECONDS
    return Fault(dice.choice(able), kind, dice.uniform(0.2, 2.5), point, seconds)


def _shuffled(dice: random.Random, target: Target) -> Iterator[str]:
    """Every point in turn, in a new order each time, at one of its first passings."""
    points = sorted({point for victim in target.victims.values() for point in victim.points})
    while True:
        dice.shuffle(points)
        yield from [f"{point}:{dice.choice((1, 1, 2, 3))}" for point in points]


@dataclass(slots=True)
class Nemesis:
    """Does the faults to a target, and has every process up again after each.

    Attributes:
        reach: seconds that a process has to come to its crash point.
        progress: a number that grows while the system keeps up; each fault waits for it to move,
            so that a slow machine is not killed at its start over and over.
        ends: what was done, by kind.
        points: crash points at which a process ended.
        troubles: what a process did that nobody asked of it.
    """

    target: Target
    seed: int
    reach: float = REACH_SECONDS
    progress: Callable[[], int] = lambda: 0
    ends: Counter[str] = field(default_factory=Counter[str])
    points: Counter[str] = field(default_factory=Counter[str])
    troubles: list[str] = field(default_factory=list[str])
    _seen: int = 0
    _stalled: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    @property
    def kills(self) -> int:
        """How many processes ended without a farewell."""
        return sum(self.ends[kind] for kind in DEADLY)

    def do(self, fault: Fault) -> None:
        """Wait, do it, and let the victim come back."""
        self._wait(PROGRESS_SECONDS, until=lambda: self.progress() != self._seen)
        self._wait(fault.after)
        self._seen = self.progress()
        victim = self.target.victims[fault.victim]
        self.look()
        if fault.kind in {"kill", "crash", "term"}:
            self.wake()
        acts: Mapping[str, Callable[[Victim, Fault], None]] = {
            "kill": self._kill,
            "crash": self._crash,
            "child": self._child,
            "term": self._term,
            "pause": self._pause,
            "stall": self._stall,
        }
        acts[fault.kind](victim, fault)

    def _wait(self, seconds: float, *, until: Callable[[], bool] = lambda: False) -> None:
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end and not until():
            self.wake(now)
            time.sleep(0.02)

    def look(self) -> None:
        """Start again what ended unasked, and remember that it did."""
        for name, victim in self.target.victims.items():
            status = victim.status()
            if status is not None:
                self.troubles.append(f"{name} ended by itself with status {status}")
                victim.start()

    def wake(self, now: float = math.inf) -> None:
        """Let stalled processes go on whose time has come; by default all."""
        for when, pid in self._stalled:
            if when <= now:
                _signal(pid, signal.SIGCONT)
        self._stalled = [(when, pid) for when, pid in self._stalled if when > now]

    def _kill(self, victim: Victim, _: Fault) -> None:
        victim.kill()
        self.ends["kill"] += 1
        victim.start()

    def _crash(self, victim: Victim, fault: Fault) -> None:
        victim.kill()
        self.ends["kill"] += 1
        victim.start(crash_at=fault.point)
        end = time.monotonic() + self.reach
        while victim.status() is None and time.monotonic() < end:
            time.sleep(0.02)
        if victim.status() is None:
            victim.kill()
            self.ends["kill"] += 1
        elif victim.status() == STATUS:
            self.ends["crash"] += 1
            self.points[fault.point.partition(":")[0]] += 1
        else:
            self.troubles.append(f"{fault.victim} ended with {victim.status()} at {fault.point}")
        victim.start()

    def _child(self, victim: Victim, fault: Fault) -> None:
        if pid := self._pick(victim, fault):
            _signal(pid, signal.SIGKILL)
            self.ends["child"] += 1

    def _pick(self, victim: Victim, fault: Fault) -> int:
        """Choose one of the processes that work for ``victim``; 0 when there is none in time."""
        end = time.monotonic() + self.reach
        while not (found := sorted(victim.children())) and time.monotonic() < end:
            time.sleep(0.02)
        dice = random.Random(f"{self.seed}/{fault}/{self.ends}")  # noqa: S311 - no secret
        return dice.choice(found) if found else 0

    def _term(self, victim: Victim, fault: Fault) -> None:
        status = victim.stop()
        self.ends["term"] += 1
        if status:
            self.troubles.append(f"{fault.victim} ended with status {status} after SIGTERM")
        victim.start()

    def _pause(self, victim: Victim, fault: Fault) -> None:
        victim.pause()
        time.sleep(fault.seconds)
        victim.resume()
        self.ends["pause"] += 1

    def _stall(self, victim: Victim, fault: Fault) -> None:
        if pid := self._pick(victim, fault):
            _signal(pid, signal.SIGSTOP)
            self._stalled.append((time.monotonic() + fault.seconds, pid))
            self.ends["stall"] += 1


def _signal(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
