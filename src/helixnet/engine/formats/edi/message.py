"""Nests the segments of a message, and says what is wrong with it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from helixnet.engine.formats.edi.cut import Cut, cut
from helixnet.engine.formats.edi.drift import drift_text, message_type
from helixnet.engine.formats.edi.grammar import EdiGrammar
from helixnet.engine.formats.edi.place import KEY, MOST_DEEP, Placer
from helixnet.engine.formats.edi.syntax import X12, Syntax
from helixnet.engine.formats.edi.take import release
from helixnet.engine.source import Node

_MOST_WRONG: Final = 100


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a message, and where."""

    line: int
    segment: str
    message: str
    code: str


class Nester:
    """Makes records of the messages between the same delimiters.

    Args:
        grammar: of the messages.
        syntax: the delimiters.
        wanted: names by id that are read; None = all.
        rejects_drift: whether a segment without a place is wrong.
    """

    def __init__(
        self,
        grammar: EdiGrammar,
        syntax: Syntax,
        wanted: Mapping[str, Collection[str]] | None,
        *,
        rejects_drift: bool,
    ) -> None:
        self.grammar, self.syntax = grammar, syntax
        self._placer = Placer(grammar, syntax, wanted)
        self._element, self._rejects_drift = syntax.element, rejects_drift
        self._nodes: list[Node] = [{}] * (MOST_DEEP + 2)

    def root(self, text: str, line: int) -> tuple[str, Node] | None:
        """Return tag and node of a segment of the envelope; None if nobody asks for it."""
        step = self._placer.start[text[:KEY]][1]
        if step is None or not step.depth:
            return None
        clean = text.replace("\r", "").replace("\n", "")
        parts = cut(clean, self.syntax, line, "")
        node = step.take(parts.segments[0], line)
        if parts.marks:
            release(node, self.syntax, parts.marks)
        return step.tag, node

    def nest(self, parts: Cut, root: Node) -> list[Wrong]:
        """Hang the segments of a message under ``root``; return what is wrong with it."""
        wrong: list[Wrong] = []
        nodes, marks = self._nodes, parts.marks
        heads: dict[str, Node] = {}
        state, nodes[0] = self._placer.start, root
        for line, segment in zip(parts.lines, parts.segments, strict=True):
            state, step = state[segment[:KEY]]
            if step is None:
                continue
            depth, tag, take, nests = step
            if not depth:
                self._misplaced(wrong, line, tag)
                continue
            nodes[depth] = node = take(segment, line)
            if marks and not segment.isascii():
                release(node, self.syntax, marks)
            parent = nodes[depth - 1]
            if nests:
                parent = self._head(wrong, heads, node, segment, parent)
            if tag in parent:
                cast("list[Node]", parent[tag]).append(node)
            else:
                parent[tag] = [node]
        self._check(wrong, parts)
        return wrong

    def _misplaced(self, wrong: list[Wrong], line: int, tag: str) -> None:
        if self._rejects_drift and len(wrong) < _MOST_WRONG:
            wrong.append(Wrong(line, tag, drift_text(self.grammar, tag), "HX-5005"))

    def _head(
        self,
        wrong: list[Wrong],
        heads: dict[str, Node],
        node: Node,
        segment: str,
        above: Node,
    ) -> Node:
        """Return the parent that HL names; without one it stands where its loop begins."""
        own, named = (*segment.split(self._element)[1:3], "", "")[:2]
        line = cast("int", node["_line"])
        if own in heads and len(wrong) < _MOST_WRONG:
            wrong.append(Wrong(line, "HL", f"HL01 {own!r} stands twice", "HX-1024"))
        parent = heads.get(named)
        if parent is None and named and len(wrong) < _MOST_WRONG:
            text = f"HL02 names the parent {named!r}, which no HL before it is"
            wrong.append(Wrong(line, "HL", text, "HX-1024"))
        heads[own] = node
        return above if parent is None else parent

    def _check(self, wrong: list[Wrong], parts: Cut) -> None:
        """Compare the last segment with the first: count and control number."""
        segments, element = parts.segments, self.syntax.element
        head, tail = segments[0].split(element), segments[-1].split(element)
        opening, closing = self.grammar.standard.message
        line = parts.lines[-1]
        if tail[0] != closing:
            line = parts.lines[0]
            wrong.append(Wrong(line, opening, f"{closing} is missing", "HX-1024"))
        else:
            self._check_end(wrong, parts, head, tail)
        if self._rejects_drift and (wanted := self.grammar.type):
            found = message_type(segments[0], self.syntax)
            if found != wanted:
                text = f"message type {found} where {wanted} is declared"
                wrong.append(Wrong(parts.lines[0], opening, text, "HX-1108"))

    def _check_end(
        self, wrong: list[Wrong], parts: Cut, head: Sequence[str], tail: Sequence[str]
    ) -> None:
        opening, closing = self.grammar.standard.message
        line, count = parts.lines[-1], len(parts.segments)
        told = tail[1] if len(tail) > 1 else ""
        if told != str(count):
            count -= sum(1 for segment in parts.segments if not segment)
            if not (told.isascii() and told.isdecimal() and int(told[:18]) == count):
                text = f"{closing} counts {told or 'nothing'!r} where there are {count} segments"
                wrong.append(Wrong(line, closing, text, "HX-1024"))
        number = 2 if self.grammar.standard is X12 else 1
        first, last = (head[number : number + 1] or [""])[0], (tail[2:3] or [""])[0]
        if first.strip() != last.strip():
            text = f"{closing} has the number {last!r} where {opening} has {first!r}"
            wrong.append(Wrong(line, closing, text, "HX-1024"))
