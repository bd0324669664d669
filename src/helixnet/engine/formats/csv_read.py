"""Reads a part of a CSV file as batches; positions are worked out only when asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO, Final

from helixnet.engine.codes import CODES
from helixnet.engine.formats.csv_dialect import Dialect, dialect_of
from helixnet.engine.formats.csv_rows import Rows, has_undecoded, keys_of, rows_of
from helixnet.engine.formats.encoding import Codec, Transcoder, codec_of
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import Cells, Part, SourceIndex

BLOCK: Final = 256 * 1024
_LOST: Final = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")
_MESSAGES: Final = {
    "HX-1001": "the bytes do not decode as {encoding}",
    "HX-1002": "{found} cells where the header has {width}",
    "HX-1003": "text after a closing quote",
    "HX-1004": "a quote is never closed: the record runs to the end of the file",
}


@dataclass(slots=True)
class CsvBatch:
    """A :class:`helixnet.engine.source.Batch` over one block of scanned bytes."""

    records: Sequence[Cells | list[Cells]]
    faults: Mapping[int, Sequence[Fault]]
    _data: bytes
    _place: tuple[int, int]  # byte and line of the block's start in the file
    _dialect: Dialect
    _codec: Codec
    _columns: Mapping[str, int]
    _firsts: Sequence[int] | None  # first row of each group, then the number of rows
    _spans: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    _lines: list[int] = field(default_factory=list[int])

    def line(self, index: int, item: int = 0) -> int:
        """First physical line of a record, or of row ``item`` of a group."""
        self._lay_out()
        return self._lines[self._row(index) + item]

    def raw(self, index: int) -> bytes:
        """The record's bytes as they stand in the file, with its line end."""
        self._lay_out()
        start = self._spans[self._row(index)][0]
        last = self._firsts[index + 1] - 1 if self._firsts else index
        return self._codec.source_bytes(self._data[start : self._spans[last][1]])

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """Where the cell of column ``name`` begins."""
        self._lay_out()
        row = self._row(index) + item
        start = self._spans[row][0]
        byte = self._place[0] + self._codec.source_length(self._data, start)
        line, column, number = self._lines[row], 0, self._columns.get(name)
        if number is not None:
            text = self._text(row)
            places = self._dialect.cells(text).places
            if number < len(places):
                before = text[: places[number]]
                line += before.count(self._dialect.newline)
                column = len(before) - before.rfind(self._dialect.newline)
        return SourcePosition(line=line, column=column, byte=byte, field=name)

    def wrong_column(self, row: int) -> str:
        """Name the column whose cell of row ``row`` is broken or does not decode, if one is."""
        cut = self._dialect.cells(self._text(row))
        wrong = cut.wrong
        if wrong < 0:
            wrong = next((n for n, cell in enumerate(cut.cells) if has_undecoded(cell)), -1)
        return next((name for name, number in self._columns.items() if number == wrong), "")

    def _text(self, row: int) -> str:
        self._lay_out()
        start, end = self._spans[row]
        return self._data[start:end].decode(self._dialect.encoding, "surrogateescape")

    def _row(self, index: int) -> int:
        return self._firsts[index] if self._firsts else index

    def _lay_out(self) -> None:
        if self._lines or not self._data:
            return
        line, done = self._place[1], 0
        for start, end in self._dialect.spans(self._data):
            line += self._data.count(self._dialect.end, done, start)
            done = start
            self._spans.append((start, end))
            self._lines.append(line)


class CsvReader:
    """Reads parts of one indexed CSV file.

    Args:
        index: of the file.
        by: names of the grouping columns; None without a group.
        limit: longest record in bytes; a longer one is the quote that is never closed.
    """

    def __init__(self, index: SourceIndex, *, by: Sequence[str] | None, limit: int) -> None:
        self._codec = codec_of(index.encoding)
        newline = "\r" if index.newline == "\r" else "\n"
        self._dialect = dialect_of(index.delimiter, newline, self._codec.scanned)
        self._width, self._limit = len(index.header), limit
        self._columns = {name: number for number, name in reversed(list(enumerate(index.header)))}
        known = by if index.header else None  # a file of 0 bytes has no columns, and no rows
        self._by = None if known is None else [self._columns[name] for name in known]

    def read(self, stream: BinaryIO, part: Part) -> Iterator[CsvBatch]:
        """Yield the batches of ``part``."""
        place = (part.start, part.first_line)
        for data, rows in self._blocks(stream, part):
            if rows.cells:
                yield self._batch(data, rows, place)
            length = self._codec.source_length(data)
            place = (place[0] + length, place[1] + data.count(self._dialect.end))

    def _blocks(self, stream: BinaryIO, part: Part) -> Iterator[tuple[bytes, Rows]]:
        """Yield scanned bytes that hold whole records (groups), and their rows."""
        stream.seek(part.start)
        left, carry, transcoder = part.end - part.start, b"", Transcoder(self._codec)
        while left:
            block = stream.read(min(left, max(BLOCK, len(carry))))
            left = left - len(block) if block else 0
            data = carry + transcoder.feed(block, final=not left)
            whole = self._dialect.whole(data) if left else len(data)
            rows = rows_of(data[:whole], self._dialect)
            if self._by is not None and left:
                whole = self._hold_last(data[:whole], rows, self._by)
            if whole:
                yield data[:whole], rows
            carry = data[whole:]
            if len(carry) > self._limit and self._by is None:
                yield carry, rows_of(carry, self._dialect)
                return

    def _hold_last(self, data: bytes, rows: Rows, by: list[int]) -> int:
        """Take the last group, which may go on, out of ``rows``; return where it begins."""
        last = len(rows.cells) - 1
        if last < 0:
            return 0
        keys = keys_of(rows, by)
        while last > 0 and keys[last] is not None and keys[last] == keys[last - 1]:
            last -= 1
        start = self._dialect.last_start(data, len(rows.cells) - last)
        del rows.cells[last:]
        rows.codes = {index: code for index, code in rows.codes.items() if index < last}
        return start

    def _batch(self, data: bytes, rows: Rows, place: tuple[int, int]) -> CsvBatch:
        self._find_ragged(rows)
        firsts = self._group(rows)
        batch = CsvBatch(
            rows.cells, {}, data, place, self._dialect, self._codec, self._columns, firsts
        )
        if firsts:
            batch.records = [rows.cells[start:end] for start, end in pairwise(firsts)]
        if rows.codes:
            batch.faults = self._faults(batch, rows, firsts)
        return batch

    def _find_ragged(self, rows: Rows) -> None:
        if set(map(len, rows.cells)) - {self._width}:
            for index, cells in enumerate(rows.cells):
                if len(cells) != self._width:
                    rows.codes.setdefault(index, "HX-1002")

    def _group(self, rows: Rows) -> list[int] | None:
        if self._by is None:
            return None
        keys = keys_of(rows, self._by)
        firsts = [
            index
            for index, key in enumerate(keys)
            if index == 0 or key is None or key != keys[index - 1]
        ]
        return [*firsts, len(keys)]

    def _faults(
        self, batch: CsvBatch, rows: Rows, firsts: Sequence[int] | None
    ) -> dict[int, list[Fault]]:
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
            message = _MESSAGES[code].format(
                encoding=self._codec.name, found=len(cells), width=self._width
            )
            name = "" if code == "HX-1002" else batch.wrong_column(row)
            source = batch.locate(index, name, row - firsts[group] if firsts else 0)
            fault = Fault(code, message, source=source, hint=CODES[code].action)
            faults.setdefault(index, []).append(fault)
        return faults
