"""Drops: what lies in the inbox and is complete becomes a job, whoever told of it or did not."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final

import structlog
from sqlalchemy import Connection

from helixnet.crashpoints import reach
from helixnet.errors import HelixNetError, NotFoundError, UnavailableError
from helixnet.ledger.arrivals import Accepted, Arrival, accept, new_job
from helixnet.ledger.catalog import match_flow
from helixnet.ledger.contexts import get_context
from helixnet.metrics import Metrics
from helixnet.ports import Ledger, ObjectRef, ObjectStore
from helixnet.stages.files import settle, work_key
from helixnet.stages.tracing import begin

UNFINISHED: Final = ("*.tmp", "*.part", "*.filepart", ".*")
TOGETHER: Final = 100
log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Inbox:
    """Lists the inbox again and again: no notification can be lost that way.

    Args:
        quiet_seconds: how long a drop must lie unchanged; 0 where objects appear whole.
        interval: seconds between listings.
        engine: version of HelixNet.
    """

    ledger: Ledger
    store: ObjectStore
    metrics: Metrics
    quiet_seconds: float
    interval: float
    engine: str
    _first_seen: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    _strays: set[str] = field(default_factory=set[str])

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except UnavailableError as error:
                log.warning("inbox not readable", error=str(error))
            await asyncio.sleep(self.interval)

    async def look(self) -> int:
        """Accept what is complete and was not accepted yet; returns how many drops were taken."""
        seen: dict[tuple[str, str], float] = {}
        ready: list[ObjectRef] = []
        now = time.monotonic()
        async for ref in self.store.list("inbox/"):
            if not self._is_drop(ref.key):
                continue
            name = (ref.key, ref.version)
            seen[name] = self._first_seen.get(name, now)
            if now - seen[name] >= self.quiet_seconds:
                ready.append(ref)
        self._first_seen = seen
        for start in range(0, len(ready), TOGETHER):
            await self._accept(ready[start : start + TOGETHER], "folder")
        return len(ready)

    async def dropped(self, ref: ObjectRef) -> None:
        """Accept a drop that a door knows to be complete; what can't be now is found later."""
        try:
            await self._accept([ref], "sftp")
        except UnavailableError as error:
            log.warning("drop not accepted yet", key=ref.key, error=str(error))

    def _is_drop(self, key: str) -> bool:
        parts = key.split("/")
        if any(fnmatchcase(part, name) for part in parts for name in UNFINISHED):
            return False
        fault = ""
        if len(parts) < len(("inbox", "tenant", "file")):
            fault = "outside of a tenant's folder"
        elif not _is_text(key):
            fault = "its name is not UTF-8"
        if fault and key not in self._strays:
            self._strays.add(key)
            log.warning("drop left alone", key=ascii(key), reason=fault)
        return not fault

    async def _accept(self, drops: list[ObjectRef], door: str) -> None:
        arrivals = [self._arrival(drop, door) for drop in drops]
        accepted = await self.ledger.do(lambda conn: accept_drops(conn, arrivals))
        reach("inbox.accepted")
        # What the ledger accepted is safe where it lies; ingest takes it too, if this is cut off.
        moves = [
            self._take(drop, arrival, answer)
            for drop, arrival, answer in zip(drops, arrivals, accepted, strict=True)
        ]
        await asyncio.gather(*moves)

    def _arrival(self, drop: ObjectRef, door: str) -> Arrival:
        _, tenant, *_, name = drop.key.split("/")
        job = new_job()
        return Arrival(
            tenant=tenant,
            name=name,
            size=drop.size,
            key=work_key(tenant, job, name),
            job=job,
            source=door,
            origin_key=drop.key,
            origin_version=drop.version,
            engine=self.engine,
            traceparent=begin("drop"),
        )

    async def _take(self, drop: ObjectRef, arrival: Arrival, answer: Accepted) -> None:
        key = work_key(arrival.tenant, answer.job, arrival.name)
        try:
            await settle(self.store, drop, key)
        except HelixNetError as error:
            log.warning("drop not taken", job=answer.job, key=drop.key, error=str(error))
        if answer.created:
            self.metrics.count("helixnet_jobs_accepted_total", door=arrival.source)
            log.info("drop accepted", job=answer.job, tenant=arrival.tenant, name=arrival.name)


def _is_text(name: str) -> bool:
    """Whether a name can be written down; the file system takes any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def accept_drops(conn: Connection, arrivals: list[Arrival]) -> list[Accepted]:
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
