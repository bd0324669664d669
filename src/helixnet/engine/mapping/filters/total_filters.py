"""Filters that make one value of a list: sums, counts, extremes; null items are left out."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, cast

from helixnet.engine.mapping.filters.items import Key, items_of, read_key, values_of
from helixnet.engine.mapping.filters.spec import Example, FilterSpec, Param, misfit
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.values.arithmetic import add_numbers, divide, exact_sum, guarded
from helixnet.engine.values.compare import check_order, is_nothing
from helixnet.engine.values.faults import ValueFault
from helixnet.engine.values.numbers import is_number

LIST: Final = frozenset({Kind.LIST})
TEXT: Final = frozenset({Kind.TEXT})


def total(value: Any, key: Key = None, *, zero: int | Decimal = 0) -> int | Decimal:
    """Add up exactly.

    Args:
        value: a list.
        key: field of each item.
        zero: where the sum begins; the compiler passes ``0.00`` for a column of scale 2.
    """
    return _added("sum", values_of("sum", value, key), zero)


def _added(name: str, numbers: list[Any], zero: int | Decimal = 0) -> int | Decimal:
    """Add one by one, which is quick; where that overflows on the way, all at once."""
    result = zero
    for number in numbers:
        if not is_number(number):
            raise misfit(name, NUMBERS, number)
    try:
        for number in numbers:
            result = add_numbers(result, number)
    except ValueFault:
        return guarded(exact_sum((zero, *numbers)))
    return result


def running_sum(value: Any, key: Key = None) -> list[int | Decimal]:
    """Add up item by item."""
    result: int | Decimal = 0
    sums: list[int | Decimal] = []
    for item in items_of("running_sum", value):
        number = read_key(item, key)
        if not is_nothing(number):
            if not is_number(number):
                raise misfit("running_sum", NUMBERS, number)
            result = add_numbers(result, number)
        sums.append(result)
    return sums


def average(value: Any, key: Key = None) -> Fraction | None:
    """Divide the sum by the count."""
    numbers = values_of("avg", value, key)
    for number in numbers:
        if not is_number(number):
            raise misfit("avg", NUMBERS, number)
    return divide(exact_sum(numbers), len(numbers)) if numbers else None


def minimum(value: Any, key: Key = None) -> Any:
    """Take the least."""
    return _extreme("min", value, key, min)


def maximum(value: Any, key: Key = None) -> Any:
    """Take the greatest."""
    return _extreme("max", value, key, max)


def count(value: Any, key: Key = None) -> int:
    """Count what is there."""
    return len(values_of("count", value, key))


def length(value: Any) -> int:
    """Count code points or items."""
    if type(value) is str:
        return len(value)
    if type(value) is list:
        return len(cast("list[Any]", value))  # what is in it does not matter
    raise misfit("length", LIST | TEXT, value)


def _extreme(name: str, value: Any, key: Key, choose: Callable[[list[Any]], Any]) -> Any:
    values = values_of(name, value, key)
    check_order(values)
    return choose(values) if values else None


_KEY: Final = Param("key", TEXT, "take this field of each item", default=None)
_NULLS: Final = "Null and absent pass on; items that are null or absent are left out."
_LINES: Final = [{"qty": Decimal("1.50")}, {"qty": None}, {"qty": Decimal("2.25")}]

SPECS: Final[Sequence[FilterSpec]] = (
    FilterSpec(
        "sum",
        total,
        LIST,
        Kind.DECIMAL,
        "Adds up exactly: only the sum must have at most 38 digits, not what is between. Of an "
        "empty list 0, at the column's scale where it has one.",
        params=(_KEY,),
        nulls=_NULLS,
        examples=(
            Example(_LINES, ("qty",), Decimal("3.75")),
            Example([1, 2], (), 3),
            Example([], (), 0),
            Example([10**38 - 1, 1, -1], (), 10**38 - 1),
            Example(["1"], fault="HX-2005"),
        ),
    ),
    FilterSpec(
        "running_sum",
        running_sum,
        LIST,
        Kind.LIST,
        "Gives the list of sums up to each item, that item included.",
        params=(_KEY,),
        nulls="Null and absent pass on; an item that is null or absent adds nothing.",
        examples=(Example([1, None, 2], (), [1, 1, 3]),),
    ),
    FilterSpec(
        "avg",
        average,
        LIST,
        Kind.QUOTIENT,
        "Divides the sum by the count, exactly: as after any division a rounding filter must "
        "follow. Of nothing null.",
        params=(_KEY,),
        nulls=_NULLS,
        examples=(
            Example(_LINES, ("qty",), Fraction(15, 8)),
            Example([1, 2, 2], (), Fraction(5, 3)),
            Example([], (), None),
        ),
    ),
    FilterSpec(
        "min",
        minimum,
        LIST,
        Kind.ANY,
        "Takes the least number, text (by code point) or date; of nothing null.",
        params=(_KEY,),
        nulls=_NULLS,
        examples=(Example(_LINES, ("qty",), Decimal("1.50")), Example([], (), None)),
    ),
    FilterSpec(
        "max",
        maximum,
        LIST,
        Kind.ANY,
        "Takes the greatest number, text (by code point) or date; of nothing null.",
        params=(_KEY,),
        nulls=_NULLS,
        examples=(
            Example(_LINES, ("qty",), Decimal("2.25")),
            Example(["B", "a"], (), "a"),
            Example([1, "2"], fault="HX-2005"),
        ),
    ),
    FilterSpec(
        "count",
        count,
        LIST,
        Kind.INTEGER,
        "Counts the items that are neither null nor absent.",
        params=(_KEY,),
        nulls="Null and absent pass on.",
        examples=(Example(_LINES, ("qty",), 2), Example([], (), 0)),
    ),
    FilterSpec(
        "length",
        length,
        LIST | TEXT,
        Kind.INTEGER,
        "Counts the code points of a text, or all items of a list.",
        examples=(Example("Zürich", (), 6), Example(_LINES, (), 3)),
    ),
)
