"""One pass over a worksheet's XML: rows come out as the parser finishes them."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from helixnet.engine.context.sheet_reader import MAX_COLUMNS, MAX_ROWS, column_of
from helixnet.engine.formats.excel.parts import (
    MAX_TEXT,
    Attributes,
    Parser,
    Texts,
    WorkbookError,
    local,
)
from helixnet.engine.formats.excel.values import (
    Broken,
    Native,
    moment_text,
    number_text,
    unescaped,
    written_moment,
)

_MOST_IN_ROW: Final = 64 * 1024 * 1024
_LETTERS = re.compile(r"[A-Z]{1,3}")
_VALUES: Final = frozenset({"v", "t"})
_DIGITS: Final = "0123456789"


class SheetParser:
    """Reads one sheet.

    Args:
        texts: the shared ones.
        dates: styles that show a date or time.
        era: the day from which the workbook counts.
    """

    def __init__(self, texts: Texts, dates: frozenset[str], era: date) -> None:
        self._texts, self._dates, self._era = texts, dates, era
        self._done: list[tuple[int, dict[int, str]]] = []
        self._row, self._column = 0, -1
        self._cells: dict[int, str] = {}
        self._size = 0
        self._kind, self._style = "n", "0"
        self._parts: list[str] = []
        self._held = 0
        self._reading = self._formula = False
        self._aside = False  # in how a text is pronounced
        self._columns: dict[str, int] = {}

    def rows(self, blocks: Iterable[bytes]) -> Iterator[tuple[int, dict[int, str]]]:
        """Yield number (from 1) and cells (by column, from 0) of each row that has any.

        Raises:
            WorkbookError: a cell stands twice or beyond the sheet, or a row is too long.
        """
        for _ in Parser(self._start, self._end, self._take).feed(blocks):
            yield from self._done
            self._done.clear()

    def _start(self, name: str, attributes: Attributes) -> None:
        if ":" in name:
            name = local(name)
        if name == "c":
            self._begin_cell(attributes)
        elif name in _VALUES:
            self._reading = not self._aside
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._aside = True
        elif name == "row":
            self._begin_row(attributes.get("r", ""))

    def _begin_row(self, number: str) -> None:
        before = self._row
        self._row = int(number[:9]) if number.isascii() and number.isdigit() else before + 1
        if not before < self._row <= MAX_ROWS:
            raise WorkbookError(f"row {self._row} of the sheet stands after row {before}")
        self._column, self._size = -1, 0

    def _begin_cell(self, attributes: Attributes) -> None:
        letters = attributes.get("r", "").rstrip(_DIGITS)
        column = self._columns.get(letters, -1)
        if column < 0 and _LETTERS.fullmatch(letters):
            column = self._columns[letters] = column_of(letters)
        elif column < 0:
            column = self._column + 1
        if column >= MAX_COLUMNS:
            raise WorkbookError(f"the sheet has more than {MAX_COLUMNS} columns")
        if column in self._cells:
            raise WorkbookError(f"row {self._row} has the cell in column {column + 1} twice")
        self._column = column
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s", "0")
        self._formula = False
        self._parts, self._held = [], 0

    def _take(self, data: str) -> None:
        if not self._reading:
            return
        self._held += len(data)
        if self._held > MAX_TEXT:
            raise WorkbookError(f"a cell of row {self._row} is over 1 MiB", code="HX-6001")
        self._parts.append(data)

    def _end(self, name: str) -> None:
        self._reading = False
        if ":" in name:
            name = local(name)
        if name == "c":
            parts = self._parts
            text = self._value(parts[0] if len(parts) == 1 else "".join(parts))
            if text:
                self._cells[self._column] = text
                self._size += len(text)
                if self._size > _MOST_IN_ROW:
                    raise WorkbookError(f"row {self._row} is over 64 MiB", code="HX-6001")
        elif name == "rPh":
            self._aside = False
        elif name == "row" and self._cells:
            self._done.append((self._row, self._cells))
            self._cells = {}

    def _value(self, raw: str) -> str:
        match self._kind:
            case "n":
                return self._number(raw.strip())
            case "s":
                known = raw.isascii() and raw.isdigit() and int(raw[:9]) < len(self._texts)
                return self._texts[int(raw)] if known else Broken("a text that is not there")
            case "inlineStr" | "str":
                return unescaped(raw)
            case "b":
                return Native("true" if raw in ("1", "true") else "false")
            case "e":
                return Broken(raw or "#ERROR")
            case "d":
                return written_moment(raw)
            case _:
                return Broken(f"a cell of the unknown kind {self._kind}")

    def _number(self, raw: str) -> str:
        if not raw:
            return Broken("a formula without a stored value") if self._formula else ""
        text = number_text(raw)
        if self._style in self._dates and type(text) is Native:
            return moment_text(text, self._era)
        return text
