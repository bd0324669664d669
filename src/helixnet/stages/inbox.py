"""Drops: what lies in the inbox and is complete becomes a job, whoever told of it or did not."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog
from sqlalchemy import Connection

from helixnet.crashpoints import reach
from helixnet.errors import HelixNetError, NotFoundError, UnavailableError
from helixnet.events import Event
from helixnet.ledger.arrivals import Accepted, Arrival, accept, new_job
from helixnet.ledger.catalog import match_flow
from helixnet.ledger.contexts import get_context
from helixnet.ledger.tables import INLINE_BYTES
from helixnet.metrics import Metrics
from helixnet.ports import Ledger, ObjectRef, ObjectStore
from helixnet.stages.drops import Doorkeeper, hinted
from helixnet.stages.files import work_key
from helixnet.stages.tracing import begin

TOGETHER: Final = 100
AT_ONCE: Final = 16  # requests to a store at a time
CHEAP_SECONDS: Final = 0.5  # between two listings of a store that costs little
COSTLY_SECONDS: Final = 10.0  # of one that does: notifications tell before
HINTS_SECONDS: Final = 2.0  # until notifications are asked for again
log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Inbox:
    """Lists the inbox again and again: no notification can be lost that way.

    Several processes may do so at once, and be told of the same drop: the ledger makes one job of
    it. A drop of at most 64 KiB in a store whose operations cost is read once, into the ledger.

    Args:
        quiet_seconds: how long a drop must lie unchanged where objects do not appear whole.
        interval: seconds between listings; 0 is what suits the store.
        engine: version of HelixNet.
    """

    ledger: Ledger
    store: ObjectStore
    metrics: Metrics
    quiet_seconds: float
    interval: float
    engine: str
    _doorkeeper: Doorkeeper = field(default_factory=Doorkeeper)
    _first_seen: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def run(self) -> None:
        """Look until cancelled."""
        usual = COSTLY_SECONDS if self.store.traits.costly else CHEAP_SECONDS
        while True:
            try:
                await self.look()
            except UnavailableError as error:
                log.warning("inbox not readable", error=str(error))
            await asyncio.sleep(self.interval or usual)

    async def listen(self, subscribe: Callable[[], AsyncIterator[Sequence[Event]]]) -> None:
        """Take notifications as hints until cancelled: what they leave out, :meth:`look` finds.

        Args:
            subscribe: gives those of ``helix.drops``; duplicates, late and foreign ones do no harm.
        """
        while True:
            try:
                async for batch in subscribe():
                    await self.heed(batch)
            except UnavailableError as error:
                log.warning("notifications unavailable", error=str(error))
                await asyncio.sleep(HINTS_SECONDS)

    async def look(self) -> int:
        """Accept what is complete and was not accepted yet; returns how many drops were ready."""
        seen: dict[tuple[str, str], float] = {}
        ready: list[ObjectRef] = []
        count = 0
        async for ref in self.store.list("inbox/", replaced=True):
            if self._doorkeeper.is_drop(ref.key) and self._lies_still(ref, seen):
                ready.append(ref)
            if len(ready) == TOGETHER:
                count += await self._accept(ready, self.store.traits.door)
                ready = []
        self._first_seen = seen
        return count + await self._accept(ready, self.store.traits.door)

    async def heed(self, events: Sequence[Event]) -> int:
        """Accept those drops that were told of and are there; returns how many were ready."""
        if not self.store.traits.whole:
            return 0  # whether it is complete, only listings can tell
        told = {(ref.key, ref.version): ref for ref in map(hinted, events) if ref is not None}
        names = sorted(told, key=lambda name: name[0])  # versions stay as they were told
        drops = [told[name] for name in names if self._doorkeeper.is_drop(name[0])]
        count = 0
        for start in range(0, len(drops), TOGETHER):
            some = drops[start : start + TOGETHER]
            try:
                found = await asyncio.gather(*map(self._truth, some))
                there = [ref for ref in found if ref is not None]
                count += await self._accept(there, self.store.traits.door)
            except UnavailableError as error:
                log.warning("drops not accepted yet", count=len(some), error=str(error))
        return count

    async def dropped(self, ref: ObjectRef) -> None:
        """Accept a drop that a door knows to be complete; what can't be now is found later."""
        try:
            await self._accept([ref], "sftp")
        except UnavailableError as error:
            log.warning("drop not accepted yet", key=ref.key, error=str(error))

    def _lies_still(self, ref: ObjectRef, seen: dict[tuple[str, str], float]) -> bool:
        """Whether a drop is complete: at once, or when it has not changed for a while."""
        if self.store.traits.whole:
            return True
        name, now = (ref.key, ref.version), time.monotonic()
        seen[name] = self._first_seen.get(name, now)
        return now - seen[name] >= self.quiet_seconds

    async def _truth(self, ref: ObjectRef) -> ObjectRef | None:
        """Return what the store has of a drop that was told of; a small one is read anyway."""
        if self._goes_inline(ref):
            return ref
        try:
            async with self._turns:
                return await self.store.find(ref.key, ref.version)
        except HelixNetError as error:
            log.info("notification not heeded", key=ascii(ref.key), error=str(error))
            return None

    def _goes_inline(self, ref: ObjectRef) -> bool:
        return self.store.traits.costly and ref.size <= INLINE_BYTES

    async def _accept(self, drops: Sequence[ObjectRef], door: str) -> int:
        arrivals = await asyncio.gather(*(self._arrival(drop, door) for drop in drops))
        pairs = [(drop, made) for drop, made in zip(drops, arrivals, strict=True) if made]
        if not pairs:
            return 0
        accepted = await self.ledger.do(
            lambda conn: accept_drops(conn, [arrival for _, arrival in pairs])
        )
        reach("inbox.accepted")
        # What the ledger accepted is safe where it lies: a listing finds it again if this is cut
        # off, and ingest takes what it needs.
        await self._clear([drop for drop, made in pairs if made.content is not None])
        large = zip(pairs, accepted, strict=True)
        await asyncio.gather(
            *(self._take(drop, made, a) for (drop, made), a in large if made.content is None)
        )
        for (_, arrival), answer in zip(pairs, accepted, strict=True):
            self._tell(arrival, answer)
        return len(pairs)

    async def _arrival(self, drop: ObjectRef, door: str) -> Arrival | None:
        """Return what to accept; None when the drop went away or can't be read now."""
        _, tenant, *_, name = drop.key.split("/")
        arrival = Arrival(
            tenant=tenant,
            name=name,
            size=drop.size,
            job=new_job(),
            source=door,
            origin_key=drop.key,
            origin_version=drop.version,
            engine=self.engine,
            traceparent=begin("drop"),
        )
        if not self._goes_inline(drop):
            return replace(arrival, key=work_key(tenant, arrival.job, name))
        try:
            async with self._turns:
                content = b"".join([block async for block in self.store.read(drop)])
        except NotFoundError:
            return None  # another process was faster
        except HelixNetError as error:
            log.warning("drop not read yet", key=ascii(drop.key), error=str(error))
            return None
        digest = hashlib.sha256(content).hexdigest()
        return replace(arrival, content=content, sha256=digest)

    async def _clear(self, drops: Sequence[ObjectRef]) -> None:
        """Remove from the inbox what the ledger holds; what stays is found and cleared later."""
        if not drops:
            return
        try:
            await self.store.remove(drops)
        except UnavailableError as error:
            log.warning("drops not cleared yet", count=len(drops), error=str(error))

    async def _take(self, drop: ObjectRef, arrival: Arrival, answer: Accepted) -> None:
        key = work_key(arrival.tenant, answer.job, arrival.name)
        try:
            async with self._turns:
                if not (await self.store.take(drop, key) or await self.store.find(key)):
                    log.warning("drop gone before it was taken", job=answer.job, key=drop.key)
        except HelixNetError as error:
            log.warning("drop not taken", job=answer.job, key=drop.key, error=str(error))

    def _tell(self, arrival: Arrival, answer: Accepted) -> None:
        if answer.created:
            self.metrics.count("helixnet_jobs_accepted_total", door=arrival.source)
            log.info("drop accepted", job=answer.job, tenant=arrival.tenant, name=arrival.name)


def accept_drops(conn: Connection, arrivals: Sequence[Arrival]) -> list[Accepted]:
    """Find the flow of each drop and make its job; one without a flow is made to be seen."""
    return accept(conn, [_with_flow(conn, arrival) for arrival in arrivals])


def _with_flow(conn: Connection, arrival: Arrival) -> Arrival:
    path = arrival.origin_key.removeprefix(f"inbox/{arrival.tenant}/")
    flow = match_flow(conn, tenant=arrival.tenant, path=path)
    if flow is None:
        return arrival
    known = replace(arrival, flow=flow.name, inputs=flow.inputs, context_name=flow.context)
    try:
        context = get_context(conn, tenant=flow.tenant, name=flow.context, version=flow.version)
    except NotFoundError:
        return known
    return replace(known, context_hash=context.hash, context_version=context.version)
