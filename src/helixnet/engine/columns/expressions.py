"""Typed nodes to expressions; what may fail for a row is asked for, what can't be is not taken."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from collections.abc import Callable
from typing import Any, Final

import polars as pl

from helixnet.engine.columns.compiling import Compiling
from helixnet.engine.columns.days import days_between
from helixnet.engine.columns.filters import FILTERS
from helixnet.engine.columns.totals import is_of_lines, total_of
from helixnet.engine.columns.value import (
    LONG,
    MOST_DIGITS,
    NotColumnarError,
    Value,
    as_decimal,
    as_text,
    grown,
    of_constant,
)
from helixnet.engine.mapping.filled import as_kind
from helixnet.engine.mapping.infer.filters import FilterCall
from helixnet.engine.mapping.ir import Node, Op
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.mapping.scope import FieldUse, Role, Special
from helixnet.engine.mapping.slots import Slot
from helixnet.engine.values.absent import ABSENT

NUMBER: Final = "number of the row"


def value_of(state: Compiling, node: Node) -> Value:
    """Return the value of a node.

    Raises:
        NotColumnarError: rows alone can do this.
    """
    write = _WRITE.get(node.op)
    if write is None:
        raise NotColumnarError(f"`{node.op.value}`")
    return write(state, node)


def condition_of(state: Compiling, node: Node) -> pl.Expr:
    """Return a condition's truth: null and absent count as false."""
    value = value_of(state, node)
    if value.kind is Kind.NULL:
        return pl.lit(value=False)
    if value.kind is not Kind.BOOLEAN:
        raise NotColumnarError(f"a condition that is a {value.kind}")
    return value.expr if value.sure else value.expr.fill_null(value=False)


def _boolean(expr: pl.Expr) -> Value:
    return Value(expr=expr, kind=Kind.BOOLEAN)


def _const(_state: Compiling, node: Node) -> Value:
    if node.data is ABSENT:
        return Value(expr=pl.lit(None), kind=Kind.NULL, absent=True)
    return of_constant(node.data)


def _field(state: Compiling, node: Node) -> Value:
    use = as_kind(node.data, FieldUse)
    role = None if use.binding is None else use.binding.role
    if role is state.role:
        return state.field(use.name)
    if state.outer is not None and role is state.outer.role:
        return state.brought(state.outer.field(use.name))
    raise NotColumnarError("columns of a neighbour")


def _special(state: Compiling, node: Node) -> Value:
    special = as_kind(node.data, Special)
    if special.name == "_file":
        return of_constant(state.outside.file)
    if special.name == "_pos" and special.binding.role is state.role is Role.RECORD:
        return Value(expr=pl.col(NUMBER), kind=Kind.INTEGER, digits=LONG)
    raise NotColumnarError(f"`{special.name}`")


def _var(state: Compiling, node: Node) -> Value:
    if state.outer is not None:
        return state.brought(_var(state.outer, node))
    return state.vars[str(node.data)]


def _input(state: Compiling, node: Node) -> Value:
    return of_constant(state.outside.inputs.get(str(node.data)))


def _out(state: Compiling, node: Node) -> Value:
    number = as_kind(node.data, Slot).number
    if number in state.slots:
        return state.slots[number]
    if state.outer is not None and number in state.outer.slots:
        return state.brought(state.outer.slots[number])
    raise NotColumnarError("`out.` of what is no single value")


def _test(state: Compiling, node: Node) -> Value:
    value = value_of(state, node.args[0])
    if value.kind is Kind.NULL:
        return _boolean(pl.lit(node.data == "empty"))
    if node.data == "present":
        return _boolean(value.expr.is_not_null())
    if node.data == "empty":
        return _boolean(is_empty(value))
    raise NotColumnarError(f"the test `{node.data}`")


def is_empty(value: Value) -> pl.Expr:
    """Return where a value is absent, null or the empty text."""
    if value.kind is Kind.TEXT:
        return value.expr.fill_null("") == ""
    return value.expr.is_null()


def _not(state: Compiling, node: Node) -> Value:
    return _boolean(~condition_of(state, node.args[0]))


def _logic(state: Compiling, node: Node) -> Value:
    parts = [condition_of(state, arg) for arg in node.args]
    return _boolean(pl.all_horizontal(parts) if node.op is Op.AND else pl.any_horizontal(parts))


def _compare(state: Compiling, node: Node) -> Value:
    left, right = (value_of(state, arg) for arg in node.args)
    operator = str(node.data)
    if Kind.NULL in (left.kind, right.kind):
        return _with_nothing(operator, left, right)
    one, other = _comparable(left, right)
    if operator in ("==", "!="):
        both = not left.sure and not right.sure
        same = one.eq_missing(other) if both else (one == other).fill_null(value=False)
        return _boolean(same if operator == "==" else ~same)
    found: pl.Expr = getattr(one, _METHOD[operator])(other)
    return _boolean(found if left.sure and right.sure else found.fill_null(value=False))


_METHOD: Final = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def _with_nothing(operator: str, left: Value, right: Value) -> Value:
    """Compare with what is never there: it equals what is not there either."""
    if operator not in ("==", "!="):
        return _boolean(pl.lit(value=False))
    other = right if left.kind is Kind.NULL else left
    same = pl.lit(value=True) if other.kind is Kind.NULL else other.expr.is_null()
    return _boolean(same if operator == "==" else ~same)


def _comparable(left: Value, right: Value) -> tuple[pl.Expr, pl.Expr]:
    if left.kind in NUMBERS and right.kind in NUMBERS:
        if left.kind is right.kind is Kind.INTEGER and max(left.digits, right.digits) <= LONG:
            return left.expr, right.expr
        scale = max(left.scale, right.scale)
        return as_decimal(left, scale), as_decimal(right, scale)
    if left.kind is not right.kind:
        raise NotColumnarError(f"a {left.kind} compared with a {right.kind}")
    return left.expr, right.expr


def _in(state: Compiling, node: Node) -> Value:
    value, items = node.args
    found = value_of(state, value)
    known = [item.data for item in items.args if item.op is Op.CONST]
    texts = all(isinstance(item, str) for item in known)
    if items.op is not Op.LIST or len(known) != len(items.args) or not texts:
        raise NotColumnarError("`in` what is no list of literal texts")
    if found.kind is Kind.NULL:
        return _boolean(pl.lit(value=False))
    if found.kind is not Kind.TEXT:
        raise NotColumnarError(f"a {found.kind} in a list")
    return _boolean(found.expr.is_in(known).fill_null(value=False))


def _arithmetic(state: Compiling, node: Node) -> Value:
    operator = str(node.data)
    left, right = (value_of(state, arg) for arg in node.args)
    if left.kind not in NUMBERS or right.kind not in NUMBERS or operator not in _COMPUTE:
        raise NotColumnarError(f"`{operator}` on a {left.kind} and a {right.kind}")
    made = _COMPUTE[operator](state, left, right)
    whole = left.kind is right.kind is Kind.INTEGER
    if whole and made.digits <= LONG:
        made = made.like(made.expr.cast(pl.Int64))
    kind = Kind.INTEGER if whole else Kind.DECIMAL
    null, absent = left.null or right.null, left.absent or right.absent
    return made.like(made.expr, kind=kind, null=null, absent=absent)


def _add(_state: Compiling, left: Value, right: Value) -> Value:
    return _summed(left, right, lambda one, other: one + other)


def _subtract(_state: Compiling, left: Value, right: Value) -> Value:
    return _summed(left, right, lambda one, other: one - other)


def _summed(left: Value, right: Value, compute: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Value:
    scale = max(left.scale, right.scale)
    digits = max(left.digits - left.scale, right.digits - right.scale) + 1 + scale
    _check_digits(digits)
    expr = compute(as_decimal(left, scale), as_decimal(right, scale))
    return Value(expr=expr, kind=Kind.DECIMAL, digits=digits, scale=scale)


def _multiply(state: Compiling, left: Value, right: Value) -> Value:
    """Multiply exactly: Polars keeps the larger scale of the two, so one is widened before."""
    room = MOST_DIGITS - right.scale  # what it computes with on the way
    if left.digits + right.digits > room:
        left = state.limited(left, max(room // 2, room - right.digits))
        right = state.limited(right, room - left.digits)
    scale, digits = left.scale + right.scale, left.digits + right.digits
    expr = as_decimal(left, scale) * as_decimal(right, right.scale)
    return Value(expr=expr, kind=Kind.DECIMAL, digits=digits, scale=scale)


_COMPUTE: Final[dict[str, Callable[[Compiling, Value, Value], Value]]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
}


def _check_digits(digits: int) -> None:
    if digits > MOST_DIGITS:
        raise NotColumnarError("a sum that may have more than 38 digits: declare `digits`")


def _negate(state: Compiling, node: Node) -> Value:
    value = value_of(state, node.args[0])
    if value.kind not in NUMBERS:
        raise NotColumnarError(f"`-` on a {value.kind}")
    return value.like(-value.expr)


def _join(state: Compiling, node: Node) -> Value:
    parts = [as_text(value_of(state, arg)) for arg in node.args]
    null, absent = any(part.null for part in parts), any(part.absent for part in parts)
    clean = all(part.clean for part in parts)
    if not parts:
        return of_constant("")
    if any(part.kind is Kind.NULL for part in parts):
        return Value(expr=pl.lit(None), kind=Kind.NULL, null=null, absent=absent)
    expr = pl.concat_str([part.expr for part in parts])
    times = grown(sum(part.times for part in parts))
    return Value(expr=expr, kind=Kind.TEXT, null=null, absent=absent, clean=clean, times=times)


def _if(state: Compiling, node: Node) -> Value:
    test = condition_of(state, node.args[0])
    then, otherwise = value_of(state, node.args[1]), value_of(state, node.args[2])
    null, absent = then.null or otherwise.null, then.absent or otherwise.absent
    if otherwise.kind is Kind.NULL:
        return then.like(pl.when(test).then(then.expr), null=null, absent=absent)
    if then.kind is Kind.NULL:
        return otherwise.like(pl.when(~test).then(otherwise.expr), null=null, absent=absent)
    if then.kind is not otherwise.kind or then.scale != otherwise.scale:
        raise NotColumnarError("`if` whose values differ in type or scale")
    return then.like(
        pl.when(test).then(then.expr).otherwise(otherwise.expr),
        null=null,
        absent=absent,
        digits=max(then.digits, otherwise.digits),
        clean=then.clean and otherwise.clean,
        times=max(then.times, otherwise.times),
    )


def _filter(state: Compiling, node: Node) -> Value:
    call = as_kind(node.data, FilterCall)
    if is_of_lines(node.args[0]):
        return total_of(state, call.spec.name, node)
    computed = _COMPUTED.get(call.spec.name)
    if computed is not None and not call.names:
        return computed(*(value_of(state, arg) for arg in node.args))
    write = FILTERS.get(call.spec.name)
    if write is None or call.names:
        raise NotColumnarError(f"the filter `{call.spec.name}`")
    value = value_of(state, node.args[0])
    arguments: list[Any] = []
    for arg in node.args[1:]:
        if arg.op is not Op.CONST:
            raise NotColumnarError(f"the filter `{call.spec.name}` with a computed argument")
        arguments.append(arg.data)
    if value.kind is Kind.NULL:
        return value
    return write(state, value, arguments)


def _or_else(value: Value, other: Value) -> Value:
    if value.kind is Kind.NULL:
        return other
    if value.kind is not other.kind or value.scale != other.scale:
        raise NotColumnarError("`or_else` whose values differ in type or scale")
    expr = pl.when(is_empty(value)).then(other.expr).otherwise(value.expr)
    return value.like(
        expr,
        null=other.null,
        absent=other.absent,
        digits=max(value.digits, other.digits),
        clean=value.clean and other.clean,
    )


_COMPUTED: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "or_else": _or_else,
    "days_between": days_between,
}
"""Filters whose argument may be any expression."""

_WRITE: Final[dict[Op, Callable[[Compiling, Node], Value]]] = {
    Op.CONST: _const,
    Op.FIELD: _field,
    Op.SPECIAL: _special,
    Op.VAR: _var,
    Op.INPUT: _input,
    Op.OUT: _out,
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
    Op.FILTER: _filter,
}
