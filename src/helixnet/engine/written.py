"""Documents as lines: to one place in the order of the records, or each output to its own."""

from collections.abc import Sequence
from typing import Protocol

from helixnet.engine.outcome import Mapped
from helixnet.engine.output import json_string


class Sink(Protocol):
    """Takes whole lines; any binary file does."""

    def write(self, data: bytes, /) -> int:
        """Take all of ``data``; return its length."""
        ...


class Documents:
    """Writes the documents of each output, and counts them.

    Args:
        names: of the outputs; the only one of a context without ``outputs`` has an empty name.
        sinks: one for each output; or one for all, which gets ``{"output", "document"}`` a line
            where outputs have names.
    """

    __slots__ = ("_heads", "_sinks", "counts")

    def __init__(self, names: Sequence[str], sinks: Sink | Sequence[Sink]) -> None:
        self._sinks = sinks
        self.counts = [0] * len(names)
        self._heads = [f'{{"output":{json_string(n)},"document":' if n else "" for n in names]

    def take(self, mapped: Mapped) -> None:
        """Write what a batch gave."""
        if not self._heads[0]:
            self.counts[0] += mapped.counts.written
            for data in mapped.lines or (_lines(mapped.documents),):
                if data:
                    self._sink(0).write(data)
            return
        for number in range(len(self._heads)):
            pairs = zip(mapped.documents, mapped.outputs, strict=True)
            own = [text for text, output in pairs if output == number]
            self.counts[number] += len(own)
            if own and isinstance(self._sinks, Sequence):
                self._sinks[number].write(_lines(own))
        if mapped.documents and not isinstance(self._sinks, Sequence):
            pairs = zip(mapped.documents, mapped.outputs, strict=True)
            named = [f"{self._heads[output]}{text}}}" for text, output in pairs]
            self._sinks.write(_lines(named))

    def _sink(self, number: int) -> Sink:
        return self._sinks[number] if isinstance(self._sinks, Sequence) else self._sinks


def _lines(texts: Sequence[str]) -> bytes:
    """Return documents as lines of UTF-8."""
    return "\n".join([*texts, ""]).encode(errors="backslashreplace") if texts else b""
