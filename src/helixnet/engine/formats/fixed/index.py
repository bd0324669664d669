"""Settles records, parts and drift of a fixed-width file in one pass."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from helixnet.engine.context.model import Field, Place, Source
from helixnet.engine.formats.csv.index import CsvContract, scan_plan
from helixnet.engine.formats.csv.scan import CsvScan
from helixnet.engine.formats.drift import Drift
from helixnet.engine.formats.encoding import NEL, Codec, Transcoder
from helixnet.engine.formats.fixed.lines import FixedLines, bare
from helixnet.engine.formats.fixed.rows import fixed_rows
from helixnet.engine.formats.markers import Wanted
from helixnet.engine.formats.records.layout import telling_lines
from helixnet.engine.formats.records.once import once_lines
from helixnet.engine.formats.records.types import forms_of
from helixnet.engine.formats.retyped import BEGINNING, retyped_columns
from helixnet.engine.formats.scan import Facts

_ROWS: Final = ""


class FixedIndex:
    """The scan for codecs in which the same characters stand at the same bytes."""

    def __init__(self, codecs: Sequence[Codec], contract: CsvContract, *, start: int) -> None:
        self.codecs = codecs
        self._source = source = contract.source
        self._transcoder = Transcoder(codecs[0])
        encoding = "latin-1" if len(codecs) > 1 else codecs[0].scanned
        codec = replace(codecs[0], scanned=encoding) if len(codecs) > 1 else codecs[0]
        rows = telling_lines(source, codec) if source.records else fixed_rows(source, codec)
        plan = scan_plan(codecs, contract, encoding)
        self._watch: _Longer | None = None
        if isinstance(rows, FixedLines):
            self._watch = _Longer(source, rows, Wanted(source, None, codecs, encoding))
            plan = replace(plan, watch=self._watch.see)
        self._scan = CsvScan(codecs[0], plan, rows=rows, start=start)

    def feed(self, block: bytes, *, final: bool) -> None:
        """Scan the next block of the file."""
        self._scan.feed(self._transcoder.feed(block, final=final))

    def finish(self, size: int, codec: Codec) -> Facts:
        """Return what was found, read with ``codec``.

        Raises:
            RefusedError: HX-5020, HX-6001.
        """
        scan, source = self._scan, self._source
        parts = scan.finish(size)
        once = once_lines(source, scan.once, codec, size)
        watched = self._watch is not None and source.on_drift != "allow"
        drift = self._watch.drift() if self._watch is not None and watched else []
        header: Sequence[str] = () if source.records else tuple(source.fields or ())
        if not source.records:
            drift += retyped_columns(source, self._first_rows(codec))
        drift = [*drift, *scan.parted(codec)]
        newline = NEL if codec.nel else scan.first_line_end or "\n"
        if source.record_length is not None:
            newline = ""
        return Facts(newline, scan.header_end, parts, header, drift, once)

    def _first_rows(self, codec: Codec) -> Iterator[Mapping[str, object]]:
        """Yield the whole rows at the beginning of the file."""
        lines, data = fixed_rows(self._source, codec), self._scan.beginning
        if len(data) == BEGINNING:
            data = data[: lines.whole(data)]
        rows = lines.rows(data)
        for number, cells in enumerate(rows.cells):
            if number not in rows.codes:
                yield dict(zip(self._source.fields or (), cells, strict=True))


class _Longer:
    """Looks for lines that are longer than what is declared of them."""

    def __init__(self, source: Source, lines: FixedLines, wanted: Wanted) -> None:
        types = source.records or {}
        self._lines, self._unit = lines, source.unit
        self._widths = {name: _width(one.fields, one.at) for name, one in types.items()}
        if not types:
            self._widths = {_ROWS: _width(source.fields or {})}
        self._tell = wanted.teller(()) if types else None
        self._found: dict[str, int] = {}
        self._longer = _beyond(0, b"", min(self._widths.values(), default=0))
        forms = forms_of(types, wanted.codecs, wanted.encoding)
        self._by_byte = {
            name: [_told(one.at, form.encode(wanted.encoding), width) for form in forms[name]]
            if (one := types.get(name)) is not None
            else [self._longer]
            for name, width in self._widths.items()
        }
        self._narrow = all(codec.bad is not None for codec in wanted.codecs)

    def see(self, data: bytes, line: int) -> None:
        """Take whole lines, the first of which has the number ``line``."""
        missing = [name for name in self._widths if name not in self._found]
        if missing and (self._narrow or data.isascii()):
            self._see_bytes(data, line, missing)
        elif missing:
            self._see_characters(data, line)

    def _see_bytes(self, data: bytes, line: int, missing: Sequence[str]) -> None:
        """Look where a character is a byte."""
        for name in missing:
            starts = [
                found
                for one in self._by_byte[name]
                if (found := self._first(data, one, name)) is not None
            ]
            if starts:
                self._found[name] = line + data.count(b"\n", 0, min(starts))

    def _first(self, data: bytes, pattern: re.Pattern[bytes], name: str) -> int | None:
        """Return where the first match begins that is of a type: another may come before it."""
        starts = (match.start() for match in pattern.finditer(data))
        return next((start for start in starts if self._is(data, start, name)), None)

    def _is(self, data: bytes, start: int, name: str) -> bool:
        if self._tell is None:
            return True
        text = data[start : data.find(b"\n", start) + 1 or len(data)].decode(
            self._lines.encoding, "surrogateescape"
        )
        return self._tell.type_of(self._lines.cells(text).cells) == name

    def _see_characters(self, data: bytes, line: int) -> None:
        done = 0
        for match in self._longer.finditer(data):
            start, end = match.start(), data.find(b"\n", match.start()) + 1 or len(data)
            text = bare(data[start:end].decode(self._lines.encoding, "surrogateescape"))
            cells = self._lines.cells(text).cells
            name = _ROWS if self._tell is None else self._tell.type_of(cells)
            line += data.count(b"\n", done, start)
            done = start
            if name in self._widths and name not in self._found and self._over(text, name):
                self._found[name] = line

    def _over(self, text: str, name: str) -> bool:
        length = len(text.rstrip(" "))
        if self._unit == "bytes":
            length = self._lines.bytes_of(text.rstrip(" "))
        return length > self._widths[name]

    def drift(self) -> list[Drift]:
        """Return which lines are longer, of each type the first."""
        return [
            Drift(
                f"line {line}{f', a {name},' if name else ''} is longer than the"
                f" {self._widths[name]} {self._unit} that are declared"
            )
            for name, line in sorted(self._found.items(), key=lambda one: one[1])
        ]


def _width(fields: Mapping[str, Field], told: Place | None = None) -> int:
    places = (told, *(field.at for field in fields.values()))
    return max((at[1] for at in places if isinstance(at, tuple)), default=0)


def _told(at: Place, text: bytes, width: int) -> re.Pattern[bytes]:
    """Match lines beyond ``width`` bytes that have the text which tells their type."""
    start, end = at if isinstance(at, tuple) else (0, 0)
    return _beyond(start, text.ljust(end - start), width)


def _beyond(start: int, text: bytes, width: int) -> re.Pattern[bytes]:
    """Match lines with ``text`` at a place and something but blanks beyond ``width`` bytes."""
    left = max(width - start - len(text), 0)
    rest = rb"[^\n]{%d} *+(?!\r?(?:\n|\Z))" % left
    return re.compile(rb"^[^\n]{%d}" % start + re.escape(text) + rest + rb"[^\n]", re.MULTILINE)
