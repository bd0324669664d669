"""``template: NAME.j2``: the names that a template sees, its process, and what becomes of its text.

The names are computed by a generated function as a map is, so that columns, vars and `skip_when`
mean the same in both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from helixnet.engine.context.model import (
    Context,
    ContextProblem,
    EachNode,
    Leaf,
    MapNode,
    Mark,
    ObjectNode,
)
from helixnet.engine.mapping.emit.codegen import Generated
from helixnet.engine.mapping.ir import Type
from helixnet.engine.mapping.keys import document_function
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.line_shape import line_readers, read_lines
from helixnet.engine.mapping.mapper import reject, tallied
from helixnet.engine.mapping.outline import Outline
from helixnet.engine.mapping.program import Known, Program, build_program, input_types
from helixnet.engine.mapping.scope import Binding, Role, Scope
from helixnet.engine.mapping.settle import Record, faults_of, is_node, shown_value
from helixnet.engine.mapping.shapes import RecordShape
from helixnet.engine.mapping.templates.renderer import TemplateRenderer
from helixnet.engine.outcome import Fault, Mapped, Reject, RulePosition
from helixnet.engine.output import json_text, read_json
from helixnet.engine.source import BLOCK, Batch
from helixnet.engine.validation.schema import Validator
from helixnet.engine.values.faults import ValueFault
from helixnet.errors import RejectedError

Names: TypeAlias = dict[str, Any]
CheckFunction: TypeAlias = Callable[[Names, object], str | None]

_OPEN = Type(Kind.OBJECT, shape=RecordShape({}))


def template_program(
    context: Context, known: Known, problems: list[ContextProblem], header: Sequence[str] = ()
) -> Program | None:
    """Return the program that computes what a template sees of a record."""
    seen = replace(context, map=_names(context, header), checks=())
    return build_program(seen, known, problems, document=False)


def _names(context: Context, header: Sequence[str]) -> MapNode:
    mark, group = context.mark, context.group
    fields: dict[str, MapNode] = {}
    if group is not None:
        own = _columns(group.lines, header, mark)
        item = replace(own, fields={n: _column("l", n, mark) for n in own.fields})
        fields[group.header] = _columns(group.header, header, mark)
        fields[group.lines] = EachNode(Leaf(group.lines, mark), "l", None, None, item, mark)
    else:
        columns = header if context.source.headed else list(context.source.fields or ())
        fields = dict(_columns("record", columns, mark).fields)
        fields["record"] = _columns("record", columns, mark)
    fields |= {name: Leaf(name, mark) for name in context.vars}
    inputs: dict[str, MapNode] = {n: Leaf(f"inputs.{n}", mark) for n in context.inputs}
    fields["inputs"] = ObjectNode(inputs, {}, mark)
    return ObjectNode(fields, {}, mark)


def _columns(of: str, header: Sequence[str], mark: Mark) -> ObjectNode:
    return ObjectNode({name: _column(of, name, mark) for name in header}, {}, mark)


def _column(of: str, name: str, mark: Mark) -> Leaf:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return Leaf(f'{of}["{escaped}"]', mark)


def check_functions(context: Context, problems: list[ContextProblem]) -> list[CheckFunction]:
    """Return for each check a function of the names and the document: its text if it fails."""
    outline = Outline(context.lookups, input_types(context), {}, problems)
    record = Binding(0, Role.RECORD, _OPEN)
    scope = Scope({"out": Binding(1, Role.DOCUMENT, _OPEN)}, (record,), record, built=False)
    found: list[CheckFunction] = []
    for check in context.checks:
        that = outline.condition(check.that, scope)
        text = outline.expression(check.text, scope)
        if that is not None and text is not None:
            holds = document_function(context, {}, that, condition=True)
            words = document_function(context, {}, text, words=True)
            found.append(_check(holds, words))
    return found


def _check(holds: Callable[..., Any], words: Callable[..., Any]) -> CheckFunction:
    return lambda names, document: None if holds(names, document) else words(names, document)


@dataclass(frozen=True, slots=True)
class TemplateMapper:
    """The slow and general executor: one process that renders, one document a record."""

    context: Context
    generated: Generated
    renderer: TemplateRenderer
    validator: Validator
    checks: Sequence[CheckFunction]
    block: int = BLOCK

    def map(self, batch: Batch, first_record: int) -> Mapped:
        """Map a batch of records; see :class:`~helixnet.engine.mapping.mapper.RowMapper`."""
        found: list[Reject | Names | None] = [
            self._seen(batch, index, first_record + index) for index in range(len(batch.records))
        ]
        names = [one for one in found if isinstance(one, dict)]
        texts = iter(self.renderer.render(names))
        documents: list[str] = []
        rejects: list[Reject] = []
        for index, one in enumerate(found):
            if isinstance(one, dict):
                made = self._made(Record(batch, index, batch.records[index]), one, next(texts))
                if isinstance(made, str):
                    documents.append(made)
                    continue
                one = reject(batch, index, first_record + index, made)  # noqa: PLW2901 - it became one
            if one is not None:
                rejects.append(one)
        return tallied(documents, rejects, skipped=found.count(None))

    def _seen(self, batch: Batch, index: int, number: int) -> Reject | Names | None:
        """Return what the template sees of a record; None if it is skipped."""
        if index in batch.faults:
            return reject(batch, index, number, batch.faults[index])
        record: Any = batch.records[index]
        notes: list[Any] = []
        names = cast("Names | None", self.generated.one(record, number, batch, index, notes, None))
        found = Record(batch, index, record)
        faults = faults_of(found, notes, self.generated.rules) if notes else []
        if self.context.source.records is not None and (faults or names is not None):
            record, wrong = read_lines(record, line_readers(self.context.source))
            faults += [self._line_fault(found, *one) for one in wrong]
        if faults:
            once = {(fault.code, fault.message, fault.source): fault for fault in faults}
            return reject(batch, index, number, list(once.values()))
        if names is not None and is_node(record):
            record = _without_nulls(record, self.context.source.nulls)
            return {**record, **names, "record": {**record, **names["record"]}}
        return names

    def _line_fault(self, record: Record, line: Any, name: str, fault: ValueFault) -> Fault:
        """Return the fault of a field of a line, for which no rule asked."""
        place = self.generated.rules.required.get(f"{line['_name']}.{name}")
        return Fault(
            fault.code,
            fault.message,
            record.line(line, name),
            rule=place if fault.code == "HX-1101" else None,
            value=shown_value(fault.value),
            hint=fault.hint,
        )

    def _made(self, record: Record, names: Names, text: str | ValueFault) -> str | list[Fault]:
        """Return the document's text, or every fault of it."""
        place = RulePosition(1, self.context.template or "")
        source = record.place("", None)
        try:
            if isinstance(text, ValueFault):
                raise text
            document = read_json(text)
        except ValueFault as error:
            return [Fault(error.code, error.message, source, "", place, None, error.hint)]
        except RejectedError as error:
            words = f"the output is not one JSON document: {error}"
            return [Fault("HX-2008", words, source, "", place)]
        faults = [
            Fault(code, message, source, pointer, place, shown_value(value))
            for pointer, code, message, value in self.validator.faults(document)
        ]
        return faults or self._checked(record, names, document) or json_text(document)

    def _checked(self, record: Record, names: Names, document: object) -> list[Fault]:
        faults: list[Fault] = []
        source = record.place("", None)
        for check, function in zip(self.context.checks, self.checks, strict=True):
            place = RulePosition(check.mark.line, f"HX-2006: {check.that.text}")
            try:
                words = function(names, document)
            except ValueFault as error:
                faults.append(Fault(error.code, error.message, source, None, place))
                continue
            if words is not None:
                faults.append(Fault(check.code, words, source, None, place))
        return faults


def _without_nulls(record: Names, nulls: Sequence[str]) -> Names:
    """Return a nested record in which the texts that mean null are null."""
    if not nulls:
        return record
    return {name: None if found in nulls else found for name, found in record.items()}
