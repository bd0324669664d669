"""Filters on the numbers of X12 and EDIFACT: no zero need stand before the point."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from helixnet.engine.mapping.filters.spec import Example, FilterSpec, Param, misfit
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.arithmetic import check_places
from helixnet.engine.values.faults import ValueFault, shown

TEXT: Final = frozenset({Kind.TEXT})
_WHOLE: Final = re.compile(r"-?[0-9]+").fullmatch
_POINT: Final = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)").fullmatch
_MARK: Final = re.compile(r"-?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)").fullmatch


def x12_number(value: Any, implied: Any = 0) -> Decimal:
    """Make a number of an element of type R, or with ``implied`` of type Nn (X12.6)."""
    if type(value) is not str:
        raise misfit("x12_number", TEXT, value)
    check_places(implied)
    if implied:
        if _WHOLE(value) is None:
            hint = "a number of type R, which writes its point, takes x12_number alone"
            raise _not_one(value, f"with {implied} implied decimals", hint)
        return _plain(Decimal(f"{value}e-{implied}"))
    if _POINT(value) is None:
        raise _not_one(value, "as X12 writes it", "such as 7.5, .75 or -3")
    return _plain(Decimal(value))


def edifact_number(value: Any) -> Decimal:
    """Make a number of a numeric element, whose decimal mark is a point or a comma (ISO 9735)."""
    if type(value) is not str:
        raise misfit("edifact_number", TEXT, value)
    if _MARK(value) is None:
        raise _not_one(value, "as EDIFACT writes it", "such as 7.5, 7,5 or -3, without groups")
    return _plain(Decimal(value.replace(",", ".")))


def _plain(number: Decimal) -> Decimal:
    return number or number.copy_abs()


def _not_one(value: str, how: str, hint: str) -> ValueFault:
    return ValueFault("HX-2001", f"{shown(value)} is not a number {how}", value, hint)


SPECS: Final[Sequence[FilterSpec]] = (
    FilterSpec(
        "x12_number",
        x12_number,
        TEXT,
        Kind.DECIMAL,
        "Makes a number of an X12 element of type R, which may begin with its point; or, with the "
        "number of implied decimals, of type N, which has no point: N2 is `x12_number(2)`.",
        params=(
            Param("implied", frozenset({Kind.INTEGER}), "decimals of a type N, 0 to 38", default=0),
        ),
        examples=(
            Example("7.50", (), Decimal("7.50")),
            Example("-.75", (), Decimal("-0.75")),
            Example("123456", (2,), Decimal("1234.56")),
            Example("5", (2,), Decimal("0.05")),
            Example("1234.56", (2,), fault="HX-2001"),
            Example("1,234", (), fault="HX-2001"),
        ),
    ),
    FilterSpec(
        "edifact_number",
        edifact_number,
        TEXT,
        Kind.DECIMAL,
        "Makes a number of an EDIFACT element: the decimal mark is a point or a comma, whatever "
        "UNA says, and may stand first; there are no groups.",
        examples=(
            Example("12,50", (), Decimal("12.50")),
            Example("-.5", (), Decimal("-0.5")),
            Example("1.234,56", (), fault="HX-2001"),
            Example("5.", (), fault="HX-2001"),
        ),
    ),
)
