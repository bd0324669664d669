"""Makes nodes of IDocs in XML from expat's events: the general way, for whatever XML allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.idoc.grammar import CONTROL
from helixnet.engine.formats.idoc.nesting import Misfit, Nesting
from helixnet.engine.formats.idoc.xml_cut import END
from helixnet.engine.formats.xml.names import SEPARATOR
from helixnet.engine.formats.xml.parse import MAX_DEPTH, Feed
from helixnet.engine.source import Node

DOCUMENT: Final = "IDOC"
_BLANK: Final = " \t\r\n"


@dataclass(slots=True)
class Document:
    """One IDoc.

    Args:
        node: as the flat reader gives it.
        start: byte of ``<IDOC`` in what was fed.
        end: byte at which its end tag begins.
        misfits: what the grammar has not.
    """

    node: Node
    start: int = 0
    end: int = 0
    misfits: list[Misfit] = field(default_factory=list[Misfit])


@dataclass(slots=True)
class _Open:
    """An open segment; without a node where it may not stand."""

    type: str
    node: Node | None
    line: int
    fields: set[str] = field(default_factory=set[str])


class IdocBuilder:
    """Watches a parser and gives every IDoc to ``found``.

    Args:
        feed: the parser.
        nesting: of the grammar.
        needs: fields used a segment; None = all.
        found: takes each document.
        depth: elements that are open around what is fed.
        line: physical line, from 0, at which it begins.
    """

    def __init__(
        self,
        feed: Feed,
        nesting: Nesting,
        needs: Mapping[str, frozenset[str]] | None,
        found: Callable[[Document], None],
        *,
        depth: int = 0,
        line: int = 0,
    ) -> None:
        self._feed, self._parser, self._nesting = feed, feed.parser, nesting
        self._needs, self._found = needs, found
        self._depth, self._line = depth, line
        self._stack: list[_Open] = []
        self._document = Document({})
        self._field, self._inside = "", 0
        self._text = ""
        self._watch()

    def _watch(self) -> None:
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._take

    @property
    def begun(self) -> int:
        """Byte at which the document that is open begins; -1 between documents."""
        return self._document.start if self._stack else -1

    def _start(self, full: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            text = f"elements are nested deeper than {MAX_DEPTH} levels"
            raise self._feed.refusal(text, "HX-6003")
        name = full.rpartition(SEPARATOR)[2].rpartition(":")[2]
        if not self._stack:
            self._begin(name)
        elif self._inside:
            self._inside += 1
            self._misfit(self._nesting.unknown(name, self._field, self._here()))
        elif "SEGMENT" in attributes or self._nesting.below(self._stack[-1].type, name):
            self._segment(name)
        else:
            self._field, self._inside, self._text = name, 1, ""

    def _begin(self, name: str) -> None:
        if name == DOCUMENT and self._depth <= 2:  # noqa: PLR2004 - the root, or below it
            line = self._here()
            root: Node = {"_line": line, "_name": ""}
            self._document = Document(root, self._parser.CurrentByteIndex)
            self._stack.append(_Open("", root, line))
        elif self._depth > 1:
            text = f"an IDoc file holds elements IDOC, not {name!r}"
            raise self._feed.refusal(text, "HX-5004", "correct `source.format`")

    def _segment(self, written: str) -> None:
        above, line = self._stack[-1], self._here()
        kind = self._nesting.below(above.type, written) if above.node is not None else None
        if kind is None or above.node is None:
            if above.node is not None:
                self._misfit(self._nesting.misplaced(written, line))
            self._stack.append(_Open("", None, line))
            return
        node: Node = {"_line": line, "_name": kind}
        cast("list[Node]", above.node.setdefault(kind, [])).append(node)
        self._stack.append(_Open(kind, node, line))

    def _take(self, text: str) -> None:
        if self._inside == 1:
            self._text += text

    def _end(self, _full: str) -> None:
        self._depth -= 1
        if self._inside:
            self._inside -= 1
            if not self._inside:
                self._put(self._field, self._text)
        elif self._stack:
            self._stack.pop()
            if not self._stack:
                self._document.end = self._parser.CurrentByteIndex
                self._found(self._document)

    def _put(self, name: str, text: str) -> None:
        above = self._stack[-1]
        if above.node is None:
            return
        if name not in self._nesting.fields.get(above.type, ()):
            self._misfit(self._nesting.unknown(name, above.type, above.line))
            return
        if name in above.fields:
            message = f"the field {name} stands twice in {above.type}"
            self._misfit(Misfit(above.line, above.type, "", message))
        above.fields.add(name)
        value = text.rstrip(" ")
        if above.type == CONTROL and name == "IDOCTYP":
            self._document.misfits += self._nesting.other_type(value, above.line)
        if value.strip(_BLANK) and (self._needs is None or name in self._needs.get(above.type, ())):
            above.node[name] = value

    def _misfit(self, misfit: Misfit) -> None:
        self._document.misfits.append(misfit)

    def _here(self) -> int:
        return self._line + self._parser.CurrentLineNumber


def one_document(
    piece: bytes,
    line: int,
    codec: Codec,
    nesting: Nesting,
    needs: Mapping[str, frozenset[str]] | None,
) -> Document:
    """Read one document that was cut out of its file.

    Args:
        piece: its bytes without the end tag.
        line: physical line at which they begin.
        codec: of the file.
        nesting: of the grammar.
        needs: fields used a segment; None = all.

    Raises:
        RefusedError: the file is not the one that was proved well-formed.
    """
    feed, found = Feed(codec, spaces=False), list[Document]()
    IdocBuilder(feed, nesting, needs, found.append, depth=1, line=line - 1)
    feed.parse(piece + END, final=True)
    return found[0]
