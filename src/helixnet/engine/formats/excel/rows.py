r"""Rows of a worksheet in the plain form that a workbook is unpacked to.

A row of the sheet is a line, so that lines and rows have the same numbers; an empty one is an empty
line. Cells stand between U+001F. No text of a cell has control characters but tab and line ends
(XML 1.0, 2.2), so that others can stand for line ends in it, and before an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.formats.line_rows import LineRows
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
class SheetRows(LineRows):
    """Lines of cells: a :class:`~helixnet.engine.formats.row_format.RowFormat`.

    Args:
        column: of the sheet in which the first cell stands, from 0.
    """

    column: int = 0

    @property
    def encoding(self) -> str:
        """UTF-8."""
        return "utf-8"

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
