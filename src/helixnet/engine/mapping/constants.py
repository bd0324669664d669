"""The constants table: names and literals reach generated code without being in it."""

from typing import Final

_HASHABLE: Final = (str, bytes, bool, int, type(None), frozenset)


class Constants:
    """Gives every value that generated code needs an identifier of its own.

    The generator writes identifiers and its own text only; what a context, a schema or a file
    says stands in :attr:`values` and becomes the globals of the generated function.
    """

    __slots__ = ("_known", "values")

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._known: dict[tuple[str, object], str] = {}

    def add(self, value: object) -> str:
        """Return the identifier under which generated code finds ``value``."""
        kind = type(value)
        key = (kind.__name__, value if kind in _HASHABLE else id(value))
        name = self._known.get(key)
        if name is None:
            name = self._known[key] = f"K{len(self.values)}"
            self.values[name] = value
        return name
