"""Leaves that YAML cut in two without saying so: found by a quote or bracket left open."""

from collections.abc import Iterator
from typing import Final

from helixnet.engine.context.balance import fault
from helixnet.engine.context.model import Mark
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.repair import corrected
from helixnet.engine.context.yaml_nodes import Items, Node, Pairs, Scalar, split_lines

EXPRESSIONS: Final = ("vars", "skip_when", "map", "checks", "deliver")


def find_cuts(root: Node, text: str, problems: Problems) -> None:
    """Report every cut leaf or key (HX-4009) in the sections that hold expressions."""
    if not isinstance(root, Pairs):
        return
    lines = split_lines(text)
    for key, value in root.pairs:
        if key.text not in EXPRESSIONS:
            continue
        for leaf in _leaves(value):
            offset = fault(leaf.text)
            if offset is not None:
                _report(leaf, offset, text, lines, problems)


def _leaves(node: Node) -> Iterator[Scalar]:
    """Plain keys and all leaves, but for what stands under ``const``: that is data."""
    match node:
        case Scalar():
            yield node
        case Items():
            for one in node.items:
                yield from _leaves(one)
        case Pairs():
            for key, value in node.pairs:
                if key.plain:
                    yield key
                if key.text != "const" or len(node.pairs) > 1:
                    yield from _leaves(value)


def _report(leaf: Scalar, offset: int, text: str, lines: list[str], problems: Problems) -> None:
    mark = leaf.mark
    line = lines[mark.line - 1]
    if line.startswith(leaf.text, mark.column - 1):
        mark = Mark(mark.file, mark.line, mark.column + offset)
    rest = split_lines(text[leaf.end : leaf.end + 200])[0]
    fixed = corrected(line) if leaf.plain else None
    hint = f"write: {fixed.strip()}" if fixed else "put the whole expression in single quotes"
    sign = leaf.text[offset : offset + 2] if leaf.text[offset] == "{" else leaf.text[offset]
    if leaf.plain and rest.lstrip().startswith("#") and rest[0].isspace():
        problems.cut(mark, "YAML takes ` #` for a comment and cuts the expression", hint)
    elif leaf.plain and leaf.flow:
        after = rest.lstrip()[:1] or "the line's end"
        problems.cut(mark, f"YAML cuts the expression at `{after}` inside `{{ }}` or `[ ]`", hint)
    elif sign in (")", "]", "}"):
        problems.cut(mark, f"`{sign}` closes nothing", "open it, or write a text as {const: …}")
    else:
        sign = sign if sign in ("{{", "{%") else sign[0]
        problems.cut(mark, f"`{sign}` is never closed", "close it, or write a text as {const: …}")
