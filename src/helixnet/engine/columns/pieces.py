"""The JSON text of a row in pieces, put together for what a block leaves open.

Most optional columns have a value in each row of most blocks: their text then stands there as it
is, which takes a third of the time of asking in each row.
"""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import polars as pl

MOST_TEXTS: Final = 16


@dataclass(frozen=True, slots=True)
class Maybe:
    """Pieces where a column has a value; elsewhere another text."""

    column: str
    pieces: Sequence["Piece"]
    other: str


@dataclass(frozen=True, slots=True)
class Conditional:
    """Pieces where a condition is true; elsewhere nothing."""

    test: pl.Expr
    pieces: Sequence["Piece"]


@dataclass(frozen=True, slots=True)
class Unled:
    """Pieces without the comma that they may begin with."""

    pieces: Sequence["Piece"]


Piece: TypeAlias = str | pl.Expr | Maybe | Conditional | Unled


@dataclass(frozen=True, slots=True)
class Text:
    """A text made of pieces, for each row of a table.

    Args:
        pieces: in order.
        made: its expression, by the optional columns that have a value in each row.
    """

    pieces: Sequence[Piece]
    made: dict[frozenset[str], pl.Expr] = field(default_factory=dict[frozenset[str], pl.Expr])

    def over(self, frame: pl.DataFrame) -> pl.Expr:
        """Return the expression of the text for the rows of ``frame``."""
        names = set(_optional_columns(self.pieces))
        full = frozenset(name for name in names if not frame[name].null_count())
        text = self.made.get(full)
        if text is None:
            if len(self.made) >= MOST_TEXTS:
                self.made.clear()
            text = self.made[full] = text_of(self.pieces, full)
        return text


def _optional_columns(pieces: Sequence[Piece]) -> Iterator[str]:
    """Yield the names of the columns that decide which texts there are."""
    for piece in pieces:
        if isinstance(piece, Maybe):
            yield piece.column
        if isinstance(piece, Maybe | Conditional | Unled):
            yield from _optional_columns(piece.pieces)


def text_of(pieces: Sequence[Piece], full: Collection[str]) -> pl.Expr:
    """Return the expression of pieces put together.

    Args:
        pieces: in order.
        full: names of columns that have a value in every row of the block.
    """
    parts = [pl.lit(part) if isinstance(part, str) else part for part in _flat(pieces, full)]
    return pl.concat_str(parts) if parts else pl.lit("")


def _flat(pieces: Sequence[Piece], full: Collection[str]) -> list[str | pl.Expr]:
    """Return texts and expressions; neighbouring texts become one."""
    found: list[str | pl.Expr] = []
    for piece in pieces:
        for part in _parts(piece, full):
            if isinstance(part, str) and found and isinstance(found[-1], str):
                found[-1] += part
            elif not isinstance(part, str) or part:
                found.append(part)
    return found


def _parts(piece: Piece, full: Collection[str]) -> Sequence[str | pl.Expr]:
    match piece:
        case Maybe() if piece.column in full:
            return _flat(piece.pieces, full)
        case Maybe():
            there = pl.when(pl.col(piece.column).is_not_null())
            return [there.then(text_of(piece.pieces, full)).otherwise(pl.lit(piece.other))]
        case Conditional():
            text = text_of(piece.pieces, full)
            return [pl.when(piece.test).then(text).otherwise(pl.lit(""))]
        case Unled():
            parts = _flat(piece.pieces, full)
            if parts and isinstance(parts[0], str):
                return [parts[0].removeprefix(","), *parts[1:]]
            return [text_of(piece.pieces, full).str.strip_prefix(",")]
        case _:
            return [piece]
