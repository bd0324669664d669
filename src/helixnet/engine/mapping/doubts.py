"""Documents that no predicate accepted: the authority decides, and its faults get their places."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from helixnet.engine.mapping.given import Given, Target
from helixnet.engine.mapping.rules import Rule, Rules
from helixnet.engine.mapping.settle import Record, rule_place, shown_value
from helixnet.engine.mapping.slots import Pointer
from helixnet.engine.outcome import Fault, RulePosition
from helixnet.engine.output import read_json
from helixnet.errors import RejectedError

Trail: TypeAlias = list[tuple[int, tuple[int, ...], Any]]
Retrace: TypeAlias = tuple[Callable[..., object], int]
Items: TypeAlias = Mapping[tuple[int, ...], Any]


def doubts_of(
    record: Record,
    given: Given,
    targets: Sequence[Target],
    rules: Rules,
    known: AbstractSet[str],
    retrace: Retrace,
) -> list[Fault]:
    """Return what the authority has against the documents of a record.

    Args:
        record: the record that gave them.
        given: the documents; a value that failed stands in them as null or is left out.
        targets: what the documents of each output must be.
        rules: of the generated function.
        known: targets that have a fault already; what lies at, above or below them is their
            consequence and not said again.
        retrace: the generated function and the record's number, to find the items again.
    """
    found: list[Fault] = []
    items: _Retraced | None = None
    for index, text in enumerate(given.texts):
        output = given.output(index)
        target = targets[output]
        try:
            document = read_json(text)
        except RejectedError as error:
            found.append(Fault(error.code, str(error), record.place("", None), target.prefix))
            continue
        for below, code, message, value in target.validator.faults(document):
            pointer = target.prefix + below
            if any(_related(pointer, other) for other in known):
                continue
            if items is None:
                items = _retraced(record, retrace)
            number = index - given.outputs.index(output) if given.outputs else index
            within = items.of(rules.roots[output], number)
            found.append(_fault(record, rules, (pointer, code, message, value), within))
    return found


def _related(pointer: str, other: str) -> bool:
    return f"{pointer}/".startswith(f"{other}/") or f"{other}/".startswith(f"{pointer}/")


@dataclass(slots=True)
class _Retraced:
    """The items of a record, by their indexes.

    Args:
        documents: of each `each` that gives documents, by its slot, the items of each document.
        whole: the items of a document that no `each` gives.
    """

    documents: dict[int, list[Items]] = field(default_factory=dict[int, list[Items]])
    whole: dict[tuple[int, ...], Any] = field(default_factory=dict[tuple[int, ...], Any])

    def of(self, root: int, number: int) -> Items:
        found = self.documents.get(root, [self.whole])
        return found[number] if number < len(found) else {}


def _retraced(record: Record, retrace: Retrace) -> _Retraced:
    """Run the record again, and return for each document its items by their indexes."""
    one, number = retrace
    trail: Trail = []
    one(record.value, number, record.batch, record.index, [], trail)
    found = _Retraced()
    items: dict[tuple[int, ...], Any] = {}
    for slot, indexes, item in trail:
        items[indexes] = item
        if not indexes:  # an item of the `each` that gives documents ends its document
            found.documents.setdefault(slot, []).append(items)
            items = {}
        else:
            found.whole[indexes] = item
    return found


def _fault(
    record: Record,
    rules: Rules,
    finding: tuple[str, str, str, object],
    items: Items,
) -> Fault:
    pointer, code, message, value = finding
    rule, indexes = _rule_at(rules, pointer)
    item: Any = items.get(())
    for end in range(2, len(indexes) + 1, 2):
        item = items.get(indexes[:end], item)
    shown = shown_value(value)
    if rule is None:
        return Fault(code, message, record.place("", item), pointer, None, shown)
    place = RulePosition(rule.line, rule.expression)
    return Fault(code, message, rule_place(record, rule, item), pointer, place, shown)


def _rule_at(rules: Rules, pointer: str) -> tuple[Rule | None, tuple[int, ...]]:
    """Return the rule that computes a place of the document, or the nearest above it."""
    steps = [s.replace("~1", "/").replace("~0", "~") for s in pointer.split("/")[1:]]
    best: tuple[int, Rule | None, tuple[int, ...]] = (-1, None, ())
    for template, number in rules.pointers.items():
        indexes = match_pointer(template, steps)
        if indexes is not None and len(template) > best[0]:
            best = (len(template), rules.rules[number], indexes)
    return best[1], best[2]


def match_pointer(template: Pointer, steps: Sequence[str]) -> tuple[int, ...] | None:
    """Return the indexes, (slot, index, …), by which a template is the beginning of a pointer."""
    if len(template) > len(steps):
        return None
    indexes: list[int] = []
    for own, step in zip(template, steps, strict=False):
        if isinstance(own, int):
            if not step.isdigit():
                return None
            indexes += (own, int(step))
        elif own != step:
            return None
    return tuple(indexes)
