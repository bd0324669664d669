"""Dates: a closed list of fixed-width codes, compiled once to a parser or a formatter.

A date is a ``datetime.date``, a datetime a ``datetime.datetime``; neither is ever taken for the
other. A datetime has the declared zone, or none. Output is ISO 8601 as RFC 3339 profiles it.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, TypeAlias

from helixnet.engine.values.faults import ValueFault, shown

Parser: TypeAlias = Callable[[str], date | datetime]

# code: (pattern, what the formatter writes)
CODES: Final = {
    "Y": ("(?P<Y>[0-9]{4})", "{0.year:04d}"),
    "y": ("(?P<y>[0-9]{2})", "{1:02d}"),
    "m": ("(?P<m>[0-9]{2})", "{0.month:02d}"),
    "d": ("(?P<d>[0-9]{2})", "{0.day:02d}"),
    "H": ("(?P<H>[0-9]{2})", "{0.hour:02d}"),
    "M": ("(?P<M>[0-9]{2})", "{0.minute:02d}"),
    "S": ("(?P<S>[0-9]{2})", "{0.second:02d}"),
    "f": ("(?P<f>[0-9]{6})", "{0.microsecond:06d}"),
    "z": ("(?P<z>Z|[+-][0-9]{2}:[0-9]{2})", "{2}"),
    "%": ("%", "%"),
}
TIME_CODES: Final = frozenset("HMSfz")
ZONE: Final = re.compile(r"Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9]")
CENTURY: Final = 100
CACHED: Final = 4096  # distinct dates of a file are few; each parser remembers this many
TOKEN: Final = re.compile(r"%(.?)|([^%]+)", re.DOTALL)
_UNPADDED: Final = re.compile(r"%[-#_]")
_FOREIGN_DAY: Final = re.compile(r"YYYY|yyyy|YY|yy|MM|mm|DD|dd|TT|JJJJ|tt|jjjj")
_FOREIGN_TIME: Final = re.compile(r"HH|hh|MM|SS")
_DAY_CODES: Final = {
    "y": {4: "%Y", 2: "%y"},
    "j": {4: "%Y"},
    "m": {2: "%m"},
    "d": {2: "%d"},
    "t": {2: "%d"},
}
_NEEDS: Final = {"M": "H", "S": "M", "f": "S", "z": "H"}


def has_time(form: str) -> bool:
    """Tell whether values of the format ``form`` are datetimes."""
    return any(found[1] in TIME_CODES for found in TOKEN.finditer(form) if found[1])


def check_format(form: str, *, parses: bool, pivot: int | None = None) -> None:
    """Refuse a format that is not made of the codes, or does not name one moment.

    Args:
        form: such as ``%d.%m.%Y``.
        parses: it is to be read, so it must name a whole day, each part once.
        pivot: two-digit years below it are 20xx, others 19xx.

    Raises:
        ValueFault: HX-4105 with what is missing.
    """
    codes = [found[1] for found in TOKEN.finditer(form) if found[2] is None and found[1] != "%"]
    for code in codes:
        if code not in CODES:
            known = " ".join(f"%{known}" for known in CODES)
            raise _bad(
                form, f"%{code} is none of the codes {known}", "names are not fixed in width"
            )
    if not codes:
        raise _bad(form, "it has no code", 'such as "%Y-%m-%d"')
    if parses:
        _check_parts(form, codes, pivot)


def suggested(form: str) -> str:
    """Return the usable format that a foreign notation means, such as ``DD.MM.YYYY``; else ""."""
    if "%" in form:
        meant = _UNPADDED.sub("%", form)
    else:
        day, _, time = form.partition("T" if re.search("[^T]T[^T]", form) else " ")
        meant = _FOREIGN_DAY.sub(lambda found: _DAY_CODES[found[0][0].lower()][len(found[0])], day)
        if time:
            time = _FOREIGN_TIME.sub(lambda found: f"%{found[0][0].upper()}", _minutes(time))
            meant += form[len(day)] + time
    try:
        check_format(meant, parses=True, pivot=0)
    except ValueFault:
        return ""
    return meant if meant != form else ""


def _minutes(time: str) -> str:
    return time.replace("mm", "MM").replace("ss", "SS").replace("MI", "MM")


def _check_parts(form: str, codes: list[str], pivot: int | None) -> None:
    for code in codes:
        if codes.count(code) > 1:
            raise _bad(form, f"%{code} stands twice")
        if code in _NEEDS and _NEEDS[code] not in codes:
            raise _bad(form, f"%{code} needs %{_NEEDS[code]}")
    if ("Y" in codes) == ("y" in codes) or "m" not in codes or "d" not in codes:
        raise _bad(form, "a date needs one year, %m and %d")
    if "y" in codes and (pivot is None or not 0 <= pivot <= CENTURY):
        raise _bad(form, "%y needs a pivot from 0 to 100", "years below the pivot are 20xx")


def date_parser(
    form: str, *, pivot: int | None = None, zone: str | None = None, code: str = "HX-1105"
) -> Parser:
    """Return a function that reads texts of exactly the format ``form``.

    Args:
        form: made of :data:`CODES`; each takes its full width, ``03.01.26`` is not ``%d.%m.%Y``.
        pivot: two-digit years below it are 20xx, others 19xx.
        zone: ``Z`` or ``+hh:mm`` of the datetimes; None = they have none, or ``%z`` gives it.
        code: of the fault for a text that does not match, or names no real day.

    Returns:
        a function from text to date (or datetime, if ``form`` has a time) that raises ValueFault.

    Raises:
        ValueFault: HX-4105 if the format, pivot or zone can't be used.
    """
    check_format(form, parses=True, pivot=pivot)
    if zone is not None and (not has_time(form) or "%z" in form):
        raise _bad(form, "a zone goes with a datetime whose format has no %z")
    fixed = None if zone is None else zone_of(zone)
    pattern = TOKEN.sub(lambda found: CODES[found[1]][0] if found[1] else re.escape(found[2]), form)
    match = re.compile(pattern).fullmatch
    timed = has_time(form)
    century = pivot or 0

    @lru_cache(CACHED)
    def parse(text: str) -> date | datetime:
        found = match(text)
        if found is None:
            hint = "trim it" if text != text.strip() else ""
            raise ValueFault(code, f"{shown(text)} is not a date of the form {form}", text, hint)
        try:
            return _build(found.groupdict(), century, fixed, timed=timed)
        except ValueError as error:
            raise ValueFault(code, f"{shown(text)} is no real date ({error})", text) from error

    return parse


def _build(
    parts: dict[str, str], pivot: int, zone: tzinfo | None, *, timed: bool
) -> date | datetime:
    if "Y" in parts:
        year = int(parts["Y"])
    else:
        short = int(parts["y"])
        year = short + (2000 if short < pivot else 1900)
    month, day = int(parts["m"]), int(parts["d"])
    if not timed:
        return date(year, month, day)
    hour, minute, second, micro = (int(parts.get(name, "0")) for name in "HMSf")
    zone = zone_of(parts["z"]) if "z" in parts else zone
    return datetime(year, month, day, hour, minute, second, micro, tzinfo=zone)


def zone_of(text: str) -> tzinfo:
    """Return the zone that ``Z`` or ``+hh:mm`` names.

    Raises:
        ValueFault: HX-4105.
    """
    if ZONE.fullmatch(text) is None:
        raise ValueFault("HX-4105", f"{shown(text)} is no zone", text, "write Z or +hh:mm")
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset) if offset else UTC


def date_formatter(form: str) -> Callable[[date | datetime], str]:
    """Return a function that writes a date or datetime in the format ``form``.

    Returns:
        a function that raises ValueFault HX-2005 for a value without the asked part: a date has
        no time, a datetime may have no zone.

    Raises:
        ValueFault: HX-4105 if the format can't be used.
    """
    check_format(form, parses=False)
    template = TOKEN.sub(
        lambda found: (
            CODES[found[1]][1] if found[1] else found[2].replace("{", "{{").replace("}", "}}")
        ),
        form,
    ).format
    timed, zoned = has_time(form), "%z" in form

    def write(value: date | datetime) -> str:
        zone = ""
        if timed:
            if not isinstance(value, datetime):
                raise ValueFault("HX-2005", f"{value} is a date and has no time", value)
            if zoned:
                zone = zone_text(value)
        return template(value, value.year % 100, zone)

    return write


def zone_text(value: datetime) -> str:
    """Return the zone of ``value`` as ``Z`` or ``+hh:mm``.

    Raises:
        ValueFault: HX-2005 if it has none.
    """
    if value.tzinfo is None:
        raise ValueFault("HX-2005", f"{value} has no zone", value, "declare `zone` of the field")
    text = value.isoformat()[-6:]
    return "Z" if text == "+00:00" else text


@lru_cache(4096)  # eleven years: a file names few days, and those often
def day_text(value: date) -> str:
    """Return the canonical text of a date: ``2026-11-23``."""
    return value.isoformat()


def date_text(value: date | datetime) -> str:
    """Return the canonical text: ``2026-11-23``, ``2026-11-23T10:05:00`` with ``Z`` or offset.

    The fraction of a second is six digits, or left out when it is zero.
    """
    text = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _bad(form: str, why: str, hint: str = "") -> ValueFault:
    return ValueFault("HX-4105", f"{shown(form)} is no usable date format: {why}", form, hint)
