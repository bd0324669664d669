"""Some records of a batch, as a batch of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helixnet.engine.outcome import Fault, SourcePosition
from helixnet.engine.source import Batch


@dataclass(frozen=True, slots=True)
class Slice:
    """Some records of a batch: a :class:`helixnet.engine.source.Batch`."""

    batch: Batch
    start: int
    stop: int

    @property
    def records(self) -> Sequence[Any]:
        """See :class:`helixnet.engine.source.Batch`."""
        return self.batch.records[self.start : self.stop]

    @property
    def faults(self) -> Mapping[int, Sequence[Fault]]:
        """See :class:`helixnet.engine.source.Batch`."""
        return {
            index - self.start: faults
            for index, faults in self.batch.faults.items()
            if self.start <= index < self.stop
        }

    def line(self, index: int, item: int = 0) -> int:
        """See :class:`helixnet.engine.source.Batch`."""
        return self.batch.line(self.start + index, item)

    def raw(self, index: int) -> bytes:
        """See :class:`helixnet.engine.source.Batch`."""
        return self.batch.raw(self.start + index)

    def locate(self, index: int, name: str, item: int = 0) -> SourcePosition:
        """See :class:`helixnet.engine.source.Batch`."""
        return self.batch.locate(self.start + index, name, item)
