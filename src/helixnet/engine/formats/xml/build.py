"""Makes nodes of the elements of records while expat reads on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from helixnet.engine.formats.xml.names import NIL, TEXT, Names
from helixnet.engine.formats.xml.parse import Feed
from helixnet.engine.source import Node

_BLANK: Final = " \t\r\n"
_TRUE: Final = frozenset({"true", "1"})
Value: TypeAlias = "str | Node | None"


@dataclass(slots=True)
class Found:
    """A record that was read.

    Args:
        node: the record.
        start: byte of its ``<`` in what was fed.
        end: byte at which its end tag begins, or after an empty element.
        scope: namespaces that are declared around it, by prefix.
        doubled: names that stand for elements of several namespaces under one parent.
    """

    node: Node
    start: int
    end: int
    scope: tuple[tuple[str, str], ...]
    doubled: list[str]


class Builder:
    """Watches a parser and gives every record of a path to ``found``.

    An element with neither attributes nor elements in it is its text; one with attributes only a
    node ``{"@id": …, "#text": …}``; any other a node of its attributes and children, with
    ``#text`` if it has text besides. Children of one name are a list, unless there is one only.
    """

    def __init__(
        self, feed: Feed, names: Names, path: tuple[str, ...], found: Callable[[Found], None]
    ) -> None:
        self._parser, self._names, self._path, self._found = feed.parser, names, path, found
        self._depth, self._matched, self._start = 0, 0, 0
        self._nodes: list[Node | None] = []
        self._texts: list[str] = []
        self._attributes: list[Node | None] = []
        self._scopes: dict[str, list[str]] = {}
        self._scope: tuple[tuple[str, str], ...] = ()
        self._sides: dict[tuple[int, str], str] = {}
        self._doubled: list[str] = []
        self._parser.StartNamespaceDeclHandler = self._declare
        self._parser.EndNamespaceDeclHandler = self._undeclare
        self._outside()

    @property
    def begun(self) -> int:
        """Byte at which the record that is open begins; -1 between records."""
        return self._start if self._nodes else -1

    # between records

    def _outside(self) -> None:
        self._parser.StartElementHandler = self._pass_open
        self._parser.EndElementHandler = self._pass_close
        self._parser.CharacterDataHandler = None

    def _pass_open(self, full: str, attributes: dict[str, str]) -> None:
        self._depth = depth = self._depth + 1
        path = self._path
        if self._matched < depth - 1 or depth > max(len(path), 1):
            return
        if not path or self._names.element(full) == path[depth - 1]:
            self._matched = depth
            if depth >= len(path):
                self._begin(full, attributes)

    def _pass_close(self, _full: str) -> None:
        if self._matched == self._depth:
            self._matched -= 1
        self._depth -= 1

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._scopes.setdefault(prefix or "", []).append(uri or "")

    def _undeclare(self, prefix: str | None) -> None:
        self._scopes[prefix or ""].pop()

    # within one

    def _begin(self, full: str, attributes: dict[str, str]) -> None:
        self._start = self._parser.CurrentByteIndex
        self._scope = tuple((prefix, uris[-1]) for prefix, uris in self._scopes.items() if uris)
        self._sides, self._doubled = {}, []
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close
        self._parser.CharacterDataHandler = self._text
        self._open(full, attributes)

    def _open(self, _full: str, attributes: dict[str, str]) -> None:
        self._nodes.append(None)
        self._texts.append("")
        self._attributes.append(self._own(attributes) if attributes else None)

    def _text(self, data: str) -> None:
        self._texts[-1] += data

    def _close(self, full: str) -> None:
        node, text, own = self._nodes.pop(), self._texts.pop(), self._attributes.pop()
        value: Value = node
        if node is None:
            value = text if own is None else _leaf(own, text)
        elif text and text.strip(_BLANK):
            node[TEXT] = text
        if self._nodes:
            self._hang(full, value)
        else:
            self._end(value)

    def _hang(self, full: str, value: Value) -> None:
        """Put an element under its parent."""
        parent = self._nodes[-1]
        if parent is None:
            parent = self._nodes[-1] = self._attributes[-1] or {}
        name = self._names.element(full)
        if name in self._names.doubled:
            self._compare(parent, name, full)
        if name not in parent:
            parent[name] = value
            return
        before = parent[name]
        if type(before) is list:
            cast("list[Value]", before).append(value)
        else:
            parent[name] = [before, value]

    def _compare(self, parent: Node, name: str, full: str) -> None:
        """Note a name that stands for several under one parent: which is meant can't be known."""
        first = self._names.first[name] if name in parent else full
        if self._sides.setdefault((id(parent), name), first) != full and name not in self._doubled:
            self._doubled.append(name)

    def _own(self, attributes: dict[str, str]) -> Node:
        own: Node = {}
        for full, value in attributes.items():
            if full == NIL:
                if value.strip(_BLANK) in _TRUE:
                    own[TEXT] = None
                continue
            name = self._names.attribute(full)
            if name in own:
                self._doubled.append(name)
            own[name] = value
        return own

    def _end(self, value: Value) -> None:
        node: Node = value if isinstance(value, dict) else {TEXT: value}
        end = self._parser.CurrentByteIndex
        self._found(Found(node, self._start, end, self._scope, self._doubled))
        self._outside()
        self._pass_close("")


def _leaf(own: Node, text: str) -> Value:
    """Return an element without elements: null by ``xsi:nil``, else its text, with attributes."""
    if TEXT in own:
        return own if len(own) > 1 else None
    if not own:
        return text
    own[TEXT] = text
    return own
