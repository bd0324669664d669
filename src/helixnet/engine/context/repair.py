"""The line as its author meant it: leaves that YAML would cut, put into single quotes.

A proposal is given only if YAML reads it and no leaf of it is cut any more.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import yaml

from helixnet.engine.context.balance import closing, fault, top_level
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Node, Pairs, Scalar, compose

_LINE = re.compile(
    r"""(?P<head>\s*(?:-\s+)*)"""
    r"""(?:(?P<key>"[^"]*"|'[^']*'|[^\s"'{\[#&*!|>%@`][^:]*?)\s*:\s+)?"""
    r"""(?P<rest>\S.*?)\s*"""
)
_CONST = re.compile(r"const:\s+(\w[^\"']*)")
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")
_INDICATORS = "{}[],&*#|<>=!%@`\"'"
_VALUE_QUOTE = re.compile(r"""\s*(?:-\s+)*[^\s"'#{\[][^:"']*:\s+["']""")
_LOOK_BACK = 30
_MAX_LINE = 2_000


def corrected(line: str) -> str | None:
    """Correct one line of a context; None when there is nothing to correct or no sure way."""
    match = _LINE.fullmatch(line) if len(line) <= _MAX_LINE else None
    if match is None or (match["key"] is None and "-" not in match["head"]):
        return None
    value, comment = _without_comment(match["rest"])
    fixed = _repaired(value, flow=False)
    if fixed is None or fixed == value:
        return None
    key = "" if match["key"] is None else f"{match['key']}: "
    proposal = f"{match['head']}{key}{fixed}{comment}"
    return proposal if _reads_well(proposal) else None


def quoted(text: str) -> str:
    """A text in YAML's single quotes."""
    return "'" + text.replace("'", "''") + "'"


def first_change(line: str, fixed: str) -> int:
    """Offset at which a corrected line differs first."""
    pairs = enumerate(zip(line, fixed, strict=False))
    at = next((at for at, (old, new) in pairs if old != new), min(len(line), len(fixed)))
    while at and fixed[at - 1] == "'":  # the quote of 'x' ~ y became the first of the new ones
        at -= 1
    return at


def quoted_at(fixed: str, offset: int) -> str:
    """Expression that a corrected line quotes at ``offset``, its YAML quotes undone."""
    match = _QUOTED.match(fixed, offset)
    return match[0][1:-1].replace("''", "'") if match else fixed[offset:]


def open_quote(lines: Sequence[str], last: int) -> tuple[int, int] | None:
    """Line and offset (from 0) of a value above ``last`` whose quote runs over the line's end."""
    for number in range(max(0, last - _LOOK_BACK), last):
        match = _VALUE_QUOTE.match(lines[number])
        if match and not _QUOTED.match(lines[number], match.end() - 1):
            return number, match.end() - 1
    return None


def _without_comment(rest: str) -> tuple[str, str]:
    for at in top_level(rest, "#"):
        if at and rest[at - 1].isspace():
            value = rest[:at].rstrip()
            return value, rest[len(value) :]
    return rest, ""


def _repaired(value: str, *, flow: bool) -> str | None:
    """Value as YAML must have it, or None when its brackets or quotes do not close."""
    if _QUOTED.fullmatch(value):
        return value
    if value[:1] in ("{", "[") and value[:2] not in ("{{", "{%", "{#"):
        end = closing(value)
        if end == len(value):
            return _repaired_collection(value)
    if fault(value) is not None:
        return None
    if _survives(value, flow=flow):
        return value
    text = _CONST.fullmatch(value)
    return f"{{const: {quoted(text[1])}}}" if text else quoted(value)


def _repaired_collection(value: str) -> str | None:
    inner = value[1:-1]
    commas = [-1, *top_level(inner, ","), len(inner)]
    pieces = [inner[a + 1 : b].strip() for a, b in pairwise(commas)]
    fixed = [
        _repaired(piece, flow=True) if value[0] == "[" else _repaired_pair(piece)
        for piece in pieces
        if piece
    ]
    if None in fixed:
        return None
    return value[0] + ", ".join(one for one in fixed if one) + value[-1]


def _repaired_pair(piece: str) -> str | None:
    colon = next((at for at in top_level(piece, ":") if piece[at + 1 : at + 2].isspace()), None)
    if colon is None:
        return None
    fixed = _repaired(piece[colon + 1 :].strip(), flow=True)
    return None if fixed is None else f"{piece[:colon]}: {fixed}"


def _survives(text: str, *, flow: bool) -> bool:
    if not text or text[0] in _INDICATORS or re.match(r"[-?:](?:\s|$)", text):
        return False
    if ": " in text or " #" in text or text.endswith(":"):
        return False
    return not (flow and any(one in text for one in ",[]{}"))


def _reads_well(line: str) -> bool:
    problems = Problems()
    try:
        root = compose(line.strip(), "", problems)
    except (yaml.YAMLError, ValueError):
        return False
    return root is not None and not problems.found and not _has_fault(root)


def _has_fault(node: Node) -> bool:
    match node:
        case Scalar():
            return node.plain and fault(node.text) is not None
        case Pairs():
            return any(_has_fault(key) or _has_fault(value) for key, value in node.pairs)
        case _:
            return any(_has_fault(one) for one in node.items)
