"""The elements of an XML Schema with their lines, read without DTD, entities or any other file."""

from dataclasses import dataclass, field
from typing import Final, Self
from xml.parsers import expat

from helixnet.engine.formats.idoc.segments import GrammarError

SCHEMA: Final = "http://www.w3.org/2001/XMLSchema"
_DEEPEST: Final = 200
_MOST: Final = 1_000_000
_FOREIGN: Final = "-"


@dataclass(slots=True)
class XsdNode:
    """An element of the schema language.

    Args:
        tag: local name, such as complexType; ``-`` if it is of another namespace.
        attributes: by name; those of other namespaces have it before the name.
        line: from 1.
        below: elements inside, in their order.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    below: list[Self] = field(default_factory=list[Self])

    @property
    def name(self) -> str:
        """What it declares; empty if it declares nothing by name."""
        return self.attributes.get("name", "")

    def named(self, attribute: str) -> str:
        """Return the name to which an attribute points, without its prefix; empty if none."""
        return self.attributes.get(attribute, "").rpartition(":")[2]

    def first(self, *tags: str) -> "XsdNode | None":
        """Return the first element inside that has one of these tags."""
        return next((node for node in self.below if node.tag in tags), None)


class _Building:
    """The tree while it is read."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self.begin
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.open = [XsdNode("", {}, 0)]
        self.count = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self.count += 1
        if self.count > _MOST or len(self.open) > _DEEPEST:
            raise fault(self.parser.CurrentLineNumber, "the schema is too large")
        tag = local if space == SCHEMA else _FOREIGN
        node = XsdNode(tag, attributes, self.parser.CurrentLineNumber)
        self.open[-1].below.append(node)
        self.open.append(node)

    def end(self, _name: str) -> None:
        self.open.pop()

    def refuse(self, *_declared: object) -> None:
        raise fault(self.parser.CurrentLineNumber, "a document type declaration is not allowed")


def fault(line: int, text: str) -> GrammarError:
    """Return the error for a line of a schema."""
    return GrammarError(f"line {line} of the XML Schema: {text}")


def parse_schema(data: bytes) -> XsdNode:
    """Return the element ``schema`` with all that is in it.

    Raises:
        GrammarError: it is not well-formed, no schema, has a document type, or is too large.
    """
    building = _Building()
    try:
        building.parser.Parse(data, True)  # noqa: FBT003 - expat takes it by position only
    except expat.ExpatError as error:
        raise fault(error.lineno, expat.ErrorString(error.code)) from error
    except (LookupError, ValueError) as error:  # an encoding that is unknown, or has many bytes
        raise fault(1, str(error)) from error
    root = building.open[0].below[0]
    if root.tag != "schema":
        raise fault(root.line, "this is no XML Schema: its root is not xsd:schema")
    return root
