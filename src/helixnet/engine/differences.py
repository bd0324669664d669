"""What changed between two results: documents are paired, then compared value by value."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

_ESCAPES: Final = str.maketrans({"~": "~0", "/": "~1"})


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


def changes(before: object, after: object, pointer: str = "") -> Iterator[dict[str, Any]]:
    """Yield what differs: a JSON pointer (RFC 6901) with ``before`` and ``after``.

    A member is left out where there is no value on that side.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("Mapping[str, object]", before), cast("Mapping[str, object]", after)
        for name in (*old, *(name for name in new if name not in old)):
            yield from _member(old, new, name, f"{pointer}/{name.translate(_ESCAPES)}")
    elif isinstance(before, list) and isinstance(after, list):
        one = dict(enumerate(cast("list[object]", before)))
        two = dict(enumerate(cast("list[object]", after)))
        for number in range(max(len(one), len(two))):
            yield from _member(one, two, number, f"{pointer}/{number}")
    elif not _same(before, after):
        yield {"pointer": pointer, "before": before, "after": after}


def _member(
    old: Mapping[Any, object], new: Mapping[Any, object], name: object, pointer: str
) -> Iterator[dict[str, Any]]:
    if name not in new:
        yield {"pointer": pointer, "before": old[name]}
    elif name not in old:
        yield {"pointer": pointer, "after": new[name]}
    else:
        yield from changes(old[name], new[name], pointer)


def _same(before: Any, after: Any) -> bool:
    """Tell JSON values apart as JSON does: to Python ``1`` and ``true`` are equal."""
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)
