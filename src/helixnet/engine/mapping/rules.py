"""What generated code only needs when something is wrong: places, targets and readers by number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from helixnet.engine.mapping.line_shape import Member
from helixnet.engine.mapping.place import Step
from helixnet.engine.mapping.record_fields import Read
from helixnet.engine.mapping.scope import Binding
from helixnet.engine.mapping.slots import Pointer, pointer_text
from helixnet.engine.outcome import RulePosition


@dataclass(frozen=True, slots=True)
class Rule:
    """A leaf, condition or check of the context.

    Args:
        pointer: what it computes; None = no place of the document.
        line: in the context file.
        expression: as written.
        fields: columns that it reads: (binding or None, name).
        paths: steps into nested records that it reads.
        targets: numbers of the rules that it feeds, for a var.
        code: of a check.
        present: columns that it reads and the file has.
        members: fields of lines that filters read: steps to the lines, and the field.
    """

    number: int
    pointer: Pointer | None
    line: int
    expression: str
    fields: Sequence[tuple[Binding | None, str]] = ()
    paths: Sequence[tuple[Binding, tuple[Step, ...]]] = ()
    targets: Sequence[int] = ()
    code: str = ""
    present: frozenset[str] = frozenset()
    members: Sequence[tuple[Binding, tuple[Step, ...], str]] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A converted column: what it feeds; or a required field of a line."""

    name: str
    targets: Sequence[int]
    of_line: bool = False


@dataclass(frozen=True, slots=True)
class Aim:
    """What the faults of a rule have in common.

    Args:
        code: of a check.
        place: in the context.
        target: pointer into the document; None = no place of it, or ``pointer`` tells.
        pointer: what it computes, where that stands in a list.
    """

    code: str = ""
    place: RulePosition | None = None
    target: str | None = None
    pointer: Pointer | None = None


NOWHERE: Final = Aim()


@dataclass(slots=True)
class Rules:
    """The tables of one generated function; ``roots`` are the slots of its outputs."""

    rules: dict[int, Rule] = field(default_factory=dict[int, Rule])
    columns: dict[int, Column] = field(default_factory=dict[int, Column])
    positions: dict[str, int] = field(default_factory=dict[str, int])
    converters: dict[str, Callable[[Any], object]] = field(
        default_factory=dict[str, Callable[[Any], object]]
    )
    pointers: dict[Pointer, int] = field(default_factory=dict[Pointer, int])
    roots: Sequence[int] = ()
    required: dict[str, RulePosition] = field(default_factory=dict[str, RulePosition])
    readers: Mapping[Member, Read] = field(default_factory=dict[Member, Read])
    aims: dict[int, Aim] = field(default_factory=dict[int, Aim])

    def aim(self, number: int | None) -> Aim:
        """Return what the faults of a rule have in common; of no rule nothing."""
        if number is None:
            return NOWHERE
        known = self.aims.get(number)
        if known is None:
            known = self.aims[number] = self._aim(number)
        return known

    def _aim(self, number: int) -> Aim:
        rule = self.rules.get(number)
        if rule is None:
            return NOWHERE
        place, pointer = RulePosition(rule.line, rule.expression), rule.pointer
        if pointer is not None and any(isinstance(step, int) for step in pointer):
            return Aim(rule.code, place, None, pointer)
        target = None if pointer is None else pointer_text(pointer, {})
        return Aim(rule.code, place, target)
