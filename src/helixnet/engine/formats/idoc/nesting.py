"""Where the segments and fields of an IDoc in XML go: the elements nest, the grammar judges."""

from dataclasses import dataclass
from typing import Final

from helixnet.engine.formats.idoc.grammar import CONTROL, IdocGrammar

_MOST_MOVES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Misfit:
    """What a document has that its grammar has not.

    Args:
        line: physical line of it.
        segment: in which segment, or which.
        drift: as the first pass tells it of the file.
        message: as a reject tells it of the document.
        code: of the reject.
    """

    line: int
    segment: str
    drift: str
    message: str
    code: str = "HX-5005"


class Nesting:
    """Asks the grammar what may stand under what, and remembers the answers."""

    def __init__(self, grammar: IdocGrammar) -> None:
        self.grammar = grammar
        self._types: dict[tuple[str, str], str | None] = {}
        self.fields = {name: frozenset(grammar.fields(name)) for name in grammar.segments}

    def below(self, parent: str, written: str) -> str | None:
        """Return the type of a segment as written under a parent; None if it may not stand."""
        key = (parent, written)
        if key not in self._types:
            if len(self._types) > _MOST_MOVES:  # a hostile file may hold any number of names
                self._types.clear()
            name = self.grammar.type_of(written)
            fits = name is not None and name in self.grammar.children(parent)
            self._types[key] = name if fits else None
        return self._types[key]

    def misplaced(self, written: str, line: int) -> Misfit:
        """Return what is said of a segment that may not stand where it does."""
        if self.grammar.type_of(written) is not None:
            drift = f"segment {written} where it may not stand"
            return Misfit(line, written, drift, f"the segment {written} may not stand here")
        message = f"the grammar has no segment {written}"
        return Misfit(line, written, f"unknown segment {written}", message)

    def unknown(self, field: str, segment: str, line: int) -> Misfit:
        """Return what is said of a field that its segment has not."""
        message = f"the grammar has no field {field} in {segment or 'an IDoc itself'}"
        return Misfit(line, segment, f"unknown field {field} of {segment or 'IDOC'}", message)

    def other_type(self, found: str, line: int) -> list[Misfit]:
        """Return what is said of the type in a control record, if it is another one."""
        found = found.strip()
        if not found or found == self.grammar.type:
            return []
        text = f"IDoc type {found} where {self.grammar.type} is declared"
        return [Misfit(line, CONTROL, text, text, "HX-1108")]
