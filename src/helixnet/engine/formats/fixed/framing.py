"""Where records begin that have no line ends: after a fixed number of bytes, or as lengths say.

Variable records (RECFM=V) begin with a record descriptor word: two bytes of length and two that are
zero, as in IBM's "z/OS DFSMS Using Data Sets". Blocks of them (VB) begin with one of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

WORD: Final = 4


class FramingError(Exception):
    """A length is wrong, so that no record after it can be found.

    Args:
        text: what is wrong.
        at: byte of the data at which the record begins.
        before: records before it.
    """

    def __init__(self, text: str, *, at: int, before: int) -> None:
        super().__init__(text)
        self.at = at
        self.before = before


class Framing(Protocol):
    """Finds records in bytes that begin with one."""

    @property
    def prefix(self) -> int:
        """Bytes of a record before its fields."""
        ...

    def spans(self, data: bytes, *, final: bool) -> Iterator[tuple[int, int]]:
        """Yield start and end of each record; with ``final`` also of one that is cut off.

        Raises:
            FramingError: a length is wrong.
        """
        ...

    def whole(self, data: bytes) -> int:
        """Return where the last whole record ends.

        Raises:
            FramingError: a length is wrong.
        """
        ...

    def count(self, data: bytes) -> int:
        """Count the records, one that is cut off too."""
        ...

    def first_end(self, data: bytes, least: int) -> int:
        """Return the first end of a record that is not before ``least``."""
        ...

    def last_start(self, data: bytes, count: int) -> int:
        """Return where the last ``count`` records begin."""
        ...

    def body(self, record: bytes) -> bytes:
        """Return what fields stand in of one record."""
        ...

    def fault(self, record: bytes) -> str:
        """Return the code of what is wrong with one record, empty for nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Blocks:
    """Records of a fixed length.

    Args:
        size: bytes.
        end: what follows each of them, though data may hold the same bytes; empty for nothing.
    """

    size: int
    end: bytes = b""

    @property
    def prefix(self) -> int:
        """None."""
        return 0

    @property
    def _step(self) -> int:
        return self.size + len(self.end)

    def spans(self, data: bytes, *, final: bool) -> Iterator[tuple[int, int]]:
        """Yield start and end of each record."""
        step, size = self._step, len(data)
        for start in range(0, size, step):
            if start + step <= size or final:
                yield start, min(start + step, size)

    def whole(self, data: bytes) -> int:
        """Return where the last whole record ends."""
        return len(data) - len(data) % self._step

    def count(self, data: bytes) -> int:
        """Count the records, one that is cut off too."""
        return -(-len(data) // self._step)

    def first_end(self, data: bytes, least: int) -> int:
        """Return the first end of a record that is not before ``least``."""
        return min(-(-max(least, 1) // self._step) * self._step, len(data))

    def last_start(self, data: bytes, count: int) -> int:
        """Return where the last ``count`` records begin."""
        return max(self.count(data) - count, 0) * self._step

    def body(self, record: bytes) -> bytes:
        """Return the record without its end."""
        return record[: self.size]

    def fault(self, record: bytes) -> str:
        """A record that is too short is cut off; the last one may lack its end."""
        if len(record) < self.size:
            return "HX-1008"
        return "" if record[self.size :] in (self.end, b"") else "HX-1013"


@dataclass(frozen=True, slots=True)
class Words:
    """Variable records, each after its length.

    Args:
        little: the length is in the last two bytes of the word, the lower one first.
        own: the length counts its word too, as IBM's does.
    """

    little: bool = False
    own: bool = True

    @property
    def prefix(self) -> int:
        """The word."""
        return WORD

    def spans(self, data: bytes, *, final: bool) -> Iterator[tuple[int, int]]:
        """Yield start and end of each record."""
        at, number, size = 0, 0, len(data)
        while at + WORD <= size:
            end = at + self._size(data, at, number)
            if end > size:
                break
            yield at, end
            at, number = end, number + 1
        if final and at < size:
            yield at, size

    def _size(self, data: bytes, at: int, number: int) -> int:
        """Return the size of a record with its word."""
        first, second = data[at : at + 2], data[at + 2 : at + WORD]
        length, zero = (
            (int.from_bytes(second, "little"), first)
            if self.little
            else (int.from_bytes(first, "big"), second)
        )
        size = length if self.own else length + WORD
        if zero != b"\0\0" or size < WORD or not length:
            raise _no_length(data, at, number)
        return size

    def whole(self, data: bytes) -> int:
        """Return where the last whole record ends."""
        end = 0
        for _, stop in self.spans(data, final=False):
            end = stop
        return end

    def count(self, data: bytes) -> int:
        """Count the records, one that is cut off too."""
        return sum(1 for _ in self.spans(data, final=True))

    def first_end(self, data: bytes, least: int) -> int:
        """Return the first end of a record that is not before ``least``."""
        ends = (end for _, end in self.spans(data, final=True) if end >= least)
        return next(ends, len(data))

    def last_start(self, data: bytes, count: int) -> int:
        """Return where the last ``count`` records begin."""
        starts = [start for start, _ in self.spans(data, final=True)]
        return starts[-count] if count <= len(starts) else 0

    def body(self, record: bytes) -> bytes:
        """Return the record without its length."""
        return record[WORD:]

    def fault(self, record: bytes) -> str:
        """A record that is shorter than its length is cut off."""
        short = len(record) < WORD or self._size(record, 0, 0) > len(record)
        return "HX-1008" if short else ""


@dataclass(frozen=True, slots=True)
class BlockedWords:
    """Variable records in blocks: each block begins with its length, each record with its own."""

    words: Words = Words()

    @property
    def prefix(self) -> int:
        """The word of a record; that of its block is no part of it."""
        return WORD

    def spans(self, data: bytes, *, final: bool) -> Iterator[tuple[int, int]]:
        """Yield start and end of each record of whole blocks."""
        number = 0
        for start, end in self._blocks(data, final=final):
            cut_off, after = end > len(data), start + WORD
            block = data[after:end]
            try:
                for first, last in self.words.spans(block, final=cut_off):
                    yield after + first, after + last
                    number += 1
            except FramingError as error:
                raise _no_length(data, after + error.at, number) from error
            if not cut_off and self.words.whole(block) < len(block):
                at = after + self.words.whole(block)
                raise FramingError("a record is longer than its block", at=at, before=number)

    def _blocks(self, data: bytes, *, final: bool) -> Iterator[tuple[int, int]]:
        at, size = 0, len(data)
        while at + WORD <= size:
            word = data[at : at + WORD]
            large = word[0] & 0x80
            length = int.from_bytes(word) & 0x7FFFFFFF if large else int.from_bytes(word[:2])
            if length < 2 * WORD or (not large and word[2:] != b"\0\0"):
                raise _no_length(data, at, 0, "a block")
            if at + length > size and not final:
                return
            yield at, at + length
            at += length

    def whole(self, data: bytes) -> int:
        """Return where the last whole block ends."""
        for _ in self.spans(data, final=False):
            pass
        return max((end for _, end in self._blocks(data, final=False)), default=0)

    def count(self, data: bytes) -> int:
        """Count the records, one that is cut off too."""
        return sum(1 for _ in self.spans(data, final=True))

    def first_end(self, data: bytes, least: int) -> int:
        """Return the first end of a block that is not before ``least``."""
        ends = (end for _, end in self._blocks(data, final=False) if end >= least)
        return next(ends, len(data))

    def last_start(self, data: bytes, count: int) -> int:
        """Return where the data begin: nothing can be read from within a block."""
        del data, count
        return 0

    def body(self, record: bytes) -> bytes:
        """Return the record without its length."""
        return self.words.body(record)

    def fault(self, record: bytes) -> str:
        """A record that is shorter than its length is cut off."""
        return self.words.fault(record)


def _no_length(data: bytes, at: int, before: int, of: str = "a record") -> FramingError:
    word = data[at : at + WORD].hex().upper()
    return FramingError(f"X'{word}' is no length of {of}", at=at, before=before)
