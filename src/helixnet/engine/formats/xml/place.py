"""Finds where an element or attribute stands in the text of a record; asked only for faults."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from helixnet.engine.formats.xml.names import SEPARATOR, TEXT, Names

# By hand, for xml.sax.saxutils takes the whole of urllib with it.
_IN_QUOTES: Final = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\n": "&#10;",
        "\r": "&#13;",
        "\t": "&#9;",
    }
)
_TAG: Final = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of an element or attribute in a record.

    Args:
        start: of the tag, or of the attribute's name.
        inner: after the start tag, or of the attribute's value.
        close: of the end tag, or after the value.
        end: after the element or attribute.
    """

    start: int
    inner: int
    close: int
    end: int


@dataclass(slots=True)
class _Level:
    """An open element on the way, or beside it."""

    start: int
    counts: dict[str, int] = field(default_factory=dict[str, int])


def tag_end(data: bytes, start: int) -> int:
    """Return where the tag that begins at ``start`` ends."""
    found = _TAG.match(data, start)
    return found.end() if found else len(data)


def element_end(data: bytes, start: int, close: int) -> int:
    """Return where an element ends, which expat says to close at ``close``."""
    first = tag_end(data, start)
    empty = data[first - 2 : first] == b"/>"
    return first if empty else data.find(b">", close) + 1 or len(data)


def span_of(
    data: bytes,
    pointer: str,
    names: Names,
    scope: Sequence[tuple[str, str]],
) -> Span | None:
    """Return where the value at a JSON pointer stands in a record; None if it is not there.

    Args:
        data: the record, UTF-8.
        pointer: from the record's element.
        names: of the file.
        scope: namespaces declared around the record, by prefix.
    """
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    own = steps.pop() if steps and steps[-1].startswith(("@", "#")) else ""
    search = _Search(data, steps, names, scope)
    span = search.run()
    if span is None or not own or own == TEXT:
        return span
    return _attribute(data, span, own[1:])


class _Search:
    """Parses a record and stops at the element that the steps lead to."""

    def __init__(
        self, data: bytes, steps: list[str], names: Names, scope: Sequence[tuple[str, str]]
    ) -> None:
        self._data, self._names = data, names
        self._wanted = _counted(steps)
        self._levels: list[_Level] = []
        self._on_way = 0
        self._found: Span | None = None
        declared = [
            f'xmlns{":" if prefix else ""}{prefix}="{uri.translate(_IN_QUOTES)}"'
            for prefix, uri in scope
            if prefix != "xml"
        ]
        self._around = ("<_ " + " ".join(declared) + ">").encode()
        self._parser = expat.ParserCreate("utf-8", SEPARATOR)

    def run(self) -> Span | None:
        try:
            self._parser.Parse(self._around, False)  # noqa: FBT003 - expat's own signature
            self._parser.StartElementHandler = self._open
            self._parser.EndElementHandler = self._close
            self._parser.Parse(self._data, False)  # noqa: FBT003 - as above
        except expat.ExpatError:
            pass  # what could be found before that has been found
        return self._found

    def _open(self, full: str, _attributes: object) -> None:
        start = self._parser.CurrentByteIndex - len(self._around)
        depth = len(self._levels)
        if depth and depth == self._on_way:
            name = self._names.element(full)
            counts = self._levels[-1].counts
            number = counts.get(name, 0)
            counts[name] = number + 1
            if depth <= len(self._wanted) and self._wanted[depth - 1] == (name, number):
                self._on_way += 1
        elif not depth:
            self._on_way = 1
        self._levels.append(_Level(start))

    def _close(self, _full: str) -> None:
        if not self._levels:
            return
        level, depth = self._levels.pop(), len(self._levels) + 1
        if depth != self._on_way:
            return
        if self._found is None and depth == len(self._wanted) + 1:
            close = self._parser.CurrentByteIndex - len(self._around)
            inner = tag_end(self._data, level.start)
            end = element_end(self._data, level.start, close)
            self._found = Span(level.start, inner, max(min(close, end), inner), end)
        self._on_way -= 1


def _counted(steps: Sequence[str]) -> list[tuple[str, int]]:
    """Return the names of steps with the number of each among its siblings."""
    found: list[tuple[str, int]] = []
    for step in steps:
        if step.isdecimal() and found:
            found[-1] = (found[-1][0], int(step))
        else:
            found.append((step, 0))
    return found


def _attribute(data: bytes, element: Span, name: str) -> Span:
    """Return where an attribute stands in a start tag; the tag itself if it can't be told."""
    local = re.escape(name.rpartition(":")[2].rpartition(SEPARATOR)[2].encode())
    pattern = rb"""\s((?:[^\s"'=>/]+:)?%s)\s*=\s*(?:"([^"]*)"|'([^']*)')""" % local
    found = re.compile(pattern).search(data, element.start, element.inner)
    if found is None:
        return element
    group = 2 if found[2] is not None else 3
    return Span(found.start(1), found.start(group), found.end(group), found.end())
