"""Two plans over one file in lock step: which documents and rejects differ, field by field.

Records are paired by their number in the file. Nothing but counts and a few samples is kept, so
memory does not grow with the file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, TypeAlias, cast

from helixnet.engine.differences import Entry, differing, digest, pair, shown
from helixnet.engine.lockstep import Pair, Records, Runner, Side, in_lock_step
from helixnet.engine.outcome import Mapped, Reject
from helixnet.engine.output import json_text, read_json
from helixnet.engine.packing.unpack import unpacked
from helixnet.engine.plan import Plan
from helixnet.engine.values.absent import ABSENT
from helixnet.errors import RefusedError

_MOST_ERRORS: Final = 5
MOST_FIELDS: Final = 1000
"""Fields that are told apart; data with ever new keys may have any number of them."""

Sample: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class FieldChanges:
    """How often one field differs.

    Args:
        pointer: of the field, ``*`` for each index; empty for all fields beyond the limit.
        changed: both sides have a value.
        added: only the new side has one.
        removed: only the old side has one.
        samples: the first differences, each with record, line, pointer, ``before`` and ``after``.
    """

    pointer: str
    changed: int = 0
    added: int = 0
    removed: int = 0
    samples: list[Sample] = field(default_factory=list[Sample])


@dataclass(slots=True)
class Comparison:
    """What differs between two plans over one file.

    Args:
        rewritten: documents whose values are the same, and their text is not: the order of keys.
        fields: differing fields by pointer.
        documents: the first documents that only one side has, under ``added`` or ``removed``.
        new_rejects: records that only the new plan rejects.
        gone_rejects: records that only the old plan rejects.
        other_rejects: records that both reject, for other reasons.
        rejects: the first of these, each with the errors ``before`` and ``after``.
    """

    before: Side
    after: Side
    unchanged: int = 0
    changed: int = 0
    rewritten: int = 0
    added: int = 0
    removed: int = 0
    fields: dict[str, FieldChanges] = field(default_factory=dict[str, FieldChanges])
    documents: list[Sample] = field(default_factory=list[Sample])
    new_rejects: int = 0
    gone_rejects: int = 0
    other_rejects: int = 0
    rejects: list[Sample] = field(default_factory=list[Sample])

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        documents = self.changed + self.rewritten + self.added + self.removed
        rejects = self.new_rejects + self.gone_rejects + self.other_rejects
        states = self.before.verdict != self.after.verdict
        return bool(documents + rejects) or states or self.skips

    @property
    def skips(self) -> bool:
        """Whether one side passes over more records."""
        return self.before.counts.skipped != self.after.counts.skipped


def compare_plans(
    before: Plan, after: Plan, stream: BinaryIO, *, file: str, samples: int
) -> Comparison:
    """Map a file with both plans and say what differs; ``stop_at`` ends nothing here.

    Args:
        before: the old plan.
        after: the new one.
        stream: the file, seekable.
        file: its name.
        samples: how many differences are kept of each kind and field.
    """
    with ExitStack() as stack:
        sides = _opened(before, stream, file, stack), _opened(after, stream, file, stack)
        return _compared(sides, samples)


def _opened(plan: Plan, stream: BinaryIO, file: str, stack: ExitStack) -> Runner:
    """Open a file for a plan, by whose format it is unpacked if need be."""
    stream.seek(0)
    try:
        whole = stack.enter_context(unpacked(stream, plan.context.source, used=plan.used))
    except RefusedError as error:
        return Runner(plan, refused=error)
    return Runner.opened(plan, whole, file)


def _compared(sides: tuple[Runner, Runner], samples: int) -> Comparison:
    found = Comparison(sides[0].side(), sides[1].side())
    if not any(side.refused for side in sides):
        step = _Step(found, samples, (namers(sides[0].plan), namers(sides[1].plan)))
        for one, two in in_lock_step(*sides):
            step.take(one, two)
    found.before, found.after = sides[0].side(), sides[1].side()
    return found


Namer: TypeAlias = Callable[[bytes], bytes]


def namers(plan: Plan) -> Mapping[str, Namer]:
    """Return for each output, by its name, what gives a document its name.

    That is its key at the first declared delivery of the output.
    """
    found: dict[str, Namer] = {}
    for number, output in enumerate(plan.context.outputs):
        deliver = enumerate(plan.context.deliver)
        first = next((at for at, each in deliver if each.output == number), None)
        keyed = first is not None and plan.keys and plan.keys[first] is not None
        found[output.name] = _namer(plan, first) if keyed and first is not None else _unnamed
    return found


def _unnamed(_: bytes) -> bytes:
    return b""


def _namer(plan: Plan, delivery: int) -> Namer:
    def name(text: bytes) -> bytes:
        key = plan.delivery_key(delivery, read_json(text))
        return digest(json_text(key).encode())

    return name


_NOTHING: Final = Mapped()


@dataclass(slots=True)
class _Step:
    """Compares what records give, and notes the differences."""

    found: Comparison
    most: int
    namers: tuple[Mapping[str, Namer], Mapping[str, Namer]]

    def take(self, one: Records | None, two: Records | None) -> None:
        """Compare many records at once, and one by one where something differs."""
        before = one.map() if one is not None else _NOTHING
        after = two.map() if two is not None else _NOTHING
        for records, mapped in ((one, before), (two, after)):
            if records is not None:
                records.side.counts += mapped.counts
        rejects = [[_reasons(reject) for reject in side.rejects] for side in (before, after)]
        same = before.documents == after.documents and before.outputs == after.outputs
        if same and self._names_agree and rejects[0] == rejects[1]:
            self.found.unchanged += len(before.documents)
        elif one and two and _one_each(one, before) and _one_each(two, after):
            self._documents(one, before.documents, after.documents)
        elif one is None or two is None:
            for record in (one or cast("Records", two)).each():
                self._record((record, None) if two is None else (None, record))
        else:
            for each in zip(one.each(), two.each(), strict=True):
                self._record(each)

    def _documents(self, records: Records, before: Sequence[str], after: Sequence[str]) -> None:
        """Compare the documents of records that all give one, on both sides."""
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            if old == new:
                self.found.unchanged += 1
            else:
                line = records.slice.line(number)
                place = {"record": records.first + number, "line": line}
                self._pair(place, old.encode(), new.encode())

    def _record(self, records: Pair) -> None:
        known = records[0] or cast("Records", records[1])  # one of them is there
        place: Sample = {"record": known.first, "line": known.slice.line(0)}
        before, after = (r.map() if r is not None else _NOTHING for r in records)
        self._rejects(place, before.rejects, after.rejects)
        telling = not (before.rejects or after.rejects)
        sides = [
            self._by_output(*side) for side in ((before, self.namers[0]), (after, self.namers[1]))
        ]
        for name in dict.fromkeys([*sides[0], *sides[1]]):
            texts = [side.get(name, []) for side in sides]
            self._of_output(place | ({"output": name} if name else {}), texts, telling=telling)

    @property
    def _names_agree(self) -> bool:
        return [*self.namers[0]] == [*self.namers[1]]

    def _by_output(self, mapped: Mapped, names: Iterable[str]) -> dict[str, list[bytes]]:
        """Return the documents of one side by the name of their output."""
        found: dict[str, list[bytes]] = {name: [] for name in names}
        listed = [*found]
        for index, text in enumerate(mapped.documents):
            found[listed[mapped.outputs[index] if mapped.outputs else 0]].append(text.encode())
        return found

    def _of_output(self, place: Sample, texts: Sequence[list[bytes]], *, telling: bool) -> None:
        """Pair the documents that a record gives on both sides, and compare them."""
        name = place.get("output", "")
        if all(len(side) == 1 for side in texts):
            self._pair(place, texts[0][0], texts[1][0])
            return
        known = [side.get(name, _unnamed) for side in self.namers]
        pairs = pair(*map(_entries, texts, known))
        self.found.unchanged += pairs.unchanged
        for old, new in pairs.changed:
            self._pair(place, texts[0][old.start], texts[1][new.start])
        self.found.added += len(pairs.added)
        self.found.removed += len(pairs.removed)
        if telling:
            self._one_sided(place, "added", [texts[1][entry.start] for entry in pairs.added])
            self._one_sided(place, "removed", [texts[0][entry.start] for entry in pairs.removed])

    def _pair(self, place: Sample, old: bytes, new: bytes) -> None:
        if old == new:
            self.found.unchanged += 1
            return
        differences = list(differing(read_json(old), read_json(new)))
        self.found.changed += bool(differences)
        self.found.rewritten += not differences
        for change in differences:
            output = f"/{place['output']}" if "output" in place else ""
            name = output + change.field
            fields = self.found.fields
            if name not in fields and len(fields) >= MOST_FIELDS:
                name = ""
            changes = fields.setdefault(name, FieldChanges(name))
            changes.added += change.before is ABSENT
            changes.removed += change.after is ABSENT
            changes.changed += ABSENT not in (change.before, change.after)
            if len(changes.samples) < self.most:
                values = {side: shown(value) for side, value in change.values().items()}
                changes.samples.append({**place, "pointer": output + change.pointer, **values})

    def _one_sided(self, place: Sample, kind: str, texts: Sequence[bytes]) -> None:
        for text in texts:
            if sum(kind in sample for sample in self.found.documents) >= self.most:
                return
            self.found.documents.append({**place, kind: shown(read_json(text))})

    def _rejects(self, place: Sample, before: Sequence[Reject], after: Sequence[Reject]) -> None:
        old, new = [[_reasons(reject) for reject in side] for side in (before, after)]
        if old == new:
            return
        kind = "other" if old and new else "new" if new else "gone"
        self.found.new_rejects += kind == "new"
        self.found.gone_rejects += kind == "gone"
        self.found.other_rejects += kind == "other"
        if sum(sample["kind"] == kind for sample in self.found.rejects) < self.most:
            sides = {"before": _errors(before), "after": _errors(after)}
            self.found.rejects.append({**place, "kind": kind, **sides})


def _one_each(records: Records, mapped: Mapped) -> bool:
    """Tell whether every record gave one document."""
    root, counts = records.side.plan.program.outline.root, mapped.counts
    plan = records.side.plan
    several = root is None or root.documents or root.outputs or bool(plan.steps)
    return not several and counts.records == counts.used == counts.written


def _entries(texts: Sequence[bytes], name: Callable[[bytes], bytes]) -> list[Entry]:
    return [
        Entry(name(text), digest(text), 0, number, len(text)) for number, text in enumerate(texts)
    ]


def _reasons(reject: Reject) -> tuple[object, ...]:
    """Return why a record is rejected, whichever line of its context says so."""
    faults = {(fault.code, fault.message, fault.target, fault.value) for fault in reject.faults}
    return reject.record, frozenset(faults)


def _errors(rejects: Sequence[Reject]) -> list[Sample]:
    """Return the first reasons of a reject, each once."""
    found = {
        (fault.code, fault.message): {
            "code": fault.code,
            "message": fault.message,
            **({"target": fault.target} if fault.target else {}),
            **({"line": fault.source.line} if fault.source else {}),
        }
        for reject in rejects
        for fault in reversed(reject.faults)
    }
    return list(reversed(found.values()))[:_MOST_ERRORS]
