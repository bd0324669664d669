"""Reads files with several kinds of lines: each root line and those below it are a nested record.

A record is ``{"H": {NO: text, "D": [{…}, …], "_line": 1, "_name": "H"}, "T": {…}}``: its root line
by the name of its type, and beside it the lines that stand once in the file.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast

from helixnet.engine.codes import CODES
from helixnet.engine.context.model import Source
from helixnet.engine.formats.encoding import Codec, Transcoder
from helixnet.engine.formats.fixed.rows import codec_for
from helixnet.engine.formats.records.layout import Layout, Line, layout_of
from helixnet.engine.formats.records.types import record_types
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import BLOCK, Node, OnceLine, Part, SourceIndex

_SHOWN: Final = 40  # characters of a line of an unknown type

_WORDS: Final = {
    "HX-1001": "the bytes of a line do not decode as {codec}",
    "HX-1002": "a line {name} has another number of cells than its fields: {found}",
    "HX-1003": "text after a closing quote",
    "HX-1004": "a quote is never closed: the line runs to the end of the file",
    "HX-1008": "the file ends inside this record",
    "HX-1013": "a record {name} does not end with its line end",
    "HX-1009": "the line {name} is too short for its field {field}",
    "HX-1011": "no record type is told by this line",
    "HX-1012": "a line {name} stands under none that may have it",
}


@dataclass(slots=True)
class _Unit:
    """The lines of one record: their numbers in the block, and what is wrong with them."""

    first: int
    last: int
    record: Node
    wrong: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])


@dataclass(slots=True)
class RecordBatch:
    """A :class:`helixnet.engine.source.Batch`: records of several lines of one block."""

    records: Sequence[Node]
    faults: Mapping[int, Sequence[Fault]]
    _data: bytes
    _byte: int
    _codec: Codec
    _layout: Layout
    _once: Mapping[str, OnceLine]
    _units: Sequence[_Unit]
    _lines: Sequence[Line]
    _numbers: Sequence[int]  # physical line of each line

    def line(self, index: int, item: int = 0) -> int:
        """First physical line of a record; it has no rows."""
        return self._numbers[self._units[index + item].first]

    def raw(self, index: int) -> bytes:
        """The record's bytes as they stand in the file."""
        unit = self._units[index]
        start, end = self._lines[unit.first].start, self._lines[unit.last].end
        return self._codec.source_bytes(self._data[start:end])

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """Where the field at JSON pointer ``name`` stands, or the line that it leads to."""
        node, last = _walk(self.records[index + item], name)
        kind = cast("str", node.get("_name", ""))
        if not kind:
            return SourcePosition(self.line(index + item), byte=self._start(index + item))
        line = cast("int", node["_line"])
        once = self._once.get(kind)
        if once is not None:
            return self._place(line, once["byte"], once["text"], kind, last)
        found = self._lines[bisect_right(self._numbers, line) - 1]
        return self.place_in(index + item, found, line, last)

    def place_in(self, index: int, line: Line, number: int, name: str) -> SourcePosition:
        """Where a line of record ``index`` stands, or one of its fields."""
        data = self._data[line.start : line.end]
        text = data.decode(self._layout.rows.encoding, "surrogateescape")
        return self._place(number, self._start(index), text, line.name, name)

    def beginning(self, line: Line) -> str:
        """Return the first characters of a line."""
        data = self._data[line.start : line.end]
        return data.decode(self._layout.rows.encoding, "replace").rstrip("\r\n")[:_SHOWN]

    def _start(self, index: int) -> int:
        start = self._lines[self._units[index].first].start
        return self._byte + self._codec.source_length(self._data, start)

    def _place(self, line: int, byte: int, text: str, kind: str, name: str) -> SourcePosition:
        before = self._layout.column(text, kind, name) if name else None
        if before is None:
            return SourcePosition(line, byte=byte, field=name, segment=kind)
        if not self._layout.rows.newline:
            return SourcePosition(line, before + 1, byte, name, kind)
        newline, begin = self._layout.rows.newline, text.rstrip("\r\n")[:before].ljust(before)
        column = len(begin) - begin.rfind(newline)
        line += begin.count(newline)
        return SourcePosition(line, column, byte, name, kind)


def _walk(record: Node, pointer: str) -> tuple[Node, str]:
    """Return the deepest line that a pointer leads to, and the field that it names there."""
    node, found, last = record, record, ""
    for step in [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]:
        below: object = node.get(step) if not isinstance(node, list) else None
        if isinstance(node, list):
            items = cast("list[Node]", node)
            below = items[int(step)] if step.isdecimal() and int(step) < len(items) else None
        last = step
        if not isinstance(below, dict | list):
            break
        node = cast("Node", below)
        if isinstance(below, dict):
            found, last = node, ""
    return found, last


class RecordReader:
    """Reads parts of one indexed file with record types.

    Args:
        source: the contract.
        index: of the file.
        needs: fields used a type; None = all.
        block: bytes to read at a time.
    """

    def __init__(
        self,
        source: Source,
        index: SourceIndex,
        *,
        needs: Mapping[str, frozenset[str]] | None,
        block: int = BLOCK,
    ) -> None:
        self._codec = codec_for(source, index)
        self._layout, self._types = layout_of(source, index), record_types(source)
        self._fields = {
            one.name: [
                (field.name, number)
                for number, field in enumerate(one.fields.values())
                if needs is None or field.required or field.name in needs.get(one.name, ())
            ]
            for one in self._types.types.values()
        }
        self._once, self._block = index.once, block
        self._nodes = once_nodes(source, index)

    def read(self, stream: BinaryIO, part: Part) -> Iterator[RecordBatch]:
        """Yield the batches of ``part``."""
        byte, line, rows = part.start, part.first_line, self._layout.rows
        for data, lines in self._blocks(stream, part):
            batch = self._batch(data, lines, byte, line)
            if batch.records:
                yield batch
            byte += self._codec.source_length(data)
            line += rows.ends(data)

    def _blocks(self, stream: BinaryIO, part: Part) -> Iterator[tuple[bytes, list[Line]]]:
        """Yield scanned bytes that hold whole records, and their lines."""
        stream.seek(part.start)
        transcoder = Transcoder(self._codec)
        left, carry = part.end - part.start, b""
        while left:
            block = stream.read(min(left, max(self._block, len(carry))))
            left = left - len(block) if block else 0
            data = carry + transcoder.feed(block, final=not left)
            whole = self._layout.rows.whole(data) if left else len(data)
            lines = list(self._layout.lines(data[:whole]))
            if left:
                whole = self._hold_last(lines, whole)
            if whole:
                yield data[:whole], lines
            carry = data[whole:]

    def _hold_last(self, lines: list[Line], whole: int) -> int:
        """Take the last record, if it may go on, out of ``lines``; return where it begins."""
        path: tuple[str, ...] = ()
        last = 0
        for number, line in enumerate(lines):
            move = self._types.move(path, line.name)
            path = move.path
            if move.begins:
                last = number
        if not path:
            return whole
        start = lines[last].start
        del lines[last:]
        return start

    def _batch(self, data: bytes, lines: Sequence[Line], byte: int, line: int) -> RecordBatch:
        numbers: list[int] = []
        done, rows = 0, self._layout.rows
        for one in lines:
            line += rows.ends(data, done, one.start)
            done = one.start
            numbers.append(line)
        units = list(self._units(lines, numbers))
        records = [unit.record for unit in units]
        faults: dict[int, list[Fault]] = {}
        batch = RecordBatch(
            records,
            faults,
            data,
            byte,
            self._codec,
            self._layout,
            self._once,
            units,
            lines,
            numbers,
        )
        for index, unit in enumerate(units):
            if unit.wrong:
                faults[index] = [
                    self._fault(batch, index, lines[number], numbers[number], code, name)
                    for number, code, name in unit.wrong
                ]
        return batch

    def _units(self, lines: Sequence[Line], numbers: Sequence[int]) -> Iterator[_Unit]:
        """Nest the lines of each record."""
        path: tuple[str, ...] = ()
        unit: _Unit | None = None
        nodes: list[Node] = []
        for number, line in enumerate(lines):
            move = self._types.move(path, line.name)
            path = move.path
            if (move.begins or move.outside) and unit is not None:
                yield unit
                unit = None
            if move.outside:
                continue
            if move.begins or unit is None:
                unit, nodes = _Unit(number, number, dict(self._nodes)), []
            unit.last = number
            code = line.code or move.code
            if code:
                unit.wrong.append((number, code, line.field))
            if line.name and not move.code:
                self._hang(unit.record, nodes, move.depth, line, numbers[number])
        if unit is not None:
            yield unit

    def _hang(self, record: Node, nodes: list[Node], depth: int, line: Line, number: int) -> None:
        """Add a line below the last of the first ``depth`` open ones, and open it."""
        node: Node = {"_line": number, "_name": line.name}
        values = line.values
        for name, place in self._fields[line.name]:
            node[name] = values[place]
        del nodes[depth:]
        if nodes:
            cast("list[Node]", nodes[-1].setdefault(line.name, [])).append(node)
        else:
            record[line.name] = node
        nodes.append(node)

    def _fault(
        self, batch: RecordBatch, index: int, line: Line, number: int, code: str, name: str
    ) -> Fault:
        message = _WORDS[code].format(
            codec=self._codec.name, name=line.name, found=line.found, field=name
        )
        source = batch.place_in(index, line, number, name)
        value = batch.beginning(line) if code == "HX-1011" else None
        return Fault(code, message, source=source, value=value, hint=CODES[code].action)


def once_nodes(source: Source, index: SourceIndex) -> dict[str, Node]:
    """Return the lines that stand once in a file as nodes, by the names of their types.

    Args:
        source: the contract.
        index: of the file.
    """
    if not index.once:
        return {}
    layout, types = layout_of(source, index), source.records or {}
    nodes: dict[str, Node] = {}
    for name, line in index.once.items():
        data = line["text"].encode(layout.rows.encoding)
        (cut,) = layout.lines(data)
        node: Node = {"_line": line["line"], "_name": name}
        node.update(zip(types[name].fields, cut.values, strict=True))
        nodes[name] = node
    return nodes
