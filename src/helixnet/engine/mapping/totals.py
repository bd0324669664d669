"""``totals``: sums over the records of a file, and ``file_checks`` that judge them at its end."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context as DecimalContext
from decimal import Decimal
from typing import Any, Final, Self, cast

from helixnet.engine.context.model import (
    Context,
    ContextProblem,
    EachNode,
    Leaf,
    MapNode,
    ObjectNode,
)
from helixnet.engine.mapping.emit.codegen import Generated
from helixnet.engine.mapping.ir import Node, Op, Type
from helixnet.engine.mapping.keys import document_function
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.line_shape import line_readers, read_lines
from helixnet.engine.mapping.outline import Outline
from helixnet.engine.mapping.program import Known, Program, build_program, input_types
from helixnet.engine.mapping.reads import walk
from helixnet.engine.mapping.scope import Binding, Role, Scope
from helixnet.engine.mapping.settle import Record, faults_of
from helixnet.engine.mapping.shapes import DictShape, field_kind
from helixnet.engine.source import Batch
from helixnet.engine.values.compare import is_nothing, type_name
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.numbers import is_number

_EXACT: Final = DecimalContext(prec=10_000)
_MOST_DIGITS: Final = 38
_NO_NUMBERS: Final = (Kind.TEXT, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME, Kind.OBJECT)
_LINE: Final = re.compile(r"\bl\s*[.\[]")


@dataclass(frozen=True, slots=True)
class Sums:
    """Totals of some records; those of parts add up to those of the file, in any order.

    Args:
        values: by name.
        missing: how many records could not be added.
        first: why the first of them could not, with its line.
    """

    values: Mapping[str, int | Decimal] = field(default_factory=dict[str, "int | Decimal"])
    missing: int = 0
    first: str = ""

    def __add__(self, other: Self) -> "Sums":
        """Add what follows in the file."""
        names = dict.fromkeys([*self.values, *other.values])
        values = {name: plus(self.values.get(name, 0), other.values.get(name, 0)) for name in names}
        return Sums(values, self.missing + other.missing, self.first or other.first)


def plus(one: int | Decimal, two: int | Decimal) -> int | Decimal:
    """Add exactly, to any number of digits."""
    if type(one) is int and type(two) is int:
        return one + two
    return _EXACT.add(one, two)


def totals_program(
    context: Context, known: Known, problems: list[ContextProblem]
) -> Program | None:
    """Return the program that computes what each record adds; None without totals."""
    if not context.totals:
        return None
    fields = {name: _each_line(node, context) for name, node in context.totals.items()}
    body = ObjectNode(fields, {}, context.mark)
    only = [replace(context.outputs[0], name="")]
    seen = replace(
        context, outputs=only, map=body, template=None, checks=(), skip_when=None, deliver=()
    )
    # A total is of all records, also of those that an inner join leaves out.
    left = {name: replace(join, kind="left") for name, join in context.joins.items()}
    seen = replace(seen, joins=left)
    program = build_program(seen, known, problems, document=False)
    root = program.outline.root if program is not None else None
    for name, slot in (root.members if root is not None else {}).items():
        kind = slot.root.type.kind if slot.root is not None else Kind.ANY
        if kind in _NO_NUMBERS:
            text = f"the total `{name}` adds numbers, and this is {kind.value}"
            hint = "declare the field in `source.fields`, or convert it: | decimal"
            mark = context.totals[name].mark
            problems.append(ContextProblem(mark, "HX-4106", text, hint))
    return program


def _each_line(node: MapNode, context: Context) -> MapNode:
    """Read `l.QTY` as of each line of a group."""
    group = context.group
    if group is None or not isinstance(node, Leaf) or not _LINE.search(node.text):
        return node
    if "l" in (group.header, group.lines) or "l" in context.vars:
        return node
    return EachNode(Leaf(group.lines, node.mark), "l", None, None, node, node.mark)


@dataclass(slots=True)
class Adder:
    """Adds up one part of a file.

    Args:
        generated: gives what a record adds, by name.
        names: of the totals.
    """

    generated: Generated
    names: Sequence[str]
    _values: dict[str, int | Decimal] = field(default_factory=dict[str, "int | Decimal"])
    _missing: int = 0
    _first: str = ""

    def add(self, batch: Batch, first_record: int) -> None:
        """Add the records of a batch, whatever the map makes of them."""
        one, unread = self.generated.one, batch.faults
        notes: list[Any] = []
        for index, record in enumerate(batch.records):
            if index in unread:
                self._miss(batch.line(index), unread[index][0].message)
                continue
            found: Any = one(record, first_record + index, batch, index, notes, None)
            if notes:
                faults = faults_of(Record(batch, index, record), notes, self.generated.rules)
                notes.clear()
                self._miss(batch.line(index), faults[0].message if faults else "")
                continue
            try:
                parts = [(name, _number(found.get(name))) for name in self.names]
            except ValueFault as fault:
                self._miss(batch.line(index), fault.message)
                continue
            for name, value in parts:
                self._values[name] = plus(self._values.get(name, 0), value)

    def _miss(self, line: int, why: str) -> None:
        self._missing += 1
        self._first = self._first or f"line {line}: {why}"

    def sums(self) -> Sums:
        """Return what was added."""
        return Sums(dict(self._values), self._missing, self._first)


def _number(value: Any) -> int | Decimal:
    if is_nothing(value):
        return 0
    if type(value) is list:
        total: int | Decimal = 0
        for item in cast("list[object]", value):
            total = plus(total, _number(item))
        return total
    if not is_number(value):
        text = f"a total adds numbers, and {shown(value)} is {type_name(value)}"
        raise ValueFault("HX-2001", text, value)
    return cast("int | Decimal", value)


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A check of a file as a whole.

    Args:
        judge: from the totals and the lines that stand once to what is wrong; empty if nothing is.
        fields: of these lines that it reads, as ``LINE.FIELD``.
    """

    judge: Callable[[Sums, Mapping[str, Any]], str]
    fields: frozenset[str]


def file_checks(
    context: Context, inputs: Mapping[str, object], problems: list[ContextProblem]
) -> list[FileCheck]:
    """Compile the checks of a file as a whole."""
    outline = Outline(context.lookups, input_types(context), {}, problems)
    numbers = {name: Type(Kind.DECIMAL) for name in context.totals}
    members = {"totals": Type(Kind.OBJECT, shape=DictShape(numbers))}
    for one in (context.source.records or {}).values():
        if one.once:
            types = {
                f.name: Type(field_kind(f.type), null=True, absent=True)
                for f in one.fields.values()
            }
            members[one.name] = Type(Kind.OBJECT, shape=DictShape(types))
    record = Binding(0, Role.RECORD, Type(Kind.OBJECT, shape=DictShape(members)))
    scope = Scope({}, (record,), record, built=False)
    found: list[FileCheck] = []
    for check in context.file_checks:
        that = outline.condition(check.that, scope)
        text = outline.expression(check.text, scope)
        if that is not None and text is not None:
            holds = document_function(context, inputs, that, condition=True)
            words = document_function(context, inputs, text, words=True)
            judge = _judge(context, check.code, holds, words, _lines_read(context, that, text))
            found.append(FileCheck(judge, _fields_read(that, text)))
    return found


def _fields_read(*roots: Node) -> frozenset[str]:
    """Return what two steps read: the fields of lines, and totals."""
    steps = (node for root in roots for node in walk(root) if node.op is Op.STEP)
    pairs = ((node.args[0], node) for node in steps)
    return frozenset(f"{line.data}.{node.data}" for line, node in pairs if line.op is Op.STEP)


def _lines_read(context: Context, *roots: Node) -> frozenset[str]:
    """Return the lines that stand once of which a check reads something."""
    once = {one.name for one in (context.source.records or {}).values() if one.once}
    steps = (node for root in roots for node in walk(root) if node.op is Op.STEP)
    return frozenset(once & {str(node.data) for node in steps})


def _judge(
    context: Context,
    code: str,
    holds: Callable[..., Any],
    words: Callable[..., Any],
    needs: frozenset[str],
) -> Callable[[Sums, Mapping[str, Any]], str]:
    readers, names = line_readers(context.source), list(context.totals)

    def judge(sums: Sums, once: Mapping[str, Any]) -> str:
        if not needs <= once.keys():
            return ""  # a file of 0 bytes, which lacks nothing
        lines, wrong = read_lines(once, readers)
        for line, name, fault in wrong:
            return f"{code}: line {line['_line']}, {name}: {fault.message}"
        record = {"totals": {name: sums.values.get(name, 0) for name in names}, **lines}
        try:
            return "" if holds(record, None) else f"{code}: {words(record, None)}"
        except ValueFault as fault:
            return f"{code}: {fault.message}"

    return judge


def wrong_totals(sums: Sums) -> str:
    """Say why totals are not those of the file; empty if they are."""
    if sums.missing:
        return f"the totals lack {sums.missing} records, the first at {sums.first}"
    for name, value in sums.values.items():
        if type(value) is Decimal and len(value.as_tuple().digits) > _MOST_DIGITS:
            return f"the total `{name}` has more than {_MOST_DIGITS} digits"
    return ""
