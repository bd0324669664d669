"""Walks over the bytes of a file from envelope segment to envelope segment."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from helixnet.engine.formats.edi_syntax import (
    EDIFACT,
    ISA_LENGTH,
    UNA_LENGTH,
    X12,
    Standard,
    Syntax,
    edifact_syntax,
    not_this,
    skip_blanks,
    x12_syntax,
)
from helixnet.errors import RefusedError

_LINE_ENDS: Final = b"\r\n"
_HEAD: Final = 512


@dataclass(frozen=True, slots=True)
class Mark:
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
            yield from self._inside(data, syntax)
            if self.syntax is not None:
                self.rest = max(self.rest, _last(data, syntax, self.rest))
                return

    def _inside(self, data: bytes, syntax: Syntax) -> Iterator[Mark]:
        """Yield what belongs to an interchange, up to its end."""
        closing = syntax.standard.interchange[1]
        terminator = syntax.terminator.encode("latin-1")
        at = self.rest
        first = syntax.first.match(data, at)
        if first is not None:
            end = _end(data, first.end(), syntax, terminator)
            if end < 0:
                return
            tag = first[1].decode()
            self.rest = end
            yield Mark(tag, at, first.start(1), end)
            if tag == closing:
                self.syntax = None
                return
        for match in syntax.next.finditer(data, max(at, self.rest - 1)):
            after = match.start() + 1
            if syntax.release and _released(data, match.start(), syntax):
                continue
            end = _end(data, match.end(), syntax, terminator)
            if end < 0:
                return
            tag = match[1].decode()
            self.rest = end
            yield Mark(tag, after, match.start(1), end)
            if tag == closing:
                self.syntax = None
                return

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
        if len(head) < ISA_LENGTH and not final:
            return
        self.syntax = x12_syntax(head[:ISA_LENGTH])
        self.rest = start + ISA_LENGTH
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
        version = body[4:].partition(known.element)[0].split(known.component)[1:2]
        syntax = edifact_syntax(advice, version[0] if version else "")
        end = _end(data, at, syntax, syntax.terminator.encode("latin-1"))
        if end < 0:
            if final:
                raise RefusedError("UNB does not end", code="HX-5013")
            return
        self.syntax, self.rest = syntax, end
        if advice:
            yield Mark("UNA", before, start, start + UNA_LENGTH)
            before = start + UNA_LENGTH
        yield Mark("UNB", before, at, self.rest)


def _end(data: bytes, start: int, syntax: Syntax, terminator: bytes) -> int:
    """Return where the segment at a byte ends, with its terminator; -1 if it goes on."""
    found = data.find(terminator, start)
    while found >= 0 and syntax.release and _released(data, found, syntax):
        found = data.find(terminator, found + 1)
    return found + 1 if found >= 0 else -1


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
    terminator = syntax.terminator.encode("latin-1")
    found = data.rfind(terminator, least)
    while found >= 0 and syntax.release and _released(data, found, syntax):
        found = data.rfind(terminator, least, found)
    return found + 1 if found >= 0 else least
