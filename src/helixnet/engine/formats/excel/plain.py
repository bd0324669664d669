"""A workbook's sheet as plain lines: what Excel typed stands there as the contract writes it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import BinaryIO

from helixnet.engine.context.model import Field, Source
from helixnet.engine.formats.excel.parts import WorkbookError
from helixnet.engine.formats.excel.rows import ERROR, line_of
from helixnet.engine.formats.excel.values import Broken, Native
from helixnet.engine.formats.excel.workbook import Row, read_large_sheet
from helixnet.engine.values.dates import date_formatter
from helixnet.engine.values.faults import ValueFault
from helixnet.engine.values.text import BLANKS
from helixnet.errors import RefusedError

Write = Callable[[str], str]
_TIME_AT: int = len("2026-11-23")


def sheet_lines(
    stream: BinaryIO, source: Source, used: Collection[str] | None, limit: int
) -> Iterator[bytes]:
    """Yield a sheet as the lines of :mod:`helixnet.engine.formats.excel.rows`.

    Args:
        stream: the workbook, seekable.
        source: the contract.
        used: columns that the mapping reads; errors in others are text. None = any.
        limit: bytes that one part of the workbook may unpack to.

    Raises:
        RefusedError: HX-5004, HX-5060, HX-5061 it is no workbook that can be read, or has no such
            sheet; HX-5002 no row names the columns; a limit.
    """
    lines = _Lines(source, used)
    try:
        yield from lines.of(read_large_sheet(stream, source.sheet, limit))
    except WorkbookError as error:
        hint = error.hint or "have it saved anew by Excel"
        raise RefusedError(str(error), code=error.code, hint=hint) from error


class _Lines:
    """Writes the rows of one sheet; what stands before its header is left out."""

    def __init__(self, source: Source, used: Collection[str] | None) -> None:
        self._source, self._used = source, used
        self._next = 1
        self._columns: Sequence[tuple[int, Write, bool]] | None = None
        if not source.header:
            names = dict(enumerate(source.fields or (), source.cells.first_column))
            self._columns = self._writers(names)

    def of(self, rows: Iterator[Row]) -> Iterator[bytes]:
        cells = self._source.cells
        for number, row in rows:
            if number > cells.last_row:
                break
            if number < max(cells.first_row, self._source.header_row):
                continue
            if self._columns is None:
                line = self._header(number, row)
            else:
                line = self._line(row, self._columns)
            if line:
                yield b"\n" * (number - self._next) + line
                self._next = number + 1
        wanted = self._source.header_row
        if self._columns is None and wanted:
            raise _no_header(f"the sheet has no row {wanted}")

    def _header(self, number: int, row: Mapping[int, str]) -> bytes:
        """Take the names of the columns from a row; nothing if it is empty."""
        wanted, cells = self._source.header_row, self._source.cells
        names = {
            column: str(text)
            for column, text in sorted(row.items())
            if cells.first_column <= column <= cells.last_column
        }
        if wanted and (number != wanted or not names):
            raise _no_header(f"row {wanted} of the sheet is empty")
        if not names:
            return b""
        self._columns = self._writers(names)
        width = range(cells.first_column, max(names) + 1)
        return line_of([names.get(column, "") for column in width])

    def _writers(self, names: Mapping[int, str]) -> list[tuple[int, Write, bool]]:
        """Return for each column from the first on how it is written; those without a name too."""
        first, fields = self._source.cells.first_column, self._source.fields or {}
        columns = range(first, max(names, default=first - 1) + 1)
        found: list[tuple[int, Write, bool]] = []
        for column in columns:
            name = names.get(column)
            reads = name is not None and (self._used is None or name in self._used)
            write = _writer(fields.get(name or ""), self._source) if name is not None else _nothing
            found.append((column, write, reads))
        return found

    def _line(self, row: Mapping[int, str], columns: Sequence[tuple[int, Write, bool]]) -> bytes:
        """Write a row; nothing if no column with a name has a value in it."""
        texts: list[str] = []
        some = False
        for column, write, reads in columns:
            cell = row.get(column, "")
            if write is _nothing:
                text = ""
            elif type(cell) is Broken:
                text = f"{ERROR}{cell}" if reads else str(cell)
            else:
                text = write(cell) if type(cell) is Native else _bare(cell, write)
            some = some or bool(text)
            texts.append(text)
        return line_of(texts) if some else b""


def _no_header(what: str) -> RefusedError:
    text = f"{what}, which shall name the columns"
    hint = "correct `source.header` or `source.sheet`, or the workbook"
    return RefusedError(text, code="HX-5002", hint=hint)


def _bare(text: str, write: Write) -> str:
    """Return a text typed into a cell; that of a number, day or boolean without blanks around."""
    return text if write is str else text.strip(BLANKS)


def _nothing(_: str) -> str:
    return ""


def _writer(field: Field | None, source: Source) -> Write:
    """Return how a number, day, time or boolean of Excel is written in a column.

    A declared column has its own notation, which reading expects; else it is the canonical one.
    """
    match field.type if field is not None else "":
        case "decimal" | "integer":
            return lambda text: str(text).replace(".", source.decimal)
        case "boolean" if field is not None:
            words = {"true": field.true, "false": field.false}
            return lambda text: next(iter(words.get(text, ())), str(text))
        case "date" | "datetime" if field is not None:
            return _moment_writer(field)
        case _:
            return str


def _moment_writer(field: Field) -> Write:
    """Return how a day, or day and time, is written; what is not one stays as it is."""
    write = date_formatter(field.format) if field.format else None
    timed = field.type == "datetime"

    def written(text: str) -> str:
        try:
            value = datetime.fromisoformat(text) if len(text) > _TIME_AT else _day(text)
        except ValueError:
            return str(text)
        if isinstance(value, datetime) is not timed:
            if not timed:
                return str(text)  # it has a time, which must not be lost in silence
            value = datetime.combine(value, time())
        try:
            return write(value) if write is not None else value.isoformat()
        except ValueFault:
            return str(text)

    return written


def _day(text: str) -> date:
    if text.count("-") != 2:  # noqa: PLR2004 - a day in ISO 8601; digits alone are a number
        raise ValueError(text)
    return date.fromisoformat(text)
