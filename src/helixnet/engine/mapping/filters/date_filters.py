"""Filters on dates; a date is no datetime, and a zone is declared or there is none."""

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from helixnet.engine.mapping.filters.spec import Example, FilterSpec, Param, misfit
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.dates import date_formatter, date_parser, has_time
from helixnet.engine.values.faults import ValueFault, shown

TEXT: Final = frozenset({Kind.TEXT})
INTEGER: Final = frozenset({Kind.INTEGER})
DAY: Final = frozenset({Kind.DATE})
DAYS: Final = frozenset({Kind.DATE, Kind.DATETIME})
ISO: Final = "%Y-%m-%d"


def to_date(value: Any, form: str = ISO, pivot: int | None = None, zone: str | None = None) -> date:
    """Make a date or datetime of a text."""
    return bind_date(form, pivot, zone)(value)


@lru_cache(256)
def bind_date(
    form: str = ISO, pivot: int | None = None, zone: str | None = None
) -> Callable[[Any], date]:
    """Compile the format once."""
    parse = date_parser(form, pivot=pivot, zone=zone, code="HX-2001")

    def read(value: Any) -> date:
        if type(value) is str:
            return parse(value)
        if isinstance(value, datetime) and form == ISO:
            return value.date()
        if type(value) is date and form == ISO:
            return value
        raise misfit("date", TEXT, value)

    return read


def format_date(value: Any, form: str) -> str:
    """Write a date or datetime."""
    return bind_format_date(form)(value)


@lru_cache(256)
def bind_format_date(form: str) -> Callable[[Any], str]:
    """Compile the format once."""
    write = date_formatter(form)

    def written(value: Any) -> str:
        if not isinstance(value, date):
            raise misfit("format_date", DAYS, value)
        return write(value)

    return written


def add_days(value: Any, days: Any) -> date:
    """Go on by days."""
    _check("add_days", value, days)
    try:
        return value + timedelta(days=days)
    except OverflowError as error:
        raise _beyond(value) from error


def add_months(value: Any, months: Any) -> date:
    """Go on by months, to the month's last day if it is shorter."""
    _check("add_months", value, months)
    years, month = divmod(value.month - 1 + months, 12)
    year = value.year + years
    if not 1 <= year <= MAXYEAR:
        raise _beyond(value)
    day = min(value.day, monthrange(year, month + 1)[1])
    return value.replace(year=year, month=month + 1, day=day)


def days_between(value: Any, other: Any) -> int:
    """Count the days from the value to the other date."""
    for moment in (value, other):
        if type(moment) is not date:
            raise misfit("days_between", DAY, moment)
    return (other - value).days


def _check(name: str, value: Any, number: Any) -> None:
    if not isinstance(value, date):
        raise misfit(name, DAYS, value)
    if type(number) is not int:
        raise misfit(f"{name}(…)", INTEGER, number)


def _beyond(value: date) -> ValueFault:
    return ValueFault("HX-2004", f"that far from {shown(value)} there is no date", value)


def _same_kind(value: Kind, _literals: Mapping[str, object]) -> Kind:
    return value


def _kind_of_format(_value: Kind, literals: Mapping[str, object]) -> Kind:
    form = literals.get("format", ISO)
    return Kind.DATETIME if isinstance(form, str) and has_time(form) else Kind.DATE


_FORMAT: Final = (
    "of %Y %y %m %d %H %M %S %f (six digits) %z (Z or +hh:mm) %% and text, each in full width"
)

SPECS: Final[Sequence[FilterSpec]] = (
    FilterSpec(
        "date",
        to_date,
        TEXT | DAYS,
        _kind_of_format,
        "Makes a date of a text that has exactly the format; a datetime, if the format has a "
        "time. Without arguments the format is `%Y-%m-%d`, and of a datetime the day is taken.",
        params=(
            Param("format", TEXT, _FORMAT, default=ISO, constant=True),
            Param(
                "pivot",
                INTEGER,
                "two-digit years below it are 20xx, others 19xx; `%y` needs it",
                default=None,
                constant=True,
            ),
            Param("zone", TEXT, "`Z` or `+hh:mm` of the datetimes", default=None, constant=True),
        ),
        bind=bind_date,
        examples=(
            Example("23.11.2026", ("%d.%m.%Y",), date(2026, 11, 23)),
            Example("261123", ("%y%m%d", 50), date(2026, 11, 23)),
            Example(
                "20261123 0905",
                ("%Y%m%d %H%M", None, "Z"),
                datetime(2026, 11, 23, 9, 5, tzinfo=UTC),
            ),
            Example("03.01.26", ("%d.%m.%Y",), fault="HX-2001"),
            Example("2026-02-30", fault="HX-2001"),
            Example("261123", ("%y%m%d",), fault="HX-4105"),
        ),
    ),
    FilterSpec(
        "format_date",
        format_date,
        DAYS,
        Kind.TEXT,
        "Writes a date or datetime in a format; a date has no time to write.",
        params=(Param("format", TEXT, _FORMAT, constant=True),),
        bind=bind_format_date,
        examples=(
            Example(date(2026, 11, 3), ("%d.%m.%y",), "03.11.26"),
            Example(date(2026, 11, 3), ("%H:%M",), fault="HX-2005"),
        ),
    ),
    FilterSpec(
        "add_days",
        add_days,
        DAYS,
        _same_kind,
        "Goes on by so many days, back if negative.",
        params=(Param("days", INTEGER, "how many"),),
        examples=(
            Example(date(2026, 12, 31), (1,), date(2027, 1, 1)),
            Example(date(9999, 12, 31), (1,), fault="HX-2004"),
        ),
    ),
    FilterSpec(
        "add_months",
        add_months,
        DAYS,
        _same_kind,
        "Goes on by so many months, back if negative; in a shorter month to its last day.",
        params=(Param("months", INTEGER, "how many"),),
        examples=(
            Example(date(2026, 1, 31), (1,), date(2026, 2, 28)),
            Example(date(2026, 3, 31), (-13,), date(2025, 2, 28)),
        ),
    ),
    FilterSpec(
        "days_between",
        days_between,
        DAY,
        Kind.INTEGER,
        "Counts the days from the value to the other date: `a | days_between(b)` is b - a.",
        params=(Param("other", DAY, "the later date; an earlier one gives a negative number"),),
        examples=(
            Example(date(2026, 11, 1), (date(2026, 11, 23),), 22),
            Example(date(2026, 11, 1), (date(2026, 10, 31),), -1),
        ),
    ),
)
