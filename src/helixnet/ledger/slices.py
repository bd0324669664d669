"""Where in a part's documents those of each output stand: one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Slice:
    """The documents of one output in what a part wrote.

    Args:
        start: first byte.
        size: bytes.
        documents: how many.
        sha256: of these bytes, hexadecimal.
    """

    start: int
    size: int
    documents: int
    sha256: str

    @property
    def end(self) -> int:
        """The byte after the last."""
        return self.start + self.size


def slices_of(listed: Sequence[Mapping[str, Any]] | None, whole: Slice) -> Sequence[Slice]:
    """Return the slices of a part, in the order of the context's outputs.

    Args:
        listed: ``documents``, ``size`` and ``sha256`` of each output, as the part's row has them;
            None or empty for the one output without name.
        whole: all that the part wrote.
    """
    if not listed:
        return (whole,)
    found: list[Slice] = []
    start = 0
    for one in listed:
        found.append(Slice(start, one["size"], one["documents"], one["sha256"]))
        start += one["size"]
    return found
