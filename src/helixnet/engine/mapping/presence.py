"""Which slots are sure to be written, and the commas around those that are not."""

from collections.abc import Iterable

from helixnet.engine.context.model import ArrayNode, Const, EachNode, Leaf, ObjectNode, WhenNode
from helixnet.engine.mapping.slots import Slot
from helixnet.engine.mapping.targets import allows_null
from helixnet.engine.output import json_string


def always(slot: Slot) -> bool:
    """Tell whether a slot is sure to be written."""
    node, of = slot.node, slot.type
    match node:
        case Leaf():
            sure = not of.absent and not (of.null and not allows_null(slot.view))
            return sure or (slot.item and not of.absent)
        case Const():
            return node.value is not None or slot.item or allows_null(slot.view)
        case EachNode():
            return slot.when is None
        case WhenNode():
            return False
        case ArrayNode() | ObjectNode():
            return True


def required(slot: Slot) -> bool:
    """Tell whether the schema requires this member of an object."""
    above = slot.parent
    while above is not None and isinstance(above.node, WhenNode):
        above = above.parent
    if above is None or above.view is None or not isinstance(above.node, ObjectNode):
        return False
    return bool(slot.pointer) and slot.pointer[-1] in above.view.required


def affixes_of(slots: Iterable[Slot]) -> dict[int, tuple[str, str]]:
    """Return what stands before and after each slot's text within its object.

    Optional members bring their own comma: before them behind the first sure one, else after.
    """
    found: dict[int, tuple[str, str]] = {}
    for slot in (slot for slot in slots if not slot.outputs):
        names = list(slot.members)
        first = next((n for n, name in enumerate(names) if always(slot.members[name])), -1)
        for n, name in enumerate(names):
            key = f"{json_string(name)}:"
            before, after = (f",{key}", "") if n > first else (key, "," if n != first else "")
            _affix(found, slot.members[name], before, after)
    return found


def _affix(found: dict[int, tuple[str, str]], slot: Slot, before: str, after: str) -> None:
    found[slot.number] = (before, after)
    if isinstance(slot.node, WhenNode) and slot.items:
        _affix(found, slot.body, before, after)
