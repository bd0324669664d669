"""What a cell of a workbook holds, as text in canonical form."""

import re
from datetime import date, timedelta
from decimal import Context, Decimal
from typing import Final

_EXACT: Final = Context(prec=5000)
_DIGITS: Final = 15  # that Excel keeps; of a fraction the file has up to 17, the last two are noise
_NOISY: Final = 17
_SHOWN: Final = Context(prec=_DIGITS)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?", re.ASCII)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MIDNIGHT = re.compile(r"T00:00(?::00(?:\.0+)?)?\Z")
_DAY_MS: Final = 86_400_000
_SPACES: Final = "\t\n\r"
_LEAP_DAY: Final = 60  # 1900-02-29, which Lotus 1-2-3 counted and so does Excel


class Native(str):
    """Text of a cell that Excel holds as a number, date, time or boolean: in canonical form."""

    __slots__ = ()


class Broken(str):
    """What stands in place of a cell's value: an error such as ``#N/A``."""

    __slots__ = ()


def unescaped(text: str) -> str:
    """Return a text whose ``_xHHHH_`` are characters (ECMA-376 part 1, 22.9.2.19).

    What no XML may hold stays as it is written: control characters but tab and line ends, and
    halves of characters.
    """
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(found: re.Match[str]) -> str:
    one = chr(int(found[1], 16))
    allowed = one in _SPACES or " " <= one < "\ud800" or "\udfff" < one < "\ufffe"
    return one if allowed else found[0]


def number_text(raw: str) -> str:
    """Return a stored number as canonical text.

    Up to 15 significant digits are as stored. A fraction of 16 or 17 is rounded to the 15 that
    Excel has, because it stands for a binary number; whole numbers and longer fractions, which
    Excel did not write, are as stored too. What is no number is :class:`Broken`.
    """
    if len(raw) <= _DIGITS and _PLAIN.fullmatch(raw):
        return Native(raw if raw != "-0" else "0")
    if not _NUMBER.fullmatch(raw):
        return Broken(raw)
    value = _EXACT.create_decimal(raw).normalize(_EXACT)
    if not value:
        return Native("0")
    _, digits, exponent = value.as_tuple()
    if _DIGITS < len(digits) <= _NOISY and isinstance(exponent, int) and exponent < 0:
        value = _SHOWN.create_decimal(value).normalize(_SHOWN)
    return Native(f"{value:f}")


def moment_text(text: str, era: date) -> str:
    """Return the day or time that a number of days since an era stands for, to the millisecond."""
    value = Decimal(text)
    if value < 0 or value > 2_958_466:  # noqa: PLR2004 - a day after 9999-12-31, the last of Excel
        return Broken(f"the day {text}")
    days, rest = divmod(int((value * _DAY_MS).to_integral_value()), _DAY_MS)
    seconds, thousandths = divmod(rest, 1000)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    clock += f".{thousandths:03}" if thousandths else ""
    if days == 0 and rest:
        return Native(clock)
    day = _day(days, era)
    return Native(day if not rest else f"{day}T{clock}") if day else Broken(f"the day {text}")


def _day(days: int, era: date) -> str:
    if era.year < 1900 and days <= _LEAP_DAY:  # noqa: PLR2004 - which counts that day
        if days in (0, _LEAP_DAY):
            return "1900-01-00" if days == 0 else "1900-02-29"
        days += 1
    try:
        return (era + timedelta(days)).isoformat()
    except OverflowError:
        return ""


def written_moment(raw: str) -> str:
    """Return a day or time that the file holds in ISO 8601."""
    return Native(_MIDNIGHT.sub("", raw))
