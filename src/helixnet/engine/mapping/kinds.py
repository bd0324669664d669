"""The kinds of value that the mapping language knows; the compiler types expressions with them."""

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a value is at run time, in the language's own words."""

    TEXT = "text"  # str
    INTEGER = "integer"  # int, never bool
    DECIMAL = "decimal"  # Decimal, or int
    QUOTIENT = "quotient"  # Fraction: a division before its rounding filter; never in a document
    BOOLEAN = "boolean"  # bool
    DATE = "date"  # datetime.date that is no datetime
    DATETIME = "datetime"  # datetime.datetime
    LIST = "list"  # list
    OBJECT = "object"  # dict
    NULL = "null"  # None
    ANY = "any"  # known only at run time; null or absent too


NUMBERS: Final = frozenset({Kind.INTEGER, Kind.DECIMAL})
ROUNDABLE: Final = NUMBERS | {Kind.QUOTIENT}
