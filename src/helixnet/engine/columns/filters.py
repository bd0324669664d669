"""Filters on columns: those whose meaning Polars has exactly, or has where a guard holds."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import polars as pl

from helixnet.engine.columns.compiling import Compiling
from helixnet.engine.columns.days import add_days, format_date, sap_date, to_date
from helixnet.engine.columns.value import (
    LONG,
    MOST_DIGITS,
    NotColumnarError,
    Value,
    as_decimal,
    as_text,
    grown,
    is_clean,
    of_constant,
)
from helixnet.engine.context.model import Const
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.mapping.regex import rust_pattern
from helixnet.engine.values.arithmetic import check_places
from helixnet.engine.values.text import BLANKS

_WHOLE: Final = f"^-?[0-9]{{1,{LONG}}}$"

Write: TypeAlias = Callable[[Compiling, Value, Sequence[Any]], Value]


def _text(value: Value) -> pl.Expr:
    if value.kind is not Kind.TEXT:
        raise NotColumnarError(f"a filter of texts on a {value.kind}")
    return value.expr


def _trim(_state: Compiling, value: Value, _args: Sequence[Any]) -> Value:
    return value.like(_text(value).str.strip_chars(BLANKS))


def _unpad(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    fill = args[0] if args else "0"
    if len(fill) != 1:
        raise NotColumnarError("`unpad` by more than one character")
    text = _text(value)
    cut = text.str.strip_chars_start(fill)
    return value.like(pl.when(cut == "").then(text.str.slice(0, 1)).otherwise(cut))


def _upper(state: Compiling, value: Value, _args: Sequence[Any]) -> Value:
    return _cased(state, value, value.expr.str.to_uppercase())


def _lower(state: Compiling, value: Value, _args: Sequence[Any]) -> Value:
    return _cased(state, value, value.expr.str.to_lowercase())


def _cased(state: Compiling, value: Value, changed: pl.Expr) -> Value:
    """Change the case of ASCII only: the tables of Unicode differ from version to version."""
    text = _text(value)
    state.ask_unless(text.str.len_bytes() == text.str.len_chars())
    return value.like(changed)


def _substring(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    if any(type(arg) is not int or arg < 0 for arg in args):
        raise NotColumnarError("`substring` by what is no number from 0")
    return value.like(_text(value).str.slice(*args))


def _replace(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    old, new = args
    if not old or not isinstance(new, str):
        raise NotColumnarError("`replace` of nothing")
    expr = _text(value).str.replace_all(old, new, literal=True)
    times = grown(value.times * max(1, -(-len(new) // len(old))))
    return value.like(expr, clean=value.clean and is_clean(new), times=times)


def _before(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    return _part(value, args[0], 0)


def _after(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    return _part(value, args[0], 1)


def _part(value: Value, separator: Any, number: int) -> Value:
    if not isinstance(separator, str) or not separator:
        raise NotColumnarError("a cut at what is no text")
    text = _text(value)
    parts = text.str.splitn(separator, 2).struct.field(f"field_{number}")
    there = text.str.contains(separator, literal=True)
    return value.like(pl.when(there).then(parts), absent=True)


def _pad_left(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    width, fill = _pad(args)
    return value.like(_text(value).str.pad_start(width, fill), clean=value.clean and is_clean(fill))


def _pad_right(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    width, fill = _pad(args)
    return value.like(_text(value).str.pad_end(width, fill), clean=value.clean and is_clean(fill))


def _pad(args: Sequence[Any]) -> tuple[int, str]:
    width, fill = args if len(args) > 1 else (args[0], " ")
    if type(width) is not int or not isinstance(fill, str) or len(fill) != 1:
        raise NotColumnarError("padding by what is no width or no character")
    return width, fill


def _matches(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    pattern = rust_pattern(str(args[0]), anchored=True)
    if pattern is None:
        raise NotColumnarError("`matches` with a pattern that is not read alike")
    return value.like(_text(value).str.contains(pattern), kind=Kind.BOOLEAN)


def _length(_state: Compiling, value: Value, _args: Sequence[Any]) -> Value:
    return value.like(_text(value).str.len_chars().cast(pl.Int64), kind=Kind.INTEGER, digits=10)


def _round(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    return _rounded(value, args[0] if args else 0, "half_away_from_zero")


def _money(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    return _rounded(value, args[0] if args else 2, "half_away_from_zero")


def _round_even(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    return _rounded(value, args[0] if args else 0, "half_to_even")


def _rounded(value: Value, places: int, mode: Any) -> Value:
    if value.kind not in NUMBERS:
        raise NotColumnarError(f"rounding of a {value.kind}")
    check_places(places)
    if places >= value.scale:
        expr, digits = as_decimal(value, places), value.digits - value.scale + places
    else:
        rounded = value.expr.round(places, mode=mode)
        expr = rounded.cast(pl.Decimal(MOST_DIGITS, places))
        digits = value.digits - value.scale + places + 1
    return value.like(expr, kind=Kind.DECIMAL, digits=max(digits, 1), scale=places)


def _abs(_state: Compiling, value: Value, _args: Sequence[Any]) -> Value:
    if value.kind not in NUMBERS:
        raise NotColumnarError(f"`abs` of a {value.kind}")
    return value.like(value.expr.abs())


def _sign(_state: Compiling, value: Value, _args: Sequence[Any]) -> Value:
    if value.kind not in NUMBERS:
        raise NotColumnarError(f"`sign` of a {value.kind}")
    above, below = (value.expr > 0).cast(pl.Int64), (value.expr < 0).cast(pl.Int64)
    return value.like(above - below, kind=Kind.INTEGER, digits=1, scale=0)


def _int(state: Compiling, value: Value, _args: Sequence[Any]) -> Value:
    if value.kind is Kind.INTEGER:
        return value
    if value.kind is Kind.DECIMAL:
        whole = value.expr.round(0)
        state.ask_unless(whole == value.expr)
    elif value.kind is Kind.TEXT:
        whole = pl.when(value.expr.str.contains(_WHOLE)).then(value.expr)
        state.ask_unless(whole.is_not_null() | value.expr.is_null())
    else:
        raise NotColumnarError(f"`int` of a {value.kind}")
    digits = LONG if value.kind is Kind.TEXT else max(value.digits - value.scale, 1)
    if digits > LONG:
        raise NotColumnarError("an integer that may have more than 18 digits")
    return value.like(whole.cast(pl.Int64), kind=Kind.INTEGER, digits=digits, scale=0)


def _lookup(state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    table = state.outside.lookups[str(args[0])]
    found = list(table.rows.values())
    texts_only = not table.dated and all(isinstance(text, str) for text in found)
    if table.keys != 1 or len(args) > 1 or not texts_only:
        raise NotColumnarError(f"the table {table.name}: one key and texts are needed")
    texts = [str(text) for text in found]
    key = as_text(value)
    keys = [str(each) for each in table.rows]
    expr = key.expr.replace_strict(keys, texts, default=None, return_dtype=pl.String)
    made = key.like(expr, clean=all(map(is_clean, texts)))
    if table.missing == "reject":
        made = state.keep(f"found {len(state.steps)}", made)
        state.ask_unless(key.expr.is_null() | made.expr.is_not_null())
        return made
    if table.missing == "null":
        return made.like(expr, null=True)
    if table.missing == "keep":
        if value.kind is not Kind.TEXT:
            raise NotColumnarError(f"the table {table.name} keeps what is no text")
        return made.like(pl.coalesce(expr, key.expr), clean=made.clean and key.clean)
    if not isinstance(table.missing, Const) or not isinstance(table.missing.value, str):
        raise NotColumnarError(f"the table {table.name}: what stands for missing is no text")
    other = of_constant(table.missing.value)
    instead = pl.when(key.expr.is_not_null()).then(pl.coalesce(expr, other.expr))
    return made.like(instead, clean=made.clean and other.clean)


FILTERS: Final[dict[str, Write]] = {
    "trim": _trim,
    "unpad": _unpad,
    "upper": _upper,
    "lower": _lower,
    "substring": _substring,
    "replace": _replace,
    "pad_left": _pad_left,
    "pad_right": _pad_right,
    "matches": _matches,
    "length": _length,
    "before": _before,
    "after": _after,
    "int": _int,
    "sign": _sign,
    "date": to_date,
    "sap_date": sap_date,
    "format_date": format_date,
    "add_days": add_days,
    "round": _round,
    "money": _money,
    "round_even": _round_even,
    "abs": _abs,
    "lookup": _lookup,
}
