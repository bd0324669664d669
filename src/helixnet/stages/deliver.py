"""Deliveries: after the finish, the documents of a result go to the topics of its context.

In manifest order, some at a time; the cursor moves in the transaction that tells of them, so each
document is told once, however often a worker dies. What a dead worker told but did not send is
sent before more is told, so that a topic keeps that order.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from helixnet.crashpoints import reach
from helixnet.engine.output import read_json
from helixnet.events import MAX_EVENT_BYTES, Event, event_id
from helixnet.ledger.deliveries import (
    ClaimedDelivery,
    advance,
    claim_deliveries,
    fail_deliveries,
    finish_deliveries,
    release_deliveries,
    renew_deliveries,
)
from helixnet.ledger.finish import PartOutput, outputs
from helixnet.ledger.leases import Lease
from helixnet.ledger.outbox import job_events
from helixnet.metrics import Metrics
from helixnet.ports import Bus, Ended, Ledger, ObjectRef, ObjectStore, Workers
from helixnet.stages.bundles import Bundles
from helixnet.stages.outbox import flush
from helixnet.stages.policy import EndedError, failure_of
from helixnet.stages.service import Dealt
from helixnet.stages.tracing import spans
from helixnet.stages.work import Input, Keyed, Recipe, Record, ToDeliver, deliver_some

RECORD_DELIVERED: Final = "io.helixnet.record.delivered.v1"
TOGETHER: Final = 200  # documents a transaction
TOGETHER_BYTES: Final = 1 << 20
CARRIED: Final = MAX_EVENT_BYTES - 4096  # bytes of a document that an event carries
PAGE: Final = 50
CROWDED_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """See :class:`helixnet.stages.service.Stage`.

    Args:
        bus: takes what an earlier worker told and did not send.
        workers: that work out keys.
        worker: name of this process in the ledger.
    """

    ledger: Ledger
    store: ObjectStore
    bus: Bus
    workers: Workers
    bundles: Bundles
    metrics: Metrics
    worker: str
    lease_seconds: float
    max_attempts: int

    @property
    def slots(self) -> int:
        """Some at a time: they wait for disk and ledger, not for processors."""
        return 4

    async def claim(self, room: int) -> Dealt[ClaimedDelivery]:
        """Claim deliveries, each a batch of its own."""
        claimed = await self.ledger.do(
            lambda conn: claim_deliveries(
                conn, worker=self.worker, limit=room, lease_seconds=self.lease_seconds
            )
        )
        return Dealt([[delivery] for delivery in claimed], more=len(claimed) == room)

    def renew(self, conn: Connection, held: Sequence[Lease], seconds: float) -> set[int]:
        """See :class:`helixnet.stages.service.Stage`."""
        return renew_deliveries(conn, held, seconds)

    def release(self, conn: Connection, held: Sequence[Lease]) -> int:
        """See :class:`helixnet.stages.service.Stage`."""
        return release_deliveries(conn, held)

    async def handle(self, batch: Sequence[ClaimedDelivery]) -> None:
        """Go on with each delivery from its cursor to the end."""
        with spans("deliver", batch):
            for delivery in batch:
                try:
                    await self._deliver(delivery)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is this delivery's
                    failed = failure_of(error, delivery.lease, delivery.attempts)
                    await self.ledger.do(
                        lambda conn, failed=failed: fail_deliveries(
                            conn, [failed], max_attempts=self.max_attempts
                        )
                    )

    async def _deliver(self, item: ClaimedDelivery) -> None:
        if item.cursor or item.run > 1:
            await flush(self.ledger, self.bus, topic=item.topic, job=item.job)
        known = await self._known(item) if item.policy == "changed" else frozenset[bytes]()
        total = _total(item)
        begins = 0
        async for part in self._parts(item):
            ends = begins + part.slices[item.output].documents
            if item.cursor < ends and not await self._part(item, part, begins, known):
                return  # another worker has gone on with it
            begins = ends
        if item.cursor >= total:  # nothing was left to tell of
            await self.ledger.do(lambda conn: finish_deliveries(conn, [item.lease]))
        self.metrics.count("helixnet_deliveries_total", outcome="done")

    async def _part(
        self, item: ClaimedDelivery, part: PartOutput, begins: int, known: frozenset[bytes]
    ) -> bool:
        """Deliver what is left of a part; False when the lease was lost."""
        own = part.slices[item.output]
        cursor, ends = max(item.cursor, begins), begins + own.documents
        bundle = await self.bundles.get(item.tenant, item.context_hash)
        recipe = Recipe(bundle, item.context_hash, item.inputs)
        offset, skip, commits = own.start, cursor - begins, 0
        async with self._lent(part) as file:
            while cursor < ends:
                most = min(TOGETHER, ends - cursor)
                work = ToDeliver(recipe, item.number, file, offset, skip, most, TOGETHER_BYTES)
                found = await self._read(work)
                batch = [
                    _event(item, part, record, cursor + n)
                    for n, record in enumerate(found.records)
                    if _digest(record.key, record.sha256) not in known
                ]
                was, now = cursor, cursor + len(found.records)
                while self.ledger.crowded:  # the bus is down or slow: what is told must fit
                    commits = await self.ledger.changed(commits, CROWDED_SECONDS)
                if not await self.ledger.do(
                    lambda conn, was=was, now=now, batch=batch: _advance(
                        conn, item, was, now, batch
                    )
                ):
                    return False
                cursor, offset, skip = now, found.offset, 0
                reach("deliver.between")
        return True

    async def _read(self, work: ToDeliver) -> Keyed:
        (found,) = await self.workers.run(deliver_some, [work])
        if isinstance(found, Ended):
            raise EndedError(found)
        if not found.records:
            raise EndedError(Ended("the result ends before its count of documents", begun=True))
        return found

    async def _parts(self, item: ClaimedDelivery) -> AsyncIterator[PartOutput]:
        after = -1
        while True:
            page = await self.ledger.read(
                lambda conn, start=after: outputs(conn, item.run_id, after=start, limit=PAGE)
            )
            for part in page:
                yield part
                after = part.number
            if len(page) < PAGE:
                return

    @asynccontextmanager
    async def _lent(self, part: PartOutput) -> AsyncGenerator[Input]:
        made = part.documents
        if made.inline is not None:
            yield Input(made.inline)
            return
        ref = ObjectRef(made.key, made.version, made.size, part.documents_sha256)
        async with self.store.local(ref) as (path, _):
            yield Input(None, str(path))

    async def _known(self, item: ClaimedDelivery) -> frozenset[bytes]:
        """Return digests of what earlier runs of this job told on this topic."""
        after, known = 0, set[bytes]()
        while page := await self.ledger.read(
            lambda conn, start=after: job_events(
                conn,
                tenant=item.tenant,
                job=item.job,
                topic=item.topic,
                after=start,
                limit=1000,
            )
        ):
            after = page[-1].position
            known |= {
                _digest(stored.event.key, stored.event.data["sha256"])
                for stored in page
                if stored.event.type == RECORD_DELIVERED and stored.event.data["run"] < item.run
            }
        return frozenset(known)


def _advance(
    conn: Connection, item: ClaimedDelivery, was: int, now: int, batch: Sequence[Event]
) -> bool:
    """Move the cursor, and end the delivery with its last document, in one transaction."""
    moved = advance(conn, item.lease, was=was, now=now, batch=batch)
    if moved and now >= _total(item):
        finish_deliveries(conn, [item.lease])
    return moved


def _total(item: ClaimedDelivery) -> int:
    """Return how many documents the output of a delivery has."""
    outputs = item.manifest.get("outputs")
    if outputs is None:
        return int(item.manifest["counts"]["written"])
    return int(outputs[item.output]["documents"])


def _digest(key: str, sha256: str) -> bytes:
    return hashlib.blake2b(f"{sha256} {key}".encode(), digest_size=12).digest()


def _event(item: ClaimedDelivery, part: PartOutput, record: Record, position: int) -> Event:
    """Tell of one document: carried while it is small, named where it is large."""
    data: dict[str, Any] = {
        "job": item.job,
        "run": item.run,
        "position": position,
        "sha256": record.sha256,
    }
    if len(record.document) <= CARRIED:
        data["record"] = read_json(record.document)
    else:
        listed = {entry["number"]: entry for entry in item.manifest["parts"]}
        entry, own = listed[part.number], part.slices[item.output]
        named = item.manifest.get("outputs")
        stands = entry["outputs"][named[item.output]["name"]] if named else entry["documents"]
        start = stands.get("range", [0])[0] + record.begins - own.start
        data["object"] = {"key": stands["key"], "range": [start, start + len(record.document)]}
    return Event(
        id=event_id(RECORD_DELIVERED, item.job, item.run, item.number, position),
        type=RECORD_DELIVERED,
        topic=item.topic,
        key=record.key,
        tenant=item.tenant,
        job=item.job,
        seq=position,
        time="",
        data=data,
        traceparent=item.traceparent,
    )
