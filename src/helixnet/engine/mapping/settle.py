"""What happens when a record fails: notes become faults, each with its place in file and context.

Generated code only takes notes; nothing here runs for a record without fault or doubt.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, cast

from helixnet.engine.mapping.place import Step, descend, item_number, pointer_of, value_of
from helixnet.engine.mapping.rules import Rule, Rules
from helixnet.engine.mapping.runtime import BAD
from helixnet.engine.mapping.scope import Binding, Role
from helixnet.engine.mapping.slots import pointer_text
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import Batch
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.compare import is_nothing
from helixnet.engine.values.convert import as_text
from helixnet.engine.values.faults import ValueFault

SHOWN: Final = 200
NO_COLUMN: Final = "HX-1109"

DOUBT: Final = None
"""Noted when no predicate accepted the document: the authority has to see it."""

Note: TypeAlias = tuple[int, ValueFault, tuple[int, ...], Any]
Notes: TypeAlias = list[Note]


def fail(
    notes: Notes,
    number: int,
    error: Exception,
    indexes: tuple[int, ...],
    item: object,
    *causes: Any,
) -> None:
    """Note a fault of a rule, unless it only comes from a value that failed before."""
    for cause in causes[0] if causes else ():
        if cause is BAD:
            return
    if isinstance(error, ValueFault):
        notes.append((number, error, indexes, item))
    elif isinstance(error, ArithmeticError):
        fault = ValueFault("HX-2004", "a result has more than 38 digits", None)
        notes.append((number, fault, indexes, item))
    elif not notes:
        raise error


fail_column: Final = fail
"""Note that a column does not convert."""


def convert_columns(
    notes: Notes,
    row: Any,
    columns: Sequence[tuple[int, int | str, Callable[[Any], object]]],
    indexes: tuple[int, ...],
    item: object,
) -> list[object]:
    """Convert columns of a row one by one, because one of them fails; note each that does."""
    values: list[object] = []
    for number, key, convert in columns:
        try:
            values.append(convert(row.get(key, ABSENT) if type(key) is str else row[key]))
        except (ValueFault, ArithmeticError) as error:
            fail_column(notes, number, error, indexes, item)
            values.append(BAD)
    return values


def check_same(
    notes: Notes, rows: Sequence[Sequence[str]], columns: Sequence[tuple[int, int, str]]
) -> None:
    """Note every row of a group that differs from the first in a column of `same`."""
    first = rows[0]
    for row in rows[1:]:
        for number, position, name in columns:
            if row[position] != first[position]:
                text = f"{name} differs from the first line of the group"
                notes.append((number, ValueFault("HX-1107", text, row[position]), (), row))


def check_required(
    notes: Notes,
    rows: Sequence[Any],
    columns: Sequence[tuple[int, int | str, Any]],
    *,
    keyed: bool,
) -> None:
    """Note every row that lacks a required value which the map does not read."""
    for row in rows:
        for number, key, convert in columns:
            try:
                convert(row.get(key, ABSENT) if keyed else row[key])
            except ValueFault as error:
                if error.code in ("HX-1101", NO_COLUMN):
                    notes.append((number, error, (), row))


def _cell(row: Any, positions: Mapping[str, int], name: str) -> Any:
    """Return a cell of a row, or a member of a nested record; of no column an empty text."""
    if is_node(row):
        return row.get(name, ABSENT)
    return row[positions[name]] if name in positions else ""


def check_failed(notes: Notes, number: int, text: str, item: object) -> None:
    """Note that a check of the context does not hold."""
    notes.append((number, ValueFault("HX-2006", text), (), item))


@dataclass(frozen=True, slots=True)
class Record:
    """The record in question: its batch, and what it is."""

    batch: Batch
    index: int
    value: Any

    def place(self, name: str, item: object) -> SourcePosition:
        """Return where a column, or a node by pointer, stands."""
        return self.batch.locate(self.index, name, item_number(self.value, item))

    def line(self, line: object, name: str) -> SourcePosition:
        """Return where a field of a line of the record stands."""
        pointer = pointer_of(self.value, line) or ""
        return self.place(pointer + pointer_text((name,), {}), None)

    def column(self, name: str, item: object) -> SourcePosition:
        """Return where a column, or a member of a nested record, stands."""
        return self.place(pointer_text((name,), {}) if is_node(self.value) else name, item)


def faults_of(record: Record, notes: Notes, rules: Rules) -> list[Fault]:
    """Return every fault that was noted, one for each target that it concerns.

    A condition that feeds no target repeats a fault only if no target is fed.
    """
    found: list[Fault] = []
    for number, error, indexes, item in notes:
        known = dict(zip(indexes[::2], indexes[1::2], strict=True))
        if number in rules.columns:
            column = rules.columns[number]
            name = "" if error.code == NO_COLUMN else column.name
            source = record.column(name, item) if name else record.place("", item)
            if column.of_line:
                source = record.line(item, name)
            if error.code == NO_COLUMN:
                source = replace(source, field=column.name)
            found += _for_targets(error, source, column.targets, known, rules)
            continue
        rule = rules.rules[number]
        targets = rule.targets or (number,)
        for fault, source in _sources(record, rule, error, item, rules):
            found += _for_targets(fault, source, targets, known, rules)
    return _once(found)


def _once(found: Sequence[Fault]) -> list[Fault]:
    """Return each fault once, and one without target only if none with a target says the same."""
    kept: list[Fault] = []
    seen: dict[str | None, list[Fault]] = {}
    for fault in found:
        same = seen.setdefault(fault.target, [])
        if fault not in same:
            same.append(fault)
            kept.append(fault)
    if None not in seen:
        return kept
    told = {_essence(fault) for fault in kept if fault.target is not None}
    return [each for each in kept if each.target is not None or _essence(each) not in told]


def _essence(fault: Fault) -> tuple[object, ...]:
    return fault.code, fault.message, fault.source


def _for_targets(
    error: ValueFault,
    source: SourcePosition,
    targets: Sequence[int],
    known: Mapping[int, int],
    rules: Rules,
) -> Iterator[Fault]:
    code, value = error.code, shown_value(error.value)
    declared = None
    if code == "HX-1101":  # the declaration asks for it, whatever reads the field
        key = f"{source.segment}.{source.field}" if source.segment else source.field
        declared = rules.required.get(key)
    for number in targets or (None,):
        aim = rules.aim(number)
        target = aim.target
        if aim.pointer is not None:
            target = pointer_text(aim.pointer, known)
        own = aim.code if aim.code and code == "HX-2006" else code
        place = declared or aim.place
        yield Fault(own, error.message, source, target, place, value, error.hint)


def shown_value(value: object) -> str | None:
    """Return a raw value as a reject shows it."""
    if is_nothing(value):
        return None
    try:
        return as_text(value)[:SHOWN]
    except ValueFault:
        return str(value)[:SHOWN]


def _sources(
    record: Record, rule: Rule, error: ValueFault, item: object, rules: Rules
) -> Iterator[tuple[ValueFault, SourcePosition]]:
    """Yield the fault with its place; a fault of columns once for each row that has it."""
    in_rows: list[tuple[ValueFault, SourcePosition]] = []
    if error.code.startswith("HX-11"):
        in_rows = [*_bad_rows(record, rule, rules), *_bad_lines(record, rule, item, rules)]
    if in_rows:
        yield from in_rows
        return
    yield error, _blamed(record, rule, item, error, rules) or rule_place(record, rule, item)


def _blamed(
    record: Record, rule: Rule, item: Any, error: ValueFault, rules: Rules
) -> SourcePosition | None:
    """Return the place of the one value, of several that a rule reads, that is the faulty text."""
    text = error.value
    if type(text) is not str:
        return None
    if is_node(record.value):
        pointers = {_pointer(record, binding, keys, item) for binding, keys in rule.paths}
        found = [each for each in pointers if _text(value_of(record.value, each)) == text]
        return record.place(found[0], item) if len(found) == 1 else None
    grouped = bool(record.value) and type(record.value[0]) is list
    rows: dict[str, Any] = {}
    for binding, name in rule.fields:
        if binding is not None and name in rule.present:
            of_item = binding.role is Role.ITEM
            rows[name] = item if of_item else record.value[0] if grouped else record.value
    names = [name for name, row in rows.items() if _cell(row, rules.positions, name) == text]
    if len(names) != 1:
        return None
    row = rows[names[0]]
    return record.place(names[0], row if row is item else None)


def _text(value: Any) -> Any:
    """Return a value; of an XML element with attributes its text."""
    return cast("dict[str, object]", value).get("#text") if type(value) is dict else value


def rule_place(record: Record, rule: Rule, item: Any) -> SourcePosition:
    """Return the place of the one value that a rule reads, or of its record, row or node."""
    names = {name for _, name in rule.fields}
    if len(names) == 1 and rule.fields[0][0] is not None and not is_node(record.value):
        name = next(iter(names))
        row = item if rule.fields[0][0].role is Role.ITEM else None
        return record.place(name if name in rule.present else "", row)
    if rule.paths:
        return record.place(_path(record, rule, item), item)
    if is_node(item):
        return record.place(pointer_of(record.value, item) or "", item)
    return record.place("", item)


def is_node(item: Any) -> bool:
    """Tell whether ``item`` is a node of a nested record."""
    return type(item) is dict


def _is_line(item: Any) -> bool:
    """Tell whether ``item`` is a line of a record of several."""
    return type(item) is dict and "_name" in item


def _path(record: Record, rule: Rule, item: Any) -> str:
    """Return the longest path that the rule reads, as far as the record goes along with it."""
    best = ""
    for binding, keys in rule.paths:
        best = max(best, _pointer(record, binding, keys, item), key=len)
    return best


def _pointer(record: Record, binding: Binding, keys: Sequence[Step], item: Any) -> str:
    """Return what steps from a binding lead to, as far as the record goes along with it."""
    start = item if binding.role is Role.ITEM and is_node(item) else record.value
    base = pointer_of(record.value, start)
    return "" if base is None else descend(start, keys, base)


def _bad_lines(
    record: Record, rule: Rule, item: Any, rules: Rules
) -> Iterator[tuple[ValueFault, SourcePosition]]:
    """Yield each field of a line that a rule reads and that can't be read."""
    if not rules.readers:
        return
    reads = [(binding, keys[:-1], str(keys[-1])) for binding, keys in rule.paths]
    for binding, keys, name in (*reads, *rule.members):
        found: Any = value_of(record.value, _pointer(record, binding, keys, item))
        for line in cast("list[Any]", found) if type(found) is list else [found]:
            read = rules.readers.get((line["_name"], name)) if _is_line(line) else None
            if read is None:
                continue
            try:
                read(line.get(name, ABSENT))
            except ValueFault as error:
                yield error, record.line(line, name)


def _bad_rows(
    record: Record, rule: Rule, rules: Rules
) -> Iterator[tuple[ValueFault, SourcePosition]]:
    rows = cast("list[object]", record.value)
    if not (type(rows) is list and rows and type(rows[0]) is list):
        rows = [record.value]
    for binding, name in rule.fields:
        convert = rules.converters.get(name)
        if convert is None:
            continue
        present = name in rules.positions or is_node(record.value)
        for row in rows[:1] if binding is not None or not present else rows:
            try:
                convert(_cell(row, rules.positions, name))
            except ValueFault as error:
                source = record.column(name, row) if present else record.place("", row)
                yield error, source if present else replace(source, field=name)
