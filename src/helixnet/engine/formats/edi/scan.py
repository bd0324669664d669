"""The sequential pass over an X12 or EDIFACT file: messages, borders, envelopes and drift."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from helixnet.engine.formats.drift import Drift
from helixnet.engine.formats.edi.drift import DriftWatch
from helixnet.engine.formats.edi.envelope import Level, wrong_end
from helixnet.engine.formats.edi.grammar import EdiGrammar
from helixnet.engine.formats.edi.lines import count_lines
from helixnet.engine.formats.edi.syntax import MOST_HEADER, X12, Syntax
from helixnet.engine.formats.edi.walk import Mark, Walker
from helixnet.engine.formats.encoding import Codec, Transcoder
from helixnet.engine.formats.parts import PartCutter
from helixnet.engine.formats.scan import Facts
from helixnet.engine.source import EnvelopeAt, OnceLine
from helixnet.errors import RefusedError

MOST_ENVELOPES: Final = 256
_SERVICE: Final = frozenset({"TA1", "ISB", "ISE", "TA3"})


@dataclass(frozen=True, slots=True)
class EdiPlan:
    """What a scan needs of the contract.

    Args:
        grammar: of the messages.
        on_drift: allow, warn, reject or fail.
        limit: longest message in bytes.
        part_size: bytes after which a part ends at the next message.
        newline: what ends a line; empty where each segment counts as one.
    """

    grammar: EdiGrammar
    on_drift: str
    limit: int
    part_size: int
    newline: str


@dataclass(slots=True)
class _Opened:
    """A segment that opened something that is still open."""

    line: int
    byte: int
    raw: bytes


@dataclass(slots=True)
class _Kept:
    """Open segments, and the numbers of the first and last message in them."""

    first: int
    last: int
    segments: Sequence[_Opened]
    border: bool = False


@dataclass(slots=True)
class _Tail:
    """What was read of the file and not yet taken."""

    data: bytes = b""
    done: int = 0
    pending: int = 0
    message: int = -1


class EdiScan:
    """Scans one file; a part may end before any message."""

    def __init__(self, codecs: Sequence[Codec], plan: EdiPlan, *, start: int) -> None:
        self.codecs = codecs
        self._plan, self._standard = plan, plan.grammar.standard
        self._transcoder = Transcoder(codecs[0])
        self._cutter = PartCutter(start, line=1, size=plan.part_size)
        self._walker = Walker(self._standard)
        self._watch = DriftWatch.of(plan.grammar, plan.on_drift, plan.newline)
        self._start, self._tail = start, _Tail()
        self._syntax: Syntax | None = None
        self._opened: list[_Opened] = []
        self._interchange: Level | None = None
        self._group: Level | None = None
        self._next = 0  # where a segment of the envelope must follow, outside of messages
        self._kept: list[_Kept] = []
        self._changed, self._thinned = True, False
        self._outside: dict[str, None] = {}  # what is left out, in words
        self._failure: RefusedError | None = None

    def feed(self, block: bytes, *, final: bool) -> None:
        """Take the next bytes of the file."""
        if self._failure is not None:
            return
        tail = self._tail
        data = tail.data + self._transcoder.feed(block, final=final)
        tail.data, tail.message = data, -1
        try:
            self._feed(data, final=final)
        except RefusedError as failure:
            self._failure, self._tail = failure, _Tail()

    def _feed(self, data: bytes, *, final: bool) -> None:
        tail = self._tail
        for mark in self._walker.walk(data, final=final):
            self._take(data, mark)
        keep = tail.message if tail.message >= 0 else self._walker.rest
        if tail.message < 0 and self._opened and keep > self._next:
            self._advance(self._next)
            raise self._wrong("something stands outside of messages")
        self._advance(keep)
        if len(data) - keep > max(self._plan.limit, MOST_HEADER):
            raise self._too_long()
        if final:
            if self._walker.syntax is not None or tail.message >= 0:
                raise self._wrong("the file ends inside an interchange")
            self._advance(len(data))
        tail.data, tail.done = data[keep:], 0
        self._next = max(self._next - keep, 0)  # before it nothing stood outside

    def _take(self, data: bytes, mark: Mark) -> None:
        tag, tail, standard = mark.tag, self._tail, self._standard
        if tail.message >= 0:
            whole = tag == standard.message[1]
            self._message(data, tail.message, mark.end if whole else mark.after)
            tail.message = -1
            if whole:
                self._next = mark.end
                return
        elif self._next != mark.after and self._opened:
            self._between(data[self._next : mark.after], tag)
        if tag == standard.message[0]:
            if self._interchange is None or (standard is X12 and self._group is None):
                self._advance(mark.start)
                raise self._wrong(f"{tag} stands outside of {standard.group[0]}")
            tail.message = mark.start
            return
        self._advance(mark.start)
        self._envelope(tag, data[mark.start : mark.end])
        self._syntax = self._walker.syntax or self._syntax
        self._next = mark.end

    def _between(self, raw: bytes, tag: str) -> None:
        """Note the service segments that X12 allows around groups; anything else is wrong."""
        syntax = self._now
        segments = raw.decode("latin-1").replace("\r", "").replace("\n", "")
        tags = {one.partition(syntax.element)[0] for one in segments.split(syntax.terminator)[:-1]}
        if self._standard is not X12 or self._group is not None or not tags <= _SERVICE:
            self._advance(self._next)
            raise self._wrong(f"something stands outside of messages, before {tag}")
        if self._plan.on_drift != "allow":
            told = (f"segment {each} outside of messages is not read" for each in sorted(tags))
            self._outside |= dict.fromkeys(told)

    def _message(self, data: bytes, start: int, end: int) -> None:
        """Count a message that is whole, and cut before it if a part is full."""
        if end - start > self._plan.limit:
            self._advance(start)
            raise self._too_long()
        tail, cutter = self._tail, self._cutter
        full = start - tail.done >= cutter.wanted
        if full:
            self._advance(start)
            cutter.cut()
        tail.pending += 1
        self._keep(cutter.records + tail.pending, border=full)
        level = self._group or cast("Level", self._interchange)
        level.messages += 1
        if self._watch is not None:
            self._watch.look(data[start:end], cast("Syntax", self._syntax))

    def _keep(self, number: int, *, border: bool) -> None:
        if self._changed:
            if len(self._kept) >= 2 * MOST_ENVELOPES:
                self._thin()
            self._kept.append(_Kept(number, number, tuple(self._opened)))
            self._changed = False
        last = self._kept[-1]
        last.last = number
        last.border = last.border or border

    def _thin(self) -> None:
        """Keep only what a part needs to begin with."""
        self._kept = [each for each in self._kept if each.border]
        self._thinned = True

    def _envelope(self, tag: str, raw: bytes) -> None:
        """Open or close an interchange or a group."""
        standard, text = self._standard, raw.decode("latin-1")
        if len(raw) > MOST_HEADER:
            raise self._wrong(f"{tag} is longer than {MOST_HEADER} bytes", "HX-6001")
        self._changed = True
        if tag in ("UNA", standard.interchange[0]):
            if self._interchange is not None:
                raise self._wrong(f"{tag} stands where {standard.interchange[1]} is missing")
            self._open(raw)
            self._interchange = Level(text) if tag != "UNA" else None
        elif tag == standard.group[0]:
            if self._group is not None:
                raise self._wrong(f"{tag} stands where {standard.group[1]} is missing")
            self._open(raw)
            cast("Level", self._interchange).groups += 1
            self._group = Level(text)
        elif tag == standard.message[1]:
            raise self._wrong(f"{tag} ends a message that did not begin")
        elif tag == standard.group[1]:
            self._close_group(text)
        else:
            self._close(text)

    def _open(self, raw: bytes) -> None:
        self._opened.append(_Opened(self._cutter.line, self._cutter.offset, raw))

    def _close_group(self, text: str) -> None:
        group, interchange = self._group, self._interchange
        if group is None or interchange is None:
            raise self._wrong(f"{self._standard.group[1]} ends a group that did not begin")
        wrong = wrong_end(group.text, text, group.messages, "messages", self._now)
        if wrong:
            raise self._wrong(wrong)
        interchange.messages += group.messages
        self._group = None
        self._opened.pop()

    def _close(self, text: str) -> None:
        one = self._interchange
        if self._group is not None:
            raise self._wrong(f"{self._standard.group[1]} is missing")
        if one is None:
            raise self._wrong(f"{self._standard.interchange[1]} ends what did not begin")
        by_group = one.groups or self._standard is X12
        count, what = (one.groups, "groups") if by_group else (one.messages, "messages")
        wrong = wrong_end(one.text, text, count, what, self._now)
        if wrong:
            raise self._wrong(wrong)
        self._interchange = None
        self._opened.clear()

    @property
    def _now(self) -> Syntax:
        return cast("Syntax", self._syntax)

    def _advance(self, to: int) -> None:
        """Count what stands before a place, and the messages that begin in it."""
        tail = self._tail
        data, done = tail.data, tail.done
        if to <= done:
            return
        whole = to - done
        length = whole if self.codecs[0].direct else self.codecs[0].source_length(data[done:to])
        lines = count_lines(data, done, to, self._syntax, self._plan.newline)
        self._cutter.add(whole, length=length, records=tail.pending, lines=lines)
        tail.done, tail.pending = to, 0

    def _wrong(self, message: str, code: str = "HX-5013") -> RefusedError:
        return RefusedError(f"line {self._cutter.line}: {message}", code=code)

    def _too_long(self) -> RefusedError:
        return RefusedError(
            f"line {self._cutter.line}: a message is longer than {self._plan.limit} bytes",
            code="HX-6001",
            hint="raise `max_record_bytes` if it is right",
        )

    def finish(self, size: int, codec: Codec) -> Facts:
        """Return parts, envelopes and drift.

        Raises:
            RefusedError: HX-5004, HX-5013, HX-6001 the file can't be used; HX-5005 drift with
                ``on_drift: fail``.
        """
        if self._failure is not None:
            raise self._failure
        drift = [*self._outside, *(self._watch.found if self._watch is not None else ())]
        if drift and self._plan.on_drift == "fail":
            raise RefusedError("; ".join(drift), code="HX-5005", hint="extend the structure")
        if self._thinned or len(self._kept) > MOST_ENVELOPES:
            self._thin()
        parts = self._cutter.finish(size)
        envelopes = [
            EnvelopeAt(
                first=each.first,
                last=each.last,
                segments=[
                    OnceLine(
                        line=one.line, byte=one.byte, text=one.raw.decode(codec.scanned, "replace")
                    )
                    for one in each.segments
                ],
            )
            for each in self._kept
        ]
        found = [*map(Drift, drift)]
        return Facts(self._plan.newline, self._start, parts, drift=found, envelopes=envelopes)
