"""Ingest: a run that waits becomes an index of its file and the parts to map.

A small file of one part is mapped where it was read: that saves a store's read and a way through
the bus, which is most of what such a file costs. Whatever goes wrong with it there is found again,
counted and told by the mapper.
"""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from helixnet.crashpoints import reach
from helixnet.errors import RefusedError
from helixnet.jobs import RunState
from helixnet.ledger.leases import Failure, Lease
from helixnet.ledger.parts import Made, Output
from helixnet.ledger.runs import (
    ClaimedRun,
    Refusal,
    Start,
    claim_runs,
    fail_runs,
    refuse_runs,
    release_runs,
    renew_runs,
    start_runs,
    unpacked_of,
)
from helixnet.ledger.tables import INLINE_BYTES
from helixnet.metrics import Metrics
from helixnet.ports import Ended, Ledger, ObjectRef, ObjectStore, Workers
from helixnet.stages.bundles import Bundles
from helixnet.stages.dealing import SMALL, Appetite, claim_dealt
from helixnet.stages.files import lent, settle
from helixnet.stages.outputs import keep, keep_unpacked, part_mapped, results_of
from helixnet.stages.policy import Refused, Retry, decide
from helixnet.stages.service import Dealt
from helixnet.stages.tracing import spans
from helixnet.stages.work import Indexed, Recipe, ToIndex, index_one

Answer = Start | Refused | Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """See :class:`helixnet.stages.service.Stage`.

    Args:
        workers: one or more processes that pass over files.
        worker: name of this process in the ledger.
        part_size: bytes after which a file is cut.
        most_unpacked: bytes that a packed file may unpack to.
        scratch: local folder for output on its way to the store.
        engine: version of HelixNet, part of what determines a result.
    """

    ledger: Ledger
    store: ObjectStore
    workers: Workers
    bundles: Bundles
    metrics: Metrics
    worker: str
    part_size: int
    most_unpacked: int
    scratch: Path
    lease_seconds: float
    max_attempts: int
    engine: str
    appetite: Appetite = field(default_factory=Appetite)

    @property
    def slots(self) -> int:
        """One batch a worker, and one that is fetched or committed meanwhile."""
        return self.workers.size + 1

    async def claim(self, room: int) -> Dealt[ClaimedRun]:
        """Claim as much as ``room`` workers can do; what is too much goes back at once."""
        return await claim_dealt(
            self.ledger,
            self.appetite,
            room,
            claim=lambda conn, limit: claim_runs(
                conn, worker=self.worker, limit=limit, lease_seconds=self.lease_seconds
            ),
            release=self.release,
            size_of=size_of,
        )

    def renew(self, conn: Connection, held: Sequence[Lease], seconds: float) -> set[int]:
        """See :class:`helixnet.stages.service.Stage`."""
        return renew_runs(conn, held, seconds)

    def release(self, conn: Connection, held: Sequence[Lease]) -> int:
        """See :class:`helixnet.stages.service.Stage`."""
        return release_runs(conn, held)

    async def handle(self, batch: Sequence[ClaimedRun]) -> None:
        """Index the files of ``batch`` and start, refuse or put off their runs."""
        begun = time.monotonic()
        with spans("ingest", batch):
            answers = await self._index(batch)
            reach("ingest.indexed")
            await self.ledger.do(lambda conn: self._commit(conn, batch, answers))
            reach("ingest.committed")
        self._measure(batch, answers, time.monotonic() - begun)

    async def _index(self, batch: Sequence[ClaimedRun]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        async with AsyncExitStack() as stack:
            todo: dict[int, ToIndex] = {}
            for run in batch:
                try:
                    todo[run.id] = await self._prepare(run, stack)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is this run's
                    answers[run.id] = decide(error)
            if todo:
                found = await self.workers.run(index_one, list(todo.values()))
                sent = [run for run in batch if run.id in todo]
                for run, one in zip(sent, found, strict=True):
                    answers[run.id] = await self._answer(run, one)
        return [answers[run.id] for run in batch]

    async def _prepare(self, run: ClaimedRun, stack: AsyncExitStack) -> ToIndex:
        if not run.context_hash:
            raise _unmatched(run)
        if run.origin_key and run.content is None:
            drop = ObjectRef(run.origin_key, run.origin_version, run.size)
            await settle(self.store, drop, run.key)
        bundle = await self.bundles.get(run.tenant, run.context_hash)
        file = await stack.enter_async_context(lent(self.store, run))
        recipe = Recipe(bundle, run.context_hash, run.inputs, run.tenant_inputs)
        return ToIndex(
            recipe,
            file,
            run.name,
            run.sha256,
            self.part_size,
            str(self.scratch),
            inline=INLINE_BYTES,
            at_once=SMALL if run.attempts == 1 else -1,
            most_unpacked=self.most_unpacked,
        )

    async def _answer(self, run: ClaimedRun, found: Indexed | Refused | Retry | Ended) -> Answer:
        """Say what becomes of a run; what was mapped at once, or unpacked, is kept."""
        if isinstance(found, Ended):
            return decide(found)
        if not isinstance(found, Indexed):
            return found
        try:
            made, unpacked = await self._keep(run, found)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this run's
            return decide(error)
        records = sum(part.records for part in found.index.parts)
        if run.corrects not in {0, records}:
            return Refused(_miscounted(run, records))
        return Start(
            id=run.id,
            epoch=run.epoch,
            index=found.index,
            made=made,
            unpacked=unpacked,
            stop_percent=found.stop_percent,
            stop_number=found.stop_number,
            fail_file=found.fail_file,
            context_name=found.context,
            context_version=found.version,
            engine=self.engine,
            on_drift=found.on_drift,
            inputs=found.inputs,
        )

    async def _keep(self, run: ClaimedRun, found: Indexed) -> tuple[Made | None, Output | None]:
        """Put what a worker made into the store, under keys that carry the epoch."""
        made = unpacked = None
        if found.made is not None:
            stem = results_of(run.tenant, run.job, run.run)
            made = await keep(self.store, stem, f"{0:05}-i{run.epoch}", found.made)
        if found.unpacked is not None:
            key = f"{unpacked_of(run.tenant, run.job, run.run)}i{run.epoch}"
            unpacked = await keep_unpacked(self.store, key, found.unpacked)
        return made, unpacked

    def _measure(
        self, batch: Sequence[ClaimedRun], answers: Sequence[Answer], seconds: float
    ) -> None:
        for run, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Refused):
                self.metrics.count("helixnet_runs_finished_total", state=RunState.FAILED)
            elif isinstance(answer, Start) and answer.made is not None:
                part_mapped(self.metrics, run.size, seconds / len(batch))

    def _commit(
        self, conn: Connection, batch: Sequence[ClaimedRun], answers: Sequence[Answer]
    ) -> None:
        starts: list[Start] = []
        refusals: list[Refusal] = []
        failures: list[Failure] = []
        for run, answer in zip(batch, answers, strict=True):
            match answer:
                case Start():
                    starts.append(answer)
                case Refused(error):
                    refusals.append(Refusal(id=run.id, epoch=run.epoch, error=error))
                case Retry() as retry:
                    failures.append(retry.failure(run.lease, run.attempts))
        start_runs(conn, starts)
        refuse_runs(conn, refusals)
        fail_runs(conn, failures, max_attempts=self.max_attempts)


def _unmatched(run: ClaimedRun) -> RefusedError:
    """Say why nothing maps this file, which stays with its job."""
    text = f"no flow of {run.tenant} takes {run.origin_key or run.name}"
    hint = "add a flow that matches, then rerun the job with its context"
    if run.flow:
        text = f"the context of flow {run.flow} is not published"
        hint = "publish it, then rerun the job with it"
    return RefusedError(text, code="HX-7002", hint=hint)


def _miscounted(run: ClaimedRun, records: int) -> dict[str, object]:
    """Say that a file of corrected rejects would lose some, or bring others with it."""
    return {
        "code": "HX-5010",
        "message": f"the file holds {records} records and stands for {run.corrects} rejects",
        "hint": "name the records that it corrects; they are open again",
    }


def size_of(run: ClaimedRun) -> int:
    """Return the bytes that indexing a run's file reads."""
    return run.size
