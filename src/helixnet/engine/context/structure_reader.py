"""``source.structure``: what stands under what in X12 and EDIFACT messages, as it is written."""

from typing import Final

from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Items, Node, Pairs, Scalar

_HINT: Final = "write PO1: [PID, SCH], or PO1: {N1: [N3, N4]}"


def read_structure(node: Node, problems: Problems) -> dict[str, object] | None:
    """Return ``tree`` and ``segments``; a structure with neither key is the tree itself."""
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", "`structure` must be a mapping of segments", _HINT)
        return None
    whole = {name.text: _plain(below) for name, below in node.pairs}
    full = "tree" in whole and set(whole) <= {"tree", "segments"}
    return whole if full else {"tree": whole}


def _plain(node: Node) -> object:
    match node:
        case Scalar():
            return node.text
        case Items():
            return [_plain(below) for below in node.items]
        case Pairs():
            return {name.text: _plain(below) for name, below in node.pairs}
