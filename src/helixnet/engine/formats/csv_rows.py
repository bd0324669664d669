"""Turns whole CSV records into lists of cells, in bulk where the bytes allow it."""

import csv
import io
from dataclasses import dataclass, field

from helixnet.engine.formats.csv_dialect import Dialect


@dataclass(slots=True)
class Rows:
    """The cells of consecutive records.

    Args:
        cells: one list a record; undecodable bytes are lone surrogates U+DC80..U+DCFF.
        codes: what is wrong with a record, by its index: HX-1001, HX-1003, HX-1004.
    """

    cells: list[list[str]] = field(default_factory=list[list[str]])
    codes: dict[int, str] = field(default_factory=dict[int, str])


def rows_of(data: bytes, dialect: Dialect, *, cuts: int = -1) -> Rows:
    """Return the rows of ``data``, which holds whole records, blank lines left out.

    Args:
        data: scanned bytes.
        dialect: how they are written.
        cuts: how many cells, if not all, have to be cut off each row.
    """
    try:
        text = data.decode(dialect.encoding)
    except UnicodeDecodeError:
        return _one_by_one(data, dialect)
    if '"' not in text:
        return Rows(_plain(text, dialect, cuts))
    cells = _by_csv_module(text, dialect)
    return _one_by_one(data, dialect) if cells is None else Rows(cells)


def _plain(text: str, dialect: Dialect, cuts: int) -> list[list[str]]:
    if dialect.newline == "\n" and "\r" in text:
        text = text.replace("\r\n", "\n")
    delimiter = dialect.delimiter
    return [line.split(delimiter, cuts) for line in text.split(dialect.newline) if line]


def _by_csv_module(text: str, dialect: Dialect) -> list[list[str]] | None:
    """Let the csv module do it, where it and our rules can't differ; None where they could.

    Strict, it gives up on text after a closing quote and on a quote never closed; it gives up on
    long cells too, and takes any CR or LF outside quotes for a line end.
    """
    strange = text.count("\r") != text.count("\r\n") if dialect.newline == "\n" else "\n" in text
    if strange or len(dialect.delimiter) > 1:
        return None
    lines = io.StringIO(text, newline=dialect.newline)
    try:
        return [row for row in csv.reader(lines, delimiter=dialect.delimiter, strict=True) if row]
    except csv.Error:
        return None


def _one_by_one(data: bytes, dialect: Dialect) -> Rows:
    rows = Rows()
    for index, (start, end) in enumerate(dialect.spans(data)):
        text = data[start:end].decode(dialect.encoding, "surrogateescape")
        cut = dialect.cells(text)
        rows.cells.append(cut.cells)
        if cut.code:
            rows.codes[index] = cut.code
        elif has_undecoded(text):
            rows.codes[index] = "HX-1001"
    return rows


def has_undecoded(text: str) -> bool:
    """Return whether ``text`` holds bytes that did not decode."""
    if text.isascii():
        return False
    return any("\udc80" <= char <= "\udcff" for char in text)


def keys_of(rows: Rows, columns: list[int]) -> list[tuple[str, ...] | None]:
    """Return each row's grouping key, as raw texts; None where the row does not reach so far."""
    width = max(columns) + 1
    if len(columns) == 1:
        column = columns[0]
        return [(cells[column],) if len(cells) >= width else None for cells in rows.cells]
    return [
        tuple(cells[column] for column in columns) if len(cells) >= width else None
        for cells in rows.cells
    ]
