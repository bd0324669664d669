"""Mapper: parts that wait are mapped by worker processes, as many as there are workers."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from helixnet.crashpoints import reach
from helixnet.ledger import parts
from helixnet.ledger.leases import Failure, Lease
from helixnet.ledger.parts import (
    ClaimedPart,
    Made,
    PartDone,
    claim_parts,
    fail_parts,
    finish_parts,
    release_parts,
)
from helixnet.ledger.tables import INLINE_BYTES
from helixnet.metrics import Metrics
from helixnet.ports import Ended, Ledger, ObjectStore, Workers
from helixnet.stages.bundles import Bundles
from helixnet.stages.dealing import Appetite, claim_dealt
from helixnet.stages.files import lent
from helixnet.stages.outputs import keep, part_mapped, results_of
from helixnet.stages.policy import Refused, Retry, decide
from helixnet.stages.service import Dealt
from helixnet.stages.tracing import spans
from helixnet.stages.work import MappedPart, Recipe, ToMap, map_one

Answer = Made | Refused | Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapper:
    """See :class:`helixnet.stages.service.Stage`.

    Args:
        workers: the processes that map.
        worker: name of this process in the ledger.
        scratch: local folder for output on its way to the store.
    """

    ledger: Ledger
    store: ObjectStore
    workers: Workers
    bundles: Bundles
    metrics: Metrics
    worker: str
    scratch: Path
    lease_seconds: float
    max_attempts: int
    appetite: Appetite = field(default_factory=Appetite)

    @property
    def slots(self) -> int:
        """One batch a worker, and one that is fetched or committed meanwhile."""
        return self.workers.size + 1

    async def claim(self, room: int) -> Dealt[ClaimedPart]:
        """Claim as much as ``room`` workers can do; what is too much goes back at once."""
        return await claim_dealt(
            self.ledger,
            self.appetite,
            room,
            claim=lambda conn, limit: claim_parts(
                conn, worker=self.worker, limit=limit, lease_seconds=self.lease_seconds
            ),
            release=self.release,
            size_of=size_of,
        )

    def renew(self, conn: Connection, held: Sequence[Lease], seconds: float) -> set[int]:
        """See :class:`helixnet.stages.service.Stage`."""
        return parts.renew(conn, held, seconds)

    def release(self, conn: Connection, held: Sequence[Lease]) -> int:
        """See :class:`helixnet.stages.service.Stage`."""
        return release_parts(conn, held)

    async def handle(self, batch: Sequence[ClaimedPart]) -> None:
        """Map the parts of ``batch`` and commit what came of them."""
        begun = time.monotonic()
        with spans("map", batch):
            answers = await self._map(batch)
            reach("mapper.stored")
            await self.ledger.do(lambda conn: self._commit(conn, batch, answers))
            reach("mapper.committed")
        self._measure(batch, answers, time.monotonic() - begun)

    async def _map(self, batch: Sequence[ClaimedPart]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        async with AsyncExitStack() as stack:
            todo: dict[int, ToMap] = {}
            for part in batch:
                try:
                    todo[part.id] = await self._prepare(part, stack)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is this part's
                    answers[part.id] = decide(error)
            if todo:
                found = await self.workers.run(map_one, list(todo.values()))
                sent = [part for part in batch if part.id in todo]
                for part, answer in zip(sent, found, strict=True):
                    answers[part.id] = await self._store(part, answer)
        return [answers[part.id] for part in batch]

    async def _prepare(self, part: ClaimedPart, stack: AsyncExitStack) -> ToMap:
        bundle = await self.bundles.get(part.tenant, part.context_hash)
        file = await stack.enter_async_context(
            lent(self.store, part, part.part.start, part.part.end)
        )
        recipe = Recipe(bundle, part.context_hash, part.inputs)
        folder = str(self.scratch)
        return ToMap(recipe, file, part.name, part.index, part.part, folder, INLINE_BYTES)

    async def _store(
        self, part: ClaimedPart, answer: MappedPart | Refused | Retry | Ended
    ) -> Answer:
        """Put large output into the store, under keys that carry the epoch."""
        if isinstance(answer, Ended):
            return decide(answer)
        if not isinstance(answer, MappedPart):
            return answer
        stem = results_of(part.tenant, part.job, part.run)
        try:
            return await keep(self.store, stem, f"{part.part.number:05}-e{part.epoch}", answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this part's
            return decide(error)

    def _measure(
        self, batch: Sequence[ClaimedPart], answers: Sequence[Answer], seconds: float
    ) -> None:
        for part, answer in zip(batch, answers, strict=True):
            part_mapped(
                self.metrics, size_of(part), seconds / len(batch), done=isinstance(answer, Made)
            )

    def _commit(
        self, conn: Connection, batch: Sequence[ClaimedPart], answers: Sequence[Answer]
    ) -> None:
        done: list[PartDone] = []
        hopeless: list[Failure] = []
        failures: list[Failure] = []
        for part, answer in zip(batch, answers, strict=True):
            match answer:
                case Made():
                    done.append(PartDone(id=part.id, epoch=part.epoch, made=answer))
                case Refused(error):
                    hopeless.append(Failure(part.id, part.epoch, error))
                case Retry():
                    failures.append(answer.failure(part.lease, part.attempts))
        finish_parts(conn, done)
        fail_parts(conn, hopeless, max_attempts=0)
        fail_parts(conn, failures, max_attempts=self.max_attempts)


def size_of(part: ClaimedPart) -> int:
    """Return the bytes that mapping a part reads."""
    return part.part.end - part.part.start
