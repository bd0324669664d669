"""Where in a schema file something stands, so that a problem leads to its line."""

from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import urldefrag, urljoin

from helixnet.engine.context.model import Mark
from helixnet.engine.formats.json.place import place_of

_REFERENCES = frozenset({"$ref", "$dynamicRef", "$schema"})


class Places:
    """Gives the mark of a place in a schema; that of the schema where it stands in a context.

    Args:
        document: the decoded schema.
        files: the bundle.
        mark: where the schema begins.
    """

    __slots__ = ("_document", "_mark", "_text")

    def __init__(self, document: object, *, files: Mapping[str, bytes], mark: Mark) -> None:
        self._document = document
        self._mark = mark
        whole = mark.file.endswith(".json") and (mark.line, mark.column) == (1, 1)
        data = files.get(mark.file, b"") if whole else b""
        self._text = data.decode("utf-8-sig", "replace")

    def of_pointer(self, pointer: str) -> Mark:
        """Return the mark of the value at a JSON pointer (RFC 6901)."""
        place = place_of(self._text, pointer) if self._text else -1
        if place < 0:
            return self._mark
        line = self._text.count("\n", 0, place) + 1
        return Mark(self._mark.file, line, place - self._text.rfind("\n", 0, place))

    def of_reference(self, address: str, base: str) -> Mark:
        """Return the mark of the first reference that leads to an absolute address."""
        for pointer, reference in _references(self._document, ""):
            if urldefrag(urljoin(base, reference)).url == address:
                return self.of_pointer(pointer)
        return self._mark

    def mentioned(self, message: str) -> str:
        """Return the pointer of the first reference whose fragment a message names in quotes."""
        for pointer, reference in _references(self._document, ""):
            fragment = urldefrag(reference).fragment
            if fragment and f"'{fragment}'" in message:
                return pointer
        return ""


def _references(schema: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(schema, dict):
        for name, value in cast("dict[str, object]", schema).items():
            below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in _REFERENCES and isinstance(value, str):
                yield below, value
            else:
                yield from _references(value, below)
    elif isinstance(schema, list):
        for index, value in enumerate(cast("list[object]", schema)):
            yield from _references(value, f"{pointer}/{index}")
