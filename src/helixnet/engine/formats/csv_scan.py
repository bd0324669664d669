"""The sequential pass over a CSV file: header, record counts and part borders."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.formats.csv_dialect import dialect_of
from helixnet.engine.formats.csv_rows import keys_of, rows_of
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.parts import PartCutter
from helixnet.engine.formats.retyped import BEGINNING
from helixnet.engine.source import Part
from helixnet.errors import RefusedError

MAX_COLUMNS: Final = 10_000
_LONE_QUOTE: Final = re.compile(rb'(?<!")(?:"")*+"(?!")')


@dataclass(frozen=True, slots=True)
class CsvPlan:
    """What a scan needs of the contract.

    Args:
        delimiter: one character.
        encoding: codec of keys and header; Latin-1 where several may yet be chosen, because there
            equal bytes are equal keys.
        header: whether the first record is the header.
        by: the forms that the name of each grouping column may have; None without a group.
        names: forms of the column names when there is no header.
        limit: longest record (or group) in bytes.
        part_size: bytes after which a part ends at the next border.
    """

    delimiter: str
    encoding: str
    header: bool
    by: Sequence[frozenset[str]] | None
    names: Sequence[str]
    limit: int
    part_size: int


class CsvScan:
    r"""Scans one file for one codec and one line end, a block at a time.

    Args:
        codec: of the file; one of several that scan alike.
        plan: what to look for.
        newline: ``\n`` or ``\r``.
        start: length of the BOM.
    """

    def __init__(self, codec: Codec, plan: CsvPlan, *, newline: str, start: int) -> None:
        self._codec, self._plan = codec, plan
        self._dialect = dialect_of(plan.delimiter, newline, plan.encoding)
        self._cutter = PartCutter(start, line=1, size=plan.part_size)
        self._columns: list[int] = []
        self._carry = b""
        self._last_key: tuple[str, ...] | None = None
        self._group_size = 0
        self._endless: bytes | None = None  # in an open quote beyond the limit: quotes at its end
        self._wants_header = plan.header
        self.header_bytes = b""
        self.beginning = b""  # the first bytes of the rows
        self.header_end = start
        self.first_line_end = ""
        self.failure: RefusedError | None = None

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
        whole = self._dialect.flat_whole(data)
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
            if not self._dialect.opened.match(data):
                raise self._too_long("record")
            self._take(data)
            self._carry, self._endless = b"", b""

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
            self._take(self._carry)
        return self._cutter.finish(size)

    def _take(self, data: bytes, *, flat: bool = False) -> None:
        """Account for whole records; ``flat``: each is one line."""
        if self._wants_header:
            data = self._take_header(data)
        elif self._plan.by is not None and not self._columns:
            self._settle(list(self._plan.names))
        self.beginning += data[: BEGINNING - len(self.beginning)]
        if self._plan.by is None:
            self._take_records(data, flat=flat)
        elif data:
            self._take_groups(data)

    def _take_header(self, data: bytes) -> bytes:
        end = len(data)
        for start, stop in self._dialect.spans(data):
            self.header_bytes, end = data[start:stop], stop
            self._wants_header = False
            break
        self._add(data[:end], records=0)
        if not self._wants_header:
            rows = rows_of(self.header_bytes, self._dialect)
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
        for forms in self._plan.by or ():
            column = next((i for i, name in enumerate(names) if name in forms), None)
            if column is None:
                raise RefusedError(
                    f"the file has no column {min(forms)!r}, by which it is grouped",
                    code="HX-5002",
                    hint="correct the header of the file, or `group.by`",
                )
            self._columns.append(column)

    def _take_records(self, data: bytes, *, flat: bool) -> None:
        while data:
            if self._cutter.wanted <= 0:
                self._cutter.cut()
            wanted = max(self._cutter.wanted, 1)
            border = len(data) if wanted > len(data) else self._dialect.first_end(data, wanted)
            self._add(data[:border], records=self._dialect.count(data[:border], flat=flat))
            data = data[border:]

    def _take_groups(self, data: bytes) -> None:
        cuts = max(self._columns) + 1
        keys = keys_of(rows_of(data, self._dialect, cuts=cuts), self._columns)
        begins = [
            key is None or key != last
            for last, key in zip([self._last_key, *keys], keys, strict=False)
        ]
        self._last_key = keys[-1] if keys else self._last_key
        self._group_size = len(data) + (0 if any(begins) else self._group_size)
        if self._group_size > self._plan.limit:
            raise self._too_long("group")
        done = groups = 0
        if self._cutter.wanted <= len(data):
            for (start, _), new in zip(self._dialect.spans(data), begins, strict=True):
                if new and start - done >= self._cutter.wanted:
                    self._add(data[done:start], records=groups)
                    self._cutter.cut()
                    done, groups = start, 0
                groups += new
            self._add(data[done:], records=groups)
        else:
            self._add(data, records=sum(begins))

    def _add(self, data: bytes, *, records: int) -> None:
        self._cutter.add(
            len(data),
            length=self._codec.source_length(data),
            records=records,
            lines=data.count(self._dialect.end),
        )

    def _too_long(self, what: str) -> RefusedError:
        return RefusedError(
            f"line {self._cutter.line}: a {what} is longer than {self._plan.limit} bytes",
            code="HX-6001",
            hint="look for a lost line break or quote",
        )
