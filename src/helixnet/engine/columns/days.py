"""Dates in columns: texts read as dates where that is sure, and the filters on dates."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

import re
from collections.abc import Sequence
from datetime import MAXYEAR
from typing import Any, Final

import polars as pl

from helixnet.engine.columns.compiling import Compiling
from helixnet.engine.columns.value import NotColumnarError, Value, is_clean
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.dates import TOKEN

_READ: Final = {"Y": "[0-9]{4}", "m": "[0-9]{2}", "d": "[0-9]{2}"}
_WRITTEN: Final = frozenset("Yymd%")
_ISO: Final = "%Y-%m-%d"
_DAYS: Final = 366 * MAXYEAR
_DAYS_DIGITS: Final = 7


def date_of(text: pl.Expr, form: str) -> pl.Expr:
    """Return a text's date; null where it is no real day of the years 1 to 9999 in this form.

    Raises:
        NotColumnarError: the form is one that Polars may read otherwise.
    """
    pattern = ""
    for found in TOKEN.finditer(form):
        if found[2] is not None:
            pattern += re.escape(found[2])
        elif found[1] in _READ:
            pattern += _READ[found[1]]
        else:
            raise NotColumnarError(f"the date format {form}")
    if not form.isascii():
        raise NotColumnarError(f"the date format {form}")
    sure = pl.when(text.str.contains(f"^(?:{pattern})$")).then(text)
    day = sure.str.to_date(form, strict=False, exact=True)
    return pl.when(day.dt.year() > 0).then(day)


def to_date(state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    """See the filter `date`."""
    form = args[0] if args else _ISO
    if value.kind is Kind.DATE and form == _ISO and len(args) < 2:  # noqa: PLR2004 - pivot, zone
        return value
    if value.kind is not Kind.TEXT or any(arg is not None for arg in args[1:]):
        raise NotColumnarError("`date` with a pivot or zone, or of what is no text")
    day = date_of(value.expr, str(form))
    state.ask_unless(day.is_not_null() | value.expr.is_null())
    return value.like(day, kind=Kind.DATE)


def sap_date(state: Compiling, value: Value, _args: Sequence[Any]) -> Value:
    """See the filter `sap_date`."""
    if value.kind is not Kind.TEXT:
        raise NotColumnarError(f"`sap_date` of a {value.kind}")
    day, initial = date_of(value.expr, "%Y%m%d"), value.expr.is_in(["00000000", ""])
    state.ask_unless(day.is_not_null() | value.expr.is_null() | initial)
    return value.like(day, kind=Kind.DATE, null=True)


def format_date(_state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    """See the filter `format_date`."""
    form = str(args[0])
    codes = {found[1] for found in TOKEN.finditer(form) if found[2] is None}
    if value.kind is not Kind.DATE or not codes <= _WRITTEN:
        raise NotColumnarError(f"`format_date` as {form}")
    literals = TOKEN.sub(lambda found: found[2] or "", form)
    return value.like(value.expr.dt.to_string(form), kind=Kind.TEXT, clean=is_clean(literals))


def add_days(state: Compiling, value: Value, args: Sequence[Any]) -> Value:
    """See the filter `add_days`."""
    days = args[0]
    if value.kind is not Kind.DATE or type(days) is not int or abs(days) > _DAYS:
        raise NotColumnarError("`add_days` of what is no date, or of too many")
    day = value.expr + pl.duration(days=days)
    year = day.dt.year()
    state.ask_unless((year > 0) & (year <= MAXYEAR))
    return value.like(day)


def days_between(value: Value, other: Value) -> Value:
    """See the filter `days_between`."""
    if value.kind is not Kind.DATE or other.kind is not Kind.DATE:
        raise NotColumnarError("`days_between` of what is no date")
    days = (other.expr - value.expr).dt.total_days().cast(pl.Int64)
    null = value.null or other.null or other.absent
    return Value(expr=days, kind=Kind.INTEGER, null=null, absent=value.absent, digits=_DAYS_DIGITS)
