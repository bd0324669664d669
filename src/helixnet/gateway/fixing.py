"""Rejects go on: given back as a file, and in a child job, corrected or as they are."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from helixnet.engine.context.model import Source
from helixnet.engine.context.reader import read_context
from helixnet.engine.packing.unpack import unpacked_head
from helixnet.engine.reassembly import Envelope, assembled, exact, require_assembly
from helixnet.errors import ConflictError, NotFoundError, UsageError
from helixnet.gateway.bundles import load
from helixnet.gateway.jobs import named_context
from helixnet.gateway.objects import forget, forgotten_when_refused
from helixnet.gateway.options import ENGINE, INLINE_BYTES, Gateway
from helixnet.gateway.results import reject_lines, run_of
from helixnet.jobs import RunState
from helixnet.ledger import fixes
from helixnet.ledger.arrivals import Accepted, Arrival, new_job
from helixnet.ledger.audit import record
from helixnet.ledger.filed import FiledRun, filed_run
from helixnet.ledger.queries import JobDetail, RunRow
from helixnet.ports import Identity, ObjectRef

MOST_RECORDS: Final = 20_000  # that one child takes
MOST_NAMED: Final = 5  # children in a message
MOST_BYTES: Final = 32 << 20  # of raw records, in memory


@dataclass(slots=True)
class Picked:
    """Rejects to go on with, in file order.

    Args:
        left_open: how many open ones are not among them.
        more: whether some of those can go on in another child.
    """

    records: list[int] = field(default_factory=list[int])
    raws: list[str] = field(default_factory=list[str])
    left_open: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How rejects go on.

    Args:
        action: ``fix`` or ``requeue``, for the audit.
        context: another published context; empty keeps that of the parent's run.
        deliver: ``all`` or ``none``; empty keeps that of the parent's run.
    """

    action: str
    context: str = ""
    deliver: str = ""
    idempotency_key: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A child's file, and the records of its parent that it stands for."""

    records: Sequence[int]
    content: bytes


def fixable_run(detail: JobDetail) -> RunRow:
    """Return the run whose rejects may go on: the current one, finished with rejects.

    Raises:
        ConflictError: it has none, or nothing of the file was written.
        NotFoundError: its rejects are no longer kept.
    """
    run = run_of(detail, None)
    if run.state is not RunState.PARTIAL:
        failed = run.state is RunState.FAILED
        hint = "nothing of it was written: correct the file and send it, or rerun the job"
        raise ConflictError(
            f"job {detail.job.job} is {run.state}: only rejects of a PARTIAL one can go on",
            hint=hint if failed else "",
        )
    if run.rejects_gone:
        raise NotFoundError(f"the rejects of job {detail.job.job} are no longer kept")
    return run


async def pick(
    services: Gateway, detail: JobDetail, run: RunRow, wanted: Collection[int]
) -> tuple[FiledRun, Source, Picked]:
    """Read the rejects that are wanted; all that are open and whole where none is named.

    Raises:
        UsageError: one that is named can't be given back to the byte.
        NotFoundError: one that is named is no reject of the run.
        ConflictError: one that is named was taken before, or nothing is open.
    """
    filed, taken = await services.ledger.read(lambda conn: _known(conn, detail, run))
    source = await _source(services, filed)
    picked, size, seen = Picked(), 0, set[int]()
    async for reject in reject_lines(services, run):
        number = int(reject["record"])
        if number in seen or (wanted and number not in wanted):
            continue
        seen.add(number)
        if number in taken:
            _refuse_taken(number, taken, wanted)
            continue
        size += len(reject["raw"])
        if not _whole(reject, filed, wanted):
            picked.left_open += 1
            continue
        if _full(picked, size, wanted):
            picked.left_open, picked.more = picked.left_open + 1, True
            continue
        picked.records.append(number)
        picked.raws.append(reject["raw"])
    missing = sorted(set(wanted) - seen)
    if missing:
        raise NotFoundError(f"job {filed.job} has no reject of record {missing[0]}")
    if not picked.records:
        raise _nothing(filed, taken, picked.left_open)
    return filed, source, picked


def _known(conn: Connection, detail: JobDetail, run: RunRow) -> tuple[FiledRun, dict[int, str]]:
    filed = filed_run(conn, tenant=detail.job.tenant, job=detail.job.job)
    if filed is None or filed.run_id != run.run_id:
        raise ConflictError(f"job {detail.job.job} runs again by now")
    return filed, fixes.taken(conn, run_id=run.run_id)


def _refuse_taken(number: int, taken: Mapping[int, str], wanted: Collection[int]) -> None:
    if wanted:
        child = taken[number]
        raise ConflictError(
            f"record {number} went on in job {child} already", hint=f"helixnet jobs show {child}"
        )


def _nothing(filed: FiledRun, taken: Mapping[int, str], left: int) -> ConflictError:
    if left:
        return ConflictError(
            f"none of the {left} open rejects of job {filed.job} holds its record whole",
            hint="correct the file itself and send it anew",
        )
    where = ", ".join(dict.fromkeys(list(taken.values())[:MOST_NAMED]))
    return ConflictError(f"all rejects of job {filed.job} went on already, in job {where}")


def _whole(reject: Mapping[str, Any], filed: FiledRun, wanted: Collection[int]) -> bool:
    if exact(reject, filed.index["encoding"]):
        return True
    if wanted:
        raise UsageError(
            f"record {reject['record']} is over 64 KiB, or not all of its bytes are text: its "
            "reject does not hold all of it",
            hint="correct the file itself and send it anew",
        )
    return False


def _full(picked: Picked, size: int, wanted: Collection[int]) -> bool:
    full = len(picked.records) == MOST_RECORDS or size > MOST_BYTES
    if full and wanted:
        raise UsageError(
            f"at most {MOST_RECORDS} records and {MOST_BYTES >> 20} MiB go on in one child",
            hint="name fewer",
        )
    return full


async def _source(services: Gateway, filed: FiledRun) -> Source:
    bundle = await load(services, filed.tenant, filed.context_hash)
    context = (await asyncio.to_thread(read_context, bundle)).context
    if context is None:
        raise UsageError(f"the context {filed.context_hash} can't be read any more")
    require_assembly(context.source)
    return context.source


async def raw_file(services: Gateway, filed: FiledRun, source: Source, picked: Picked) -> bytes:
    """Return picked rejects as a file of the source's own format, not packed."""
    envelope = Envelope(
        await _head(services, filed, source),
        filed.index["encoding"],
        filed.index["newline"],
        list(filed.index.get("once", {}).values()),
        filed.index.get("envelopes", ()),
    )
    return assembled(source, picked.raws, envelope, picked.records)


async def _head(services: Gateway, filed: FiledRun, source: Source) -> bytes:
    """Read what stands before the first record of the parent's file, unpacked."""
    end = int(filed.index["header_end"])
    if filed.content is not None or not end:
        content = BytesIO(filed.content or b"")
        return await asyncio.to_thread(unpacked_head, content, source, end)
    ref = ObjectRef(filed.key, filed.version, filed.size)
    try:
        if not filed.index.get("packed"):
            return b"".join([block async for block in services.store.read(ref, 0, end)])
        async with services.store.local(ref) as (path, _):
            return await asyncio.to_thread(_head_of, path, source, end)
    except NotFoundError as error:
        raise ConflictError(
            f"the file of job {filed.job} is no longer kept", hint="send it again"
        ) from error


def _head_of(path: Path, source: Source, end: int) -> bytes:
    with path.open("rb") as stream:
        return unpacked_head(stream, source, end)


async def send_on(
    services: Gateway, caller: Identity, filed: FiledRun, sent: Sent, wish: Wish
) -> Accepted:
    """Make the child job; a file that is not needed after all is taken away again.

    Raises:
        ConflictError: a record was taken before, or the parent runs again.
        NotFoundError: the context that is wished for is not published.
    """
    child = _arrival(caller, filed, sent, wish)
    if child.content is None:
        ref = await services.store.put_bytes(child.key, sent.content)
        child = replace(child, version=ref.version)
    async with forgotten_when_refused(services, child.key):
        accepted = await services.ledger.do(lambda conn: _take(conn, caller, child, sent, wish))
    if not accepted.created:
        await forget(services, child.key)
    return accepted


def _arrival(caller: Identity, filed: FiledRun, sent: Sent, wish: Wish) -> Arrival:
    job, small = new_job(), len(sent.content) <= INLINE_BYTES
    return Arrival(
        job=job,
        tenant=filed.tenant,
        name=filed.name,
        size=len(sent.content),
        sha256=hashlib.sha256(sent.content).hexdigest(),
        content=sent.content if small else None,
        key="" if small else f"work/{filed.tenant}/{job}/{filed.name}",
        flow=filed.flow,
        context_hash=filed.context_hash,
        context_name=filed.context_name,
        context_version=filed.context_version,
        inputs=filed.inputs,
        tenant_inputs=filed.tenant_inputs,
        source="child",
        idempotency_key=wish.idempotency_key,
        fingerprint=wish.fingerprint,
        submitted_by=caller.name,
        parent=filed.job,
        parent_run=filed.run,
        corrects=len(sent.records),
        deliver=wish.deliver or filed.deliver,
        engine=ENGINE,
        traceparent=filed.traceparent,
    )


def _take(conn: Connection, caller: Identity, child: Arrival, sent: Sent, wish: Wish) -> Accepted:
    if wish.context:
        chosen = named_context(conn, child.tenant, wish.context)
        child = replace(
            child,
            context_hash=chosen.hash,
            context_name=chosen.name,
            context_version=chosen.version,
        )
    accepted = fixes.take(conn, child, sent.records)
    if accepted.created:
        data = {"child": child.job, "run": child.parent_run, "records": len(sent.records)}
        action = f"rejects.{wish.action}"
        record(
            conn,
            tenant=child.tenant,
            actor=caller.name,
            action=action,
            subject=child.parent,
            data=data,
        )
    return accepted
