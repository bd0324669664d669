"""The typing of one leaf: where it stands, what it may see, what was found wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Protocol, TypeAlias

from helixnet.engine.context.model import ContextProblem, Join, Lookup
from helixnet.engine.mapping.infer.elements import ELEMENT, as_value, is_element
from helixnet.engine.mapping.ir import ANY, Node, Parsed, Type
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.scope import Scope
from helixnet.engine.values.absent import ABSENT

_OF_VALUE: Final[dict[type, Kind]] = {
    str: Kind.TEXT,
    int: Kind.INTEGER,
    Decimal: Kind.DECIMAL,
    bool: Kind.BOOLEAN,
    list: Kind.LIST,
    dict: Kind.OBJECT,
}


class World(Protocol):
    """What the typing of one leaf needs to know of the rest of the context."""

    @property
    def lookups(self) -> Mapping[str, Lookup]:
        """Tables by name."""
        ...

    @property
    def inputs(self) -> Mapping[str, Type]:
        """Declared inputs."""
        ...

    @property
    def vars(self) -> Mapping[str, object]:
        """Declared vars; only their names count here."""
        ...

    @property
    def joins(self) -> Mapping[str, Join]:
        """Second files by name."""
        ...

    @property
    def join_types(self) -> Mapping[str, Type]:
        """What each join gives."""
        ...

    @property
    def settled(self) -> set[str]:
        """Names of the joins that something reads; to be added to."""
        ...

    def leafing(
        self, parsed: Parsed, scope: Scope, problems: list[ContextProblem] | None = None
    ) -> "Leafing":
        """Return what the typing of a leaf needs."""
        ...

    def var_type(self, name: str) -> Type | None:
        """Type a var; None (and a problem) when it needs itself."""
        ...

    def read_built(
        self, leaf: "Leafing", base: Node, keys: list[tuple[str, int]]
    ) -> tuple[Node, int]:
        """Type a path from `out` or `this`; return the node and how many keys it took."""
        ...


Typer: TypeAlias = Callable[["Leafing", Node], Node]


@dataclass(slots=True)
class Leafing:
    """The typing of one leaf: where it stands, what it may see, what was found wrong."""

    parsed: Parsed
    scope: Scope
    world: World
    problems: list[ContextProblem]
    typer: "Typer"
    turns: dict[int, Type] = field(default_factory=dict[int, Type])  # items of loops, by number

    def typed(self, node: Node) -> Node:
        """Type one node and all below it, as a value."""
        return as_value(self.typer(self, node))

    def plain(self, node: Node) -> Node:
        """Type a node whose value is used as it is: a quotient is a problem."""
        return as_value(self.raw(node))

    def raw(self, node: Node) -> Node:
        """Type a plain node that is gone into or through, so that an element stays one."""
        found = self.typer(self, node)
        if found.type.kind is Kind.QUOTIENT:
            self.unrounded(found)
            return replace(found, type=replace(found.type, kind=Kind.DECIMAL))
        return found

    def all(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        """Type several plain nodes."""
        return tuple(self.plain(node) for node in nodes)

    def unrounded(self, node: Node) -> None:
        """Say that a quotient stands where a number must."""
        self.problem("HX-4109", node, "the quotient is not rounded", "write (a / b) | round(2)")

    def problem(
        self, code: str, at: Node | int, message: str, hint: str = "", *, warning: bool = False
    ) -> None:
        """Note a problem at a node of this leaf."""
        place = self.parsed.place(at)
        severity = "warning" if warning else "error"
        self.problems.append(ContextProblem(place, code, message, hint, severity))


def value_type(value: object) -> Type:
    """Return the type of a value that is known before any record."""
    if value is None:
        return Type(Kind.NULL, null=True)
    if value is ABSENT:
        return Type(Kind.NULL, absent=True)
    return Type(_OF_VALUE.get(type(value), Kind.ANY))


def item_type(of: Type) -> Type:
    """Return the type of the items of a list."""
    if is_element(of):
        return ELEMENT
    if of.shape is not None:
        return Type(Kind.OBJECT, shape=of.shape, row=of.row)
    return ANY if of.items is Kind.ANY else Type(of.items)
