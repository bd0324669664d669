"""Reads a whole file through index and parts, and says what came of it."""

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from helixnet.engine.context.model import Field, Group, Mark, Source
from helixnet.engine.formats.grammar import Grammar
from helixnet.engine.read import PART_SIZE, index_source, read
from helixnet.engine.source import Batch, SourceIndex

MARK = Mark("context.yaml", 1, 1)


def source(form: str = "csv", **more: Any) -> Source:
    """Write a source contract."""
    return Source(format=form, mark=MARK, **more)


def fields(*names: str) -> Mapping[str, Field]:
    """Declare text fields."""
    return {name: Field(name=name, mark=MARK) for name in names}


def group(*by: str, keyed: bool = False) -> Group:
    """Group neighbours by these columns, or all rows if ``keyed``."""
    return Group(by=by, header="h", lines="lines", same=(), mark=MARK, keyed=keyed)


@dataclass
class Outcome:
    """What a file gave, record by record."""

    index: SourceIndex
    records: list[Any] = field(default_factory=list)
    codes: dict[int, list[str]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    batches: list[tuple[Batch, int]] = field(default_factory=list)

    def seen(self) -> tuple[Any, ...]:
        """All that must not depend on where the file is cut."""
        return self.records, self.codes, self.lines, self.raws, self.bytes

    def locate(self, number: int, name: str, item: int = 0) -> Any:
        """Where a value of record ``number`` (from 0) stands."""
        batch, first = next(
            (batch, first)
            for batch, first in self.batches
            if first <= number < first + len(batch.records)
        )
        return batch.locate(number - first, name, item)


class Dribble(io.BytesIO):
    """A file that gives few bytes at a time, as a pipe may."""

    def __init__(self, data: bytes, chunk: int | None) -> None:
        super().__init__(data)
        self.chunk = chunk

    def read(self, size: int | None = -1) -> bytes:
        size = -1 if size is None else size
        return super().read(size if self.chunk is None else min(size, self.chunk))


def load(  # noqa: PLR0913 - one name for each thing that a test may vary
    data: bytes,
    contract: Source,
    *,
    by: Group | None = None,
    grammar: Grammar | None = None,
    used: Collection[str] | None = (),
    needs: Mapping[str, frozenset[str]] | None = None,
    part_size: int = PART_SIZE,
    chunk: int | None = None,
) -> Outcome:
    """Index ``data``, read all parts, and hold both to what they promise."""
    index = index_source(
        Dribble(data, chunk), contract, group=by, grammar=grammar, used=used, part_size=part_size
    )
    outcome = Outcome(index)
    assert index.size == len(data)
    assert index.parts[0].start == index.header_end
    assert index.parts[-1].end == index.size
    for number, part in enumerate(index.parts):
        assert part.number == number
        assert part.start == (index.parts[number - 1].end if number else index.header_end)
        assert part.first_record == len(outcome.records) + 1
        stream = Dribble(data, chunk)
        for batch in read(stream, contract, index, part, group=by, grammar=grammar, needs=needs):
            take(outcome, batch)
        assert len(outcome.records) == part.first_record - 1 + part.records
    return outcome


def take(outcome: Outcome, batch: Batch) -> None:
    """Add a batch to the outcome."""
    first = len(outcome.records)
    outcome.batches.append((batch, first))
    for index, record in enumerate(batch.records):
        outcome.records.append(record)
        outcome.lines.append(batch.line(index))
        outcome.raws.append(batch.raw(index))
        outcome.bytes.append(batch.locate(index, "").byte)
        if index in batch.faults:
            outcome.codes[first + index] = [fault.code for fault in batch.faults[index]]
            assert all(f.message and f.source for f in batch.faults[index] if f.code != "HX-1108")
