"""What the pass over a file asks of every format, and what it gets back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from helixnet.engine.formats.drift import Drift
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.source import EnvelopeAt, OnceLine, Part


@dataclass(frozen=True, slots=True)
class Facts:
    """What a scan found.

    Args:
        newline: what ends a line.
        header_end: first byte after header or BOM.
        parts: at least one.
        header: column names of a CSV file.
        drift: what differs from the contract.
        once: the lines of the record types that stand once.
        envelopes: what is open around messages.
        tidy: of CSV: each record is one line, and each quote stands around a whole cell or doubled
            in one.
    """

    newline: str
    header_end: int
    parts: Sequence[Part]
    header: Sequence[str] = ()
    drift: Sequence[Drift] = ()
    once: Mapping[str, OnceLine] = field(default_factory=dict[str, OnceLine])
    envelopes: Sequence[EnvelopeAt] = ()
    tidy: bool = False


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


def one_byte_alike(codecs: Sequence[Codec]) -> list[list[Codec]]:
    """Sort codecs into those in which a character is the same byte, and the others one by one."""
    shared = [codec for codec in codecs if codec.bad is not None]
    return [family for family in (shared, *([c] for c in codecs if c not in shared)) if family]
