"""One output field back to its source: the rule, each filter, the values and where they stand.

An observer of the plan that maps: the same function is written once more with a probe before the
field, run for the one record, and looked at while its variables are there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Final, TypeAlias, cast

from helixnet.engine.context.model import Const, EachNode, Leaf, Mark, WhenNode
from helixnet.engine.excerpts import Excerpt, Opened, excerpt
from helixnet.engine.lockstep import Records, Runner
from helixnet.engine.mapping.doubts import match_pointer
from helixnet.engine.mapping.emit.codegen import generate_probed
from helixnet.engine.mapping.emit.observe import Observer, Origin, Seen, Tables
from helixnet.engine.mapping.emit.slot_frame import Frame
from helixnet.engine.mapping.infer.wording import names_in
from helixnet.engine.mapping.ir import Node
from helixnet.engine.mapping.pipeline import DocumentBatch, PipelineMapper
from helixnet.engine.mapping.place import item_number
from helixnet.engine.mapping.program import Program
from helixnet.engine.mapping.shapes import near
from helixnet.engine.mapping.slots import Slot
from helixnet.engine.outcome import Fault, Mapped
from helixnet.engine.output import read_json
from helixnet.engine.plan import Plan
from helixnet.engine.seek import Choice, chosen, output_of, own_documents, steps_of, value_at
from helixnet.engine.source import Batch, SourceIndex
from helixnet.engine.validation.explain import pointer_to
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.faults import ValueFault
from helixnet.errors import UsageError

Probe: TypeAlias = Callable[[dict[str, Any]], None]
MOST_FIELDS: Final = 20
"""Fields of the document that are traced together behind others: a sum may read thousands."""


@dataclass(frozen=True, slots=True)
class Step:
    """A node of an expression with what it gave and where in the file that stands.

    Args:
        seen: the node.
        depth: how deep it is inside the expression, from 0.
        excerpts: of its origins.
    """

    seen: Seen
    depth: int
    excerpts: Sequence[Excerpt] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """An expression of the context that took part.

    Args:
        what: ``map``, ``const``, ``when``, ``where`` or ``each``.
        text: as written.
        mark: where.
        steps: what it computed, from the inside out.
        note: more of it in words: which element of the list, from 1.
    """

    what: str
    text: str
    mark: Mark
    steps: Sequence[Step] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """How one field of one document came about.

    Args:
        pointer: of the field.
        record: number of the source record, from 1.
        line: its first line.
        rules: conditions and lists around the field from the outside, then its own.
        written: whether the document has the field.
        value: what it has.
        faults: why the record is rejected, those of the field first; empty when it is not.
        skipped: the record is passed over by `skip_when`.
        reads: the fields of the document that its rules read, each with what is behind it.
        more: how many further ones there are.
    """

    pointer: str
    record: int
    line: int
    rules: Sequence[Rule]
    written: bool
    value: object = None
    faults: Sequence[Fault] = ()
    skipped: bool = False
    reads: Sequence["Trace"] = ()
    more: int = 0


def trace_field(
    plan: Plan, stream: BinaryIO, file: str, pointer: str, choice: Choice | None = None
) -> Trace:
    """Trace one field; of a pipeline through its last step.

    Args:
        plan: the compiled context, no template.
        stream: the file, seekable.
        file: its name.
        pointer: JSON pointer of the field in its document, such as ``/items/3/quantity``; with
            `outputs` the name of the output comes first: ``/orders/items/3/quantity``.
        choice: which document.

    Raises:
        UsageError: the map has no such field, or no document does.
        RefusedError: the file can't be used.
    """
    last = plan.steps[-1].plan if plan.steps else plan
    if last.context.template is not None:
        raise UsageError("a template can't be traced: it writes text, not fields")
    slots = _slots_at(plan.program, pointer)
    runner = Runner.opened(plan, stream, file)
    if runner.refused is not None:
        raise runner.refused
    records, number = chosen(runner, pointer, choice or Choice())
    if runner.refused is not None:
        raise runner.refused
    index = cast("SourceIndex", runner.index)  # not refused
    first = _Tracing(plan, index, file, pointer, slots, records, number, records.map())
    first.batch, first.within = first.mapped_by_last()
    return _traced([first])[0]


def _traced(level: Sequence["_Tracing"]) -> list[Trace]:
    """Trace fields of one record together, and then together the fields of it that they read."""
    _watch(level)
    found = [one.told() for one in level]
    room = MOST_FIELDS
    below: list[list[_Tracing]] = []
    sums: list[int] = []
    for one, trace in zip(level, found, strict=True):
        read = one.behind(trace)
        below.append(read[:room])
        room -= len(below[-1])
        sums.append(len(read) - len(below[-1]))
    every = [one for own in below for one in own]
    made = iter(_traced(every) if every else ())
    return [
        replace(trace, reads=[next(made) for _ in own], more=more)
        for trace, own, more in zip(found, below, sums, strict=True)
    ]


def _watch(level: Sequence["_Tracing"]) -> None:
    """Run the function that maps once, with the probes of all these fields in it."""
    looks: dict[int, list[Probe]] = {}
    for one in level:
        for number, look in one.probes().items():
            looks.setdefault(number, []).append(look)
    first = level[0]
    header = () if first.plan.steps else first.index.header
    probes = {number: _each(own) for number, own in looks.items()}
    generated, frame = generate_probed(first.plan.program, header, first.file, probes)
    for one in level:
        one.frame = frame
    batch = first.batch
    if batch is not None and not batch.faults:
        generated.one(batch.records[0], first.records.first, batch, 0, [], None)


def _each(looks: Sequence[Probe]) -> Probe:
    def look(variables: dict[str, Any]) -> None:
        for one in looks:
            one(variables)

    return look


def _slots_at(program: Program, pointer: str) -> list[Slot]:
    """Return the slots that write a place of the document, or what is around it.

    There are several where elements of a list may drop out: which one writes an index is seen
    when it runs.
    """
    if found := _writers(program, steps_of(pointer)):
        return found
    known = [_first_of(slot) for slot in _leaves(program)]
    below = [name for name in known if name.startswith(f"{pointer.rstrip('/')}/")]
    hint = f"name a field in it, such as {below[0]}" if below else near(pointer, known)
    raise UsageError(f"the map writes no field {pointer or '(the document)'}", hint=hint)


def _writers(program: Program, steps: Sequence[str]) -> list[Slot]:
    fits = [slot for slot in _leaves(program) if match_pointer(slot.pointer, steps) is not None]
    longest = max((len(slot.pointer) for slot in fits), default=0)
    return [slot for slot in fits if len(slot.pointer) == longest]


def _leaves(program: Program) -> list[Slot]:
    slots = program.outline.slots.values()
    return [slot for slot in slots if slot.target and isinstance(slot.node, Leaf | Const)]


def _first_of(slot: Slot) -> str:
    return pointer_to(["0" if isinstance(step, int) else step for step in slot.pointer])


@dataclass(slots=True)
class _Tracing:
    """The probes of one field, and what they find for one record."""

    plan: Plan
    index: SourceIndex
    file: str
    pointer: str
    slots: Sequence[Slot]
    records: Records
    document: int
    mapped: Mapped
    within: int = 0
    batch: Batch | None = None
    frame: Frame | None = None
    writer: Slot | None = None
    rules: dict[int, list[Rule]] = field(default_factory=dict[int, list[Rule]])

    def probes(self) -> dict[int, Probe]:
        """Return what looks at the slots of this field and of what is around it, by number."""
        watched = [slot for own in self.slots for slot in _path(own)]
        return {slot.number: self._probe(slot) for slot in watched}

    def told(self) -> Trace:
        """Say what the probes have found."""
        records, mapped = self.records, self.mapped
        path = _path(self.writer or self.slots[0])
        rules = [rule for slot in path for rule in self.rules.get(slot.number, ())]
        faults = [fault for reject in mapped.rejects for fault in reject.faults]
        trace = Trace(
            self.pointer,
            records.first,
            records.slice.line(0),
            rules,
            written=False,
            faults=sorted(faults, key=lambda fault: not self._concerns(fault)),
            skipped=mapped.counts.skipped > 0,
        )
        output, steps = output_of(self.plan, self.pointer)
        documents = own_documents(mapped, output)
        if self.document < len(documents):
            value = value_at(read_json(documents[self.document]), steps)
            if value is not ABSENT:
                return replace(trace, written=True, value=value)
        return trace

    def behind(self, trace: Trace) -> list["_Tracing"]:
        """Return what traces the fields of the document that the rules of this one read."""
        steps = [step for rule in trace.rules for step in rule.steps]
        pointers = dict.fromkeys(pointer for step in steps for pointer in step.seen.reads)
        output, _ = output_of(self.plan, self.pointer)
        found: list[_Tracing] = []
        for pointer in pointers:
            slots = _writers(self.plan.program, steps_of(pointer))
            elsewhere = output_of(self.plan, pointer)[0] != output
            if slots and not (elsewhere and self.plan.steps):
                document = 0 if elsewhere else self.document  # of others, one a record can be read
                found.append(self._beside(pointer, slots, document))
        return found

    def _beside(self, pointer: str, slots: Sequence[Slot], document: int) -> "_Tracing":
        return replace(
            self, pointer=pointer, slots=slots, document=document, frame=None, writer=None, rules={}
        )

    def mapped_by_last(self) -> tuple[Batch | None, int]:
        """Return what the last step maps as its first record, and which of its documents is meant.

        Nothing where the document that is meant passes by that step, or none enters it.
        """
        records, left = self.records, self.document
        mapper = records.side.mapper
        if not isinstance(mapper, PipelineMapper):
            return records.slice, left
        output, _ = output_of(self.plan, self.pointer)
        last, entered = mapper.steps[-1], mapper.entering(records.slice, records.first)
        for document in entered:
            try:
                passes = last.when is not None and not last.when(document.document, None)
            except ValueFault:
                return None, 0  # the faults of the record say so
            if passes and left == 0:
                return None, 0
            if passes:
                left -= 1
                continue
            made = last.mapper.map(document, records.first)
            own = len(own_documents(made, output))
            if left < own or made.rejects:
                return document, left
            left -= own
        return (entered[0], 0) if entered else (None, 0)

    def _concerns(self, fault: Fault) -> bool:
        return fault.target is not None and f"{self.pointer}/".startswith(f"{fault.target}/")

    def _probe(self, slot: Slot) -> Probe:
        def look(variables: dict[str, Any]) -> None:
            if self._here(slot, variables):
                if slot in self.slots:
                    self.writer = slot
                self.rules[slot.number] = list(self._seen(slot, variables))
                if slot in self.slots:
                    self._items(slot, variables)

        return look

    def _here(self, slot: Slot, variables: Mapping[str, Any]) -> bool:
        """Tell whether this is the item of each list around that the pointer names."""
        root = _path(slot)[0]
        several = root.documents and slot is not root
        if several and len(variables[f"t{root.number}"]) != self.within:
            return False
        wanted = steps_of(self.pointer)
        return all(
            str(len(variables[f"t{step}"])) == wanted[place]
            for place, step in enumerate(slot.pointer)
            if isinstance(step, int)
        )

    def _seen(self, slot: Slot, variables: Mapping[str, Any]) -> Iterator[Rule]:
        observer = self._observer(slot, variables)
        node = slot.node
        if isinstance(node, Const):
            yield Rule("const", "", node.mark, note="a fixed value")
        elif isinstance(node, Leaf):
            yield self._rule("map", node, slot.root, observer)
        elif isinstance(node, WhenNode):
            yield self._rule("when", node.when, slot.root, observer)
        elif isinstance(node, EachNode):
            if node.when is not None:
                yield self._rule("when", node.when, slot.when, observer)
            yield self._rule("each", node.each, slot.root, observer)

    def _items(self, slot: Slot, variables: Mapping[str, Any]) -> None:
        """Add to each list around a field which element this is, and the condition that it met."""
        for above in _path(slot)[:-1]:
            node, binding = above.node, above.binding
            if not isinstance(node, EachNode) or binding is None:
                continue
            rules = self.rules.setdefault(above.number, [])
            if rules:
                rules[-1] = replace(rules[-1], note=f"element {variables[f'p{binding.number}']}")
            if node.where is not None:
                observer = self._observer(above.body, variables)
                rules.append(self._rule("where", node.where, above.where, observer))

    def _rule(self, what: str, leaf: Leaf, root: Node | None, observer: Observer) -> Rule:
        steps = tuple(self._steps_of(observer.see(root), 0)) if root is not None else ()
        return Rule(what, leaf.text, leaf.mark, steps)

    def _steps_of(self, seen: Seen, depth: int) -> Iterator[Step]:
        """Yield a node after all that it was computed of; a filter stands beside its value."""
        for number, part in enumerate(seen.parts):
            if part.kind not in ("constant", "record"):
                below = depth if seen.kind == "filter" and number == 0 else depth + 1
                yield from self._steps_of(part, below)
        yield Step(seen, depth, [self._excerpt(origin) for origin in seen.origins])

    def _excerpt(self, origin: Origin) -> Excerpt:
        batch = self.batch or self.records.slice
        item = item_number(batch.records[0], origin.item)
        if isinstance(batch, DocumentBatch):  # no bytes of the file, but of what a step wrote
            return Excerpt(batch.locate(0, f"/{origin.name.removeprefix('/')}"), b"", "")
        file = Opened(self.plan.context.source, self.index, self.plan.grammar)
        return excerpt(batch, 0, origin.name, item, file=file)

    def _observer(self, slot: Slot, variables: Mapping[str, Any]) -> Observer:
        outline = self.plan.program.outline
        places = {name: table.places for name, table in self.plan.joins.items()}
        each = {s.binding.number: s for s in outline.slots.values() if s.binding is not None}
        return Observer(
            cast("Frame", self.frame).emitter,
            variables,
            tables=Tables(outline.lookups, places),
            vars=outline.var_slots,
            each=each,
            names=names_in(slot.scope),
        )


def _path(slot: Slot) -> list[Slot]:
    """Return the slots around a field that decide on it, from the outside, and its own."""
    found = [slot]
    above = slot.parent
    while above is not None:
        if isinstance(above.node, WhenNode | EachNode):
            found.insert(0, above)
        above = above.parent
    return found
