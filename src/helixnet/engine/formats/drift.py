"""What differs from a contract, and the change of the contract that would allow for it.

A proposed change is an operation of JSON Patch (RFC 6902) on the context, read as data.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from helixnet.engine.context.model import Field, Mark, Source
from helixnet.engine.mapping.fields import field_converter
from helixnet.engine.mapping.slots import pointer_text
from helixnet.engine.values.compare import is_nothing
from helixnet.engine.values.faults import ValueFault

Patch: TypeAlias = Mapping[str, object]

MOST_OPERATIONS: Final = 100
_NOWHERE: Final = Mark("", 0, 0)
_PADDED: Final = re.compile(r"-?0[0-9]")  # a key such as 007 is a text
_JSON_TYPES: Final[Mapping[frozenset[type], Patch]] = {
    frozenset({int}): {"type": "integer"},
    frozenset({Decimal}): {"type": "decimal"},
    frozenset({int, Decimal}): {"type": "decimal"},
    frozenset({bool}): {"type": "boolean"},
}
_PROPOSED: Final[Sequence[Mapping[str, str]]] = (  # the strictest first; numbers are two
    {"type": "integer"},
    {"type": "decimal"},
    {"type": "date", "format": "%Y-%m-%d"},
    {"type": "date", "format": "%d.%m.%Y"},
    {"type": "date", "format": "%Y%m%d"},
)


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference.

    Args:
        text: in words.
        patch: the proposed change; None where none follows from the file.
    """

    text: str
    patch: Patch | None = None


def unknown_field(what: str, name: str, values: Iterable[object], source: Source) -> Drift:
    """Return the drift of a column or field that is not declared, with its first values."""
    return _typed(f"unknown {what} {name!r}", "add", name, _type_of(values, source))


def missing_field(what: str, name: str, used: Collection[str] | None) -> Drift:
    """Return the drift of a declared column or field that is not there.

    Args:
        what: ``column`` or ``field``.
        name: of it.
        used: those that the mapping reads, which has to change first; None = perhaps all.
    """
    needed = used is None or name in used
    return Drift(f"missing {what} {name!r}", None if needed else _operation("remove", name))


def retyped_field(text: str, name: str, values: Iterable[object], source: Source) -> Drift:
    """Return the drift of a declared column or field whose values are of another type."""
    return _typed(text, "replace", name, _type_of(values, source))


def parted_group(key: str) -> Drift:
    """Return the drift of a file where lines of one key stand apart and neighbours are wanted."""
    text = f"the key {key!r} stands again after others: its lines are several records"
    return Drift(text, {"op": "add", "path": "/group/order", "value": "keyed"})


def words_of(drift: Sequence[Drift]) -> list[str]:
    """Return the differences in words."""
    return [each.text for each in drift]


def patch_of(drift: Sequence[Drift]) -> list[Patch]:
    """Return the proposed changes together, the first hundred."""
    return [each.patch for each in drift if each.patch is not None][:MOST_OPERATIONS]


def _typed(text: str, op: str, name: str, of: Patch | None) -> Drift:
    return Drift(text, None if of is None else _operation(op, name) | {"value": of})


def _operation(op: str, name: str) -> dict[str, object]:
    return {"op": op, "path": "/source/fields" + pointer_text((name,), {})}


def _type_of(values: Iterable[object], source: Source) -> Patch | None:
    """Return the strictest type that reads all of the values as they are; None for no one type."""
    found = [value for value in values if not is_nothing(value)]
    texts = [value for value in found if isinstance(value, str)]
    if not texts and found:
        return _JSON_TYPES.get(frozenset(map(type, found)))
    if len(texts) < len(found):
        return None
    texts = [text for text in texts if text and text not in source.nulls]
    known = _PROPOSED[2 if any(map(_PADDED.match, texts)) else 0 :] if texts else ()
    return next((each for each in known if _reads(each, source, texts)), {"type": "string"})


def _reads(proposed: Mapping[str, str], source: Source, texts: Sequence[str]) -> bool:
    field = Field("", _NOWHERE, type=proposed["type"], format=proposed.get("format"))
    convert = field_converter(field, source)
    try:
        return convert is not None and all(convert(text) is not None for text in texts)
    except ValueFault:
        return False
