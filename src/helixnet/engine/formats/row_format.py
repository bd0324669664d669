"""What rows of a file need to be read: where they end, and how they are cut into cells.

CSV (:class:`~helixnet.engine.formats.csv.dialect.Dialect`) and fixed-width lines
(:class:`~helixnet.engine.formats.fixed.lines.FixedLines`) are two ways to write the same thing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Cut(NamedTuple):
    """One record cut into cells.

    Args:
        cells: the texts.
        places: where each begins in the record's text.
        code: ``HX-1001``, ``HX-1003``, ``HX-1004``, ``HX-1009`` or nothing.
        wrong: the cell that the code is about, -1 for none.
    """

    cells: list[str]
    places: list[int]
    code: str
    wrong: int


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a row can't be used, where that is not seen from the row alone."""

    code: str
    message: str
    field: str = ""


@dataclass(slots=True)
class Rows:
    """The cells of consecutive records.

    Args:
        cells: one list a record; undecodable bytes are lone surrogates U+DC80..U+DCFF.
        codes: what is wrong with a record, by its index: HX-1001, HX-1003, HX-1004, HX-1009.
    """

    cells: list[list[str]] = field(default_factory=list[list[str]])
    codes: dict[int, str] = field(default_factory=dict[int, str])


class RowFormat(Protocol):
    """Where the rows of a file end, in scanned bytes."""

    @property
    def newline(self) -> str:
        r"""``\n`` (which takes a CR before it along) or ``\r``; empty where no line ends."""
        ...

    @property
    def encoding(self) -> str:
        """Codec of the scanned bytes."""
        ...

    @property
    def end(self) -> bytes:
        """The byte that ends a line."""
        ...

    def spans(self, data: bytes, *, final: bool = True) -> Iterator[tuple[int, int]]:
        """Yield start and end of each record of ``data``, blank lines left out."""
        ...

    def all_spans(self, data: bytes) -> list[tuple[int, int]]:
        """Return what :meth:`spans` yields for whole records."""
        ...

    def whole(self, data: bytes) -> int:
        """Return where the last finished record (or blank line) of ``data`` ends."""
        ...

    def flat_whole(self, data: bytes) -> int:
        """Return what :meth:`whole` does where each record before it is one line, else -1."""
        ...

    def tidy_whole(self, data: bytes) -> int:
        """Return what :meth:`flat_whole` does if each quote is where quotes belong, else -1."""
        ...

    def counts(self, data: bytes, *, flat: bool = False) -> tuple[int, int]:
        """Count records and line ends in ``data``, which ends with a record or with the file.

        Args:
            data: begins with a record.
            flat: no record spans lines.
        """
        ...

    def first_end(self, data: bytes, least: int) -> int:
        """Return the first end of a record in ``data`` that is not before ``least``."""
        ...

    def last_start(self, data: bytes, count: int) -> int:
        """Return where the last ``count`` records of ``data`` begin; 0 when it has no more."""
        ...

    def ends(self, data: bytes, start: int = 0, stop: int | None = None) -> int:
        """Count the physical lines that end between two places, the first of which begins one."""
        ...

    def complete(self, data: bytes) -> bool:
        """Tell whether what would follow ``data`` begins a line of its own."""
        ...

    def runs_on(self, data: bytes) -> bool:
        """Tell whether ``data`` ends inside a cell that takes line ends too."""
        ...

    def place(self, text: str, number: int) -> int | None:
        """Return where cell ``number`` of a record's text begins; None if it has no such cell."""
        ...

    def rows(self, data: bytes, *, cuts: int = -1) -> Rows:
        """Return the rows of ``data``, which holds whole records, blank lines left out.

        Args:
            data: scanned bytes.
            cuts: how many cells, if not all, have to be cut off each row.
        """
        ...

    def cells(self, text: str) -> Cut:
        """Cut one record's text into cells."""
        ...
