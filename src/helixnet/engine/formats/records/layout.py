"""How the lines of each record type are cut into fields."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from helixnet.engine.context.model import RecordType, Source
from helixnet.engine.formats.csv.dialect import Dialect, dialect_of
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.fixed.lines import FixedLines, Range
from helixnet.engine.formats.fixed.records import FixedRecords
from helixnet.engine.formats.fixed.rows import codec_for, cut_rows, rows_at
from helixnet.engine.formats.markers import Wanted
from helixnet.engine.formats.records.types import Teller, places_of
from helixnet.engine.formats.row_format import RowFormat
from helixnet.engine.source import SourceIndex
from helixnet.errors import RefusedError

LOST: Final = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")


class Line(NamedTuple):
    """One line, cut.

    Args:
        start: where it begins in the scanned bytes.
        end: where the next one begins.
        name: its type; empty if it is none that is known.
        values: of the fields of its type, in order.
        code: why it can't be used; empty if it can.
        field: the field that the code is about, if one is.
        found: cells that it has.
    """

    start: int
    end: int
    name: str
    values: Sequence[str]
    code: str = ""
    field: str = ""
    found: int = 0


class Layout(Protocol):
    """Cuts lines of several types."""

    @property
    def rows(self) -> RowFormat:
        """Where lines end."""
        ...

    def lines(self, data: bytes) -> Iterator[Line]:
        """Yield the lines of ``data``, which holds whole ones, empty ones left out."""
        ...

    def column(self, text: str, name: str, field: str) -> int | None:
        """Return how many characters of a line stand before a field; None if it is not there."""
        ...


@dataclass(frozen=True, slots=True)
class CsvColumns:
    """Where the fields of a type stand.

    Args:
        numbers: of their columns.
        width: cells of a line.
        exact: a line may not have more.
    """

    numbers: Mapping[str, int]
    width: int
    exact: bool


def csv_columns(source: Source, header: Sequence[str]) -> dict[str, CsvColumns]:
    """Return where the fields of each type stand in a CSV file with this header.

    Raises:
        RefusedError: HX-5002 the header lacks a column.
    """
    types = (source.records or {}).values()
    return {one.name: _columns(source, one, header) for one in types}


def _columns(source: Source, one: RecordType, header: Sequence[str]) -> CsvColumns:
    if source.header:
        return CsvColumns(_named(one, header), len(header), exact=True)
    numbers: dict[str, int] = {}
    last = -1
    for field in one.fields.values():
        last = field.at if isinstance(field.at, int) else last + 1
        numbers[field.name] = last
    exact = bool(numbers) and all(field.at is None for field in one.fields.values())
    return CsvColumns(numbers, max(numbers.values(), default=-1) + 1, exact)


def _named(one: RecordType, header: Sequence[str]) -> dict[str, int]:
    known = {name: number for number, name in reversed(list(enumerate(header)))}
    numbers: dict[str, int] = {}
    for field in one.fields.values():
        name = field.at if isinstance(field.at, str) else field.name
        number = field.at if isinstance(field.at, int) else known.get(name)
        if header.count(name) > 1 and not isinstance(field.at, int):
            raise RefusedError(
                f"the header has the column {name!r} twice",
                code="HX-5002",
                hint="which one is meant can't be known: rename one, or give its number in `at`",
            )
        if number is None or number >= len(header):
            raise RefusedError(
                f"the file has no column {name!r} for the field {field.name!r} of {one.name!r}",
                code="HX-5002",
                hint="correct the header of the file, or `source.records`",
            )
        numbers[field.name] = number
    return numbers


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """Types of CSV rows."""

    rows: Dialect
    tell: Teller
    columns: Mapping[str, CsvColumns]

    def lines(self, data: bytes) -> Iterator[Line]:
        """Yield the rows of ``data``."""
        found = self.rows.rows(data)
        numbers = {name: tuple(one.numbers.values()) for name, one in self.columns.items()}
        for index, (start, end) in enumerate(self.rows.all_spans(data)):
            cells, code = found.cells[index], found.codes.get(index, "")
            name = self.tell.type_of(cells)
            if not name:
                yield Line(start, end, "", (), code, "", len(cells))
                continue
            of = self.columns[name]
            if not code and (len(cells) != of.width if of.exact else len(cells) < of.width):
                code = "HX-1002"
            if code:
                cells = [cell.translate(LOST) for cell in cells]
                cells += [""] * (of.width - len(cells))
            yield Line(start, end, name, [cells[n] for n in numbers[name]], code, "", len(cells))

    def column(self, text: str, name: str, field: str) -> int | None:
        """Return how many characters of a row stand before a field."""
        number = self.columns[name].numbers.get(field) if name in self.columns else None
        places = self.rows.cells(text).places
        return places[number] if number is not None and number < len(places) else None


@dataclass(frozen=True, slots=True)
class FixedLayout:
    """Types of fixed-width lines."""

    rows: FixedLines | FixedRecords
    tell: Teller
    types: Mapping[str, FixedLines | FixedRecords]
    names: Mapping[str, Sequence[str]]

    def lines(self, data: bytes) -> Iterator[Line]:
        """Yield the lines of ``data``."""
        told = self.rows.rows(data)
        for index, (start, end) in enumerate(self.rows.spans(data)):
            name = self.tell.type_of(told.cells[index])
            if not name:
                yield Line(start, end, "", (), told.codes.get(index, ""))
                continue
            cut = self.types[name].cells(
                data[start:end].decode(self.rows.encoding, "surrogateescape")
            )
            cells = [cell.translate(LOST) for cell in cut.cells] if cut.code else cut.cells
            field = self.names[name][cut.wrong] if cut.wrong >= 0 else ""
            yield Line(start, end, name, cells, cut.code, field)

    def column(self, text: str, name: str, field: str) -> int | None:
        """Return how many characters of a line stand before a field."""
        names = self.names.get(name, ())
        if field not in names:
            return None
        return self.types[name].cells(text).places[names.index(field)]


def layout_of(source: Source, index: SourceIndex) -> Layout:
    """Return how the lines of an indexed file are cut."""
    codec, types = codec_for(source, index), source.records or {}
    wanted = Wanted(source, None, [codec], codec.scanned)
    if source.format == "csv":
        newline = "\r" if index.newline == "\r" else "\n"
        rows = dialect_of(index.delimiter, newline, codec.scanned)
        if source.header and not index.header:  # a file of 0 bytes
            return CsvLayout(rows, Teller((), 0, {}), {})
        return CsvLayout(rows, wanted.teller(index.header), csv_columns(source, index.header))
    tell = wanted.teller(())
    cut = {one.name: cut_rows(source, codec, one.fields.values()) for one in types.values()}
    names = {one.name: list(one.fields) for one in types.values()}
    return FixedLayout(telling_lines(source, codec), tell, cut, names)


def telling_lines(source: Source, codec: Codec) -> FixedLines | FixedRecords:
    """Return fixed-width rows cut where texts stand that tell types."""
    places = places_of(source.records or {})
    ranges = [Range(*place) for place in places if isinstance(place, tuple)]
    return rows_at(source, codec, ranges)
