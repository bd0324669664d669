"""Rows that are lines: what CSV, fixed-width lines and the rows of a sheet share."""

from collections.abc import Iterator
from typing import Final

_BLANK: Final = (b"\n", b"\r\n")


def line_counts(data: bytes, end: bytes) -> tuple[int, int]:
    """Count the lines that are not empty, and the line ends."""
    lines = data.split(end)
    unended = lines.pop()
    blank = lines.count(b"") + (lines.count(b"\r") if b"\r" in data else 0)
    return len(lines) - blank + bool(unended), len(lines)


class LineRows:
    """Where lines end: most of a :class:`~helixnet.engine.formats.row_format.RowFormat`."""

    __slots__ = ()

    @property
    def newline(self) -> str:
        """LF; a CR before it goes along."""
        return "\n"

    @property
    def end(self) -> bytes:
        """The byte that ends a line."""
        return b"\n"

    def spans(self, data: bytes, *, final: bool = True) -> Iterator[tuple[int, int]]:
        """Yield start and end of each line that is not empty."""
        start = 0
        while start < len(data):
            end = data.find(b"\n", start) + 1
            if not end and not final:
                return
            end = end or len(data)
            if data[start:end] not in _BLANK:
                yield start, end
            start = end

    def all_spans(self, data: bytes) -> list[tuple[int, int]]:
        """Return start and end of each line that is not empty."""
        return list(self.spans(data))

    def whole(self, data: bytes) -> int:
        """Return where the last finished line ends."""
        return data.rfind(b"\n") + 1

    def flat_whole(self, data: bytes) -> int:
        """Return where the last finished line ends: each record is one."""
        return self.whole(data)

    def tidy_whole(self, data: bytes) -> int:
        """Return where the last finished line ends: a quote is a character as any other."""
        return self.whole(data)

    def counts(self, data: bytes, *, flat: bool = True) -> tuple[int, int]:
        """Count the lines that are not empty, and the line ends."""
        del flat  # they are in any case
        return line_counts(data, self.end)

    def first_end(self, data: bytes, least: int) -> int:
        """Return the first end of a line that is not before ``least``."""
        return data.find(b"\n", max(least - 1, 0)) + 1 or len(data)

    def last_start(self, data: bytes, count: int) -> int:
        """Return where the last ``count`` lines begin."""
        place = len(data)
        while count and place:
            before = data.rfind(b"\n", 0, place - 1) + 1
            count -= data[before:place] not in _BLANK
            place = before
        return place

    def ends(self, data: bytes, start: int = 0, stop: int | None = None) -> int:
        """Count the line ends between two places."""
        return data.count(self.end, start, stop)

    def complete(self, data: bytes) -> bool:
        """Tell whether ``data`` ends with a line end."""
        return data.endswith(self.end)

    def runs_on(self, data: bytes) -> bool:
        """No cell takes line ends: what is too long is no quote that may close."""
        return not data
