"""The state of compiling one context to columns."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import polars as pl

from helixnet.engine.columns.value import Value, as_text
from helixnet.engine.context.model import Lookup
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.slots import Slot

FEW: Final = 4  # rows that share a value, on average, from which on making it once is quicker


@dataclass(frozen=True, slots=True)
class EachRow:
    """Columns made for each row."""

    made: Sequence[pl.Expr]

    def over(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add them."""
        return frame.with_columns(self.made)


@dataclass(frozen=True, slots=True)
class EachValue:
    """Columns made for each value of one column, where a block has few: days, units.

    Args:
        of: name of that column.
        made: columns made one after the other.
    """

    of: str
    made: Sequence[pl.Expr]

    def over(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add them."""
        values = frame.select(pl.col(self.of).unique())
        if values.height * FEW > frame.height:
            return self._made(frame)
        return frame.join(
            self._made(values), on=self.of, how="left", nulls_equal=True, maintain_order="left"
        )

    def _made(self, frame: pl.DataFrame) -> pl.DataFrame:
        for column in self.made:
            frame = frame.with_columns(column)
        return frame


Step: TypeAlias = EachRow | EachValue


def gathered(steps: Sequence[Step]) -> list[Step]:
    """Return the same steps with neighbours that do not read each other in one."""
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        if isinstance(last, EachRow) and isinstance(step, EachRow):
            known = {column.meta.output_name() for column in last.made}
            if not any(known.intersection(each.meta.root_names()) for each in step.made):
                found[-1] = EachRow([*last.made, *step.made])
                continue
        found.append(step)
    return found


@dataclass(slots=True)
class Compiling:
    """What is known while the expressions of one map are written.

    Args:
        inputs: values from outside.
        lookups: tables by name.
        file: name of the file, as ``_file`` gives it.
        fields: columns of the file that are read, by name.
        vars: those compiled so far.
        slots: values of leaves compiled so far, by number, as the document has them.
        steps: columns made one after the other; later ones read earlier ones.
        holds: what must hold, or the row is asked for; null is no objection.
    """

    inputs: Mapping[str, object]
    lookups: Mapping[str, Lookup]
    file: str
    fields: dict[str, Value] = field(default_factory=dict[str, Value])
    vars: dict[str, Value] = field(default_factory=dict[str, Value])
    slots: dict[int, Value] = field(default_factory=dict[int, Value])
    steps: list[Step] = field(default_factory=list[Step])
    holds: list[pl.Expr] = field(default_factory=list[pl.Expr])

    def keep(self, name: str, value: Value) -> Value:
        """Compute a value once, as a column of its own."""
        self.steps.append(EachRow([value.expr.alias(name)]))
        return value.like(pl.col(name))

    def keep_each_value(self, name: str, value: Value, of: str) -> Value:
        """Compute a date, which depends on the column ``of`` alone, and its text once a value."""
        made = value.like(pl.col(name))
        text = f"{name} text"
        steps = [value.expr.alias(name), as_text(made).expr.alias(text)]
        self.steps.append(EachValue(of, steps))
        return replace(made, text=pl.col(text))

    def ask_unless(self, condition: pl.Expr) -> None:
        """Ask for rows where this is false; null counts as true."""
        self.holds.append(condition)

    def asked(self) -> pl.Expr:
        """Return where rows are asked for."""
        if not self.holds:
            return pl.lit(value=False)
        return ~pl.all_horizontal(self.holds).fill_null(value=True)

    def keep_slot(self, slot: Slot, value: Value) -> Value:
        """Compute a leaf's value once, and note it as the document has it."""
        if slot.need.any or not is_column(value.expr):
            value = self.keep(f"slot {slot.number}", value)
        self.slots[slot.number] = as_text(value) if value.kind is Kind.DATE else value
        return value


def is_column(expr: pl.Expr) -> bool:
    """Tell whether an expression only names a column."""
    return expr.meta.is_column()
