"""Sink: a run whose last part has ended gets its verdict, its manifest and its deliveries."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from helixnet.crashpoints import reach
from helixnet.engine.output import json_text
from helixnet.events import out_topic
from helixnet.jobs import RunState
from helixnet.ledger.finish import (
    Finish,
    Finishable,
    NewDelivery,
    PartOutput,
    fail_finish,
    finish_runs,
    finishable,
    outputs,
    release_finish,
    renew_finish,
    single_outputs,
    verdict,
)
from helixnet.ledger.leases import Failure, Lease
from helixnet.ledger.parts import Output
from helixnet.metrics import Metrics
from helixnet.ports import Ended, Ledger, ObjectStore, Workers
from helixnet.stages.bundles import Bundles
from helixnet.stages.copies import Apart, Copies, Json, Together
from helixnet.stages.outputs import results_of
from helixnet.stages.policy import EndedError, failure_of
from helixnet.stages.service import Dealt
from helixnet.stages.tracing import spans
from helixnet.stages.work import Declared, Recipe, declared

TOGETHER: Final = 16
PAGE: Final = 100
MOST_DECLARED: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """See :class:`helixnet.stages.service.Stage`.

    Args:
        workers: that know what a context declares.
        worker: name of this process in the ledger.
    """

    ledger: Ledger
    store: ObjectStore
    workers: Workers
    bundles: Bundles
    metrics: Metrics
    worker: str
    lease_seconds: float
    max_attempts: int
    declared: dict[str, Declared] = field(default_factory=dict[str, Declared])

    @property
    def slots(self) -> int:
        """Some at a time: they wait for disk and ledger, not for processors."""
        return 4

    async def claim(self, room: int) -> Dealt[Finishable]:
        """Claim settled runs and deal them."""
        claimed = await self.ledger.do(
            lambda conn: finishable(
                conn,
                worker=self.worker,
                limit=room * TOGETHER,
                lease_seconds=self.lease_seconds,
            )
        )
        return Dealt(_hands(claimed, room), more=len(claimed) == room * TOGETHER)

    def renew(self, conn: Connection, held: Sequence[Lease], seconds: float) -> set[int]:
        """See :class:`helixnet.stages.service.Stage`."""
        return renew_finish(conn, held, seconds)

    def release(self, conn: Connection, held: Sequence[Lease]) -> int:
        """See :class:`helixnet.stages.service.Stage`."""
        return release_finish(conn, held)

    async def handle(self, batch: Sequence[Finishable]) -> None:
        """Write the results of ``batch`` and end its runs."""
        with spans("finish", batch):
            single = await self.ledger.read(lambda conn: single_outputs(conn, batch))
            ends = await asyncio.gather(*(self._end(run, single.get(run.id)) for run in batch))
            finishes = [end for end in ends if isinstance(end, Finish)]
            failures = [end for end in ends if isinstance(end, Failure)]
            reach("sink.copied")
            await self.ledger.do(lambda conn: self._commit(conn, finishes, failures))
            reach("sink.committed")
        for run, finish in zip(batch, ends, strict=True):
            if isinstance(finish, Failure):
                continue
            self.metrics.count("helixnet_runs_finished_total", state=finish.state)
            took = max(0.0, time.time() - run.created / 1_000_000)
            self.metrics.observe("helixnet_run_seconds", took)
            for outcome in ("used", "rejected", "skipped"):
                amount = getattr(run.counts, outcome)
                self.metrics.count("helixnet_records_total", amount, outcome=outcome)

    async def _end(self, run: Finishable, single: Sequence[PartOutput] | None) -> Finish | Failure:
        try:
            return await self._finish(run, single)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this run's
            return failure_of(error, run.lease, run.attempts)

    async def _finish(self, run: Finishable, single: Sequence[PartOutput] | None) -> Finish:
        state, error = verdict(run, single or ())
        good = state is not RunState.FAILED
        stem = results_of(run.tenant, run.job, run.run)
        copies = (Together if self.store.traits.costly else Apart)(self.store, stem)
        known = await self._declared(run) if good else Declared((), ())
        listing: list[Json] = []
        counts = [0] * len(known.outputs)
        async for part in self._parts(run, single):
            listing.append(await _entry(run, part, copies, known.outputs, with_documents=good))
            counts = [sum(both) for both in zip(counts, _documents(part), strict=False)]
        manifest = _manifest(run, state, listing)
        if known.outputs:
            pairs = zip(known.outputs, counts, strict=True)
            manifest["outputs"] = [{"name": name, "documents": number} for name, number in pairs]
        written = await copies.close(json_text(manifest).encode())
        deliveries = [
            NewDelivery(number, out_topic(run.tenant, topic), run.deliver, output)
            for number, (topic, output) in enumerate(known.deliver if run.deliver != "none" else ())
        ]
        return Finish(
            id=run.id,
            epoch=run.epoch,
            state=state,
            manifest=manifest,
            error=error,
            deliveries=deliveries,
            result_keys=written,
        )

    async def _parts(
        self, run: Finishable, single: Sequence[PartOutput] | None
    ) -> AsyncIterator[PartOutput]:
        """Yield what the parts of a run wrote, in order, a page at a time if it is not known."""
        for part in single or ():
            yield part
        after = -1
        while single is None:
            page = await self.ledger.read(
                lambda conn, start=after: outputs(conn, run.id, after=start, limit=PAGE)
            )
            for part in page:
                yield part
            if len(page) < PAGE:
                return
            after = page[-1].number

    async def _declared(self, run: Finishable) -> Declared:
        """Return what a bundle declares, worked out once a bundle."""
        if run.context_hash in self.declared:
            return self.declared[run.context_hash]
        bundle = await self.bundles.get(run.tenant, run.context_hash)
        recipe = Recipe(bundle, run.context_hash, run.inputs)
        (found,) = await self.workers.run(declared, [recipe])
        if isinstance(found, Ended):
            raise EndedError(found)
        if len(self.declared) >= MOST_DECLARED:
            self.declared.clear()
        self.declared[run.context_hash] = found
        return found

    def _commit(
        self, conn: Connection, finishes: Sequence[Finish], failures: Sequence[Failure]
    ) -> None:
        finish_runs(conn, finishes)
        fail_finish(conn, failures, max_attempts=self.max_attempts)


def _hands(claimed: Sequence[Finishable], room: int) -> list[list[Finishable]]:
    """Deal runs to at most ``room`` hands: those of one part together, they take no time."""
    single = [run for run in claimed if run.parts_total == 1]
    large = [run for run in claimed if run.parts_total != 1]
    hands = [single] if single else []
    left = room - len(hands)
    if left == 0:
        return [single + large]
    return hands + [hand for n in range(left) if (hand := large[n::left])]


async def _entry(
    run: Finishable,
    part: PartOutput,
    copies: Copies,
    names: Sequence[str],
    *,
    with_documents: bool,
) -> Json:
    suffix = f"{part.number:05}-e{part.epoch}.ndjson"
    entry: Json = {"number": part.number, "counts": asdict(part.counts)}
    if with_documents and names:
        entry["outputs"] = await _slices(run, part, copies, names)
    elif with_documents:
        name = "result.ndjson" if run.parts_total == 1 else f"part-{suffix}"
        place = await _place(part.documents, name, copies)
        entry["documents"] = place | {"sha256": part.documents_sha256}
    if part.rejects.size:
        entry["rejects"] = await _place(part.rejects, f"rejects-{suffix}", copies)
    return entry


async def _slices(
    run: Finishable, part: PartOutput, copies: Copies, names: Sequence[str]
) -> dict[str, Json]:
    """Say where the documents of each output are; small ones get a file each."""
    found: dict[str, Json] = {}
    made = part.documents
    for name, own in zip(names, part.slices, strict=True):
        if made.inline is None:
            place: Json = {"key": made.key, "size": own.size, "range": [own.start, own.end]}
        else:
            suffix = "" if run.parts_total == 1 else f"-{part.number:05}-e{part.epoch}"
            content = made.inline[own.start : own.end]
            place = await copies.add(f"{name}{suffix}.ndjson", content)
        found[name] = {"documents": own.documents} | place | {"sha256": own.sha256}
    return found


def _documents(part: PartOutput) -> list[int]:
    return [own.documents for own in part.slices]


async def _place(made: Output, name: str, copies: Copies) -> Json:
    """Say where the store has an output, once it has."""
    if made.inline is None:
        return {"key": made.key, "size": made.size}
    return await copies.add(name, made.inline)


def _manifest(run: Finishable, state: RunState, parts: list[Json]) -> Json:
    """Say what the result is made of and what determined it; times are in the ledger."""
    return {
        "job": run.job,
        "run": run.run,
        "tenant": run.tenant,
        "flow": run.flow,
        "state": state.value,
        "engine": run.engine,
        "context": {
            "name": run.context_name,
            "version": run.context_version,
            "hash": run.context_hash,
        },
        "inputs": run.inputs,
        "source": {"name": run.name, **_source(run.index)},
        "counts": asdict(run.counts),
        "complete": not run.incomplete,
        "parts": parts,
    }


def _source(index: Mapping[str, Any]) -> Json:
    """Say which file it was, by size and hash as it came."""
    found = {key: index[key] for key in ("size", "sha256", "encoding", "drift")}
    if index.get("packed"):
        found |= {"size": index["packed_size"], "packed": index["packed"]}
        found["unpacked_size"] = index["size"]
    return found
