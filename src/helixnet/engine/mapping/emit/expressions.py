"""Typed nodes to Python expressions. Only identifiers and words of our own are ever written.

Every piece of code returned is one operand: an identifier, a call, or in parentheses.
"""

from collections.abc import Callable
from typing import Final, cast

from helixnet.engine.mapping import runtime
from helixnet.engine.mapping.emit.emitter import Emitter
from helixnet.engine.mapping.emit.filters import emit_filter
from helixnet.engine.mapping.filled import as_kind
from helixnet.engine.mapping.filters.registry import TESTS
from helixnet.engine.mapping.infer import elements
from helixnet.engine.mapping.infer.filters import FilterCall
from helixnet.engine.mapping.ir import Node, Op, Turn, Type
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.mapping.line_shape import Member
from helixnet.engine.mapping.place import line_of
from helixnet.engine.mapping.scope import Binding, FieldUse, Role, Special
from helixnet.engine.mapping.shapes import SegmentShape
from helixnet.engine.mapping.slots import Slot
from helixnet.engine.values import arithmetic, compare
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.convert import as_text

_MORE: Final = frozenset({Kind.DATE, Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER, Kind.DECIMAL})
_FEW: Final = 16
_AS_READ: Final = frozenset({Op.CONST, Op.FIELD, Op.READ, Op.SPECIAL, Op.INPUT, Op.TURN})
_SCALARS: Final = frozenset({*NUMBERS, Kind.TEXT, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME})
_EXACT: Final = {
    "+": arithmetic.EXACT.add,
    "-": arithmetic.EXACT.subtract,
    "*": arithmetic.EXACT.multiply,
}
_CHECKED: Final = {
    "+": arithmetic.add,
    "-": arithmetic.subtract,
    "*": arithmetic.multiply,
    "/": arithmetic.divide,
}


def _const(emitter: Emitter, node: Node) -> str:
    return emitter.constant(node.data)


def _out(emitter: Emitter, node: Node) -> str:
    emitter.risky = True
    return f"v{as_kind(node.data, Slot).number}"


def _step(emitter: Emitter, node: Node) -> str:
    base = node.args[0]
    key = emitter.constant(node.data)
    if base.type.kind is Kind.OBJECT and not (base.type.null or base.type.absent):
        return f"{emitter.code(base)}.get({key}, {emitter.constant(ABSENT)})"
    code = emitter.code(base)
    if elements.is_element(base.type):
        return emitter.call(elements.step_in, code, key)
    if base.type.kind is Kind.LIST and isinstance(base.type.shape, SegmentShape):
        return _step_of_one(emitter, code, key)
    if base.type.kind is not Kind.ANY:
        return emitter.call(runtime.step, code, key)
    absent, of = emitter.constant(ABSENT), emitter.constants.add(dict)
    held, code = (code, code) if code.isidentifier() else _held(emitter, code)
    slow = emitter.call(runtime.step, held, key)
    return f"({held}.get({key}, {absent}) if type({code}) is {of} else {slow})"


def _step_of_one(emitter: Emitter, code: str, key: str) -> str:
    """Take a field of the one segment in a list."""
    (temp, held), absent = _held(emitter, code), emitter.constant(ABSENT)
    one = f"type({held}) is {emitter.constants.add(list)} and len({temp}) == 1"
    return f"({temp}[0].get({key}, {absent}) if {one} else {emitter.call(runtime.step, temp, key)})"


def _held(emitter: Emitter, code: str) -> tuple[str, str]:
    """Return a variable for a value, and the code that puts it there."""
    temp = emitter.temp()
    return temp, f"{temp} := {code}"


def _text_of(emitter: Emitter, node: Node) -> str:
    return emitter.call(elements.text_of, emitter.code(node.args[0]))


def _list_of(emitter: Emitter, node: Node) -> str:
    return emitter.call(elements.list_of, emitter.code(node.args[0]))


def _read(emitter: Emitter, node: Node) -> str:
    member = cast("Member", node.data)  # what this operation has
    step = node.args[0]
    code = emitter.code(step)
    if not step.type.absent:
        return emitter.call(emitter.readers[member], code)
    temp, absent = emitter.temp(), emitter.constant(ABSENT)
    found = emitter.call(emitter.readers[member], temp)
    return f"({absent} if ({temp} := {code}) is {absent} else {found})"  # no line lacks nothing


def _item(emitter: Emitter, node: Node) -> str:
    return emitter.call(runtime.item, *map(emitter.code, node.args))


def _slice(emitter: Emitter, node: Node) -> str:
    return emitter.call(runtime.cut, *map(emitter.code, node.args))


def _field(emitter: Emitter, node: Node) -> str:
    use = as_kind(node.data, FieldUse)
    if use.binding is not None:
        key = (use.binding.number, use.name)
        known = emitter.hoisted.get(key)
        if known is not None:
            emitter.risky |= known not in emitter.safe
            return known
        code = emitter.cell(use.name, emitter.binding(use.binding))
        return f"({emitter.keeps[key]} := {code})" if key in emitter.keeps else code
    row = emitter.code(node.args[0])
    if row.isidentifier() and not node.args[0].type.absent:
        return emitter.cell(use.name, row)
    temp, absent = emitter.temp(), emitter.constant(ABSENT)
    cell = emitter.cell(use.name, temp)
    return f"({temp} if ({temp} := {row}) is None or {temp} is {absent} else {cell})"


def _binding(emitter: Emitter, node: Node) -> str:
    return emitter.binding(as_kind(node.data, Binding))


def _special(emitter: Emitter, node: Node) -> str:
    special = as_kind(node.data, Special)
    of, number = special.binding, special.binding.number
    absent = emitter.constant(ABSENT)
    match special.name:
        case "_file":
            return emitter.constant(emitter.file)
        case "_line":
            return emitter.call(line_of, "batch", "index", "r", emitter.binding(of))
        case "_pos":
            return f"p{number}" if of.role is Role.ITEM else "number"
        case "_index":
            return emitter.list_slots[number]
        case "_prev":
            return f"(s{number}[p{number} - 2] if p{number} > 1 else {absent})"
        case _:
            return f"(s{number}[p{number}] if p{number} < len(s{number}) else {absent})"


def _var(emitter: Emitter, node: Node) -> str:
    emitter.risky = True
    return emitter.var_names[str(node.data)]


def _input(emitter: Emitter, node: Node) -> str:
    return emitter.constant(emitter.inputs.get(str(node.data)))


def _test(emitter: Emitter, node: Node) -> str:
    value = node.args[0]
    code = emitter.code(value)
    temp, absent = emitter.temp(), emitter.constant(ABSENT)
    match node.data:
        case "present":
            return f"(({temp} := {code}) is not None and {temp} is not {absent})"
        case "empty" if value.type.kind is Kind.TEXT:
            return f"(not {code})"
        case _:
            return emitter.call(TESTS[str(node.data)].function, code)


def _not(emitter: Emitter, node: Node) -> str:
    return f"(not {emitter.condition(node.args[0])})"


def _logic(emitter: Emitter, node: Node) -> str:
    word = " and " if node.op is Op.AND else " or "
    return f"({word.join(map(emitter.condition, node.args))})"


def _compare(emitter: Emitter, node: Node) -> str:
    left, right = map(emitter.code, node.args)
    one, other = (arg.type for arg in node.args)
    inline = one.kind in _MORE and other.kind in _MORE  # of one type, or the plan has problems
    operator = str(node.data)
    if operator in ("==", "!="):
        if inline and (one.sure or other.sure):
            return f"({left} {operator} {right})"
        same = emitter.call(compare.equal, left, right)
        return same if operator == "==" else f"(not {same})"
    if inline and one.sure and other.sure:
        return f"({left} {operator} {right})"
    if inline and Kind.BOOLEAN not in (one.kind, other.kind):
        temp = emitter.temp()
        if one.sure and left.isidentifier():
            there = _there(emitter, other, temp, right)
            return f"({there} and {left} {operator} {temp})"
        if other.sure and right.isidentifier():
            there = _there(emitter, one, temp, left)
            return f"({there} and {temp} {operator} {right})"
    if operator.startswith(">"):
        left, right = right, left
    function = compare.less_or_equal if operator.endswith("=") else compare.less
    return emitter.call(function, left, right)


def _there(emitter: Emitter, of: Type, temp: str, code: str) -> str:
    """Return the test that a value, put in a variable, is neither null nor absent."""
    test = f"({temp} := {code}) is not None"
    return f"{test} and {temp} is not {emitter.constant(ABSENT)}" if of.absent else test


def _in(emitter: Emitter, node: Node) -> str:
    value, items = node.args
    code = emitter.code(value)
    if items.op is Op.LIST and value.type.kind is Kind.TEXT and items.type.items is Kind.TEXT:
        known = [item.data for item in items.args if item.op is Op.CONST]
        if len(known) == len(items.args):
            return f"({code} in {emitter.constants.add(frozenset(known))})"
    return emitter.call(compare.among, code, emitter.code(items))


def _arithmetic(emitter: Emitter, node: Node) -> str:
    operator = str(node.data)
    args = [emitter.code(arg) for arg in node.args]
    types = [arg.type for arg in node.args]
    if not all(of.sure for of in types):
        if all(of.kind in NUMBERS and not of.absent for of in types):
            temps = [emitter.temp() for _ in args]
            tests = [f"(({t} := {arg}) is None)" for t, arg in zip(temps, args, strict=True)]
            return f"(None if {' | '.join(tests)} else {emitter.call(_CHECKED[operator], *temps)})"
        return emitter.call(runtime.passing, emitter.constants.add(_CHECKED[operator]), *args)
    kinds = {of.kind for of in types}
    if Kind.DECIMAL in kinds and Kind.QUOTIENT not in kinds and operator in _EXACT:
        return emitter.call(_EXACT[operator], *args)
    return emitter.call(_CHECKED[operator], *args)


def _negate(emitter: Emitter, node: Node) -> str:
    value = node.args[0]
    code = emitter.code(value)
    if value.type.sure:
        return emitter.call(arithmetic.negate, code)
    return emitter.call(runtime.passing, emitter.constants.add(arithmetic.negate), code)


def text_of(emitter: Emitter, node: Node) -> str:
    """Return the code of a value that is surely there, as text."""
    code = emitter.code(node)
    return code if node.type.kind is Kind.TEXT else emitter.call(as_text, code)


def _join(emitter: Emitter, node: Node) -> str:
    if not node.args:
        return emitter.constant("")
    if len(node.args) <= _FEW and all(arg.type.sure and _short(arg) for arg in node.args):
        return f"({' + '.join([text_of(emitter, arg) for arg in node.args])})"
    return emitter.call(runtime.joined, *map(emitter.code, node.args))


def _short(node: Node) -> bool:
    """Tell whether a text is about as long as what was read, so that joining a few is no growth."""
    if node.op is Op.FILTER:
        grows = as_kind(node.data, FilterCall).spec.name in {"join", "replace", "tojson"}
        return not grows and _short(node.args[0])
    return node.op in _AS_READ


def printed(emitter: Emitter, node: Node) -> str:
    """Return the code of a check's text, where null and absent print as nothing."""
    parts = node.args if node.op in (Op.TEMPLATE, Op.JOIN) else (node,)
    return emitter.call(runtime.printed, *map(emitter.code, parts))


def _if(emitter: Emitter, node: Node) -> str:
    test = emitter.condition(node.args[0])
    then, otherwise = emitter.code(node.args[1]), emitter.code(node.args[2])
    return f"({then} if {test} else {otherwise})"


def _list(emitter: Emitter, node: Node) -> str:
    if all(arg.type.sure and arg.type.kind in _SCALARS for arg in node.args):
        return f"[{', '.join(map(emitter.code, node.args))}]"
    return emitter.call(runtime.listed, *map(emitter.code, node.args))


def _joined(emitter: Emitter, node: Node) -> str:
    finder = emitter.finders[str(node.data)]
    return emitter.call(finder, *map(emitter.code, node.args))


def _loop(emitter: Emitter, node: Node) -> str:
    """Return a call with functions for condition, body and else: a text, null or absent."""
    items, test, body, other = node.args
    turn = f"y{node.data}"
    code = emitter.code(items)
    left = emitter.turns or f"[{emitter.constant(runtime.MAX_TURNS)}]"
    keeps = "None" if test.op is Op.CONST else f"(lambda {turn}: {emitter.condition(test)})"
    outside, emitter.turns = emitter.turns, f"{turn}_left"
    made = f"(lambda {turn}, {turn}_n, {turn}_m, {turn}_left: {emitter.code(body)})"
    emitter.turns = outside
    otherwise = f"(lambda: {emitter.code(other)})"
    return emitter.call(runtime.looped, code, left, keeps, made, otherwise)


def _turn(_emitter: Emitter, node: Node) -> str:
    turn = as_kind(node.data, Turn)
    name = f"y{turn.loop}"
    return {
        "item": name,
        "index": f"{name}_n",
        "index0": f"({name}_n - 1)",
        "length": f"{name}_m",
        "first": f"({name}_n == 1)",
        "last": f"({name}_n == {name}_m)",
    }[turn.what]


_EMIT: Final[dict[Op, Callable[[Emitter, Node], str]]] = {
    Op.CONST: _const,
    Op.OUT: _out,
    Op.STEP: _step,
    Op.READ: _read,
    Op.TEXT_OF: _text_of,
    Op.LIST_OF: _list_of,
    Op.ITEM: _item,
    Op.SLICE: _slice,
    Op.FIELD: _field,
    Op.BINDING: _binding,
    Op.SPECIAL: _special,
    Op.VAR: _var,
    Op.INPUT: _input,
    Op.FILTER: emit_filter,
    Op.TEST: _test,
    Op.NOT: _not,
    Op.AND: _logic,
    Op.OR: _logic,
    Op.COMPARE: _compare,
    Op.IN: _in,
    Op.ARITHMETIC: _arithmetic,
    Op.NEGATE: _negate,
    Op.JOIN: _join,
    Op.TEMPLATE: _join,
    Op.IF: _if,
    Op.BLOCK: _if,
    Op.LIST: _list,
    Op.JOINED: _joined,
    Op.LOOP: _loop,
    Op.TURN: _turn,
}


def write_node(emitter: Emitter, node: Node) -> str:
    """Return the code of a node's value."""
    return _EMIT[node.op](emitter, node)
