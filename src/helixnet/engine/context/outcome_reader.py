"""``checks``, ``on_error`` and ``deliver``: what happens to a finished document."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import choice, number, text
from helixnet.engine.context.map_reader import condition, expression, identifier, read_map
from helixnet.engine.context.model import Check, Deliver, MapNode, StopAt
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Items, Node, Pairs, Scalar, kind

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_TOPIC = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
MAX_TOPIC: Final = 120
_WHOLE: Final = 100


def members(node: Node, problems: Problems, what: str) -> Sequence[Node]:
    """Elements of a list; a problem and none when it is no list."""
    if isinstance(node, Items):
        return node.items
    problems.add(
        node.mark, "HX-4004", f"`{what}` is a list, not {kind(node)}", "begin it with `- `"
    )
    return ()


def read_totals(node: Node, problems: Problems) -> dict[str, MapNode]:
    """Read ``totals``: what each record adds, by name; one with a problem is left out."""
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", f"`totals` is a mapping, not {kind(node)}")
        return {}
    return {
        key.text: read_map(value, problems)
        for key, value in node.pairs
        if identifier(key, problems, "totals")
    }


def read_checks(node: Node, problems: Problems, what: str = "checks") -> list[Check]:
    """Read ``checks`` or ``file_checks``; one with a problem is left out."""
    read = [_check(one, problems) for one in members(node, problems, what)]
    return [one for one in read if one is not None]


def _check(node: Node, problems: Problems) -> Check | None:
    keys = section(node, problems, "check", required=("that", "code", "text"))
    if keys is None:
        return None
    that = condition(keys["that"], problems) if "that" in keys else None
    message = expression(keys["text"], problems) if "text" in keys else None
    code = text(keys["code"], problems, "code") if "code" in keys else None
    if code is not None and (not _CODE.fullmatch(code) or code.upper().startswith("HX-")):
        hint = "write a word such as NO_LINES; HX- is ours"
        problems.add(keys["code"].mark, "HX-4004", f"`code` can't be `{code}`", hint)
    if that is None or message is None or code is None:
        return None
    return Check(that=that, code=code, text=message, mark=node.mark)


def read_on_error(node: Node, problems: Problems) -> tuple[bool, StopAt | None]:
    """Read ``on_error`` as (one bad record fails the file, when to stop)."""
    keys = section(node, problems, "on_error") or {}
    scope = choice(keys["scope"], problems, "scope", ("record", "file")) if "scope" in keys else ""
    stop_at = _stop_at(keys["stop_at"], problems) if "stop_at" in keys else None
    return scope == "file", stop_at


def _stop_at(node: Node, problems: Problems) -> StopAt | None:
    written = node.text if isinstance(node, Scalar) else ""
    percent = _PERCENT.fullmatch(written)
    if percent and Decimal(percent[1]) <= _WHOLE:
        return StopAt(percent=Decimal(percent[1]))
    count = number(written)
    if isinstance(count, int) and count >= 0:
        return StopAt(number=count)
    hint = "write a percentage up to 100% or a number of records, such as 5% or 100"
    problems.add(node.mark, "HX-4004", "`stop_at` is no limit", hint)
    return None


def read_deliver(node: Node, problems: Problems) -> list[Deliver]:
    """Read ``deliver``; one with a problem is left out."""
    read = [_deliver(one, problems) for one in members(node, problems, "deliver")]
    return [one for one in read if one is not None]


def _deliver(node: Node, problems: Problems) -> Deliver | None:
    keys = section(node, problems, "deliver")
    if keys is None:
        return None
    if "topic" not in keys:
        if "rest" not in _written(node) and "sftp" not in _written(node):
            problems.add(node.mark, "HX-4005", "`deliver` lacks `topic`", "add `topic:`")
        return None
    topic = text(keys["topic"], problems, "topic")
    key = expression(keys["key"], problems) if "key" in keys else None
    if topic is None:
        return None
    if not _TOPIC.fullmatch(topic) or len(topic) > MAX_TOPIC:
        hint = f"lower-case letters, digits and . _ - between them, at most {MAX_TOPIC}"
        problems.add(keys["topic"].mark, "HX-4004", f"`topic` can't be `{topic[:60]}`", hint)
        return None
    return Deliver(topic, key, node.mark)


def _written(node: Node) -> set[str]:
    match node:
        case Scalar() | Items():
            return set()
        case _:
            return {key.text for key, _ in node.pairs}
