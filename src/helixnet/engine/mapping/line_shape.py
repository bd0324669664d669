"""Records of several lines: what a step into a line finds, and how its declared fields are read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from helixnet.engine.context.model import Field, RecordType, Source
from helixnet.engine.mapping.infer.elements import is_element
from helixnet.engine.mapping.ir import Shape, Type
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.record_fields import Read, member_reader
from helixnet.engine.mapping.shapes import field_kind
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.faults import ValueFault

Member: TypeAlias = tuple[str, str]
"""A record type and one of its fields."""

_LINE: Final = "_line"


@dataclass(frozen=True, slots=True)
class LineShape:
    """A line of a record type: its fields, and the lists of lines below it.

    Args:
        source: the contract.
        name: of the type.
    """

    source: Source
    name: str

    @property
    def _type(self) -> RecordType:
        return (self.source.records or {})[self.name]

    def field(self, name: str) -> Field | None:
        """Return a declared field; None if there is none of this name."""
        return self._type.fields.get(name)

    def step(self, name: str) -> Type | None:
        """Return the type of a field, a list of lines for a type below."""
        if name in self._type.children:
            return Type(Kind.LIST, absent=True, shape=LineShape(self.source, name))
        if name == _LINE:
            return Type(Kind.INTEGER)
        field = self.field(name)
        if field is None:
            return None
        null = bool(self.source.nulls) and not field.required
        return Type(field_kind(field.type), null, scale=field.scale)

    def names(self) -> list[str]:
        """Return the names of children and fields."""
        return [*self._type.children, *self._type.fields]

    def converts(self, name: str) -> bool:
        """Tell whether a field is not taken as it stands."""
        field = self.field(name)
        return field is not None and (
            field.type != "string" or field.required or bool(self.source.nulls)
        )

    def reads(self) -> bool:
        """Tell whether any field is not taken as it stands."""
        return any(map(self.converts, self._type.fields))


@dataclass(frozen=True, slots=True)
class LinesShape:
    """A record: its root line, and the lines that stand once in the file.

    Args:
        source: the contract.
        roots: names of the types that a record begins with.
    """

    source: Source
    roots: tuple[str, ...]

    @property
    def name(self) -> str:
        """Empty, as that of the root of segments."""
        return ""

    def step(self, name: str) -> Type | None:
        """Return the type of a line: that of a record which may begin otherwise can be absent."""
        one = (self.source.records or {}).get(name)
        if one is None or not (one.once or name in self.roots):
            return None
        several = len(self.roots) > 1 and not one.once
        return Type(Kind.OBJECT, absent=several, shape=LineShape(self.source, name))

    def names(self) -> list[str]:
        """Return the names of the lines."""
        once = [one.name for one in (self.source.records or {}).values() if one.once]
        return [*self.roots, *once]


def converted(shape: Shape | None, name: str) -> Member | None:
    """Return which field a step reads, if it is one that is not taken as it stands."""
    if isinstance(shape, LineShape) and shape.converts(name):
        return shape.name, name
    return None


def reads_lines(of: Type) -> bool:
    """Tell whether the items of a list have fields that are not taken as they stand."""
    return is_element(of) or (isinstance(of.shape, LineShape) and of.shape.reads())


def line_readers(source: Source) -> dict[Member, Read]:
    """Return the function that reads each field which is not taken as it stands."""
    found: dict[Member, Read] = {}
    for one in (source.records or {}).values():
        for field in one.fields.values():
            read = member_reader(field, source)
            if read is not None and LineShape(source, one.name).converts(field.name):
                found[one.name, field.name] = read
    return found


@dataclass(frozen=True, slots=True)
class LineField:
    """Reads a field of a line: what filters call for each item of a list."""

    name: str
    read: Read

    def __call__(self, line: Any) -> object:
        """Return the value; of nothing it is absent."""
        if type(line) is not dict:
            return ABSENT
        return self.read(cast("dict[str, object]", line).get(self.name, ABSENT))


def required_fields(source: Source) -> dict[str, list[tuple[str, Read]]]:
    """Return the required fields of each type, with what reads them."""
    readers = line_readers(source)
    found: dict[str, list[tuple[str, Read]]] = {}
    for one in (source.records or {}).values():
        names = [field.name for field in one.fields.values() if field.required]
        if names:
            found[one.name] = [(name, readers[one.name, name]) for name in names]
    return found


def lines_of(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every line of a record, a line before those below it."""
    for value in record.values():
        several = cast("list[object]", value) if type(value) is list else [value]
        for below in several:
            if type(below) is dict:
                line = cast("dict[str, Any]", below)
                yield line
                yield from lines_of(line)


def check_required_lines(
    notes: list[Any],
    record: Mapping[str, Any],
    wanted: Mapping[str, list[tuple[str, Callable[[object], object]]]],
    numbers: Mapping[Member, int],
) -> None:
    """Note every line of a record that lacks a required value."""
    for line in lines_of(record):
        for name, read in wanted.get(line["_name"], ()):
            try:
                read(line.get(name, ABSENT))
            except ValueFault as error:
                if error.code == "HX-1101":
                    notes.append((numbers[line["_name"], name], error, (), line))


def read_lines(
    record: Mapping[str, Any], readers: Mapping[Member, Read]
) -> tuple[dict[str, Any], list[tuple[Any, str, ValueFault]]]:
    """Return a record with all fields of its lines read, and line, field and fault of each bad one.

    Args:
        record: as it was read from the file.
        readers: of fields that are not taken as they stand.
    """
    wrong: list[tuple[Any, str, ValueFault]] = []

    def of(line: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in line.items():
            if type(value) is list:
                found[name] = [of(below) for below in cast("list[dict[str, Any]]", value)]
                continue
            read = readers.get((line["_name"], name))
            try:
                found[name] = value if read is None else read(value)
            except ValueFault as fault:
                wrong.append((line, name, fault))
        return found

    return {name: of(line) for name, line in record.items()}, wrong
