r"""Bytes of whole CSV records to one column of text each, where Polars and our dialect agree.

Polars fills up rows that are too short, takes a blank line for a row, and has rules of its own for
stray quotes. A row that it filled up has nothing in its last column; where some row has not, the
block is taken only without blank lines, and if every byte is accounted for: content, delimiters,
line ends, and the quotes around and doubled inside cells. All else is left to our own tokenizer.
"""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import polars as pl

from helixnet.engine.formats.csv.dialect import Dialect

QUOTE: Final = b'"'
MOST_ESCAPES: Final = 2
_CONTROLS: Final = bytes(set(range(32)) - {10, 13})


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a block.

    Args:
        frame: a column of text for each name, null for an empty cell.
        escapes: 0 no cell needs an escape in JSON; 1 quotes; 2 also backslashes and controls.
        lines: each record is one line.
    """

    frame: pl.DataFrame
    escapes: int
    lines: bool


def cells_of(
    data: bytes, dialect: Dialect, names: Sequence[str], *, tidy: bool = False
) -> Cells | None:
    """Return the cells of ``data``, which holds whole records; None where our tokenizer must look.

    Args:
        data: scanned bytes.
        dialect: how they are written.
        names: one for each column of the file.
        tidy: as :class:`~helixnet.engine.source.SourceIndex` knows it of the file.
    """
    if len(dialect.delimiter.encode()) > 1 or dialect.newline != "\n" or dialect.delimiter == "\r":
        return None
    try:
        text = data if dialect.encoding == "utf-8" else data.decode(dialect.encoding).encode()
    except UnicodeDecodeError:
        return None
    quoted = QUOTE in text
    returns = text.count(b"\r")
    if returns and returns != text.count(b"\r\n"):
        return None
    if quoted and not tidy and not _well_quoted(text, dialect.delimiter):
        return None
    try:
        frame = pl.read_csv(
            text,
            has_header=False,
            separator=dialect.delimiter,
            quote_char='"' if quoted else None,
            schema=dict.fromkeys(names, pl.String),
            infer_schema=False,
        )
    except pl.exceptions.PolarsError:
        return None
    if quoted and b'""' in text:  # a quoted cell with nothing in it is empty
        frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
    doubtful = frame[:, -1].null_count() > 0
    if doubtful and (dialect.blank_lines(text) or not _accounted(frame, text, returns)):
        return None
    lines = tidy or frame.height == text.count(b"\n") + (not text.endswith(b"\n"))
    strange = not lines or (quoted and returns > 0)
    escapes = MOST_ESCAPES if strange else _escapes(text, dialect.delimiter, quoted=quoted)
    return Cells(frame, escapes, lines)


def _accounted(frame: pl.DataFrame, text: bytes, returns: int) -> bool:
    """Tell whether the cells and the structure around them are all that ``text`` holds."""
    ends = frame.height - (not text.endswith(b"\n"))
    quotes = text.count(QUOTE)
    size = _total(frame, pl.all().str.len_bytes())
    inside = _total(frame, pl.all().str.count_matches('"', literal=True)) if quotes else 0
    returned = _total(frame, pl.all().str.count_matches("\r", literal=True)) if returns else 0
    delimiters = frame.height * (frame.width - 1)
    return size + delimiters + ends + returns - returned + quotes - inside == len(text)


def _escapes(text: bytes, delimiter: str, *, quoted: bool) -> int:
    if b"\\" in text:
        return MOST_ESCAPES
    kept = len(text.translate(None, _CONTROLS))
    tabs = text.count(b"\t") if delimiter == "\t" and not quoted else 0
    if kept + tabs != len(text):
        return MOST_ESCAPES
    return 1 if quoted else 0


def _total(frame: pl.DataFrame, of_all: pl.Expr) -> int:
    """Sum a number over all cells."""
    row = frame.select(of_all.sum()).row(0)
    return sum(number or 0 for number in row)


@lru_cache(maxsize=64)
def _quoting(delimiter: str) -> re.Pattern[bytes]:
    mark = re.escape(delimiter.encode())
    begin = rb"(?:\A|(?<=" + mark + rb")|(?<=\n))"
    end = rb"(?=" + mark + rb"|\n|\r\n|\Z)"
    return re.compile(rb'(?:[^"]++|' + begin + rb'"[^"]*+(?:""[^"]*+)*+"' + end + rb")*+")


def _well_quoted(text: bytes, delimiter: str) -> bool:
    """Tell whether every quote opens, closes or is doubled in a quoted cell."""
    found = _quoting(delimiter).match(text)
    return found is not None and found.end() == len(text)
