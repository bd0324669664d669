"""Fixed-width lines: each cell is a range of characters, or of bytes, of its line.

Trailing blanks are cut off texts, blanks on both sides off numbers. A line ends with LF or CRLF.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from helixnet.engine.context.model import Field
from helixnet.engine.formats.csv.rows import has_undecoded
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.fixed.stored import ReadBytes, stored_reader
from helixnet.engine.formats.line_rows import LineRows
from helixnet.engine.formats.row_format import Cut, Rows

TOO_SHORT: Final = "HX-1009"
_NUMBERS: Final = frozenset({"integer", "decimal"})


class Range(NamedTuple):
    """Where a cell stands in its line.

    Args:
        start: from 0.
        end: excluded.
        least: a line shorter than this can't be used; 0 = none is too short.
        number: blanks before it are padding too.
        read: what reads its bytes if they are no text.
    """

    start: int
    end: int
    least: int = 0
    number: bool = False
    read: ReadBytes | None = None


def range_of(field: Field, codec: Codec) -> Range:
    """Return the range of a declared field.

    A typed value must be there as a whole, for what is left of a number is another number; of a
    required text, whose trailing blanks may be cut off, at least the beginning.
    """
    start, end = field.at if isinstance(field.at, tuple) else (0, 0)
    least = end if field.type != "string" else start + 1 if field.required else 0
    return Range(start, end, least, field.type in _NUMBERS, stored_reader(field, codec))


@dataclass(frozen=True, slots=True)
class FixedLines(LineRows):
    """Lines cut at fixed places: a :class:`~helixnet.engine.formats.row_format.RowFormat`.

    Args:
        ranges: of the cells.
        codec: of the file.
        bytewise: places count bytes of the file, not characters.
        least: characters (bytes) of the shortest line that can be used.
    """

    ranges: Sequence[Range]
    codec: Codec
    bytewise: bool
    least: int = 0

    @property
    def encoding(self) -> str:
        """Codec of the scanned bytes."""
        return self.codec.scanned

    def rows(self, data: bytes, *, cuts: int = -1) -> Rows:
        """Return the cells of each line that is not empty; ``cuts`` saves nothing here."""
        if not self.bytewise:
            try:
                return self._plain(data.decode(self.encoding))
            except UnicodeDecodeError:
                pass
        rows = Rows()
        for index, (start, end) in enumerate(self.spans(data)):
            cut = self.cells(data[start:end].decode(self.encoding, "surrogateescape"))
            rows.cells.append(cut.cells if cuts < 0 else cut.cells[: cuts + 1])
            if cut.code:
                rows.codes[index] = cut.code
        return rows

    def _plain(self, text: str) -> Rows:
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        lines = [line for line in text.split("\n") if line]
        places = [(one.start, one.end, one.number) for one in self.ranges]
        cells = [
            [
                line[start:end].strip(" ") if number else line[start:end].rstrip(" ")
                for start, end, number in places
            ]
            for line in lines
        ]
        for number, one in enumerate(self.ranges):
            if one.read is not None:
                for row in cells:
                    row[number] = self._read(row[number], one.read)
        short = {n: TOO_SHORT for n, line in enumerate(lines) if len(line) < self.least}
        return Rows(cells, short)

    def place(self, text: str, number: int) -> int | None:
        """Return where field ``number`` of a line begins; None if there is no such field."""
        places = self.cells(text).places
        return places[number] if number < len(places) else None

    def cells(self, text: str) -> Cut:
        """Cut one line into cells."""
        text = bare(text)
        if self.bytewise:
            return self._bytewise(text)
        cells = [
            _trimmed(text[one.start : one.end], number=one.number)
            if one.read is None
            else self._read(text[one.start : one.end], one.read)
            for one in self.ranges
        ]
        places = [one.start for one in self.ranges]
        wrong = self._lacking(len(text))
        code = TOO_SHORT if wrong >= 0 else ""
        if has_undecoded(text):
            code, wrong = "HX-1001", -1
        return Cut(cells, places, code, wrong)

    def _bytewise(self, text: str) -> Cut:
        data = self._source(text)
        cells: list[str] = []
        wrong = self._lacking(len(data))
        code = TOO_SHORT if wrong >= 0 else ""
        for number, one in enumerate(self.ranges):
            if one.read is not None:
                cells.append(one.read(data[one.start : one.end]))
                continue
            try:
                cell = data[one.start : one.end].decode(self.codec.name)
            except UnicodeDecodeError:
                cell = data[one.start : one.end].decode(self.codec.name, "replace")
                code, wrong = "HX-1001", number
            cells.append(_trimmed(cell, number=one.number))
        return Cut(cells, [self.column(data, one.start) for one in self.ranges], code, wrong)

    def _read(self, text: str, read: ReadBytes) -> str:
        return read(text.encode(self.codec.name, self.codec.errors))

    def _source(self, text: str) -> bytes:
        """Return the bytes of the file for a line."""
        return self.codec.source_bytes(text.encode(self.encoding, "surrogateescape"))

    def bytes_of(self, text: str) -> int:
        """Return how many bytes of the file a text is."""
        return len(self._source(text))

    def column(self, data: bytes, place: int) -> int:
        """Return how many characters stand before a byte of a line."""
        return len(data[:place].decode(self.codec.name, "replace"))

    def _lacking(self, length: int) -> int:
        """Return the first cell for which a line of this length is too short, -1 for none."""
        if length >= self.least:
            return -1
        return next(n for n, one in enumerate(self.ranges) if length < one.least)


def bare(text: str) -> str:
    """Return a line without its end."""
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _trimmed(cell: str, *, number: bool) -> str:
    return cell.strip(" ") if number else cell.rstrip(" ")


def lines_of(ranges: Sequence[Range], codec: Codec, *, bytewise: bool) -> FixedLines:
    """Return lines cut at these ranges."""
    least = max((one.least for one in ranges), default=0)
    return FixedLines(ranges, codec, bytewise, least)
