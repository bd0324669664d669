"""What is done with the tables of a block, one step after the other.

There is a table with a row a record. Where records are groups, a second one has a row a line, in
the order of the file, with the number of its group.
"""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import polars as pl

from helixnet.engine.columns.pieces import Text

RECORDS, LINES = "records", "lines"
GROUP: Final = "group"
FEW: Final = 4  # rows that share a value, on average, from which on making it once is quicker

Frames: TypeAlias = dict[str, pl.DataFrame]


def frames_of(frame: pl.DataFrame, by: Sequence[str]) -> Frames:
    """Return the tables of a block.

    Args:
        frame: its cells.
        by: columns whose neighbouring equals make a group; none where each line is a record.
    """
    if not by:
        return {RECORDS: frame}
    keys = [pl.col(name).ne_missing(pl.col(name).shift(1)) for name in by]
    begins = pl.any_horizontal(pl.int_range(pl.len()) == 0, *keys)
    number = (begins.cast(pl.UInt32).cum_sum() - 1).set_sorted()
    lines = frame.with_columns(number.alias(GROUP))
    return {LINES: lines, RECORDS: frame.filter(begins)}


@dataclass(frozen=True, slots=True)
class EachRow:
    """Columns made for each row of a table."""

    frame: str
    made: Sequence[pl.Expr]

    def over(self, frames: Frames) -> None:
        """Add them."""
        frames[self.frame] = frames[self.frame].with_columns(self.made)


@dataclass(frozen=True, slots=True)
class EachValue:
    """Columns made for each value of one column, where a block has few: days, units.

    Args:
        frame: the table.
        of: name of that column.
        made: columns made one after the other.
    """

    frame: str
    of: str
    made: Sequence[pl.Expr]

    def over(self, frames: Frames) -> None:
        """Add them."""
        frame = frames[self.frame]
        values = frame.select(pl.col(self.of).unique())
        if values.height * FEW > frame.height:
            frames[self.frame] = self._made(frame)
            return
        frames[self.frame] = frame.join(
            self._made(values), on=self.of, how="left", nulls_equal=True, maintain_order="left"
        )

    def _made(self, frame: pl.DataFrame) -> pl.DataFrame:
        for column in self.made:
            frame = frame.with_columns(column)
        return frame


@dataclass(frozen=True, slots=True)
class Brought:
    """Columns of the records given to each of their lines."""

    names: Sequence[str]

    @staticmethod
    def name(name: str) -> str:
        """Return what a record's column is called among the lines."""
        return f"record's {name}"

    def over(self, frames: Frames) -> None:
        """Add them."""
        lines, records = frames[LINES], frames[RECORDS]
        group = lines[GROUP]
        frames[LINES] = lines.with_columns(
            records[name].gather(group).alias(self.name(name)) for name in self.names
        )


@dataclass(frozen=True, slots=True)
class Gathered:
    """Columns of the records that are made of their lines."""

    made: Sequence[pl.Expr]

    def over(self, frames: Frames) -> None:
        """Add them."""
        found = frames[LINES].group_by(GROUP, maintain_order=True).agg(self.made)
        frames[RECORDS] = frames[RECORDS].hstack(found.drop(GROUP))


@dataclass(frozen=True, slots=True)
class Items:
    """The JSON texts of a record's lines, with commas between them.

    Args:
        name: of the column made; with `` lost`` behind it, the one that tells that some text
            could not be made.
        text: of a line.
        kept: name of the column that tells which lines have one; None = all.
    """

    name: str
    text: Text
    kept: str | None

    @property
    def lost(self) -> str:
        """The column that tells that some text could not be made."""
        return f"{self.name} lost"

    def over(self, frames: Frames) -> None:
        """Add them."""
        lines = frames[LINES]
        text, lost = self.text.over(lines), pl.col(self.name).is_null()
        if self.kept is not None:
            text, lost = pl.when(pl.col(self.kept)).then(text), lost & pl.col(self.kept)
        texts = lines.with_columns(text.alias(self.name))
        found = texts.group_by(GROUP, maintain_order=True).agg(
            self.name, lost.any().alias(self.lost)
        )
        frames[RECORDS] = frames[RECORDS].hstack(
            found.select(pl.col(self.name).list.join(",", ignore_nulls=True), self.lost)
        )


Step: TypeAlias = EachRow | EachValue | Brought | Gathered | Items


def together(steps: Sequence[Step]) -> list[Step]:
    """Return the same steps with neighbours that do not read each other in one."""
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        if isinstance(last, EachRow) and isinstance(step, EachRow) and last.frame == step.frame:
            known = {column.meta.output_name() for column in last.made}
            if not any(known.intersection(each.meta.root_names()) for each in step.made):
                found[-1] = EachRow(step.frame, [*last.made, *step.made])
                continue
        if isinstance(last, Gathered) and isinstance(step, Gathered):
            found[-1] = Gathered([*last.made, *step.made])
            continue
        if isinstance(last, Brought) and isinstance(step, Brought):
            found[-1] = Brought([*dict.fromkeys((*last.names, *step.names))])
            continue
        found.append(step)
    return found
