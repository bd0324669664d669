"""Paths from `out` and `this`: which slot they read, and whether it can be built before."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from helixnet.engine.context.model import EachNode, ObjectNode, WhenNode
from helixnet.engine.mapping.infer.leafing import Leafing
from helixnet.engine.mapping.ir import Node, Op
from helixnet.engine.mapping.shapes import near
from helixnet.engine.mapping.slots import Slot


class Building(Protocol):
    """What reading a built document needs of the outline."""

    @property
    def slots(self) -> Mapping[int, Slot]:
        """Every slot by number."""
        ...

    @property
    def root(self) -> Slot | None:
        """The document."""
        ...

    def type_slot(self, slot: Slot) -> bool:
        """Type a slot; False when it is being typed already."""
        ...


def read_built(
    outline: Building, leaf: Leafing, base: Node, keys: list[tuple[str, int]]
) -> tuple[Node, int]:
    """Return the node that reads the slot at the end of ``keys``, and how many keys led there."""
    slot = _start(outline, leaf, base)
    if slot is None:
        text = f"`{base.data}` has no object here"
        leaf.problem("HX-4103", base, text, "the document is a list; use `this` in its items")
        return Node(Op.CONST, at=base.at), len(keys)
    inside = {number for block, number in leaf.scope.place if block == "when"}
    taken, absent = 0, False
    unit: Slot | None = None  # the outermost `when` around what is read, unless it is around us
    while True:
        if isinstance(slot.node, WhenNode) and slot.items:
            if slot.number not in inside:
                unit, absent = unit or slot, True
            slot = slot.body
        elif isinstance(slot.node, ObjectNode) and taken < len(keys):
            name, at = keys[taken]
            below = slot.members.get(name)
            if below is None:
                text = f"`{name}` is not part of what is built"
                leaf.problem("HX-4103", at, text, near(name, list(slot.members)))
                return Node(Op.CONST, at=base.at), len(keys)
            slot, taken = below, taken + 1
        else:
            break
    if not outline.type_slot(unit or slot) or not outline.type_slot(slot):
        name = ".".join([str(base.data), *(key for key, _ in keys)])
        hint = "a list is built as a whole: use vars, which may hold each"
        leaf.problem("HX-4107", base, f"`{name}` needs itself", hint)
        return Node(Op.CONST, at=base.at), len(keys)
    found = replace(slot.type, absent=slot.type.absent or absent)
    return Node(Op.OUT, (), slot, base.at, found), taken


def _start(outline: Building, leaf: Leafing, base: Node) -> Slot | None:
    scope = leaf.scope
    root = outline.root
    if base.data == "out":
        return root if root is not None and _is_object(root) else None
    slot = root if scope.region < 0 else outline.slots[scope.region]
    if slot is not None and isinstance(slot.node, EachNode):
        slot = slot.body
    for name in scope.this:
        while slot is not None and isinstance(slot.node, WhenNode):
            slot = slot.body
        slot = slot.members.get(name) if slot is not None else None
    return slot if slot is not None and _is_object(slot) else None


def _is_object(slot: Slot) -> bool:
    node = slot.node
    while isinstance(node, WhenNode):
        node = node.map
    return isinstance(node, ObjectNode)
