"""The sequential pass over rows, of CSV or fixed-width: header, record counts, part borders."""

import re
from bisect import bisect_left
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from helixnet.engine.formats.drift import Drift, parted_group
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.fixed.framing import FramingError
from helixnet.engine.formats.markers import Marker, Marking, Marks
from helixnet.engine.formats.parts import PartCutter
from helixnet.engine.formats.retyped import BEGINNING
from helixnet.engine.formats.row_format import RowFormat
from helixnet.engine.source import Part
from helixnet.errors import RefusedError

MAX_COLUMNS: Final = 10_000
MOST_ONCE: Final = 64 * 1024  # bytes of a line that stands once: it travels with every part
_LONE_QUOTE: Final = re.compile(rb'(?<!")(?:"")*+"(?!")')


@dataclass(frozen=True, slots=True)
class CsvPlan:
    """What a scan needs of the contract.

    Args:
        header: whether the first record is the header.
        marking: says where records begin, by the names of the columns; its texts are Latin-1 where
            several codecs may yet be chosen, because there equal bytes are equal keys.
        names: forms of the column names when there is no header.
        limit: longest record (or group) in bytes.
        part_size: bytes after which a part ends at the next border.
        watch: told of whole rows, with the number of their first line.
    """

    header: bool
    marking: Marking
    names: Sequence[str]
    limit: int
    part_size: int
    watch: Callable[[bytes, int], None] | None = None


class Once(NamedTuple):
    """A line of a type that stands once: its place, and its scanned bytes."""

    line: int
    byte: int
    data: bytes


class CsvScan:
    r"""Scans one file for one codec and one line end, a block at a time.

    Args:
        codec: of the file; one of several that scan alike.
        plan: what to look for.
        rows: where they end.
        start: length of the BOM.
    """

    def __init__(self, codec: Codec, plan: CsvPlan, *, rows: RowFormat, start: int) -> None:
        self._codec, self._plan = codec, plan
        self._dialect = rows
        self._cutter = PartCutter(start, line=1, size=plan.part_size)
        self._settled = False
        self._marker: Marker | None = None
        self._carry = b""
        self._group_size = 0
        self._endless: bytes | None = None  # in an open quote beyond the limit: quotes at its end
        self._wants_header = plan.header
        self.tidy = True  # so far: each record is one line, each quote where quotes belong
        self.header_bytes = b""
        self.beginning = b""  # the first bytes of the rows
        self.header_end = start
        self.first_line_end = ""
        self.once: dict[str, Once] = {}
        self.failure: RefusedError | None = None

    def parted(self, codec: Codec) -> list[Drift]:
        """Return the drift of a key whose lines stand apart though neighbours make a record."""
        again = self._marker.again if self._marker is not None else ()
        key = " ".join(part.decode(codec.scanned, "replace") for part in again)
        return [parted_group(key)] if again else []

    @property
    def has_line_end(self) -> bool:
        """Whether a line end of this kind stood outside quotes."""
        return bool(self.first_line_end)

    def feed(self, block: bytes) -> None:
        """Scan the next block."""
        if self.failure is None:
            try:
                self._feed(block)
            except RefusedError as failure:
                self.failure, self._carry = failure, b""

    def _feed(self, block: bytes) -> None:
        if self._endless is not None:
            self._run_on(self._endless + block)
            return
        data = self._carry + block if self._carry else block
        with self._framed():
            whole = self._dialect.tidy_whole(data)
            if whole < 0:
                self.tidy, whole = False, self._dialect.flat_whole(data)
        flat = whole >= 0
        if not flat:
            whole = self._dialect.whole(data)
        if whole:
            if not self.first_line_end:
                end = self._dialect.first_end(data, 1)
                crlf = data[:end].endswith(b"\r\n")
                self.first_line_end = "\r\n" if crlf else self._dialect.newline
            self._take(data[:whole], flat=flat)
            data = data[whole:]
        self._carry = data
        if len(data) > self._plan.limit:
            if not self._dialect.runs_on(data):
                raise self._too_long("record")
            self._take(data)
            self.tidy, self._carry, self._endless = False, b"", b""

    @contextmanager
    def _framed(self) -> Generator[None]:
        """Say where a length is wrong that stands at or behind what was taken last."""
        try:
            yield
        except FramingError as error:
            record, byte = self._cutter.line + error.before, self._cutter.offset + error.at
            raise RefusedError(
                f"record {record} at byte {byte}: {error}",
                code="HX-5021",
                hint="send the file in binary, with the lengths of its records; else correct "
                "`record_length`",
            ) from error

    def _run_on(self, data: bytes) -> None:
        """Follow a quoted cell beyond the limit: it is refused if it ends, else to the end."""
        rest = data.rstrip(b'"')
        self._endless = data[len(rest) :]
        if _LONE_QUOTE.search(rest):
            raise self._too_long("record")
        self._add(rest, records=0)

    def finish(self, size: int) -> tuple[Part, ...]:
        """Return the parts of the file of ``size`` bytes.

        Raises:
            RefusedError: HX-6001 a record is too long; HX-5002, HX-6002 the header is not usable.
        """
        if self.failure is not None:
            raise self.failure
        if self._endless is not None and len(self._endless) % 2:
            raise self._too_long("record")
        if self._carry:
            self.tidy = self.tidy and b'"' not in self._carry  # nobody has looked at its quotes
            with self._framed():
                self._take(self._carry)
        if self._marker is not None:
            self._add(b"", records=self._marker.left())
        return self._cutter.finish(size)

    def _take(self, data: bytes, *, flat: bool = False) -> None:
        """Account for whole records; ``flat``: each is one line."""
        if self._wants_header:
            data = self._take_header(data)
        elif not self._settled:
            self._settle(list(self._plan.names))
        if self._plan.watch is not None:
            self._plan.watch(data, self._cutter.line)
        self.beginning += data[: BEGINNING - len(self.beginning)]
        if self._marker is None:
            self._take_records(data, flat=flat)
        elif data:
            self._take_marked(data, self._marker, flat=flat)

    def _take_header(self, data: bytes) -> bytes:
        end = len(data)
        for start, stop in self._dialect.spans(data):
            self.header_bytes, end = data[start:stop], stop
            self._wants_header = False
            break
        self._add(data[:end], records=0)
        if not self._wants_header:
            rows = self._dialect.rows(self.header_bytes)
            if rows.codes:
                raise RefusedError(
                    f"line {self._cutter.line}: the header has a broken quote", code="HX-5002"
                )
            self._settle(rows.cells[0])
        self.header_end = self._cutter.offset
        self._cutter = PartCutter(
            self.header_end, line=self._cutter.line, size=self._plan.part_size
        )
        return data[end:]

    def _settle(self, names: list[str]) -> None:
        """Find the columns once the header is known."""
        if len(names) > MAX_COLUMNS:
            raise RefusedError(
                f"the first line has {len(names)} columns, more than {MAX_COLUMNS}",
                code="HX-6002",
                hint="check the delimiter",
            )
        self._settled = True
        self._marker = self._plan.marking(names)

    def _take_records(self, data: bytes, *, flat: bool) -> None:
        while data:
            if self._cutter.wanted <= 0:
                self._cutter.cut()
            wanted = max(self._cutter.wanted, 1)
            border = len(data) if wanted > len(data) else self._dialect.first_end(data, wanted)
            records, lines = self._dialect.counts(data[:border], flat=flat)
            self._add(data[:border], records=records, lines=lines)
            data = data[border:]

    def _take_marked(self, data: bytes, marker: Marker, *, flat: bool) -> None:
        """Account for records that may be several rows, or that may not be cut anywhere."""
        starts = marker.starts(data, self._dialect) if flat else None
        if starts is not None:
            self._cut_at(data, starts)
            return
        marks = marker.mark(self._dialect.rows(data, cuts=marker.width))
        if marks.records is None:
            self._cut_marked(data, marks)
        else:
            self._add(data, records=marks.records)

    def _cut_at(self, data: bytes, starts: Sequence[int]) -> None:
        """Account for lines in which records begin at ``starts``."""
        ends = [*starts, len(data)]
        longest = max((end - start for start, end in pairwise(ends)), default=0)
        if max(self._group_size + ends[0], longest) > self._plan.limit:
            raise self._too_long("record of several rows")
        self._group_size = ends[-1] - ends[-2] if starts else self._group_size + len(data)
        done = records = 0
        number = bisect_left(starts, self._cutter.wanted)
        while number < len(starts):
            self._add(data[done : starts[number]], records=number - records)
            self._cutter.cut()
            done, records = starts[number], number
            number = bisect_left(starts, done + self._cutter.wanted, number + 1)
        self._add(data[done:], records=len(starts) - records)

    def _cut_marked(self, data: bytes, marks: Marks) -> None:
        begins = marks.begins
        self._measure(data, begins)
        if not marks.open:
            self._group_size = 0
        if marks.once:
            spans = self._dialect.all_spans(data)
            self._note_once(data, [(spans[number], name) for number, name in marks.once])
        done = records = 0
        if self._cutter.wanted <= len(data):
            spans = self._dialect.spans(data)
            for (start, _), new, cut in zip(spans, begins, marks.cuts, strict=True):
                if cut and start - done >= self._cutter.wanted:
                    self._add(data[done:start], records=records)
                    self._cutter.cut()
                    done, records = start, 0
                records += new
            self._add(data[done:], records=records)
        else:
            self._add(data, records=sum(begins))

    def _measure(self, data: bytes, begins: Sequence[bool]) -> None:
        """Refuse a file with a record of several rows that is too long."""
        size = self._group_size
        if size + len(data) <= self._plan.limit:
            self._group_size = len(data) + (0 if any(begins) else size)
            return
        # Only now it pays to look where each record begins.
        for (start, end), new in zip(self._dialect.spans(data), begins, strict=True):
            size = end - start + (0 if new else size)
            if size > self._plan.limit:
                raise self._too_long("record of several rows")
        self._group_size = size

    def _note_once(self, data: bytes, found: Sequence[tuple[tuple[int, int], str]]) -> None:
        """Remember the lines that stand once, before the lines around them are counted."""
        for (start, end), name in found:
            line = self._cutter.line + self._dialect.ends(data, 0, start)
            before = self.once.get(name)
            if before is not None:
                raise RefusedError(
                    f"line {line}: the record {name!r} stands once in a file, and stands in line"
                    f" {before.line} already",
                    code="HX-5020",
                    hint="have the sender correct the file",
                )
            if end - start > MOST_ONCE:
                raise self._too_long(f"record {name!r}")
            byte = self._cutter.offset + self._codec.source_length(data, start)
            self.once[name] = Once(line, byte, data[start:end])

    def _add(self, data: bytes, *, records: int, lines: int = -1) -> None:
        self._cutter.add(
            len(data),
            length=self._codec.source_length(data),
            records=records,
            lines=self._dialect.ends(data) if lines < 0 else lines,
        )

    def _too_long(self, what: str) -> RefusedError:
        return RefusedError(
            f"line {self._cutter.line}: a {what} is longer than {self._plan.limit} bytes",
            code="HX-6001",
            hint="look for a lost line break or quote",
        )
