"""Two plans reading one file side by side, record by record, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Self, TypeAlias, cast

from helixnet.engine.outcome import Counts, Mapped
from helixnet.engine.plan import Mapper, Plan
from helixnet.engine.slices import Slice
from helixnet.engine.source import Batch, SourceIndex
from helixnet.engine.transform import batches_of, index_file, map_batch
from helixnet.engine.verdict import Verdict, judge, terms_of
from helixnet.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Side:
    """How a file went under one of the plans.

    Args:
        counts: of what was mapped.
        verdict: how a run would end.
        refused: why the file can't be used at all; the counts end there.
    """

    counts: Counts
    verdict: Verdict
    refused: RefusedError | None = None


class _Cursor:
    """A file with a position of its own, so that two may read one stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._at = stream, 0

    def seek(self, offset: int) -> int:
        self._at = offset
        return offset

    def read(self, size: int) -> bytes:
        self._stream.seek(self._at)
        data = self._stream.read(size)
        self._at += len(data)
        return data


@dataclass(slots=True)
class Runner:
    """One plan on its way through a file.

    Args:
        record: number of the next record in the file.
        counts: of what was mapped; whoever maps adds to them.
    """

    plan: Plan
    index: SourceIndex | None = None
    mapper: Mapper | None = None
    batches: Iterator[Batch] = field(default_factory=lambda: iter(()))
    batch: Batch | None = None
    at: int = 0
    record: int = 1
    counts: Counts = field(default_factory=Counts)
    refused: RefusedError | None = None

    @classmethod
    def opened(cls, plan: Plan, stream: BinaryIO, file: str) -> Self:
        """Index the file for a plan; that it is refused is a finding too."""
        cursor = cast("BinaryIO", _Cursor(stream))  # readers ask for no more than it does
        try:
            index = index_file(plan, cursor)
        except RefusedError as error:
            return cls(plan, refused=error)
        parts = (batches_of(plan, index, part, cursor) for part in index.parts)
        batches = (batch for part in parts for batch in part)
        return cls(plan, index, plan.bind(index.header, file), batches)

    @property
    def left(self) -> int:
        """How many records of the batch at hand are left; the next one is read if there are none.

        0 is the end of the file.
        """
        while self.batch is None or self.at == len(self.batch.records):
            try:
                self.batch, self.at = next(self.batches, None), 0
            except RefusedError as error:
                self.batch, self.refused = None, error
            if self.batch is None:
                return 0
        return len(self.batch.records) - self.at

    def take(self, count: int) -> "Records":
        """Return the next records."""
        batch = cast("Batch", self.batch)  # `left` was more than nothing
        found = Records(self, Slice(batch, self.at, self.at + count), self.record)
        self.at += count
        self.record += count
        return found

    def side(self) -> Side:
        """Return how it went."""
        if self.refused is not None:
            verdict = Verdict("FAILED", self.refused.code, str(self.refused))
            return Side(self.counts, verdict, self.refused)
        return Side(self.counts, judge(terms_of(self.plan.context), self.counts))


@dataclass(frozen=True, slots=True)
class Records:
    """Consecutive records on one side; ``first`` is the number of the first in the file."""

    side: Runner
    slice: Slice
    first: int

    def map(self) -> Mapped:
        """Return what they give; the counts are not added."""
        side = self.side
        index, mapper = cast("SourceIndex", side.index), cast("Mapper", side.mapper)  # not refused
        return map_batch(side.plan, index, mapper, self.slice, self.first)

    def each(self) -> Iterator["Records"]:
        """Yield them one by one."""
        for number in range(len(self.slice.records)):
            start = self.slice.start + number
            one = Slice(self.slice.batch, start, start + 1)
            yield Records(self.side, one, self.first + number)


Pair: TypeAlias = tuple[Records | None, Records | None]


def in_lock_step(one: Runner, two: Runner) -> Iterator[Pair]:
    """Yield the same records on both sides; None where the file has ended for one of them."""
    while True:
        left = one.left, two.left
        if one.refused or two.refused or not any(left):
            return
        if all(left):
            count = min(left)
            yield one.take(count), two.take(count)
        else:
            yield (one.take(left[0]), None) if left[0] else (None, two.take(left[1]))
