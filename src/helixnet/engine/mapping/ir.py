"""The typed form of an expression: small frozen nodes between Jinja's syntax and generated code."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Protocol

from helixnet.engine.context.model import Mark
from helixnet.engine.mapping.kinds import NUMBERS, Kind


class Op(Enum):
    """What a node does with its arguments; the comment says what ``data`` holds."""

    CONST = "const"  # the value
    NAME = "name"  # as written; gone after typing
    OUT = "out"  # the Slot that is read, or None for a name that led nowhere
    STEP = "step"  # key; of a dict, or of the one dict of a list
    READ = "read"  # (record type, field): converts the STEP below it
    TEXT_OF = "text of"  # an XML element as a value
    LIST_OF = "list of"  # XML elements as a list
    ITEM = "item"  # args: value, key or index
    SLICE = "slice"  # args: text, start or CONST None, end or CONST None
    FIELD = "field"  # FieldUse: a column of a row
    BINDING = "binding"  # Binding: a record, row, list of rows or item of an `each`
    SPECIAL = "special"  # Special: `_line`, `_pos`, …
    VAR = "var"  # name of a var
    INPUT = "input"  # name of an input
    FILTER = "filter"  # FilterCall once typed; before: Call
    TEST = "test"  # name
    NOT = "not"
    AND = "and"
    OR = "or"
    COMPARE = "compare"  # one of == != < <= > >=
    IN = "in"
    ARITHMETIC = "arithmetic"  # one of + - * /
    NEGATE = "negate"
    JOIN = "join"  # `~`
    TEMPLATE = "template"  # text with parts; a null or absent part decides the whole
    IF = "if"  # args: condition, then, else (CONST ABSENT when there is none)
    BLOCK = "block"  # `{% if %}` in a template: args: condition, then, else
    LIST = "list"
    JOINED = "a join"  # name of the join; args: its keys
    LOOP = "loop"  # `{% for %}` in a template: its number; args: list, condition, body, else
    TURN = "turn"  # Turn: the item of a loop, or which turn it is


class Shape(Protocol):
    """What a dotted step finds in a value: the fields of a row, of a segment, or anything."""

    def step(self, name: str) -> "Type | None":
        """Return the type of member ``name``; None when there is no such name."""
        ...

    def names(self) -> list[str]:
        """Return the names that exist, for suggestions; empty when they can't be known."""
        ...


@dataclass(frozen=True, slots=True)
class Type:
    """What is known of a value before it exists.

    Args:
        kind: ANY when nothing is known; then null and absent are possible too.
        null: it may be null.
        absent: it may be absent.
        shape: what a step finds; of a list: in its items.
        scale: exact number of digits after the point of a decimal, if known.
        items: kind of the items of a list of plain values.
        row: the value (the items of a list) is a row of cells, not a dict.
    """

    kind: Kind
    null: bool = False
    absent: bool = False
    shape: Shape | None = None
    scale: int | None = None
    items: Kind = Kind.ANY
    row: bool = False

    @property
    def sure(self) -> bool:
        """Whether the value is neither null nor absent and its kind is known."""
        return not (self.null or self.absent) and self.kind not in (Kind.ANY, Kind.NULL)

    @property
    def numeric(self) -> bool:
        """Whether it is a number (or null or absent)."""
        return self.kind in NUMBERS

    def maybe(self, *others: "Type") -> "Type":
        """Return the type that is null or absent also where ``others`` are."""
        null = self.null or any(other.null for other in others)
        absent = self.absent or any(other.absent for other in others)
        return replace(self, null=null, absent=absent)


ANY: Final = Type(Kind.ANY, null=True, absent=True)
BOOLEAN: Final = Type(Kind.BOOLEAN)
INTEGER: Final = Type(Kind.INTEGER)
TEXT: Final = Type(Kind.TEXT)


@dataclass(frozen=True, slots=True)
class Node:
    """One step of an expression.

    Args:
        at: offset of the node in the leaf's text.
        data: see :class:`Op`.
    """

    op: Op
    args: tuple["Node", ...] = ()
    data: object = None
    at: int = 0
    type: Type = ANY

    def typed(self, of: Type, args: tuple["Node", ...] | None = None) -> "Node":
        """Return the same step with its type known, and with typed arguments."""
        return Node(self.op, self.args if args is None else args, self.data, self.at, of)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a template reads of the loop around it.

    Args:
        loop: its number in the leaf.
        what: ``item``, or a key of :data:`TURNS`.
    """

    loop: int
    what: str


TURNS: Final = {
    "index": INTEGER,
    "index0": INTEGER,
    "length": INTEGER,
    "first": BOOLEAN,
    "last": BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A filter as written: its name, and the names of its last arguments."""

    name: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A leaf as read: its expression tree, its text and its place.

    Args:
        template: the leaf is a template and yields text.
        tight: offsets of filters that bind tighter than the arithmetic before them.
        sets: what `{% set %}` names; a value that nothing reads is checked all the same.
    """

    root: Node
    text: str
    mark: Mark
    template: bool = False
    tight: tuple[int, ...] = ()
    sets: tuple[Node, ...] = ()

    def place(self, node: Node | int) -> Mark:
        """Return where a node (or an offset) stands in the context file."""
        at = node if isinstance(node, int) else node.at
        before = self.text[:at]
        line = before.count("\n")
        column = at + self.mark.column if not line else at - before.rfind("\n")
        return Mark(self.mark.file, self.mark.line + line, column)


def join_types(left: Type, right: Type) -> Type:
    """Return the type of a value that is either ``left`` or ``right``."""
    if Kind.NULL in (left.kind, right.kind):
        other = right if left.kind is Kind.NULL else left
        return replace(other, null=True, absent=left.absent or right.absent)
    null, absent = left.null or right.null, left.absent or right.absent
    kind = left.kind
    if left.kind is not right.kind:
        kind = Kind.DECIMAL if left.numeric and right.numeric else Kind.ANY
    shape = left.shape if left.shape == right.shape and left.row is right.row else None
    scale = left.scale if left.scale == right.scale else None
    items = left.items if left.items is right.items else Kind.ANY
    return Type(kind, null, absent, shape, scale, items, left.row and shape is not None)
