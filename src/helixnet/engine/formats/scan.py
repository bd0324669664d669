"""What the pass over a file asks of every format, and what it gets back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from helixnet.engine.formats.encoding import Codec
from helixnet.engine.source import Part


@dataclass(frozen=True, slots=True)
class Facts:
    """What a scan found.

    Args:
        newline: what ends a line.
        header_end: first byte after header or BOM.
        parts: at least one.
        header: column names of a CSV file.
        drift: what differs from the contract, in words.
    """

    newline: str
    header_end: int
    parts: Sequence[Part]
    header: Sequence[str] = ()
    drift: Sequence[str] = ()


class Scan(Protocol):
    """Counts records and finds borders, for codecs that scan alike; one of them is chosen last."""

    @property
    def codecs(self) -> Sequence[Codec]:
        """The codecs for which this scan holds."""
        ...

    def feed(self, block: bytes, *, final: bool) -> None:
        """Take the next bytes of the file; a refusal waits for :meth:`finish`."""
        ...

    def finish(self, size: int, codec: Codec) -> Facts:
        """Return what was found, read with ``codec``.

        Raises:
            RefusedError: the file can't be used.
        """
        ...


def alike(codecs: Sequence[Codec], *, marks: str = "") -> list[list[Codec]]:
    """Sort codecs into those that scan alike: the direct ones, if ``marks`` is ASCII."""
    shared = [codec for codec in codecs if codec.direct and marks.isascii()]
    return [family for family in (shared, *([c] for c in codecs if c not in shared)) if family]
