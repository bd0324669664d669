"""What a dry run asks of a worker: map a file aside and compare with the result it has now."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, Final, cast

from helixnet.engine.compare import namer
from helixnet.engine.differences import Entry, changes, digest, pair, shown
from helixnet.engine.outcome import Counts
from helixnet.engine.output import read_json
from helixnet.engine.plan import Plan
from helixnet.engine.transform import FileOutcome, transform_file
from helixnet.errors import ContextError, RefusedError, RejectedError
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
        results: what holds the present result, in order.
        scratch: folder for what is mapped aside; nothing is left in it.
    """

    new: Recipe
    old: Recipe | None
    file: Input
    name: str
    results: Sequence[Input]
    scratch: str


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
            made = stack.enter_context(TemporaryFile(dir=Path(work.scratch)))  # has no name
            plan = work.new.plan()
            outcome = _mapped(plan, work, made, beat)
        except (ContextError, RefusedError, RejectedError, OSError) as error:
            return _refused(decide(known_fault(error)), work, stack, beat)
        return _compared(work, plan, outcome, made, stack, beat)


def _mapped(plan: Plan, work: ToCompare, made: IO[bytes], beat: Beat) -> FileOutcome:
    with work.file.open(beat) as stream:
        return transform_file(
            plan,
            stream,
            documents=made,
            rejects=_Nowhere(),
            file=work.name,
            on_index=lambda _: lambda _: beat(),
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
        removed=len(before[1]),
    )


def _compared(
    work: ToCompare,
    plan: Plan,
    outcome: FileOutcome,
    made: IO[bytes],
    stack: ExitStack,
    beat: Beat,
) -> Compared | TooMany:
    verdict = outcome.verdict
    good = verdict.state != "FAILED"
    present = _present(work, stack, beat)
    after = _entries([cast("BinaryIO", made)] if good else [], namer(plan), beat)
    if present is None or after is None:
        return TooMany()
    files, before = present
    pairs = pair(before, after)
    sides = _Sides(files, cast("BinaryIO", made))
    return Compared(
        state=verdict.state,
        code=verdict.code,
        message=verdict.message,
        counts=outcome.counts,
        unchanged=pairs.unchanged,
        changed=len(pairs.changed),
        added=len(pairs.added),
        removed=len(pairs.removed),
        samples=[
            *(sides.changed(old, new) for old, new in pairs.changed[:SAMPLES]),
            *({"added": sides.new(entry)} for entry in pairs.added[:SAMPLES]),
            *({"removed": sides.old(entry)} for entry in pairs.removed[:SAMPLES]),
        ],
        rejects=[_brief(reject) for reject in outcome.samples[:SAMPLES]],
    )


def _present(
    work: ToCompare, stack: ExitStack, beat: Beat
) -> tuple[list[BinaryIO], list[Entry]] | None:
    """Open the present result and list its documents; None when there are too many."""
    if work.old is None:
        return [], []
    files = [stack.enter_context(file.open(beat)) for file in work.results]
    entries = _entries(files, namer(work.old.plan()), beat)
    return None if entries is None else (files, entries)


def _entries(
    files: Sequence[BinaryIO], name: Callable[[bytes], bytes], beat: Beat
) -> list[Entry] | None:
    found: list[Entry] = []
    for place, file in enumerate(files):
        file.seek(0)
        for start, line in _lines(file, beat):
            if len(found) == MOST_DOCUMENTS:
                return None
            text = line.rstrip(b"\n")
            found.append(Entry(name(text), digest(text), place, start, len(text)))
    return found


def _lines(file: BinaryIO, beat: Beat) -> Iterator[tuple[int, bytes]]:
    start = 0
    for number, line in enumerate(file):
        if number % _LINES == 0:
            beat()
        yield start, line
        start += len(line)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both results, read where a sample stands."""

    before: Sequence[BinaryIO]
    after: BinaryIO

    def old(self, entry: Entry) -> object:
        return shown(_read(self.before[entry.place], entry))

    def new(self, entry: Entry) -> object:
        return shown(_read(self.after, entry))

    def changed(self, old: Entry, new: Entry) -> dict[str, Any]:
        before, after = _read(self.before[old.place], old), _read(self.after, new)
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
