"""Maps blocks of a CSV file by columns; asks the rows executor wherever columns are not sure."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

os.putenv("POLARS_MAX_THREADS", "1")  # processes are what runs side by side
import polars as pl

from helixnet.engine.columns.cells import MOST_ESCAPES, Cells, cells_of
from helixnet.engine.columns.compiling import Compiling, Outside
from helixnet.engine.columns.document import Writing
from helixnet.engine.columns.expressions import NUMBER, condition_of, value_of
from helixnet.engine.columns.fields import field_value
from helixnet.engine.columns.pieces import Text
from helixnet.engine.columns.steps import (
    LINES,
    RECORDS,
    Brought,
    EachRow,
    Gathered,
    Step,
    frames_of,
    together,
)
from helixnet.engine.columns.value import NotColumnarError, Value, is_clean
from helixnet.engine.context.model import Const, Field, Leaf, Mark
from helixnet.engine.formats.csv.dialect import Dialect
from helixnet.engine.formats.csv.read import CsvBatch
from helixnet.engine.mapping.filled import filled
from helixnet.engine.mapping.ir import Op
from helixnet.engine.mapping.mapper import RowMapper, counted
from helixnet.engine.mapping.presence import affixes_of
from helixnet.engine.mapping.program import Program, columns_named
from helixnet.engine.mapping.reads import walk
from helixnet.engine.mapping.scope import Role
from helixnet.engine.outcome import Mapped, Reject
from helixnet.engine.source import Batch

BLOCK: Final = 1 << 20  # bytes read at a time: what is made of them is ten times as large
TOGETHER: Final = 4096  # documents written at a time
ASK, SKIP, TEXT = "ask", "skip", "text"


@dataclass(frozen=True, slots=True)
class Columns:
    """One map over the columns of a file.

    Args:
        by: columns whose neighbouring equals are one record; none where each line is one.
        steps: columns to make one after the other; among them ASK, where records are asked for.
        text: the document, with its line end.
        skip: the condition of `skip_when`, if there is one.
    """

    by: Sequence[str]
    steps: Sequence[Step]
    text: Text
    skip: pl.Expr | None

    def over(self, frame: pl.DataFrame, first: int) -> tuple[pl.Series, pl.Series | None]:
        """Map the cells of a block whose first record has the number ``first``.

        Returns:
            the texts, null where there is none; and which records are skipped, None for none.
        """
        frames = frames_of(frame, self.by)
        number = pl.int_range(first, first + pl.len(), dtype=pl.Int64)
        frames[RECORDS] = frames[RECORDS].with_columns(number.alias(NUMBER))
        for step in self.steps:
            step.over(frames)
        records = frames[RECORDS]
        text = self.text.over(records)
        if records[ASK].any():
            text = pl.when(~pl.col(ASK)).then(text)
        if self.skip is None:
            return records.with_columns(text.alias(TEXT))[TEXT], None
        records = records.with_columns((self.skip & ~pl.col(ASK)).alias(SKIP))
        text = pl.when(~pl.col(SKIP)).then(text)
        return records.with_columns(text.alias(TEXT))[TEXT], records[SKIP]


def compile_columns(program: Program, header: Sequence[str], file: str) -> dict[int, Columns]:
    """Compile a map for files with ``header``, by what the texts of a block may need escaped.

    Raises:
        NotColumnarError: with what keeps this context on rows.
    """
    context = program.context
    if context.source.format != "csv":
        raise NotColumnarError(f"the format {context.source.format}")
    for key, written in (
        ("records", context.source.records),
        ("fill_down", context.source.fill_down),
    ):
        if written:
            raise NotColumnarError(f"`source.{key}`")
    if context.joins:
        raise NotColumnarError("`joins`")
    least = 0 if all(map(is_clean, _texts(program, file))) else MOST_ESCAPES
    made = {at: _compile(program, header, file, at) for at in range(least, MOST_ESCAPES + 1)}
    return {level: made[max(level, least)] for level in range(MOST_ESCAPES + 1)}


def _texts(program: Program, file: str) -> list[str]:
    """Return every text that may come into a document from elsewhere than the file."""
    slots = program.outline.slots.values()
    roots = [node for slot in slots for node in (slot.root, slot.when, slot.where)]
    roots += [program.skip_when, *(that for that, _ in program.checks)]
    found = [file, *(str(value) for value in program.inputs.values())]
    for table in program.context.lookups.values():
        missing = table.missing.value if isinstance(table.missing, Const) else ""
        found += [str(value) for value in (*table.rows.values(), missing)]
    nodes = (node for root in roots if root is not None for node in walk(root))
    return found + [n.data for n in nodes if n.op is Op.CONST and isinstance(n.data, str)]


def _compile(program: Program, header: Sequence[str], file: str, escapes: int) -> Columns:
    context = program.context
    cells = _Cells(header)
    state = _state(program, cells, file)
    names = {id(slot): name for name, slot in program.outline.var_slots.items()}
    for slot in (*program.early_vars, *program.late_vars):
        name = names[id(slot)]
        if not isinstance(slot.node, Leaf):
            raise NotColumnarError(f"the var `{name}`, which is no single value")
        state.vars[name] = state.keep(f"var {name}", value_of(state, filled(slot.root)))
    writing = Writing(state, escapes, affixes_of(program.outline.slots.values()))
    root = filled(program.outline.root)
    if root.outputs:
        raise NotColumnarError("`outputs`")
    if root.documents:
        raise NotColumnarError("several documents a record")
    writing.region(root.region)
    for that, _ in program.checks:
        state.ask_unless(condition_of(state, that))
    skip = None if program.skip_when is None else condition_of(state, program.skip_when)
    if state.lines is not None:
        asked = state.lines.asked().alias(ASK)
        state.steps += [EachRow(LINES, [asked]), Gathered([pl.col(ASK).any().alias(LINES)])]
        state.ask_unless(~pl.col(LINES))
    state.steps.append(EachRow(RECORDS, [state.asked().alias(ASK)]))
    by = [cells.of(name) for name in context.group.by] if context.group else []
    return Columns(by, together(state.steps), Text([*writing.pieces[root.number], "\n"]), skip)


class _Cells:
    """Knows the columns of cells by the names in a header."""

    def __init__(self, header: Sequence[str]) -> None:
        self._numbers = {name: number for number, name in reversed(list(enumerate(header)))}

    def of(self, name: str) -> str:
        if name not in self._numbers:
            raise NotColumnarError(f"the file has no column {name}")
        return f"c{self._numbers[name]}"


def _state(program: Program, cells: _Cells, file: str) -> Compiling:
    """Return the state in which compiling begins: what is asked of each line whatever is read."""
    context = program.context
    source, group = context.source, context.group
    declared = source.fields or {}

    def read(state: Compiling, name: str) -> Value:
        cell = cells.of(name)
        known = declared.get(name) or Field(name, Mark("", 0, 0))
        return field_value(state, known, source, cell)

    state = Compiling(Outside(program.inputs, context.lookups, file), read, program.here.role)
    if group is not None and group.keyed:
        raise NotColumnarError("`order: keyed`")
    if group is not None:
        state.lines = Compiling(
            state.outside, read, Role.ITEM, LINES, steps=state.steps, outer=state
        )
    each = state.lines or state
    for name in (known.name for known in declared.values() if known.required):
        each.field(name)
    for name in group.same if group else ():
        cell = cells.of(name)
        state.steps.append(Brought([cell]))
        each.ask_unless(pl.col(cell).eq_missing(pl.col(Brought.name(cell))))
    return state


def why_rows(program: Program) -> str:
    """Return what keeps a context from columns; empty when nothing does."""
    declared = program.context.source.fields or {}
    try:
        compile_columns(program, [*declared, *sorted(columns_named(program) - set(declared))], "")
    except NotColumnarError as error:
        return str(error)
    return ""


def column_mapper(
    program: Program, rows: RowMapper, header: Sequence[str], file: str
) -> "ColumnMapper | None":
    """Return the columns executor for files with ``header``; None where rows must do it."""
    try:
        columns = compile_columns(program, header, file)
    except NotColumnarError:
        return None
    return ColumnMapper(rows, columns, len(header))


@dataclass(frozen=True, slots=True)
class ColumnMapper:
    """The columns executor for files of one header.

    Args:
        rows: asked for what columns are not sure of.
        columns: by what a block's texts may need escaped.
        width: how many columns the files have.
        tally: counts of blocks that ran by columns, and of rows that were asked for.
    """

    rows: RowMapper
    columns: Mapping[int, Columns]
    width: int
    block: int = BLOCK
    tally: dict[str, int] = field(default_factory=lambda: {"blocks": 0, "left": 0, "asked": 0})

    def map(self, batch: Batch, first_record: int) -> Mapped:
        """Map a batch; see :class:`~helixnet.engine.mapping.mapper.Mapper`."""
        made = self._columns(batch, first_record)
        if made is None:
            self.tally["left"] += 1
            return self.rows.map(batch, first_record)
        self.tally["blocks"] += 1
        cells, texts, skips = made
        skipped = 0 if skips is None else int(skips.sum())
        used = texts.len() - texts.null_count()
        if used + skipped < texts.len():
            doubtful = texts.is_null() if skips is None else texts.is_null() & ~skips
            asked = doubtful.arg_true().to_list()
            return self._with_asked(batch, first_record, cells, texts, asked)
        return Mapped(lines=_lines(texts), counts=counted(used, skipped=skipped))

    def _columns(
        self, batch: Batch, first: int
    ) -> tuple[Cells, pl.Series, pl.Series | None] | None:
        if not isinstance(batch, CsvBatch) or not isinstance(batch.dialect, Dialect):
            return None
        names = [f"c{number}" for number in range(self.width)]
        cells = cells_of(batch.data, batch.dialect, names, tidy=batch.tidy)
        if cells is None:
            return None
        batch.lines = cells.lines
        try:
            return cells, *self.columns[cells.escapes].over(cells.frame, first)
        except pl.exceptions.PolarsError:
            return None  # nothing here may fail; if it does, rows say what is wrong

    def _with_asked(
        self, batch: Batch, first: int, cells: Cells, found: pl.Series, asked: Sequence[int]
    ) -> Mapped:
        """Put in what rows say of the records that columns are not sure of."""
        self.tally["asked"] += len(asked)
        records = self._records(batch, cells, asked)
        rejects: list[Reject] = []
        answers: dict[int, str] = {}
        for index, record in zip(asked, records, strict=True):
            answer = self.rows.ask(batch, index, record, first + index)
            if isinstance(answer, Reject):
                rejects.append(answer)
            elif answer is not None:
                text = "".join(f"{each}\n" for each in answer)
                answers[index] = text.encode(errors="backslashreplace").decode()
        texts = found.scatter([*answers], [*answers.values()]) if answers else found
        used = len(texts) - texts.null_count()
        skipped = len(texts) - used - len(rejects)
        return Mapped([], rejects, counted(used, rejects, skipped=skipped), _lines(texts))

    def _records(self, batch: Batch, cells: Cells, asked: Sequence[int]) -> list[Any]:
        """Return the records that are asked for, as rows want them."""
        if self.columns[cells.escapes].by:
            return [batch.records[index] for index in asked]
        found = cells.frame[asked].with_columns(pl.all().fill_null(""))
        return list(map(list, found.rows()))


def _lines(texts: pl.Series) -> list[bytes]:
    """Return the texts that there are, in pieces that a processor's cache holds."""
    texts = texts.drop_nulls()
    return [
        texts.slice(start, TOGETHER).str.join("").cast(pl.Binary).item()
        for start in range(0, len(texts), TOGETHER)
    ]
