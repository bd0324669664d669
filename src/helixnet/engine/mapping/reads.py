"""What the expressions of a plan read: columns, vars, built values, positions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from helixnet.engine.context.model import EachNode
from helixnet.engine.mapping.infer.filters import FilterCall
from helixnet.engine.mapping.ir import Node, Op
from helixnet.engine.mapping.line_shape import reads_lines
from helixnet.engine.mapping.place import Step
from helixnet.engine.mapping.scope import Binding, FieldUse
from helixnet.engine.mapping.slots import Slot

Place: TypeAlias = tuple[tuple[str, int], ...]
Path: TypeAlias = tuple[Binding, tuple[Step, ...]]


@dataclass(slots=True)
class Use:
    """Where a column of a record or item is read, and which slots it feeds."""

    binding: Binding
    name: str
    places: list[Place] = field(default_factory=list[Place])
    slots: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class Reads:
    """What one expression reads."""

    fields: list[FieldUse] = field(default_factory=list[FieldUse])
    vars: list[str] = field(default_factory=list[str])
    slots: list[Slot] = field(default_factory=list[Slot])
    paths: list[Path] = field(default_factory=list["Path"])
    members: list[tuple[Binding, tuple[Step, ...], str]] = field(
        default_factory=list[tuple[Binding, tuple[Step, ...], str]]
    )


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    for arg in node.args:
        yield from walk(arg)


def reads_of(*roots: Node | None) -> Reads:
    """Return what expressions read."""
    found = Reads()
    for root in roots:
        for node in walk(root) if root is not None else ():
            _note(found, node)
    return found


def surely_read(root: Node | None) -> Iterator[tuple[int, str]]:
    """Yield binding and name of columns that an expression has read whenever it gives a value."""
    if root is None:
        return
    data = root.data
    if root.op is Op.FIELD and isinstance(data, FieldUse) and data.binding is not None:
        yield data.binding.number, data.name
    elif root.op is Op.FILTER:
        yield from surely_read(root.args[0])
    elif root.op in (Op.ARITHMETIC, Op.NEGATE, Op.COMPARE):
        for arg in root.args:
            yield from surely_read(arg)


def _note(found: Reads, node: Node) -> None:
    data = node.data
    if node.op is Op.FIELD and isinstance(data, FieldUse):
        found.fields.append(data)
    elif node.op is Op.VAR:
        found.vars.append(str(data))
    elif node.op is Op.OUT and isinstance(data, Slot):
        found.slots.append(data)
    elif isinstance(data, FilterCall) and node.args[0].type.row:
        names = (*data.conditions, *([data.key] if data.key is not None else []))
        found.fields += [FieldUse(None, name) for name in names]
    elif isinstance(data, FilterCall) and reads_lines(node.args[0].type):
        names = (*data.conditions, *([data.key] if data.key is not None else []))
        lines = _path(node.args[0])
        if lines is not None:
            found.members += [(*lines, name) for name in names]
    path = _path(node)
    if path is not None:
        found.paths.append(path)


def _path(node: Node) -> Path | None:
    """Return the steps from a binding through a nested record; None if there are none."""
    keys: list[Step] = []
    while node.op in (Op.STEP, Op.FILTER, Op.TEXT_OF, Op.LIST_OF):
        if node.op is Op.STEP:
            keys.insert(0, str(node.data))
        elif isinstance(node.data, FilterCall) and node.data.spec.selects:
            wanted = [arg.data if arg.op is Op.CONST else None for arg in node.args[1:]]
            keys.insert(0, tuple(zip(node.data.conditions, wanted, strict=True)))
        elif (name := _got(node)) is not None:
            keys.insert(0, name)
        node = node.args[0]
    if node.op is Op.FIELD and isinstance(node.data, FieldUse) and node.data.binding is not None:
        of = node.data.binding
        return None if of.type.row else (of, (node.data.name, *keys))
    if node.op is not Op.BINDING or not isinstance(node.data, Binding) or not keys:
        return None
    return node.data, tuple(keys)


def _got(node: Node) -> str | None:
    """Return the field that ``get`` takes by name; None for anything else."""
    if isinstance(node.data, FilterCall) and node.data.spec.name == "get" and len(node.args) > 1:
        name = node.args[1]
        return name.data if name.op is Op.CONST and isinstance(name.data, str) else None
    return None


def mark_needs(root: Node | None) -> None:
    """Note in every slot that an expression reads how much of it is read as a value."""
    if root is None:
        return
    if root.op is Op.FILTER and isinstance(root.data, FilterCall):
        value = root.args[0]
        slot = value.data if value.op is Op.OUT else None
        members = members_read(root.data)
        if isinstance(slot, Slot) and isinstance(slot.node, EachNode) and members is not None:
            _need(slot, members)
            for arg in root.args[1:]:
                mark_needs(arg)
            return
    if root.op is Op.OUT and isinstance(root.data, Slot):
        _need(root.data, None)
    for arg in root.args:
        mark_needs(arg)


def members_read(call: FilterCall) -> set[str] | None:
    """Return the members of items that a filter reads; None = the items themselves."""
    if call.key is not None and "." not in call.key and call.spec.name in _BY_KEY:
        return {call.key}
    return set() if call.spec.name in ("length", "count") and call.key is None else None


_BY_KEY = frozenset({"sum", "min", "max", "avg", "count", "running_sum", "join"})


def _need(slot: Slot, members: set[str] | None) -> None:
    if members is None:
        slot.need.whole = True
        for below in (*slot.members.values(), *slot.items):
            _need(below, None)
        return
    slot.need.members |= members | {""}
    for body in slot.items:
        if not body.members:
            _need(body, None)
            continue
        body.need.members |= members | {""}
        for name in members & set(body.members):
            _need(body.members[name], None)
