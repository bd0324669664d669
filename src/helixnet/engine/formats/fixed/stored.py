"""Numbers as mainframes store them: packed (COMP-3), zoned (DISPLAY) and binary (COMP).

Each is read from the bytes of its field into the text of a plain number, sign first, with as many
digits after the point as are implied. What is no such number stays as it is: ``X'4040'`` are its
bytes, ``LOW-VALUES`` and ``HIGH-VALUES`` what COBOL calls fields filled with 00 and FF.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, TypeAlias

from helixnet.engine.context.model import Field
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.values.dates import date_formatter

LOW, HIGH = "LOW-VALUES", "HIGH-VALUES"
FIGURATIVE: Final = (LOW, HIGH)

ReadBytes: TypeAlias = Callable[[bytes], str]


class _Digits(NamedTuple):
    """A number as it is stored: ``-`` or nothing, and its digits, with a point if one is there."""

    sign: str
    digits: str


_Number: TypeAlias = Callable[[bytes], _Digits | None]
"""Reads the bytes of a field; None where they hold no number."""

_SIGNS: Final[Mapping[str, str]] = dict.fromkeys("cafe", "") | dict.fromkeys("db", "-")
"""Of the last nibble of a packed number, and of the zone of an EBCDIC digit."""

_ASCII_SIGNED: Final[Mapping[str, str]] = {
    "{ABCDEFGHI": "",  # as the EBCDIC bytes are translated
    "}JKLMNOPQR": "-",
    "pqrstuvwxy": "-",  # as compilers for ASCII write negative digits
    "0123456789": "",
}


def stored_reader(field: Field, codec: Codec) -> ReadBytes | None:
    """Return what reads the bytes of a stored number; None for a field that is text.

    Args:
        field: as it is declared.
        codec: of the file, which says how digits and signs of zoned numbers look.
    """
    if not field.stored:
        return None
    number, write = _number(field, codec.name), _writer(field)
    blank, signed = " ".encode(codec.name), field.signed

    def read(data: bytes) -> str:
        found = number(data)
        if found is None or (found.sign and not signed):
            return _other(data, blank)
        return write(found)

    return read


def _number(field: Field, encoding: str) -> _Number:
    match field.stored:
        case "packed":
            return _packed
        case "zoned":
            return _zoned(encoding)
        case stored:
            signed = field.signed
            if stored == "binary-le":
                return lambda data: _digits(int.from_bytes(data, "little", signed=signed))
            return lambda data: _digits(int.from_bytes(data, "big", signed=signed))


def _digits(value: int) -> _Digits:
    return _Digits("-" if value < 0 else "", str(abs(value)))


def _packed(data: bytes) -> _Digits | None:
    text = data.hex()
    sign, digits = _SIGNS.get(text[-1:]), text[:-1]
    return _Digits(sign, digits) if sign is not None and digits.isdecimal() else None


def _writer(field: Field) -> Callable[[_Digits], str]:
    if field.type == "date":
        form = date_formatter(field.format or "%Y-%m-%d")
        width = len(form(date(2000, 1, 1)))
        return lambda found: found.sign + found.digits.lstrip("0").zfill(width)
    scale = field.scale or 0
    return lambda found: _written(found, scale)


def _written(found: _Digits, scale: int) -> str:
    """Return a number with its implied point; one that has a point keeps it."""
    sign, digits = found
    fraction = ""
    if "." in digits:
        digits, _, fraction = digits.partition(".")
    elif scale:
        digits, fraction = digits[:-scale], digits[-scale:].rjust(scale, "0")
    whole = digits.lstrip("0") or "0"
    if sign and not (whole + fraction).strip("0"):
        sign = ""
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def _other(data: bytes, blank: bytes) -> str:
    """Say what a field has that is no number."""
    if not data.strip(blank):
        return ""
    if not data.strip(b"\0"):
        return LOW
    if not data.strip(b"\xff"):
        return HIGH
    return f"X'{data.hex().upper()}'"


@dataclass(frozen=True, slots=True)
class _Zoned:
    """Reads digits of one byte each; the sign stands on the last or first one, or beside them."""

    signed: Mapping[int, tuple[str, bytes]]
    plain: bytes
    blank: bytes
    marks: Sequence[tuple[bytes, str]]

    def __call__(self, data: bytes) -> _Digits | None:
        text = data.translate(self.plain)
        if text.isdigit():
            return _Digits("", text.decode("latin-1"))
        data = data.strip(self.blank)
        if found := self._digits(data):
            return _Digits("", found)
        return (self._on_digit(data) or self._beside(data)) if data else None

    def _digits(self, data: bytes) -> str:
        """Return digits, with at most one point between or before them; else nothing."""
        text = data.translate(self.plain).decode("latin-1")
        before, _, after = text.partition(".")
        return text if (before + after).isdecimal() and text[-1:] != "." else ""

    def _on_digit(self, data: bytes) -> _Digits | None:
        sign, last = self.signed.get(data[-1], ("", b""))
        if last and (found := self._digits(data[:-1] + last)):
            return _Digits(sign, found)
        sign, first = self.signed.get(data[0], ("", b""))
        found = self._digits(first + data[1:]) if first else ""
        return _Digits(sign, found) if found else None

    def _beside(self, data: bytes) -> _Digits | None:
        for mark, sign in self.marks:
            rest = data.removeprefix(mark) if data.startswith(mark) else data.removesuffix(mark)
            if len(rest) < len(data) and (found := self._digits(rest)):
                return _Digits(sign, found)
        return None


def _zoned(encoding: str) -> _Number:
    plus, minus, blank = (text.encode(encoding) for text in "+- ")
    signed, plain = _signed_digits(encoding), _plain_digits(encoding)
    return _Zoned(signed, plain, blank, ((plus, ""), (minus, "-")))


def _plain_digits(encoding: str) -> bytes:
    """Return a table that makes digits and the point ASCII, and everything else no digit."""
    table = bytearray(b"x" * 256)
    for char in "0123456789.":
        table[char.encode(encoding)[0]] = ord(char)
    return bytes(table)


def _signed_digits(encoding: str) -> dict[int, tuple[str, bytes]]:
    """Return of each byte that is a digit with a sign the sign, and the byte of the plain digit."""
    plain = [str(digit).encode(encoding) for digit in range(10)]
    if plain[0] == b"\xf0":
        return {
            int(f"{zone}{digit}", 16): (sign, byte)
            for zone, sign in _SIGNS.items()
            for digit, byte in enumerate(plain)
        }
    return {
        char.encode(encoding)[0]: (sign, plain[digit])
        for chars, sign in _ASCII_SIGNED.items()
        for digit, char in enumerate(chars)
    }


def bad_number(text: str, stored: str) -> str:
    """Return why the text that a reader gave is no number, empty if it is one."""
    if text in FIGURATIVE:
        return f"the field is filled with {text}"
    return f"the bytes {text} are no {stored} number" if text.startswith("X'") else ""
