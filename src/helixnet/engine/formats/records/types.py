"""Files with several kinds of lines: which type a line is, where it belongs, what it holds.

A record begins with a line of a *root* type, one that is no other's child and not `once`; the
lines below it hang under the nearest open line whose type may have them as children. Lines of
types that stand `once` belong to no record, and end the one before them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from helixnet.engine.context.model import Place, RecordType, Source, root_types
from helixnet.engine.formats.encoding import Codec

UNKNOWN: Final = "HX-1011"
ORPHAN: Final = "HX-1012"


@dataclass(frozen=True, slots=True)
class Move:
    """Where a line goes.

    Args:
        path: of open types after it.
        depth: how many types of the path before stay open above it; of a root 0.
        begins: a record begins with it.
        outside: it belongs to no record.
        code: why it may not stand there: HX-1011, HX-1012; empty if it may.
    """

    path: tuple[str, ...]
    depth: int = 0
    begins: bool = False
    outside: bool = False
    code: str = ""


@dataclass(slots=True)
class RecordTypes:
    """The record types of a contract.

    Args:
        types: by name, in the order in which they are tried.
        lenient: lines of unknown types are left out (``on_drift: allow``).
    """

    types: Mapping[str, RecordType]
    lenient: bool
    _moves: dict[tuple[tuple[str, ...], str], Move] = field(
        default_factory=dict[tuple[tuple[str, ...], str], Move]
    )

    @property
    def roots(self) -> Sequence[str]:
        """The types that a record begins with."""
        return root_types(self.types)

    @property
    def once(self) -> Sequence[str]:
        """The types that stand once in the file."""
        return [one.name for one in self.types.values() if one.once]

    def move(self, path: tuple[str, ...], name: str) -> Move:
        """Return where a line of type ``name`` goes (of no known type, if empty)."""
        key = (path, name)
        found = self._moves.get(key)
        if found is None:
            found = self._moves[key] = self._find(path, name)
        return found

    def _find(self, path: tuple[str, ...], name: str) -> Move:
        if not name:
            if self.lenient:
                return Move(path, outside=not path)
            return Move(path, len(path), begins=not path, code=UNKNOWN)
        if self.types[name].once:
            return Move((), outside=True)
        if name in self.roots:
            return Move((name,), begins=True)
        for depth in range(len(path), 0, -1):
            if name in self.types[path[depth - 1]].children:
                return Move((*path[:depth], name), depth)
        return Move(path, len(path), begins=not path, code=ORPHAN)


def record_types(source: Source) -> RecordTypes:
    """Return the record types of a contract that has some."""
    return RecordTypes(source.records or {}, source.on_drift == "allow")


def places_of(types: Mapping[str, RecordType]) -> list[Place]:
    """Return where texts stand that tell types, each once."""
    return list(dict.fromkeys(one.at for one in types.values()))


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells the type of a row by its cells.

    Args:
        tests: cell number and texts of each type, in the order in which they are tried.
        width: cells of a row that are looked at.
        by_text: the type by its text, where all stand in one cell.
    """

    tests: Sequence[tuple[int, frozenset[str], str]]
    width: int
    by_text: Mapping[str, str] | None

    def type_of(self, cells: Sequence[str]) -> str:
        """Return the name of a row's type, empty if it is none."""
        if self.by_text is not None:
            number = self.tests[0][0]
            return self.by_text.get(cells[number], "") if number < len(cells) else ""
        for number, texts, name in self.tests:
            if number < len(cells) and cells[number] in texts:
                return name
        return ""


def teller(
    types: Mapping[str, RecordType],
    columns: Mapping[Place, int],
    forms: Mapping[str, frozenset[str]],
) -> Teller:
    """Return what tells types by cells.

    Args:
        types: by name, in order.
        columns: number of the cell at each place.
        forms: how the texts of a type look in scanned bytes, by its name.
    """
    tests = [(columns[one.at], forms[one.name], one.name) for one in types.values()]
    by_text: dict[str, str] | None = None
    if len({number for number, _, _ in tests}) == 1:
        by_text = {}
        for _, texts, name in tests:
            for text in texts:
                by_text.setdefault(text, name)
    return Teller(tests, max(number for number, _, _ in tests) + 1, by_text)


def forms_of(
    types: Mapping[str, RecordType], codecs: Sequence[Codec], encoding: str
) -> dict[str, frozenset[str]]:
    """Return how the texts of each type may look in scanned bytes that are read as ``encoding``."""
    return {
        one.name: frozenset().union(*(name_forms(text, codecs, encoding) for text in one.texts))
        for one in types.values()
    }


def name_forms(name: str, codecs: Sequence[Codec], encoding: str) -> frozenset[str]:
    """Return how ``name`` may look in scanned bytes that are read as ``encoding``."""
    forms = {name.encode(codec.scanned, "replace").decode(encoding, "replace") for codec in codecs}
    return frozenset(forms)
