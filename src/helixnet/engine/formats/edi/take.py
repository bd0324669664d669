"""What is taken out of a segment: fields by their places, repetitions and composites as nodes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from helixnet.engine.formats.edi.cut import plain, raised
from helixnet.engine.formats.edi.grammar import EdiGrammar, tag_of
from helixnet.engine.formats.edi.syntax import Syntax
from helixnet.engine.source import Node

_LAST: Final = 99


@dataclass(frozen=True, slots=True)
class Below:
    """Nodes below a segment: the repetitions of an element, or a composite wherever it stands.

    Args:
        name: such as 04 or C082.
        id: of the node.
        elements: at which of the segment's elements it stands.
        fields: component (from 0) and name of each field.
    """

    name: str
    id: str
    elements: Sequence[int]
    fields: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Take:
    """The fields that are taken out of a segment.

    Args:
        whole: element and name of fields that are a whole element.
        parts: by element, component (from 0) and name of fields that are a component.
        below: nodes.
        tag: take components of any element too, as they are there; empty for what is listed.
    """

    whole: Sequence[tuple[int, str]]
    parts: Mapping[int, Sequence[tuple[int, str]]]
    below: Sequence[Below]
    tag: str = ""


def take_of(grammar: EdiGrammar, node: str, wanted: Mapping[str, Collection[str]] | None) -> Take:
    """Return what to take out of a segment.

    Args:
        grammar: of its message.
        node: id of the segment.
        wanted: names by id, as the map reads them; None = all.
    """
    if wanted is None:
        return _all(grammar, node)
    whole: list[tuple[int, str]] = []
    parts: dict[int, list[tuple[int, str]]] = {}
    below: list[Below] = []
    for name in sorted(wanted.get(node, ())):
        spot, child = grammar.spot(node, name), f"{node}/{name}"
        if spot is not None and spot.component:
            parts.setdefault(spot.element, []).append((spot.component - 1, name))
        elif spot is not None:
            whole.append((spot.element, name))
        elif elements := grammar.spots(child):
            below.append(_below(grammar, name, child, elements, wanted.get(child, ())))
    return Take(sorted(whole), parts, below)


def _below(
    grammar: EdiGrammar, name: str, node: str, elements: Sequence[int], names: Collection[str]
) -> Below:
    spots = [(grammar.spot(node, each), each) for each in sorted(names)]
    fields = [(spot.component - 1, each) for spot, each in spots if spot is not None]
    return Below(name, node, elements, fields)


def _all(grammar: EdiGrammar, node: str) -> Take:
    tag = tag_of(node)
    names = grammar.names(node)
    coded = [(spot.element, name) for name in names if (spot := grammar.spot(node, name))]
    numbers = {f"{tag}{n:02}": n for n in range(1, _LAST + 1)}
    whole = [
        *((n, name) for name, n in numbers.items()),
        *((n, c) for n, c in coded if c not in numbers),
    ]
    below = [
        _below(
            grammar,
            name,
            f"{node}/{name}",
            grammar.spots(f"{node}/{name}"),
            grammar.names(f"{node}/{name}"),
        )
        for name in dict.fromkeys(names)
        if grammar.spot(node, name) is None and grammar.spots(f"{node}/{name}")
    ]
    return Take(sorted(whole), {}, below, tag)


def add_deep(node: Node, elements: Sequence[str], take: Take, syntax: Syntax) -> None:
    """Add what is more than whole elements to the node of a segment."""
    count = len(elements)
    for number, fields in take.parts.items():
        if number < count and elements[number]:
            _add_parts(node, elements[number], fields, syntax)
    if take.tag:
        _add_all(node, elements, take.tag, syntax)
    for each in take.below:
        found = [
            _item(each, repeated, node, syntax)
            for number in each.elements
            if number < count
            for repeated in repetitions(elements[number], syntax)
            if repeated
        ]
        if found:
            node[each.name] = found


def _add_parts(node: Node, element: str, fields: Sequence[tuple[int, str]], syntax: Syntax) -> None:
    separator = syntax.repetition
    if separator and separator in element:
        rows = [each.split(syntax.component) for each in element.split(separator)]
        for number, name in fields:
            texts = [row[number] if number < len(row) else "" for row in rows]
            if any(texts):
                node[name] = separator.join(texts)
        return
    parts = element.split(syntax.component)
    count = len(parts)
    for number, name in fields:
        if number < count and parts[number]:
            node[name] = parts[number]


def _add_all(node: Node, elements: Sequence[str], tag: str, syntax: Syntax) -> None:
    for number, element in enumerate(elements[1 : _LAST + 1], 1):
        count = element.count(syntax.component) + 1
        names = [(n, f"{tag}{number:02}{n + 1:02}") for n in range(min(count, _LAST))]
        _add_parts(node, element, names, syntax)
        if syntax.repetition and syntax.repetition in element:
            name = f"{number:02}"
            found = [
                _every(f"{node['_name']}/{name}", one, node, syntax)
                for one in repetitions(element, syntax)
                if one
            ]
            if found:
                node[name] = found


def _every(name: str, text: str, segment: Node, syntax: Syntax) -> Node:
    found: Node = {"_line": segment["_line"], "_name": name}
    for number, part in enumerate(text.split(syntax.component)[:_LAST], 1):
        if part:
            found[f"{number:02}"] = part
    return found


def _item(below: Below, text: str, segment: Node, syntax: Syntax) -> Node:
    found: Node = {"_line": segment["_line"], "_name": below.id}
    parts = text.split(syntax.component)
    count = len(parts)
    for number, name in below.fields:
        if number < count and parts[number]:
            found[name] = parts[number]
    return found


def repetitions(element: str, syntax: Syntax) -> Sequence[str]:
    """Return the repetitions of an element, each a text."""
    if syntax.repetition and syntax.repetition in element:
        return element.split(syntax.repetition)
    return (element,)


def release(node: Node, syntax: Syntax, marks: str) -> None:
    """Put released characters back in the texts of a segment's node and below it."""
    for name, value in node.items():
        if type(value) is str:
            if not value.isascii() and name != "_name":
                node[name] = _released(value, syntax, marks)
        elif type(value) is list:
            for below in cast("list[Node]", value):
                release(below, syntax, marks)


def _released(text: str, syntax: Syntax, marks: str) -> str:
    several = syntax.component in text or (bool(syntax.repetition) and syntax.repetition in text)
    return (raised if several else plain)(text, syntax, marks)
