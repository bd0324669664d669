"""The conversions between types that the language makes by itself: strict, and canonical."""

from datetime import date
from decimal import Decimal
from typing import Any

from helixnet.engine.values.compare import type_name
from helixnet.engine.values.dates import date_text
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.numbers import is_number, number_text, parse_decimal, to_integer


def as_text(value: Any) -> str:
    """Return a text, number, date or datetime as text.

    Raises:
        ValueFault: HX-2001 for a boolean, list or object.
    """
    if type(value) is str:
        return value
    if is_number(value):
        return number_text(value)
    if isinstance(value, date):
        return date_text(value)
    raise _fails(value, "text")


def as_decimal(value: Any) -> int | Decimal:
    """Return a number as it is, a text as the number that it strictly is.

    Raises:
        ValueFault: HX-2001.
    """
    if is_number(value):
        return value
    if type(value) is str:
        return parse_decimal(value)
    raise _fails(value, "number")


def as_integer(value: Any) -> int:
    """Return a number or text as an integer, if its fraction is zero.

    Raises:
        ValueFault: HX-2001.
    """
    return to_integer(as_decimal(value))


def as_boolean(value: Any) -> bool:
    """Return a boolean as it is; of the texts only ``true`` and ``false`` are any.

    Raises:
        ValueFault: HX-2001.
    """
    if type(value) is bool:
        return value
    if type(value) is str and value in {"true", "false"}:
        return value == "true"
    raise _fails(value, "boolean", 'compare it: FIELD == "X"')


def _fails(value: object, to: str, hint: str = "") -> ValueFault:
    text = f"{shown(value)} ({type_name(value)}) is no {to}"
    return ValueFault("HX-2001", text, value, hint)
