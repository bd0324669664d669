"""Settles codec, delimiter, line end, header and drift of a CSV file in one pass."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.context.model import Group, Source
from helixnet.engine.context.problems import near
from helixnet.engine.formats.csv.dialect import LineFeedWatch, dialect_of
from helixnet.engine.formats.csv.scan import CsvPlan, CsvScan
from helixnet.engine.formats.drift import Drift, missing_field, unknown_field
from helixnet.engine.formats.encoding import NEL, Codec, Transcoder
from helixnet.engine.formats.markers import Wanted
from helixnet.engine.formats.records.layout import csv_columns
from helixnet.engine.formats.records.once import once_lines
from helixnet.engine.formats.records.types import name_forms
from helixnet.engine.formats.retyped import BEGINNING, retyped_columns
from helixnet.engine.formats.scan import Facts
from helixnet.errors import RefusedError

_SNIFFED: Final = (",", ";", "\t", "|")
_SAMPLE: Final = 64 * 1024
_SAMPLE_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class CsvContract:
    """What the pass is told.

    Args:
        source: the contract.
        group: None = each row is a record.
        used: columns that the mapping reads; None = any.
        part_size: bytes after which a part ends at the next border.
    """

    source: Source
    group: Group | None
    used: Collection[str] | None
    part_size: int


class CsvIndex:
    """The scans for codecs that read delimiters, quotes and line ends from the same bytes.

    Until the first LF outside quotes it is open whether CR ends a line, so both are scanned.
    """

    def __init__(
        self, codecs: Sequence[Codec], contract: CsvContract, *, delimiter: str, start: int
    ) -> None:
        self.codecs = codecs
        self._contract, self._delimiter = contract, delimiter
        self._transcoder = Transcoder(codecs[0])
        encoding = "latin-1" if len(codecs) > 1 else codecs[0].scanned
        plan = scan_plan(codecs, contract, encoding)
        lf, cr = (dialect_of(delimiter, newline, encoding) for newline in ("\n", "\r"))
        self._lf = CsvScan(codecs[0], plan, rows=lf, start=start)
        self._cr: CsvScan | None = CsvScan(codecs[0], plan, rows=cr, start=start)
        self._watch = LineFeedWatch(
            delimiter, codecs[0].scanned, limit=contract.source.max_record_bytes
        )

    def feed(self, block: bytes, *, final: bool) -> None:
        """Scan the next block of the file."""
        data = self._transcoder.feed(block, final=final)
        self._lf.feed(data)
        if self._cr is not None and self._watch.sees_one(data):
            self._cr = None
        elif self._cr is not None:
            self._cr.feed(data)

    def finish(self, size: int, codec: Codec) -> Facts:
        """Finish the scan that holds, and read the header with the codec that was chosen.

        Raises:
            RefusedError: HX-5002, HX-6001, HX-6002.
        """
        scan = self._cr if self._cr is not None and self._cr.has_line_end else self._lf
        parts = scan.finish(size)
        source, used = self._contract.source, self._contract.used
        header: Sequence[str] = list(source.fields or ())
        if source.header:
            newline = "\r" if scan.first_line_end == "\r" else "\n"
            header = _header(scan.header_bytes, codec, self._delimiter, newline)
        rows = list(self._first_rows(scan, codec, header)) if source.fields else []
        drift = column_drift(header, source, used, rows) if source.header and header else []
        once = once_lines(source, scan.once, codec, size)
        if source.records:
            _ = csv_columns(source, header) if header or not source.header else None
        elif source.fields:
            drift += retyped_columns(source, rows)
        drift = [*drift, *scan.parted(codec)]
        newline = NEL if codec.nel else scan.first_line_end or "\n"
        return Facts(newline, scan.header_end, parts, header, drift, once, tidy=scan.tidy)

    def _first_rows(
        self, scan: CsvScan, codec: Codec, header: Sequence[str]
    ) -> Iterator[Mapping[str, object]]:
        """Yield the whole rows at the beginning of the file that fit the header."""
        newline = "\r" if scan is self._cr else "\n"
        dialect, data = dialect_of(self._delimiter, newline, codec.scanned), scan.beginning
        if len(data) == BEGINNING:
            data = data[: dialect.whole(data)]
        for cells in dialect.rows(data).cells:
            if len(cells) == len(header):
                yield dict(zip(reversed(header), reversed(cells), strict=True))


def scan_plan(codecs: Sequence[Codec], contract: CsvContract, encoding: str) -> CsvPlan:
    """Return what a scan needs of a contract.

    Args:
        codecs: candidates that scan alike.
        contract: what the pass is told.
        encoding: in which scanned bytes are read.
    """
    source = contract.source
    return CsvPlan(
        header=source.header and source.headed,
        marking=Wanted(source, contract.group, codecs, encoding).marker,
        names=[min(name_forms(name, codecs, encoding)) for name in source.fields or ()],
        limit=source.max_record_bytes,
        part_size=contract.part_size,
    )


def _header(data: bytes, codec: Codec, delimiter: str, newline: str) -> Sequence[str]:
    if not data:
        return []
    rows = dialect_of(delimiter, newline, codec.scanned).rows(data)
    if rows.codes:
        raise RefusedError(
            f"the header does not decode as {codec.name}",
            code="HX-5002",
            hint="name the right encoding in `source.encoding`",
        )
    return rows.cells[0]


def column_drift(
    header: Sequence[str],
    source: Source,
    used: Collection[str] | None,
    rows: Sequence[Mapping[str, object]],
) -> list[Drift]:
    """Return how a header differs from what is declared.

    Args:
        header: names of the columns.
        source: the contract.
        used: columns that the mapping reads; None = any.
        rows: the first ones, by column.

    Raises:
        RefusedError: HX-5002 a column that is read stands twice, or is not there.
    """
    doubled = sorted({name for name in header if header.count(name) > 1})
    for name in doubled:
        if used is None or name in used:
            raise RefusedError(
                f"the header has the column {name!r} twice",
                code="HX-5002",
                hint="which one is meant can't be known: rename one",
            )
    drift = [Drift(f"column {name!r} stands twice in the header") for name in doubled]
    if source.records is not None:
        return drift
    if source.fields is None:
        _refuse_missing(header, used or ())
        return drift
    names, present = [n for n in dict.fromkeys(header) if n not in source.fields], set(header)
    drift += [unknown_field("column", name, [row[name] for row in rows], source) for name in names]
    return drift + [missing_field("column", n, used) for n in source.fields if n not in present]


def _refuse_missing(header: Sequence[str], used: Collection[str]) -> None:
    """Refuse a file without a column that is read, where the header alone declares columns."""
    missing = sorted(set(used) - set(header))
    if not missing:
        return
    hints = {name: near(name, header) for name in missing}
    if len(missing) > 1:
        hints = {name: hint and f"{name!r}: {hint}" for name, hint in hints.items()}
    if len(header) == 1 and all(name in header[0] for name in missing):
        hints = {"": "the first line was read as one column: correct `source.delimiter`"}
    names = ", ".join(map(repr, missing))
    raise RefusedError(
        f"the header lacks {names}, which the mapping reads",
        code="HX-5002",
        hint=" ".join(filter(None, hints.values())) or "correct the header or the context",
    )


def sniff(head: bytes, codec: Codec) -> str:
    """Guess the delimiter: what cuts the first records most evenly, a comma if nothing does."""
    data = Transcoder(codec).feed(head[:_SAMPLE])
    newline = "\n" if b"\n" in data else "\r"
    best, best_score = ",", (0.0, 0)
    for delimiter in _SNIFFED:
        dialect = dialect_of(delimiter, newline, codec.scanned)
        ends = [span for span, _ in zip(dialect.spans(data), range(_SAMPLE_ROWS), strict=False)]
        if len(ends) > 1 and len(data) == _SAMPLE:
            ends.pop()
        widths = [len(dialect.rows(data[start:end]).cells[0]) for start, end in ends]
        if not widths or widths[0] == 1:
            continue
        score = (widths.count(widths[0]) / len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best
