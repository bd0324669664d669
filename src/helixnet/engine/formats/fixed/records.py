"""Records without line ends, whose fields stand at fixed bytes: what mainframes write.

They are rows as lines are (:class:`~helixnet.engine.formats.row_format.RowFormat`); the number of a
record stands for that of its line. Blanks and NUL bytes at the end of a text are padding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.context.model import RecordLength, Source
from helixnet.engine.formats.encoding import Codec, byte_codec
from helixnet.engine.formats.fixed.framing import BlockedWords, Blocks, Framing, Words
from helixnet.engine.formats.fixed.lines import TOO_SHORT, Range
from helixnet.engine.formats.row_format import Cut, Rows

PADDING: Final = " \0"


@dataclass(frozen=True, slots=True)
class FixedRecords:
    """Records cut at fixed bytes.

    Args:
        framing: where they begin.
        codec: of their texts.
        encoding: codec of one byte a character in which any record can be a text.
    """

    framing: Framing
    codec: Codec
    encoding: str
    ranges: Sequence[Range]
    least: int = 0

    @property
    def newline(self) -> str:
        """There is none."""
        return ""

    @property
    def end(self) -> bytes:
        """There is none."""
        return b""

    def spans(self, data: bytes, *, final: bool = True) -> Iterator[tuple[int, int]]:
        """Yield start and end of each record."""
        yield from self.framing.spans(data, final=final)

    def all_spans(self, data: bytes) -> list[tuple[int, int]]:
        """Return start and end of each record."""
        return list(self.framing.spans(data, final=True))

    def whole(self, data: bytes) -> int:
        """Return where the last whole record ends."""
        return self.framing.whole(data)

    def flat_whole(self, data: bytes) -> int:
        """Return where the last whole record ends."""
        return self.framing.whole(data)

    def tidy_whole(self, data: bytes) -> int:
        """Return where the last whole record ends: a quote is a byte as any other."""
        return self.framing.whole(data)

    def counts(self, data: bytes, *, flat: bool = True) -> tuple[int, int]:
        """Count the records, which are their own ends."""
        del flat  # they are in any case
        count = self.framing.count(data)
        return count, count

    def ends(self, data: bytes, start: int = 0, stop: int | None = None) -> int:
        """Count the records between two places where one begins."""
        return self.framing.count(data[start:stop])

    def complete(self, data: bytes) -> bool:
        """Tell whether the last record of ``data`` is whole."""
        return self.framing.whole(data) == len(data)

    def first_end(self, data: bytes, least: int) -> int:
        """Return the first end of a record that is not before ``least``."""
        return self.framing.first_end(data, least)

    def last_start(self, data: bytes, count: int) -> int:
        """Return where the last ``count`` records begin."""
        return self.framing.last_start(data, count)

    def runs_on(self, data: bytes) -> bool:
        """No cell is longer than its record."""
        return not data

    def rows(self, data: bytes, *, cuts: int = -1) -> Rows:
        """Return the cells of each record; ``cuts`` saves nothing here."""
        rows, done = self._plain(data), 0
        if rows.cells and isinstance(self.framing, Blocks):
            done = len(rows.cells) * self.framing.size
        spans = self.framing.spans(data[done:], final=True) if done < len(data) else ()
        for index, (start, end) in enumerate(spans, len(rows.cells)):
            cut = self.cut(data[done + start : done + end])
            rows.cells.append(cut.cells)
            if cut.code:
                rows.codes[index] = cut.code
        if cuts >= 0:
            rows.cells = [cells[: cuts + 1] for cells in rows.cells]
        return rows

    def _plain(self, data: bytes) -> Rows:
        """Return the cells of whole records of one length, where each byte is a character."""
        framing, name = self.framing, self.codec.name
        if not isinstance(framing, Blocks) or framing.end or self.encoding != name:
            return Rows()
        if not self.ranges or self.least > framing.size:
            return Rows()
        starts = range(0, framing.whole(data), framing.size)
        text = data.decode(name)
        columns: list[list[str]] = []
        for start, end, _, number, read in self.ranges:
            if read is not None:
                columns.append([read(data[at + start : at + end]) for at in starts])
                continue
            cells = [text[at + start : at + end].rstrip(PADDING) for at in starts]
            columns.append([cell.lstrip(PADDING) for cell in cells] if number else cells)
        return Rows(list(map(list, zip(*columns, strict=True))))

    def place(self, text: str, number: int) -> int | None:
        """Return how many bytes of a record stand before field ``number``."""
        del text
        return self.ranges[number].start if number < len(self.ranges) else None

    def cells(self, text: str) -> Cut:
        """Cut one record into cells."""
        return self.cut(text.encode(self.encoding, "surrogateescape"))

    def cut(self, record: bytes) -> Cut:
        """Cut one record into cells."""
        body, name = self.framing.body(record), self.codec.name
        code, wrong = self.framing.fault(record), -1
        try:
            cells = [
                self._text(body[one.start : one.end].decode(name), one)
                if one.read is None
                else one.read(body[one.start : one.end])
                for one in self.ranges
            ]
        except UnicodeDecodeError:
            cells, bad = self._replaced(body)
            code, wrong = (code, wrong) if code else ("HX-1001", bad)
        if not code and len(body) < self.least:
            code = TOO_SHORT
            wrong = next(n for n, one in enumerate(self.ranges) if len(body) < one.least)
        return Cut(cells, [one.start for one in self.ranges], code, wrong)

    def _replaced(self, body: bytes) -> tuple[list[str], int]:
        """Return the cells with U+FFFD for what does not decode, and the first such cell."""
        cells: list[str] = []
        bad = -1
        for number, one in enumerate(self.ranges):
            data = body[one.start : one.end]
            if one.read is not None:
                cells.append(one.read(data))
                continue
            text = data.decode(self.codec.name, "replace")
            if bad < 0 and "\ufffd" in text:
                bad = number
            cells.append(self._text(text, one))
        return cells, bad

    @staticmethod
    def _text(text: str, cell: Range) -> str:
        return text.strip(PADDING) if cell.number else text.rstrip(PADDING)


def framing_of(length: RecordLength) -> Framing:
    """Return what finds the records of a contract."""
    match length.prefix:
        case "":
            return Blocks(length.size, length.end)
        case "bdw":
            return BlockedWords()
        case _:
            return Words(length.little, length.own)


def records_of(source: Source, codec: Codec, ranges: Sequence[Range]) -> FixedRecords:
    """Return the records of a contract with ``record_length``, cut at these ranges."""
    least = max((one.least for one in ranges), default=0)
    framing = framing_of(source.record_length or RecordLength())
    return FixedRecords(framing, codec, byte_codec(codec), ranges, least)
