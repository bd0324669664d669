"""What the checker found wrong, sorted by what it means for whoever trusted the system."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

KINDS: Final = {
    "lost": "something that was promised is not there",
    "doubled": "something is there more often than it may be",
    "unbalanced": "counts do not add up or are not those of the file",
    "dead": "a part, run or delivery was given up",
    "open": "something never ended, or a lease was left behind",
    "wrong": "something else is not as promised",
}
MOST: Final = 40  # findings of a kind that are written out


@dataclass(slots=True)
class Findings:
    """Collects what is wrong."""

    counts: Counter[str] = field(default_factory=Counter[str])
    texts: list[str] = field(default_factory=list[str])

    def add(self, kind: str, text: str, times: int = 1) -> None:
        """Note one fault, or ``times`` of the same."""
        assert kind in KINDS
        if self.counts[kind] < MOST:
            self.texts.append(f"{kind}: {text}")
        self.counts[kind] += times

    def expect(self, found: object, expected: object, kind: str, text: str) -> bool:
        """Note a fault unless both are equal."""
        if found == expected:
            return True
        self.add(kind, f"{text}: {str(found)[:200]} and not {str(expected)[:200]}")
        return False
