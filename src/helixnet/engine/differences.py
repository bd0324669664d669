"""What changed between two results: documents are paired, then compared value by value."""

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from helixnet.engine.output import json_text
from helixnet.engine.validation.explain import pointer_to
from helixnet.engine.values.absent import ABSENT

SHOWN: Final = 500
"""Characters of a value that are shown of it."""


class Entry(NamedTuple):
    """One document of a result, without its text.

    Args:
        name: digest of its record key; empty where the context declares none.
        digest: of its text.
        place: which file of the result it is in, from 0.
        start: its first byte there.
        size: bytes.
    """

    name: bytes
    digest: bytes
    place: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """How the documents of two results belong together."""

    unchanged: int
    changed: Sequence[tuple[Entry, Entry]]
    added: Sequence[Entry]
    removed: Sequence[Entry]


def pair(before: Sequence[Entry], after: Sequence[Entry]) -> Pairs:
    """Pair documents by record key where all have one, else by content and then by position.

    Of documents with one key the first belongs to the first, and so on.
    """
    if all(entry.name for entry in (*before[:1], *after[:1])):
        return _by_name(before, after)
    return _by_content(before, after)


def _by_name(before: Sequence[Entry], after: Sequence[Entry]) -> Pairs:
    waiting: defaultdict[bytes, deque[Entry]] = defaultdict(deque)
    for entry in before:
        waiting[entry.name].append(entry)
    unchanged, changed, added = 0, list[tuple[Entry, Entry]](), list[Entry]()
    for entry in after:
        same = waiting.get(entry.name)
        if not same:
            added.append(entry)
        elif (old := same.popleft()).digest == entry.digest:
            unchanged += 1
        else:
            changed.append((old, entry))
    left = sorted(
        (entry for entries in waiting.values() for entry in entries),
        key=lambda entry: (entry.place, entry.start),
    )
    return Pairs(unchanged, changed, added, left)


def _by_content(before: Sequence[Entry], after: Sequence[Entry]) -> Pairs:
    known = Counter(entry.digest for entry in before)
    fresh = list[Entry]()
    for entry in after:
        if known[entry.digest] > 0:
            known[entry.digest] -= 1
        else:
            fresh.append(entry)
    left = list[Entry]()
    for entry in before:
        if known[entry.digest] > 0:
            known[entry.digest] -= 1
            left.append(entry)
    most = min(len(left), len(fresh))
    pairs = list(zip(left, fresh, strict=False))
    return Pairs(len(before) - len(left), pairs, fresh[most:], left[most:])


class Change(NamedTuple):
    """One value that differs between two documents; ABSENT where a side has none.

    Args:
        place: members and indexes that lead to it.
    """

    place: tuple[str | int, ...]
    before: object
    after: object

    @property
    def pointer(self) -> str:
        """JSON pointer (RFC 6901)."""
        return pointer_to(self.place)

    @property
    def field(self) -> str:
        """The pointer with ``*`` for every index: the same for all items of a list."""
        return pointer_to(["*" if isinstance(step, int) else step for step in self.place])

    def values(self) -> dict[str, object]:
        """Return ``before`` and ``after``, that is left out which is not there."""
        sides = {"before": self.before, "after": self.after}
        return {name: value for name, value in sides.items() if value is not ABSENT}


def changes(before: object, after: object) -> Iterator[dict[str, Any]]:
    """Yield what differs: a JSON pointer (RFC 6901) with ``before`` and ``after``.

    A member is left out where there is no value on that side.
    """
    for change in differing(before, after):
        yield {"pointer": change.pointer, **change.values()}


def differing(before: object, after: object, place: tuple[str | int, ...] = ()) -> Iterator[Change]:
    """Yield every value that differs.

    Items of lists are compared by their index; where one list is longer, equal items at the
    beginning and the end belong together, so that an item that goes does not change all others.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("Mapping[str, object]", before), cast("Mapping[str, object]", after)
        for name in (*old, *(name for name in new if name not in old)):
            if name in old and name in new:
                yield from differing(old[name], new[name], (*place, name))
            else:
                yield Change((*place, name), old.get(name, ABSENT), new.get(name, ABSENT))
    elif isinstance(before, list) and isinstance(after, list):
        one, two = cast("list[object]", before), cast("list[object]", after)
        yield from _items(one, two, place)
    elif not _same(before, after):
        yield Change(place, before, after)


def _items(
    before: Sequence[object], after: Sequence[object], place: tuple[str | int, ...]
) -> Iterator[Change]:
    most = min(len(before), len(after))
    first = last = 0
    if len(before) != len(after):
        while first < most and _same(before[first], after[first]):
            first += 1
        while last < most - first and _same(before[-1 - last], after[-1 - last]):
            last += 1
    for number in range(first, most - last):
        yield from differing(before[number], after[number], (*place, number))
    for number in range(most - last, max(len(before), len(after)) - last):
        gone = len(before) > most
        old, new = (before[number], ABSENT) if gone else (ABSENT, after[number])
        yield Change((*place, number), old, new)


def _same(before: Any, after: Any) -> bool:
    """Tell values apart as their texts are: 1 is not true, 1.5 is not 1.50."""
    return json_text(before) == json_text(after)


def digest(text: bytes) -> bytes:
    """Return what stands for a document or key when it is compared with another."""
    return hashlib.blake2b(text, digest_size=16).digest()


def shown(value: object) -> object:
    """Return a value as it is while it is short, else the beginning of its JSON text."""
    text = json_text(value)
    return value if len(text) <= SHOWN else f"{text[:SHOWN]}…"
