"""What the consumers do to the ledger, so that a gateway has something to show."""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from helixnet.engine.outcome import Counts
from helixnet.engine.source import Part, SourceIndex
from helixnet.jobs import RunState
from helixnet.ledger import finish, parts, runs
from helixnet.ledger.leases import Failure
from helixnet.ledger.parts import Made, Output, PartDone
from helixnet.ports import Ledger

REJECT: dict[str, Any] = {
    "file": "orders.csv",
    "record": 2,
    "line": 3,
    "raw": "x\n",
    "errors": [{"code": "HX-1102", "message": "not a number", "source": {"line": 3}}],
}


async def work(
    ledger: Ledger,
    documents: Sequence[bytes] = (b'{"orderId":"1"}\n',),
    *,
    rejects: bytes = b"",
    samples: Sequence[dict[str, Any]] = (),
    error: dict[str, object] | None = None,
    outputs: Sequence[Output] | None = None,
) -> None:
    """Take every waiting run through split, map and finish, one part for each output."""
    made = outputs or [Output(text, size=len(text)) for text in documents]

    def unit(conn: Connection) -> None:
        for run in runs.claim_runs(conn, worker="w", limit=10, lease_seconds=60):
            start(conn, run, len(made))
        for part in parts.claim_parts(conn, worker="w", limit=100, lease_seconds=60):
            end_part(conn, part, made[part.part.number], rejects, samples)
        for run in finish.finishable(conn, worker="w", limit=10, lease_seconds=60):
            state = RunState.PARTIAL if samples else RunState.COMPLETED
            end = finish.Finish(
                id=run.id,
                epoch=run.epoch,
                state=RunState.FAILED if error else state,
                manifest={},
                error=error,
            )
            finish.finish_runs(conn, [end])

    await ledger.do(unit)


async def fail_part(ledger: Ledger, error: dict[str, object]) -> None:
    """Split the waiting run, and let its part fail once."""

    def unit(conn: Connection) -> None:
        for run in runs.claim_runs(conn, worker="w", limit=1, lease_seconds=60):
            start(conn, run, 1)
        for part in parts.claim_parts(conn, worker="w", limit=1, lease_seconds=60):
            failure = Failure(part.id, part.epoch, error, retry_seconds=60)
            assert parts.fail_parts(conn, [failure]) == 1

    await ledger.do(unit)


def start(conn: Connection, run: runs.ClaimedRun, count: int) -> None:
    split = [Part(number, 0, run.size, 1, 1, 1) for number in range(count)]
    sha256 = hashlib.sha256(run.content or b"").hexdigest()
    index = SourceIndex(run.size, sha256, "utf-8", ",", "\n", ["NO"], 3, [], split)
    begin = runs.Start(id=run.id, epoch=run.epoch, index=index, context_name="plain-orders")
    assert runs.start_runs(conn, [begin]) == 1


def end_part(
    conn: Connection,
    part: parts.ClaimedPart,
    output: Output,
    rejects: bytes,
    samples: Sequence[dict[str, Any]],
) -> None:
    last = part.part.number == part.parts_total - 1
    bad = len(samples) if last else 0
    good = 1 if output.size else 0
    made = Made(
        counts=Counts(good + bad, good, bad, 0, good + bad, good, bad),
        documents=output,
        rejects=Output(rejects if last else b"", size=len(rejects) if last else 0),
        samples=samples if last else (),
    )
    done = PartDone(id=part.id, epoch=part.epoch, made=made)
    assert parts.finish_parts(conn, [done]) == 1
