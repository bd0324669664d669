"""Filters on numbers: exact, at most 38 digits where they compute, and no rounding unasked."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from helixnet.engine.mapping.filters.spec import Example, FilterSpec, Param, misfit
from helixnet.engine.mapping.kinds import NUMBERS, ROUNDABLE, Kind
from helixnet.engine.values.arithmetic import (
    check_places,
    magnitude,
    round_half_away,
    round_half_even,
    rounding,
)
from helixnet.engine.values.convert import as_decimal, as_integer
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.numbers import (
    check_separators,
    is_number,
    number_converter,
    number_text,
    usual_decimal,
)

INTEGER: Final = frozenset({Kind.INTEGER})
TEXT: Final = frozenset({Kind.TEXT})
_SHORT: Final = 4000  # int() refuses more than 4,300 digits
CONVERTIBLE: Final = NUMBERS | TEXT


def to_int(value: Any) -> int:
    """Make an integer of a number or text."""
    if type(value) is int:
        return value
    if type(value) is str and len(value) < _SHORT and value.isdigit() and value.isascii():
        return int(value)
    if type(value) is not str and not is_number(value):
        raise misfit("int", CONVERTIBLE, value)
    return as_integer(value)


def to_decimal(value: Any, decimal: str = ".", thousands: str = "") -> int | Decimal:
    """Make a number of a text."""
    return bind_decimal(decimal, thousands)(value)


def bind_decimal(decimal: str = ".", thousands: str = "") -> Callable[[Any], int | Decimal]:
    """Compile the pattern of the declared separators once."""
    _check_separators(decimal, thousands)
    plain = decimal == "." and not thousands
    convert = as_decimal if plain else number_converter(decimal, thousands, None, code="HX-2001")

    def read(value: Any) -> int | Decimal:
        if type(value) is str:
            usual = usual_decimal(value) if plain else None
            return convert(value) if usual is None else usual
        if is_number(value):
            return value
        raise misfit("decimal", CONVERTIBLE, value)

    return read


def bind_round(places: int = 0) -> Callable[[Any], Decimal]:
    """Check the number of places once."""
    return rounding(places)


def bind_round_even(places: int = 0) -> Callable[[Any], Decimal]:
    """Check the number of places once."""
    return rounding(places, even=True)


def money(value: Any, places: Any = 2) -> Decimal:
    """Round as money is rounded: half away from zero."""
    return round_half_away(value, places)


def absolute(value: Any) -> int | Decimal:
    """Leave out the sign."""
    if not is_number(value):
        raise misfit("abs", NUMBERS, value)
    return magnitude(value)


def sign(value: Any) -> int:
    """Tell below, at or above zero."""
    if not is_number(value):
        raise misfit("sign", NUMBERS, value)
    return (value > 0) - (value < 0)


def format_number(value: Any, places: Any = None, decimal: str = ".", thousands: str = "") -> str:
    """Write for people, without rounding."""
    return bind_format_number(places, decimal, thousands)(value)


def bind_format_number(
    places: Any = None, decimal: str = ".", thousands: str = ""
) -> Callable[[Any], str]:
    """Check the separators once."""
    _check_separators(decimal, thousands)
    if places is not None:
        check_places(places)

    def write(value: Any) -> str:
        if not is_number(value):
            raise misfit("format_number", NUMBERS, value)
        whole, _, fraction = number_text(value).partition(".")
        if places is not None:
            if fraction[places:].strip("0"):
                text = f"{shown(value)} has more than {places} digits after the point"
                raise ValueFault("HX-2001", text, value, "round it first")
            fraction = fraction[:places].ljust(places, "0")
        if thousands:
            whole = f"{Decimal(whole):,}".replace(",", thousands)
        return whole + decimal + fraction if fraction else whole

    return write


def _check_separators(decimal: object, thousands: object) -> None:
    if not isinstance(decimal, str) or not isinstance(thousands, str):
        raise ValueFault("HX-4105", "separators are texts", decimal)
    check_separators(decimal, thousands)


def _same_kind(value: Kind, _literals: Mapping[str, object]) -> Kind:
    return value if value in NUMBERS else Kind.DECIMAL


_PLACES: Final = "digits after the point, 0 to 38; the result has exactly so many"
_POINT: Final = Param("decimal", TEXT, "the decimal point", default=".", constant=True)
_GROUPS: Final = Param(
    "thousands", TEXT, "the separator of groups of three, or empty", default="", constant=True
)

SPECS: Final[Sequence[FilterSpec]] = (
    FilterSpec(
        "int",
        to_int,
        CONVERTIBLE,
        Kind.INTEGER,
        "Makes an integer of a number or of a text that is strictly one, if its fraction is zero.",
        examples=(
            Example("000010", (), 10),
            Example(Decimal("5.00"), (), 5),
            Example("12.9", fault="HX-2001"),
            Example("abc", fault="HX-2001"),
            Example("1_0", fault="HX-2001"),
        ),
    ),
    FilterSpec(
        "decimal",
        to_decimal,
        CONVERTIBLE,
        Kind.DECIMAL,
        "Makes a number of a text that is strictly one: ASCII digits, an optional minus, an "
        "optional fraction with digits on both sides of the point. No blanks, no plus, no "
        "exponent. Groups are of three; ungrouped numbers are accepted. A number stays as it is.",
        params=(_POINT, _GROUPS),
        bind=bind_decimal,
        examples=(
            Example("12.50", (), Decimal("12.50")),
            Example("1.234,56", (",", "."), Decimal("1234.56")),
            Example("1234,56", (",", "."), Decimal("1234.56")),
            Example("1.23,4", (",", "."), fault="HX-2001"),
            Example("1.234,56", fault="HX-2001"),
            Example("1e2", fault="HX-2001"),
            Example("+5", fault="HX-2001"),
        ),
    ),
    FilterSpec(
        "round",
        round_half_away,
        ROUNDABLE,
        Kind.DECIMAL,
        "Rounds a number or a quotient; a half goes away from zero.",
        params=(Param("places", INTEGER, _PLACES, default=0),),
        bind=bind_round,
        examples=(
            Example(Decimal("2.675"), (2,), Decimal("2.68")),
            Example(Decimal("-2.5"), (), Decimal(-3)),
            Example(5, (2,), Decimal("5.00")),
        ),
    ),
    FilterSpec(
        "money",
        money,
        ROUNDABLE,
        Kind.DECIMAL,
        "Rounds an amount, as `round` does, to two places unless said otherwise.",
        params=(Param("places", INTEGER, _PLACES, default=2),),
        bind=bind_round,
        examples=(
            Example(Decimal("1518.5100"), (), Decimal("1518.51")),
            Example(Decimal("0.0005"), (3,), Decimal("0.001")),
        ),
    ),
    FilterSpec(
        "round_even",
        round_half_even,
        ROUNDABLE,
        Kind.DECIMAL,
        "Rounds a number or a quotient; a half goes to the even neighbour.",
        params=(Param("places", INTEGER, _PLACES, default=0),),
        bind=bind_round_even,
        examples=(
            Example(Decimal("2.5"), (), Decimal(2)),
            Example(Decimal("3.5"), (), Decimal(4)),
        ),
    ),
    FilterSpec(
        "abs",
        absolute,
        NUMBERS,
        _same_kind,
        "Leaves out the sign; as all arithmetic it refuses a number of more than 38 digits.",
        examples=(
            Example(Decimal("-1.50"), (), Decimal("1.50")),
            Example(3, (), 3),
            Example(10**38, fault="HX-2004"),
        ),
    ),
    FilterSpec(
        "sign",
        sign,
        NUMBERS,
        Kind.INTEGER,
        "Gives -1 below zero, 0 at zero, 1 above.",
        examples=(
            Example(Decimal("-0.01"), (), -1),
            Example(Decimal("0.00"), (), 0),
            Example(7, (), 1),
        ),
    ),
    FilterSpec(
        "format_number",
        format_number,
        NUMBERS,
        Kind.TEXT,
        "Writes a number for people. It never rounds: more digits than `places` are a fault.",
        params=(
            Param(
                "places",
                INTEGER,
                "digits after the point; without it as many as the number has",
                default=None,
                constant=True,
            ),
            _POINT,
            _GROUPS,
        ),
        bind=bind_format_number,
        examples=(
            Example(Decimal("1234567.5"), (2, ",", "."), "1.234.567,50"),
            Example(Decimal("-1234.50"), (), "-1234.50"),
            Example(Decimal("1.005"), (2,), fault="HX-2001"),
        ),
    ),
)
