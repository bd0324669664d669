"""Cuts whole CSV records into lists of cells in bulk, where the bytes allow it; keys of rows."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from helixnet.engine.formats.row_format import Rows

Key: TypeAlias = tuple[str, ...]

_UNDECODED: Final = re.compile("[\udc80-\udcff]")


def bulk_cells(text: str, delimiter: str, newline: str, cuts: int) -> list[list[str]] | None:
    """Return the cells of whole records, blank lines left out; None where that takes more care.

    Args:
        text: of the records.
        delimiter: one character.
        newline: what ends a line, as :class:`~helixnet.engine.formats.csv.dialect.Dialect` says.
        cuts: how many cells, if not all, have to be cut off each row.
    """
    if '"' in text:
        return _by_csv_module(text, delimiter, newline)
    if newline == "\n" and "\r" in text:
        text = text.replace("\r\n", "\n")
    return [line.split(delimiter, cuts) for line in text.split(newline) if line]


def _by_csv_module(text: str, delimiter: str, newline: str) -> list[list[str]] | None:
    """Let the csv module do it, where it and our rules can't differ; None where they could.

    Strict, it gives up on text after a closing quote and on a quote never closed; it gives up on
    long cells too, and takes any CR or LF outside quotes for a line end.
    """
    strange = text.count("\r") != text.count("\r\n") if newline == "\n" else "\n" in text
    if strange or len(delimiter) > 1:
        return None
    lines = io.StringIO(text, newline=newline)
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row]
    except csv.Error:
        return None


def has_undecoded(text: str) -> bool:
    """Return whether ``text`` holds bytes that did not decode."""
    return not text.isascii() and _UNDECODED.search(text) is not None


def keys_of(rows: Rows, columns: Sequence[int]) -> list[Key | None]:
    """Return each row's grouping key, as raw texts; None where the row does not reach so far."""
    width = max(columns) + 1
    if len(columns) == 1:
        column = columns[0]
        return [(cells[column],) if len(cells) >= width else None for cells in rows.cells]
    return [
        tuple(cells[column] for column in columns) if len(cells) >= width else None
        for cells in rows.cells
    ]
