"""A batch of XML records: nodes, with their places found again in the bytes when asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.parts import first_lines
from helixnet.engine.formats.xml.names import Names
from helixnet.engine.formats.xml.place import Span, span_of
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import Node

Scope = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the data of a batch begins in its file: byte, line, characters before it there."""

    byte: int
    line: int
    column: int

    def after(self, gone: bytes, codec: Codec) -> "Spot":
        """Return the place behind bytes of UTF-8 that begin here."""
        return self.behind(gone, self.line + gone.count(b"\n"), codec)

    def behind(self, gone: bytes, line: int, codec: Codec) -> "Spot":
        """Return the place behind bytes of UTF-8 that end in physical line ``line``."""
        cut = gone.rfind(b"\n") + 1
        rest = gone[cut:]
        column = len(rest) if rest.isascii() else len(rest.decode("utf-8", "replace"))
        return Spot(
            self.byte + codec.source_length(gone),
            line,
            column if cut else self.column + column,
        )


@dataclass(slots=True)
class XmlBatch:
    """A :class:`helixnet.engine.source.Batch`: records by their spans in one run of UTF-8."""

    records: Sequence[Node]
    faults: Mapping[int, Sequence[Fault]]
    _data: bytes
    _spot: Spot
    _codec: Codec
    _names: Names
    _spans: Sequence[tuple[int, int]]
    _scopes: Sequence[Scope]
    _lines: list[int] = field(default_factory=list[int])

    def line(self, index: int, item: int = 0) -> int:
        """First physical line of a record; XML records have no rows."""
        if not self._lines:
            self._lines = first_lines(self._data, self._spans, self._spot.line)
        return self._lines[index + item]

    def raw(self, index: int) -> bytes:
        """The bytes of the record's element as they stand in the file."""
        start, end = self._spans[index]
        return self._codec.source_bytes(self._data[start:end])

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """Where the element or attribute of JSON pointer ``name`` begins."""
        start = self._spans[index + item][0]
        byte = self._spot.byte + self._codec.source_length(self._data, start)
        span = self.span(index + item, name)
        if span is None:
            return SourcePosition(line=self.line(index + item), byte=byte, field=name)
        line, column = self._place(start + span.start)
        return SourcePosition(line=line, column=column, byte=byte, field=name)

    def span(self, index: int, name: str) -> Span | None:
        """Where the value of JSON pointer ``name`` stands in the record, in UTF-8."""
        return span_of(self.text(index), name, self._names, self._scopes[index])

    def excerpt(self, index: int, name: str) -> str:
        """What stands at JSON pointer ``name``: of a text the text, of a node the element."""
        span = self.span(index, name)
        if span is None:
            return ""
        data = self.text(index)
        inside = b"<" not in data[span.inner : span.close] and span.inner < span.close
        start, end = (span.inner, span.close) if inside else (span.start, span.end)
        return data[start:end].decode("utf-8", "replace")

    def text(self, index: int) -> bytes:
        """The record in UTF-8."""
        start, end = self._spans[index]
        return self._data[start:end]

    def _place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset in the data."""
        begins = self._data.rfind(b"\n", 0, offset) + 1
        line = self._spot.line + self._data.count(b"\n", 0, offset)
        column = len(self._data[begins:offset].decode("utf-8", "replace")) + 1
        return line, column if begins else column + self._spot.column
