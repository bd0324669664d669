"""NDJSON: one JSON object a line, blank lines skipped."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from helixnet.engine.formats.encoding import Codec, Transcoder, codec_of
from helixnet.engine.formats.json.batch import JsonBatch, Span, batch_of
from helixnet.engine.formats.json.drift import MemberWatch
from helixnet.engine.formats.parts import PartCutter
from helixnet.engine.formats.scan import Facts
from helixnet.engine.source import Part, SourceIndex
from helixnet.errors import RefusedError

BLOCK: Final = 512 * 1024
_BLANK: Final = b" \t\r\n"


class NdjsonScan:
    """Counts the lines that hold something; every line end is a border."""

    def __init__(
        self,
        codecs: Sequence[Codec],
        *,
        start: int,
        limit: int,
        part_size: int,
        watch: MemberWatch | None = None,
    ) -> None:
        self.codecs = codecs
        self._transcoder = Transcoder(codecs[0])
        self._cutter = PartCutter(start, line=1, size=part_size)
        self._start, self._limit, self._watch = start, limit, watch
        self._carry = b""
        self._newline = ""
        self._failure: RefusedError | None = None

    def feed(self, block: bytes, *, final: bool) -> None:
        """Take the next bytes of the file."""
        if self._failure is not None:
            return
        data = self._carry + self._transcoder.feed(block, final=final)
        whole = len(data) if final else data.rfind(b"\n") + 1
        if whole and not self._newline:
            first = data.find(b"\n")
            self._newline = "\r\n" if data[first - 1 : first] == b"\r" else "\n"
        self._take(data[:whole])
        self._carry = data[whole:]
        if len(self._carry) > self._limit:
            self._failure = RefusedError(
                f"line {self._cutter.line} is longer than {self._limit} bytes",
                code="HX-6001",
                hint="look for a lost line break",
            )
            self._carry = b""

    def _take(self, data: bytes) -> None:
        while data:
            if self._cutter.wanted <= 0:
                self._cutter.cut()
            border = data.find(b"\n", max(self._cutter.wanted - 1, 0)) + 1 or len(data)
            piece, data = data[:border], data[border:]
            records = [line for line in piece.split(b"\n") if line.strip(_BLANK)]
            if self._watch is not None:
                self._watch.see(records)
            self._cutter.add(
                len(piece),
                length=self.codecs[0].source_length(piece),
                records=len(records),
                lines=piece.count(b"\n"),
            )

    def finish(self, size: int, codec: Codec) -> Facts:
        """Return line end, parts and drift.

        Raises:
            RefusedError: HX-6001 a line is too long.
        """
        if self._failure is not None:
            raise self._failure
        drift = self._watch.drift(codec) if self._watch is not None else ()
        return Facts(self._newline or "\n", self._start, self._cutter.finish(size), drift=drift)


class NdjsonReader:
    """Reads parts of one indexed NDJSON file."""

    def __init__(self, index: SourceIndex) -> None:
        self._codec = codec_of(index.encoding)

    def read(self, stream: BinaryIO, part: Part) -> Iterator[JsonBatch]:
        """Yield the batches of ``part``."""
        stream.seek(part.start)
        transcoder = Transcoder(self._codec)
        left, carry, byte, line = part.end - part.start, b"", part.start, part.first_line
        while left:
            block = stream.read(min(left, max(BLOCK, len(carry))))
            left = left - len(block) if block else 0
            data = carry + transcoder.feed(block, final=not left)
            whole = data.rfind(b"\n") + 1 if left else len(data)
            carry, data = data[whole:], data[:whole]
            if spans := list(_lines(data)):
                yield batch_of(data, spans, place=(byte, line), codec=self._codec)
            byte += self._codec.source_length(data)
            line += data.count(b"\n")


def _lines(data: bytes) -> Iterator[Span]:
    start = 0
    for line in data.split(b"\n"):
        end = start + len(line) + 1
        if line.strip(_BLANK):
            yield start, min(end, len(data))
        start = end
