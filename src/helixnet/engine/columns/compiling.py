"""The state of compiling one context to columns."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import polars as pl

from helixnet.engine.columns.steps import RECORDS, Brought, EachRow, EachValue, Step
from helixnet.engine.columns.value import MOST_DIGITS, NotColumnarError, Value, as_text
from helixnet.engine.context.model import Lookup
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.scope import Role
from helixnet.engine.mapping.slots import Slot


@dataclass(frozen=True, slots=True)
class Outside:
    """What a map reads besides its records.

    Args:
        inputs: values from outside.
        lookups: tables by name.
        file: name of the file, as ``_file`` gives it.
    """

    inputs: Mapping[str, object]
    lookups: Mapping[str, Lookup]
    file: str


@dataclass(slots=True)
class Compiling:
    """What is known while the expressions of one map are written.

    Args:
        outside: what is read besides the records.
        read: makes the value of a column of the file, by its name.
        role: whose rows are read: the record's, a group's first one, or those of its lines.
        frame: the table that the expressions are about.
        steps: columns made one after the other, in all tables; later ones read earlier ones.
        outer: of the record, where this is about its lines.
        fields: columns of the file that are read, by name.
        vars: those compiled so far.
        slots: values of leaves compiled so far, by number, as the document has them.
        holds: what must hold, or the record is asked for; null is no objection.
        lines: of the lines, where the records are groups.
        kept: columns that tell which lines are items of an `each`, by its slot; None = all.
    """

    outside: Outside
    read: "Callable[[Compiling, str], Value]"
    role: Role = Role.RECORD
    frame: str = RECORDS
    steps: list[Step] = field(default_factory=list[Step])
    outer: "Compiling | None" = None
    fields: dict[str, Value] = field(default_factory=dict[str, Value])
    vars: dict[str, Value] = field(default_factory=dict[str, Value])
    slots: dict[int, Value] = field(default_factory=dict[int, Value])
    holds: list[pl.Expr] = field(default_factory=list[pl.Expr])
    lines: "Compiling | None" = None
    kept: dict[int, str | None] = field(default_factory=dict[int, str | None])

    def field(self, name: str) -> Value:
        """Return the value of a column of the file, which is converted once."""
        known = self.fields.get(name)
        if known is None:
            known = self.fields[name] = self.read(self, name)
        return known

    def keep(self, name: str, value: Value) -> Value:
        """Compute a value once, as a column of its own."""
        self.steps.append(EachRow(self.frame, [value.expr.alias(name)]))
        return value.like(pl.col(name))

    def keep_each_value(self, name: str, value: Value, of: str) -> Value:
        """Compute a date, which depends on the column ``of`` alone, and its text once a value."""
        made = value.like(pl.col(name))
        text = f"{name} text"
        columns = [value.expr.alias(name), as_text(made).expr.alias(text)]
        self.steps.append(EachValue(self.frame, of, columns))
        return replace(made, text=pl.col(text))

    def brought(self, value: Value) -> Value:
        """Return a value of the record around as one of each of its lines."""
        if self.outer is not None and not is_column(value.expr):
            value = self.outer.keep(f"value {len(self.steps)}", value)
        name = value.expr.meta.output_name()
        self.steps.append(Brought([name]))
        return value.like(pl.col(Brought.name(name)))

    def ask_unless(self, condition: pl.Expr) -> None:
        """Ask for records where this is false; null counts as true."""
        self.holds.append(condition)

    def limited(self, value: Value, digits: int) -> Value:
        """Return a number of at most so many digits; of larger ones rows are asked for.

        Raises:
            NotColumnarError: it may have more after the point alone.
        """
        if value.digits <= digits:
            return value
        if digits <= value.scale:
            raise NotColumnarError("numbers that may have more than 38 digits")
        bound = Decimal(10) ** (digits - value.scale)
        self.ask_unless(value.expr.abs() < pl.lit(bound, dtype=pl.Decimal(MOST_DIGITS, 0)))
        return value.like(value.expr, digits=digits)

    def asked(self) -> pl.Expr:
        """Return where records are asked for."""
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
