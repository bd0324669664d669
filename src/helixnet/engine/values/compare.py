"""Comparison: only values of one type are compared, text by code point; null is like nothing.

A comparison with null or absent is false, ``!=`` is the negation of ``==``, and null == null is
true; absent counts as null. Values of different types are a fault, never false.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, cast

from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.faults import ValueFault, shown

_NAMES: Final[dict[type, str]] = {
    str: "text",
    int: "number",
    Decimal: "number",
    bool: "boolean",
    date: "date",
    datetime: "datetime",
    list: "list",
    dict: "object",
    type(None): "null",
    type(ABSENT): "null",
}
_DEEP: Final = frozenset({list, dict})
_ORDERED: Final = frozenset({"number", "text", "date", "datetime"})


def type_name(value: object) -> str:
    """Return what messages call the type of a run-time value, such as text, number or date."""
    return _NAMES.get(type(value), "unknown")


def is_nothing(value: object) -> bool:
    """Tell whether ``value`` is null or absent."""
    return value is None or value is ABSENT


def equal(left: Any, right: Any) -> bool:
    """Return ``left == right``: numbers by value, so 5 == 5.00; lists and objects in depth.

    Raises:
        ValueFault: HX-2005 if neither is null or absent and their types differ.
    """
    if type(left) is type(right):
        if type(left) in _DEEP:
            return _equal_in_depth(left, right)
        same: bool = left == right
        return same if not isinstance(left, datetime) else _zoned(left, right) and same
    if is_nothing(left) or is_nothing(right):
        return is_nothing(left) and is_nothing(right)
    _check("==", left, right)
    return bool(left == right)


def _equal_in_depth(left: Any, right: Any) -> bool:
    """Compare lists or objects by their members; Python takes true for 1, this does not."""
    named = type_name(left) == "object"
    if len(left) != len(right) or (named and left.keys() != right.keys()):
        return False
    names: Any = left if named else range(len(left))
    # all are compared, so that a wrong type is a fault wherever it stands
    return False not in [equal(left[name], right[name]) for name in names]


def less(left: Any, right: Any) -> bool:
    """Return ``left < right``; false with null or absent.

    Raises:
        ValueFault: HX-2005 if the types differ or have no order.
    """
    if is_nothing(left) or is_nothing(right):
        return False
    _check("<", left, right, ordered=True)
    return bool(left < right)


def less_or_equal(left: Any, right: Any) -> bool:
    """Return ``left <= right``; as :func:`less`."""
    if is_nothing(left) or is_nothing(right):
        return False
    _check("<=", left, right, ordered=True)
    return bool(left <= right)


def among(value: Any, items: Any) -> bool:
    """Return ``value in items``: an equal item of a list, or a part of a text; null never is.

    Raises:
        ValueFault: HX-2005 if ``items`` is neither list nor text, or types differ.
    """
    if is_nothing(value) or is_nothing(items):
        return False
    if isinstance(items, list):
        # all are compared, so that a wrong type is a fault wherever it stands
        return True in [equal(value, item) for item in cast("list[object]", items)]
    if isinstance(items, str) and isinstance(value, str):
        return value in items
    raise ValueFault(
        "HX-2005", f"{shown(value)} in {shown(items)}: these do not go together", value
    )


def check_order(values: Sequence[Any]) -> None:
    """Refuse values, none of them null, that can't be put in order.

    Raises:
        ValueFault: HX-2005 if they are of several types, or of one without order.
    """
    if values:
        for value in values:
            _check("<", values[0], value, ordered=True)


def _check(operator: str, left: object, right: object, *, ordered: bool = False) -> None:
    kind, other = type_name(left), type_name(right)
    if kind != other or (ordered and kind not in _ORDERED):
        text = f"{shown(left)} {operator} {shown(right)}: {kind} and {other} are not compared"
        raise ValueFault("HX-2005", text, left, "convert one of them first")
    if isinstance(left, datetime) and isinstance(right, datetime):
        _zoned(left, right)


def _zoned(left: datetime, right: datetime) -> bool:
    if (left.tzinfo is None) != (right.tzinfo is None):
        text = f"{left} and {right} are not compared: one has a zone, the other none"
        raise ValueFault("HX-2005", text, left, "declare `zone` of the field")
    return True
