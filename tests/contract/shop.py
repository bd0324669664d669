"""All stages on real adapters, stepped by hand: what a server does, one claim at a time."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helixnet.adapters.bus_local import LocalBus
from helixnet.adapters.store_folder import FolderStore
from helixnet.adapters.store_s3 import S3Store
from helixnet.adapters.workers import ProcessWorkers
from helixnet.engine.context.bundle import Bundle, bundle_from_files
from helixnet.ledger.arrivals import Arrival, accept, new_job
from helixnet.ledger.contexts import StoredBundle, keep_bundle
from helixnet.ledger.outbox import read_topic
from helixnet.ledger.queries import JobDetail, job_detail
from helixnet.ledger.reaper import reap
from helixnet.metrics import Metrics
from helixnet.ports import Bus, Ledger
from helixnet.stages.bundles import Bundles
from helixnet.stages.deliver import Deliver
from helixnet.stages.inbox import Inbox
from helixnet.stages.ingest import Ingest
from helixnet.stages.mapper import Mapper
from helixnet.stages.sink import Sink

CONTEXT = """
helixnet: 1
name: numbers
version: 1.0.0
target:
  type: object
  required: [id]
  properties: {id: {type: string}, qty: {type: number}}
source:
  format: csv
  fields: {ID: {type: string}, QTY: {type: decimal, digits: 15, scale: 3}}
map: {id: ID, qty: QTY}
on_error: {scope: record}
deliver: [{topic: numbers.good, key: out.id}]
"""
HEADER = b"ID,QTY\n"


def rows(count: int, *, bad: Sequence[int] = ()) -> bytes:
    """A file of ``count`` records; those numbered in ``bad`` have no number in QTY."""
    lines = (f"id-{n},{'x' if n in bad else n}\n" for n in range(count))
    return HEADER + "".join(lines).encode()


def bundle(context: str = CONTEXT) -> Bundle:
    return bundle_from_files("context.yaml", {"context.yaml": context.encode()})


@dataclass
class Shop:
    """A server's parts without its loops."""

    folder: Path
    ledger: Ledger
    store: FolderStore | S3Store
    workers: ProcessWorkers
    part_size: int = 16 << 20
    most_unpacked: int = 16 << 30
    lease_seconds: float = 10.0
    max_attempts: int = 3
    bus: Bus | None = None

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        shared: dict[str, Any] = {
            "ledger": self.ledger,
            "store": self.store,
            "metrics": self.metrics,
            "bundles": Bundles(ledger=self.ledger, store=self.store),
            "worker": "shop",
            "lease_seconds": self.lease_seconds,
            "max_attempts": self.max_attempts,
            "workers": self.workers,
        }
        scratch = self.store.scratch
        self.ingest = Ingest(
            **shared,
            part_size=self.part_size,
            engine="test",
            scratch=scratch,
            most_unpacked=self.most_unpacked,
        )
        self.mapper = Mapper(**shared, scratch=scratch)
        self.sink = Sink(**shared)
        self.deliver = Deliver(**shared, bus=self.bus or LocalBus(self.ledger, poll_seconds=1))
        self.inbox = Inbox(
            ledger=self.ledger,
            store=self.store,
            metrics=self.metrics,
            quiet_seconds=0,
            interval=1,
            engine="test",
        )

    async def arrive(self, content: bytes, made: Bundle | None = None, **more: Any) -> str:
        """Accept a file with a context, as an upload does; returns the job."""
        made = made or bundle()
        kept = StoredBundle(
            tenant="acme", hash=made.hash, entry=made.entry, content=made.to_zip(), size=1
        )
        given: dict[str, Any] = {
            "tenant": "acme",
            "name": "numbers.csv",
            "job": new_job(),
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "context_hash": made.hash,
        } | more
        if len(content) <= 64 * 1024 or "key" in given:
            given.setdefault("content", None if "key" in given else content)
        else:
            ref = await self.store.put_bytes(f"work/acme/{given['job']}/numbers.csv", content)
            given |= {"key": ref.key, "version": ref.version}

        def unit(conn: Any) -> str:
            keep_bundle(conn, kept)
            (accepted,) = accept(conn, [Arrival(**given)])
            return accepted.job

        return await self.ledger.do(unit)

    async def step(self, stage: Any, room: int = 2) -> int:
        """Claim once and handle what came; returns how many items that was."""
        batches = (await stage.claim(room)).batches
        for batch in batches:
            await stage.handle(batch)
        return sum(map(len, batches))

    async def drain(self) -> None:
        """Step every stage until nothing waits."""
        stages = (self.ingest, self.mapper, self.sink, self.deliver)
        while sum([await self.step(stage) for stage in stages]):
            pass

    async def reap(self) -> int:
        return await self.ledger.do(lambda conn: reap(conn, max_attempts=self.max_attempts))

    async def job(self, job: str) -> JobDetail:
        return await self.ledger.read(lambda conn: job_detail(conn, tenant="acme", job=job))

    async def told(self, topic: str) -> list[Mapping[str, Any]]:
        """Read the data of every event on a topic."""
        found = await self.ledger.read(lambda conn: read_topic(conn, topic, 0, 10_000))
        return [stored.event.data | {"key": stored.event.key} for stored in found]

    def results(self, job: str, run: int = 1) -> dict[str, bytes]:
        """Read what stands in the results folder of a run."""
        folder = self.folder / "results" / "acme" / job / str(run)
        return {path.name: path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()}
