"""``source.fill_down``: a value that stands only on the first of several rows is repeated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from helixnet.engine.formats.row_format import Rows
from helixnet.engine.outcome import SourcePosition

NOTHING: Final = "HX-1010"


class Above(NamedTuple):
    """The last value of a column.

    Args:
        value: None before the first.
        row: which row of the block it stands on; -1 for a row of a block before.
        sound: its row can be used; what is below one that can't is not sure to belong to it.
    """

    value: str | None = None
    row: int = -1
    sound: bool = True


@dataclass(frozen=True, slots=True)
class Filled:
    """Where the values of filled columns stand.

    Args:
        rows: by column, for each row of a block what it has or repeats.
        before: by column, where the value of a block before stands.
    """

    rows: Mapping[int, Sequence[Above]]
    before: Mapping[int, SourcePosition]


@dataclass(slots=True)
class Filler:
    """Fills blank cells of consecutive blocks of rows from above.

    Args:
        columns: numbers of the columns.
        width: cells of a whole row; None while that does not matter.
        above: by column, what is repeated next.
        places: by column, where that stands in the file, if in a block before.
    """

    columns: Sequence[int]
    width: int | None = None
    above: dict[int, Above] = field(default_factory=dict[int, Above])
    places: dict[int, SourcePosition] = field(default_factory=dict[int, SourcePosition])

    def fill(self, rows: Rows) -> Filled:
        """Fill the blank cells of ``rows``; a row with nothing sure above it gets HX-1010."""
        found = {column: self._column(rows, column) for column in self.columns}
        return Filled(found, dict(self.places))

    def _column(self, rows: Rows, column: int) -> list[Above]:
        above = self.above.get(column, Above())._replace(row=-1)
        found: list[Above] = []
        for number, cells in enumerate(rows.cells):
            if column < len(cells):
                if cells[column]:
                    sound = number not in rows.codes and self.width in (None, len(cells))
                    above = Above(cells[column], number, sound)
                elif above.value is not None:
                    cells[column] = above.value
                if above.value is None or not (above.sound or above.row == number):
                    rows.codes.setdefault(number, NOTHING)
            found.append(above)
        self.above[column] = above
        return found

    def rewind(self, filled: Filled, rows: int, before: Mapping[int, Above]) -> None:
        """Forget all but the first ``rows`` rows of a block; ``before`` is what was above it."""
        for column, found in filled.rows.items():
            self.above[column] = (
                found[rows - 1] if rows else before.get(column, Above())._replace(row=-1)
            )


def full(cells: Sequence[str], columns: Sequence[int]) -> bool:
    """Tell whether a row has a value of its own in each of ``columns``."""
    return all(column < len(cells) and cells[column] for column in columns)
