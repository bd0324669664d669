"""Typed expressions as a person would write them, for whoever shows what was computed."""

from collections.abc import Mapping
from typing import Final

from helixnet.engine.mapping.infer.filters import FilterCall
from helixnet.engine.mapping.ir import Node, Op
from helixnet.engine.mapping.scope import Binding, FieldUse, Role, Scope, Special
from helixnet.engine.mapping.slots import Slot, pointer_text
from helixnet.engine.output import json_text
from helixnet.engine.values.absent import ABSENT

Names = Mapping[int, str]
"""How an expression calls a binding, by its number."""

_LONGEST: Final = 60
_BETWEEN: Final = {Op.AND: "and", Op.OR: "or", Op.IN: "in", Op.JOIN: "~", Op.TEMPLATE: "~"}


def names_in(scope: Scope) -> Names:
    """Return how expressions of a scope call its bindings."""
    return {binding.number: name for name, binding in scope.names.items()}


def words(node: Node, names: Names) -> str:
    """Return an expression as text; what is long is cut."""
    text = _words(node, names)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def filter_words(node: Node, call: FilterCall, names: Names) -> str:
    """Return a filter call as it is written behind its ``|``."""
    args = [_words(arg, names) for arg in node.args[1:]]
    if call.conditions:
        args = [f"{name}={arg}" for name, arg in zip(call.conditions, args, strict=True)]
    else:
        count = len(args) - len(call.names)
        args[count:] = [f"{n}={arg}" for n, arg in zip(call.names, args[count:], strict=True)]
    return f"{call.spec.name}({', '.join(args)})" if args else call.spec.name


def _words(node: Node, names: Names) -> str:
    data = node.data
    if isinstance(data, FieldUse | Binding | Special | Slot):
        return _named(node, data, names)
    args = [_words(arg, names) for arg in node.args]
    if isinstance(data, FilterCall):
        return f"{args[0]} | {filter_words(node, data, names)}"
    if node.op is Op.CONST:
        return "nothing" if data is ABSENT else json_text(data)
    if node.op in (Op.VAR, Op.INPUT, Op.JOINED):
        return str(data) if node.op is not Op.INPUT else f"inputs.{data}"
    if node.op in (Op.STEP, Op.ITEM, Op.SLICE, Op.LIST):
        return _path(node, args, names)
    return _operation(node, args)


def _path(node: Node, args: list[str], names: Names) -> str:
    match node.op:
        case Op.STEP:
            base = node.args[0].data
            bare = isinstance(base, Binding) and base.number not in names
            if node.args[0].op is Op.FILTER:
                return f"{args[0]} | get({json_text(str(node.data))})"
            return str(node.data) if bare else f"{args[0]}.{node.data}"
        case Op.ITEM:
            return f"{args[0]}[{args[1]}]"
        case Op.SLICE:
            return f"{args[0]}[{args[1]}:{args[2]}]"
        case _:
            return f"[{', '.join(args)}]"


def _operation(node: Node, args: list[str]) -> str:
    match node.op:
        case Op.TEST:
            return f"{args[0]} is {node.data}"
        case Op.NOT:
            return f"not {args[0]}"
        case Op.NEGATE:
            return f"-{args[0]}"
        case Op.IF | Op.BLOCK:
            otherwise = "" if node.args[2].data is ABSENT else f" else {args[2]}"
            return f"{args[1]} if {args[0]}{otherwise}"
        case _:
            between = _BETWEEN.get(node.op) or str(node.data)
            return f" {between} ".join(args)


def _named(node: Node, data: FieldUse | Binding | Special | Slot, names: Names) -> str:
    match data:
        case FieldUse():
            row = _words(node.args[0], names) if data.binding is None else ""
            prefix = row or names.get(data.binding.number if data.binding else -1, "")
            return f"{prefix}.{data.name}" if prefix else data.name
        case Binding():
            default = "record" if data.role is Role.RECORD else "item"
            return names.get(data.number, default)
        case Special():
            prefix = names.get(data.binding.number, "")
            return f"{prefix}.{data.name}" if prefix else data.name
        case Slot():
            return "out" + pointer_text(data.pointer, {}).replace("/", ".")
