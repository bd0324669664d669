"""JSON documents: the records are the root, the elements of a root array, or named by a path."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from helixnet.engine.formats.encoding import Codec, Transcoder, codec_of
from helixnet.engine.formats.json.batch import JsonBatch, batch_of
from helixnet.engine.formats.json.drift import MemberWatch
from helixnet.engine.formats.json.elements import Elements, path_of
from helixnet.engine.formats.scan import Facts
from helixnet.engine.source import Part, SourceIndex
from helixnet.errors import RefusedError

BLOCK: Final = 256 * 1024
_RECORDS: Final = 2_000
_BYTES: Final = 4 * 1024 * 1024


class JsonScan:
    """Counts the records and proves the document whole; it is one part."""

    def __init__(
        self,
        codecs: Sequence[Codec],
        *,
        start: int,
        limit: int,
        record: str | None,
        watch: MemberWatch | None = None,
    ) -> None:
        self.codecs = codecs
        self._transcoder = Transcoder(codecs[0])
        self._elements = Elements(path_of(record), limit=limit, start=start, measure=len)
        self._walk, self._watch = self._elements.walk(), watch
        self._begun, self._ended = False, False
        self._start, self._records, self._newline = start, 0, ""
        self._failure: RefusedError | None = None

    def feed(self, block: bytes, *, final: bool) -> None:
        """Take the next bytes of the file."""
        data = self._transcoder.feed(block, final=final)
        if not self._newline and b"\n" in data:
            self._newline = "\r\n" if b"\r\n" in data else "\n"
        try:
            if not self._begun:
                self._begun = True
                next(self._walk)
            for piece in (data, b"") if final else (data,):
                if (piece or final) and not self._ended:
                    self._send(piece)
        except RefusedError as failure:
            self._failure, self._ended = failure, True

    def _send(self, data: bytes) -> None:
        try:
            got = self._walk.send(data)
            while got is not None:
                self._records += 1
                if self._watch is not None:
                    self._watch.see([self._elements.slice(*got)])
                got = next(self._walk)
        except StopIteration:
            self._ended = True

    def finish(self, size: int, codec: Codec) -> Facts:
        """Return the one part, and drift.

        Raises:
            RefusedError: the document is not JSON, or a record is over a limit.
        """
        if self._failure is not None:
            raise self._failure
        part = Part(0, self._start, size, 1, 1, self._records)
        drift = self._watch.drift(codec) if self._watch is not None else ()
        return Facts(self._newline or "\n", self._start, (part,), drift=drift)


class JsonReader:
    """Reads one indexed JSON document."""

    def __init__(self, index: SourceIndex, *, record: str | None, limit: int) -> None:
        self._codec, self._path, self._limit = codec_of(index.encoding), path_of(record), limit

    def read(self, stream: BinaryIO, part: Part) -> Iterator[JsonBatch]:
        """Yield the batches of ``part``, which is the whole document."""
        if part.start == part.end:
            return
        elements = Elements(
            self._path,
            limit=self._limit,
            start=part.start,
            measure=self._codec.source_length,
            characters=self._codec.characters,
        )
        pieces: list[bytes] = []
        spans: list[tuple[int, int]] = []
        place, column, base, done = (part.start, 1), 0, 0, 0
        for start, end in self._records(elements, stream, part):
            if spans:
                pieces.append(elements.slice(done, start))
            else:
                place, column, base = elements.place(start), elements.column(start), start
            pieces.append(elements.slice(start, end))
            spans.append((start - base, end - base))
            done = end
            if len(spans) >= _RECORDS or end - base >= _BYTES:
                yield batch_of(
                    b"".join(pieces), spans, place=place, column=column, codec=self._codec
                )
                pieces, spans = [], []
        if spans:
            yield batch_of(b"".join(pieces), spans, place=place, column=column, codec=self._codec)

    def _records(
        self, elements: Elements, stream: BinaryIO, part: Part
    ) -> Iterator[tuple[int, int]]:
        """Feed the document to the walk and pass its records on."""
        transcoder = Transcoder(self._codec)
        stream.seek(part.start)
        left, ended = part.end - part.start, False
        walk = elements.walk()
        got = next(walk)
        try:
            while True:
                if got is not None:
                    yield got
                    got = next(walk)
                    continue
                data = b""
                while not data and not ended:
                    block = stream.read(min(left, BLOCK))
                    left, ended = left - len(block), not block
                    data = transcoder.feed(block, final=ended)
                got = walk.send(data)
        except StopIteration:
            return
