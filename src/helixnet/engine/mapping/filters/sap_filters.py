"""Filters on what SAP writes into IDocs: initial values mean nothing, the minus stands behind."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from helixnet.engine.mapping.filters.spec import Example, FilterSpec, misfit
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.dates import date_parser
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.numbers import usual_decimal

TEXT: Final = frozenset({Kind.TEXT})
_DAYS_KEPT: Final = 4096  # eleven years: a file names few days, and those often
_DAY: Final = lru_cache(_DAYS_KEPT)(date_parser("%Y%m%d", code="HX-2001"))
_NUMBER: Final = re.compile(r" *(?:(-?)([0-9]+(?:\.[0-9]+)?)|([0-9]+(?:\.[0-9]+)?)-) *").fullmatch


def sap_date(value: Any) -> date | None:
    """Make a date of YYYYMMDD."""
    if type(value) is not str:
        raise misfit("sap_date", TEXT, value)
    return None if value in {"00000000", ""} else _DAY(value)


def sap_number(value: Any) -> Decimal | None:
    """Make a number of a text with the minus behind."""
    if type(value) is not str:
        raise misfit("sap_number", TEXT, value)
    number = usual_decimal(value)
    if number is not None:
        return number
    found = _NUMBER(value)
    if found is None:
        if not value.strip(" "):
            return None
        text = f"{shown(value)} is not a number as SAP writes it"
        raise ValueFault("HX-2001", text, value, "such as 1234.50 or 1234.50-")
    number = Decimal(found[1] + found[2] if found[3] is None else f"-{found[3]}")
    return number or number.copy_abs()


SPECS: Final[Sequence[FilterSpec]] = (
    FilterSpec(
        "sap_date",
        sap_date,
        TEXT,
        Kind.DATE,
        "Makes a date of `YYYYMMDD`; SAP's initial values `00000000` and the empty text are null.",
        examples=(
            Example("20261123", (), date(2026, 11, 23)),
            Example("00000000", (), None),
            Example("20261323", fault="HX-2001"),
        ),
    ),
    FilterSpec(
        "sap_number",
        sap_number,
        TEXT,
        Kind.DECIMAL,
        "Makes a number of a text with a decimal point and a minus that may stand behind; blanks "
        "around it are padding, nothing but blanks is null.",
        examples=(
            Example("12.500-", (), Decimal("-12.500")),
            Example("        3.000", (), Decimal("3.000")),
            Example("", (), None),
            Example("1,5", fault="HX-2001"),
        ),
    ),
)
