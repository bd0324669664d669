"""Reads the messages of X12 and EDIFACT files as nested nodes; an empty element is absent."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import BinaryIO, Final, cast

from helixnet.engine.codes import CODES
from helixnet.engine.formats.edi.batch import EdiBatch, Envelope
from helixnet.engine.formats.edi.cut import cut, is_even
from helixnet.engine.formats.edi.envelope import syntax_of
from helixnet.engine.formats.edi.grammar import EdiGrammar
from helixnet.engine.formats.edi.lines import count_lines
from helixnet.engine.formats.edi.message import Nester, Wrong
from helixnet.engine.formats.edi.syntax import Syntax
from helixnet.engine.formats.edi.walk import Mark, Walker
from helixnet.engine.formats.encoding import Transcoder, codec_of
from helixnet.engine.outcome import Fault
from helixnet.engine.source import EnvelopeAt, Node, OnceLine, Part, SourceIndex

BLOCK: Final = 512 * 1024
_BATCH: Final = 24 * 1024  # bytes of messages whose nodes are alive together: few are fast
_MOST_SYNTAXES: Final = 16


class EdiReader:
    """Reads parts of one indexed file.

    Args:
        index: of the file.
        grammar: of its messages.
        needs: names read by id; None = all.
        rejects_drift: whether a segment that the structure does not have rejects its message.
    """

    def __init__(
        self,
        index: SourceIndex,
        grammar: EdiGrammar,
        *,
        needs: Mapping[str, Collection[str]] | None,
        rejects_drift: bool,
    ) -> None:
        self._index, self.grammar, self._needs = index, grammar, needs
        self._rejects_drift = rejects_drift
        self.codec = codec_of(index.encoding)
        self._nesters: dict[Syntax, Nester] = {}

    def _nester(self, syntax: Syntax) -> Nester:
        """Return what makes records of messages with these delimiters."""
        found = self._nesters.get(syntax)
        if found is None:
            if len(self._nesters) >= _MOST_SYNTAXES:
                self._nesters.clear()
            found = Nester(self.grammar, syntax, self._needs, rejects_drift=self._rejects_drift)
            self._nesters[syntax] = found
        return found

    def envelope(self, segments: Sequence[OnceLine]) -> Envelope:
        """Return open segments with the nodes that they are in every record."""
        nester = self._nester(syntax_of(segments, self.grammar.standard))
        nodes: dict[str, list[Node]] = {}
        for one in segments:
            if one["text"].startswith("UNA"):
                continue
            found = nester.root(one["text"], one["line"])
            if found is not None:
                nodes.setdefault(found[0], []).append(found[1])
        return Envelope(tuple(segments), nester, nodes)

    def read(self, stream: BinaryIO, part: Part) -> Iterator[EdiBatch]:
        """Yield the batches of ``part``."""
        reading = _Reading(self, self._index.newline, part)
        if part.start != self._index.header_end:
            number = part.first_record
            reading.begin(
                next(e for e in self._index.envelopes if e["first"] <= number <= e["last"])
            )
        stream.seek(part.start)
        transcoder = Transcoder(self.codec)
        left, data = part.end - part.start, b""
        while left or data:
            block = stream.read(min(left, max(BLOCK, len(data))))
            left = left - len(block) if block else 0
            data += transcoder.feed(block, final=not left)
            yield from reading.take(data, final=not left)
            data = data[reading.keep :] if left else b""


class _Reading:
    """Takes the blocks of a part, one after the other."""

    def __init__(self, reader: EdiReader, newline: str, part: Part) -> None:
        self._reader, self._codec, self._newline = reader, reader.codec, newline
        self._line, self._byte = part.first_line, part.start
        self._walker = Walker(reader.grammar.standard)
        self._opened: list[OnceLine] = []
        self._envelope: Envelope | None = None
        self._counted: Syntax | None = None  # whose terminators are lines
        self._even: dict[Syntax, bool] = {}  # of the block
        self._done = self.keep = 0

    def begin(self, envelope: EnvelopeAt) -> None:
        """Begin where an envelope is open."""
        self._opened = list(envelope["segments"])
        self._envelope = self._reader.envelope(self._opened)
        texts = [one["text"].encode(self._codec.scanned, "replace") for one in self._opened]
        scanned = [OnceLine(line=0, byte=0, text=text.decode("latin-1")) for text in texts]
        self._walker.syntax = syntax_of(scanned, self._reader.grammar.standard)
        self._counted = self._walker.syntax

    def take(self, data: bytes, *, final: bool) -> Iterator[EdiBatch]:
        """Yield the messages that are whole in ``data``; from ``keep`` on, bytes are left."""
        self._done, message, batch = 0, -1, self._batch(data)
        self._even.clear()
        closing = self._reader.grammar.standard.message[1]
        for mark in self._walker.walk(data, final=final):
            if message >= 0:
                whole = mark.tag == closing
                self._message(batch, message, mark.end if whole else mark.after)
                message = -1
                if batch.size >= _BATCH:
                    yield batch
                    batch = self._batch(data)
                if whole:
                    continue
            message = self._open_or_close(data, mark)
        if message >= 0 and final:  # its end is missing, and the next part begins with the next
            ending = cast("Syntax", self._walker.syntax).ending
            end = data.rfind(ending, message)
            self._message(batch, message, end + len(ending) if end >= 0 else len(data))
            message = -1
        if batch.records:
            yield batch
        self.keep = message if message >= 0 else len(data) if final else self._walker.rest
        self._line += self._lines(data, self.keep)
        self._byte += self._codec.source_length(data, self.keep)

    def _batch(self, data: bytes) -> EdiBatch:
        return EdiBatch([], {}, data, self._byte, self._codec, self._newline, [], [])

    @property
    def _current(self) -> Envelope:
        if self._envelope is None:
            self._envelope = self._reader.envelope(self._opened)
        return self._envelope

    def _lines(self, data: bytes, to: int) -> int:
        """Return how many lines end from where counting stopped up to a place."""
        lines = count_lines(data, self._done, to, self._counted, self._newline)
        self._done = max(to, self._done)
        return lines

    def _open_or_close(self, data: bytes, mark: Mark) -> int:
        """Take a segment of the envelope; return where a message begins, -1 if none does."""
        standard = self._reader.grammar.standard
        if mark.tag == standard.message[0]:
            return mark.start
        self._line += self._lines(data, mark.start)
        if mark.tag in (standard.interchange[1], standard.group[1]):
            self._line += self._lines(data, mark.end)
            del self._opened[-1 if mark.tag == standard.group[1] else 0 :]
        else:
            text = data[mark.start : mark.end].decode(self._codec.scanned, "replace")
            byte = self._byte + self._codec.source_length(data, mark.start)
            self._opened.append(OnceLine(line=self._line, byte=byte, text=text))
        self._envelope = None
        self._counted = self._walker.syntax or self._counted
        return -1

    def _message(self, batch: EdiBatch, start: int, end: int) -> None:
        index, envelope = len(batch.records), self._current
        self._line += self._lines(batch.data, start)
        line = self._line
        root: Node = {"_line": line, "_name": "", **envelope.nodes}
        batch.spans.append((start, end))
        batch.envelopes.append(envelope)
        batch.records.append(root)
        text, wrong = self._decode(batch.data[start:end], line)
        syntax = envelope.syntax
        if syntax not in self._even:
            self._even[syntax] = is_even(batch.data, cast("Syntax", self._counted), self._newline)
        parts = cut(text, syntax, line, self._newline, even=self._even[syntax])
        wrong += envelope.nester.nest(parts, root)
        if wrong:
            batch.faults[index] = [
                Fault(
                    each.code,
                    each.message,
                    source=batch.position(index, each.line, segment=each.segment),
                    hint=CODES[each.code].action,
                )
                for each in wrong
            ]

    def _decode(self, data: bytes, line: int) -> tuple[str, list[Wrong]]:
        try:
            return data.decode(self._codec.scanned), []
        except UnicodeDecodeError as error:
            line += count_lines(data, 0, error.start, self._counted, self._newline)
            message = f"the bytes do not decode as {self._codec.name}"
            text = data.decode(self._codec.scanned, "replace")
            return text, [Wrong(line, "", message, "HX-1001")]
