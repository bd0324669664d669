"""Replay: begins the runs of a large replay batch by batch, and works out dry runs.

It stands beside the mapper and uses its workers, one at a time. A dry run maps some jobs aside
and keeps only what it found: no job, result or delivery ever hears of it.
"""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from helixnet.errors import NotFoundError, RefusedError, UnavailableError
from helixnet.jobs import RunState
from helixnet.ledger.errands import (
    ClaimedErrand,
    advance,
    claim_errands,
    fail_errands,
    finish_dry_run,
    release_errands,
    renew_errands,
)
from helixnet.ledger.filed import FiledRun, filed_run
from helixnet.ledger.finish import PartOutput, outputs
from helixnet.ledger.leases import Lease
from helixnet.metrics import Metrics
from helixnet.ports import Ended, Ledger, ObjectRef, ObjectStore, Workers
from helixnet.stages.bundles import Bundles
from helixnet.stages.compare import (
    MOST_DOCUMENTS,
    Compared,
    ToCompare,
    TooMany,
    compare_one,
)
from helixnet.stages.files import lent
from helixnet.stages.policy import Refused, Retry, failure_of
from helixnet.stages.service import Dealt
from helixnet.stages.work import Input, Recipe

MOST_JOBS: Final = 20  # that one dry run looks at
MOST_BYTES: Final = 64 << 20  # of files that it maps, together
MOST_FILE: Final = 16 << 20  # of one file, or of its present result
SECONDS: Final = 60.0  # after which it looks at no further job
PAGE: Final = 100
log = structlog.get_logger()
_WITH_RESULT: Final = frozenset({RunState.COMPLETED, RunState.PARTIAL})
_SUMS: Final = ("unchanged", "changed", "added", "removed")
Json = dict[str, Any]
Answer = Compared | TooMany | Refused | Retry | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """See :class:`helixnet.stages.service.Stage`.

    Args:
        workers: the processes that map.
        worker: name of this process in the ledger.
        scratch: local folder for what is mapped aside.
        most_unpacked: bytes that a packed file may unpack to.
    """

    ledger: Ledger
    store: ObjectStore
    workers: Workers
    bundles: Bundles
    metrics: Metrics
    worker: str
    scratch: Path
    most_unpacked: int
    lease_seconds: float
    max_attempts: int

    @property
    def slots(self) -> int:
        """One keeps workers free for mapping; another lets a dry run pass a large replay."""
        return 2

    async def claim(self, room: int) -> Dealt[ClaimedErrand]:
        """Claim errands, each a batch of its own."""
        claimed = await self.ledger.do(
            lambda conn: claim_errands(
                conn, worker=self.worker, limit=room, lease_seconds=self.lease_seconds
            )
        )
        return Dealt([[errand] for errand in claimed], more=len(claimed) == room)

    def renew(self, conn: Connection, held: Sequence[Lease], seconds: float) -> set[int]:
        """See :class:`helixnet.stages.service.Stage`."""
        return renew_errands(conn, held, seconds)

    def release(self, conn: Connection, held: Sequence[Lease]) -> int:
        """See :class:`helixnet.stages.service.Stage`."""
        return release_errands(conn, held)

    async def handle(self, batch: Sequence[ClaimedErrand]) -> None:
        """Go on with each errand to its end."""
        for errand in batch:
            try:
                await (self._compare(errand) if errand.dry_run else self._begin(errand))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this errand's
                failed = failure_of(error, errand.lease, errand.attempts)
                await self.ledger.do(
                    lambda conn, failed=failed: fail_errands(
                        conn, [failed], max_attempts=self.max_attempts
                    )
                )

    async def _begin(self, errand: ClaimedErrand) -> None:
        """Begin batch after batch; one transaction each."""
        cursor = errand.cursor
        while 0 <= cursor < len(errand.ids):
            step = replace(errand, cursor=cursor)
            cursor = await self.ledger.do(lambda conn, step=step: advance(conn, step))

    async def _compare(self, errand: ClaimedErrand) -> None:
        end = time.monotonic() + SECONDS
        found: list[Json] = []
        left: list[Json] = []
        room = MOST_BYTES
        for job in spread(errand.ids, MOST_JOBS):
            row = await self.ledger.read(
                lambda conn, job=job: filed_run(conn, tenant=errand.tenant, job=job)
            )
            why = _refusal(row, room) if time.monotonic() < end else "the time was over"
            if row is None or why:
                left.append({"job_id": job, "reason": why})
                continue
            room -= row.size
            answer = await self._job(errand, row)
            (left if "reason" in answer else found).append({"job_id": job} | answer)
        comparison = {"jobs": found, "not_compared": left, "total": _total(found)}
        await self.ledger.do(lambda conn: finish_dry_run(conn, errand.lease, comparison))

    async def _job(self, errand: ClaimedErrand, row: FiledRun) -> Json:
        """Compare one job, or say why that can't be done."""
        chosen = errand.again.context_hash or row.context_hash
        parts = await self._parts(row)
        if sum(part.documents.size for part in parts) > MOST_FILE:
            return {"reason": f"its result is over {MOST_FILE >> 20} MiB"}
        try:
            async with AsyncExitStack() as stack:
                work = ToCompare(
                    new=await self._recipe(row, chosen),
                    old=await self._recipe(row, row.context_hash) if parts else None,
                    file=await stack.enter_async_context(lent(self.store, row)),
                    name=row.name,
                    results=[(await self._lent(stack, part), part.slices) for part in parts],
                    scratch=str(self.scratch),
                    most_unpacked=self.most_unpacked,
                )
                (answer,) = await self.workers.run(compare_one, [work])
            self.metrics.count("helixnet_read_bytes_total", row.size)
        except (RefusedError, NotFoundError) as error:
            return {"reason": str(error)}
        return _said(answer, row)

    async def _recipe(self, row: FiledRun, hash_: str) -> Recipe:
        bundle = await self.bundles.get(row.tenant, hash_)
        return Recipe(bundle, hash_, row.inputs, row.tenant_inputs)

    async def _parts(self, row: FiledRun) -> list[PartOutput]:
        """Return what the present result is made of; nothing where the run has none."""
        found: list[PartOutput] = []
        while row.state in _WITH_RESULT:
            after = found[-1].number if found else -1
            page = await self.ledger.read(
                lambda conn, after=after: outputs(conn, row.run_id, after=after, limit=PAGE)
            )
            found += page
            if len(page) < PAGE:
                break
        return found

    async def _lent(self, stack: AsyncExitStack, part: PartOutput) -> Input:
        made = part.documents
        if made.inline is not None:
            return Input(made.inline)
        ref = ObjectRef(made.key, made.version, made.size)
        path, _ = await stack.enter_async_context(self.store.local(ref))
        return Input(None, str(path))


def spread(ids: Sequence[str], most: int) -> list[str]:
    """Return at most ``most`` of the ids, evenly spread, the first and the last among them."""
    if len(ids) <= most:
        return list(ids)
    return [ids[number * (len(ids) - 1) // (most - 1)] for number in range(most)]


def _refusal(row: FiledRun | None, room: int) -> str:
    """Say why a job is not compared; empty when it is."""
    if row is None:
        return "it is no longer kept"
    if row.obstacle:
        return row.obstacle
    if row.results_gone:
        return "its result is no longer kept"
    if row.size > MOST_FILE:
        return f"its file is over {MOST_FILE >> 20} MiB"
    return f"{MOST_BYTES >> 20} MiB were compared" if row.size > room else ""


def _said(answer: Answer, row: FiledRun) -> Json:
    """Return what the dry run says of a job.

    Raises:
        UnavailableError: the world is to blame; the dry run is done again later.
    """
    match answer:
        case Compared():
            return _compared(answer, row)
        case TooMany():
            return {"reason": f"it has over {MOST_DOCUMENTS} documents"}
        case Retry(error, counted=False):
            raise UnavailableError(str(error["message"]), code=str(error["code"]))
        case Ended(reason):
            log.warning("not compared", job=row.job, reason=reason)
            return {"reason": reason.strip().rpartition("\n")[2]}
        case _:
            return {"reason": str(answer.error["message"])}


def _compared(found: Compared, row: FiledRun) -> Json:
    after: Json = {"state": found.state, "counts": asdict(found.counts)}
    if found.code or found.message:
        after |= {"code": found.code, "message": found.message}
    return {
        "run": row.run,
        "before": {"state": row.state.value, "counts": asdict(row.counts)},
        "after": after,
        "documents": {name: getattr(found, name) for name in _SUMS},
        "samples": found.samples,
        "rejects": found.rejects,
    }


def _total(found: Sequence[Json]) -> Json:
    documents = {name: sum(job["documents"][name] for job in found) for name in _SUMS}
    sides = ("before", "after")
    return {
        "jobs": len(found),
        "jobs_that_change": sum(map(_changes, found)),
        "jobs_that_fail": sum(job["after"]["state"] == RunState.FAILED for job in found),
        "documents": documents,
        "rejects": {side: sum(job[side]["counts"]["rejected"] for job in found) for side in sides},
    }


def _changes(job: Json) -> bool:
    moved = any(job["documents"][name] for name in _SUMS if name != "unchanged")
    return moved or job["before"]["state"] != job["after"]["state"]
