"""Drift of types: declared fields of which no value at the beginning of a file can be read.

A single bad value is a reject and no drift. The beginning is counted in scanned bytes, so that
the answer does not depend on how the file comes or into which parts it is cut.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from helixnet.engine.context.model import Field, Source
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
    """What was met of one field; ``bad`` values so far, as long as no good one came."""

    read: Callable[[object], object]
    nulls: frozenset[str]
    bad: int = 0


def retyped_columns(source: Source, rows: Values) -> list[str]:
    """Return the declared columns of which no cell can be read, in words."""
    readers = {field.name: field_converter(field, source) for field in _typed(source)}
    return _retyped(source, {name: read for name, read in readers.items() if read}, rows, "column")


def retyped_members(source: Source, records: Values) -> list[str]:
    """Return the declared fields of JSON records of which no value can be read, in words."""
    readers = {field.name: member_reader(field, source) for field in _typed(source)}
    return _retyped(
        source, {name: read for name, read in readers.items() if read}, records, "field"
    )


def _typed(source: Source) -> list[Field]:
    return [f for f in (source.fields or {}).values() if f.type not in ("string", "any")]


def _retyped(
    source: Source, readers: Mapping[str, Callable[..., object]], rows: Values, what: str
) -> list[str]:
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
                looked.bad += 1
            else:
                del open_[name]
    return [
        f"retyped {what} {name!r}: none of its first {looked.bad} values is {_of(fields[name])}"
        for name, looked in open_.items()
        if looked.bad >= FEWEST
    ]


def _of(field: Field) -> str:
    form = f" as {field.format}" if field.format else ""
    return f"{'an' if field.type == 'integer' else 'a'} {field.type}{form}"
