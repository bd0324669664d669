"""Where a value of a record stands in its file: searched only when something is wrong."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, cast

from helixnet.engine.source import Batch

Step: TypeAlias = str | tuple[tuple[str, object], ...]
"""A key, or the conditions by which one item of a list is chosen."""


def item_number(record: Any, item: Any) -> int:
    """Return which row of a group ``item`` is, by identity; 0 when it is none."""
    rows = cast("list[object]", record) if type(record) is list else []
    if not rows or item is record or type(rows[0]) is str:
        return 0
    return next((number for number, row in enumerate(rows) if row is item), 0)


def line_of(batch: Batch, index: int, record: Any, item: Any) -> int:
    """Return the physical line of a record, row of a group, or segment."""
    if type(item) is dict:
        line = cast("dict[str, object]", item).get("_line")
        if type(line) is int:
            return line
    return batch.line(index, item_number(record, item))


def pointer_of(record: Any, item: Any) -> str | None:
    """Return the JSON pointer of a node within a nested record, by identity; None if not there."""
    return next(_search(record, item, ""), None)


def _search(value: Any, item: Any, pointer: str) -> Iterator[str]:
    if value is item:
        yield pointer
    elif type(value) is dict:
        for key, below in cast("dict[str, object]", value).items():
            if type(below) in (dict, list):
                yield from _search(below, item, f"{pointer}/{_escaped(key)}")
    elif type(value) is list:
        for number, below in enumerate(cast("list[object]", value)):
            if type(below) in (dict, list):
                yield from _search(below, item, f"{pointer}/{number}")


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def descend(record: Any, steps: Sequence[Step], pointer: str) -> str:
    """Return the pointer of what ``steps`` lead to, as far as the record has it."""
    value: object = record
    left = list(reversed(steps))
    while left:
        step = left.pop()
        conditions = step if isinstance(step, tuple) else ()
        if type(value) is list:
            items = cast("list[object]", value)
            number = next((n for n, each in enumerate(items) if _meets(each, conditions)), None)
            if number is None:
                break
            value, pointer = items[number], f"{pointer}/{number}"
        if isinstance(step, tuple):
            continue
        known = _fields(value)
        if step not in known:
            head, dot, rest = step.partition(".")
            if not dot or head not in known:
                break
            left += (rest, head)
            continue
        value, pointer = known[step], f"{pointer}/{_escaped(step)}"
    return pointer


def value_of(record: Any, pointer: str) -> Any:
    """Return what a pointer that :func:`descend` gave leads to."""
    value: Any = record
    for part in pointer.split("/")[1:]:
        if type(value) is list:
            value = cast("list[Any]", value)[int(part)]
        else:
            value = cast("dict[str, Any]", value)[part.replace("~1", "/").replace("~0", "~")]
    return value


def _meets(item: object, conditions: Sequence[tuple[str, object]]) -> bool:
    """Tell whether an item looks like the one selected; good enough to show a place."""
    return all(wanted is None or _reached(item, name) == wanted for name, wanted in conditions)


def _reached(item: object, name: str) -> object:
    """Return a field of a node, by its name or by a dotted path through one node each."""
    if type(item) is list:
        items = cast("list[object]", item)
        return _reached(items[0], name) if items else None
    fields = _fields(item)
    head, dot, rest = name.partition(".")
    return fields[name] if name in fields else _reached(fields.get(head), rest) if dot else None


def _fields(node: object) -> dict[str, object]:
    return cast("dict[str, object]", node) if type(node) is dict else {}
