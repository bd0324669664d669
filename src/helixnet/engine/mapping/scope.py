"""Which names an expression may use at its place, and what each of them is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from helixnet.engine.mapping.ir import Type
from helixnet.engine.mapping.kinds import Kind

SPECIALS: Final[dict[str, Type]] = {
    "_line": Type(Kind.INTEGER),
    "_file": Type(Kind.TEXT),
    "_pos": Type(Kind.INTEGER),
    "_index": Type(Kind.INTEGER),
}
NEIGHBOURS: Final = ("_prev", "_next")


class Role(Enum):
    """What a binding stands for."""

    RECORD = "record"
    HEADER = "header"  # the first row of a group
    LINES = "lines"  # the rows of a group
    ITEM = "item"  # the item of an `each`
    DOCUMENT = "document"  # what is finished, where `out` is read after the map


@dataclass(frozen=True, slots=True)
class Binding:
    """A value of the source that expressions name: a record, or the item of an `each`.

    Args:
        number: unique in the plan; the record is 0, the header of a group 1.
        type: what it is.
        outer: the binding around it; None for the record.
    """

    number: int
    role: Role
    type: Type
    outer: "Binding | None" = None


@dataclass(frozen=True, slots=True)
class Special:
    """A position or neighbour of a binding, such as `_line`, `_pos` or `_prev`."""

    binding: Binding
    name: str


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A column that an expression reads.

    Args:
        binding: whose row it is; None when the row is computed (`_prev`, `first`, …).
        name: of the column.
    """

    binding: Binding | None
    name: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The names at one place of the map.

    Args:
        names: bindings by name.
        bare: bindings whose members need no prefix, innermost first.
        here: what `_line` and `_pos` speak of.
        region: number of the slot in whose item `this` is looked up; -1 = the document.
        this: path of the object being built, from the region's root.
        place: blocks around: ("each" | "when" | "where", slot number), outermost first.
        built: whether `out` and `this` may be read (not in vars, where, skip_when).
    """

    names: Mapping[str, Binding]
    bare: tuple[Binding, ...]
    here: Binding
    region: int = -1
    this: tuple[str, ...] = ()
    place: tuple[tuple[str, int], ...] = ()
    built: bool = True

    def item(self, binding: Binding, name: str | None, slot: int) -> "Scope":
        """Return the scope inside an `each`, named or not."""
        names = {**self.names, name: binding} if name else self.names
        bare = self.bare if name else (binding, *self.bare)
        place = (*self.place, ("each", slot))
        return replace(
            self, names=names, bare=bare, here=binding, region=slot, this=(), place=place
        )

    def inside(self, block: str, slot: int) -> "Scope":
        """Return the scope inside the condition or body of a block."""
        return replace(self, place=(*self.place, (block, slot)))

    def at(self, name: str) -> "Scope":
        """Return the scope of the object under key ``name`` of the object being built."""
        return replace(self, this=(*self.this, name))
