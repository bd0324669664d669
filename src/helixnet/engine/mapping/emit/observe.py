"""One leaf of one record, step by step: the code that maps it, run node by node with its variables.

Nothing is interpreted a second way: each node is written by the same emitter as in the function
that maps, so converters and filters are the same, and what is seen is what happened.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from helixnet.engine.context.model import Lookup
from helixnet.engine.mapping.emit.emitter import Emitter
from helixnet.engine.mapping.filled import as_kind
from helixnet.engine.mapping.filters.value_filters import is_empty, table_lines
from helixnet.engine.mapping.infer.filters import FilterCall
from helixnet.engine.mapping.infer.wording import Names, filter_words, words
from helixnet.engine.mapping.ir import Node, Op
from helixnet.engine.mapping.place import descend, pointer_of, value_of
from helixnet.engine.mapping.reads import members_read
from helixnet.engine.mapping.runtime import BAD
from helixnet.engine.mapping.scope import Binding, FieldUse, Role
from helixnet.engine.mapping.slots import Slot, pointer_text
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.compare import is_nothing
from helixnet.engine.values.convert import as_text
from helixnet.engine.values.faults import ValueFault

MOST_SOURCES: Final = 50
"""Values of the source that one step shows: a sum may read thousands."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A value of the source.

    Args:
        name: column, or JSON pointer in a nested record.
        item: the row, where the record has several.
    """

    name: str
    item: object = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What one node of an expression gave.

    Args:
        text: the node as a person writes it; of a filter only the call.
        kind: ``source``, ``filter``, ``var``, ``input``, ``built``, ``constant``, ``record`` (or an
            item, as a whole) or ``value``.
        value: None when there is a fault, or none could be computed.
        fault: why there is no value; empty code where a fault before is the cause.
        parts: what it was computed of, in the order of computation; only what was.
        origins: where in the record the value comes from, if it is read there.
        row: of a lookup, the row of the table that was used, or why none was.
        reads: JSON pointers of the fields of the document that were read, if it was built before.
    """

    text: str
    kind: str
    value: object
    fault: ValueFault | None = None
    parts: Sequence["Seen"] = ()
    origins: Sequence[Origin] = ()
    row: str = ""
    reads: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Tables:
    """What a map reads besides its record.

    Args:
        lookups: tables by name.
        places: for each join the function from its keys to file and line of the rows.
    """

    lookups: Mapping[str, Lookup]
    places: Mapping[str, Callable[..., Sequence[str]]]


class Observer:
    """Runs nodes with the variables of one moment of the generated function.

    Args:
        emitter: that wrote the function.
        variables: the function's, at that moment.
        tables: lookups and joins.
        vars: slots of the vars, by name.
        each: slots of `each`, by the number of their binding.
        names: how the expression calls bindings.
    """

    def __init__(
        self,
        emitter: Emitter,
        variables: Mapping[str, Any],
        *,
        tables: "Tables",
        vars: Mapping[str, Slot],  # noqa: A002 - what the context calls them
        each: Mapping[int, Slot],
        names: Names,
    ) -> None:
        self._emitter = replace(emitter, hoisted={}, keeps={}, told={})
        self._variables = variables
        self._tables, self._vars, self._each, self._names = tables, vars, each, names

    def see(self, node: Node) -> Seen:
        """Return what a node gave, and all that it was computed of."""
        if node.op in (Op.TEXT_OF, Op.LIST_OF):
            return self._of_element(node)
        data = node.data
        parts = [self.see(part) for part in self._computed(node)]
        value, fault = self.run(node)
        literal = node.op is Op.LIST and all(arg.op is Op.CONST for arg in node.args)
        kind = "constant" if literal else _KINDS.get(node.op, "value")
        text, row = words(node, self._names), ""
        if isinstance(data, FilterCall):
            parts = [self._narrowed(node, data, parts[0]), *parts[1:]]
            text = filter_words(node, data, self._names)
            row = self._row(node) if data.spec.name == "lookup" else ""
        elif node.op is Op.JOINED:
            row = self._joined(node)
        origins = tuple(self._origins(node, value))
        if origins and node.op is not Op.FILTER:
            kind = "source"
            parts = [] if node.op is Op.STEP and _only_steps(node) else parts
        return Seen(text, kind, value, fault, parts, origins, row, tuple(self._built(node, value)))

    def _of_element(self, node: Node) -> Seen:
        """Return what an element of XML gave as a value or list, as one thing with the element."""
        step = node.args[0]
        seen, (value, fault) = self.see(step), self.run(node)
        place = None
        if not seen.origins and _scalar(value):
            place = pointer_of(self._variables["r"], seen.value)
        if place is None:
            return replace(seen, value=value, fault=fault)
        parts = () if step.op is Op.STEP and _only_steps(step) else seen.parts
        origins = (Origin(place),)
        return replace(seen, kind="source", value=value, fault=fault, parts=parts, origins=origins)

    def run(self, node: Node) -> tuple[object, ValueFault | None]:
        """Return the value of a node, or why there is none."""
        try:
            code = self._emitter.code(node)
            space = {**self._emitter.constants.values, **self._variables}
            value = eval(code, space)  # noqa: S307 - code of our own generator, as in codegen
        except ValueFault as fault:
            return None, fault
        except ArithmeticError:
            return None, ValueFault("HX-2004", "a result has more than 38 digits", None)
        except Exception:  # noqa: BLE001 - what comes of a value that failed before is no fault
            return None, ValueFault("", "a value that it needs failed", None)
        if value is BAD:
            return None, ValueFault("", "a value that it needs failed", None)
        return value, None

    def _computed(self, node: Node) -> Iterator[Node]:
        """Yield the operands that the value was computed of."""
        match node.op:
            case Op.IF | Op.BLOCK:
                yield node.args[0]
                yield node.args[1 if self.run(node.args[0])[0] is True else 2]
            case Op.AND | Op.OR:
                for arg in node.args:
                    yield arg
                    if (self.run(arg)[0] is True) is (node.op is Op.OR):
                        return
            case Op.VAR:
                slot = self._vars.get(str(node.data))
                if slot is not None and slot.parsed is not None and slot.root is not None:
                    yield slot.root
            case Op.FILTER:
                yield from self._operands(node, as_kind(node.data, FilterCall))
            case _:
                yield from (arg for arg in node.args if arg.op is not Op.CONST)

    def _operands(self, node: Node, call: FilterCall) -> Iterator[Node]:
        value = node.args[0]
        yield value
        if call.spec.name == "or_else" and not is_empty(self.run(value)[0]):
            return
        yield from (arg for arg in node.args[1:] if arg.op is not Op.CONST)

    # what was built before

    def _built(
        self, node: Node, value: object, keys: Collection[str] | None = None
    ) -> Iterator[str]:
        """Yield the places of the document that a built value was read from, the fields only."""
        slot = node.data
        if node.op is not Op.OUT or not isinstance(slot, Slot) or slot.documents:
            return
        lists = [step for step in slot.pointer if isinstance(step, int)]
        try:
            indexes = {number: len(self._variables[f"t{number}"]) for number in lists}
        except KeyError:  # in a list that is not around what reads
            return
        yield from _fields(value, pointer_text(slot.pointer, indexes), keys)

    def _narrowed(self, node: Node, call: FilterCall, read: Seen) -> Seen:
        """Return a filter's value with those fields only that the filter reads of its items."""
        keys = members_read(call) if read.reads else None
        if keys is None:
            return read
        return replace(read, reads=tuple(self._built(node.args[0], read.value, keys)))

    # where a value stands

    def _origins(self, node: Node, value: object) -> Iterator[Origin]:
        data = node.data
        if isinstance(data, FieldUse):
            row = self._emitter.binding(data.binding) if data.binding is not None else None
            item = self._variables.get(row) if row else self.run(node.args[0])[0]
            if type(item) is dict:  # a JSON record, whose declared fields are read by name too
                yield from self._member(cast("object", item), data.name)
            elif item is not None and item is not ABSENT:
                yield Origin(data.name, item)
        elif isinstance(data, FilterCall):
            yield from self._of_filter(node, data)
        elif node.op is Op.STEP:
            yield from self._member(self.run(node.args[0])[0], str(data))
        elif isinstance(data, Binding) and data.role is Role.ITEM and _scalar(value):
            yield from self._item(data)

    def _of_filter(self, node: Node, call: FilterCall) -> Iterator[Origin]:
        """Yield the columns or members that a filter itself reads: by `get`, or by a key."""
        key = call.key
        value, *args = node.args
        if call.spec.name == "get" and args and args[0].op is Op.CONST:
            key = str(args[0].data)
        if key is None:
            return
        for item in _items(self.run(value)[0], row=value.type.row)[:MOST_SOURCES]:
            if type(item) is list:
                yield Origin(key, cast("object", item))
            else:
                yield from self._member(item, key)

    def _member(self, base: object, key: str) -> Iterator[Origin]:
        """Yield where the member of a node stands, of the one node of a list too."""
        if type(base) is list:
            items = cast("list[object]", base)
            base = items[0] if len(items) == 1 else None
        members = cast("dict[str, object]", base) if type(base) is dict else {}
        deep = descend(members, (key,), "") if key not in members else ""
        value = value_of(members, deep) if deep else members.get(key, ABSENT)
        place = pointer_of(self._variables["r"], base) if _scalar(value) else None
        if place is not None:
            yield Origin(place + (deep or f"/{key.replace('~', '~0').replace('/', '~1')}"))

    def _item(self, binding: Binding) -> Iterator[Origin]:
        """Yield where a plain item of an `each` stands."""
        slot = self._each.get(binding.number)
        position = self._variables.get(f"p{binding.number}")
        if slot is None or slot.root is None or type(position) is not int:
            return
        place = pointer_of(self._variables["r"], self.run(slot.root)[0])
        if place is not None:
            yield Origin(f"{place}/{position - 1}")

    # the row of a table

    def _joined(self, node: Node) -> str:
        keys = [self.run(arg)[0] for arg in node.args]
        listed = ", ".join(["nothing" if is_nothing(key) else _text(key) for key in keys])
        rows = self._tables.places[str(node.data)](*keys)
        return f"row {listed}: {', '.join(rows[:MOST_SOURCES])}" if rows else f"no row for {listed}"

    def _row(self, node: Node) -> str:
        table = self._tables.lookups[str(node.args[1].data)]
        keys = [self.run(arg)[0] for arg in (node.args[0], *node.args[2:])]
        if is_nothing(keys[0]):
            return ""
        listed = ", ".join(["nothing" if is_nothing(key) else _text(key) for key in keys])
        lines = table_lines(table, keys)
        if lines:
            places = ", ".join([f"{table.file}:{line}" for line in lines[:MOST_SOURCES]])
            return f"row {listed}: {places}"
        policy = table.missing if isinstance(table.missing, str) else "const"
        return f"no row for {listed}; missing: {policy}"


def _items(value: object, *, row: bool) -> list[object]:
    """Return a list's items, or the value as the only one; a row is a list too."""
    if type(value) is not list:
        return [value]
    items = cast("list[object]", value)
    return [items] if row and not (items and type(items[0]) is list) else items


def _fields(value: object, place: str, keys: Collection[str] | None = None) -> Iterator[str]:
    """Yield the pointers of all fields in a value; of the items of a list those of ``keys``."""
    if type(value) is dict:
        members = cast("dict[str, object]", value)
        for name, member in members.items():
            if keys is None or name in keys:
                step = name.replace("~", "~0").replace("/", "~1")
                yield from _fields(member, f"{place}/{step}")
    elif type(value) is list:
        for number, item in enumerate(cast("list[object]", value)):
            yield from _fields(item, f"{place}/{number}", keys)
    elif keys is None and value is not ABSENT:
        yield place


def _only_steps(node: Node) -> bool:
    while node.op is Op.STEP:
        node = node.args[0]
    return node.op is Op.BINDING


def _scalar(value: object) -> bool:
    return value is not ABSENT and type(value) not in (dict, list)


def _text(value: object) -> str:
    try:
        return as_text(value)
    except ValueFault:
        return str(value)


_KINDS: Final = {
    Op.FIELD: "source",
    Op.FILTER: "filter",
    Op.VAR: "var",
    Op.INPUT: "input",
    Op.OUT: "built",
    Op.CONST: "constant",
    Op.BINDING: "record",
    Op.JOINED: "join",
}
