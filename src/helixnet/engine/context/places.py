"""``at``: where something stands in a line: a range, or a column."""

import re
from typing import Final

from helixnet.engine.context.literals import text
from helixnet.engine.context.model import Place
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Node, Scalar

FARTHEST: Final = 1_000_000
_RANGE: Final = re.compile(r"([0-9]{1,7}):([0-9]{1,7})", re.ASCII)
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,3}", re.ASCII)
RANGE, COLUMN, NUMBER = "range", "column", "number"


def read_place(node: Node, problems: Problems, kind: str) -> Place | None:
    """Read ``at``; None after a problem.

    Args:
        node: its value.
        problems: takes what is wrong.
        kind: ``range``: two places from 0, the end excluded; ``column``: a number from 0, or a
            name; ``number``: such a number only.
    """
    value = text(node, problems, "at")
    if value is None:
        return None
    if kind != RANGE:
        plain = isinstance(node, Scalar) and node.plain
        if plain and _NUMBER.fullmatch(value):
            return int(value)
        if kind == COLUMN:
            return value
        hint = "without a header columns have no names: write its number, counted from 0"
        problems.add(node.mark, "HX-4004", f"`at` can't be `{value}`", hint)
        return None
    match = _RANGE.fullmatch(value)
    start, end = (int(match[1]), int(match[2])) if match else (0, 0)
    if start < end <= FARTHEST:
        return start, end
    hint = 'two places counted from 0, the end excluded, such as "1:6" for the 2nd to 6th'
    problems.add(node.mark, "HX-4004", f"`at` can't be `{value}`", hint)
    return None
