"""The typed plan of a map: a slot for each node, with its place in schema and document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from helixnet.engine.context.model import ArrayNode, EachNode, MapNode, Mark
from helixnet.engine.mapping.ir import ANY, Node, Parsed, Type
from helixnet.engine.mapping.scope import Binding, Scope
from helixnet.engine.validation.view import SchemaView

Pointer: TypeAlias = tuple[str | int, ...]


class State(Enum):
    """How far the typing of a slot is; meeting a BUSY one again is a circle."""

    NEW = 1
    BUSY = 2
    DONE = 3


@dataclass(slots=True)
class Region:
    """Slots that are computed one after the other; the order is that of their needs."""

    order: list["Slot"] = field(default_factory=list["Slot"])


@dataclass(slots=True)
class Need:
    """What of a slot is read as a value: all of it, or some members (of its items)."""

    whole: bool = False
    members: set[str] = field(default_factory=set[str])

    @property
    def any(self) -> bool:
        """Whether anything is read."""
        return self.whole or bool(self.members)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a slot goes: see the arguments of :class:`Slot`."""

    pointer: Pointer
    view: SchemaView | None
    scope: Scope
    region: Region
    item: bool = False


@dataclass(slots=True, eq=False)
class Slot:
    """A node of the map.

    Args:
        number: unique in the plan.
        node: what the context says.
        pointer: place in the document; a number stands for the index in that list slot.
        view: what the schema says here; None = nothing.
        scope: names that expressions here may use.
        region: where it is computed.
        parent: slot around it.
        item: it is an item of a list, where null stays and absent drops out.
        target: it is part of the document, not of a var.
        outputs: it is no document, and each of its members is one: what ``out`` is then.
    """

    number: int
    node: MapNode
    pointer: Pointer
    view: SchemaView | None
    scope: Scope
    region: Region
    parent: "Slot | None" = None
    item: bool = False
    target: bool = True
    outputs: bool = False
    state: State = State.NEW
    type: Type = ANY
    parsed: Parsed | None = None
    root: Node | None = None  # a leaf's expression, the list of an each, the condition of a when
    where: Node | None = None
    when: Node | None = None  # of an each
    binding: Binding | None = None  # of an each
    inner: Region | None = None  # of an each, array or when: its body's own region
    members: dict[str, "Slot"] = field(default_factory=dict[str, "Slot"])
    items: list["Slot"] = field(default_factory=list["Slot"])  # of an array; of a body: one
    need: Need = field(default_factory=Need)

    @property
    def body(self) -> "Slot":
        """The one slot below an each or when."""
        return self.items[0]

    @property
    def mark(self) -> Mark:
        """Where it stands in the context."""
        return self.node.mark

    @property
    def spliced(self) -> bool:
        """Whether this is an `each` whose items go into the list around it."""
        return self.parent is not None and isinstance(self.parent.node, ArrayNode)

    @property
    def documents(self) -> bool:
        """Whether this is the `each` that gives several documents a record."""
        top = self.parent is None or self.parent.outputs
        return top and self.target and isinstance(self.node, EachNode)

    @property
    def absent(self) -> bool:
        """Whether it may come out absent."""
        return self.type.absent


def pointer_text(pointer: Pointer, indexes: Mapping[int, int]) -> str:
    """Return a JSON pointer (RFC 6901), cut before the first list whose index is not known."""
    parts: list[str] = []
    for step in pointer:
        if isinstance(step, int):
            if step not in indexes:
                break
            parts.append(str(indexes[step]))
        else:
            parts.append(step.replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{part}" for part in parts)
