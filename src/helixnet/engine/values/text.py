"""Text: a fixed set of blanks, code points as the unit, and case by one pinned table."""

from typing import Final

from helixnet.engine.values.faults import ValueFault

BLANKS: Final = " \t\r\n\v\f\u00a0"

# Case comes from Unicode 14 to 15.1, which have the same case pairs. Pairs that Unicode 16 and 17
# add are left alone, so that a newer Python gives the same bytes.
_NEWER: Final = frozenset(
    map(
        chr,
        (
            0x019B,
            0x0264,
            *range(0x1C89, 0x1C8B),
            *range(0xA7CB, 0xA7D0),
            *range(0xA7D2, 0xA7D6),
            *range(0xA7DA, 0xA7DD),
            *range(0x10D50, 0x10D86),
            *range(0x16EA0, 0x16ED4),
        ),
    )
)


MAX_MADE: Final = 16 * 1024 * 1024
"""Characters of a text that an expression may make: growth has an end."""


def check_made(size: int) -> None:
    """Refuse a text that has grown too long.

    Raises:
        ValueFault: HX-6005.
    """
    if size > MAX_MADE:
        raise ValueFault("HX-6005", f"an expression writes more than {MAX_MADE:,} characters")


def trim(text: str) -> str:
    """Return ``text`` without space, tab, CR, LF, VT, FF and NBSP at its ends."""
    return text.strip(BLANKS)


def upper(text: str) -> str:
    """Return ``text`` in capitals: full Unicode mapping without locale, ``ß`` becomes ``SS``."""
    if text.isascii() or _NEWER.isdisjoint(text):
        return text.upper()
    return "".join(char if char in _NEWER else char.upper() for char in text)


def lower(text: str) -> str:
    """Return ``text`` in small letters: full Unicode mapping without locale."""
    if text.isascii() or _NEWER.isdisjoint(text):
        return text.lower()
    return "".join(char if char in _NEWER else char.lower() for char in text)
