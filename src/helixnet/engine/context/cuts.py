"""Leaves that YAML cut in two without saying so: found by a quote or bracket left open."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from helixnet.engine.context.balance import fault
from helixnet.engine.context.model import Mark
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.repair import corrected
from helixnet.engine.context.yaml_nodes import (
    Items,
    Node,
    Pairs,
    Scalar,
    replace_lines,
    split_lines,
)

_AFTER: Final = 200  # characters that show why a leaf ends where it does
EXPRESSIONS: Final = ("vars", "skip_when", "map", "checks", "deliver")


def find_cuts(root: Node, text: str, problems: Problems) -> str:
    """Report every cut leaf or key (HX-4009) in the sections that hold expressions.

    Returns:
        The text with the lines corrected that can be, so that reading goes on as it was meant.
    """
    if not isinstance(root, Pairs):
        return text
    lines = split_lines(text)
    corrections: dict[int, str] = {}
    for key, value in root.pairs:
        if key.text not in EXPRESSIONS:
            continue
        for leaf in _leaves(value):
            offset = fault(leaf.text)
            if offset is not None and not problems.full:
                line = lines[leaf.mark.line - 1]
                fixed = corrected(line) if leaf.plain else None
                if fixed is not None:
                    corrections[leaf.mark.line - 1] = fixed
                after = text[leaf.end : leaf.end + _AFTER]
                _report(leaf, offset, _Line(line, fixed, after), problems)
    return replace_lines(text, corrections)


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


@dataclass(frozen=True, slots=True)
class _Line:
    """The line that a leaf begins on: as written, as it should be, and what follows the leaf."""

    written: str
    fixed: str | None
    after: str


def _report(leaf: Scalar, offset: int, line: _Line, problems: Problems) -> None:
    mark = leaf.mark
    if line.written.startswith(leaf.text, mark.column - 1):
        mark = Mark(mark.file, mark.line, mark.column + offset)
    rest = split_lines(line.after)[0]
    hint = "put the whole expression in single quotes"
    if line.fixed is not None:
        hint = f"write: {line.fixed.strip()}"
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
