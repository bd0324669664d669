r"""Rows of a worksheet in the plain form that a workbook is unpacked to.

A row of the sheet is a line, so that lines and rows have the same numbers; an empty one is an empty
line. Cells stand between U+001F. No text of a cell has control characters but tab and line ends
(XML 1.0, 2.2), so that others can stand for line ends in it, and before an error.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.formats.row_format import Cut, Rows

SEPARATOR: Final = "\x1f"
ERROR: Final = "\x1c"  # before the name of an error that stands in place of a value
IS_ERROR: Final = "HX-1014"
_INSIDE: Final = {"\n": "\x1e", "\r": "\x1d"}
_WRITE: Final = str.maketrans(_INSIDE)
_READ: Final = str.maketrans({stand_in: end for end, stand_in in _INSIDE.items()})
_STAND_INS: Final = tuple(_INSIDE.values())


def line_of(cells: Sequence[str]) -> bytes:
    """Return the line of a row."""
    text = SEPARATOR.join(cells)
    if "\n" in text or "\r" in text:
        text = text.translate(_WRITE)
    return text.encode() + b"\n"


@dataclass(frozen=True, slots=True)
class SheetRows:
    """Lines of cells: a :class:`~helixnet.engine.formats.row_format.RowFormat`.

    Args:
        column: of the sheet in which the first cell stands, from 0.
    """

    column: int = 0

    @property
    def newline(self) -> str:
        """LF."""
        return "\n"

    @property
    def encoding(self) -> str:
        """UTF-8."""
        return "utf-8"

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
            if end - start > 1 or data[start] != self.end[0]:
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
        lines = data.split(b"\n")
        return len(lines) - lines.count(b""), len(lines) - 1

    def first_end(self, data: bytes, least: int) -> int:
        """Return the first end of a line that is not before ``least``."""
        return data.find(b"\n", max(least - 1, 0)) + 1 or len(data)

    def last_start(self, data: bytes, count: int) -> int:
        """Return where the last ``count`` lines begin."""
        place = len(data)
        while count and place:
            before = data.rfind(b"\n", 0, place - 1) + 1
            count -= data[before:place] != b"\n"
            place = before
        return place

    def ends(self, data: bytes, start: int = 0, stop: int | None = None) -> int:
        """Count the line ends between two places."""
        return data.count(b"\n", start, stop)

    def complete(self, data: bytes) -> bool:
        """Tell whether ``data`` ends with a line end."""
        return data.endswith(b"\n")

    def runs_on(self, data: bytes) -> bool:
        """No cell takes line ends."""
        return not data

    def rows(self, data: bytes, *, cuts: int = -1) -> Rows:
        """Return the cells of each line that is not empty."""
        text = data.decode(self.encoding, "replace")
        lines = [line for line in text.split("\n") if line]
        rows = Rows([line.split(SEPARATOR, cuts) for line in lines])
        if any(one in text for one in _STAND_INS):
            rows.cells = [[cell.translate(_READ) for cell in row] for row in rows.cells]
        if ERROR in text:
            rows.codes = {n: IS_ERROR for n, line in enumerate(lines) if ERROR in line}
        return rows

    def place(self, text: str, number: int) -> int | None:
        """Return which column of the sheet a cell is in, from 0; None if there is no such cell."""
        return number + self.column if number <= text.count(SEPARATOR) else None

    def cells(self, text: str) -> Cut:
        """Cut one line into cells."""
        cells = text.removesuffix("\n").translate(_READ).split(SEPARATOR)
        wrong = next((n for n, cell in enumerate(cells) if cell.startswith(ERROR)), -1)
        places = [number + self.column for number in range(len(cells))]
        return Cut(cells, places, IS_ERROR if wrong >= 0 else "", wrong)


def shown_row(data: bytes) -> bytes:
    """Return a row's line, or several, as people read them: as CSV, with the names of errors."""
    texts: list[str] = []
    for row in SheetRows().rows(data).cells:
        cells = [cell.removeprefix(ERROR) for cell in row]
        texts.append(",".join(map(_quoted, cells)) + "\n")
    return "".join(texts).encode()


def _quoted(cell: str) -> str:
    plain = not any(one in cell for one in ',"\n\r')
    return cell if plain else f'"{cell.replace(chr(34), chr(34) * 2)}"'
