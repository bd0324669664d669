"""Filter calls to code: inline where the plan knows enough, else the filter's own function."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from helixnet.engine.context.model import Lookup
from helixnet.engine.mapping import runtime
from helixnet.engine.mapping.emit.emitter import Emitter
from helixnet.engine.mapping.filled import as_kind
from helixnet.engine.mapping.filters.selecting import quick_selector
from helixnet.engine.mapping.filters.value_filters import is_empty, look_up, look_up_on
from helixnet.engine.mapping.infer.filters import FilterCall
from helixnet.engine.mapping.ir import Node, Op
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.mapping.line_shape import reads_lines
from helixnet.engine.values import text as texts
from helixnet.engine.values.absent import ABSENT


def emit_filter(emitter: Emitter, node: Node) -> str:
    """Return the code of a filter call."""
    call = as_kind(node.data, FilterCall)
    own = _OWN.get(call.spec.name)
    if own is not None:
        return own(emitter, node, call)
    return _selector(emitter, node, call) if call.spec.selects else _ordinary(emitter, node, call)


def _ordinary(emitter: Emitter, node: Node, call: FilterCall) -> str:
    value, spec = node.args[0], call.spec
    function, args = _function(call), _arguments(emitter, node, call)
    code = emitter.code(value)
    if not spec.passes_null:
        return emitter.call(function, code, *args)
    if any(not _plain(arg) for arg in node.args[1:]):
        return emitter.call(runtime.filtered, emitter.constants.add(function), code, *args)
    inline = _INLINE.get(spec.name) if value.type.kind is Kind.TEXT and not args else None
    if value.type.null or value.type.absent or value.type.kind is Kind.ANY:
        temp, absent = emitter.temp(), emitter.constant(ABSENT)
        found = inline(emitter, temp) if inline else emitter.call(function, temp, *args)
        return f"({temp} if ({temp} := {code}) is None or {temp} is {absent} else {found})"
    return inline(emitter, code) if inline else emitter.call(function, code, *args)


def _plain(arg: Node) -> bool:
    """Tell whether an argument is there and can't fail, so that it need not be evaluated first."""
    return arg.op is Op.CONST or (arg.op in _SAFE and arg.type.sure)


def _function(call: FilterCall) -> object:
    return call.bound if call.bound is not None else call.spec.function


def _arguments(emitter: Emitter, node: Node, call: FilterCall) -> list[str]:
    """Return the code of the arguments, keyword ones as ``K=…`` through a constant's name."""
    if call.bound is not None:
        return []
    spec, args = call.spec, node.args[1:]
    count = len(args) - len(call.names)
    given: dict[str, str] = {}
    more: list[str] = []
    names = [param.name for param in spec.params]
    for number, arg in enumerate(args):
        name = call.names[number - count] if number >= count else None
        if name is None and number < len(names):
            name = names[number]
        code = emitter.code(arg)
        of = node.args[0].type
        if name == "key" and call.key is not None and (of.row or reads_lines(of)):
            code = emitter.reader(call.key, of)
        if name is None:
            more.append(code)
        else:
            given[name] = code
    return _in_order(emitter, node, call, given) + more


def _in_order(emitter: Emitter, node: Node, call: FilterCall, given: dict[str, str]) -> list[str]:
    """Return arguments by position, defaults filled in up to the last one given."""
    found: list[str] = []
    last = max((n for n, param in enumerate(call.spec.params) if param.name in given), default=-1)
    for param in call.spec.params[: last + 1]:
        code = given.get(param.name)
        found.append(code or emitter.constant(param.default))
    if call.spec.name == "sum" and node.type.scale is not None:
        found.append(f"zero={emitter.constant(Decimal(0).scaleb(-node.type.scale))}")
    return found


def _selector(emitter: Emitter, node: Node, call: FilterCall) -> str:
    value = node.args[0]
    wanted = [emitter.code(arg) for arg in node.args[1:]]
    code = emitter.code(value)
    if value.type.row or reads_lines(value.type):
        pairs = [
            f"({emitter.picker(name, value.type)}, {want})"
            for name, want in zip(call.conditions, wanted, strict=True)
        ]
        rows = emitter.call(runtime.rows_where, code, *pairs)
        return emitter.call(call.spec.function, rows, emitter.constants.add({}))
    if all(arg.op is Op.CONST for arg in node.args[1:]):
        values = [arg.data for arg in node.args[1:]]
        known = dict(zip(call.conditions, values, strict=True))
        quick = quick_selector(call.spec.name, call.spec.function, known)
        if quick is not None:
            return emitter.call(quick, code)
        return emitter.call(call.spec.function, code, emitter.constants.add(known))
    names = map(emitter.constant, call.conditions)
    pairs = [f"{name}: {want}" for name, want in zip(names, wanted, strict=True)]
    return emitter.call(call.spec.function, code, f"{{{', '.join(pairs)}}}")


def _or_else(emitter: Emitter, node: Node, _call: FilterCall) -> str:
    value, other = emitter.code(node.args[0]), emitter.code(node.args[1])
    of = node.args[0].type
    if of.kind in (Kind.TEXT, Kind.LIST):
        return f"({value} or {other})"
    if of.kind in NUMBERS and of.sure:
        return value
    temp = emitter.temp()
    return f"({other} if {emitter.call(is_empty, f'({temp} := {value})')} else {temp})"


def _lookup(emitter: Emitter, node: Node, call: FilterCall) -> str:
    value = node.args[0]
    table = emitter.lookups[str(node.args[1].data)]
    keys = list(node.args[2 : len(node.args) - len(call.names)])
    if table.dated:
        keys.insert(0, node.args[-1])  # the day
    args = [emitter.constants.add(table), *map(emitter.code, keys)]
    code = emitter.code(value)
    if value.type.sure:
        return _looked_up(emitter, value, table, code, args)
    if not all(map(_plain, keys)):
        found_by = emitter.constants.add(look_up_on if table.dated else look_up)
        return emitter.call(runtime.unless_nothing, found_by, code, *args)
    temp, absent = emitter.temp(), emitter.constant(ABSENT)
    found = _looked_up(emitter, value, table, temp, args)
    return f"({temp} if ({temp} := {code}) is None or {temp} is {absent} else {found})"


def _looked_up(emitter: Emitter, value: Node, table: Lookup, code: str, args: list[str]) -> str:
    """Return the code that looks up what is there: one text at once, the rest by call."""
    if table.dated:
        return emitter.call(look_up_on, code, *args)
    if value.type.kind not in (Kind.TEXT, Kind.ANY) or table.keys != 1:
        return emitter.call(look_up, code, *args)
    rows = emitter.constants.add(table.rows)
    temp, key, absent = emitter.temp(), emitter.temp(), emitter.constant(ABSENT)
    found = f"({temp} := {rows}.get(({key} := {code}), {absent})) is not {absent}"
    if value.type.kind is Kind.ANY:
        found = f"type({key} := {code}) is {emitter.constants.add(str)} and "
        found += f"({temp} := {rows}.get({key}, {absent})) is not {absent}"
    return f"({temp} if {found} else {emitter.call(look_up, key, *args)})"


def _get(emitter: Emitter, node: Node, call: FilterCall) -> str:
    value, args = emitter.code(node.args[0]), [emitter.code(arg) for arg in node.args[1:]]
    return emitter.call(runtime.filtered, emitter.constants.add(call.spec.function), value, *args)


def _strip(emitter: Emitter, code: str) -> str:
    return f"{code}.strip({emitter.constant(texts.BLANKS)})"


def _unpad(emitter: Emitter, code: str) -> str:
    zero, temp = emitter.constant("0"), emitter.temp()
    if code.isidentifier():
        return f"({code}.lstrip({zero}) or {code}[:1])"
    return f"(({temp} := {code}).lstrip({zero}) or {temp}[:1])"


_SAFE: Final = frozenset({Op.FIELD, Op.SPECIAL, Op.INPUT, Op.BINDING, Op.TURN})
_INLINE: Final[dict[str, Callable[[Emitter, str], str]]] = {
    "trim": _strip,
    "unpad": _unpad,
    "upper": lambda emitter, code: f"{emitter.constants.add(texts.upper)}({code})",
    "lower": lambda emitter, code: f"{emitter.constants.add(texts.lower)}({code})",
}
_OWN: Final[dict[str, Callable[[Emitter, Node, FilterCall], str]]] = {
    "or_else": _or_else,
    "lookup": _lookup,
    "get": _get,
}
