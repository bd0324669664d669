"""Reads documents of a flat IDoc file as nested nodes; a blank field is absent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from helixnet.engine.codes import CODES
from helixnet.engine.formats.encoding import Codec, Transcoder, codec_of
from helixnet.engine.formats.idoc_grammar import CONTROL, IdocGrammar
from helixnet.engine.formats.idoc_lines import ends_inside, name_of
from helixnet.engine.formats.idoc_place import ROOT, Move, Placer
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import Node, Part, SourceIndex

BLOCK: Final = 512 * 1024
_SEGNUM: Final = slice(49, 55)
_PSGNUM: Final = slice(55, 61)
_BORDER: Final = b"\nEDI_DC40"


@dataclass(slots=True)
class IdocBatch:
    """A :class:`helixnet.engine.source.Batch`: documents of one block."""

    records: Sequence[Node]
    faults: Mapping[int, Sequence[Fault]]
    _data: bytes
    _byte: int
    _codec: Codec
    _grammar: IdocGrammar
    _spans: Sequence[tuple[int, int]]

    def line(self, index: int, item: int = 0) -> int:
        """First physical line of a document; it has no rows."""
        return cast("int", self.records[index + item]["_line"])

    def raw(self, index: int) -> bytes:
        """The document's bytes as they stand in the file."""
        start, end = self._spans[index]
        return self._codec.source_bytes(self._data[start:end])

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


@dataclass(frozen=True, slots=True)
class _Misplaced:
    line: int
    segment: str
    message: str
    code: str = "HX-5005"


class IdocReader:
    """Reads parts of one indexed flat IDoc file.

    Args:
        index: of the file.
        grammar: of its type.
        needs: fields used a segment; None = all.
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
        self._grammar, self._placer = grammar, Placer(grammar)
        self._rejects_drift = rejects_drift
        self._slices = {
            name: [
                (field, *place)
                for field, place in sorted(grammar.fields(name).items(), key=lambda kv: kv[1])
                if needs is None or field in needs.get(name, ())
            ]
            for name in grammar.segments
        }

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
            whole = data.rfind(_BORDER) + 1 if left else len(data)
            if whole:
                yield data[:whole], not left
            carry = data[whole:]

    def _batch(self, data: bytes, byte: int, line: int, *, last: bool) -> IdocBatch:
        borders = [0]
        while (found := data.find(_BORDER, borders[-1])) >= 0:
            borders.append(found + 1)
        spans = [
            (start, end)
            for start, end in zip(borders, [*borders[1:], len(data)], strict=True)
            if data.startswith(_BORDER[1:], start)
        ]
        records: list[Node] = []
        faults: dict[int, list[Fault]] = {}
        batch = IdocBatch(records, faults, data, byte, self._codec, self._grammar, spans)
        done = 0
        for index, (start, end) in enumerate(spans):
            line += data.count(b"\n", done, start)
            done = start
            text, wrong = self._decode(data[start:end], line)
            record, misplaced = self._document(text, line)
            records.append(record)
            if last and end == len(data):
                misplaced += self._cut_off(text, line)
            if found := [*wrong, *misplaced]:
                faults[index] = [
                    Fault(
                        m.code,
                        m.message,
                        source=batch.position(index, m.line, segment=m.segment),
                        hint=CODES[m.code].action,
                    )
                    for m in found
                ]
        return batch

    def _decode(self, data: bytes, line: int) -> tuple[str, list[_Misplaced]]:
        try:
            return data.decode(self._codec.scanned), []
        except UnicodeDecodeError as error:
            line += data.count(b"\n", 0, error.start)
            message = f"the bytes do not decode as {self._codec.name}"
            text = data.decode(self._codec.scanned, "replace")
            return text, [_Misplaced(line, "", message, "HX-1001")]

    def _cut_off(self, text: str, line: int) -> list[_Misplaced]:
        """Say that the file ends inside a record: what is left of it would pass for a whole."""
        row = ends_inside(text, unbroken=self._codec.unbroken)
        if row is None:
            return []
        name = name_of(text.split("\n")[row].rstrip("\r"))
        if not self._codec.unbroken and text.endswith("\n") and self._placer.knows(name):
            return []
        return [_Misplaced(line + row, name, "the file ends inside a record", "HX-1008")]

    def _document(self, text: str, line: int) -> tuple[Node, list[_Misplaced]]:
        """Nest the segments of one document."""
        root: Node = {"_line": line, "_name": ""}
        misplaced: list[_Misplaced] = []
        nodes, rows, state = [root], [""], ROOT
        for number, row in enumerate(text.replace("\r\n", "\n").split("\n"), line):
            written = name_of(row)
            if not written:
                continue
            move = self._placer.move(state, written)
            if move is None:
                if self._rejects_drift:
                    misplaced.append(self._misplaced(number, written))
                continue
            if move.others:
                move = self._by_number(move, state, row, rows)
            if self._rejects_drift and move.type == CONTROL:
                misplaced += self._other_type(number, row)
            node = self._node(move.type, row, number)
            del nodes[move.depth :], rows[move.depth :]
            siblings = cast("list[Node]", nodes[-1].setdefault(move.type, []))
            siblings.append(node)
            nodes.append(node)
            rows.append(row)
            state = move.state
        return root, misplaced

    def _node(self, name: str, row: str, number: int) -> Node:
        node: Node = {"_line": number, "_name": name}
        length = len(row)
        for field, start, end in self._slices[name]:
            if start >= length:
                break
            if value := row[start:end].rstrip(" "):
                node[field] = value
        return node

    def _by_number(self, move: Move, state: int, row: str, rows: Sequence[str]) -> Move:
        """Where the grammar allows several parents, take the one that PSGNUM names, if any."""
        wanted = row[_PSGNUM]
        for depth in move.others:
            if depth > 1 and rows[depth - 1][_SEGNUM] == wanted:
                return self._placer.at(move, state, depth)
        return move

    def _misplaced(self, line: int, name: str) -> _Misplaced:
        if self._placer.knows(name):
            return _Misplaced(line, name, f"the segment {name} may not stand here")
        return _Misplaced(line, name, f"the grammar has no segment {name}")

    def _other_type(self, line: int, row: str) -> list[_Misplaced]:
        start, end = self._grammar.fields(CONTROL).get("IDOCTYP", (0, 0))
        found = row[start:end].strip()
        if not found or found == self._grammar.type:
            return []
        message = f"IDoc type {found} where {self._grammar.type} is declared"
        return [_Misplaced(line, CONTROL, message, "HX-1108")]
