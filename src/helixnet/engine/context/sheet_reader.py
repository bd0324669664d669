"""Which cells of a workbook are read: ``sheet``, ``header`` and ``range`` of an Excel source."""

import re
from collections.abc import Mapping
from typing import Final

from helixnet.engine.context.literals import boolean, integer, text
from helixnet.engine.context.model import CellRange
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Node, Scalar

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
_RANGE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})?:([A-Z]{1,3})([1-9][0-9]{0,6})?")
_SHEETS: Final = 10_000


def column_of(letters: str) -> int:
    """Return the number (from 0) of the column that ``letters`` name."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def read_sheet_name(keys: Mapping[str, Node], problems: Problems) -> str | int | None:
    """Read ``sheet``: a name, or a number from 1."""
    node = keys.get("sheet")
    if node is None:
        return None
    if isinstance(node, Scalar) and node.plain and node.text.isascii() and node.text.isdigit():
        return integer(node, problems, "sheet", 1, _SHEETS)
    return text(node, problems, "sheet")


def read_header(node: Node, problems: Problems) -> tuple[bool, int]:
    """Read ``header`` of a sheet: whether there is one, and its row; 0 = the first with cells."""
    if isinstance(node, Scalar) and node.plain and node.text[:1].isdigit():
        return True, integer(node, problems, "header", 1, MAX_ROWS) or 0
    return boolean(node, problems, "header") is not False, 0


def read_range(keys: Mapping[str, Node], problems: Problems) -> CellRange:
    """Read ``range``: columns, and rows if need be, such as ``B3:H200``, ``B3:H`` or ``B:H``."""
    node = keys.get("range")
    value = text(node, problems, "range") if node is not None else None
    if node is None or value is None:
        return CellRange()
    found = _RANGE.fullmatch(value)
    if found is not None:
        first, top, last, bottom = found.groups()
        cells = CellRange(column_of(first), column_of(last), int(top or 1), int(bottom or MAX_ROWS))
        ordered = cells.first_column <= cells.last_column and cells.first_row <= cells.last_row
        if ordered and cells.last_column < MAX_COLUMNS and cells.last_row <= MAX_ROWS:
            return cells
    hint = 'such as "B3:H200", "B3:H" or "B:H"'
    problems.add(node.mark, "HX-4004", f"`range` can't be `{value}`", hint)
    return CellRange()
