"""A second reader of X12 and EDIFACT, character by character, for the corpus tests alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile

Segment = list[str]  # elements as they stand in the file, the tag first
CLOSING = {"ISA": "IEA", "GS": "GE", "ST": "SE", "UNB": "UNZ", "UNG": "UNE", "UNH": "UNT"}
REFERENCE = {"ISA": 13, "GS": 6, "ST": 2, "UNB": 5, "UNG": 5, "UNH": 1}
OUTSIDE = {"TA1", "ISB", "ISE"}


@dataclass
class Message:
    """Segments from ST or UNH on, and whether the last one tells them rightly."""

    segments: list[Segment] = field(default_factory=list)
    whole: bool = False


@dataclass
class Seen:
    """What a file has, and why it is no whole file; empty if it is one."""

    messages: list[Message] = field(default_factory=list)
    fault: str = ""
    component: str = ":"
    release: str = ""


def delimiters(text: str) -> tuple[str, str, str, str]:
    """Return element, component, terminator and release character."""
    if text.startswith("ISA"):
        parts = text.split(text[3], 16)
        last = parts[16]
        return text[3], last[0], "".join(takewhile(lambda c: c > "~", last[1:])) or last[1], ""
    una = text[3:9] if text.startswith("UNA") else ":+.? '"
    return una[1], una[0], una[5], una[3].strip()


def segments(text: str) -> tuple[list[Segment], str, str]:
    """Cut a text at terminators and elements that are not released."""
    found: list[Segment] = []
    at, component, release = 0, ":", ""
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        element, component, end, release = delimiters(text[at:])
        if text.startswith("UNA", at):
            at += 9
        for segment, stop in _cut(text, at, element, end, release):
            at = stop
            if segment != [""]:
                found.append(segment)
            if segment[0] in ("IEA", "UNZ"):
                break
        else:
            break
    return found, component, release


def _cut(text: str, at: int, element: str, end: str, release: str) -> Iterator[tuple[Segment, int]]:
    parts, current = list[str](), ""
    while at < len(text):
        one = text[at]
        if one == release and release:
            pair = text[at : at + 2] if text[at + 1 : at + 2] not in "\r\n" else one
            current, at = current + pair, at + len(pair)
            continue
        if text.startswith(end, at):
            at += len(end)
            yield [*parts, current], at
            parts, current = [], ""
            continue
        at += 1
        if one == element:
            parts.append(current)
            current = ""
        elif one not in "\r\n" and not (one in " \t" and not parts and not current):
            current += one
    if parts or current:
        yield [*parts, current], at


class _Looker:
    """Follows segments from opening to closing ones."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.opened: list[Segment] = []
        self.groups = self.messages = 0

    def take(self, segment: Segment) -> None:
        tag, above = segment[0], self.opened[-1][0] if self.opened else ""
        if above in ("ST", "UNH"):
            self.inside(segment, CLOSING[above])
        elif tag in CLOSING:
            self.open(segment, above)
        elif above and tag == CLOSING[above]:
            self.close(segment, above)
        elif tag not in OUTSIDE:
            self.seen.fault = f"{tag} outside"

    def inside(self, segment: Segment, closing: str) -> None:
        message = self.seen.messages[-1]
        message.segments.append(segment)
        if segment[0] == closing:
            message.whole = closes(self.opened.pop(), segment, len(message.segments))
            self.messages += 1

    def open(self, segment: Segment, above: str) -> None:
        if segment[0] == "ST" and above != "GS":
            self.seen.fault = "ST outside of GS"
        self.opened.append(segment)
        if segment[0] in ("ST", "UNH"):
            self.seen.messages.append(Message([segment]))
        elif segment[0] in ("GS", "UNG"):
            self.messages = 0
        else:
            self.groups = self.messages = 0

    def close(self, segment: Segment, above: str) -> None:
        group = above in ("GS", "UNG")
        total = self.messages if group or not self.groups else self.groups
        if not closes(self.opened.pop(), segment, total):
            self.seen.fault = f"{segment[0]} does not fit"
        self.groups += group


def look(text: str) -> Seen:
    """Read a file; counts and references are compared as their standards say."""
    if text.startswith("ISA") and delimiters(text)[2].isalnum():
        return Seen(fault="no delimiters")
    found, component, release = segments(text)
    looker = _Looker(Seen(component=component, release=release))
    for segment in found:
        looker.take(segment)
    if looker.opened:
        looker.seen.fault = "it ends inside"
    return looker.seen


def closes(opened: Segment, closing: Segment, count: int) -> bool:
    """Tell whether a closing segment has the count and the reference of what it closes."""
    first = "".join(opened[REFERENCE[opened[0]] : REFERENCE[opened[0]] + 1]).strip()
    last = "".join(closing[2:3]).strip()
    told = "".join(closing[1:2]).strip()
    if opened[0] in ("ISA", "GS") and first.isdigit() and last.isdigit():
        first, last = str(int(first)), str(int(last))
    return told.isdigit() and int(told) == count and first == last


def plain(value: str, component: str, release: str) -> str:
    """Return an element as a map reads it: released text, unless it has several components."""
    if not release:
        return value
    text, several, at = "", False, 0
    while at < len(value):
        if value[at] == release:
            at += 1
            text += value[at : at + 1]
        else:
            several = several or value[at] == component
            text += value[at]
        at += 1
    return value if several else text
