"""What worker processes do: index a file, map a part, key the records of a delivery.

Everything here runs outside the server's process, on values that travel; plans are compiled once
a process and bundle.
"""

import errno
import hashlib
import io
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

from helixnet.engine.context.bundle import bundle_from_zip
from helixnet.engine.mapping.inputs import given_values
from helixnet.engine.outcome import Counts
from helixnet.engine.output import json_text, read_json
from helixnet.engine.packing.unpack import packing, unpack
from helixnet.engine.plan import Plan, compile_plan
from helixnet.engine.source import Part, SourceIndex
from helixnet.engine.transform import index_file, map_part
from helixnet.errors import ContextError, RefusedError, RejectedError, UnavailableError
from helixnet.stages.policy import Refused, Retry, decide
from helixnet.stages.streams import Spill, open_told

Beat = Callable[[], None]
MOST_PLANS: Final = 32
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_plans: OrderedDict[str, Plan] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to map: a bundle's zip with its hash, and the values of its inputs.

    Args:
        spare: the tenant's values, until those that the context declares are among ``inputs``.
    """

    bundle: bytes
    hash: str
    inputs: Mapping[str, Any]
    spare: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def plan(self) -> Plan:
        """Return the compiled plan, from this process's cache when it was used lately.

        Raises:
            ContextError: the bundle can't be compiled, with every problem.
        """
        name = f"{self.hash} {json_text([dict(self.inputs), dict(self.spare)])}"
        plan = _plans.get(name)
        if plan is None:
            plan = compile_plan(bundle_from_zip(self.bundle), self.inputs, spare=self.spare)
        _plans[name] = plan
        _plans.move_to_end(name)
        while len(_plans) > MOST_PLANS:
            _plans.popitem(last=False)
        return plan

    def used(self, plan: Plan) -> dict[str, Any] | None:
        """Return the values that the plan was compiled with; None: those of ``inputs``."""
        return given_values(plan.context, self.inputs, self.spare) if self.spare else None


@dataclass(frozen=True, slots=True)
class Input:
    """Where a worker finds a file: its bytes, or a local path that starts with it."""

    content: bytes | None
    path: str = ""

    def open(self, beat: Beat) -> BinaryIO:
        """Open it for reading from its first byte; reading tells progress."""
        if self.content is not None:
            return io.BytesIO(self.content)
        return open_told(Path(self.path), beat)


@dataclass(frozen=True, slots=True)
class ToIndex:
    """A file to pass over once.

    Args:
        scratch: where what is over ``inline`` bytes is written.
        at_once: up to this many bytes of a file of one part are mapped then and there.
        most_unpacked: bytes that a packed file may unpack to.
    """

    recipe: Recipe
    file: Input
    name: str
    sha256: str
    part_size: int
    scratch: str
    inline: int
    at_once: int
    most_unpacked: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the pass found, and what the context asks of the run.

    Args:
        inputs: the values that map the file; None when they are those of the recipe.
        made: what came of the only part; None when it waits for the mapper.
        unpacked: what a packed file unpacks to, bytes or the path of a file that the caller owns;
            None when nothing has to read it any more.
    """

    index: SourceIndex
    context: str
    version: str
    stop_percent: str | None
    stop_number: int | None
    fail_file: bool
    on_drift: str
    inputs: dict[str, Any] | None
    made: "MappedPart | None" = None
    unpacked: bytes | Path | None = None


def index_one(work: ToIndex, beat: Beat) -> Indexed | Refused | Retry:
    """Compile the plan and index the file; the file must be the one that was accepted."""
    spill, kept = Spill(Path(work.scratch), work.inline), False
    try:
        plan = work.recipe.plan()
        plain, index = _indexed(work, plan, spill, beat)
        if work.sha256 and index.sha256 != work.sha256:
            raise RefusedError("the stored file is not the one accepted", code="HX-5009")  # noqa: TRY301 - decided as all others below
        made = _at_once(work, plain, index, beat)
        kept = bool(index.packed) and made is None
    except (ContextError, RefusedError, RejectedError, UnavailableError, OSError) as error:
        return decide(known_fault(error))
    finally:
        if not kept:
            spill.discard()
    stop = plan.context.stop_at
    return Indexed(
        index,
        plan.context.name,
        plan.context.version,
        None if stop is None or stop.percent is None else str(stop.percent),
        None if stop is None else stop.number,
        plan.context.fail_file,
        plan.context.source.on_drift,
        work.recipe.used(plan),
        made,
        spill.finish() if kept else None,
    )


def _indexed(work: ToIndex, plan: Plan, spill: Spill, beat: Beat) -> tuple[Input, SourceIndex]:
    """Index the file, unpacked into ``spill`` if need be; say where its plain bytes are."""
    whole = plan.context.file_checks  # judged where the file was mapped, so by one worker
    part_size = sys.maxsize if whole else work.part_size
    with work.file.open(beat) as stream:
        kind = packing(stream, plan.context.source)
        if not kind:
            return work.file, index_file(plan, stream, part_size=part_size)
        unpack(stream, plan.context.source, spill, used=plan.used, most=work.most_unpacked)
        digest, size = _digest(stream)
    content = spill.finish()
    plain = Input(content) if isinstance(content, bytes) else Input(None, str(content))
    with plain.open(beat) as stream:
        index = index_file(plan, stream, part_size=part_size)
    return plain, replace(index, sha256=digest, packed=kind, packed_size=size)


def _digest(stream: BinaryIO) -> tuple[str, int]:
    """Return hash and size of a whole file."""
    stream.seek(0)
    found, size = hashlib.sha256(), 0
    while block := stream.read(1 << 20):
        found.update(block)
        size += len(block)
    return found.hexdigest(), size


def _at_once(work: ToIndex, plain: Input, index: SourceIndex, beat: Beat) -> "MappedPart | None":
    """Map a file of one part whose bytes are at hand; what fails is left to the mapper."""
    if index.size > work.at_once or len(index.parts) > 1:
        return None
    (part,) = index.parts
    only = ToMap(work.recipe, plain, work.name, index, part, work.scratch, work.inline)
    made = map_one(only, beat)
    return made if isinstance(made, MappedPart) else None


@dataclass(frozen=True, slots=True)
class ToMap:
    """A part to map; ``scratch`` is where output over ``inline`` bytes is written."""

    recipe: Recipe
    file: Input
    name: str
    index: SourceIndex
    part: Part
    scratch: str
    inline: int


@dataclass(frozen=True, slots=True)
class MappedPart:
    """What mapping a part gave; outputs are bytes, or paths of files that the caller owns.

    With named outputs ``documents`` are those of one after those of the other, and ``outputs``
    says of each how many ``documents`` in how many bytes (``size``) with which ``sha256``.
    ``wrong`` says which file checks fail; empty if none does.
    """

    counts: Counts
    documents: bytes | Path
    documents_size: int
    documents_sha256: str
    outputs: list[dict[str, Any]]
    rejects: bytes | Path
    rejects_size: int
    samples: list[dict[str, Any]]
    stopped: bool
    wrong: str = ""


def map_one(work: ToMap, beat: Beat) -> MappedPart | Refused | Retry:
    """Map one part; what fails for want of disk leaves nothing behind."""
    folder = Path(work.scratch)
    documents, rejects = [Spill(folder, work.inline)], Spill(folder, work.inline)
    kept = False
    try:
        plan = work.recipe.plan()
        documents += [Spill(folder, work.inline) for _ in plan.context.outputs[1:]]
        with work.file.open(beat) as stream:
            done = map_part(
                plan,
                work.index,
                work.part,
                stream,
                documents=documents,
                rejects=rejects,
                file=work.name,
                on_progress=lambda _: beat(),
            )
        wrong = "" if done.stopped else "; ".join(plan.judge_file(work.index, done.sums))
        outputs = _joined(documents, done.outputs) if plan.context.named else []
        texts, bad = documents[0].finish(), rejects.finish()
        kept = True
    except (ContextError, RefusedError, RejectedError, UnavailableError, OSError) as error:
        return decide(known_fault(error))
    finally:
        if not kept:
            for spill in (*documents, rejects):
                spill.discard()
    return MappedPart(
        done.counts,
        texts,
        documents[0].size,
        documents[0].sha256,
        outputs,
        bad,
        rejects.size,
        list(done.samples),
        done.stopped,
        wrong,
    )


def _joined(spills: Sequence[Spill], counts: Sequence[int]) -> list[dict[str, Any]]:
    """Append the documents of all outputs to those of the first; say what stands there."""
    outputs = [
        {"documents": count, "size": spill.size, "sha256": spill.sha256}
        for count, spill in zip(counts, spills, strict=True)
    ]
    for spill in spills[1:]:
        spills[0].absorb(spill)
    return outputs


@dataclass(frozen=True, slots=True)
class ToDeliver:
    """Some documents of a result.

    Args:
        number: of ``deliver:`` in the context, from 0.
        offset: byte in the file at which a document begins.
        skip: documents to pass over from there.
        most: documents at most.
        most_bytes: of documents, after which no further one is read.
    """

    recipe: Recipe
    number: int
    file: Input
    offset: int
    skip: int
    most: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Record:
    """One document with its key and content hash, and where in the file it begins."""

    key: str
    sha256: str
    document: bytes
    begins: int


@dataclass(frozen=True, slots=True)
class Keyed:
    """Documents in order, and the byte at which the next one begins."""

    records: list[Record]
    offset: int


def deliver_some(work: ToDeliver, beat: Beat) -> Keyed:
    """Read documents and work out their keys and hashes."""
    plan = work.recipe.plan()
    found: list[Record] = []
    place = work.offset
    with work.file.open(beat) as stream:
        stream.seek(work.offset)
        for count, line in enumerate(stream):
            begins, place = place, place + len(line)
            if count < work.skip:
                continue
            text = line.rstrip(b"\n")
            key = plan.delivery_key(work.number, read_json(text)) or ""
            digest = hashlib.sha256(text).hexdigest()
            found.append(Record(key, digest, text, begins))
            total = place - found[0].begins
            if len(found) == work.most or total >= work.most_bytes:
                break
    return Keyed(found, place)


def known_fault(error: Exception) -> Exception:
    """Say what a full disk is: the world's fault, not the file's."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return UnavailableError("no room for output in the data folder", code="HX-7004")
    return error


@dataclass(frozen=True, slots=True)
class Declared:
    """What a context says of its documents.

    Args:
        outputs: their names; none for a context whose only output has no name.
        deliver: for each delivery its topic, as the context calls it, and the number of its output.
    """

    outputs: Sequence[str]
    deliver: Sequence[tuple[str, int]]


def declared(recipe: Recipe, beat: Beat) -> Declared:
    """Return which outputs a context has, and where it delivers them to."""
    beat()
    context = recipe.plan().context
    names = [output.name for output in context.outputs if output.name]
    return Declared(names, [(deliver.topic, deliver.output) for deliver in context.deliver])
