"""The rows of a lookup table: keys, typed values and days, with the line of each in its file."""

import codecs
import csv
import io
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, TypeAlias, cast

from helixnet.engine.context.model import Field, Key, Mark, Source, TableRow
from helixnet.engine.context.problems import Problems, near
from helixnet.engine.formats.excel.parts import WorkbookError
from helixnet.engine.formats.excel.values import Broken
from helixnet.engine.formats.excel.workbook import read_sheet
from helixnet.engine.mapping.fields import field_converter, nulls_of, required_converter
from helixnet.engine.values.convert import as_text
from helixnet.engine.values.faults import ValueFault, shown

MAX_ROWS: Final = 1_000_000
MAX_CELLS: Final = 4_000_000
_MOST_PROBLEMS: Final = 20
_DAY: Final = timedelta(1)

Convert: TypeAlias = Callable[[str], object]


class _Sparse(dict[int, str]):
    """The cells of a worksheet's row; one that is not there is empty."""

    def __missing__(self, _place: int) -> str:
        return ""


Cells: TypeAlias = list[str] | _Sparse


@dataclass(frozen=True, slots=True)
class TableSpec:
    """How a file is a table.

    Args:
        file: its name in the bundle.
        mark: of that name in the context.
        keys: its key columns.
        value: the column that comes out; None = the row.
        many: a key may have several rows.
        start: column of the first day on which a row holds; None = rows hold always.
        end: column of the last day; None = a row holds until the next of its key.
        source: delimiter, encoding, nulls, separators and fields.
        excel: it is a workbook.
        sheet: of it; None = the first.
        header_row: which row names the columns, from 1.
    """

    file: str
    mark: Mark
    keys: Sequence[str]
    value: str | None
    many: bool
    start: str | None
    end: str | None
    source: Source
    excel: bool
    sheet: str | None
    header_row: int


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table, as :class:`~helixnet.engine.context.model.Lookup` holds them.

    Args:
        header: names of the columns that are read.
    """

    rows: Mapping[Key, object]
    lines: Sequence[int] = ()
    spread: Mapping[Key, Sequence[int]] = field(default_factory=dict[Key, Sequence[int]])
    header: Sequence[str] = ()


class _UnusableError(Exception):
    """The table can't be read on: line, message, hint."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.hint = line, message, hint


def read_table(spec: TableSpec, content: bytes, problems: Problems) -> Table:
    """Read a table; what is wrong with it is noted with its line (HX-4205)."""
    reader = _Reader(spec, problems)
    try:
        return reader.read(content)
    except _UnusableError as error:
        reader.add(error.line, error.message, error.hint)
    except WorkbookError as error:
        reader.add(1, str(error), error.hint)
    return Table({})


class _Reader:
    """Reads one table."""

    def __init__(self, spec: TableSpec, problems: Problems) -> None:
        self._spec, self._problems = spec, problems
        self._told = 0
        self._rows: dict[Key, object] = {}
        self._lines = array("I")
        self._spread: dict[Key, array[int]] = {}

    def add(self, line: int, message: str, hint: str = "") -> None:
        """Note what is wrong in a line, the first twenty times."""
        self._told += 1
        if self._told <= _MOST_PROBLEMS:
            self._problems.add(Mark(self._spec.file, line, 1), "HX-4205", message, hint)
        elif self._told == _MOST_PROBLEMS + 1:
            self._problems.add(self._spec.mark, "HX-4205", "and more is wrong with the table")

    def read(self, content: bytes) -> Table:
        spec = self._spec
        source = self._excel(content) if spec.excel else self._csv(content)
        line, first = next(source, (1, list[str]()))
        width = max(first, default=-1) + 1 if isinstance(first, _Sparse) else len(first)
        header = [str(first[at]) for at in range(width)]
        if not header:
            hint = f"its header names {', '.join(spec.keys)}"
            raise _UnusableError(line, "the table is empty", hint)
        names = [name for name in header if name] if spec.value is None else [spec.value]
        days = [name for name in (spec.start, spec.end) if name is not None]
        wanted = (*spec.keys, *names, *days)
        places = [self._place(name, header, line) for name in wanted]
        found = [place for place in places if place is not None]
        if len(found) == len(places):
            self._take(source, found, names)
        if spec.start is not None:
            self._settle_days()
        return Table(self._rows, self._lines, self._spread, names)

    def _place(self, name: str, header: Sequence[str], line: int) -> int | None:
        if header.count(name) == 1:
            return header.index(name)
        if name in header:
            self.add(line, f"column `{name}` stands twice in the table's header")
        else:
            hint = near(name, [one for one in header if one])
            self.add(line, f"the table has no column `{name}`", hint)
        return None

    # rows of cells

    def _csv(self, content: bytes) -> Iterator[tuple[int, Cells]]:
        reader = csv.reader(
            io.StringIO(self._decoded(content), newline=""),
            delimiter=self._spec.source.delimiter,
            strict=True,
        )
        width, line = 0, 1
        try:
            for row in reader:
                if line < self._spec.header_row or not row:
                    pass
                elif not width or len(row) == width:
                    width = len(row)
                    yield line, row
                else:
                    self.add(line, f"a row of {len(row)} cells under a header of {width}")
                line = reader.line_num + 1
        except csv.Error as error:
            raise _UnusableError(line, f"the table is not CSV: {error}") from error

    def _decoded(self, content: bytes) -> str:
        tried = list(self._spec.source.encoding)
        if content.startswith(codecs.BOM_UTF8):
            tried = ["utf-8-sig"]
        wrong = UnicodeDecodeError("utf-8", b"", 0, 1, "")
        for encoding in tried:
            try:
                return content.decode(encoding)
            except UnicodeDecodeError as error:
                wrong = error
        line = content.count(b"\n", 0, wrong.start) + 1
        hint = "name the right `encoding` of the table"
        raise _UnusableError(line, f"the table is not {' or '.join(tried)}", hint) from wrong

    def _excel(self, content: bytes) -> Iterator[tuple[int, Cells]]:
        for line, cells in read_sheet(content, self._spec.sheet):
            if line >= self._spec.header_row:
                yield line, _Sparse(cells)

    # values

    def _take(
        self, source: Iterator[tuple[int, Cells]], places: Sequence[int], names: Sequence[str]
    ) -> None:
        spec, one, left = self._spec, self._spec.value is not None, MAX_ROWS
        left = min(left, MAX_CELLS // len(names))
        keys = list(zip(map(self._key, spec.keys), places, strict=False))
        convert = [self._converter(name) for name in names]
        values = list(zip(names, convert, places[len(keys) :], strict=False))
        dated = [self._day_of(name) for name in (spec.start, spec.end) if name is not None]
        days = list(zip(dated, places[len(keys) + len(names) :], strict=True))
        _, only, at = values[0]
        for line, row in source:
            left -= 1
            if left < 0:
                self._refuse_size(line)
            try:
                texts = [read(row[place]) for read, place in keys]
                value = only(row[at]) if one else {n: read(row[p]) for n, read, p in values}
                held = [read(row[place]) for read, place in days]
            except ValueFault as fault:
                self.add(line, fault.message, fault.hint)
                continue
            self._keep(tuple(texts) if len(texts) > 1 else texts[0], value, line, held)

    def _refuse_size(self, line: int) -> None:
        message = f"the table has more than {MAX_ROWS:,} rows or {MAX_CELLS:,} values"
        hint = "a table is held in memory; declare a file of this size under `joins`"
        raise _UnusableError(line, message, hint)

    def _keep(self, key: Key, value: object, line: int, held: Sequence[date | None]) -> None:
        if held:
            row = TableRow(value, line, held[0], held[1] if len(held) > 1 else None)
            if row.start and row.end and row.end < row.start:
                self.add(line, f"the row holds from {row.start} until {row.end}", "swap them")
            cast("list[TableRow]", self._rows.setdefault(key, [])).append(row)
        elif self._spec.many:
            cast("list[object]", self._rows.setdefault(key, [])).append(value)
            self._spread.setdefault(key, array("I")).append(line)
        elif key in self._rows:
            first = self._lines[list(self._rows).index(key)] if self._told < _MOST_PROBLEMS else 0
            hint = "`rows: many` gives all rows of a key as a list"
            self.add(line, f"key `{_shown(key)}` stands twice, first on line {first}", hint)
        else:
            self._rows[key] = value
            self._lines.append(line)

    def _key(self, name: str) -> Callable[[str], str]:
        """Return the function from a cell to the text by which keys compare."""
        convert = self._converter(name)
        if convert is str:
            return str

        def read(cell: str) -> str:
            value = convert(cell)
            if value is None:
                raise ValueFault("HX-4205", f"the key `{name}` is null")
            return as_text(value)

        return read

    def _converter(self, name: str) -> Convert:
        """Return the function from a cell to its value; what Excel typed is in canonical form."""
        source = self._spec.source
        declared = (source.fields or {}).get(name) or Field(name, self._spec.mark)
        nulls = nulls_of(declared, source, *([""] if declared.required else []))
        if declared.type == "string" and not nulls and not self._spec.excel:
            return str
        written = _typed(declared, source, nulls)
        plain = replace(declared, format=None, true=("true",), false=("false",))
        stored = _typed(plain, Source("csv", self._spec.mark), nulls)

        def convert(cell: str) -> object:
            if type(cell) is Broken:
                text = f"`{name}`: the cell holds no value but {shown(str(cell))}"
                raise ValueFault("HX-4205", text, cell)
            try:
                return written(cell) if type(cell) is str else stored(str(cell))
            except ValueFault as fault:
                text = f"`{name}`: {fault.message}"
                raise ValueFault("HX-4205", text, cell, fault.hint) from fault

        return convert

    # days

    def _day_of(self, name: str) -> Callable[[str], date | None]:
        """Return the function from a cell to a day; an empty one is open."""
        spec = self._spec
        declared = (spec.source.fields or {}).get(name) or Field(name, spec.mark, "date")
        fields = {**(spec.source.fields or {}), name: replace(declared, required=False)}
        source = replace(spec.source, fields=fields, nulls=(*spec.source.nulls, ""))
        reader = _Reader(replace(spec, source=source), self._problems)
        return cast("Callable[[str], date | None]", reader._converter(name))

    def _settle_days(self) -> None:
        """Order the rows of each key by their days; two that hold on one day are a problem."""
        spec = self._spec
        for key, value in self._rows.items():
            rows = sorted(cast("list[TableRow]", value), key=lambda row: row.start or date.min)
            if spec.end is None:
                rows = _until_next(rows)
            if spec.many:
                rows.sort(key=lambda row: row.line)
            else:
                self._overlaps(key, rows)
            self._rows[key] = rows

    def _overlaps(self, key: Key, rows: Sequence[TableRow]) -> None:
        for one, other in pairwise(rows):
            if one.end is None or other.start is None or other.start <= one.end:
                first, second = sorted((one.line, other.line))
                day = other.start or "the beginning of time"
                message = f"key `{_shown(key)}` holds twice on {day}: lines {first} and {second}"
                self.add(second, message, "the days of a key's rows must not overlap")


def _typed(declared: Field, source: Source, nulls: frozenset[str]) -> Convert:
    """Return the function from a text to the value of a column."""
    convert = field_converter(declared, source) or str
    if declared.required:
        return required_converter(convert, nulls, declared.name)
    return (lambda text: None if text in nulls else convert(text)) if nulls else convert


def _until_next(rows: Sequence[TableRow]) -> list[TableRow]:
    """End each row on the day before the next first day of its key."""
    days = sorted({row.start for row in rows if row.start is not None})
    ends = {day: later - _DAY for day, later in pairwise([date.min, *days]) if later > day}
    return [replace(row, end=ends.get(row.start or date.min)) for row in rows]


def _shown(key: Key) -> str:
    return key if isinstance(key, str) else ", ".join(key)
