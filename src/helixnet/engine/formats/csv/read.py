"""Reads a part of a file of rows as batches; positions are worked out only when asked for."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import BinaryIO, Final, NamedTuple

from helixnet.engine.codes import CODES
from helixnet.engine.context.model import Source
from helixnet.engine.formats.csv.dialect import dialect_of, line_starts
from helixnet.engine.formats.csv.keys import quick_keys
from helixnet.engine.formats.csv.rows import Key, has_undecoded, keys_of
from helixnet.engine.formats.encoding import Codec, Transcoder
from helixnet.engine.formats.excel.rows import ERROR, IS_ERROR, SheetRows, shown_row
from helixnet.engine.formats.fill_down import NOTHING, Filled, Filler
from helixnet.engine.formats.fixed.rows import codec_for, fixed_rows
from helixnet.engine.formats.row_format import RowFormat, Rows
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import BLOCK, Cells, Part, SourceIndex

_LOST: Final = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")
_MESSAGES: Final = {
    "HX-1001": "the bytes do not decode as {encoding}",
    "HX-1002": "{found} cells where the header has {width}",
    "HX-1003": "text after a closing quote",
    "HX-1004": "a quote is never closed: the record runs to the end of the file",
    "HX-1008": "the file ends inside this record",
    "HX-1009": "the line is too short for this field",
    "HX-1013": "the record does not end with its line end",
    IS_ERROR: "the cell holds the error {error}",
    "HX-1010": "a cell that is filled down is blank, and nothing usable stands above it",
}


class Place(NamedTuple):
    """Where the bytes of a batch from ``offset`` on stand in the file.

    Args:
        offset: in the batch, the beginning of a record.
        byte: in the file.
        line: physical line, from 1.
    """

    offset: int
    byte: int
    line: int


@dataclass(slots=True)
class CsvBatch:
    """A :class:`helixnet.engine.source.Batch` over one block; it is cut into cells when asked.

    Args:
        data: scanned bytes of whole records.
        dialect: how they are written.
        lines: it is known that each record is one line and that no line is blank.
    """

    data: bytes
    dialect: RowFormat
    _places: Sequence[Place]
    _codec: Codec
    _columns: Mapping[str, int]
    _width: int
    _rows: Rows | None = None
    _by: Sequence[int] | None = None
    _firsts: Sequence[int] | None = None  # first row of each group, then the number of rows
    _filled: Filled | None = None
    _records: Sequence[Cells | list[Cells]] = ()
    _faults: Mapping[int, Sequence[Fault]] = field(default_factory=dict[int, Sequence[Fault]])
    lines: bool = False
    tidy: bool = False
    _cut: bool = False
    _starts: list[int] = field(default_factory=list[int])
    _ends: list[int] = field(default_factory=list[int])
    _lines: list[int] = field(default_factory=list[int])
    _placed: tuple[int, dict[str, SourcePosition]] = field(  # in the row last asked for
        default_factory=lambda: (-1, dict[str, SourcePosition]())
    )

    @property
    def records(self) -> Sequence[Cells | list[Cells]]:
        """See :class:`helixnet.engine.source.Batch`."""
        self._look()
        return self._records

    @property
    def faults(self) -> Mapping[int, Sequence[Fault]]:
        """See :class:`helixnet.engine.source.Batch`."""
        self._look()
        return self._faults

    def _look(self) -> None:
        """Cut the block into cells, once."""
        if self._cut:
            return
        self._cut = True
        rows = self._rows if self._rows is not None else self.dialect.rows(self.data)
        if self._by is not None:
            self._firsts = _firsts(keys_of(rows, self._by))
        self._records = rows.cells
        if set(map(len, rows.cells)) - {self._width}:
            for index, cells in enumerate(rows.cells):
                if len(cells) != self._width:
                    rows.codes.setdefault(index, "HX-1002")
        if self._firsts is not None:
            pairs = pairwise(self._firsts)
            self._records = [rows.cells[start:end] for start, end in pairs]
        if rows.codes:
            self._faults = self._find_faults(rows, self._firsts)

    def _find_faults(self, rows: Rows, firsts: Sequence[int] | None) -> dict[int, list[Fault]]:
        """Say what is wrong with each bad row; undecoded bytes become U+FFFD in its cells."""
        faults: dict[int, list[Fault]] = {}
        group = 0
        for row, code in sorted(rows.codes.items()):
            while firsts and firsts[group + 1] <= row:
                group += 1
            index = group if firsts else row
            cells = rows.cells[row]
            if any(map(has_undecoded, cells)):
                cells[:] = [cell.translate(_LOST) for cell in cells]
            error = next((one[1:] for one in cells if one.startswith(ERROR)), "")
            message = _MESSAGES[code].format(
                encoding=self._codec.name, found=len(cells), width=self._width, error=error
            )
            name = "" if code == "HX-1002" else self.wrong_column(row, code)
            source = self.locate(index, name, row - firsts[group] if firsts else 0)
            fault = Fault(code, message, source=source, hint=CODES[code].action)
            faults.setdefault(index, []).append(fault)
        return faults

    def line(self, index: int, item: int = 0) -> int:
        """First physical line of a record, or of row ``item`` of a group."""
        return self._line(self._row(index) + item)

    def raw(self, index: int) -> bytes:
        """The record's bytes as they stand in the file, with its line end; of a sheet as CSV."""
        self._lay_out()
        last = self._firsts[index + 1] - 1 if self._firsts else index
        data = self.data[self._starts[self._row(index)] : self._ends[last]]
        if isinstance(self.dialect, SheetRows):
            return shown_row(data)
        return self._codec.source_bytes(data)

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """Where the cell of column ``name`` begins."""
        row, number = self._row(index) + item, self._columns.get(name)
        if self._filled is not None and number is not None and number in self._filled.rows:
            above = self._filled.rows[number][row]
            if above.value is not None and above.row < 0:
                return self._filled.before[number]
            row = row if above.value is None else above.row
        return self.place(row, name)

    def place(self, row: int, name: str) -> SourcePosition:
        """Where the cell of column ``name`` begins in a row of the block."""
        if row != self._placed[0]:
            self._placed = (row, {})
        known = self._placed[1].get(name)
        if known is None:
            known = self._placed[1][name] = self._find(row, name)
        return known

    def _find(self, row: int, name: str) -> SourcePosition:
        line, column, number = self._line(row), 0, self._columns.get(name)
        start, length = self._starts[row], self._codec.source_length
        known = self._places[bisect_right(self._places, start, key=itemgetter(0)) - 1]
        byte = known.byte + length(self.data, start) - length(self.data, known.offset)
        if number is not None:
            text = self._text(row)
            place = self.dialect.place(text, number)
            if place is not None and not self.dialect.newline:
                column = place + 1
            elif place is not None:
                inside = text.rstrip("\r\n")  # a field may stand behind the end of its line
                line += inside.count(self.dialect.newline, 0, place)
                column = place - inside.rfind(self.dialect.newline, 0, place)
        return SourcePosition(line=line, column=column, byte=byte, field=name)

    def wrong_column(self, row: int, code: str) -> str:
        """Name the column whose cell of row ``row`` is broken or does not decode, if one is."""
        if code == NOTHING:
            return self._unfilled(row)
        cut = self.dialect.cells(self._text(row))
        wrong = cut.wrong
        if wrong < 0:
            wrong = next((n for n, cell in enumerate(cut.cells) if has_undecoded(cell)), -1)
        return next((name for name, number in self._columns.items() if number == wrong), "")

    def _unfilled(self, row: int) -> str:
        if self._filled is None:
            return ""
        found = {number: rows[row] for number, rows in self._filled.rows.items()}
        bad = (n for n, above in found.items() if above.value is None or not above.sound)
        number = next(bad, -1)
        return next((name for name, known in self._columns.items() if known == number), "")

    @property
    def begins(self) -> int:
        """Byte of the file at which it begins."""
        return self._places[0].byte

    def laid_out(self) -> Sequence[tuple[int, int, int]]:
        """Return where each row begins and ends in ``data``, and its line in the file."""
        self._lay_out()
        first = self._places[0].line
        lines = self._lines or range(first, first + len(self._starts))
        return list(zip(self._starts, self._ends, lines, strict=False))

    def _text(self, row: int) -> str:
        self._lay_out()
        data = self.data[self._starts[row] : self._ends[row]]
        return data.decode(self.dialect.encoding, "surrogateescape")

    def _row(self, index: int) -> int:
        return self._firsts[index] if self._firsts else index

    def _line(self, row: int) -> int:
        self._lay_out()
        return self._lines[row] if self._lines else self._places[0].line + row

    def _lay_out(self) -> None:
        """Find where each row begins and ends, and in which line unless each is one line."""
        if self._starts or not self.data:
            return
        if self._by is not None:
            self._look()
        places, end = iter(self._places), self.dialect.end
        place, after = next(places), next(places, None)
        line, done = place.line, 0
        if self.lines:
            self._starts = line_starts(self.data, end)
            self._ends = self._starts[1:]
            return
        spans = self.dialect.all_spans(self.data)
        self._starts, self._ends = [start for start, _ in spans], [end for _, end in spans]
        if after is None and not end:
            return
        lines = self.dialect.ends(self.data) + (not self.dialect.complete(self.data))
        if after is None and len(spans) == lines:
            return
        for start in self._starts:
            while after is not None and after.offset <= start:
                done, line, after = after.offset, after.line, next(places, None)
            line += self.dialect.ends(self.data, done, start)
            done = start
            self._lines.append(line)


class CsvReader:
    """Reads parts of one indexed file of rows, CSV or fixed-width.

    Args:
        source: the contract; of it the longest record in bytes, for a longer one is the quote
            that is never closed.
        index: of the file.
        by: names of the grouping columns; None without a group.
        block: bytes to read at a time.
    """

    def __init__(
        self, source: Source, index: SourceIndex, *, by: Sequence[str] | None, block: int = BLOCK
    ) -> None:
        self._block = block
        self.codec = codec_for(source, index)
        newline = "\r" if index.newline == "\r" else "\n"
        match source.format:
            case "fixed":
                self.dialect: RowFormat = fixed_rows(source, self.codec)
            case "excel":
                self.dialect = SheetRows(source.cells.first_column)
            case _:
                self.dialect = dialect_of(index.delimiter, newline, self.codec.scanned)
        self._width, self._limit = len(index.header), source.max_record_bytes
        self._columns = {name: number for number, name in reversed(list(enumerate(index.header)))}
        known = by if index.header else None  # a file of 0 bytes has no columns, and no rows
        self._by = None if known is None else self.numbers(known)
        self._tidy = index.tidy
        self._quick = quick_keys(self.dialect, self._by or ())
        filled = source.fill_down if index.header else ()
        self._filled = {name: self._columns[name] for name in filled}

    def read(self, stream: BinaryIO, part: Part) -> Iterator[CsvBatch]:
        """Yield the batches of ``part``."""
        place = Place(0, part.start, part.first_line)
        filler = Filler(list(self._filled.values()), self._width)
        for data, rows, filled in self._blocks(stream, part, filler):
            batch = self._batch(data, rows, filled, place)
            if rows is None or rows.cells:
                yield batch
            for name, column in self._filled.items():
                row = filler.above[column].row if rows is not None else -1
                if row >= 0:
                    filler.places[column] = batch.place(row, name)
            length = self.codec.source_length(data)
            place = Place(0, place.byte + length, place.line + self.dialect.ends(data))

    def _blocks(
        self, stream: BinaryIO, part: Part, filler: Filler
    ) -> Iterator[tuple[bytes, Rows | None, Filled | None]]:
        """Yield scanned bytes that hold whole records (groups), and the rows where they are cut."""
        stream.seek(part.start)
        left, carry, transcoder = part.end - part.start, b"", Transcoder(self.codec)
        while left:
            block = stream.read(min(left, max(self._block, len(carry))))
            left = left - len(block) if block else 0
            data = carry + transcoder.feed(block, final=not left)
            whole = self._whole(data) if left else len(data)
            rows = filled = None
            if self._filled:
                rows = self.dialect.rows(data[:whole])
                before = dict(filler.above)
                filled = filler.fill(rows)
                if left and self._by is not None:
                    whole = self._hold_last(data[:whole], rows, self._by)
                    filler.rewind(filled, len(rows.cells), before)
            elif left and self._by is not None:
                whole = self._last_group(data[:whole], self._by)
            if whole:
                yield data[:whole], rows, filled
            carry = data[whole:]
            if len(carry) > self._limit and self._by is None:
                yield carry, None, None
                return

    def _whole(self, data: bytes) -> int:
        return data.rfind(self.dialect.end) + 1 if self._tidy else self.dialect.whole(data)

    def _last_group(self, data: bytes, by: list[int]) -> int:
        """Return where the last group of ``data``, which may go on, begins."""
        quick, flat = self._quick, self._tidy or self.dialect.flat_whole(data) >= 0
        start = quick.last_start(data) if quick is not None and flat else -1
        return start if start >= 0 else self._hold_last(data, self.dialect.rows(data), by)

    def _hold_last(self, data: bytes, rows: Rows, by: list[int]) -> int:
        """Take the last group, which may go on, out of ``rows``; return where it begins."""
        last = len(rows.cells) - 1
        if last < 0:
            return 0
        keys = keys_of(rows, by)
        while last > 0 and keys[last] is not None and keys[last] == keys[last - 1]:
            last -= 1
        start = self.dialect.last_start(data, len(rows.cells) - last)
        del rows.cells[last:]
        rows.codes = {index: code for index, code in rows.codes.items() if index < last}
        return start

    def _batch(
        self, data: bytes, rows: Rows | None, filled: Filled | None, place: Place
    ) -> CsvBatch:
        return self.batch(data, [place], rows, self._by, filled)

    def numbers(self, names: Sequence[str]) -> list[int]:
        """Return which columns these are, from 0."""
        return [self._columns[name] for name in names]

    def batch(
        self,
        data: bytes,
        places: Sequence[Place],
        rows: Rows | None = None,
        by: Sequence[int] | None = None,
        filled: Filled | None = None,
    ) -> CsvBatch:
        """Return whole records as a batch.

        Args:
            data: their scanned bytes.
            places: where these stand in the file; the first has the offset 0.
            rows: the same, cut into cells; None = not yet.
            by: the grouping columns; None without a group.
            filled: cells that were filled from above.
        """
        shape = self._columns, self._width
        return CsvBatch(
            data,
            self.dialect,
            places,
            self.codec,
            *shape,
            rows,
            by,
            _filled=filled,
            tidy=self._tidy,
        )


def _firsts(keys: Sequence[Key | None]) -> list[int]:
    """Return the first row of each group, then the number of rows."""
    firsts = [
        index
        for index, key in enumerate(keys)
        if index == 0 or key is None or key != keys[index - 1]
    ]
    return [*firsts, len(keys)]
