"""Joins in expressions: a bare name that stands for the row of a second file.

What ``on`` says is evaluated where the name is read, so that one join serves a record as well as
the lines of a group, the items of an ``each``, or segments.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from helixnet.engine.context.model import (
    ArrayNode,
    Const,
    ContextProblem,
    EachNode,
    Join,
    Leaf,
    MapNode,
    ObjectNode,
    WhenNode,
)
from helixnet.engine.mapping.infer.leafing import Leafing, World, value_type
from helixnet.engine.mapping.infer.parse import parse_leaf
from helixnet.engine.mapping.ir import ANY, BOOLEAN, Node, Op, Parsed, Shape, Type
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.scope import Binding, FieldUse, Scope, Special
from helixnet.engine.mapping.shapes import DictShape, field_kind

_KEYS = frozenset({Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.DATETIME})


def join_type(join: Join, header: Sequence[str] | None) -> Type:
    """Return the type of what a join gives: an object of columns, or a list of such.

    Args:
        join: as declared.
        header: columns of its file; None = not known.
    """
    source = join.source
    shape: Shape | None = None
    if source.fields:
        shape = DictShape(
            {
                name: Type(
                    field_kind(field.type),
                    bool(source.nulls) and not field.required,
                    scale=field.scale,
                )
                for name, field in source.fields.items()
            }
        )
    elif header is not None:
        shape = DictShape(dict.fromkeys(header, Type(Kind.TEXT, bool(source.nulls))))
    kind = Kind.LIST if join.many else Kind.OBJECT
    return Type(kind, absent=join.kind != "reject", shape=shape)


def read_join(leaf: Leafing, name: str, at: int) -> Node:
    """Return the node of a join that is read in a leaf; its keys see what the leaf sees."""
    join = leaf.world.joins[name]
    leaf.world.settled.add(name)
    found: list[ContextProblem] = []
    keys = tuple(_key(leaf, part, found) for part in join.on.values())
    line = leaf.parsed.place(at).line
    for problem in found:
        message = f"{problem.message}, where `{name}` is read in line {line}"
        leaf.problems.append(replace(problem, message=message))
    return Node(Op.JOINED, keys, name, at, leaf.world.join_types.get(name, ANY))


def _key(leaf: Leafing, part: Leaf | Const, problems: list[ContextProblem]) -> Node:
    if isinstance(part, Const):
        return Node(Op.CONST, (), part.value, 0, value_type(part.value))
    parsed = parse_leaf(part, problems)
    if parsed is None:
        return Node(Op.CONST)
    own = replace(leaf, parsed=parsed, problems=problems, turns={})
    found = own.plain(parsed.root)
    if found.type.kind not in (*_KEYS, Kind.ANY, Kind.NULL):
        own.problem("HX-4106", found, f"a {found.type.kind} is no key", "name a single value")
    return found


def found_in(world: World, join: Join, scope: Scope, problems: list[ContextProblem]) -> Node:
    """Return the condition that a join finds a row for what a scope has."""
    parsed = Parsed(Node(Op.CONST), f"{join.name} is present", join.mark)
    row = read_join(world.leafing(parsed, scope, problems), join.name, 0)
    return Node(Op.TEST, (row,), "present", 0, BOOLEAN)


def inner_condition(
    world: World, scope: Scope, own: Binding | None, names: Collection[str]
) -> tuple[Node | None, Leaf | None]:
    """Return the condition that all inner joins find a row which belong to a scope.

    Args:
        world: of the map.
        scope: of a record, or of the item of an `each`.
        own: that item; None = the record.
        names: what the map calls items: a join that reads one is no join of the record.

    Returns:
        the condition, and how it is told; None when there is no such join.
    """
    nodes: list[Node] = []
    leaf: Leaf | None = None
    for join in world.joins.values():
        if join.kind != "inner" or (own is None and _names(join) & {*names}):
            continue
        problems: list[ContextProblem] = []
        node = found_in(world, join, scope, problems)
        if any(one.severity == "error" for one in problems):
            continue
        if own is None or any(_binding(below.data) is own for below in _below(node)):
            nodes.append(node)
            leaf = leaf or Leaf(f"{join.name} is present", join.mark)
            world.settled.add(join.name)
    if not nodes:
        return None, None
    return nodes[0] if len(nodes) == 1 else Node(Op.AND, tuple(nodes), type=BOOLEAN), leaf


def item_names(node: MapNode | None) -> Iterator[str]:
    """Yield what a map calls the items of its `each`."""
    match node:
        case EachNode():
            if node.name is not None:
                yield node.name
            yield from item_names(node.map)
        case WhenNode():
            yield from item_names(node.map)
        case ObjectNode():
            for below in node.fields.values():
                yield from item_names(below)
        case ArrayNode():
            for below in node.items:
                yield from item_names(below)
        case _:
            return


def unsettled(world: World) -> Iterator[ContextProblem]:
    """Yield a problem for each join that nothing reads and that belongs nowhere."""
    for join in world.joins.values():
        if join.name not in world.settled:
            hint = "`on` reads names of the record, or the `as` of an `each`"
            text = f"the join `{join.name}` is not read"
            if join.kind == "inner":
                text = f"the inner join `{join.name}` belongs to no record and no `each`"
            severity = "error" if join.kind == "inner" else "warning"
            yield ContextProblem(
                join.mark, "HX-4103" if severity == "error" else "HX-4113", text, hint, severity
            )


def _below(root: Node) -> Iterator[Node]:
    yield root
    for arg in root.args:
        yield from _below(arg)


def _names(join: Join) -> set[str]:
    leaves = [part for part in join.on.values() if isinstance(part, Leaf)]
    parsed = [parse_leaf(leaf, []) for leaf in leaves]
    nodes = [node for one in parsed if one is not None for node in _below(one.root)]
    return {str(node.data) for node in nodes if node.op is Op.NAME}


def _binding(data: object) -> Binding | None:
    if isinstance(data, FieldUse | Special):
        return data.binding
    return data if isinstance(data, Binding) else None
