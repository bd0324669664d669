"""Worksheets: which row names the columns, and what stands below it."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from helixnet.engine.formats.excel.values import Broken, Native
from helixnet.engine.formats.excel.workbook import Row
from helixnet.engine.sniffing.found import CERTAIN, GUESSED, LIKELY, Found, Yaml
from helixnet.engine.sniffing.tables import describe

MOST_ROWS: Final = 5_000
_TITLE: Final = 50  # rows among which the one is that names the columns


def excel(sheets: Sequence[str], rows: Sequence[Row]) -> Found:
    """Return what a workbook is.

    Args:
        sheets: its sheets by name.
        rows: the first ones of the sheet that is read by default.
    """
    found = Found("excel", CERTAIN, rows=len(rows))
    found.facts["sheets"] = ", ".join(sheets)
    place = _header(rows)
    if place is None:
        return found
    number, cells = rows[place]
    if place:
        found.source["header"] = number
    found.facts["header"] = f"row {number} ({LIKELY if len(rows) > place + 1 else GUESSED})"
    columns = sorted(column for column, text in cells.items() if text)
    names = [str(cells[column]) for column in columns]
    if len(set(names)) < len(names):
        found.open.append("which column is meant where two have one name")
    below = [[_text(row.get(column, "")) for column in columns] for _, row in rows[place + 1 :]]
    describe(found, names, [row for row in below if any(row)])
    _keep_texts(found, dict(zip(names, columns, strict=True)), rows[place + 1 :])
    return found


def _keep_texts(found: Found, columns: Mapping[str, int], rows: Sequence[Row]) -> None:
    """Leave digits alone that Excel holds as texts: they are somebody's numbers of orders."""
    fields = cast("dict[str, dict[str, Yaml]]", found.source["fields"])
    for name, column in columns.items():
        typed = fields[name].get("type") in ("integer", "decimal")
        if typed and not any(type(row.get(column)) is Native for _, row in rows):
            fields[name] = {}


def _header(rows: Sequence[Row]) -> int | None:
    """Return which row names the columns: the first as wide as any, with nothing but texts."""
    first = rows[:_TITLE]
    widest = max((len(cells) for _, cells in first), default=0)
    for place, (_, cells) in enumerate(first):
        texts = all(type(text) is str for text in cells.values())
        if texts and len(cells) == widest:
            return place
    wide = [place for place, (_, cells) in enumerate(first) if len(cells) * 2 > widest]
    return wide[0] if wide else None


def _text(cell: str) -> str:
    return "" if type(cell) is Broken else str(cell) if type(cell) is Native else cell
