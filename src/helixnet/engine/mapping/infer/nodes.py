"""Names and types: turns a parsed leaf into typed nodes and says everything that does not fit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from helixnet.engine.mapping.filled import as_kind
from helixnet.engine.mapping.filters.registry import REFUSED_TESTS, TESTS
from helixnet.engine.mapping.infer.elements import as_list
from helixnet.engine.mapping.infer.filters import type_filter
from helixnet.engine.mapping.infer.leafing import Leafing, item_type, value_type
from helixnet.engine.mapping.infer.names import type_member, type_name
from helixnet.engine.mapping.ir import (
    ANY,
    BOOLEAN,
    TEXT,
    TURNS,
    Node,
    Op,
    Turn,
    Type,
    join_types,
)
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.mapping.shapes import RecordShape

_ORDERED: Final = frozenset({Kind.TEXT, Kind.DATE, Kind.DATETIME, *NUMBERS})


def type_leaf(leaf: Leafing, *, raw: bool = False) -> Node:
    """Return the leaf's tree with names resolved and types known as far as they can be.

    Args:
        leaf: to be typed.
        raw: what it gives is read on, so that an element of XML stays one.
    """
    for at in leaf.parsed.tight:
        hint = "write (a * b) | filter, or a * (b | filter)"
        text = "the filter binds tighter than the arithmetic before it"
        leaf.problem("HX-4108", at, text, hint, warning=True)
    found = leaf.raw(leaf.parsed.root) if raw else leaf.plain(leaf.parsed.root)
    for value in leaf.parsed.sets:
        leaf.typed(value)
    return found


def _const(_leaf: Leafing, node: Node) -> Node:
    return node.typed(value_type(node.data))


def _condition(leaf: Leafing, node: Node) -> Node:
    """Type a condition: a boolean, null or absent; the rest is a problem."""
    found = leaf.plain(node)
    if found.type.kind not in (Kind.BOOLEAN, Kind.ANY, Kind.NULL):
        hint = "compare it, or use `is present` or `is empty`"
        if node is not leaf.parsed.root:
            hint += "; what stands in for an empty value is written: value | or_else(b)"
        leaf.problem("HX-4106", found, f"{found.type.kind} is no condition", hint)
    return found


def type_condition(leaf: Leafing) -> Node:
    """Type a leaf that must be a condition (`when`, `where`, `skip_when`, `that`)."""
    for at in leaf.parsed.tight:
        leaf.problem("HX-4108", at, "the filter binds tighter than arithmetic", warning=True)
    return _condition(leaf, leaf.parsed.root)


def _logic(leaf: Leafing, node: Node) -> Node:
    return node.typed(BOOLEAN, tuple(_condition(leaf, arg) for arg in node.args))


def _test(leaf: Leafing, node: Node) -> Node:
    args = leaf.all(node.args)
    if node.data not in TESTS:
        hint = REFUSED_TESTS.get(str(node.data)) or f"known are {', '.join(sorted(TESTS))}"
        leaf.problem("HX-4104", node, f"unknown test `{node.data}`", hint)
    return node.typed(BOOLEAN, args)


def _compare(leaf: Leafing, node: Node) -> Node:
    args = leaf.all(node.args)
    left, right = args[0].type.kind, args[1].type.kind
    known = {left, right} - {Kind.ANY, Kind.NULL}
    same = len(known) <= 1 or known <= NUMBERS
    if not same or (node.data not in ("==", "!=") and not known <= _ORDERED):
        text = f"{left} {node.data} {right}: these are not compared"
        leaf.problem("HX-4106", node, text, "convert one of them first")
    return node.typed(BOOLEAN, args)


def _in(leaf: Leafing, node: Node) -> Node:
    value, items = args = leaf.all(node.args)
    fits = items.type.kind in (Kind.LIST, Kind.ANY, Kind.NULL)
    texts = items.type.kind is Kind.TEXT and value.type.kind in (Kind.TEXT, Kind.ANY, Kind.NULL)
    kinds = {value.type.kind, items.type.items} - {Kind.ANY, Kind.NULL}
    if not (fits or texts) or (fits and len(kinds) > 1 and not kinds <= NUMBERS):
        text = f"{value.type.kind} in {items.type.kind} of {items.type.items}"
        leaf.problem("HX-4106", node, f"{text}: these do not go together")
    return node.typed(BOOLEAN, args)


def _arithmetic(leaf: Leafing, node: Node) -> Node:
    args = tuple(leaf.typed(arg) for arg in node.args)
    _numbers(leaf, str(node.data), args)
    kinds = {arg.type.kind for arg in args}
    kind = Kind.DECIMAL
    if node.data == "/" or Kind.QUOTIENT in kinds:
        kind = Kind.QUOTIENT
    elif kinds <= {Kind.INTEGER, Kind.NULL}:
        kind = Kind.INTEGER
    unknown = Kind.ANY in kinds
    return node.typed(Type(kind, unknown, unknown).maybe(*_types(args)), args)


def _negate(leaf: Leafing, node: Node) -> Node:
    args = (leaf.typed(node.args[0]),)
    _numbers(leaf, "-", args)
    kind = args[0].type.kind
    found = replace(args[0].type, kind=Kind.DECIMAL if kind is Kind.ANY else kind, shape=None)
    return node.typed(found, args)


def _numbers(leaf: Leafing, operator: str, args: tuple[Node, ...]) -> None:
    for arg in args:
        if arg.type.kind not in (*NUMBERS, Kind.QUOTIENT, Kind.ANY, Kind.NULL):
            hint = "join texts with `~`" if arg.type.kind is Kind.TEXT else ""
            hint = hint if operator == "+" else "convert it with int or decimal first"
            text = f"`{operator}` takes numbers only, not {arg.type.kind}"
            leaf.problem("HX-4106", arg, text, hint)


def _join(leaf: Leafing, node: Node) -> Node:
    args = leaf.all(node.args)
    for arg in args:
        if arg.type.kind in (Kind.LIST, Kind.OBJECT, Kind.BOOLEAN):
            hint = "use the filter join" if arg.type.kind is Kind.LIST else "name a member of it"
            leaf.problem("HX-4106", arg, f"a {arg.type.kind} is no text", hint)
    return node.typed(TEXT.maybe(*_types(args)), args)


def _if(leaf: Leafing, node: Node) -> Node:
    test = _condition(leaf, node.args[0])
    then, otherwise = leaf.typer(leaf, node.args[1]), leaf.typer(leaf, node.args[2])
    return node.typed(join_types(then.type, otherwise.type), (test, then, otherwise))


def _block(leaf: Leafing, node: Node) -> Node:
    args = (_condition(leaf, node.args[0]), *leaf.all(node.args[1:]))
    return node.typed(TEXT.maybe(*_types(args[1:])), args)


def _loop(leaf: Leafing, node: Node) -> Node:
    items = as_list(leaf.raw(node.args[0]))
    of = items.type
    if of.kind not in (Kind.LIST, Kind.ANY, Kind.NULL):
        leaf.problem("HX-4106", items, f"for takes a list, not {of.kind}")
    leaf.turns[as_kind(node.data, int)] = item_type(of) if of.kind is Kind.LIST else ANY
    test = _condition(leaf, node.args[1])
    body, other = leaf.all(node.args[2:])
    return node.typed(TEXT.maybe(body.type, other.type), (items, test, body, other))


def _turn(leaf: Leafing, node: Node) -> Node:
    turn = as_kind(node.data, Turn)
    known = leaf.turns.get(turn.loop, ANY) if turn.what == "item" else TURNS[turn.what]
    return node.typed(known)


def _list(leaf: Leafing, node: Node) -> Node:
    args = leaf.all(node.args)
    kinds = {arg.type.kind for arg in args}
    items = next(iter(kinds)) if len(kinds) == 1 else Kind.ANY
    if len(kinds) > 1 and kinds <= NUMBERS:
        items = Kind.DECIMAL
    return node.typed(Type(Kind.LIST, items=items), args)


def _item(leaf: Leafing, node: Node) -> Node:
    value, key = args = as_list(leaf.raw(node.args[0])), leaf.plain(node.args[1])
    if value.type.kind not in (Kind.LIST, Kind.TEXT, Kind.ANY, Kind.OBJECT):
        leaf.problem("HX-4106", node, f"{value.type.kind} has no items")
    shape = value.type.shape
    typed = isinstance(shape, RecordShape) and not shape.raw
    if value.type.kind is Kind.OBJECT and (value.type.row or typed):
        leaf.problem("HX-4106", node, "a column is named by a text", 'write record["NAME"]')
    found = ANY
    if value.type.kind is Kind.TEXT and key.type.kind is Kind.INTEGER:
        found = Type(Kind.TEXT, null=True, absent=True)
    elif value.type.kind is Kind.LIST:
        found = item_type(value.type).maybe(Type(Kind.ANY, absent=True, null=True))
    return node.typed(found, args)


def _slice(leaf: Leafing, node: Node) -> Node:
    args = leaf.all(node.args)
    if args[0].type.kind not in (Kind.TEXT, Kind.LIST, Kind.ANY, Kind.NULL):
        leaf.problem("HX-4106", node, f"{args[0].type.kind} can't be sliced")
    for end in args[1:]:
        if end.type.kind not in (Kind.INTEGER, Kind.ANY, Kind.NULL):
            leaf.problem("HX-4106", end, "a slice is given by whole numbers")
    return node.typed(args[0].type, args)


def _types(args: tuple[Node, ...]) -> list[Type]:
    return [arg.type for arg in args]


_TYPERS: Final[dict[Op, Callable[[Leafing, Node], Node]]] = {
    Op.CONST: _const,
    Op.NOT: _logic,
    Op.AND: _logic,
    Op.OR: _logic,
    Op.TEST: _test,
    Op.COMPARE: _compare,
    Op.IN: _in,
    Op.ARITHMETIC: _arithmetic,
    Op.NEGATE: _negate,
    Op.JOIN: _join,
    Op.TEMPLATE: _join,
    Op.IF: _if,
    Op.BLOCK: _block,
    Op.LIST: _list,
    Op.LOOP: _loop,
    Op.TURN: _turn,
    Op.ITEM: _item,
    Op.SLICE: _slice,
    Op.FILTER: type_filter,
    Op.NAME: type_name,
    Op.STEP: type_member,
}


def type_node(leaf: Leafing, node: Node) -> Node:
    """Type one node and all below it."""
    return _TYPERS[node.op](leaf, node)
