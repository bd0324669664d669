"""Reads the records of an indexed XML file; only those of one batch are in memory."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from helixnet.engine.codes import CODES
from helixnet.engine.formats.encoding import Transcoder
from helixnet.engine.formats.xml.batch import Spot, XmlBatch
from helixnet.engine.formats.xml.build import Builder, Found
from helixnet.engine.formats.xml.encoding import xml_codec
from helixnet.engine.formats.xml.names import Names
from helixnet.engine.formats.xml.parse import Feed
from helixnet.engine.formats.xml.place import element_end
from helixnet.engine.formats.xml.scan import XmlPlan
from helixnet.engine.formats.xml.window import Window
from helixnet.engine.outcome import Fault
from helixnet.engine.source import Part, SourceIndex

BLOCK: Final = 256 * 1024
_RECORDS: Final = 2_000
_BYTES: Final = 4 * 1024 * 1024


class XmlReader:
    """Reads one indexed XML file."""

    def __init__(self, index: SourceIndex, plan: XmlPlan) -> None:
        self._codec, self._plan = xml_codec(index.encoding), plan

    def read(self, stream: BinaryIO, part: Part) -> Iterator[XmlBatch]:
        """Yield the batches of ``part``, which is the whole file."""
        if not part.records:
            return
        stream.seek(part.start)
        transcoder, feed = Transcoder(self._codec), Feed(self._codec)
        names = Names(self._plan.namespaces)
        waiting: list[Found] = []
        builder = Builder(feed, names, self._plan.path, waiting.append)
        window = Window(self._codec, Spot(part.start, 1, 0))
        left, gathered = part.end - part.start, 0
        while left:
            block = stream.read(min(left, BLOCK))
            left = left - len(block) if block else 0
            data = transcoder.feed(block, final=not left)
            window.data += data
            feed.parse(data, final=not left)
            gathered += len(data)
            if waiting and (gathered >= _BYTES or len(waiting) >= _RECORDS or not left):
                yield self._batch(window, waiting, names)
                waiting.clear()
            if not waiting:
                window.drop(builder.begun if builder.begun >= 0 else window.last_tag)
                gathered = 0

    def _batch(self, window: Window, found: Sequence[Found], names: Names) -> XmlBatch:
        window.drop(found[0].start)
        base, data, spot = window.base, window.data, window.spot
        spans = [
            (one.start - base, element_end(data, one.start - base, one.end - base)) for one in found
        ]
        faults: dict[int, list[Fault]] = {}
        batch = XmlBatch(
            [one.node for one in found],
            faults,
            data[: spans[-1][1]],
            spot,
            self._codec,
            names,
            spans,
            [one.scope for one in found],
        )
        for index, one in enumerate(found):
            if one.doubled:
                faults[index] = [_fault(batch, index, name) for name in one.doubled]
        return batch


def _fault(batch: XmlBatch, index: int, name: str) -> Fault:
    text = f"the name {name!r} stands for elements of several namespaces"
    return Fault("HX-1022", text, source=batch.locate(index, ""), hint=CODES["HX-1022"].action)
