"""Walks over the bytes of a file from envelope segment to envelope segment."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, cast

from helixnet.engine.formats.edi.syntax import (
    EDIFACT,
    MOST_HEADER,
    UNA_LENGTH,
    X12,
    Standard,
    Syntax,
    edifact_syntax,
    isa_length,
    not_this,
    skip_blanks,
    x12_syntax,
)
from helixnet.errors import RefusedError

_LINE_ENDS: Final = b"\r\n"
_HEAD: Final = 512
_MOST_TRIES: Final = 64


class Mark(NamedTuple):
    """An envelope segment.

    Args:
        tag: such as ISA, ST or UNZ; UNA too.
        after: where the segment before it ends, with its terminator.
        start: its first byte.
        end: the byte after its terminator.
    """

    tag: str
    after: int
    start: int
    end: int


class Walker:
    """Finds the envelope segments of consecutive bytes; messages are not looked into.

    ``syntax`` is that of the interchange where the walk is; None between two of them. ``rest`` is
    from where bytes must be given again, with more after them.
    """

    def __init__(self, standard: Standard, syntax: Syntax | None = None) -> None:
        self.standard = standard
        self.syntax = syntax
        self.rest = 0

    def walk(self, data: bytes, *, final: bool) -> Iterator[Mark]:
        """Yield the envelope segments that are whole in ``data``, which begins where one may.

        Raises:
            RefusedError: HX-5004 something else stands where an interchange must begin, or its
                delimiters can't be told.
        """
        self.rest = 0
        while self.rest < len(data):
            if self.syntax is None:
                yield from self._header(data, final=final)
            syntax = self.syntax
            if syntax is None:
                return
            yield from self._inside(data, syntax, final=final)
            if self.syntax is not None:
                self.rest = max(self.rest, _last(data, syntax, self.rest))
                return

    def _inside(self, data: bytes, syntax: Syntax, *, final: bool) -> Iterator[Mark]:
        """Yield what belongs to an interchange, up to its end."""
        first = syntax.first.match(data, self.rest)
        before = self.rest
        if first is not None:
            mark = self._mark(data, first, before, final=final)
            if mark is None:
                return
            yield mark
        for match in syntax.next.finditer(data, max(before, self.rest - len(syntax.ending))):
            if self.syntax is None:
                return
            if syntax.release and _released(data, match.start(), syntax):
                continue
            mark = self._mark(data, match, match.start() + len(syntax.ending), final=final)
            if mark is None:
                return
            yield mark

    def _mark(self, data: bytes, match: re.Match[bytes], after: int, *, final: bool) -> Mark | None:
        """Return the segment whose tag was found; None if it is not whole."""
        syntax = cast("Syntax", self.syntax)  # inside of an interchange there is one
        tag = match[1].translate(None, _LINE_ENDS).decode()
        end, closes = _end(data, match.end(), syntax), tag == syntax.standard.interchange[1]
        if end < 0 and closes and final:
            end = len(data)  # the last terminator of a file is often cut off
        if end < 0:
            return None
        self.rest = end
        if closes:
            self.syntax = None
        return Mark(tag, after, match.start(1), end)

    def _header(self, data: bytes, *, final: bool) -> Iterator[Mark]:
        """Yield the segments that open an interchange, if they are whole."""
        before, start = self.rest, skip_blanks(data, self.rest)
        self.rest = start
        head = data[start : start + _HEAD].decode("latin-1")
        if not head:
            return
        wanted = ("ISA",) if self.standard is X12 else ("UNA", "UNB")
        if not any(one.startswith(head[:3]) for one in wanted):
            raise not_this(self.standard, head)
        if self.standard is X12:
            yield from self._isa(head, before, start, final=final)
        else:
            yield from self._unb(data, head, before, start, final=final)

    def _isa(self, head: str, before: int, start: int, *, final: bool) -> Iterator[Mark]:
        length = isa_length(head)
        if len(head) < length and not final:
            return
        self.syntax = x12_syntax(head[:length])
        self.rest = start + length
        yield Mark("ISA", before, start, self.rest)

    def _unb(
        self, data: bytes, head: str, before: int, start: int, *, final: bool
    ) -> Iterator[Mark]:
        advice = head[:UNA_LENGTH] if head.startswith("UNA") else ""
        body = head[len(advice) :]
        lead = len(body) - len(body.lstrip("\r\n"))
        at = start + len(advice) + lead
        body = body[lead:]
        if len(body) < len("UNB+UNOA:1:") and not final:
            return
        if 0 < len(advice) < UNA_LENGTH:
            raise not_this(EDIFACT, head)
        known = edifact_syntax(advice, "1")
        if not body.startswith("UNB" + known.element):
            raise not_this(EDIFACT, body)
        version = (
            body[4:]
            .replace("\r", "")
            .replace("\n", "")
            .partition(known.element)[0]
            .split(known.component)[1:2]
        )
        syntax = edifact_syntax(advice, version[0] if version else "")
        end = _end(data, at, syntax)
        if end < 0:
            if final:
                raise RefusedError("UNB does not end", code="HX-5013")
            return
        self.syntax, self.rest = syntax, end
        if advice:
            yield Mark("UNA", before, start, start + UNA_LENGTH)
            before = start + UNA_LENGTH
        yield Mark("UNB", before, at, self.rest)


def _end(data: bytes, start: int, syntax: Syntax) -> int:
    """Return where the segment at a byte ends, with its terminator; -1 if it goes on."""
    terminator, most = syntax.ending, start + MOST_HEADER
    found = data.find(terminator, start, most)
    while found >= 0 and syntax.release and _released(data, found, syntax):
        found = data.find(terminator, found + 1, most)
    if found < 0 and len(data) > most:
        text = f"a segment of an envelope is longer than {MOST_HEADER} bytes"
        raise RefusedError(text, code="HX-6001")
    return found + len(terminator) if found >= 0 else -1


def _released(data: bytes, at: int, syntax: Syntax) -> bool:
    """Tell whether the character at a place is text, because a release character covers it."""
    release = ord(syntax.release)
    count, at = 0, at - 1
    while at >= 0 and (data[at] == release or data[at] in _LINE_ENDS):
        count += data[at] == release
        at -= 1
    return count % 2 == 1


def _last(data: bytes, syntax: Syntax, least: int) -> int:
    """Return where the last segment begins that is not whole."""
    terminator = syntax.ending
    found, tries = data.rfind(terminator, least), 0
    while found >= 0 and syntax.release and _released(data, found, syntax):
        tries += 1
        found = data.rfind(terminator, least, found) if tries < _MOST_TRIES else -1
    return found + len(terminator) if found >= 0 else least
