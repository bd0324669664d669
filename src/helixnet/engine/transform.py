"""The spine: bytes in, documents and rejects out, one part at a time, in bounded memory.

``run`` on a laptop and the mapper of a cluster call the same :func:`map_part`; both end with
:func:`~helixnet.engine.verdict.judge`, which alone says how a run has gone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final, TypeAlias

from helixnet.engine.mapping.totals import Sums
from helixnet.engine.outcome import Counts, Fault, Mapped, Reject
from helixnet.engine.output import reject_line, reject_record
from helixnet.engine.packing.unpack import MOST_UNPACKED, unpacked
from helixnet.engine.plan import Mapper, Plan
from helixnet.engine.read import PART_SIZE, index_source, read
from helixnet.engine.source import BLOCK, Batch, Part, SourceIndex
from helixnet.engine.verdict import Verdict, judge, terms_of, unsound
from helixnet.engine.written import Documents, Sink
from helixnet.errors import DriftError

MAX_SAMPLES: Final = 100

Progress: TypeAlias = Callable[[int], object]
"""Called after each batch with how many records it held."""


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """What became of one part.

    Args:
        counts: balanced, unless ``stopped``.
        outputs: how many documents of each output were written, in the order of the context.
        samples: the first 100 rejects, as the objects of their lines.
        stopped: ended early, because more were rejected than a plain ``stop_at`` allows.
        sums: what it adds to the totals of the file.
    """

    counts: Counts
    outputs: Sequence[int]
    samples: Sequence[dict[str, object]]
    stopped: bool
    sums: Sums = field(default_factory=Sums)


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a whole file.

    Args:
        outputs: how many documents of each output were written.
        drift: what differs from the contract, in words.
        complete: False when mapping ended early; then the counts are of what was looked at.
        samples: the first 100 rejects, as the objects of their lines.
    """

    counts: Counts
    verdict: Verdict
    outputs: Sequence[int]
    drift: Sequence[str]
    complete: bool
    samples: Sequence[dict[str, object]]


def index_file(plan: Plan, stream: BinaryIO, *, part_size: int = PART_SIZE) -> SourceIndex:
    """Pass once over a file for a plan.

    Raises:
        RefusedError: the file as a whole can't be used.
        DriftError: it differs from its contract, and ``on_drift: fail`` is set.
    """
    context = plan.context
    index = index_source(
        stream,
        context.source,
        group=context.group,
        grammar=plan.grammar,
        used=plan.used,
        part_size=part_size,
    )
    if index.drift and context.source.on_drift == "fail":
        raise DriftError(index.drift, index.patch)
    return index


def map_part(  # noqa: PLR0913 - one call a part: the plan, where to read, where to write
    plan: Plan,
    index: SourceIndex,
    part: Part,
    stream: BinaryIO,
    *,
    documents: Sink | Sequence[Sink],
    rejects: Sink,
    file: str,
    on_progress: Progress | None = None,
    rejected_before: int = 0,
) -> PartOutcome:
    """Map one part of a file.

    Args:
        plan: the compiled context.
        index: of the whole file.
        part: which part of it.
        stream: the whole file, seekable.
        documents: takes one JSON document a line, UTF-8; with `outputs` each line is an object of
            ``output`` and ``document``, in the order of the records. A sequence holds what takes
            the documents of each output, in the order of the context.
        rejects: takes one reject a line.
        file: the file's name, as people know it.
        on_progress: told after each batch.
        rejected_before: rejects of the parts before, which count for a plain ``stop_at``.

    Raises:
        RefusedError: the file as a whole can't be used.
    """
    mapper = plan.bind(index.header, file, part.end - part.start)
    stop_at = plan.context.stop_at
    limit = None if stop_at is None or stop_at.number is None else stop_at.number - rejected_before
    names = [each.name for each in plan.context.outputs]
    output = _Output(Documents(names, documents), rejects, file, index.encoding)
    record, adder = part.first_record, plan.adder(index.header, file)
    for batch in batches_of(plan, index, part, stream, mapper.block):
        mapped = map_batch(plan, index, mapper, batch, record)
        output.take(mapped)
        if adder is not None:
            adder.add(batch, record)
        size = mapped.counts.records
        record += size
        if on_progress is not None:
            on_progress(size)
        if limit is not None and output.counts.rejected > limit:
            return output.outcome(stopped=True)
    sums = adder.sums() if adder is not None else Sums()
    return replace(output.outcome(stopped=False), sums=sums)


def transform_file(  # noqa: PLR0913 - what to map, where to write, whom to tell
    plan: Plan,
    stream: BinaryIO,
    *,
    documents: Sink | Sequence[Sink],
    rejects: Sink,
    file: str,
    on_index: Callable[[SourceIndex], Progress | None] | None = None,
    most_unpacked: int = MOST_UNPACKED,
) -> FileOutcome:
    """Map a whole file, part after part; a packed one is unpacked first.

    Args:
        plan: the compiled context.
        stream: the file, seekable, at its beginning.
        documents: as :func:`map_part`; void unless the verdict is COMPLETED or PARTIAL.
        rejects: as :func:`map_part`.
        file: the file's name, as people know it.
        on_index: told what the first pass found; what it returns is told of progress.
        most_unpacked: bytes that a packed file may unpack to.

    Raises:
        RefusedError: the file as a whole can't be used.
    """
    with unpacked(stream, plan.context.source, used=plan.used, most=most_unpacked) as whole:
        return _transformed(plan, whole, documents, rejects, file, on_index)


def _transformed(
    plan: Plan,
    stream: BinaryIO,
    documents: Sink | Sequence[Sink],
    rejects: Sink,
    file: str,
    on_index: Callable[[SourceIndex], Progress | None] | None,
) -> FileOutcome:
    index = index_file(plan, stream)
    on_progress = on_index(index) if on_index is not None else None
    counts, sums, stopped = Counts(), Sums(), False
    samples: list[dict[str, object]] = []
    outputs = [0] * len(plan.context.outputs)
    for part in index.parts:
        outcome = map_part(
            plan,
            index,
            part,
            stream,
            documents=documents,
            rejects=rejects,
            file=file,
            on_progress=on_progress,
            rejected_before=counts.rejected,
        )
        counts += outcome.counts
        sums += outcome.sums
        outputs = [sum(both) for both in zip(outputs, outcome.outputs, strict=True)]
        samples += outcome.samples[: MAX_SAMPLES - len(samples)]
        stopped = outcome.stopped
        if stopped:
            break
    verdict = judge(terms_of(plan.context), counts, stopped=stopped)
    if verdict.state != "FAILED":
        wrong = plan.judge_file(index, sums)
        verdict = unsound(wrong) if wrong else verdict
    return FileOutcome(counts, verdict, outputs, index.drift, not stopped, samples)


def batches_of(
    plan: Plan, index: SourceIndex, part: Part, stream: BinaryIO, block: int = BLOCK
) -> Iterator[Batch]:
    """Yield the records of one part as a plan reads them, ``block`` bytes of CSV at a time."""
    context = plan.context
    return read(
        stream,
        context.source,
        index,
        part,
        group=context.group,
        grammar=plan.grammar,
        needs=plan.needs,
        block=block,
    )


def map_batch(
    plan: Plan, index: SourceIndex, mapper: Mapper, batch: Batch, first_record: int
) -> Mapped:
    """Map a batch, or reject all of it because the file drifted from its contract."""
    source = plan.context.source
    drifted = index.drift and not source.graded  # whose reader rejects single documents
    if not drifted or source.on_drift != "reject":
        return mapper.map(batch, first_record)
    text = "the file differs from its contract: " + "; ".join(index.drift)
    count = len(batch.records)
    rejects = [
        Reject(
            first_record + number,
            batch.line(number),
            batch.raw(number),
            [Fault("HX-1108", text, batch.locate(number, ""), hint="bring `fields` up to date")],
        )
        for number in range(count)
    ]
    counts = Counts(records=count, rejected=count, documents=count, documents_rejected=count)
    return Mapped(rejects=rejects, counts=counts)


class _Output:
    """Writes what mapping gives, and counts it."""

    __slots__ = ("_documents", "_encoding", "_file", "_rejects", "_samples", "counts")

    def __init__(self, documents: Documents, rejects: Sink, file: str, encoding: str) -> None:
        self.counts = Counts()
        self._documents = documents
        self._rejects = rejects
        self._file = file
        self._encoding = encoding
        self._samples: list[dict[str, object]] = []

    def take(self, mapped: Mapped) -> None:
        self.counts += mapped.counts
        self._documents.take(mapped)
        for reject in mapped.rejects:
            if len(self._samples) < MAX_SAMPLES:
                self._samples.append(reject_record(reject, self._file, self._encoding))
            self._rejects.write(reject_line(reject, self._file, self._encoding))

    def outcome(self, *, stopped: bool) -> PartOutcome:
        return PartOutcome(self.counts, self._documents.counts, self._samples, stopped)
