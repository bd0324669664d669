"""What a dry run asks of a worker: map a file aside and compare with the result it has now."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, Final, cast

from helixnet.engine.compare import namers
from helixnet.engine.differences import Entry, Pairs, changes, digest, pair, shown
from helixnet.engine.outcome import Counts
from helixnet.engine.output import read_json
from helixnet.engine.plan import Plan
from helixnet.engine.transform import FileOutcome, transform_file
from helixnet.errors import ContextError, RefusedError, RejectedError
from helixnet.ledger.slices import Slice
from helixnet.stages.policy import Refused, Retry, decide
from helixnet.stages.work import Beat, Input, Recipe, known_fault

MOST_DOCUMENTS: Final = 200_000  # of one result: each costs about 200 bytes of memory
SAMPLES: Final = 5  # documents of each kind, and rejects, that are shown of a job
PLACES: Final = 10  # differences that are shown of a document
_LINES: Final = 1000  # between two signs of life


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCompare:
    """A job's file, its present result, and both contexts.

    Args:
        old: how the present result was made; None when there is none.
        results: what holds the present result, in order, and where in each are the documents of
            which output.
        scratch: folder for what is mapped aside; nothing is left in it.
        most_unpacked: bytes that a packed file may unpack to.
    """

    new: Recipe
    old: Recipe | None
    file: Input
    name: str
    results: Sequence[tuple[Input, Sequence[Slice]]]
    scratch: str
    most_unpacked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the chosen context would give now, beside what is there.

    Args:
        state: in which the run would end; with ``code`` and ``message`` when that is FAILED.
        samples: the first changed, added and removed documents.
        rejects: the first that there would be.
    """

    state: str
    code: str = ""
    message: str = ""
    counts: Counts = field(default_factory=Counts)
    unchanged: int = 0
    changed: int = 0
    added: int = 0
    removed: int = 0
    samples: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    rejects: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class TooMany:
    """There are too many documents to compare them in bounded memory."""


class _Nowhere:
    """Takes rejects that nobody will read; the outcome has the first of them."""

    def write(self, data: bytes, /) -> int:
        return len(data)


def compare_one(work: ToCompare, beat: Beat) -> Compared | TooMany | Refused | Retry:
    """Map the file under the new context and compare; what the file is refused for is an answer."""
    with ExitStack() as stack:
        try:
            plan, folder = work.new.plan(), Path(work.scratch)
            made = {  # files without a name
                output.name: stack.enter_context(TemporaryFile(dir=folder))
                for output in plan.context.outputs
            }
            outcome = _mapped(plan, work, made, beat)
        except (ContextError, RefusedError, RejectedError, OSError) as error:
            return _refused(decide(known_fault(error)), work, stack, beat)
        return _compared(work, plan, outcome, made, stack, beat)


def _mapped(plan: Plan, work: ToCompare, made: Mapping[str, IO[bytes]], beat: Beat) -> FileOutcome:
    with work.file.open(beat) as stream:
        return transform_file(
            plan,
            stream,
            documents=list(made.values()),
            rejects=_Nowhere(),
            file=work.name,
            on_index=lambda _: lambda _: beat(),
            most_unpacked=work.most_unpacked,
        )


def _refused(
    action: Refused | Retry, work: ToCompare, stack: ExitStack, beat: Beat
) -> Compared | TooMany | Retry:
    """Say that the file would fail as a whole: nothing of its result would stay."""
    if isinstance(action, Retry):
        return action
    before = _present(work, stack, beat)
    if before is None:
        return TooMany()
    return Compared(
        state="FAILED",
        code=str(action.error.get("code", "")),
        message=str(action.error.get("message", "")),
        removed=sum(map(len, before[1].values())),
    )


def _compared(
    work: ToCompare,
    plan: Plan,
    outcome: FileOutcome,
    made: Mapping[str, IO[bytes]],
    stack: ExitStack,
    beat: Beat,
) -> Compared | TooMany:
    verdict = outcome.verdict
    good = verdict.state != "FAILED"
    present = _present(work, stack, beat)
    after = _listed(plan, {n: [_Span(cast("BinaryIO", f))] for n, f in made.items() if good}, beat)
    if present is None or after is None:
        return TooMany()
    files, before = present
    paired = {name: pair(before.get(name, []), after.get(name, [])) for name in {**before, **after}}
    return Compared(
        state=verdict.state,
        code=verdict.code,
        message=verdict.message,
        counts=outcome.counts,
        unchanged=sum(pairs.unchanged for pairs in paired.values()),
        changed=sum(len(pairs.changed) for pairs in paired.values()),
        added=sum(len(pairs.added) for pairs in paired.values()),
        removed=sum(len(pairs.removed) for pairs in paired.values()),
        samples=_samples(paired, files, made),
        rejects=[_brief(reject) for reject in outcome.samples[:SAMPLES]],
    )


def _samples(
    paired: Mapping[str, Pairs], files: Sequence[BinaryIO], made: Mapping[str, IO[bytes]]
) -> list[dict[str, Any]]:
    """Return the first documents of each kind that differ, with the name of their output."""
    found: list[dict[str, Any]] = []
    for name, pairs in paired.items():
        sides = _Sides(files, cast("BinaryIO | None", made.get(name)))
        own = [
            *(sides.changed(old, new) for old, new in pairs.changed[:SAMPLES]),
            *({"added": sides.new(entry)} for entry in pairs.added[:SAMPLES]),
            *({"removed": sides.old(entry)} for entry in pairs.removed[:SAMPLES]),
        ]
        found += [({"output": name} if name else {}) | sample for sample in own]
    return found


def _present(
    work: ToCompare, stack: ExitStack, beat: Beat
) -> tuple[list[BinaryIO], Mapping[str, list[Entry]]] | None:
    """Open the present result and list its documents; None when there are too many."""
    if work.old is None:
        return [], {}
    files: list[BinaryIO] = []
    plan = work.old.plan()
    spans: dict[str, list[_Span]] = {output.name: [] for output in plan.context.outputs}
    for place, (file, slices) in enumerate(work.results):
        stream = stack.enter_context(file.open(beat))
        files.append(stream)
        for own, part in zip(spans.values(), slices, strict=True):
            own.append(_Span(stream, place, part.start, part.end))
    entries = _listed(plan, spans, beat)
    return None if entries is None else (files, entries)


@dataclass(frozen=True, slots=True)
class _Span:
    """Where documents of one output stand: bytes of a file, which is at ``place`` of the result."""

    file: BinaryIO
    place: int = 0
    start: int = 0
    end: int | None = None


def _listed(
    plan: Plan, spans: Mapping[str, Sequence[_Span]], beat: Beat
) -> dict[str, list[Entry]] | None:
    """Return the documents of each output; None when they are too many."""
    names = namers(plan)
    found: dict[str, list[Entry]] = {}
    left = MOST_DOCUMENTS
    for output, own in spans.items():
        entries = found[output] = []
        for span in own:
            for start, line in _lines(span, beat):
                left -= 1
                if left < 0:
                    return None
                text = line.rstrip(b"\n")
                name = names[output](text)
                entries.append(Entry(name, digest(text), span.place, start, len(text)))
    return found


def _lines(span: _Span, beat: Beat) -> Iterator[tuple[int, bytes]]:
    start = span.start
    span.file.seek(start)
    for number, line in enumerate(span.file):
        if start == span.end:
            return
        if number % _LINES == 0:
            beat()
        yield start, line
        start += len(line)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both results, read where a sample stands."""

    before: Sequence[BinaryIO]
    after: BinaryIO | None

    def old(self, entry: Entry) -> object:
        return shown(_read(self.before[entry.place], entry))

    def new(self, entry: Entry) -> object:
        return shown(_read(cast("BinaryIO", self.after), entry))

    def changed(self, old: Entry, new: Entry) -> dict[str, Any]:
        before = _read(self.before[old.place], old)
        after = _read(cast("BinaryIO", self.after), new)  # there: it has this document
        found = islice(changes(before, after), PLACES)
        return {"changed": [{name: shown(value) for name, value in c.items()} for c in found]}


def _read(file: BinaryIO, entry: Entry) -> object:
    file.seek(entry.start)
    return read_json(file.read(entry.size))


def _brief(reject: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reject without its raw record, which may be large."""
    return {
        "record": reject["record"],
        "line": reject["line"],
        "errors": reject["errors"][:PLACES],
    }
