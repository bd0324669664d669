"""Drift of types: declared fields of which no value at the beginning of a file can be read.

A single bad value is a reject and no drift. The beginning is counted in scanned bytes, so that
the answer does not depend on how the file comes or into which parts it is cut.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from helixnet.engine.context.model import Field, Source
from helixnet.engine.formats.drift import Drift, retyped_field
from helixnet.engine.mapping.fields import field_converter, nulls_of
from helixnet.engine.mapping.record_fields import member_reader
from helixnet.engine.values.compare import is_nothing
from helixnet.engine.values.faults import ValueFault

BEGINNING: Final = 64 * 1024
FEWEST: Final = 2
"""One unreadable value may be a slip; so many, and no other, are another type."""

Values: TypeAlias = Iterable[Mapping[str, object]]


@dataclass(slots=True)
class _Looked:
    """What was met of one field: the ``bad`` values so far, as long as no good one came."""

    read: Callable[[object], object]
    nulls: frozenset[str]
    bad: list[object] = field(default_factory=list[object])


def retyped_columns(source: Source, rows: Values) -> list[Drift]:
    """Return the declared columns of which no cell can be read."""
    readers = {field.name: field_converter(field, source) for field in _typed(source)}
    return _retyped(source, {name: read for name, read in readers.items() if read}, rows, "column")


def retyped_members(source: Source, records: Values) -> list[Drift]:
    """Return the declared fields of JSON records of which no value can be read."""
    readers = {field.name: member_reader(field, source) for field in _typed(source)}
    return _retyped(
        source, {name: read for name, read in readers.items() if read}, records, "field"
    )


def _typed(source: Source) -> list[Field]:
    fields = (source.fields or {}).values()
    return [f for f in fields if f.type not in ("string", "any") and not f.stored]


def _retyped(
    source: Source, readers: Mapping[str, Callable[..., object]], rows: Values, what: str
) -> list[Drift]:
    fields = source.fields or {}
    open_ = {n: _Looked(read, nulls_of(fields[n], source, "")) for n, read in readers.items()}
    for row in rows:
        if not open_:
            break
        for name, looked in list(open_.items()):
            value = row.get(name)
            if is_nothing(value) or (type(value) is str and value in looked.nulls):
                continue
            try:
                looked.read(value)
            except ValueFault:
                looked.bad.append(value)
            else:
                del open_[name]
    return [
        retyped_field(_words(what, fields[name], len(looked.bad)), name, looked.bad, source)
        for name, looked in open_.items()
        if len(looked.bad) >= FEWEST
    ]


def _words(what: str, field: Field, bad: int) -> str:
    return f"retyped {what} {field.name!r}: none of its first {bad} values is {_of(field)}"


def _of(field: Field) -> str:
    form = f" as {field.format}" if field.format else ""
    return f"{'an' if field.type == 'integer' else 'a'} {field.type}{form}"
