"""Reads the documents of an indexed file of IDocs in XML: the same nodes as of a flat one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, Final, cast

from helixnet.engine.codes import CODES
from helixnet.engine.formats.encoding import Transcoder
from helixnet.engine.formats.idoc.grammar import IdocGrammar
from helixnet.engine.formats.idoc.nesting import Misfit, Nesting
from helixnet.engine.formats.idoc.xml_build import Document, IdocBuilder, one_document
from helixnet.engine.formats.idoc.xml_cut import END, Cut, Cutter
from helixnet.engine.formats.idoc.xml_fast import FastReader
from helixnet.engine.formats.xml.batch import Spot, XmlBatch
from helixnet.engine.formats.xml.encoding import begins_as_xml, xml_codec
from helixnet.engine.formats.xml.names import Names
from helixnet.engine.formats.xml.parse import Feed
from helixnet.engine.formats.xml.place import element_end
from helixnet.engine.formats.xml.window import Window
from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import Node, Part, SourceIndex

BLOCK: Final = 512 * 1024
_HEAD: Final = 1024


@dataclass(slots=True)
class IdocXmlBatch:
    """A :class:`helixnet.engine.source.Batch`: documents of one block."""

    records: Sequence[Node]
    faults: Mapping[int, Sequence[Fault]]
    elements: XmlBatch

    def line(self, index: int, item: int = 0) -> int:
        """First physical line of a document; it has no rows."""
        return cast("int", self.records[index + item]["_line"])

    def raw(self, index: int) -> bytes:
        """The bytes of the document's element as they stand in the file."""
        return self.elements.raw(index)

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """Where the segment or field at JSON pointer ``name`` begins."""
        *steps, field = name.split("/")[1:] or [""]
        steps, field = ([*steps, field], "") if field.isdecimal() else (steps, field)
        node = self.records[index + item]
        for segment, number in zip(steps[::2], steps[1::2], strict=False):
            below = cast("list[Node]", node.get(segment, []))
            node = below[int(number)] if int(number) < len(below) else node
        place = self.elements.locate(index + item, name)
        line = place.line if place.column else cast("int", node["_line"])
        kind = cast("str", node["_name"])
        return SourcePosition(line, place.column, place.byte, field, kind)

    def excerpt(self, index: int, name: str) -> str:
        """See :meth:`helixnet.engine.formats.xml.batch.XmlBatch.excerpt`."""
        return self.elements.excerpt(index, name)


class IdocXmlReader:
    """Reads one indexed file.

    Args:
        index: of the file.
        grammar: of its type.
        needs: fields used a segment; None = all.
        rejects_drift: whether what the grammar does not have rejects its document.
    """

    def __init__(
        self,
        index: SourceIndex,
        grammar: IdocGrammar,
        *,
        needs: Mapping[str, frozenset[str]] | None,
        rejects_drift: bool,
    ) -> None:
        self._codec, self._needs, self._strict = xml_codec(index.encoding), needs, rejects_drift
        self._nesting = Nesting(grammar)
        self._fast = FastReader(self._nesting, needs, strict=rejects_drift)
        self._names = Names(None)

    def read(self, stream: BinaryIO, part: Part) -> Iterator[IdocXmlBatch]:
        """Yield the batches of ``part``, which is the whole file."""
        if not part.records:
            return
        cutter, spot, rest = Cutter(), Spot(part.start, 1, 0), b""
        blocks = self._blocks(stream, part)
        for data in blocks:
            cut = cutter.feed(data)
            if cut is not None and not cut.plain:
                rest = cut.data
                break
            if cut is not None:
                batch, line = self._told_apart(cut, spot)
                yield batch
                spot = spot.behind(cut.data, line, self._codec)
        else:
            rest = cutter.rest
        root = cutter.root.replace(b"\n", b" ") if spot.byte > part.start else b""
        yield from self._parsed(chain([rest], blocks), spot, root)

    def _blocks(self, stream: BinaryIO, part: Part) -> Iterator[bytes]:
        stream.seek(part.start)
        transcoder, left = Transcoder(self._codec), part.end - part.start
        while left:
            block = stream.read(min(left, BLOCK))
            left = left - len(block) if block else 0
            yield transcoder.feed(block, final=not left)

    def _told_apart(self, cut: Cut, spot: Spot) -> tuple[IdocXmlBatch, int]:
        """Read the documents of a cut; return the line in which the last ends too."""
        documents: list[Document] = []
        line, offset = spot.line + cut.data.count(b"\n", 0, cut.start), cut.start
        for piece in cut.pieces:
            node = self._fast.document(piece.decode(), line)
            if node is None:
                found = one_document(piece, line, self._codec, self._nesting, self._needs)
                line += piece.count(b"\n")
            else:
                found, line = Document(node), self._fast.line
            found.start = offset + len(piece) - len(piece.lstrip())
            offset += len(piece) + len(END)
            found.end = offset
            documents.append(found)
        return self._batch(cut.data, spot, documents), line

    def _parsed(self, blocks: Iterable[bytes], spot: Spot, root: bytes) -> Iterator[IdocXmlBatch]:
        """Read documents by the parser's events.

        Args:
            blocks: of the rest of the file.
            spot: where they begin.
            root: start tag of the root element, if it stands before them.
        """
        feed, waiting = Feed(self._codec), list[Document]()
        feed.parse(root, final=False)
        builder = IdocBuilder(
            feed, self._nesting, self._needs, waiting.append, depth=bool(root), line=spot.line - 1
        )
        window = Window(self._codec, spot, base=feed.fed)
        for data, final in chain(((data, False) for data in blocks), [(b"", True)]):
            window.data += data
            feed.parse(data, final=final)
            if waiting:
                window.drop(waiting[0].start)
                yield self._batch(window.data, window.spot, _within(window, waiting))
                waiting.clear()
            window.drop(builder.begun if builder.begun >= 0 else window.last_tag)

    def _batch(self, data: bytes, spot: Spot, documents: Sequence[Document]) -> IdocXmlBatch:
        records = [document.node for document in documents]
        spans = [(document.start, document.end) for document in documents]
        faults: dict[int, list[Fault]] = {}
        elements = XmlBatch(
            records, faults, data, spot, self._codec, self._names, spans, [()] * len(spans)
        )
        for index, document in enumerate(documents):
            wrong = [one for one in document.misfits if self._strict or not one.drift]
            if wrong:
                byte = elements.locate(index, "").byte
                faults[index] = [_fault(one, byte) for one in wrong]
        return IdocXmlBatch(records, faults, elements)


def is_xml(stream: BinaryIO, index: SourceIndex, part: Part) -> bool:
    """Tell whether an indexed file of IDocs is XML; the first character that is no blank tells."""
    stream.seek(part.start)
    head = b""
    while len(head) < _HEAD and (block := stream.read(_HEAD - len(head))):
        head += block
    return begins_as_xml(head, xml_codec(index.encoding))


def _within(window: Window, documents: Sequence[Document]) -> Sequence[Document]:
    """Return documents with their places in the data of a window."""
    for document in documents:
        document.start -= window.base
        document.end = element_end(window.data, document.start, document.end - window.base)
    return documents


def _fault(misfit: Misfit, byte: int) -> Fault:
    place = SourcePosition(line=misfit.line, byte=byte, segment=misfit.segment)
    return Fault(misfit.code, misfit.message, source=place, hint=CODES[misfit.code].action)
