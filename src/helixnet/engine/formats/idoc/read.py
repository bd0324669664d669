"""Reads documents of a flat IDoc file as nested nodes; a blank field is absent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from helixnet.engine.codes import CODES
from helixnet.engine.formats.encoding import Codec, Transcoder, codec_of
from helixnet.engine.formats.idoc.grammar import CONTROL, IdocGrammar
from helixnet.engine.formats.idoc.lines import BORDER, ends_inside, name_of, spans_of
from helixnet.engine.formats.idoc.nest import Found, Misplaced, Nester
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import Node, Part, SourceIndex

BLOCK: Final = 128 * 1024


@dataclass(slots=True)
class IdocBatch:
    """A :class:`helixnet.engine.source.Batch`: documents of one block."""

    records: Sequence[Node]
    faults: Mapping[int, Sequence[Fault]]
    _data: bytes
    _byte: int
    _codec: Codec
    _grammar: IdocGrammar
    _known: Sequence[tuple[int, int]] = ()

    @property
    def _spans(self) -> Sequence[tuple[int, int]]:
        """Where the documents stand in the block; seldom asked for."""
        self._known = self._known or spans_of(self._data)
        return self._known

    def line(self, index: int, item: int = 0) -> int:
        """First physical line of a document; it has no rows."""
        return cast("int", self.records[index + item]["_line"])

    def raw(self, index: int) -> bytes:
        """The document's bytes as they stand in the file."""
        return self._codec.source_bytes(self.raw_scanned(index))

    def raw_scanned(self, index: int) -> bytes:
        """The document's bytes as they are scanned, a record a line."""
        start, end = self._spans[index]
        return self._data[start:end]

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """Where the field at JSON pointer ``name`` stands."""
        node = self.records[index + item]
        *steps, field = name.split("/")[1:] or [""]
        steps = [*steps, field] if field.isdigit() else steps
        for segment, number in zip(steps[::2], steps[1::2], strict=False):
            node = _child(node, segment, number) or node
        kind = cast("str", node["_name"])
        start, _ = self._grammar.fields(kind).get(field, (-1, 0))
        return self.position(index, cast("int", node["_line"]), start + 1, name=field, segment=kind)

    def position(
        self, index: int, line: int, column: int = 0, *, name: str = "", segment: str = ""
    ) -> SourcePosition:
        """Make the position of a segment of document ``index``."""
        byte = self._byte + self._codec.source_length(self._data, self._spans[index][0])
        return SourcePosition(line=line, column=column, byte=byte, field=name, segment=segment)


def _child(node: Node, segment: str, number: str) -> Node | None:
    found = node.get(segment)
    if (
        isinstance(found, list)
        and number.isdecimal()
        and int(number) < len(children := cast("list[Node]", found))
    ):
        return children[int(number)]
    return None


class IdocReader:
    """Reads parts of one indexed flat IDoc file.

    Args:
        index: of the file.
        grammar: of its type.
        needs: fields and children used, by segment (``""``: the document); None = all. Other
            segments are placed, but give no node.
        rejects_drift: whether a segment that the grammar does not have rejects its document.
    """

    def __init__(
        self,
        index: SourceIndex,
        grammar: IdocGrammar,
        *,
        needs: Mapping[str, frozenset[str]] | None,
        rejects_drift: bool,
    ) -> None:
        self._codec = codec_of(index.encoding, unbroken=not index.newline)
        self._size = index.size
        self._grammar = grammar
        self._rejects_drift = rejects_drift
        self._nester = Nester(grammar, needs)

    def read(self, stream: BinaryIO, part: Part) -> Iterator[IdocBatch]:
        """Yield the batches of ``part``."""
        byte, line = part.start, part.first_line
        for data, final in self._blocks(stream, part):
            batch = self._batch(data, byte, line, last=final and part.end == self._size)
            if batch.records:
                yield batch
            byte += self._codec.source_length(data)
            line += data.count(b"\n")

    def _blocks(self, stream: BinaryIO, part: Part) -> Iterator[tuple[bytes, bool]]:
        """Yield scanned bytes that hold whole documents, and whether they are the last."""
        stream.seek(part.start)
        transcoder = Transcoder(self._codec)
        left, carry = part.end - part.start, b""
        while left:
            block = stream.read(min(left, max(BLOCK, len(carry))))
            left = left - len(block) if block else 0
            data = carry + transcoder.feed(block, final=not left)
            whole = data.rfind(BORDER) + 1 if left else len(data)
            if whole:
                yield data[:whole], not left
            carry = data[whole:]

    def _batch(self, data: bytes, byte: int, line: int, *, last: bool) -> IdocBatch:
        found = Found()
        batch = IdocBatch(found.records, {}, data, byte, self._codec, self._grammar)
        try:
            text = data.decode(self._codec.scanned)
        except UnicodeDecodeError:
            self._one_by_one(data, line, found)
        else:
            self._nester.nest(text, line, found)
        if self._rejects_drift:
            self._drifted(found)
        if last and found.records:
            self._cut_off(batch, found)
        batch.faults = {
            index: [
                Fault(
                    m.code,
                    m.message,
                    source=batch.position(index, m.line, segment=m.segment),
                    hint=CODES[m.code].action,
                )
                for m in wrong
            ]
            for index, wrong in sorted(found.wrong.items())
        }
        return batch

    def _one_by_one(self, data: bytes, line: int, found: Found) -> None:
        """Decode and nest each document by itself, to know which does not decode."""
        done = 0
        for start, end in spans_of(data):
            line += data.count(b"\n", done, start)
            done = start
            text = data[start:end]
            try:
                self._nester.nest(text.decode(self._codec.scanned), line, found)
            except UnicodeDecodeError as error:
                place = line + text.count(b"\n", 0, error.start)
                message = f"the bytes do not decode as {self._codec.name}"
                found.note(len(found.records), Misplaced(place, "", message, "HX-1001"))
                self._nester.nest(text.decode(self._codec.scanned, "replace"), line, found)

    def _drifted(self, found: Found) -> None:
        """Reject the documents that hold what the grammar has not."""
        for index, line, name in found.unplaced:
            known = self._grammar.type_of(name) is not None
            text = (
                f"the segment {name} may not stand here"
                if known
                else f"the grammar has no segment {name}"
            )
            found.note(index, Misplaced(line, name, text))
        for index, line, kind in found.others:
            message = f"IDoc type {kind} where {self._grammar.type} is declared"
            found.note(index, Misplaced(line, CONTROL, message, "HX-1108"))

    def _cut_off(self, batch: IdocBatch, found: Found) -> None:
        """Say that the file ends inside a record: what is left of it would pass for a whole."""
        index = len(found.records) - 1
        data = batch.raw_scanned(index)
        text = data.decode(self._codec.scanned, "replace")
        row = ends_inside(text, unbroken=self._codec.unbroken)
        if row is None:
            return
        name = name_of(text.split("\n")[row].rstrip("\r"))
        if (
            not self._codec.unbroken
            and text.endswith("\n")
            and self._grammar.type_of(name) is not None
        ):
            return
        line = batch.line(index) + row
        found.note(index, Misplaced(line, name, "the file ends inside a record", "HX-1008"))
