"""One record through the steps of a pipeline: each step's documents are the next one's records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

from helixnet.engine.context.model import (
    Const,
    Context,
    ContextProblem,
    EachNode,
    MapNode,
    ObjectNode,
    StepSpec,
    WhenNode,
)
from helixnet.engine.mapping.given import Target
from helixnet.engine.mapping.ir import Type
from helixnet.engine.mapping.keys import document_function
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.mapper import Mapper, counted, reject
from helixnet.engine.mapping.outline import Outline
from helixnet.engine.mapping.program import input_types
from helixnet.engine.mapping.scope import Binding, Role, Scope
from helixnet.engine.mapping.settle import shown_value
from helixnet.engine.mapping.shapes import RecordShape, near
from helixnet.engine.outcome import Counts, Fault, Mapped, Reject, SourcePosition
from helixnet.engine.output import read_json
from helixnet.engine.slices import Slice
from helixnet.engine.source import BLOCK, Batch, Node
from helixnet.engine.values.faults import ValueFault

Condition: TypeAlias = Callable[[Mapping[str, object], object], Any]
"""``when`` of a step: a function of the document."""


@dataclass(frozen=True, slots=True)
class StepMapper:
    """A step bound to a file.

    Args:
        name: of the step's context file.
        when: None = always; else documents for which it is not true pass by.
    """

    name: str
    mapper: Mapper
    when: Condition | None


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """A document as the one record of a batch, at the place of the record that gave it."""

    document: Node
    origin: Slice
    faults: Mapping[int, Sequence[Fault]] = field(default_factory=dict[int, Sequence[Fault]])

    @property
    def records(self) -> Sequence[Node]:
        """See :class:`helixnet.engine.source.Batch`."""
        return (self.document,)

    def line(self, index: int, item: int = 0) -> int:  # noqa: ARG002 - as a batch has it
        """See :class:`helixnet.engine.source.Batch`."""
        return self.origin.line(0)

    def raw(self, index: int) -> bytes:  # noqa: ARG002 - as a batch has it
        """See :class:`helixnet.engine.source.Batch`."""
        return self.origin.raw(0)

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:  # noqa: ARG002 - as a batch has it
        """See :class:`helixnet.engine.source.Batch`."""
        return replace(self.origin.locate(0, ""), field=name)


@dataclass(frozen=True, slots=True)
class PipelineMapper:
    """Maps the records of a file by one step after the other.

    All documents of a record stand or fall together, in whichever step one of them falls.

    Args:
        steps: the first reads the file.
        target: what documents must be that pass by the last step.
    """

    steps: Sequence[StepMapper]
    target: Target
    block: int = BLOCK

    def map(self, batch: Batch, first_record: int) -> Mapped:
        """Map a batch of records; see :class:`~helixnet.engine.mapping.mapper.RowMapper`."""
        mapped = Mapped()
        counts = Counts()
        for index in range(len(batch.records)):
            made = self._record(Slice(batch, index, index + 1), first_record + index)
            mapped.documents += made.documents
            mapped.outputs += made.outputs
            mapped.rejects += made.rejects
            counts += made.counts
        mapped.counts = counts
        return mapped

    def _record(self, record: Slice, number: int) -> Mapped:
        first, *later = self.steps
        mapped = first.mapper.map(record, number)
        if mapped.rejects and not record.faults:
            mapped.rejects = [_named(each, first.name) for each in mapped.rejects]
        for step in later:
            if not mapped.documents:
                break
            mapped = self._step(step, mapped.documents, record, number)
        return mapped

    def entering(self, record: Slice, number: int) -> list[DocumentBatch]:
        """Return the documents of a record that enter the last step."""
        first, *later = self.steps[:-1] or self.steps
        mapped = first.mapper.map(record, number)
        for step in later:
            mapped = self._step(step, mapped.documents, record, number)
        read = [read_json(text) for text in mapped.documents]
        return [DocumentBatch(cast("Node", one), record) for one in read if isinstance(one, dict)]

    def _step(
        self, step: StepMapper, documents: Sequence[str], record: Slice, number: int
    ) -> Mapped:
        found = Mapped()
        faults: list[Fault] = []
        skipped = lost = 0
        for text in documents:
            made = self._document(step, text, record, number)
            found.documents += made.documents
            found.outputs += made.outputs
            skipped += made.counts.skipped
            lost += made.counts.documents
            for each in made.rejects:
                faults += _named(each, step.name).faults
        if faults:
            bad = reject(record, 0, number, list(dict.fromkeys(faults)), max(lost, 1))
            return Mapped(rejects=[bad], counts=counted(0, [bad], skipped=0))
        gone = skipped == len(documents)
        written = len(found.documents)
        found.counts = counted(written, used=0 if gone else 1, skipped=1 if gone else 0)
        return found

    def _document(self, step: StepMapper, text: str, record: Slice, number: int) -> Mapped:
        """Map one document, or let it pass by."""
        document = read_json(text)
        if not isinstance(document, dict):
            where = record.locate(0, "")
            fault = Fault("HX-1007", "the document is no object, so no step can read it", where)
            return _lost(record, number, [fault])
        try:
            applies = step.when is None or step.when(cast("Node", document), None)
        except ValueFault as error:
            place, value = record.locate(0, ""), shown_value(error.value)
            text = f"`when` of this step: {error.message}"
            fault = Fault(error.code, text, place, value=value, hint=error.hint)
            return _lost(record, number, [fault])
        if applies:
            return step.mapper.map(DocumentBatch(cast("Node", document), record), number)
        return self._passed(step, text, cast("Node", document), record, number)

    def _passed(
        self, step: StepMapper, given: str, document: object, record: Slice, number: int
    ) -> Mapped:
        """Let a document pass by unchanged; by the last step only what its target allows."""
        faults: list[Fault] = []
        if step is self.steps[-1]:
            place = record.locate(0, "")
            hint = "the document passes by this step, and is no result as its target says"
            faults = [
                Fault(code, text, replace(place, field=at), at, None, shown_value(value), hint)
                for at, code, text, value in self.target.validator.faults(document)
            ]
        if faults:
            return _lost(record, number, faults)
        return Mapped([given], counts=counted(1, skipped=0))


def _lost(record: Slice, number: int, faults: Sequence[Fault]) -> Mapped:
    bad = reject(record, 0, number, faults)
    return Mapped(rejects=[bad], counts=counted(0, [bad], skipped=0))


def _named(bad: Reject, step: str) -> Reject:
    return replace(bad, faults=tuple(replace(fault, step=step) for fault in bad.faults))


def step_condition(
    spec: StepSpec,
    keys: frozenset[str] | None,
    inputs: Mapping[str, object],
    problems: list[ContextProblem],
) -> Condition | None:
    """Compile ``when`` of a step, an expression over the members of the document.

    Args:
        spec: the step.
        keys: the members that documents may have; None = any.
        inputs: values from outside.
        problems: takes what is wrong.
    """
    if spec.when is None:
        return None
    context = spec.context
    outline = Outline(context.lookups, input_types(context), {}, problems)
    record = Binding(0, Role.RECORD, Type(Kind.OBJECT, shape=RecordShape({}, keys)))
    node = outline.condition(spec.when, Scope({}, (record,), record, built=False))
    if node is None or any(problem.severity == "error" for problem in problems):
        return None
    return document_function(context, inputs, node, condition=True)


def keys_written(context: Context) -> frozenset[str] | None:
    """Return the members that the documents of a context may have; None where not known."""
    return None if context.map is None else _keys(context.map)


def _keys(node: MapNode) -> frozenset[str] | None:
    match node:
        case ObjectNode():
            return frozenset(node.fields)
        case EachNode() | WhenNode():
            return _keys(node.map)
        case Const() if isinstance(node.value, dict):
            return frozenset(cast("dict[str, object]", node.value))
        case _:
            return None


def missing_fields(
    spec: StepSpec, keys: frozenset[str] | None, before: str
) -> list[ContextProblem]:
    """Return a problem for each declared field that no document of the step before has."""
    found: list[ContextProblem] = []
    for declared in (spec.context.source.fields or {}).values() if keys is not None else ():
        if declared.name not in (keys or ()):
            text = f"no document of `{before}` has `{declared.name}`"
            code, severity = ("HX-4103", "error") if declared.required else ("HX-4114", "warning")
            hint = near(declared.name, sorted(keys or ()))
            found.append(ContextProblem(declared.mark, code, text, hint, severity))
    return found
