"""Writes a function that makes the node of a segment: what is taken is settled, so is the code."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, cast

from helixnet.engine.formats.edi.syntax import Syntax
from helixnet.engine.formats.edi.take import Take, add_deep
from helixnet.engine.source import Node

Taker: TypeAlias = Callable[[str, int], Node]
"""Makes the node of a segment at a line."""


def taker(take: Take, node: str, syntax: Syntax) -> Taker:
    """Return what makes the nodes of a kind of segment.

    Args:
        take: what is taken.
        node: id of the segment.
        syntax: delimiters of its interchange.
    """
    if take.tag:
        return _general(take, node, syntax)
    lines = [*_lines(take, node, syntax), "    return node"]
    parameters = "segment, line"
    source = "\n".join([f"def take({parameters}):", *lines])
    given: dict[str, object] = {"general": _general(take, node, syntax)}
    exec(compile(source, "<segment>", "exec"), given)  # noqa: S102 - all names in it are repr
    return cast("Taker", given["take"])


def _general(take: Take, name: str, syntax: Syntax) -> Taker:
    """Return what takes anything, repetitions too, and takes more time."""

    def make(segment: str, line: int) -> Node:
        elements = segment.split(syntax.element)
        count = len(elements)
        node: Node = {"_line": line, "_name": name}
        for number, field in take.whole:
            if number < count and (value := elements[number]):
                node[field] = value
        add_deep(node, elements, take, syntax)
        return node

    return make


def _lines(take: Take, node: str, syntax: Syntax) -> Iterator[str]:
    deep = bool(take.parts or take.below)
    if deep and syntax.repetition:
        yield f"    if {syntax.repetition!r} in segment:"
        yield "        return general(segment, line)"
    last = _last(take)
    if not last:
        yield f"    node = {_display(node, [])}"
        return
    yield f"    e = segment.split({syntax.element!r}, {last + 1})"
    yield "    n = len(e)"
    yield from _usual(take, node, syntax, last)
    yield f"    node = {_display(node, [])}"
    for number, name in take.whole:
        yield f"    if n > {number} and (v := e[{number}]): node[{name!r}] = v"
    for number, fields in sorted(take.parts.items()):
        yield f"    if n > {number} and (v := e[{number}]):"
        yield f"        c = v.split({syntax.component!r}, {max(fields)[0] + 1})"
        yield from _fields("node", fields)
    for each in take.below:
        yield from _below(each.name, each.id, each.elements, each.fields, syntax)


def _usual(take: Take, node: str, syntax: Syntax, last: int) -> Iterator[str]:
    """Make the node at once where all is there that is taken."""
    if any(len(each.elements) > 1 for each in take.below):
        return
    tests = [f"n > {last}"]
    fields = [_taken(f"e[{number}]", name, tests) for number, name in take.whole]
    for number, parts in sorted(take.parts.items()):
        fields += _components(number, parts, tests, syntax)
    for each in take.below:
        (number,) = each.elements
        inner = _components(number, each.fields, tests, syntax)
        fields.append(f"{each.name!r}: [{_display(each.id, inner)}]")
    yield f"    if {' and '.join(tests)}:"
    yield f"        return {_display(node, fields)}"


def _components(
    number: int, parts: Sequence[tuple[int, str]], tests: list[str], syntax: Syntax
) -> list[str]:
    if not parts:
        tests.append(f"e[{number}]")
        return []
    most, row = max(parts)[0], f"c{len(tests)}"
    tests.append(f"len({row} := e[{number}].split({syntax.component!r}, {most + 1})) > {most}")
    return [_taken(f"{row}[{place}]", name, tests) for place, name in sorted(parts)]


def _taken(text: str, name: str, tests: list[str]) -> str:
    """Test that a text is not empty; return its field."""
    value = f"v{len(tests)}"
    tests.append(f"({value} := {text})")
    return f"{name!r}: {value}"


def _display(node: str, fields: Sequence[str]) -> str:
    return "{" + ", ".join(["'_line': line", f"'_name': {node!r}", *fields]) + "}"


def _fields(into: str, fields: Sequence[tuple[int, str]]) -> Iterator[str]:
    yield "        k = len(c)"
    for number, name in sorted(fields):
        test = f"k > {number} and " if number else ""
        yield f"        if {test}(v := c[{number}]): {into}[{name!r}] = v"


def _below(
    name: str,
    node: str,
    elements: Sequence[int],
    fields: Sequence[tuple[int, str]],
    syntax: Syntax,
) -> Iterator[str]:
    if len(elements) > 1:
        yield "    found = []"
    for number in elements:
        yield f"    if n > {number} and (v := e[{number}]):"
        yield f"        below = {{'_line': line, '_name': {node!r}}}"
        if fields:
            yield f"        c = v.split({syntax.component!r}, {max(fields)[0] + 1})"
            yield from _fields("below", fields)
        if len(elements) > 1:
            yield "        found.append(below)"
        else:
            yield f"        node[{name!r}] = [below]"
    if len(elements) > 1:
        yield f"    if found: node[{name!r}] = found"


def _last(take: Take) -> int:
    """Return the last element that is taken; 0 if none is."""
    numbers = [number for number, _ in take.whole]
    numbers += [*take.parts, *(number for each in take.below for number in each.elements)]
    return max(numbers, default=0)
