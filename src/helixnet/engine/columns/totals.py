"""Filters that make one value of a group's lines, or of the items made of them."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from typing import Final

import polars as pl

from helixnet.engine.columns.compiling import Compiling
from helixnet.engine.columns.steps import Gathered
from helixnet.engine.columns.value import LONG, MOST_DIGITS, NotColumnarError, Value
from helixnet.engine.mapping.filled import as_kind
from helixnet.engine.mapping.ir import Node, Op
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.mapping.scope import Binding, Role
from helixnet.engine.mapping.slots import Slot

LINES_DIGITS: Final = 7  # of the number of lines that a block may hold


def is_of_lines(node: Node) -> bool:
    """Tell whether a node is a list of a group's lines, or of what was made of them."""
    return node.type.kind is Kind.LIST and node.op in (Op.BINDING, Op.OUT)


def total_of(state: Compiling, name: str, node: Node) -> Value:
    """Return the value of the filter ``name`` whose input is a list of lines.

    Raises:
        NotColumnarError: rows alone can do this.
    """
    made = _MADE.get(name)
    if made is None or state.lines is None:
        raise NotColumnarError(f"the filter `{name}` on a list")
    listed, *arguments = node.args
    kept = _kept(state, listed)
    column = f"{name} {len(state.steps)}"
    if name == "length":
        expr = pl.len() if kept is None else pl.col(kept).sum()
        value = Value(expr=expr.cast(pl.Int64), kind=Kind.INTEGER, digits=LINES_DIGITS)
    else:
        key = arguments[0].data if arguments and arguments[0].op is Op.CONST else None
        if not isinstance(key, str):
            raise NotColumnarError(f"the filter `{name}` without a field")
        member = _member(state.lines, listed, key)
        if name == "sum":
            most = LONG if member.kind is Kind.INTEGER else MOST_DIGITS
            member = state.lines.limited(member, most - LINES_DIGITS)
        value = made(member, kept)
    if value.kind is Kind.DECIMAL and node.type.scale != value.scale:
        raise NotColumnarError(f"the filter `{name}` on numbers whose scale is not known")
    state.steps.append(Gathered([value.expr.alias(column)]))
    return value.like(pl.col(column))


def _kept(state: Compiling, listed: Node) -> str | None:
    """Return the column that tells which lines count; None = all."""
    if listed.op is Op.BINDING:
        if as_kind(listed.data, Binding).role is Role.LINES:
            return None
    elif isinstance(listed.data, Slot) and listed.data.number in state.kept:
        return state.kept[listed.data.number]
    raise NotColumnarError("a list that is none of the lines of a group")


def _member(lines: Compiling, listed: Node, key: str) -> Value:
    if listed.op is Op.BINDING:
        value = lines.field(key)
    else:
        member = as_kind(listed.data, Slot).body.members.get(key)
        found = lines.slots.get(member.number) if member is not None else None
        if found is None:
            raise NotColumnarError(f"a list whose {key} is no single value")
        value = found
    if value.kind not in NUMBERS:
        raise NotColumnarError(f"a total of a {value.kind}")
    return value


def _where(value: Value, kept: str | None) -> pl.Expr:
    return value.expr if kept is None else pl.when(pl.col(kept)).then(value.expr)


def _sum(value: Value, kept: str | None) -> Value:
    digits = value.digits + LINES_DIGITS
    return value.like(_where(value, kept).sum(), null=False, absent=False, digits=digits)


def _count(value: Value, kept: str | None) -> Value:
    expr = _where(value, kept).count().cast(pl.Int64)
    return Value(expr=expr, kind=Kind.INTEGER, digits=LINES_DIGITS)


def _min(value: Value, kept: str | None) -> Value:
    return value.like(_where(value, kept).min(), null=True, absent=False)


def _max(value: Value, kept: str | None) -> Value:
    return value.like(_where(value, kept).max(), null=True, absent=False)


_MADE: Final = {"sum": _sum, "count": _count, "min": _min, "max": _max, "length": _count}
