"""Columns of a CSV file to typed values: one guarded conversion each, null where it is not sure."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

import re
from typing import Final

import polars as pl

from helixnet.engine.columns.compiling import Compiling
from helixnet.engine.columns.days import date_of
from helixnet.engine.columns.value import LONG, MOST_DIGITS, NotColumnarError, Value
from helixnet.engine.context.model import Field, Source
from helixnet.engine.mapping.fields import nulls_of
from helixnet.engine.mapping.kinds import Kind

_DIGITS_AT_MOST: Final = 18  # of a declared number without `digits`


def field_value(state: Compiling, field: Field, source: Source, cells: str) -> Value:
    """Return a declared field's value; rows in which it can't be read are asked for.

    Args:
        state: takes the column and what must be asked.
        field: as declared, or one of text.
        source: its contract.
        cells: name of the column of its texts, null where empty.

    Raises:
        NotColumnarError: its type has no exact counterpart here.
    """
    nulls = nulls_of(field, source)
    column = pl.col(cells)
    raw = column if "" in nulls else column.fill_null("")
    if words := sorted(nulls - {""}):
        raw = pl.when(~raw.is_in(words)).then(raw)
    made = _made(field, source, raw)
    same = made.kind is Kind.TEXT and raw is column
    if made.kind is Kind.DATE:
        value = state.keep_each_value(f"field {cells}", made, cells)
    else:
        value = made if same else state.keep(f"field {cells}", made)
    if field.required:
        there = value.expr.is_not_null()
        state.ask_unless(there & (value.expr != "") if made.kind is Kind.TEXT else there)
    elif made.kind is not Kind.TEXT:
        state.ask_unless(value.expr.is_not_null() | raw.is_null())
    return value.like(value.expr, null=bool(nulls) and not field.required)


def _made(field: Field, source: Source, raw: pl.Expr) -> Value:
    match field.type:
        case "string":
            return Value(expr=raw, kind=Kind.TEXT)
        case "integer":
            return _integer(field, source, raw)
        case "decimal":
            return _decimal(field, source, raw)
        case "boolean":
            return _boolean(field, raw)
        case "date":
            return _date(field, raw)
        case _:
            raise NotColumnarError(f"{field.name}: a field of type {field.type}")


def _integer(field: Field, source: Source, raw: pl.Expr) -> Value:
    digits = min(field.digits or _DIGITS_AT_MOST, LONG)
    expr = _sure(raw, _whole(digits, source.thousands))
    if source.thousands:
        expr = expr.str.replace_all(source.thousands, "", literal=True)
    return Value(expr=expr.cast(pl.Int64), kind=Kind.INTEGER, digits=digits)


def _decimal(field: Field, source: Source, raw: pl.Expr) -> Value:
    scale = field.scale
    if scale is None:
        raise NotColumnarError(f"{field.name}: a decimal without `scale`")
    digits = min(field.digits or _DIGITS_AT_MOST, MOST_DIGITS)
    if digits <= scale:
        raise NotColumnarError(f"{field.name}: a decimal without digits before the point")
    point = re.escape(source.decimal)
    fraction = f"(?:{point}[0-9]{{1,{scale}}})?" if scale else ""
    expr = _sure(raw, _whole(digits - scale, source.thousands) + fraction)
    if source.thousands:
        expr = expr.str.replace_all(source.thousands, "", literal=True)
    if source.decimal != ".":
        expr = expr.str.replace(source.decimal, ".", literal=True)
    expr = expr.cast(pl.Decimal(MOST_DIGITS, scale))
    return Value(expr=expr, kind=Kind.DECIMAL, digits=digits, scale=scale)


def _whole(digits: int, thousands: str) -> str:
    """Return the pattern of at most ``digits`` digits, in groups of three or without."""
    plain = f"[0-9]{{1,{digits}}}"
    groups = digits // 3 - 1
    if thousands and groups > 0:
        mark = re.escape(thousands)
        plain = f"(?:{plain}|[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}}){{1,{groups}}})"
    return f"-?{plain}"


def _boolean(field: Field, raw: pl.Expr) -> Value:
    true, false = list(field.true), list(field.false)
    expr = (
        pl.when(raw.is_in(true))
        .then(pl.lit(value=True))
        .when(raw.is_in(false))
        .then(pl.lit(value=False))
    )
    return Value(expr=expr, kind=Kind.BOOLEAN)


def _date(field: Field, raw: pl.Expr) -> Value:
    return Value(expr=date_of(raw, field.format or "%Y-%m-%d"), kind=Kind.DATE)


def _sure(raw: pl.Expr, pattern: str) -> pl.Expr:
    """Return the text where all of it matches, else null."""
    return pl.when(raw.str.contains(f"^(?:{pattern})$")).then(raw)
