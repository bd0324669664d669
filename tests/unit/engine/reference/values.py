"""What the plain interpreter knows of values: the three kinds of nothing, types, numbers, order."""

import json
from datetime import date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

DIGITS = 38


class Nothing:
    """The absent value."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = Nothing()


class RejectionError(Exception):
    """The record would be rejected."""


def nothing(found: Any) -> bool:
    return found is None or found is ABSENT


def is_number(found: Any) -> bool:
    return isinstance(found, int | Decimal) and not isinstance(found, bool)


def number(found: Any) -> Any:
    if not is_number(found):
        raise RejectionError(f"{found!r} is no number")
    return found


def quantity(found: Any) -> Any:
    """Take a number or a quotient."""
    return found if isinstance(found, Fraction) else number(found)


def text(found: Any) -> str:
    if not isinstance(found, str):
        raise RejectionError(f"{found!r} is no text")
    return found


def whole(found: Any) -> int:
    """Take an argument that must be an integer."""
    if not isinstance(found, int) or isinstance(found, bool):
        raise RejectionError(f"{found!r} is no integer")
    return found


def listed(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise RejectionError(f"{found!r} is no list")
    return found


def day(found: Any) -> Any:
    if not isinstance(found, date):
        raise RejectionError(f"{found!r} is no date")
    return found


def guarded(result: Any) -> Any:
    """Numbers have at most 38 digits; a quotient is no number yet."""
    if isinstance(result, Fraction):
        return result
    if isinstance(result, Decimal):
        _, digits, exponent = result.as_tuple()
        assert isinstance(exponent, int)
        if max(len(digits), -exponent) > DIGITS:
            raise RejectionError("more than 38 digits")
        return result
    if len(str(abs(result))) > DIGITS:
        raise RejectionError("more than 38 digits")
    return result


def added(numbers: list[Any]) -> Any:
    """Add exactly, whatever the numbers are between."""
    with localcontext(prec=500):
        return sum(map(number, numbers))


def rounded(found: Any, places: Any, *, even: bool) -> Decimal:
    """Round exactly, through a fraction."""
    if not 0 <= whole(places) <= DIGITS:
        raise RejectionError(f"{places} places")
    scaled = Fraction(quantity(found)) * 10**places
    units, rest = divmod(abs(scaled), 1)
    half = Fraction(1, 2)
    up = rest > half or (rest == half and (not even or units % 2 == 1))
    units = int(units) + up
    with localcontext(prec=500):
        result = Decimal(-units if scaled < 0 else units).scaleb(-places)
    return guarded(abs(result) if units == 0 else result)


def as_text(found: Any) -> str:
    """Write a text, number or date canonically: no exponent, no negative zero."""
    if isinstance(found, str):
        return found
    if isinstance(found, datetime):
        return found.isoformat().replace("+00:00", "Z")
    if isinstance(found, date):
        return found.isoformat()
    if isinstance(found, Decimal):
        written = format(found, "f")
        return written.removeprefix("-") if found == 0 else written
    return str(number(found))


def as_json(found: Any) -> str:
    """Write a value as JSON; what is absent in an object is not there."""
    if isinstance(found, dict):
        fields = {name: value for name, value in found.items() if value is not ABSENT}
        return "{" + ",".join(f"{json.dumps(n)}:{as_json(v)}" for n, v in fields.items()) + "}"
    if isinstance(found, list):
        return "[" + ",".join(as_json(item) for item in found) + "]"
    if is_number(found):
        return as_text(found)
    if isinstance(found, Fraction):
        raise RejectionError("the quotient is not rounded")
    if isinstance(found, date):
        return f'"{as_text(found)}"'
    return json.dumps(found, ensure_ascii=False).replace("\x7f", "\\u007f")


def kind(found: Any) -> str:
    names: list[tuple[Any, str]] = [
        (bool, "boolean"),
        (str, "text"),
        ((int, Decimal), "number"),
        (datetime, "datetime"),
        (date, "date"),
        (list, "list"),
        (dict, "object"),
    ]
    return next(name for types, name in names if isinstance(found, types))


def same_kind(left: Any, right: Any) -> str:
    if kind(left) != kind(right):
        raise RejectionError("values of different types are not compared")
    if kind(left) == "datetime" and (left.tzinfo is None) != (right.tzinfo is None):
        raise RejectionError("one has a zone, the other none")
    return kind(left)


def equal(left: Any, right: Any) -> bool:
    if nothing(left) or nothing(right):
        return nothing(left) and nothing(right)
    what = same_kind(left, right)
    if what == "list":
        return len(left) == len(right) and False not in [
            equal(a, b) for a, b in zip(left, right, strict=True)
        ]
    if what == "object":
        return left.keys() == right.keys() and False not in [equal(left[n], right[n]) for n in left]
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    if nothing(left) or nothing(right):
        return False
    if same_kind(left, right) in {"boolean", "list", "object"}:
        raise RejectionError("no order")
    return bool(left < right)


def contained(item: Any, container: Any) -> bool:
    """Whether an item of a list, or a part of a text."""
    if nothing(item) or nothing(container):
        return False
    if isinstance(container, str):
        return text(item) in container
    return True in [equal(item, other) for other in listed(container) if not nothing(other)]


def field(found: Any, name: str) -> Any:
    """Take a step: what is absent or null has no fields, and no fault."""
    if nothing(found):
        return ABSENT
    if not isinstance(found, dict):
        raise RejectionError(f"{found!r} has no fields")
    return found.get(name, ABSENT)


def step(found: Any, name: str) -> Any:
    """Take a dotted step: on no node absent, on one its field, on several an error."""
    if isinstance(found, list):
        if len(found) > 1:
            raise RejectionError("a step onto several")
        return step(found[0], name) if found else ABSENT
    return field(found, name)


def path(found: Any, name: str) -> Any:
    """Take a field by its whole name, or else by the dots in it."""
    if isinstance(found, dict) and name in found:
        return found[name]
    head, dot, rest = name.partition(".")
    return path(field(found, head), rest) if dot else field(found, name)
