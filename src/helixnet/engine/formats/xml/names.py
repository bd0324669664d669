"""What elements and attributes are called: by their local name, or by a declared prefix.

Namespaces in XML 1.0 (W3C): a prefix in a file means nothing by itself, its URI does. So a context
either says nothing of namespaces and reads local names, or declares prefixes of its own.
"""

from collections.abc import Mapping
from typing import Final

SEPARATOR: Final = "}"
"""Stands between URI and local name where expat tells a name."""
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
NIL: Final = f"{XSI}{SEPARATOR}nil"
TEXT: Final = "#text"
_BUILT_IN: Final = {XSI: "xsi", "http://www.w3.org/XML/1998/namespace": "xml"}
_MOST: Final = 10_000


class Names:
    """Gives each name of a file the name that a map reads; one for a file.

    Args:
        namespaces: URI by prefix, the empty prefix for plain names; None = local names.
    """

    def __init__(self, namespaces: Mapping[str, str] | None) -> None:
        self._prefixes = (
            None if namespaces is None else {uri: prefix for prefix, uri in namespaces.items()}
        )
        self._elements: dict[str, str] = {}
        self._attributes: dict[str, str] = {}
        self.first: dict[str, str] = {}
        self.doubled: set[str] = set()

    def element(self, full: str) -> str:
        """Return what the element that expat calls ``full`` is called."""
        name = self._elements.get(full)
        return self._note(self._elements, full, "") if name is None else name

    def attribute(self, full: str) -> str:
        """Return what an attribute is called, with ``@``."""
        name = self._attributes.get(full)
        return self._note(self._attributes, full, "@") if name is None else name

    def _note(self, known: dict[str, str], full: str, mark: str) -> str:
        if len(known) > _MOST:  # a hostile file may hold any number of names
            known.clear()
        name = known[full] = mark + self._name(full, attribute=bool(mark))
        if self.first.setdefault(name, full) != full:
            self.doubled.add(name)
        return name

    def _name(self, full: str, *, attribute: bool) -> str:
        uri, _, local = full.rpartition(SEPARATOR)
        if attribute and (not uri or uri in _BUILT_IN):
            return f"{_BUILT_IN[uri]}:{local}" if uri else local
        if self._prefixes is None:
            return local
        prefix = self._prefixes.get(uri)
        if prefix is None:
            return f"{{{uri}}}{local}" if uri or "" in self._prefixes.values() else local
        return f"{prefix}:{local}" if prefix else local


def steps_of(record: str | None) -> list[str]:
    """Return the names of ``source.record`` from the root element on; none = the root itself."""
    return [step for step in (record or "").split("/") if step]
