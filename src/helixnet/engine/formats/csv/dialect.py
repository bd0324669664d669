"""Where CSV records and cells end: the one tokenizer that the index and the reader share.

A quote opens a cell only as its first character; inside, ``""`` is a quote. Elsewhere a quote is
literal. All patterns are possessive, so that no input makes them go back: time is linear.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, count, pairwise
from operator import add
from typing import Final

from helixnet.engine.formats.csv.rows import bulk_cells, has_undecoded
from helixnet.engine.formats.line_rows import line_counts
from helixnet.engine.formats.row_format import Cut, Rows

_QUOTED: Final = rb'"[^"]*+(?:""[^"]*+)*+'


@dataclass(frozen=True, slots=True)
class Dialect:
    r"""One way to write CSV, ready to scan.

    Args:
        delimiter: one character.
        newline: ``\n`` (which takes a CR before it along) or ``\r``.
        encoding: codec of the scanned bytes.
        record: matches a whole record with its line end, else group 1 takes all the rest.
        records: matches all finished records from the beginning.
        closed: matches up to a quote that opens a cell and has no closing quote, else to the end.
        flat: matches up to the first quoted cell that has a line end in it or does not close.
        tidy: the same, and stops at any quote that does not open, close or stand doubled in a cell.
        opened: matches a record whose last cell is quoted and has no closing quote.
        cell: matches a cell of a record's text; groups: quoted body, what follows it, plain.
    """

    delimiter: str
    newline: str
    encoding: str
    record: re.Pattern[bytes]
    records: re.Pattern[bytes]
    closed: re.Pattern[bytes]
    flat: re.Pattern[bytes]
    tidy: re.Pattern[bytes]
    opened: re.Pattern[bytes]
    cell: re.Pattern[str]

    @property
    def end(self) -> bytes:
        """The byte that ends a line."""
        return self.newline.encode()

    def spans(self, data: bytes, *, final: bool = True) -> Iterator[tuple[int, int]]:
        """Yield start and end of each record of ``data``, blank lines left out.

        Args:
            data: begins with a record.
            final: nothing comes after ``data``; else an unfinished last record is not given.
        """
        blank = self._blank
        for match in self.record.finditer(data):
            start, end = match.span()
            if match.lastindex and not final:
                return
            if not data.startswith(blank, start) or data[start:end] not in blank:
                yield start, end

    def all_spans(self, data: bytes) -> list[tuple[int, int]]:
        """Return what :meth:`spans` yields for whole records, quickly where each is one line."""
        if self.blank_lines(data) or (b'"' in data and not _spans(self.flat, data, len(data))):
            return list(self.spans(data))
        return list(pairwise(line_starts(data, self.end)))

    def whole(self, data: bytes) -> int:
        """Return where the last finished record (or blank line) of ``data`` ends."""
        place = data.rfind(self.end)
        if b'"' not in data or place < 0 or _spans(self.closed, data, place):
            return place + 1
        match = self.records.match(data)
        return match.end() if match else 0

    def flat_whole(self, data: bytes) -> int:
        """Return what :meth:`whole` does where each record before it is one line, else -1."""
        return self._whole_lines(self.flat, data)

    def tidy_whole(self, data: bytes) -> int:
        """Return what :meth:`flat_whole` does if each quote is where quotes belong, else -1."""
        return self._whole_lines(self.tidy, data)

    def _whole_lines(self, pattern: re.Pattern[bytes], data: bytes) -> int:
        """Return where the last line ends if ``pattern`` matches all lines with quotes, else -1."""
        place = data.rfind(self.end)
        if b'"' not in data or place < 0 or _spans(pattern, data, place + 1):
            return place + 1
        return -1

    def counts(self, data: bytes, *, flat: bool = False) -> tuple[int, int]:
        """Count records and line ends in ``data``, which ends with a record or with the file.

        Args:
            data: begins with a record.
            flat: no record spans lines.
        """
        if not flat and b'"' in data and not _spans(self.flat, data, len(data)):
            return sum(1 for _ in self.spans(data)), data.count(self.end)
        return line_counts(data, self.end)

    def blank_lines(self, data: bytes) -> bool:
        """Tell whether some lines of ``data`` may be blank."""
        end = self.end
        if data.startswith((end, b"\r\n")) or end + end in data:
            return True
        return b"\r" in data and b"\n\r\n" in data

    def first_end(self, data: bytes, least: int) -> int:
        """Return the first end of a record in ``data`` that is not before ``least``."""
        if b'"' not in data:
            return data.find(self.end, max(least - 1, 0)) + 1 or len(data)
        for match in self.record.finditer(data):
            if match.end() >= least:
                return match.end()
        return len(data)

    def last_start(self, data: bytes, count: int) -> int:
        """Return where the last ``count`` records of ``data`` begin; 0 when it has no more."""
        if b'"' in data:
            return list(self.spans(data))[-count][0]
        place = len(data)
        while count and place:
            before = data.rfind(self.end, 0, place - 1) + 1
            count -= data[before:place] not in self._blank
            place = before
        return place

    def ends(self, data: bytes, start: int = 0, stop: int | None = None) -> int:
        """Count the line ends between two places."""
        return data.count(self.end, start, stop)

    def complete(self, data: bytes) -> bool:
        """Tell whether ``data`` ends with a line end."""
        return data.endswith(self.end)

    def runs_on(self, data: bytes) -> bool:
        """Tell whether ``data`` ends inside a quoted cell."""
        return self.opened.match(data) is not None

    def rows(self, data: bytes, *, cuts: int = -1) -> Rows:
        """Return the rows of ``data``, which holds whole records, blank lines left out.

        Args:
            data: scanned bytes.
            cuts: how many cells, if not all, have to be cut off each row.
        """
        try:
            text = data.decode(self.encoding)
        except UnicodeDecodeError:
            return self._one_by_one(data)
        cells = bulk_cells(text, self.delimiter, self.newline, cuts)
        return self._one_by_one(data) if cells is None else Rows(cells)

    def _one_by_one(self, data: bytes) -> Rows:
        rows = Rows()
        for index, (start, end) in enumerate(self.spans(data)):
            text = data[start:end].decode(self.encoding, "surrogateescape")
            cut = self.cells(text)
            rows.cells.append(cut.cells)
            if cut.code:
                rows.codes[index] = cut.code
            elif has_undecoded(text):
                rows.codes[index] = "HX-1001"
        return rows

    @property
    def _blank(self) -> tuple[bytes, ...]:
        return (b"\n", b"\r\n") if self.newline == "\n" else (b"\r",)

    def place(self, text: str, number: int) -> int | None:
        """Return where cell ``number`` of a record's text begins; None if it has no such cell."""
        if '"' not in text:
            parts = text.split(self.delimiter, number)
            return len(text) - len(parts[number]) if number < len(parts) else None
        place = 0
        for _ in range(number):
            if text.startswith('"', place):
                place = _closed(text, place) + 1
                if place == 0 or not text.startswith(self.delimiter, place):
                    places = self._quoted_cells(text).places  # not closed, or more than its quotes
                    return places[number] if number < len(places) else None
            else:
                place = text.find(self.delimiter, place)
            if place < 0:
                return None
            place += len(self.delimiter)
        return place

    def cells(self, text: str) -> Cut:
        """Cut one record's text into cells."""
        if '"' not in text:
            cells = text[: len(text) - self._tail(text)].split(self.delimiter)
            sizes = (len(cell) + len(self.delimiter) for cell in cells[:-1])
            return Cut(cells, list(accumulate(sizes, initial=0)), "", -1)
        return self._quoted_cells(text)

    def _quoted_cells(self, text: str) -> Cut:
        cells: list[str] = []
        places: list[int] = []
        code, wrong = "", -1
        pos, stop = 0, len(text) - self._tail(text)
        while True:
            match = self.cell.match(text, pos, stop)
            quoted, after, plain = match.groups() if match else (None, None, "")
            places.append(pos)
            pos = match.end() if match else stop
            if quoted is None:
                cells.append(plain or "")
            else:
                if after is None:  # never closed: it runs over the line end to the end of the file
                    cells.append(text[places[-1] + 1 :].replace('""', '"'))
                    return Cut(cells, places, "HX-1004", len(cells) - 1)
                if after and not code:
                    code, wrong = "HX-1003", len(cells)
                cells.append(quoted.replace('""', '"') + after)
            if pos >= stop:
                return Cut(cells, places, code, wrong)
            pos += 1

    def _tail(self, text: str) -> int:
        if not text.endswith(self.newline):
            return 0
        return 2 if self.newline == "\n" and text.endswith("\r\n") else 1


def _closed(text: str, place: int) -> int:
    """Return where the quote that opens at ``place`` is closed; -1 if nowhere."""
    place = text.find('"', place + 1)
    while place >= 0 and text.startswith('"', place + 1):
        place = text.find('"', place + 2)
    return place


def line_starts(data: bytes, end: bytes) -> list[int]:
    """Return where each line of ``data`` begins, and where the last one ends."""
    texts = data.split(end)
    if not texts[-1]:
        texts.pop()
    starts = list(map(add, accumulate(map(len, texts), initial=0), count()))
    starts[-1] = len(data)
    return starts


def _spans(pattern: re.Pattern[bytes], data: bytes, end: int) -> bool:
    match = pattern.match(data, 0, end)
    return match is not None and match.end() == end


class LineFeedWatch:
    """Looks for an LF outside quotes in a file whose lines may end with CR."""

    def __init__(self, delimiter: str, encoding: str, *, limit: int) -> None:
        mark = delimiter.encode(encoding)
        cell = _cell(_text(mark, b"\r\n"))
        self._cells = re.compile(b"(?:" + cell + b"(?:" + re.escape(mark) + rb"|\r))*+")
        self._cell = re.compile(cell)
        self._carry, self._limit = b"", limit

    def sees_one(self, block: bytes) -> bool:
        """Take the next bytes and return whether there is one up to their end."""
        data = self._carry + block
        cells = self._cells.match(data)
        begin = cells.end() if cells else 0
        last = self._cell.match(data, begin)
        self._carry = data[begin:] if len(data) - begin <= self._limit else b""
        return last is not None and data.startswith(b"\n", last.end())


def _text(mark: bytes, ends: bytes) -> bytes:
    """Match what is outside quotes up to the delimiter or a line end."""
    if len(mark) == 1:
        return b"[^" + re.escape(mark) + ends + b"]*+"
    first, rest = re.escape(mark[:1]), re.escape(mark[1:])
    return b"(?:[^" + first + ends + b"]|" + first + b"(?!" + rest + b"))*+"


def _cell(text: bytes) -> bytes:
    return b"(?:" + _QUOTED + b'"' + text + b'|(?!")' + text + b")"


def _runs(mark: bytes, end: bytes, quoted: bytes) -> bytes:
    """Match quoted cells and all between them, ten times as fast as cell by cell."""
    begin = rb"(?:\A|(?<=" + re.escape(mark) + b")|(?<=" + end + b"))"
    return rb'(?:[^"]++|' + begin + quoted + b'"|(?!' + begin + b')")*+'


def _neat_runs(mark: bytes, end: bytes, quoted: bytes) -> bytes:
    """Match the same, but only quotes that stand around a whole cell or doubled in one."""
    begin = rb"(?:\A|(?<=" + re.escape(mark) + b")|(?<=" + end + b"))"
    stop = b"(?=" + re.escape(mark) + b"|" + end + rb"|\r\n|\Z)"
    return rb'(?:[^"]++|' + begin + quoted + b'"' + stop + b")*+"


@lru_cache(maxsize=64)
def dialect_of(delimiter: str, newline: str, encoding: str) -> Dialect:
    """Compile the dialect of ``delimiter`` and ``newline`` for bytes in ``encoding``."""
    mark = delimiter.encode(encoding)
    end = newline.encode()
    cell = _cell(_text(mark, end))
    cells = cell + b"(?:" + re.escape(mark) + cell + b")*+"
    plain = f"[^{re.escape(delimiter)}]*+"
    one_line = _QUOTED.replace(b'[^"]', b'[^"' + end + b"]")
    return Dialect(
        delimiter=delimiter,
        newline=newline,
        encoding=encoding,
        record=re.compile(cells + end + b"|((?s:.+))"),
        records=re.compile(b"(?:" + cells + end + b")*+"),
        closed=re.compile(_runs(mark, end, _QUOTED)),
        flat=re.compile(_runs(mark, end, one_line)),
        tidy=re.compile(_neat_runs(mark, end, one_line)),
        opened=re.compile(b"(?:" + cell + re.escape(mark) + b")*+" + _QUOTED + rb"\Z"),
        cell=re.compile(rf'"([^"]*+(?:""[^"]*+)*+)(?:"({plain}))?|({plain})'),
    )
