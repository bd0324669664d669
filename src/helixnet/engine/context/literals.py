"""What a scalar means: only ``null``, ``true``, ``false`` and JSON numbers are literals."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from helixnet.engine.context.model import Const
from helixnet.engine.context.problems import Problems, near
from helixnet.engine.context.yaml_nodes import Items, Node, Pairs, Scalar, kind

_LONG: Final = 40
MAX_NUMBER: Final = 1_000  # digits of a literal, so that no exponent writes a gigabyte

Json: TypeAlias = "bool | int | Decimal | str | list[Json] | dict[str, Json] | None"

_WORDS: Final[dict[str, Json]] = {"null": None, "true": True, "false": False}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ]\d{1,2}:\d{2}.*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
)
_TIME = re.compile(r"\d{1,2}(?::\d{2})+(?:\.\d+)?")
_ODD_NUMBER = re.compile(
    r"[-+]?(?:[0-9][0-9_,.]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|0[xXoObB][0-9a-fA-F_]+|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)


def is_number(text: str) -> bool:
    """Whether a plain text is a number as JSON writes it (RFC 8259 section 6)."""
    return _NUMBER.fullmatch(text) is not None


def number(text: str) -> int | Decimal | None:
    """Value of a JSON number, exact; None when it is no such number or absurdly long."""
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > MAX_NUMBER:
        return None
    if match[1] is None and match[2] is None:
        return int(text)
    value = Decimal(text)
    return value if abs(value.adjusted()) <= MAX_NUMBER else None


def odd(text: str, *, leaf: bool) -> tuple[str, str] | None:
    """Message and hint for a plain text that YAML readers take differently; None when fine.

    Args:
        text: the plain scalar.
        leaf: in an expression, where ``2026-11-23`` would be a subtraction; as data a date is
            a text like any other.
    """
    if is_number(text):
        return f"`{text[:40]}` is too large for a literal", "take the value from the source"
    if text == "~":
        return "`~` is no literal", "write `null`"
    if len(text) > MAX_NUMBER:
        return None
    as_text = f'{{const: "{text}"}}' if leaf else f'"{text}"'
    if _DATE.fullmatch(text) or _TIME.fullmatch(text):
        what = "date" if _DATE.fullmatch(text) else "time"
        return (f"`{text}` looks like a {what}", f"write {as_text}") if leaf else None
    if _ODD_NUMBER.fullmatch(text):
        plain = _plainer(text)
        hint = f"write {plain}, or as a text {as_text}" if plain else f"as a text: {as_text}"
        return f"`{text[:40]}` is not a number as JSON writes it", hint
    return None


def _plainer(text: str) -> str | None:
    """The number that is probably meant, as JSON has it."""
    bare = text.replace("_", "").lstrip("+")
    if bare[:2].lower() in ("0x", "0o", "0b"):
        try:
            return str(int(bare[:_LONG], 0))
        except ValueError:
            return None
    bare = re.sub(r"^(-?)0+(?=[0-9])", r"\1", bare)
    bare = re.sub(r"^(-?)\.", r"\g<1>0.", bare).rstrip(".")
    if bare.count(",") == 1 and "." not in bare:
        bare = bare.replace(",", ".")
    return bare if is_number(bare) and len(bare) <= _LONG else None


def constant(node: Scalar, problems: Problems) -> Const | None:
    """Read the literal that a plain leaf is; None when it is an expression.

    A literal in doubtful notation is a problem and counts as null.
    """
    if not node.plain:
        return None
    if node.text in _WORDS:
        return Const(_WORDS[node.text], node.mark)
    value = number(node.text)
    if value is not None:
        return Const(value, node.mark)
    doubt = odd(node.text, leaf=True)
    if doubt is None:
        return None
    problems.add(node.mark, "HX-4007", *doubt)
    return Const(None, node.mark)


def data(node: Node, problems: Problems) -> Json:
    """Read a node as a JSON value: what stands under ``const``, ``expect`` or ``inline``."""
    match node:
        case Items():
            return [data(one, problems) for one in node.items]
        case Pairs():
            return {key.text: data(value, problems) for key, value in node.pairs}
        case Scalar():
            return _datum(node, problems)


def _datum(node: Scalar, problems: Problems) -> Json:
    if not node.plain:
        return node.text
    if not node.text:
        problems.add(node.mark, "HX-4008", "no value", 'write `null`, or `""` for an empty text')
        return None
    if node.text in _WORDS:
        return _WORDS[node.text]
    value = number(node.text)
    if value is not None:
        return value
    doubt = odd(node.text, leaf=False)
    if doubt:
        problems.add(node.mark, "HX-4007", *doubt)
        return None
    return node.text


def text(node: Node, problems: Problems, what: str, *, empty: bool = False) -> str | None:
    """Read a text as written (``name: 1.2`` is the text ``1.2``); None after a problem."""
    if not isinstance(node, Scalar):
        problems.add(node.mark, "HX-4004", f"`{what}` is a text, not {kind(node)}")
    elif node.plain and node.text in ("", "null", "~"):
        problems.add(node.mark, "HX-4004", f"`{what}` has no value", "write a text")
    elif not node.text and not empty:
        problems.add(node.mark, "HX-4004", f"`{what}` is empty", "write a text")
    else:
        return node.text
    return None


def texts(node: Node, problems: Problems, what: str, *, empty: bool = False) -> list[str]:
    """Read a text or a list of texts."""
    if isinstance(node, Items) and not node.items and not empty:
        problems.add(node.mark, "HX-4004", f"`{what}` is empty", "write at least one text")
    nodes: Sequence[Node] = node.items if isinstance(node, Items) else [node]
    read = [text(one, problems, what, empty=empty) for one in nodes]
    return [one for one in read if one is not None]


_MEANT: Final = {
    "bool": "boolean",
    "currency": "decimal",
    "double": "decimal",
    "float": "decimal",
    "int": "integer",
    "number": "decimal",
    "text": "string",
    "timestamp": "datetime",
}
"""Types by the names that other tools have for them."""


def choice(node: Node, problems: Problems, what: str, options: Sequence[str]) -> str | None:
    """Read one of a closed list of words."""
    word = text(node, problems, what)
    if word is None or word in options:
        return word
    meant = _MEANT.get(word.lower())
    hint = f"write `{meant}`" if meant in options else near(word, options)
    problems.add(node.mark, "HX-4004", f"`{what}` can't be `{word}`", hint)
    return None


def boolean(node: Node, problems: Problems, what: str) -> bool | None:
    """Read ``true`` or ``false``."""
    if isinstance(node, Scalar) and node.plain and node.text in ("true", "false"):
        return node.text == "true"
    given = f" `{node.text}`" if isinstance(node, Scalar) else f" {kind(node)}"
    problems.add(node.mark, "HX-4004", f"`{what}` is true or false, not{given}")
    return None


def integer(node: Node, problems: Problems, what: str, low: int, high: int) -> int | None:
    """Read an integer within bounds."""
    value = number(node.text) if isinstance(node, Scalar) and node.plain else None
    if isinstance(value, int) and low <= value <= high:
        return value
    problems.add(node.mark, "HX-4004", f"`{what}` is an integer from {low} to {high}")
    return None
