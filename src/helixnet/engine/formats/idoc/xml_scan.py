"""The sequential pass over IDocs in XML: well-formed, within limits, counted, and drift told."""

from typing import Final

from helixnet.engine.formats.drift import Drift
from helixnet.engine.formats.encoding import Codec, Transcoder
from helixnet.engine.formats.idoc.nesting import Misfit, Nesting
from helixnet.engine.formats.idoc.scan import IdocPlan
from helixnet.engine.formats.idoc.xml_build import Document, IdocBuilder, one_document
from helixnet.engine.formats.idoc.xml_cut import Cut, Cutter
from helixnet.engine.formats.idoc.xml_fast import FastReader
from helixnet.engine.formats.scan import Facts
from helixnet.engine.formats.xml.parse import Feed
from helixnet.engine.source import Part
from helixnet.errors import RefusedError

_MOST_NOTES: Final = 50
_BLANK: Final = b" \t\r\n"
_SLACK: Final = 1024 * 1024


class IdocXmlScan:
    """Scans one file; it is one part."""

    def __init__(self, codec: Codec, plan: IdocPlan, *, start: int) -> None:
        self.codecs = [codec]
        self._plan, self._start, self._codec = plan, start, codec
        self._transcoder, self._feed = Transcoder(codec), Feed(codec)
        self._nesting, self._cutter = Nesting(plan.grammar), Cutter()
        self._fast = FastReader(self._nesting, {}, strict=True)
        self._builder: IdocBuilder | None = None
        self._records, self._newline = 0, ""
        self._drift: dict[str, None] = {}
        self._failure: RefusedError | None = None

    def feed(self, block: bytes, *, final: bool) -> None:
        """Take the next bytes of the file."""
        if self._failure is not None:
            return
        data = self._transcoder.feed(block, final=final)
        if not self._newline and b"\n" in data:
            self._newline = "\r\n" if b"\r\n" in data else "\n"
        try:
            if self._builder is None:
                data = self._take(data, final=final)
            if self._builder is not None:
                self._parse(self._builder, data, final=final)
        except RefusedError as failure:
            self._failure = failure

    def _take(self, data: bytes, *, final: bool) -> bytes:
        """Take documents as long as they can be told apart; return what is left to the parser."""
        cut, data = self._cutter.feed(data), b""
        if cut is not None and cut.plain:
            self._take_plain(cut)
        elif cut is not None:
            data = cut.data
            self._turn()
        elif len(self._cutter.rest) > self._plan.limit + _SLACK:
            raise self._too_long()
        if final and self._builder is None:
            data = self._cutter.rest
            if self._feed.fed or data.strip(_BLANK):  # of an empty file nothing can be wrong
                self._turn()
        return data

    def _turn(self) -> None:
        """Leave the rest of the file to the parser's events."""
        depth = 1 if self._feed.fed else 0
        self._builder = IdocBuilder(self._feed, self._nesting, {}, self._found, depth=depth)

    def _take_plain(self, cut: Cut) -> None:
        pieces = cut.pieces
        if max(map(len, pieces)) > self._plan.limit:
            raise self._too_long()
        self._feed.parse(cut.data, final=False)
        self._records += len(pieces)
        if self._plan.on_drift == "allow":
            return
        for piece in pieces:
            if self._fast.document(piece.decode(), 0) is None:
                self._note(one_document(piece, 1, self._codec, self._nesting, {}).misfits)

    def _parse(self, builder: IdocBuilder, data: bytes, *, final: bool) -> None:
        self._feed.parse(data, final=final)
        if builder.begun >= 0 and self._feed.fed - builder.begun > self._plan.limit:
            raise self._too_long()

    def _found(self, document: Document) -> None:
        if document.end - document.start > self._plan.limit:
            raise self._too_long()
        self._records += 1
        self._note(document.misfits)

    def _note(self, misfits: list[Misfit]) -> None:
        for misfit in misfits:
            if misfit.drift and len(self._drift) < _MOST_NOTES:
                self._drift[misfit.drift] = None

    def _too_long(self) -> RefusedError:
        text = f"an IDoc is longer than {self._plan.limit} bytes"
        return self._feed.refusal(text, "HX-6001", "raise `max_record_bytes` if it is right")

    def finish(self, size: int, codec: Codec) -> Facts:  # noqa: ARG002 - a scan has one codec here
        """Return the one part, and drift.

        Raises:
            RefusedError: the file can't be used, or HX-5005 drift with ``on_drift: fail``.
        """
        if self._failure is not None:
            raise self._failure
        drift = list(self._drift)
        if drift and self._plan.on_drift == "fail":
            raise RefusedError("; ".join(drift), code="HX-5005", hint="extend the grammar")
        part = Part(0, self._start, size, 1, 1, self._records)
        newline = self._newline or "\n"
        return Facts(newline, self._start, (part,), drift=[*map(Drift, drift)])
