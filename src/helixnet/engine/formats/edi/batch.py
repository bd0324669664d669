"""Messages of one block, and where everything in them stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

from helixnet.engine.formats.edi.cut import Cut, cut, piece, spans
from helixnet.engine.formats.edi.grammar import EdiGrammar, tag_of
from helixnet.engine.formats.edi.message import Nester
from helixnet.engine.formats.edi.syntax import Syntax
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import Node, OnceLine


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is open around messages.

    Args:
        segments: UNA, ISA or UNB, GS or UNG.
        nester: makes records of the messages.
        nodes: of the segments, by tag, as far as anybody asks for them.
    """

    segments: Sequence[OnceLine]
    nester: Nester
    nodes: Mapping[str, list[Node]]

    @property
    def syntax(self) -> Syntax:
        """The delimiters."""
        return self.nester.syntax

    def opened(self, tag: str) -> OnceLine | None:
        """Return the open segment of a tag."""
        return next((one for one in self.segments if one["text"].startswith(tag)), None)


@dataclass(frozen=True, slots=True)
class _Value:
    """Where a value stands: its segment's text and line, and the range in that text."""

    text: str
    line: int
    segment: str
    field: str
    start: int
    end: int


@dataclass(slots=True)
class EdiBatch:
    """A :class:`helixnet.engine.source.Batch`: messages of one block.

    Args:
        spans: where each message begins and ends in ``data``.
        envelopes: of each message.
    """

    records: list[Node]
    faults: dict[int, list[Fault]]
    data: bytes
    byte: int
    codec: Codec
    newline: str
    spans: list[tuple[int, int]]
    envelopes: list[Envelope]

    @property
    def size(self) -> int:
        """Bytes of the messages."""
        return self.spans[-1][1] - self.spans[0][0]

    def line(self, index: int, item: int = 0) -> int:
        """First line of a message; it has no rows."""
        return cast("int", self.records[index + item]["_line"])

    def raw(self, index: int) -> bytes:
        """The message's bytes as they stand in the file."""
        start, end = self.spans[index]
        return self.codec.source_bytes(self.data[start:end])

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """Where the field at JSON pointer ``name`` stands."""
        index += item
        if not name:
            return self.position(index, self.line(index))
        value = self._value(index, name)
        column = value.start - _line_start(value.text, value.start, self.newline) + 1
        line = value.line
        if self.newline:
            line += value.text.count("\n", 0, value.start)
        return self.position(index, line, column, name=value.field, segment=value.segment)

    def excerpt(self, index: int, name: str) -> str:
        """Return the text at JSON pointer ``name`` as it stands in the file."""
        if not name:
            return self._text(index)
        value = self._value(index, name)
        return value.text[value.start : value.end]

    def position(
        self, index: int, line: int, column: int = 0, *, name: str = "", segment: str = ""
    ) -> SourcePosition:
        """Make the position of a segment of message ``index``."""
        byte = self.byte + self.codec.source_length(self.data, self.spans[index][0])
        return SourcePosition(line=line, column=column, byte=byte, field=name, segment=segment)

    def _text(self, index: int) -> str:
        start, end = self.spans[index]
        return self.data[start:end].decode(self.codec.scanned, "replace")

    def _value(self, index: int, name: str) -> _Value:
        """Find a value by reading its message once more, with segments numbered."""
        envelope, steps = self.envelopes[index], name.split("/")[1:]
        opened = envelope.opened(steps[0])
        if opened is not None:
            return _within(opened["text"], opened["line"], steps[0], steps[2:], envelope)
        text = self._text(index)
        places = spans(text, envelope.syntax)
        parts = cut(text, envelope.syntax, 0, "")
        root: Node = {"_line": 0, "_name": ""}
        envelope.nester.nest(Cut(parts.segments, range(len(places)), parts.marks), root)
        node, left = root, steps
        while len(left) > 1 and tag_of(left[0]) and left[1].isdecimal():
            below = _child(node, left[0], int(left[1]))
            if below is None:
                break
            node, left = below, left[2:]
        number = cast("int", node["_line"])
        start, end = places[number] if number < len(places) else (0, len(text))
        start += len(text[start:end]) - len(text[start:end].lstrip("\r\n \t"))
        line = self.line(index) + (text.count("\n", 0, start) if self.newline else number)
        return _within(text[start:end], line, cast("str", node["_name"]), left, envelope)


def _child(node: Node, name: str, number: int) -> Node | None:
    found = cast("list[Node]", node.get(name, []))
    return next(islice(found, number, None), None)


def _line_start(text: str, at: int, newline: str) -> int:
    return text.rfind("\n", 0, at) + 1 if newline else 0


def _within(text: str, line: int, node: str, steps: Sequence[str], envelope: Envelope) -> _Value:
    """Return where the rest of a pointer stands in a segment."""
    syntax, tag = envelope.syntax, tag_of(node)
    grammar: EdiGrammar = envelope.nester.grammar
    text = text.removesuffix(syntax.terminator)
    named = [step for step in steps if not step.isdecimal() or len(step) != 1]
    field = named[-1] if named else ""
    whole = _Value(text, line, tag, field, 0, len(text))
    if not steps or not tag:
        return whole
    if len(steps) == 1:
        spot = grammar.spot(node, steps[0])
        if spot is None:
            return whole
        found = piece(text, spot.element, syntax.element, syntax, (0, len(text)))
        if found and spot.component:
            found = piece(text, spot.component - 1, syntax.component, syntax, found)
        return _Value(text, line, tag, field, *found) if found else whole
    child = f"{node}/{steps[0]}"
    item = _item(text, grammar.spots(child), int(steps[1]) if steps[1].isdecimal() else 0, syntax)
    if item is None:
        return whole
    spot = grammar.spot(child, "".join(steps[2:3]))
    found = piece(text, spot.component - 1, syntax.component, syntax, item) if spot else item
    return _Value(text, line, tag, field, *(found or item))


def _item(
    text: str, elements: Sequence[int], number: int, syntax: Syntax
) -> tuple[int, int] | None:
    """Return where the composite or repetition of a number (from 0) stands, empty ones left out."""
    for element in elements:
        at = piece(text, element, syntax.element, syntax, (0, len(text)))
        if at is None:
            continue
        repeated = [at]
        if syntax.repetition:
            repeated.clear()
            while (one := piece(text, len(repeated), syntax.repetition, syntax, at)) is not None:
                repeated.append(one)
        for one in repeated:
            if one[0] == one[1]:
                continue
            if not number:
                return one
            number -= 1
    return None
