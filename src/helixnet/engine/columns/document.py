"""The map's slots to one expression of JSON text a row."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from helixnet.engine.columns.accept import accepted, limit_of
from helixnet.engine.columns.compiling import Compiling
from helixnet.engine.columns.expressions import condition_of, value_of
from helixnet.engine.columns.pieces import Conditional, Maybe, Piece, Text, Unled
from helixnet.engine.columns.steps import EachRow, Items
from helixnet.engine.columns.totals import total_of
from helixnet.engine.columns.value import NotColumnarError, Value, as_text
from helixnet.engine.context.model import Const, EachNode, Leaf, ObjectNode, WhenNode
from helixnet.engine.mapping.constants import Constants
from helixnet.engine.mapping.emit.slots import const_accepted
from helixnet.engine.mapping.filled import filled
from helixnet.engine.mapping.ir import INTEGER, Node, Op, Type
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.presence import always, required
from helixnet.engine.mapping.slots import Region, Slot
from helixnet.engine.mapping.targets import allows_null, wanted_types, written_type
from helixnet.engine.output import json_text
from helixnet.engine.validation.accept import accept_expression

QUOTES: Final = 1  # of what a block holds: quotes to escape; more: backslashes, controls
CONTROLS: Final = "[\\x00-\\x1f]"


@dataclass(slots=True)
class Writing:
    """Writes the slots of one map.

    Args:
        state: of compiling.
        escapes: what texts of the block may need, as :class:`~helixnet.engine.columns.cells.Cells`
            has it.
        affixes: what stands before and after each slot's text.
        pieces: of the slots written so far, with key and commas.
        inside: conditions of the `when` around, under which alone anything is asked.
        kept: of the lines of a group, those that are items: nothing is asked of others.
    """

    state: Compiling
    escapes: int
    affixes: dict[int, tuple[str, str]]
    pieces: dict[int, list[Piece]] = field(default_factory=dict[int, list[Piece]])
    inside: list[pl.Expr] = field(default_factory=list[pl.Expr])
    kept: pl.Expr | None = None

    def region(self, region: Region | None) -> None:
        """Write the slots of a region in the order in which they can be computed."""
        for slot in filled(region).order:
            self.slot(slot)

    def slot(self, slot: Slot) -> None:
        """Write one slot.

        Raises:
            NotColumnarError: with the slot's line.
        """
        try:
            self._slot(slot)
        except NotColumnarError as error:
            raise error if error.line else NotColumnarError(str(error), slot.mark.line) from error

    def _slot(self, slot: Slot) -> None:
        match slot.node:
            case Leaf():
                self._leaf(slot)
            case Const():
                self._const(slot, slot.node)
            case ObjectNode():
                self._object(slot)
            case WhenNode():
                self._when(slot)
            case EachNode():
                self._each(slot)
            case _:
                raise NotColumnarError("lists")

    def ask_unless(self, condition: pl.Expr) -> None:
        """Ask for rows where this is false, inside the conditions around."""
        for around in self.inside if self.kept is None else (self.kept, *self.inside):
            condition = ~around | condition
        self.state.ask_unless(condition)

    def dressed(self, slot: Slot, pieces: Sequence[Piece]) -> list[Piece]:
        """Return a slot's text with its key and commas."""
        before, after = self.affixes.get(slot.number, ("", ""))
        return [before, *pieces, after]

    def _const(self, slot: Slot, node: Const) -> None:
        if slot.need.any:
            raise NotColumnarError("a constant that `out.` reads")
        if not always(slot):
            if required(slot):
                raise NotColumnarError("a required constant that is left out")
            self.pieces[slot.number] = []
            return
        if slot.view is not None and not const_accepted(slot, node):
            raise NotColumnarError("a constant that the validator must judge")
        self.pieces[slot.number] = self.dressed(slot, [json_text(node.value)])

    def _object(self, slot: Slot) -> None:
        if slot.view is not None:
            test = accept_expression(slot.view, Kind.OBJECT, "t", Constants())
            if test is None:
                raise NotColumnarError("a schema that the validator must judge")
        inner = [piece for child in slot.members.values() for piece in self.pieces[child.number]]
        if slot.members and not any(always(child) for child in slot.members.values()):
            inner = [Unled(inner)]
        self.pieces[slot.number] = self.dressed(slot, ["{", *inner, "}"])

    def _when(self, slot: Slot) -> None:
        test = condition_of(self.state, filled(slot.root))
        self.inside.append(test)
        self.region(slot.inner)
        self.inside.pop()
        if required(slot):
            self.ask_unless(test)
        self.pieces[slot.number] = [Conditional(test, self.pieces[slot.body.number])]

    def _each(self, slot: Slot) -> None:
        """Write the items that are lines of a group."""
        lines, root = self.state.lines, filled(slot.root)
        if lines is None or root.op is not Op.BINDING or self.inside:
            raise NotColumnarError("lists")
        if slot.when is not None or slot.spliced or not isinstance(slot.body.node, ObjectNode):
            raise NotColumnarError("a list that is more than an object for each line")
        kept = None
        if slot.where is not None:
            kept = f"kept {slot.number}"
            lines.steps.append(EachRow(lines.frame, [condition_of(lines, slot.where).alias(kept)]))
        self.state.kept[slot.number] = kept
        only = None if kept is None else pl.col(kept)
        items = Writing(lines, self.escapes, self.affixes, kept=only)
        items.region(slot.inner)
        made = Items(f"items {slot.number}", Text(items.pieces[slot.body.number]), kept)
        self.state.steps.append(made)
        self.state.ask_unless(~pl.col(made.lost))
        self._limits(slot)
        self.pieces[slot.number] = self.dressed(slot, ["[", pl.col(made.name), "]"])

    def _limits(self, slot: Slot) -> None:
        """Ask for records whose list is shorter or longer than the schema allows."""
        if slot.view is None:
            return
        test = accept_expression(slot.view, Kind.LIST, "t", Constants())
        if test is None:
            raise NotColumnarError("a schema that the validator must judge")
        if "len(" not in test:
            return
        listed = Node(Op.OUT, data=slot, type=slot.type)
        count = total_of(self.state, "length", Node(Op.FILTER, (listed,), type=INTEGER)).expr
        for part in slot.view.parts:
            for keyword, method in (("minItems", "ge"), ("maxItems", "le")):
                limit = limit_of(part, keyword)
                if limit is not None:
                    self.state.ask_unless(getattr(count, method)(int(limit)))

    def _leaf(self, slot: Slot) -> None:
        root = filled(slot.root)
        value = _converted(slot, root, value_of(self.state, root))
        if value.null and value.absent and (slot.item or allows_null(slot.view)):
            raise NotColumnarError("a value that may be null or absent where null is written")
        if value.kind is Kind.NULL:
            self._nothing(slot, value)
            return
        if slot.need.any and self.inside:
            raise NotColumnarError("a value inside a `when` that `out.` reads")
        value = self._checked(slot, self.state.keep_slot(slot, value))
        text = self._text(value)
        if value.sure:
            self.pieces[slot.number] = self.dressed(slot, text)
            return
        column = value.expr.meta.output_name()
        null = value.null and (slot.item or allows_null(slot.view))
        if null and always(slot):
            self.pieces[slot.number] = self.dressed(slot, [Maybe(column, text, "null")])
            return
        if required(slot):
            self.ask_unless(value.expr.is_not_null())
        if always(slot):  # the type knew it to be there
            raise NotColumnarError("a value that is there by its type and may be null here")
        before, after = self.affixes.get(slot.number, ("", ""))
        other = f"{before}null{after}" if null else ""
        self.pieces[slot.number] = [Maybe(column, [before, *text, after], other)]

    def _nothing(self, slot: Slot, value: Value) -> None:
        if slot.need.any or (slot.item and value.null):
            raise NotColumnarError("null in a list, or null that `out.` reads")
        if value.null and allows_null(slot.view):
            self.pieces[slot.number] = self.dressed(slot, ["null"])
            return
        if required(slot):
            raise NotColumnarError("a required value that is never there")
        self.pieces[slot.number] = []

    def _checked(self, slot: Slot, value: Value) -> Value:
        if slot.view is None:
            return value
        conditions, clean = accepted(slot.view, value)
        for condition in conditions:
            self.ask_unless(condition)
        return value.like(value.expr, clean=value.clean or clean)

    def _text(self, value: Value) -> list[Piece]:
        """Return the JSON text of a value that is there."""
        match value.kind:
            case Kind.TEXT:
                return ['"', self._escaped(value), '"']
            case Kind.BOOLEAN:
                return [pl.when(value.expr).then(pl.lit("true")).otherwise(pl.lit("false"))]
            case Kind.DATE:
                return ['"', as_text(value).expr, '"']
            case _:
                return [as_text(value).expr]

    def _escaped(self, value: Value) -> pl.Expr:
        if value.clean or not self.escapes:
            return value.expr
        expr = value.expr
        if self.escapes > QUOTES:
            self.ask_unless(~expr.str.contains(CONTROLS))
            expr = expr.str.replace_all("\\", "\\\\", literal=True)
        return expr.str.replace_all('"', '\\"', literal=True)


def _converted(slot: Slot, root: Node, value: Value) -> Value:
    """Return a leaf's value as the schema wants it."""
    if root.type.kind is Kind.ANY:
        types = wanted_types(slot.view)
        if types is not None and (value.kind is not Kind.TEXT or "string" not in types):
            raise NotColumnarError("a value whose type is known only row by row")
    if value.kind is Kind.NULL:
        return value
    of = Type(value.kind, value.null, value.absent, scale=value.scale)
    written = written_type(of, slot.view)
    if written is None or written.kind is value.kind:
        return value
    if written.kind is Kind.TEXT:
        return as_text(value)
    raise NotColumnarError(f"a {value.kind} that becomes a {written.kind}")
