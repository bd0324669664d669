"""Filters: which one is meant, whether its arguments fit, and what comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from helixnet.engine.context.model import Const, Field, Lookup
from helixnet.engine.mapping.filled import as_kind
from helixnet.engine.mapping.filters.registry import FILTERS, REFUSED_FILTERS
from helixnet.engine.mapping.filters.spec import REQUIRED, FilterSpec, Param
from helixnet.engine.mapping.infer.elements import ELEMENT, as_list, as_value, is_element
from helixnet.engine.mapping.infer.leafing import Leafing, item_type, value_type
from helixnet.engine.mapping.infer.names import member
from helixnet.engine.mapping.infer.spreadsheet import formula_hint
from helixnet.engine.mapping.ir import ANY, BOOLEAN, Call, Node, Op, Type, join_types
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.mapping.shapes import DictShape, SegmentShape, field_kind, has_path, near
from helixnet.engine.values.faults import ValueFault

STEADY: Final = frozenset(
    {"trim", "upper", "lower", "substring", "split", "join", "replace", "matches", "pad_left"}
    | {"pad_right", "unpad", "int", "decimal", "round", "money", "round_even", "abs", "sign"}
    | {"sum", "count", "length", "running_sum", "format_number", "date", "datetime", "tojson"}
    | {"format_date", "add_days", "add_months", "days_between", "sort", "unique", "group"}
)
"""Filters that give neither null nor absent for a value that is neither."""
_SAME_LIST: Final = frozenset({"sort", "unique", "many"})
_WHOLE: Final = frozenset({"get", "first", "last"})
_ROUNDING: Final = frozenset({"round", "money", "round_even"})


@dataclass(frozen=True, slots=True)
class FilterCall:
    """A filter call whose arguments are checked.

    Args:
        spec: the filter; None for `lookup` of a table that is not there.
        bound: a function of the value alone, when all arguments are literals.
        conditions: of a selector: the names; their values are the node's further arguments.
        key: a literal key that names a member of the items of a list.
        names: of keyword arguments: the last so many arguments of the node.
    """

    spec: FilterSpec
    bound: Callable[[Any], Any] | None = None
    conditions: tuple[str, ...] = ()
    key: str | None = None
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class _Call:
    leaf: Leafing
    node: Node
    spec: FilterSpec
    value: Node
    args: tuple[Node, ...]
    names: tuple[str, ...]
    given: dict[str, Node] = field(default_factory=dict[str, Node])
    fits: bool = True

    def wrong(self, at: Node, message: str) -> None:
        self.fits = False
        hint = "takes " + (", ".join(p.name for p in self.spec.params) or "no argument")
        self.leaf.problem("HX-4105", at, f"{self.spec.name}: {message}", f"it {hint}")

    def result(self, call: FilterCall, found: Type) -> Node:
        return Node(Op.FILTER, (self.value, *self.args), call, self.node.at, found)


def type_filter(leaf: Leafing, node: Node) -> Node:
    """Type a filter call."""
    written = as_kind(node.data, Call)
    spec = FILTERS.get(written.name)
    if spec is None:
        known = formula_hint(written.name) if written.name.lower() not in FILTERS else ""
        hint = REFUSED_FILTERS.get(written.name) or known or near(written.name, list(FILTERS))
        leaf.problem("HX-4104", node, f"unknown filter `{written.name}`", hint)
        return Node(Op.CONST, at=node.at)
    value = _value(leaf, node.args[0], spec)
    args = leaf.all(node.args[1:])
    call = _Call(leaf, node, spec, value, args, written.names)
    if spec.selects:
        return _selector(call)
    _match(call)
    if "key" not in call.given and spec.name not in _WHOLE:
        call.value = as_value(call.value)
    special = _SPECIAL.get(spec.name)
    return special(call) if special else _ordinary(call)


def _value(leaf: Leafing, node: Node, spec: FilterSpec) -> Node:
    value = _given(leaf, node, spec)
    if not _fits(value.type.kind, spec.takes):
        kinds = " or ".join(sorted(spec.takes))
        text = f"{spec.name} takes {kinds}, not {value.type.kind}"
        hint = "convert it first"
        if value.type.kind is Kind.OBJECT:
            hint = "it is one item: read its column, such as ITEM.COLUMN"
        elif spec.takes == frozenset({Kind.LIST}):
            hint = f'name the list, and the column of its items: LIST | {spec.name}("COLUMN")'
        leaf.problem("HX-4106", value, text, hint)
    return value


def _given(leaf: Leafing, node: Node, spec: FilterSpec) -> Node:
    """Type the value of a filter: elements of XML stay what they are where it looks into them."""
    if Kind.LIST in spec.takes:
        found = leaf.raw(node)
        if spec.name == "length" and is_element(found.type):
            hint = 'elements are counted by count, characters by ["#text"] | length'
            leaf.problem("HX-4105", node, "length of an XML element is two things", hint)
        return found if spec.name == "get" else as_list(found)
    return leaf.typed(node) if Kind.QUOTIENT in spec.takes else leaf.plain(node)


def _fits(kind: Kind, takes: frozenset[Kind]) -> bool:
    return (
        kind in takes
        or kind in (Kind.ANY, Kind.NULL)
        or Kind.ANY in takes
        or (kind is Kind.INTEGER and Kind.DECIMAL in takes)
    )


def _match(call: _Call) -> None:
    """Give every argument to its parameter."""
    spec = call.spec
    params = [param for param in spec.params if not param.keyword]
    plain = call.args[: len(call.args) - len(call.names)]
    for param, arg in zip(params, plain, strict=False):
        call.given[param.name] = arg
    for arg in plain[len(params) :]:
        if spec.more is None:
            call.wrong(arg, "too many arguments")
        elif not _fits(arg.type.kind, spec.more):
            call.wrong(arg, f"an argument can't be {arg.type.kind}")
    known = {param.name for param in spec.params}
    for name, arg in zip(call.names, call.args[len(plain) :], strict=True):
        if name not in known or name in call.given:
            call.wrong(arg, f"no argument `{name}`, or given twice")
        call.given[name] = arg
    for param in spec.params:
        _check_param(call, param)


def _check_param(call: _Call, param: Param) -> None:
    arg = call.given.get(param.name)
    if arg is None:
        if param.default is REQUIRED:
            call.wrong(call.node, f"argument `{param.name}` is missing")
    elif _is_null(arg) and param.default is not None and call.spec.name not in _SPECIAL:
        call.wrong(arg, f"`{param.name}` can't be null")
    elif param.constant and arg.op is not Op.CONST:
        call.wrong(arg, f"`{param.name}` must be a literal, such as a text in quotes")
    elif not _fits(arg.type.kind, param.takes):
        call.wrong(arg, f"`{param.name}` can't be {arg.type.kind}")


def _is_null(arg: Node) -> bool:
    return arg.op is Op.CONST and arg.data is None and arg.type.kind is Kind.NULL


def _literals(call: _Call) -> dict[str, object] | None:
    """Return all arguments by name with defaults, if all are literals."""
    if any(arg.op is not Op.CONST for arg in call.args) or len(call.args) > len(call.spec.params):
        return None
    given = {name: arg.data for name, arg in call.given.items()}
    return {p.name: given.get(p.name, p.default) for p in call.spec.params}


def _ordinary(call: _Call) -> Node:
    spec, value = call.spec, call.value
    literals = _literals(call)
    bound = _bind(call, literals)
    constants: Mapping[str, object] = literals or {
        name: arg.data for name, arg in call.given.items() if arg.op is Op.CONST
    }
    key = _key(call)
    read = _key_type(call, key)
    over = read.kind if key is not None else value.type.items
    kind = spec.kind(over if _aggregates(spec.name) else value.type.kind, constants)
    if spec.name == "sum":
        kind = over if over in NUMBERS else kind
    found = _shaped(call, Type(kind), read, constants)
    if spec.passes_null:
        nulls = any(arg.type.null or arg.type.absent for arg in call.args)
        found = replace(found, null=nulls or found.null).maybe(value.type)
    else:
        found = replace(found, absent=value.type.absent)  # as `tojson`
    if spec.name not in STEADY:
        found = replace(found, null=True, absent=True)
    names = call.names
    return call.result(FilterCall(spec, bound, (), key, names), found)


def _aggregates(name: str) -> bool:
    return name in ("sum", "min", "max", "avg", "running_sum")


def _shaped(call: _Call, found: Type, read: Type, constants: Mapping[str, object]) -> Type:
    name, value = call.spec.name, call.value.type
    if name in _SAME_LIST:
        return replace(value, kind=Kind.LIST, null=False, absent=False)
    if name in ("first", "last"):
        return item_type(value)
    if name in ("min", "max") and found.kind is not Kind.ANY:
        return Type(found.kind, scale=read.scale)
    if name == "sum":
        return replace(found, scale=read.scale)
    if name in _ROUNDING:
        places = constants.get("places")
        return replace(found, scale=places if isinstance(places, int) else None)
    if name == "split":
        return replace(found, items=Kind.TEXT)
    return found


def _bind(call: _Call, literals: dict[str, object] | None) -> Callable[[Any], Any] | None:
    if call.spec.bind is None or literals is None or not call.fits:
        return None
    try:
        return call.spec.bind(*literals.values())
    except ValueFault as error:
        call.leaf.problem("HX-4105", call.node, f"{call.spec.name}: {error.message}", error.hint)
        return None


def _key(call: _Call) -> str | None:
    arg = call.given.get("key")
    return arg.data if arg is not None and isinstance(arg.data, str) else None


def _key_type(call: _Call, key: str | None) -> Type:
    """Return the type of the member that a literal key names, and say if there is none."""
    shape = call.value.type.shape
    if key is None or shape is None or call.value.type.kind is not Kind.LIST:
        return ANY
    found = shape.step(key)
    if found is None and "." not in key:
        hint = near(key, shape.names())
        call.leaf.problem("HX-4103", call.given["key"], f"unknown name `{key}`", hint)
    return found or ANY


def _selector(call: _Call) -> Node:
    """Type one, maybe, any, many: NAME=value, or pairs "NAME", value."""
    count = len(call.args) - len(call.names)
    pairs = list(zip(call.args[:count:2], call.args[1:count:2], strict=False))
    if count % 2:
        call.wrong(call.args[count - 1], "names and values come in pairs")
    names: list[str] = []
    for name, _ in pairs:
        if name.op is not Op.CONST or not isinstance(name.data, str):
            call.wrong(name, "the name of a field is a literal text")
        names.append(str(name.data))
    conditions = (*names, *call.names)
    call.args = (*(value for _, value in pairs), *call.args[count:])
    shape = call.value.type.shape
    for name, arg in zip(conditions, call.args, strict=True):
        if shape is not None and not has_path(shape, name):
            hint = near(name, shape.names())
            call.leaf.problem("HX-4103", arg, f"unknown name `{name}`", hint)
    return call.result(FilterCall(call.spec, None, conditions), _selected(call))


def _selected(call: _Call) -> Type:
    of = call.value.type
    item = item_type(of) if of.kind is Kind.LIST else replace(ANY, shape=of.shape)
    match call.spec.name:
        case "any":
            return BOOLEAN
        case "many":
            return Type(Kind.LIST, shape=of.shape, items=of.items, row=of.row)
        case "maybe":
            return replace(item, absent=True)
        case _:
            return item


def _or_else(call: _Call) -> Node:
    value, other = call.value.type, call.args[0].type if call.args else ANY
    sure = value if value.kind is Kind.ANY else replace(value, null=False, absent=False)
    if value.kind is Kind.NULL:
        sure = other
    found = join_types(sure, other)
    if value.kind is Kind.ANY:
        found = replace(ANY, null=other.null, absent=other.absent)
    return call.result(FilterCall(call.spec), found)


def _lookup(call: _Call) -> Node:
    leaf, args = call.leaf, call.args
    name = args[0].data if args and args[0].op is Op.CONST else None
    table = leaf.world.lookups.get(str(name))
    if args and (args[0].op is not Op.CONST or args[0].type.kind is Kind.ANY):
        return Node(Op.CONST, at=call.node.at)  # an unknown name or no literal is told already
    if table is None:
        hint = near(str(name), list(leaf.world.lookups)) or "declare it under `lookups`"
        leaf.problem("HX-4103", args[0] if args else call.node, f"unknown lookup `{name}`", hint)
        return Node(Op.CONST, at=call.node.at)
    if table.keys != len(args) - len(call.names):
        call.wrong(call.node, f"table `{name}` has {table.keys} keys")
    _check_day(call, table)
    found = _found_type(table)
    if table.missing == "keep":
        found = join_types(found, replace(call.value.type, shape=None, scale=None))
    elif table.missing == "null":
        found = replace(found, null=True)
    elif isinstance(table.missing, Const):
        found = join_types(found, value_type(table.missing.value))
    return call.result(FilterCall(call.spec, names=call.names), found.maybe(call.value.type))


def _check_day(call: _Call, table: Lookup) -> None:
    on = call.given.get("on")
    if table.dated and on is None:
        call.wrong(call.node, f"the rows of table `{table.name}` hold for a time: add on=DATE")
    elif on is not None and not table.dated:
        call.wrong(on, f"table `{table.name}` declares no `valid`, so it has no `on`")


def _found_type(table: Lookup) -> Type:
    """Return the type of what a table gives for a key that it has."""
    if table.columns is not None:
        members = {name: column_type(table, each) for name, each in table.columns.items()}
        return Type(Kind.LIST if table.many else Kind.OBJECT, shape=DictShape(members))
    if table.value is not None:
        one = column_type(table, table.value)
        sure = not one.null
        return Type(Kind.LIST, items=one.kind if sure else Kind.ANY) if table.many else one
    found: Type | None = None
    for each in {value_type(value) for value in table.rows.values()}:
        found = each if found is None else join_types(found, each)
    return found or Type(Kind.NULL, null=True)


def column_type(table: Lookup, column: Field) -> Type:
    """Return the type of a column of a table."""
    null = table.nullable and not column.required
    return Type(field_kind(column.type), null, scale=column.scale)


def _get_element(call: _Call, key: object) -> Node:
    """Type what `get` takes of an element: as a step does, or one of several by number."""
    if not isinstance(key, str):
        call.value = as_list(call.value)
        return call.result(FilterCall(call.spec), ELEMENT)
    found = call.value
    for name in key.split("."):
        found = member(call.leaf, found, name, call.node)
    return found


def _get(call: _Call) -> Node:
    arg = call.args[0] if call.args else None
    if arg is None or arg.op is not Op.CONST:
        return call.result(FilterCall(call.spec), ANY)
    of = call.value.type
    dotted = isinstance(arg.data, str) and "." in arg.data
    if is_element(of) or (dotted and of.kind is Kind.OBJECT and isinstance(of.shape, SegmentShape)):
        return _get_element(call, arg.data)  # whose names have no dots
    if isinstance(arg.data, str) and "." not in arg.data and of.kind is Kind.OBJECT:
        return member(call.leaf, call.value, arg.data, call.node)
    if of.kind is Kind.LIST and isinstance(arg.data, str):
        text = "get takes a member of one item, not of a list"
        call.leaf.problem("HX-4106", call.node, text, "take one item first: one, maybe, first")
    return call.result(FilterCall(call.spec), ANY)


_SPECIAL: Final[dict[str, Callable[[_Call], Node]]] = {
    "or_else": _or_else,
    "lookup": _lookup,
    "get": _get,
}
