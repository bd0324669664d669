"""A value of every row of a block: an expression, and what is known of it."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import polars as pl

from helixnet.engine.mapping.kinds import Kind

MOST_DIGITS: Final = 38
LONG: Final = 18  # digits that an Int64 surely holds


class NotColumnarError(Exception):
    """What keeps a context from the columns executor, in the user's words.

    Args:
        why: in words.
        line: of the context at which it stands; 0 = not known.
    """

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(f"{why} (line {line})" if line else why)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A typed expression over the columns of a block.

    Args:
        expr: null where the value is null or absent.
        kind: TEXT, INTEGER, DECIMAL, BOOLEAN, DATE, or NULL for one that is never there.
        null: it may be null.
        absent: it may be absent.
        digits: of a number: most digits, those after the point included.
        scale: of a DECIMAL: exact number of digits after the point.
        clean: of a TEXT: nothing in it needs an escape in JSON.
        text: its canonical text, where a column has it already.
        times: how many times as long as a row it can be.
    """

    expr: pl.Expr
    kind: Kind
    null: bool = False
    absent: bool = False
    digits: int = 0
    scale: int = 0
    clean: bool = False
    text: pl.Expr | None = None
    times: int = 1

    @property
    def sure(self) -> bool:
        """Whether it is there in every row."""
        return not (self.null or self.absent)

    def like(self, expr: pl.Expr, **changed: object) -> "Value":
        """Return a value that is there where this one is."""
        text = self.text if expr is self.expr else None
        return replace(self, expr=expr, text=text, **changed)  # pyright: ignore[reportArgumentType] - fields of this class


MAX_TIMES: Final = 16  # a block is a megabyte: so no text is longer than rows allow


def grown(times: int) -> int:
    """Return ``times``, unless a text could then be longer than rows allow.

    Raises:
        NotColumnarError: it could.
    """
    if times > MAX_TIMES:
        raise NotColumnarError(f"a text of more than {MAX_TIMES} times the row")
    return times


def of_constant(value: object) -> Value:
    """Return a literal of the context.

    Raises:
        NotColumnarError: a list, an object, or a number of over 38 digits.
    """
    if value is None:
        return Value(expr=pl.lit(None), kind=Kind.NULL, null=True)
    if isinstance(value, bool):
        return Value(expr=pl.lit(value), kind=Kind.BOOLEAN)
    if isinstance(value, str):
        return Value(expr=pl.lit(value), kind=Kind.TEXT, clean=is_clean(value))
    if isinstance(value, int) and len(str(abs(value))) <= LONG:
        digits = len(str(abs(value)))
        return Value(expr=pl.lit(value, dtype=pl.Int64), kind=Kind.INTEGER, digits=digits)
    if isinstance(value, Decimal):
        _, digits, exponent = value.as_tuple()
        scale = -exponent if isinstance(exponent, int) else -1
        most = max(len(digits), scale)
        if scale >= 0 and most <= MOST_DIGITS:
            expr = pl.lit(value, dtype=pl.Decimal(MOST_DIGITS, scale))
            return Value(expr=expr, kind=Kind.DECIMAL, digits=most, scale=scale)
    raise NotColumnarError(f"the literal {value!r:.40}")


def is_clean(text: str) -> bool:
    """Tell whether JSON writes ``text`` as it is."""
    return text.isprintable() and '"' not in text and "\\" not in text


def as_decimal(value: Value, scale: int) -> pl.Expr:
    """Return a number's expression as a decimal with at least its own scale.

    Raises:
        NotColumnarError: it may then have more than 38 digits.
    """
    if value.digits - value.scale + scale > MOST_DIGITS:
        raise NotColumnarError("numbers that may have more than 38 digits")
    if value.kind is Kind.DECIMAL and value.scale == scale:
        return value.expr
    return value.expr.cast(pl.Decimal(MOST_DIGITS, scale))


def as_text(value: Value) -> Value:
    """Return the canonical text of a text, number or date.

    Raises:
        NotColumnarError: a boolean.
    """
    match value.kind:
        case Kind.TEXT | Kind.NULL:
            return value
        case Kind.INTEGER | Kind.DECIMAL | Kind.DATE:
            text = value.expr.cast(pl.String) if value.text is None else value.text
            return value.like(text, kind=Kind.TEXT, clean=True)
        case _:
            raise NotColumnarError(f"a {value.kind} as text")
