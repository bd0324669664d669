"""Finds the record that gave a document, or the first one that writes a field."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from helixnet.engine.lockstep import Records, Runner
from helixnet.engine.outcome import Mapped
from helixnet.engine.output import read_json
from helixnet.engine.plan import Plan
from helixnet.engine.values.absent import ABSENT
from helixnet.errors import UsageError

_BLOCK: Final = 500  # records looked at together while the right one is sought


@dataclass(frozen=True, slots=True)
class Choice:
    """Which document is meant; by default the first that has the field.

    Args:
        record: number of a source record, from 1.
        document: number of a document of the result (of its output), from 1.
    """

    record: int | None = None
    document: int | None = None


def steps_of(pointer: str) -> list[str]:
    """Return the steps of a JSON pointer.

    Raises:
        UsageError: it is none.
    """
    if pointer and not pointer.startswith("/"):
        raise UsageError(f"{pointer!r} is no JSON pointer", hint=f"write /{pointer}")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def output_of(plan: Plan, pointer: str) -> tuple[int, list[str]]:
    """Return the number of the output that a pointer is about, and the steps in its documents.

    With ``outputs`` the first step names one.

    Raises:
        UsageError: the pointer is none, or names no output.
    """
    steps = steps_of(pointer)
    if not plan.context.named:
        return 0, steps
    names = [output.name for output in plan.context.outputs]
    if not steps or steps[0] not in names:
        known = ", ".join(f"/{name}" for name in names)
        raise UsageError(f"{pointer!r} names no output", hint=f"begin with {known}")
    return names.index(steps[0]), steps[1:]


def own_documents(mapped: Mapped, output: int) -> list[str]:
    """Return the documents of one output."""
    if not mapped.outputs:
        return mapped.documents
    pairs = zip(mapped.documents, mapped.outputs, strict=True)
    return [text for text, number in pairs if number == output]


def chosen(runner: Runner, pointer: str, choice: Choice) -> tuple[Records, int]:
    """Return the record that is meant, and which of its documents of the output, from 0.

    Raises:
        UsageError: the file has none.
    """
    output, steps = output_of(runner.plan, pointer)
    if choice.record is not None:
        one = _numbered(runner, choice.record)
        return one, _position(own_documents(one.map(), output), steps) or 0
    if choice.document is not None:
        found = _sought(runner, output, _counter(choice.document))
        if found is None:
            raise UsageError(f"the result has no document {choice.document}")
        return found
    found = _sought(runner, output, lambda texts: _position(texts, steps))
    if found is None:
        hint = "choose a record by its number: --record N"
        raise UsageError(f"no document has {pointer or 'a value'}", hint=hint)
    return found


def _numbered(runner: Runner, number: int) -> Records:
    while left := runner.left:
        if runner.record + left > number:
            runner.take(number - runner.record)
            return runner.take(1)
        runner.take(left)
    raise UsageError(f"the file has {runner.record - 1} records, no number {number}")


def _sought(
    runner: Runner, output: int, wanted: Callable[[Sequence[str]], int | None]
) -> tuple[Records, int] | None:
    """Return the first record with a document that is wanted, and which of its documents."""
    while left := runner.left:
        for one in runner.take(min(left, _BLOCK)).each():
            number = wanted(own_documents(one.map(), output))
            if number is not None:
                return one, number
    return None


def _counter(document: int) -> Callable[[Sequence[str]], int | None]:
    left = document - 1

    def wanted(texts: Sequence[str]) -> int | None:
        nonlocal left
        if left < len(texts):
            return left
        left -= len(texts)
        return None

    return wanted


def _position(texts: Sequence[str], steps: Sequence[str]) -> int | None:
    """Return which of the documents has a value at a place."""
    for number, text in enumerate(texts):
        if value_at(read_json(text), steps) is not ABSENT:
            return number
    return None


def value_at(value: Any, steps: Sequence[str]) -> Any:
    """Return the value at a place of a document; ABSENT where there is none."""
    for step in steps:
        if isinstance(value, dict):
            value = cast("dict[str, object]", value).get(step, ABSENT)
        elif isinstance(value, list) and step.isdigit():
            items = cast("list[object]", value)
            value = items[int(step)] if int(step) < len(items) else ABSENT
        else:
            return ABSENT
    return value
