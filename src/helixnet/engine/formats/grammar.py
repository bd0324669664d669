"""What stands under what in a nested format: asked by the compiler, written once a format."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from helixnet.engine.context.model import Source
from helixnet.engine.formats.edi.grammar import load_edi
from helixnet.engine.formats.idoc.grammar import load_idoc


class Grammar(Protocol):
    """The kinds of nodes of a format, each with its children and fields.

    A kind has an id: its name, or if the same name may stand at several places with other
    children, a path that ends with ``/`` and the name. The id ``""`` is the record itself.
    """

    def child(self, node: str, name: str) -> str | None:
        """Return the id of the children called ``name`` of a node; None if it has none."""
        ...

    def field(self, node: str, name: str) -> bool:
        """Tell whether a node may have a field of this name."""
        ...

    def names(self, node: str) -> Sequence[str]:
        """Return the names of children and fields that are known, for hints."""
        ...


def load_grammar(source: Source, files: Mapping[str, bytes]) -> Grammar | None:
    """Return the grammar that ``source`` names, shipped or in the bundle; None if it needs none.

    Raises:
        ContextError: HX-4201 the file is not in the bundle; HX-4206 it is not usable or the type
            is not shipped.
    """
    match source.format:
        case "idoc":
            return load_idoc(source, files)
        case "x12" | "edifact":
            return load_edi(source, files)
        case _:
            return None
