"""Numbers between text and value: one strict pattern in, one canonical text out, nothing guessed.

A number is an ``int`` (never a ``bool``) or a finite ``Decimal``; there is no float anywhere.
"""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from helixnet.engine.values.faults import ValueFault, shown

Number: TypeAlias = int | Decimal

MAX_ZEROS: Final = 6144  # most zeros that writing without exponent may add: IEEE 754 decimal128's
_SHORT: Final = 4000  # int() and str() refuse more than 4,300 digits; Decimal takes any
_LARGE: Final = 1 << 4096
_NUMERIC: Final = "-0123456789.,' "
_DIGITS: Final = frozenset("0123456789")
_PLAIN: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?").fullmatch


def is_number(value: object) -> bool:
    """Tell whether ``value`` is a number of the language; a boolean is none."""
    return type(value) is int or type(value) is Decimal


def check_size(value: Decimal) -> None:
    """Refuse a number such as 1e999999999, which would fill the memory if written out.

    Raises:
        ValueFault: HX-2004.
    """
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or not -MAX_ZEROS <= exponent + len(digits) <= MAX_ZEROS + len(
        digits
    ):
        raise ValueFault("HX-2004", f"{shown(value)} is too large or too small to write out", value)


def number_text(value: Number) -> str:
    """Return the one canonical text: no exponent, scale kept, never ``-0``.

    Raises:
        ValueFault: HX-2004 if writing it out would add more than 6,144 zeros.
    """
    if isinstance(value, int):
        return str(value) if -_LARGE < value < _LARGE else str(Decimal(value))
    text = str(value)
    if "E" in text:
        check_size(value)
        text = format(value, "f")
    return text[1:] if text[0] == "-" and not value else text


def parse_decimal(text: str, code: str = "HX-2001") -> Decimal:
    """Return the number that ``text`` is, with a decimal point and no grouping, of any size.

    Raises:
        ValueFault: ``code`` if the text is not exactly one such number.
    """
    usual = usual_decimal(text)
    if usual is not None:
        return usual
    if _PLAIN(text) is None:
        raise ValueFault(code, f"{shown(text)} is not a number", text, _hint(text, ".", ""))
    value = Decimal(text)
    return value or value.copy_abs()


def usual_decimal(text: str) -> Decimal | None:
    """Return the number that a text is as it would be written: digits, perhaps with a fraction.

    None says nothing of a text with a sign, or with zeros before the number.
    """
    try:
        number = Decimal(text)  # which takes more
        same = str(number) == text
    except InvalidOperation:
        return None
    return number if same and text[0] in _DIGITS and "E" not in text else None


def to_integer(value: Number, code: str = "HX-2001") -> int:
    """Return ``value`` as an integer if its fraction is zero: 5.00 is 5.

    Raises:
        ValueFault: ``code`` if there is a fraction.
    """
    if isinstance(value, int):
        return value
    if value != value.to_integral_value():
        raise ValueFault(code, f"{number_text(value)} has a fraction", value, "round it first")
    check_size(value)
    return int(value)


def check_separators(decimal: str, thousands: str, code: str = "HX-4105") -> None:
    """Refuse separators that would make a number ambiguous.

    Raises:
        ValueFault: ``code``.
    """
    if len(decimal) != 1 or decimal in "-+0123456789":
        raise ValueFault(code, f"{shown(decimal)} can't be a decimal point", decimal)
    if len(thousands) > 1 or (thousands and thousands in f"-+0123456789{decimal}"):
        raise ValueFault(code, f"{shown(thousands)} can't separate thousands", thousands)


def number_converter(
    decimal: str = ".",
    thousands: str = "",
    digits: int | None = 18,
    scale: int | None = None,
    *,
    code: str = "HX-1102",
) -> Callable[[str], Decimal]:
    """Return a function that reads the text of a declared ``decimal`` field.

    Groups are strictly of three and the first does not begin with 0, so that ``0.123`` is never
    taken for 123; ungrouped numbers are accepted. ``+5`` is refused, ``007`` is 7, ``-0`` is 0.

    Args:
        decimal: the decimal point, one character.
        thousands: the group separator, one character, or empty.
        digits: most digits of the value, those that ``scale`` pads included; None = any number.
        scale: digits after the point: fewer are padded with zeros, more are a fault; None = any.
        code: of the fault for a text that is not a number.

    Returns:
        a function that raises ValueFault: ``code`` not a number, HX-1104 too many digits.

    Raises:
        ValueFault: HX-4105 if the separators are ambiguous.
    """
    check_separators(decimal, thousands)
    usual = re.compile(_usual(decimal, thousands, digits, scale)).fullmatch
    unusual = _unusual(decimal, thousands, digits, scale, code)

    def convert(text: str) -> Decimal:
        if usual(text) is None:
            plain = unusual(text)
        elif thousands:
            plain = text.replace(thousands, "").replace(decimal, ".")
        else:
            plain = text.replace(decimal, ".")
        value = Decimal(plain)
        return value or value.copy_abs()

    return convert


def _usual(decimal: str, thousands: str, digits: int | None, scale: int | None) -> str:
    """Return the pattern of texts that need no further look: of the scale, and short."""
    limit = _SHORT if digits is None else digits
    point, half = re.escape(decimal), limit // 2
    if half == 0 or (scale is not None and scale >= limit):
        return "(?!)"
    room = half if scale is None else limit - scale
    whole = f"[0-9]{{1,{room}}}"
    if thousands and (groups := room // 3 - 1) > 0:
        grouped = f"[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}}){{1,{groups}}}"
        whole = f"(?:{whole}|{grouped})"
    if scale is None:
        return f"-?{whole}(?:{point}[0-9]{{1,{half}}})?"
    return f"-?{whole}" + (f"{point}[0-9]{{{scale}}}" if scale else "")


def _unusual(
    decimal: str, thousands: str, digits: int | None, scale: int | None, code: str
) -> Callable[[str], str]:
    """Return a function that makes any accepted text one that Decimal takes as meant."""
    match = re.compile(_pattern(decimal, thousands)).fullmatch

    def plain(text: str) -> str:
        found = match(text)
        if found is None:
            what = f"{shown(text)} is not a number"
            raise ValueFault(code, what, text, _hint(text, decimal, thousands))
        whole, _, fraction = text.partition(decimal)
        if thousands:
            whole = whole.replace(thousands, "")
        if scale is not None:
            if len(fraction) > scale:
                raise _too_long(text, f"more than {scale} digits after the point")
            fraction = fraction.ljust(scale, "0")
        written = f"{whole}.{fraction}" if fraction else whole
        if digits is not None:
            _check_digits(written, digits, text)
        return written

    return plain


def integer_converter(
    decimal: str = ".", thousands: str = "", digits: int | None = 18
) -> Callable[[str], int]:
    """Return a function that reads the text of a declared ``integer`` field.

    As :func:`number_converter`; a fraction of zeros is accepted, ``5.00`` is 5.

    Returns:
        a function that raises ValueFault: HX-1103 not an integer, HX-1104 too many digits.

    Raises:
        ValueFault: HX-4105 if the separators are ambiguous.
    """
    check_separators(decimal, thousands)
    match = re.compile(_pattern(decimal, thousands)).fullmatch
    safe = min(_SHORT, digits or _SHORT)

    def convert(text: str) -> int:
        if len(text) <= safe and text.isdigit() and text.isascii():
            return int(text)
        found = match(text)
        if found is None or (found[1] and found[1].strip("0")):
            what = "is not a number" if found is None else "has a fraction"
            raise ValueFault(
                "HX-1103", f"{shown(text)} {what}", text, _hint(text, decimal, thousands)
            )
        plain = text.partition(decimal)[0].replace(thousands, "") if thousands or found[1] else text
        if digits is not None and len(plain) > digits:
            _check_digits(plain, digits, text)
        return int(plain) if len(plain) < _SHORT else int(Decimal(plain))

    return convert


def _pattern(decimal: str, thousands: str) -> str:
    point = re.escape(decimal)
    whole = "[0-9]+"
    if thousands:
        whole = f"(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+)"
    return f"-?{whole}(?:{point}([0-9]+))?"


def _check_digits(plain: str, digits: int, text: str) -> None:
    count = len(plain.lstrip("-").replace(".", "").lstrip("0"))
    fraction = len(plain.partition(".")[2])
    if max(count, fraction) > digits:
        raise _too_long(text, f"more than {digits} digits")


def _too_long(text: str, what: str) -> ValueFault:
    return ValueFault("HX-1104", f"{shown(text)} has {what}", text)


def _hint(text: str, decimal: str, thousands: str) -> str:
    """Say what stands in the way, for the commonest reasons."""
    if not text:
        return "an empty text is no number: name it in `nulls`, or use or_else"
    if text != text.strip():
        return "there are blanks around it: trim it"
    if text[0] == "+":
        return "a plus sign is not accepted"
    groups = f' and thousands "{thousands}"' if thousands else " and no thousands separator"
    if not text.strip(_NUMERIC):
        return f'it is read with decimal point "{decimal}"{groups}'
    return ""
