"""What a name or a dotted step finds: columns of a row, members of a segment, any key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from helixnet.engine.context.model import Field, Mark, Source
from helixnet.engine.formats.grammar import Grammar
from helixnet.engine.mapping.ir import ANY, Shape, Type
from helixnet.engine.mapping.kinds import Kind

_NOWHERE: Final = Mark("", 0, 0)
_KINDS: Final = {
    "string": Kind.TEXT,
    "integer": Kind.INTEGER,
    "decimal": Kind.DECIMAL,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "datetime": Kind.DATETIME,
}


def field_kind(name: str) -> Kind:
    """Return the kind of value that a declared type such as ``decimal`` gives."""
    return _KINDS[name]


@dataclass(frozen=True, slots=True)
class RowShape:
    """A row of cells: its columns are declared, or told by headers, or not known yet.

    Args:
        declared: fields of the context, by name.
        header: the columns; None while they are not known.
        nulls: some texts mean null.
    """

    declared: Mapping[str, Field]
    header: tuple[str, ...] | None
    nulls: bool

    def field(self, name: str) -> Field:
        """Return the declared field, or one of text."""
        return self.declared.get(name) or Field(name, _NOWHERE)

    def step(self, name: str) -> Type | None:
        """Return the type of a column."""
        known = self.declared or self.header
        if known is not None and name not in known:
            return None
        field = self.field(name)
        null = self.nulls and not field.required
        return Type(_KINDS[field.type], null, scale=field.scale)

    def names(self) -> list[str]:
        """Return the columns that are known."""
        return list(self.declared or self.header or ())


@dataclass(frozen=True, slots=True)
class SegmentShape:
    """A node of a grammar, such as a segment, with its fields and children.

    Args:
        grammar: of the file.
        name: id of the node in the grammar; empty is the record's root.
    """

    grammar: Grammar
    name: str

    def step(self, name: str) -> Type | None:
        """Return text for a field, a list of nodes for a child."""
        child = self.grammar.child(self.name, name)
        if child is not None:
            return Type(Kind.LIST, absent=True, shape=SegmentShape(self.grammar, child))
        if self.grammar.field(self.name, name):
            return Type(Kind.TEXT, absent=True)
        if name == "_line":
            return Type(Kind.INTEGER, absent=True)
        return None

    def names(self) -> list[str]:
        """Return the names of children and fields."""
        return list(self.grammar.names(self.name))


@dataclass(frozen=True, slots=True)
class RecordShape:
    """A JSON record: its members are those of an object, some of them declared.

    Args:
        declared: fields of the context, by name.
        known: names declared or seen in samples; None = any name may be.
        nulls: some texts mean null.
    """

    declared: Mapping[str, Field]
    known: frozenset[str] | None = None
    nulls: bool = False

    @property
    def raw(self) -> bool:
        """Whether every member is taken as it is."""
        return not self.nulls and not any(map(self.converts, self.declared))

    def converts(self, name: str) -> bool:
        """Tell whether a member is not taken as it is."""
        field = self.declared.get(name)
        return self.nulls or (field is not None and (field.required or field.type != "any"))

    def step(self, name: str) -> Type | None:
        """Return the declared type of a member, else the one that could be anything."""
        field = self.declared.get(name)
        if field is None or field.type == "any":
            return ANY if self.known is None or name in self.known else None
        open_ = not field.required
        return Type(_KINDS[field.type], open_, open_, scale=field.scale)

    def names(self) -> list[str]:
        """Return the names that are known."""
        return sorted(self.known or ())


@dataclass(frozen=True, slots=True)
class DictShape:
    """An object that the context itself builds, in `out`, `this` or a var."""

    members: Mapping[str, Type]

    def step(self, name: str) -> Type | None:
        """Return the type of a member."""
        return self.members.get(name)

    def names(self) -> list[str]:
        """Return the names of the members."""
        return list(self.members)


def has_path(shape: Shape, name: str) -> bool:
    """Tell whether a member may be called so, or a dotted path lead to one through nodes."""
    if shape.step(name) is not None:
        return True
    head, dot, rest = name.partition(".")
    if not dot or not isinstance(shape, SegmentShape):
        return bool(dot)
    below = shape.step(head)
    return below is not None and below.shape is not None and has_path(below.shape, rest)


def row_shape(source: Source, header: Sequence[str] | None) -> RowShape:
    """Return the shape of a row of a CSV file with this header, or of any."""
    known = tuple(header) if header is not None else None
    return RowShape(source.fields or {}, known, bool(source.nulls))


def near(name: str, names: Sequence[str]) -> str:
    """Return a hint that shows the nearest known name, or the first few."""
    close = get_close_matches(name, names, 1, 0.6) or [
        known for known in names if known.lower() == name.lower()
    ]
    close = close or [known for known in names if known.rpartition(".")[2] == name]
    if close:
        return f"did you mean {close[0]}?"
    return "known are " + ", ".join(list(names)[:8]) if names else ""


def shape_names(shape: Shape | None) -> list[str]:
    """Return the names in a shape, none when it is not known."""
    return shape.names() if shape is not None else []
