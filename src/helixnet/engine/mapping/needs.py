"""Which fields of which segments a map reads, so that readers of wide segments cut only those."""

from collections.abc import Iterator, Mapping
from typing import Final

from helixnet.engine.mapping.infer.filters import FilterCall
from helixnet.engine.mapping.ir import Node, Op, Shape
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.line_shape import LineShape, LinesShape
from helixnet.engine.mapping.program import Program
from helixnet.engine.mapping.reads import walk
from helixnet.engine.mapping.shapes import SegmentShape

_NESTED: Final = (SegmentShape, LineShape, LinesShape)
_BY_MEMBER = frozenset({"one", "maybe", "any", "many", "first", "last", "length", "count"})


def fields_needed(program: Program) -> Mapping[str, frozenset[str]] | None:
    """Return the fields read by segment name; None when a segment is read as a whole."""
    found: dict[str, set[str]] = {}
    for root in expressions(program):
        if root.type.shape is not None and root.type.kind is Kind.ANY:
            return None
        for node in walk(root):
            if not _note(found, node):
                return None
    if any(_whole(root) for root in written(program)):
        return None
    return {segment: frozenset(names) for segment, names in found.items()}


def expressions(program: Program) -> Iterator[Node]:
    """Yield every expression that is about a record."""
    for slot in program.outline.slots.values():
        yield from (node for node in (slot.root, slot.where, slot.when) if node is not None)
    if program.skip_when is not None:
        yield program.skip_when
    for that, text in program.checks:
        yield that
        yield text


def written(program: Program) -> Iterator[Node]:
    """Yield the expressions whose value goes out as it is: leaves."""
    for slot in program.outline.slots.values():
        if slot.root is not None and slot.parsed is not None:
            yield slot.root


def _whole(root: Node) -> bool:
    return isinstance(root.type.shape, _NESTED)


def _note_path(found: dict[str, set[str]], shape: Shape, path: str) -> None:
    """Note a field, or a path of nodes to one such as C082.3039."""
    head, dot, rest = path.partition(".")
    name = path if shape.step(path) is not None else head
    if isinstance(shape, _NESTED):
        found.setdefault(shape.name, set()).add(name)
    below = shape.step(name)
    if dot and name == head and below is not None and below.shape is not None:
        _note_path(found, below.shape, rest)


def _note(found: dict[str, set[str]], node: Node) -> bool:
    """Note the fields that a node reads; False when they can't be told."""
    if node.op is Op.STEP:
        shape = node.args[0].type.shape
        if isinstance(shape, _NESTED):
            found.setdefault(shape.name, set()).add(str(node.data))
        return True
    if node.op is not Op.FILTER or not isinstance(node.data, FilterCall):
        return node.op is Op.TEST or not any(map(_whole, node.args))
    shape = node.args[0].type.shape
    if not isinstance(shape, _NESTED):
        return True
    call = node.data
    for name in (*call.conditions, *([call.key] if call.key is not None else ())):
        _note_path(found, shape, name)
    found.setdefault(shape.name, set())
    return call.spec.name in _BY_MEMBER or call.key is not None
