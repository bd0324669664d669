"""Exact arithmetic: a result has at most 38 digits or is a fault; nothing rounds in silence.

A quotient has no end in general, so a division gives a :class:`fractions.Fraction`, which stays
exact until a rounding function makes a Decimal of it: ``(a / b * c) | round(2)`` compiles to
``round_half_away(multiply(divide(a, b), c), 2)``. No Fraction ever reaches a document.

The operands are neither null nor absent: those are passed on by the caller. They are typed ``Any``
because a mapping's types may be known only at run time; what is no number is a fault.
"""

from collections.abc import Callable, Sequence
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Clamped,
    Context,
    Decimal,
    DecimalException,
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
)
from fractions import Fraction
from functools import reduce
from typing import Any, Final, TypeAlias

from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.numbers import MAX_ZEROS, Number, check_size

Operand: TypeAlias = int | Decimal | Fraction

DIGITS: Final = 38
LIMIT: Final = 10**DIGITS
# Emax and Emin make the guard of 38 digits, before and after the point, the C code's own work.
EXACT: Final = Context(
    prec=DIGITS, Emin=-1, Emax=37, traps=[Inexact, Rounded, Clamped, Overflow, InvalidOperation]
)
_WIDE: Final = Context(prec=2 * MAX_ZEROS, traps=[Inexact, Overflow, InvalidOperation])
_AWAY: Final = Context(
    prec=DIGITS, rounding=ROUND_HALF_UP, Emin=-1, Emax=37, traps=[InvalidOperation]
)
_EVEN: Final = Context(
    prec=DIGITS, rounding=ROUND_HALF_EVEN, Emin=-1, Emax=37, traps=[InvalidOperation]
)
_UNITS: Final = tuple(Decimal(1).scaleb(-places) for places in range(DIGITS + 1))
_PLAIN: Final = frozenset({int, Decimal})


def add(left: Any, right: Any) -> Operand:
    """Return the exact sum.

    Raises:
        ValueFault: HX-2004 more than 38 digits, HX-2005 an operand is no number.
    """
    if type(left) in _PLAIN and type(right) in _PLAIN:
        return add_numbers(left, right)
    return exact(left, "+") + exact(right, "+")


def add_numbers(left: Number, right: Number) -> Number:
    """Return the exact sum of what is known to be no quotient; HX-2004 as :func:`add`."""
    try:
        if type(left) is int and type(right) is int:
            return _guard(left + right)
        return EXACT.add(left, right)
    except DecimalException as error:
        raise _too_many("+", left, right) from error


def exact_sum(numbers: Sequence[Number]) -> Number:
    """Return the sum of numbers that are no quotients, whatever size it has.

    Raises:
        ValueFault: HX-2004 if it is beyond all measure.
    """
    if all(type(number) is int for number in numbers):
        return sum(numbers)
    try:
        return reduce(_WIDE.add, numbers)
    except DecimalException as error:
        raise ValueFault("HX-2004", "the sum is too large to write out", None) from error


def guarded(value: Number) -> Number:
    """Return ``value`` if it has at most 38 digits, before and after the point; else HX-2004."""
    try:
        return _guard(value) if isinstance(value, int) else EXACT.plus(value)
    except DecimalException as error:
        raise ValueFault("HX-2004", f"{shown(value)} has more than 38 digits", value) from error


def subtract(left: Any, right: Any) -> Operand:
    """Return the exact difference; faults as :func:`add`."""
    if type(left) in _PLAIN and type(right) in _PLAIN:
        try:
            if type(left) is int and type(right) is int:
                return _guard(left - right)
            return EXACT.subtract(left, right)
        except DecimalException as error:
            raise _too_many("-", left, right) from error
    return exact(left, "-") - exact(right, "-")


def multiply(left: Any, right: Any) -> Operand:
    """Return the exact product; its scale is the sum of the scales. Faults as :func:`add`."""
    if type(left) in _PLAIN and type(right) in _PLAIN:
        try:
            if type(left) is int and type(right) is int:
                return _guard(left * right)
            product = EXACT.multiply(left, right)
        except DecimalException as error:
            raise _too_many("*", left, right) from error
        return product or product.copy_abs()
    return exact(left, "*") * exact(right, "*")


def divide(left: Any, right: Any) -> Fraction:
    """Return the exact quotient, to be rounded before it is used.

    Raises:
        ValueFault: HX-2004 division by zero, HX-2005 an operand is no number.
    """
    try:
        return exact(left, "/") / exact(right, "/")
    except ZeroDivisionError as error:
        raise ValueFault("HX-2004", f"{shown(left)} / 0: division by zero", left) from error


def negate(value: Any) -> Operand:
    """Return ``value`` with the other sign.

    Raises:
        ValueFault: HX-2004 more than 38 digits, HX-2005 it is no number.
    """
    if type(value) is Fraction:
        return -value
    try:
        if type(value) is Decimal:
            return EXACT.minus(value)
        if type(value) is int:
            return _guard(-value)
    except DecimalException as error:
        raise ValueFault("HX-2004", f"-{shown(value)} has more than 38 digits", value) from error
    raise _no_number("-", value)


def magnitude(value: Number) -> Number:
    """Return ``value`` without its sign; HX-2004 as :func:`negate`."""
    try:
        return _guard(abs(value)) if isinstance(value, int) else EXACT.abs(value)
    except DecimalException as error:
        raise ValueFault("HX-2004", f"{shown(value)} has more than 38 digits", value) from error


def exact(value: Any, operator: str = "/") -> Fraction:
    """Return ``value`` as a fraction.

    Raises:
        ValueFault: HX-2005 if it is no number, HX-2004 if it is beyond all measure.
    """
    if type(value) is Fraction:
        return value
    if type(value) is Decimal:
        check_size(value)
        return Fraction(value)
    if type(value) is int:
        return Fraction(value)
    raise _no_number(operator, value)


def round_half_away(value: Any, places: int = 0) -> Decimal:
    """Return ``value`` with exactly ``places`` digits after the point, a half away from zero.

    Args:
        value: a number or a quotient.
        places: 0 to 38.

    Raises:
        ValueFault: HX-2004 more than 38 digits, HX-2005 no number, HX-4105 bad ``places``.
    """
    return _round(value, places, _AWAY, _half_away)


def round_half_even(value: Any, places: int = 0) -> Decimal:
    """Return ``value`` rounded as :func:`round_half_away`, but a half to the even neighbour."""
    return _round(value, places, _EVEN, _half_even)


def rounding(places: int, *, even: bool = False) -> Callable[[Any], Decimal]:
    """Return the rounding function for a fixed number of places, which is quicker.

    Raises:
        ValueFault: HX-4105 bad ``places``.
    """
    check_places(places)
    quantize, unit = (_EVEN if even else _AWAY).quantize, _UNITS[places]
    general = round_half_even if even else round_half_away

    def rounded(value: Any) -> Decimal:
        if type(value) is Decimal:
            try:
                result = quantize(value, unit)
            except DecimalException:
                return general(value, places)  # which says what is wrong
            return result or result.copy_abs()
        return general(value, places)

    return rounded


def check_places(places: object) -> None:
    """Refuse what can't be a number of digits after the point.

    Raises:
        ValueFault: HX-4105 unless an integer from 0 to 38.
    """
    if type(places) is not int or not 0 <= places <= DIGITS:
        raise ValueFault("HX-4105", f"{shown(places)} is no number of digits from 0 to 38", places)


def _round(
    value: Any, places: int, context: Context, up: Callable[[int, int, int], bool]
) -> Decimal:
    if type(places) is not int or not 0 <= places <= DIGITS:
        check_places(places)
    try:
        if type(value) in _PLAIN:
            rounded = context.quantize(value, _UNITS[places])
            return rounded or rounded.copy_abs()
        fraction = exact(value, "round")
        whole, rest = divmod(abs(fraction.numerator) * 10**places, fraction.denominator)
        whole += up(whole, rest, fraction.denominator)
        return Decimal(-whole if fraction < 0 else whole).scaleb(-places, EXACT)
    except DecimalException as error:
        raise ValueFault("HX-2004", f"{shown(value)} rounded has over 38 digits", value) from error


def _half_away(_whole: int, rest: int, denominator: int) -> bool:
    return 2 * rest >= denominator


def _half_even(whole: int, rest: int, denominator: int) -> bool:
    return 2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1)


def _guard(value: int) -> int:
    if -LIMIT < value < LIMIT:
        return value
    raise Overflow


def _too_many(operator: str, left: object, right: object) -> ValueFault:
    text = f"{shown(left)} {operator} {shown(right)} has more than 38 digits"
    return ValueFault("HX-2004", text, left)


def _no_number(operator: str, value: object) -> ValueFault:
    text = f"{operator} takes numbers only, not {shown(value)}"
    return ValueFault("HX-2005", text, value, "convert it with int or decimal first")
