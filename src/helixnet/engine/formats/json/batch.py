"""A batch of JSON records, of lines or of the elements of a document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from helixnet.engine.codes import CODES
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.json.exact import Trouble, decode_all, decode_lines
from helixnet.engine.formats.json.place import place_of
from helixnet.engine.formats.parts import first_lines
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import Node

Span = tuple[int, int]
_READ_AS_IT_IS: Final = frozenset({"utf-8", "ascii"})


@dataclass(slots=True)
class JsonBatch:
    """A :class:`helixnet.engine.source.Batch`: records by their spans in one block."""

    records: Sequence[Node]
    faults: Mapping[int, Sequence[Fault]]
    _data: bytes
    _place: tuple[int, int]  # byte and line of the block's start in the file
    _codec: Codec
    _spans: Sequence[Span]
    _column: int = 0  # characters before the block in its first line
    _lines: list[int] = field(default_factory=list[int])

    def line(self, index: int, item: int = 0) -> int:
        """First physical line of a record; JSON records have no rows."""
        if not self._lines:
            self._lines = first_lines(self._data, self._spans, self._place[1])
        return self._lines[index + item]

    def raw(self, index: int) -> bytes:
        """The record's bytes as they stand in the file, with its line end if it has one."""
        start, end = self._spans[index]
        return self._codec.source_bytes(self._data[start:end])

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """Where the value of JSON pointer ``name`` begins."""
        offset = place_of(self._text(index), name) if name else -1
        return self._position(index + item, offset, name)

    def position(self, index: int, trouble: Trouble) -> SourcePosition:
        """Where the trouble with a record is."""
        return self._position(index, trouble.offset, "")

    def _text(self, index: int) -> str:
        start, end = self._spans[index]
        return self._data[start:end].decode(self._codec.scanned, "replace")

    def _position(self, index: int, offset: int, name: str) -> SourcePosition:
        start = self._spans[index][0]
        byte = self._place[0] + self._codec.source_length(self._data, start)
        line, column = self.line(index), 0
        if offset >= 0:
            begins = self._data.rfind(b"\n", 0, start) + 1
            inside = self._text(index)[:offset]
            line += inside.count("\n")
            column = len(inside) - inside.rfind("\n")
            if "\n" not in inside:
                column += self._codec.characters(self._data[begins:start])
                column += 0 if begins else self._column
        return SourcePosition(line=line, column=column, byte=byte, field=name)


def batch_of(
    data: bytes, spans: Sequence[Span], *, place: tuple[int, int], codec: Codec, column: int = 0
) -> JsonBatch:
    """Decode the records that stand at ``spans`` of ``data``.

    Args:
        data: scanned bytes of the file.
        spans: of the records in them.
        place: byte and line in the file at which they begin.
        codec: of the file.
        column: how many characters stand before them in their first line.
    """
    values = decode_lines(data, spans) if codec.scanned in _READ_AS_IT_IS else None
    troubles: dict[int, Trouble] = {}
    if values is None:
        values, troubles = _one_by_one([data[start:end] for start, end in spans], codec)
    records = [cast("Node", value) if isinstance(value, dict) else {} for value in values]
    batch = JsonBatch(records, {}, data, place, codec, spans, column)
    batch.faults = {
        index: [_fault(trouble, batch.position(index, trouble))]
        for index, trouble in sorted(troubles.items())
    }
    return batch


def _one_by_one(texts: Sequence[bytes], codec: Codec) -> tuple[list[object], dict[int, Trouble]]:
    lost: list[int] = []
    if codec.scanned not in _READ_AS_IT_IS:
        lost = [index for index, text in enumerate(texts) if not _decodes(text, codec)]
        texts = [text.decode(codec.scanned, "replace").encode() for text in texts]
    values, troubles = decode_all(texts)
    message = f"the bytes do not decode as {codec.name}"
    return values, troubles | {index: Trouble("HX-1001", message) for index in lost}


def _fault(trouble: Trouble, source: SourcePosition) -> Fault:
    hint = CODES[trouble.code].action
    return Fault(trouble.code, trouble.message, source=source, hint=hint)


def _decodes(text: bytes, codec: Codec) -> bool:
    try:
        text.decode(codec.scanned)
    except UnicodeDecodeError:
        return False
    return True
