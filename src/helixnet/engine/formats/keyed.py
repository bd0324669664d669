"""Groups whose lines stand anywhere in a file, in bounded memory: sorted on disk in two passes.

Lines go into buckets by their key; a bucket is small enough to be grouped in memory, and its groups
come out in the order in which they began. Merging the buckets by that gives the order of the file.
"""

import heapq
import struct
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Final, NamedTuple

from helixnet.engine.formats.buckets import Buckets
from helixnet.errors import RefusedError

BUCKET: Final = 4 * 1024 * 1024  # bytes of lines that are grouped in memory
MOST_BUCKETS: Final = 1024
_DIGESTS: Final = 256
_DIGEST: Final = 16
_HELD: Final = 128 * 1024
_SIZES = struct.Struct("<II")  # of a key and of what follows it
_LINES = struct.Struct("<QQI")
_GROUP = struct.Struct("<QI")  # its first byte in the file, and its size


class Lines(NamedTuple):
    """Neighbouring lines of one group.

    Args:
        byte: offset of the first in the file.
        line: its physical line, from 1.
        data: their scanned bytes, with line ends.
    """

    byte: int
    line: int
    data: bytes


def key_bytes(key: Sequence[str]) -> bytes:
    """Return a key as bytes that no other key has."""
    if len(key) > 1:
        key = ["".join(f"{len(text)}:{text}" for text in key)]
    return key[0].encode("utf-8", "surrogatepass")


def lone_key(byte: int) -> bytes:
    """Return a key for a line that has none, and so is a group of its own."""
    return b"\xff%d" % byte  # no UTF-8 has this byte


class Distinct:
    """Counts distinct keys of any number in bounded memory."""

    def __init__(self) -> None:
        self._seen = set[bytes]()
        self._buckets: Buckets | None = None

    def update(self, keys: Iterable[Sequence[str]]) -> None:
        """Take keys, once more or for the first time."""
        known = map(key_bytes, set(keys))
        self._seen.update(blake2b(key, digest_size=_DIGEST).digest() for key in known)
        if len(self._seen) >= _HELD:
            self._spill()

    def _spill(self) -> None:
        if self._buckets is None:
            self._buckets = Buckets(_DIGESTS)
        for digest in self._seen:
            self._buckets.add(digest[0], digest)
        self._seen.clear()

    def count(self) -> int:
        """Return how many there were; nothing can be added any more."""
        if self._buckets is None:
            return len(self._seen)
        self._spill()
        with self._buckets as buckets:
            return sum(_distinct(buckets.read(number)) for number in range(_DIGESTS))


def _distinct(pieces: Iterable[bytes]) -> int:
    seen = set[bytes]()
    for piece in pieces:
        seen.update(piece[at : at + _DIGEST] for at in range(0, len(piece), _DIGEST))
    return len(seen)


def regrouped(
    found: Iterable[tuple[bytes, int, int, bytes]], *, size: int, limit: int
) -> Iterator[bytes]:
    """Yield the groups of a file in the order of their first lines, for :func:`lines_of`.

    An empty one is a sign of life while nothing can be given yet.

    Args:
        found: a key and what :class:`Lines` has, in file order.
        size: about how many bytes they are.
        limit: bytes of the longest group.

    Raises:
        RefusedError: HX-6001 a group is longer.
    """
    count = min(max(size // BUCKET, 1), MOST_BUCKETS)
    with Buckets(count) as sorted_in:
        add, pack, sizes = sorted_in.add, _LINES.pack, _SIZES.pack
        for key, byte, line, data in found:
            head = sizes(len(key), _LINES.size + len(data))
            add(hash(key) % count, head + key + pack(byte, line, len(data)) + data)
        if count == 1:
            yield from map(b"".join, _grouped(sorted_in.read(0), limit))
            return
        with Buckets(count) as whole:
            for number in range(count):
                for group in _grouped(sorted_in.read(number), limit):
                    frames = b"".join(group)
                    head = _GROUP.pack(_LINES.unpack_from(frames)[0], len(frames))
                    whole.add(number, head + frames)
                yield b""
            runs = [_unpacked(whole.read(number)) for number in range(count)]
            yield from map(itemgetter(1), heapq.merge(*runs, key=itemgetter(0)))


def lines_of(group: bytes) -> Iterator[Lines]:
    """Yield the lines of a group, neighbours at once, in file order."""
    at, end = 0, len(group)
    while at < end:
        byte, line, size = _LINES.unpack_from(group, at)
        at += _LINES.size + size
        yield Lines(byte, line, group[at - size : at])


def _grouped(pieces: Iterable[bytes], limit: int) -> Iterator[list[bytes]]:
    """Yield the groups of a bucket, each as its lines packed."""
    groups: dict[bytes, list[bytes]] = {}
    unpack, loaded = _SIZES.unpack_from, 0
    for piece in pieces:
        at, end = 0, len(piece)
        loaded += end
        while at < end:
            key_size, size = unpack(piece, at)
            at += _SIZES.size + key_size
            key, frame = piece[at - key_size : at], piece[at : at + size]
            at += size
            if key in groups:
                groups[key].append(frame)
            else:
                groups[key] = [frame]
        if loaded > limit:
            _refuse_long(groups.values(), limit)
    yield from groups.values()


def _refuse_long(groups: Iterable[Sequence[bytes]], limit: int) -> None:
    for group in groups:
        if sum(map(len, group)) - len(group) * _LINES.size > limit:
            raise RefusedError(
                f"line {_LINES.unpack_from(group[0])[1]}: a group is longer than {limit} bytes",
                code="HX-6001",
                hint="look for a lost line break or quote, or a key that too many lines have",
            )


def _unpacked(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield groups, each with its first byte."""
    for piece in pieces:
        at, end = 0, len(piece)
        while at < end:
            first, size = _GROUP.unpack_from(piece, at)
            at += _GROUP.size + size
            yield first, piece[at - size : at]
