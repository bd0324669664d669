"""Settles codec, delimiter, line end, header and drift of a CSV file in one pass."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.context.model import Group, Source
from helixnet.engine.formats.csv_dialect import dialect_of
from helixnet.engine.formats.csv_rows import rows_of
from helixnet.engine.formats.csv_scan import CsvPlan, CsvScan
from helixnet.engine.formats.encoding import Codec, Transcoder
from helixnet.engine.source import Part
from helixnet.errors import RefusedError

_SNIFFED: Final = (",", ";", "\t", "|")
_SAMPLE: Final = 64 * 1024
_SAMPLE_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class CsvFacts:
    """What the pass found, for one codec."""

    newline: str
    header: Sequence[str]
    header_end: int
    drift: Sequence[str]
    parts: Sequence[Part]


class CsvFamily:
    """The scans for codecs that read delimiters, quotes and line ends from the same bytes.

    Until the first LF outside quotes it is open whether CR ends a line, so both are scanned.
    """

    def __init__(self, codecs: Sequence[Codec], plan: CsvPlan, start: int) -> None:
        self.codecs = codecs
        self._transcoder = Transcoder(codecs[0])
        self._lf = CsvScan(codecs[0], plan, newline="\n", start=start)
        self._cr: CsvScan | None = CsvScan(codecs[0], plan, newline="\r", start=start)

    def feed(self, block: bytes, *, final: bool = False) -> None:
        """Scan the next block of the file."""
        data = self._transcoder.feed(block, final=final)
        self._lf.feed(data)
        if self._lf.has_line_end:
            self._cr = None
        elif self._cr is not None:
            self._cr.feed(data)

    def finish(self, size: int) -> tuple[CsvScan, Sequence[Part]]:
        """Return the scan that holds, and its parts."""
        scan = self._cr if self._cr is not None and self._cr.has_line_end else self._lf
        return scan, scan.finish(size)


def families_of(
    codecs: Sequence[Codec], source: Source, delimiter: str, *, group: Group | None, part_size: int
) -> list[tuple[Sequence[Codec], CsvPlan]]:
    """Sort the candidate codecs by how their bytes are scanned."""
    shared = [codec for codec in codecs if codec.direct and delimiter.isascii()]
    alone = [[codec] for codec in codecs if codec not in shared]
    families: list[tuple[Sequence[Codec], CsvPlan]] = []
    for family in [shared, *alone] if shared else alone:
        encoding = "latin-1" if family is shared else family[0].scanned
        plan = CsvPlan(
            delimiter=delimiter,
            encoding=encoding,
            header=source.header,
            by=None if group is None else [_forms(name, family, encoding) for name in group.by],
            names=[min(_forms(name, family, encoding)) for name in source.fields or ()],
            limit=source.max_record_bytes,
            part_size=part_size,
        )
        families.append((family, plan))
    return families


def _forms(name: str, codecs: Sequence[Codec], encoding: str) -> frozenset[str]:
    """Return how ``name`` may look in scanned bytes that are read as ``encoding``."""
    forms = {name.encode(codec.scanned, "replace").decode(encoding, "replace") for codec in codecs}
    return frozenset(forms)


def csv_facts(
    family: CsvFamily,
    codec: Codec,
    source: Source,
    *,
    delimiter: str,
    used: Collection[str] | None,
    size: int,
) -> CsvFacts:
    """Finish the scan and read the header with the codec that was chosen.

    Raises:
        RefusedError: HX-5002, HX-6001, HX-6002; HX-5003 for drift with ``on_drift: fail``.
    """
    scan, parts = family.finish(size)
    header: Sequence[str] = list(source.fields or ())
    drift: list[str] = []
    if source.header:
        newline = "\r" if scan.first_line_end == "\r" else "\n"
        header = _header(scan.header_bytes, codec, delimiter, newline)
        drift = _drift(header, source, used) if header else []
    if drift and source.on_drift == "fail":
        raise RefusedError("; ".join(drift), code="HX-5003", hint="set `on_drift` to go on")
    return CsvFacts(scan.first_line_end or "\n", header, scan.header_end, drift, parts)


def _header(data: bytes, codec: Codec, delimiter: str, newline: str) -> Sequence[str]:
    if not data:
        return []
    rows = rows_of(data, dialect_of(delimiter, newline, codec.scanned))
    if rows.codes:
        raise RefusedError(
            f"the header does not decode as {codec.name}",
            code="HX-5002",
            hint="name the right encoding in `source.encoding`",
        )
    return rows.cells[0]


def _drift(header: Sequence[str], source: Source, used: Collection[str] | None) -> list[str]:
    doubled = sorted({name for name in header if header.count(name) > 1})
    for name in doubled:
        if used is None or name in used:
            raise RefusedError(
                f"the header has the column {name!r} twice",
                code="HX-5002",
                hint="which one is meant can't be known: rename one",
            )
    drift = [f"column {name!r} stands twice in the header" for name in doubled]
    if source.fields is not None:
        known, present = set(source.fields), set(header)
        drift += [f"unknown column {name!r}" for name in dict.fromkeys(header) if name not in known]
        drift += [f"missing column {name!r}" for name in source.fields if name not in present]
    return drift


def sniff(head: bytes, codec: Codec) -> str:
    """Guess the delimiter: the one that cuts the first records most evenly, a comma if none does."""
    data = Transcoder(codec).feed(head[:_SAMPLE])
    newline = "\n" if b"\n" in data else "\r"
    best, best_score = ",", (0.0, 0)
    for delimiter in _SNIFFED:
        dialect = dialect_of(delimiter, newline, codec.scanned)
        ends = [span for span, _ in zip(dialect.spans(data), range(_SAMPLE_ROWS), strict=False)]
        if len(ends) > 1 and len(data) == _SAMPLE:
            ends.pop()
        widths = [len(rows_of(data[start:end], dialect).cells[0]) for start, end in ends]
        if not widths or widths[0] == 1:
            continue
        score = (widths.count(widths[0]) / len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best
