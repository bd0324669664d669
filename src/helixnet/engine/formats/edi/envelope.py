"""The envelope around messages: what is open, and whether its counts and numbers are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from helixnet.engine.formats.edi.cut import covered, plain
from helixnet.engine.formats.edi.syntax import (
    EDIFACT,
    UNA_LENGTH,
    Standard,
    Syntax,
    edifact_syntax,
    x12_syntax,
)
from helixnet.engine.source import OnceLine

_MARKS: Final = "\ufdd0\ufdd1\ufdd2\ufdd3\ufdd4"
_REFERENCE: Final = {"ISA": 13, "GS": 6, "ST": 2, "UNB": 5, "UNG": 5, "UNH": 1}
_NUMERIC: Final = frozenset({"ISA", "GS"})


@lru_cache(maxsize=4096)
def elements_of(text: str, syntax: Syntax) -> tuple[str, ...]:
    """Return the elements of an envelope segment, its tag first."""
    text = text.replace("\r", "").replace("\n", "") if syntax.terminator not in "\r\n" else text
    text = text.removesuffix(syntax.terminator)
    if syntax.release and syntax.release in text:
        found = covered(text, syntax, _MARKS).split(syntax.element)
        return tuple(plain(each, syntax, _MARKS) for each in found)
    return tuple(text.split(syntax.element))


def element(text: str, syntax: Syntax, number: int) -> str:
    """Return an element of an envelope segment without blanks around it; empty if not there."""
    found = elements_of(text, syntax)
    return found[number].strip() if number < len(found) else ""


def reference(text: str, syntax: Syntax) -> str:
    """Return the control number or reference that an opening segment gives."""
    return element(text, syntax, reference_place(text, syntax))


def reference_place(text: str, syntax: Syntax) -> int:
    """Return which element of an opening segment is its control number or reference."""
    return _REFERENCE[text[:3].rstrip(syntax.element)]


def same_reference(opened: str, closed: str, tag: str) -> bool:
    """Tell whether two references are equal: numbers of X12 by their value."""
    if tag in _NUMERIC and opened.isdecimal() and closed.isdecimal():
        return opened.lstrip("0") == closed.lstrip("0")
    return opened == closed


def wrong_end(opened: str, closed: str, count: int, what: str, syntax: Syntax) -> str:
    """Return what is wrong with a closing segment; empty if nothing is.

    Args:
        opened: the segment that opened.
        closed: the segment that closes.
        count: how many there were in between.
        what: they are.
        syntax: of the interchange.
    """
    tag, end = elements_of(opened, syntax)[0], elements_of(closed, syntax)[0]
    told = element(closed, syntax, 1)
    if not (told.isascii() and told.isdecimal() and int(told[:18]) == count):
        return f"{end} counts {told or 'nothing'!r} where there are {count} {what}"
    first, last = reference(opened, syntax), element(closed, syntax, 2)
    if not same_reference(first, last, tag):
        return f"{end} has the number {last!r} where {tag} has {first!r}"
    return ""


def syntax_of(segments: Sequence[OnceLine], standard: Standard) -> Syntax:
    """Return the delimiters that an envelope gives, which begins with ISA, UNA or UNB."""
    if standard is not EDIFACT:
        return x12_syntax(segments[0]["text"])
    advice = segments[0]["text"] if segments[0]["text"].startswith("UNA") else ""
    header = segments[1 if advice else 0]["text"]
    known = edifact_syntax(advice[:UNA_LENGTH], "1")
    version = (
        header[4:]
        .replace("\r", "")
        .replace("\n", "")
        .partition(known.element)[0]
        .split(known.component)[1:2]
    )
    return edifact_syntax(advice[:UNA_LENGTH], version[0] if version else "")


@dataclass(slots=True)
class Level:
    """An interchange or a group that is open.

    Args:
        text: of the segment that opened it.
        groups: in it.
        messages: in it.
    """

    text: str
    groups: int = 0
    messages: int = 0
