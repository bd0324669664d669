"""The sequential pass over an XML file: well-formed as a whole, within limits, records counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.formats.drift import Drift
from helixnet.engine.formats.encoding import Codec, Transcoder
from helixnet.engine.formats.scan import Facts
from helixnet.engine.formats.xml.names import Names
from helixnet.engine.formats.xml.parse import MAX_DEPTH, Feed
from helixnet.engine.source import Part
from helixnet.errors import RefusedError

_BLANK: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class XmlPlan:
    """What reading needs of the contract.

    Args:
        path: names from the root element to the record; none = the root itself.
        limit: longest record in bytes.
        namespaces: see :class:`~helixnet.engine.formats.xml.names.Names`.
    """

    path: tuple[str, ...]
    limit: int
    namespaces: Mapping[str, str] | None


class XmlScan:
    """Proves one document and counts its records; it is one part."""

    def __init__(self, codec: Codec, plan: XmlPlan, *, start: int) -> None:
        self.codecs = [codec]
        self._plan, self._start = plan, start
        self._transcoder, self._feed = Transcoder(codec), Feed(codec)
        self._names = Names(plan.namespaces)
        self._depth, self._matched, self._records = 0, 0, 0
        self._begun, self._blank = -1, True
        self._reached, self._beside = 0, dict[int, str]()
        self._newline = ""
        self._failure: RefusedError | None = None
        self._feed.parser.StartElementHandler = self._open
        self._feed.parser.EndElementHandler = self._close

    def feed(self, block: bytes, *, final: bool) -> None:
        """Take the next bytes of the file."""
        if self._failure is not None:
            return
        data = self._transcoder.feed(block, final=final)
        if not self._newline and b"\n" in data:
            self._newline = "\r\n" if b"\r\n" in data else "\n"
        self._blank = self._blank and not data.strip(_BLANK)
        if final and self._blank:
            return  # of an empty file nothing can be wrong
        try:
            self._feed.parse(data, final=final)
            if self._begun >= 0 and self._feed.fed - self._begun > self._plan.limit:
                raise self._too_long()
        except RefusedError as failure:
            self._failure = failure

    def _open(self, full: str, _attributes: object) -> None:
        self._depth = depth = self._depth + 1
        if depth > MAX_DEPTH:
            text = f"elements are nested deeper than {MAX_DEPTH} levels"
            raise self._feed.refusal(text, "HX-6003")
        path = self._plan.path
        if self._matched == depth - 1 and depth <= max(len(path), 1):
            name = self._names.element(full)
            if not path or name == path[depth - 1]:
                self._matched = depth
                self._reached = max(self._reached, depth)
                if depth >= len(path):
                    self._begun = self._feed.parser.CurrentByteIndex
            elif depth == 1:
                text = f"the root element is {name!r}, not {path[0]!r}"
                raise self._feed.refusal(text, "HX-5004", "correct `source.record`")
            else:
                self._beside.setdefault(depth, name)

    def _close(self, _full: str) -> None:
        if self._matched == self._depth:
            self._matched -= 1
            if self._begun >= 0:
                if self._feed.parser.CurrentByteIndex - self._begun > self._plan.limit:
                    raise self._too_long()
                self._records, self._begun = self._records + 1, -1
        self._depth -= 1

    def _too_long(self) -> RefusedError:
        text = f"a record is longer than {self._plan.limit} bytes"
        hint = "name the repeated element in `source.record`, or raise `max_record_bytes`"
        return self._feed.refusal(text, "HX-6001", hint)

    def finish(self, size: int, codec: Codec) -> Facts:  # noqa: ARG002 - a scan has one codec here
        """Return the one part.

        Raises:
            RefusedError: the file can't be used; see :class:`~.xml_parse.Feed`.
        """
        if self._failure is not None:
            raise self._failure
        part = Part(0, self._start, size, 1, 1, self._records)
        return Facts(self._newline or "\n", self._start, (part,), drift=self._drift())

    def _drift(self) -> Sequence[Drift]:
        """Say that a file has no record, and other elements where one should be."""
        other = self._beside.get(self._reached + 1)
        if self._records or other is None:
            return ()
        name = self._plan.path[self._reached]
        return (Drift(f"no element {name!r} leads to the records; {other!r} stands there"),)
