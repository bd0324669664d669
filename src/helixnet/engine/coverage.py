"""What of a map the tests of its context reach: fields that came out, branches that were taken."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from helixnet.engine.context.model import Const, EachNode, Leaf, Mark, WhenNode
from helixnet.engine.mapping.emit.emitter import Told
from helixnet.engine.mapping.filled import filled
from helixnet.engine.mapping.ir import Node, Op
from helixnet.engine.mapping.reads import walk
from helixnet.engine.mapping.slots import Pointer, Slot
from helixnet.engine.plan import Plan
from helixnet.engine.validation.explain import pointer_to


@dataclass(frozen=True, slots=True)
class TargetField:
    """A place of the document that the map writes.

    Args:
        pointer: JSON pointer in which ``*`` stands for the index of a list.
        mark: what writes it.
    """

    pointer: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Branch:
    """One outcome of a condition.

    Args:
        kind: when, where or if.
        outcome: True or False.
        mark: of the condition.
    """

    kind: str
    outcome: bool
    mark: Mark


@dataclass(slots=True)
class Coverage:
    """Counts what tests reach, by the documents that they give and the branches that they take."""

    _fields: dict[str, TargetField] = field(default_factory=dict[str, TargetField])
    _branches: dict[Branch, None] = field(default_factory=dict[Branch, None])
    _written: set[str] = field(default_factory=set[str])
    _taken: set[Branch] = field(default_factory=set[Branch])

    @property
    def fields(self) -> Sequence[TargetField]:
        """Every place that the map writes, in the order of the context."""
        return sorted(self._fields.values(), key=lambda found: (found.mark.line, found.mark.column))

    @property
    def unwritten(self) -> Sequence[TargetField]:
        """Those that no document had."""
        return [found for found in self.fields if found.pointer not in self._written]

    @property
    def untaken(self) -> Sequence[Branch]:
        """The outcomes that no condition had, in the order of the context."""
        left = [branch for branch in self._branches if branch not in self._taken]
        return sorted(left, key=lambda branch: (branch.mark.line, branch.mark.column))

    @property
    def branches(self) -> int:
        """How many outcomes there are."""
        return len(self._branches)

    def watch(self, plan: Plan) -> Plan:
        """Return the plan that tells which branches it takes; of a pipeline, each of its steps."""
        if plan.steps:
            *before, last = plan.steps
            watched = [replace(s, plan=self._watch(s.plan, fields=False)) for s in before]
            watched.append(replace(last, plan=self._watch(last.plan, fields=True)))
            return replace(plan, steps=watched, mappers={})
        return self._watch(plan, fields=True)

    def _watch(self, plan: Plan, *, fields: bool) -> Plan:
        told: dict[int, Told] = {}
        for slot in plan.program.outline.slots.values():
            if fields and slot.target and isinstance(slot.node, Leaf | Const):
                pointer = pointer_to(_folded(slot.pointer))
                self._fields.setdefault(pointer, TargetField(pointer, slot.mark))
            for kind, condition, mark in _conditions(slot):
                told[id(condition)] = self._branch(kind, mark)
        return replace(plan, told=told, mappers={})

    def _branch(self, kind: str, mark: Mark) -> Told:
        yes, no = Branch(kind, True, mark), Branch(kind, False, mark)  # noqa: FBT003 - the outcome
        self._branches |= {yes: None, no: None}

        def tell(outcome: bool) -> bool:  # noqa: FBT001 - called by generated code
            self._taken.add(yes if outcome else no)
            return outcome

        return tell

    def take(self, written: Mapping[str, Sequence[object]]) -> None:
        """Count the places that the documents of each output have."""
        for name, documents in written.items():
            for document in documents:
                self._written.update(map(pointer_to, _places(document, (name,) if name else ())))


def _folded(pointer: Pointer) -> tuple[str, ...]:
    return tuple("*" if isinstance(step, int) else step for step in pointer)


def _places(value: object, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield place
    if isinstance(value, dict):
        for name, below in cast("dict[str, object]", value).items():
            yield from _places(below, (*place, name))
    elif isinstance(value, list):
        for below in cast("list[object]", value):
            yield from _places(below, (*place, "*"))


def _conditions(slot: Slot) -> Iterator[tuple[str, Node, Mark]]:
    node = slot.node
    if isinstance(node, WhenNode):
        yield "when", filled(slot.root), node.when.mark
    if isinstance(node, EachNode) and node.when is not None:
        yield "when", filled(slot.when), node.when.mark
    if isinstance(node, EachNode) and node.where is not None:
        yield "where", filled(slot.where), node.where.mark
    if slot.parsed is not None and slot.root is not None:
        for below in walk(slot.root):
            if below.op in (Op.IF, Op.BLOCK):
                yield "if", below.args[0], slot.parsed.place(below.args[0])
