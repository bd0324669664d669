"""Cuts a file into parts while it is read: byte ranges with exact line and record numbers."""

from collections.abc import Sequence

from helixnet.engine.source import Part


def first_lines(data: bytes, spans: Sequence[tuple[int, int]], line: int) -> list[int]:
    """Return the physical line in which each span of ``data`` begins, ``line`` being its first."""
    found: list[int] = []
    done = 0
    for start, _ in spans:
        line += data.count(b"\n", done, start)
        found.append(line)
        done = start
    return found


class PartCutter:
    """Adds up what was scanned and remembers where a part may end.

    Args:
        start: first byte of the file after header or BOM.
        line: physical line there, from 1.
        size: bytes after which the next legal border is taken.
    """

    def __init__(self, start: int, *, line: int, size: int) -> None:
        self._size = max(size, 1)
        self._parts: list[Part] = []
        self._start = start
        self._line, self._first_line = line, line
        self._records: int = 0
        self._first_record: int = 0
        self._scanned = 0
        self.offset = start

    @property
    def wanted(self) -> int:
        """Scanned bytes still to come before the part is full; 0 or less when it is."""
        return self._size - self._scanned

    @property
    def line(self) -> int:
        """Physical line at ``offset``."""
        return self._line

    @property
    def records(self) -> int:
        """Records so far."""
        return self._records

    def add(self, scanned: int, *, length: int, records: int, lines: int) -> None:
        """Count what follows: scanned bytes, bytes of the file, records begun, lines ended."""
        self._scanned += scanned
        self.offset += length
        self._records += records
        self._line += lines

    def cut(self) -> None:
        """End the part here, unless it holds no record yet."""
        if self._records == self._first_record:
            return
        self._parts.append(self._part(self.offset))
        self._start, self._first_line = self.offset, self._line
        self._first_record, self._scanned = self._records, 0

    def finish(self, size: int) -> tuple[Part, ...]:
        """Return the parts, the last ending at byte ``size``; only a sole part may be empty."""
        if self._parts and self._records == self._first_record:
            last = self._parts.pop()
            self._start, self._first_line = last.start, last.first_line
            self._first_record = last.first_record - 1
        self._parts.append(self._part(size))
        return tuple(self._parts)

    def _part(self, end: int) -> Part:
        return Part(
            number=len(self._parts),
            start=self._start,
            end=end,
            first_line=self._first_line,
            first_record=self._first_record + 1,
            records=self._records - self._first_record,
        )
