"""How many schemas one value may have to meet: `anyOf` below `anyOf` multiplies, and takes time."""

from collections.abc import Iterator, Mapping
from typing import Final, cast
from urllib.parse import unquote

from helixnet.engine.output import read_json
from helixnet.errors import RejectedError

MAX_WAYS: Final = 2_000
_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SINGLE: Final = ("not", "if", "then", "else")


class Ways:
    """Counts, by schema, those that are tested on the same value; a circle counts once.

    Args:
        document: the root schema.
        files: the bundle, for references to its files.
    """

    __slots__ = ("_documents", "_files", "_known", "_stack")

    def __init__(self, document: object, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._documents: dict[str, object] = {"": document}
        self._known: dict[int, int] = {}
        self._stack: set[int] = set()

    def most(self) -> int:
        """Return the most schemas that one value meets, anywhere in the document."""
        found = 0
        open_nodes: list[tuple[object, str]] = [(self._documents[""], "")]
        while open_nodes and found <= MAX_WAYS:
            node, home = open_nodes.pop()
            found = max(found, self._count(node, home))
            open_nodes += [(child, home) for child in (*_members(node).values(), *_items(node))]
        return found

    def _count(self, node: object, home: str) -> int:
        schema, at = _members(node), id(node)
        if not schema or at in self._stack:
            return 1
        if at not in self._known:
            self._stack.add(at)
            total = 1
            for below, place in self._same_value(schema, home):
                total = min(total + self._count(below, place), MAX_WAYS + 1)
            self._stack.discard(at)
            self._known[at] = total
        return self._known[at]

    def _same_value(self, schema: Mapping[str, object], home: str) -> Iterator[tuple[object, str]]:
        for name in _LISTS:
            yield from ((each, home) for each in _items(schema.get(name)))
        yield from ((schema[name], home) for name in _SINGLE if name in schema)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield self._at(reference, home)

    def _at(self, reference: str, home: str) -> tuple[object, str]:
        """Return what a JSON pointer names, in this document or another file; else nothing."""
        name, _, pointer = reference.partition("#")
        home = name or home
        node = self._documents.setdefault(home, self._read(home))
        for step in pointer.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            found = dict(enumerate(_items(node))).get(int(key)) if key.isdecimal() else None
            node = _members(node).get(key, found)
        return node, home

    def _read(self, name: str) -> object:
        try:
            return read_json(self._files[name]) if name in self._files else None
        except RejectedError:
            return None


def _members(node: object) -> dict[str, object]:
    return cast("dict[str, object]", node) if isinstance(node, dict) else {}


def _items(node: object) -> list[object]:
    return cast("list[object]", node) if isinstance(node, list) else []
