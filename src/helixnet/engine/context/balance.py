"""Whether the brackets and quotes of an expression or template close, seen from its text alone."""

import re
from typing import Final

_CLOSER: Final = {"(": ")", "[": "]", "{": "}"}
_TEMPLATE: Final = {"{{": "}}", "{%": "%}"}
_OPENER = re.compile(r"\{[{%#]")


def is_template(text: str) -> bool:
    """Whether a leaf is a template: it holds ``{{`` or ``{%``."""
    return "{{" in text or "{%" in text


def fault(text: str) -> int | None:
    """Offset of the first quote or bracket without its partner; None when all have one.

    In a template only the parts within ``{{ }}`` and ``{% %}`` count.
    """
    if not is_template(text):
        return _expression(text, 0, "")[1]
    at = 0
    while opener := _OPENER.search(text, at):
        start = opener.start()
        if opener[0] == "{#":
            end = text.find("#}", start)
            at, wrong = (end + 2, None) if end >= 0 else (len(text), start)
        else:
            at, wrong = _expression(text, start + 2, _TEMPLATE[opener[0]])
        if wrong is not None:
            return start if wrong == len(text) else wrong
    return None


def closing(text: str) -> int | None:
    """Offset after the bracket that closes the one at the start of ``text``."""
    depth = 0
    at = 0
    while at < len(text):
        if text[at] in "\"'":
            end = string_end(text, at)
            if end is None:
                return None
            at = end
            continue
        depth += (text[at] in _CLOSER) - (text[at] in ")]}")
        at += 1
        if depth == 0:
            return at
    return None


def string_end(text: str, start: int) -> int | None:
    """Offset after the string literal that begins at ``start``; None when it never closes."""
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == text[start]:
            return at + 1
        at += 1
    return None


def top_level(text: str, wanted: str) -> list[int]:
    """Offsets of the characters ``wanted`` outside all brackets and string literals."""
    found: list[int] = []
    depth = 0
    at = 0
    while at < len(text):
        char = text[at]
        if char in "\"'":
            at = string_end(text, at) or len(text)
            continue
        depth += (char in _CLOSER) - (char in ")]}")
        if depth == 0 and char in wanted:
            found.append(at)
        at += 1
    return found


def _expression(text: str, at: int, closer: str) -> tuple[int, int | None]:
    """Offset after ``closer`` (or the end) and the offset of a fault; the end = no closer."""
    opened: list[int] = []
    while at < len(text):
        char = text[at]
        if closer and not opened and text.startswith(closer, at):
            return at + len(closer), None
        if char in "\"'":
            end = string_end(text, at)
            if end is None:
                return at, at
            at = end
            continue
        if char in ")]}" and not (opened and _CLOSER[text[opened.pop()]] == char):
            return at, at
        if char in _CLOSER:
            opened.append(at)
        at += 1
    if opened:
        return at, opened[0]
    return at, at if closer else None
