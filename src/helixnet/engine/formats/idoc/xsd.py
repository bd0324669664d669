"""Reads the XML Schema of an IDoc type, as SAP exports it (transaction WE60, XML Schema).

The root element is called as the IDoc type and holds ``IDOC``. In it, an element with elements of
its own is a segment and any other a field, whose length is its ``maxLength`` or ``length``.
"""

from collections.abc import Iterator
from typing import Final

from helixnet.engine.formats.idoc.segments import (
    CONTROL_FIELDS,
    DATA_LENGTH,
    DATA_START,
    GrammarError,
    SegmentDraft,
    fields_of,
)
from helixnet.engine.formats.idoc.xsd_tree import XsdNode, fault, parse_schema

_CONTROL: Final = "EDI_DC40"
_MODELS: Final = ("sequence", "choice", "all")
_LENGTHS: Final = ("maxLength", "length")
_ELSEWHERE: Final = ("include", "import", "redefine")
_DEEPEST: Final = 60  # segments under segments, types of types
_MOST: Final = 200_000  # segments and fields, however often types are used


class _Schema:
    """The declarations of a schema by name, and the segments found so far."""

    def __init__(self, root: XsdNode) -> None:
        if far := root.first(*_ELSEWHERE):
            raise fault(far.line, f"xsd:{far.tag} is not followed: export the type as one file")
        self.elements = {node.name: node for node in root.below if node.tag == "element"}
        self.complex = {node.name: node for node in root.below if node.tag == "complexType"}
        self.simple = {node.name: node for node in root.below if node.tag == "simpleType"}
        self.drafts = {"": SegmentDraft()}
        self.planted: set[tuple[str, int]] = set()
        self.count = 0

    def declared(self, node: XsdNode) -> XsdNode:
        """Follow ``ref`` to the global element."""
        name = node.named("ref")
        if not name:
            return node
        if name not in self.elements:
            raise fault(node.line, f"there is no element {name!r}")
        return self.elements[name]

    def content(self, node: XsdNode) -> XsdNode | None:
        """Return the complex type of an element; None if it is a field."""
        return node.first("complexType") or self.complex.get(node.named("type"))

    def inside(self, kind: XsdNode) -> Iterator[XsdNode]:
        """Give the elements of a complex type in their order, through nested models."""
        if odd := kind.first("complexContent", "simpleContent", "group"):
            raise fault(odd.line, f"xsd:{odd.tag} is not of an IDoc type that SAP exports")
        for node in kind.below:
            if node.tag == "element":
                yield self.declared(node)
            elif node.tag in _MODELS:
                yield from self.inside(node)

    def length(self, node: XsdNode) -> int | None:
        """Return the length of a field; None if nothing restricts it."""
        simple = node.first("simpleType") or self.simple.get(node.named("type"))
        for _ in range(_DEEPEST):
            restriction = simple.first("restriction") if simple else None
            if restriction is None:
                return None
            if facet := restriction.first(*_LENGTHS):
                return _number(facet)
            simple = restriction.first("simpleType") or self.simple.get(restriction.named("base"))
        return None

    def plant(self, kind: XsdNode, parent: str, deep: int = 0) -> None:
        """Put the elements of a complex type under a segment: fields into it, segments below."""
        if deep > _DEEPEST:
            raise fault(kind.line, f"segments nest at most {_DEEPEST} deep")
        draft, place = self.drafts[parent], DATA_START
        for node in self.inside(kind):
            self.count += 1
            if self.count > _MOST:
                raise fault(node.line, "the schema has too many segments and fields")
            below = self.content(node)
            if below is not None:
                draft.children.append(node.name)
                self._begin(node, below, deep)
            elif parent:
                place = self._add(draft, node, parent, place)

    def _begin(self, node: XsdNode, kind: XsdNode, deep: int) -> None:
        name = node.name
        if name == _CONTROL or (name, id(kind)) in self.planted:
            return
        self.planted.add((name, id(kind)))
        before = self.drafts.get(name)
        self.drafts[name] = SegmentDraft(children=before.children if before else [])
        self.plant(kind, name, deep + 1)
        if before is not None and before.fields != self.drafts[name].fields:
            raise fault(node.line, f"the segment {name} has other fields than before")

    def _add(self, draft: SegmentDraft, node: XsdNode, segment: str, place: int) -> int:
        length = self.length(node)
        if length is None:
            raise fault(
                node.line,
                f"the field {node.name} of {segment} has no maxLength, so a flat IDoc can't be cut",
            )
        if node.name in draft.fields:
            raise fault(node.line, f"the field {node.name} stands twice in {segment}")
        draft.fields[node.name] = (place, place + length)
        return place + length


def _number(facet: XsdNode) -> int:
    value = facet.attributes.get("value", "").strip()
    if not (value.isascii() and value.isdecimal() and 0 < int(value[:9]) <= DATA_LENGTH):
        raise fault(facet.line, f"{value!r} is not the length of a field")
    return int(value)


def parse_xsd(data: bytes) -> tuple[str, dict[str, SegmentDraft]]:
    """Return the IDoc type and its segments.

    Occurrences (minOccurs, maxOccurs) are not part of a grammar.

    Raises:
        GrammarError: this is not the schema of an IDoc type, or a field has no length; with line.
    """
    schema = _Schema(parse_schema(data))
    for name, root in schema.elements.items():
        kind = schema.content(root)
        idoc = next((n for n in schema.inside(kind) if n.name == "IDOC"), None) if kind else None
        body = schema.content(idoc) if idoc is not None else None
        if body is not None:
            schema.plant(body, "")
            schema.drafts[_CONTROL] = SegmentDraft(fields_of(CONTROL_FIELDS, 0))
            if _CONTROL not in schema.drafts[""].children:
                schema.drafts[""].children.insert(0, _CONTROL)
            return name, schema.drafts
    raise GrammarError(
        "this is not the XML Schema of an IDoc type: no element holds IDOC",
        hint="export it from WE60 as XML Schema, or take the parser report of WE60",
    )
