"""Segments of an IDoc type: what stands under what, and where the fields are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment type.

    Args:
        name: segment type, such as E1EDP01.
        fields: place of each field in the flat record, in characters from 0, end excluded.
        children: segment types that may stand below it.
    """

    name: str
    fields: Mapping[str, tuple[int, int]]
    children: Sequence[str]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The segments of one IDoc type; ``""`` is the document itself."""

    type: str
    segments: Mapping[str, Segment]

    def children(self, segment: str) -> Sequence[str]:
        """Return the segment types that may stand under ``segment`` (``""``: the document)."""
        found = self.segments.get(segment)
        return found.children if found else ()

    def fields(self, segment: str) -> Mapping[str, tuple[int, int]]:
        """Return where each field of ``segment`` stands in its flat record."""
        found = self.segments.get(segment)
        return found.fields if found else {}
