"""XML elements in expressions: what a step finds, and how an element is a value or a list.

A record of XML holds an element as its text, as a node (``{"@id": …, "#text": …, "Child": …}``),
or as a list where several have one name. Which of them it is depends on the file, so expressions
never see it: where a value is needed a text-only element is its text, where a list is needed a
single element is a list of one.
"""

from dataclasses import dataclass
from typing import Any, Final, cast

from helixnet.engine.mapping.ir import Node, Op, Type
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.compare import type_name
from helixnet.engine.values.faults import ValueFault, shown

_TEXT: Final = "#text"


@dataclass(frozen=True, slots=True)
class ElementShape:
    """An XML element: any name may be in it, but those of the record are known from samples.

    Args:
        known: names seen in samples; None = any may be.
    """

    known: frozenset[str] | None = None

    def step(self, name: str) -> Type | None:
        """Return the type of a child or attribute: an element, of which nothing is known."""
        if self.known is not None and name not in self.known and name != _TEXT:
            return None
        return _OWN if name.startswith(("@", "#")) else ELEMENT

    def names(self) -> list[str]:
        """Return the names that are known."""
        return sorted(self.known or ())


ELEMENT: Final = Type(Kind.ANY, null=True, absent=True, shape=ElementShape())
_OWN: Final = Type(Kind.TEXT, null=True, absent=True)
_VALUE: Final = Type(Kind.ANY, null=True, absent=True)
_LIST: Final = Type(Kind.LIST, absent=True, shape=ElementShape())


def is_element(of: Type) -> bool:
    """Tell whether a value is an element, or a list of elements."""
    return isinstance(of.shape, ElementShape)


def as_value(node: Node) -> Node:
    """Return a node whose value is used as it is: an element is then its text."""
    if not is_element(node.type) or node.type.kind is Kind.OBJECT:
        return node
    several = node.type.kind is Kind.LIST
    found = Type(Kind.LIST, absent=node.type.absent) if several else _VALUE
    return Node(Op.TEXT_OF, (node,), None, node.at, found)


def as_list(node: Node) -> Node:
    """Return a node whose value is gone through: a single element is then a list of one."""
    if not is_element(node.type) or node.type.kind is not Kind.ANY:
        return node
    return Node(Op.LIST_OF, (node,), None, node.at, _LIST)


def text_of(value: Any) -> Any:
    """Return the text of an element that has only text; of several elements a list."""
    if type(value) is str or value is None or value is ABSENT:
        return value
    found: Any = value
    if type(value) is list:
        return [text_of(item) for item in cast("list[object]", value)]
    if type(value) is dict and _TEXT in value:
        node = cast("dict[str, object]", value)
        if all(name.startswith(("@", "#")) for name in node):
            return node[_TEXT]
    return found


def list_of(value: Any) -> Any:
    """Return elements as a list; null and absent pass."""
    plain: Any = value
    return plain if type(value) is list or value is None or value is ABSENT else [plain]


def step_in(value: Any, key: str) -> Any:
    """Take a child or attribute of an element: absent where there is none.

    Raises:
        ValueFault: HX-2003 of several elements, HX-2007 through what is no element.
    """
    if type(value) is dict:
        return cast("dict[str, object]", value).get(key, ABSENT)
    if value is None or value is ABSENT:
        return ABSENT
    if type(value) is str:
        return value if key == _TEXT else ABSENT
    if type(value) is list:
        items = cast("list[object]", value)
        if len(items) == 1:
            return step_in(items[0], key)
        if not items:
            return ABSENT
        text = f"`.{key}` of {len(items)} elements: it must be one"
        raise ValueFault("HX-2003", text, None, "select one: one(…), first, each")
    text = f"`.{key}` goes through {type_name(value)} {shown(value)}"
    raise ValueFault("HX-2007", text, value, "correct the path")


@dataclass(frozen=True, slots=True)
class ElementField:
    """Reads a child, attribute or dotted path of an element: what filters call for each item."""

    name: str

    def __call__(self, item: Any) -> Any:
        """Return the value; absent where there is none."""
        if type(item) is dict and self.name in item:
            return text_of(cast("dict[str, object]", item)[self.name])
        value: Any = cast("object", item)
        for key in self.name.split("."):
            value = step_in(value, key)
        return text_of(value)
