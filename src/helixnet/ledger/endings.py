"""How runs end other than by their finish: failed, given up, cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, select, text, update

from helixnet.events import Topic
from helixnet.jobs import PartState, RunState, sources_of
from helixnet.ledger import leases
from helixnet.ledger.dialect import clock
from helixnet.ledger.drifts import Drifted, drifted_of, tell_drift
from helixnet.ledger.leases import Failure, Queue
from helixnet.ledger.moves import PART_ENDED, Move, lock_jobs, move_jobs, raise_seq, told
from helixnet.ledger.outbox import emit
from helixnet.ledger.tables import PART_OPEN, parts, runs

_END = (
    update(runs)
    .where(runs.c.id == bindparam("row"), runs.c.state.in_(bindparam("sources", expanding=True)))
    .values(
        state=bindparam("target"),
        epoch=runs.c.epoch + 1,
        lease_until=0,
        retry_at=0,
        worker="",
        finished=clock(),
        error=bindparam("why", type_=runs.c.error.type),
    )
    .returning(runs.c.id, runs.c.job, runs.c.run, runs.c.tenant, runs.c.traceparent)
)
_FAIL = _END.where(
    runs.c.epoch == bindparam("fence"),
    runs.c.lease_until > 0,
    runs.c.attempts >= bindparam("limit"),
)
_OPEN = (
    select(parts.c.id)
    .where(parts.c.run_id == bindparam("of_run"), text(PART_OPEN))
    .order_by(parts.c.id)
    .with_for_update()
)
_CLOSE_PARTS = (
    update(parts)
    .where(parts.c.id.in_(_OPEN), text(PART_OPEN))
    .values(
        state="DEAD",
        epoch=parts.c.epoch + 1,
        lease_until=0,
        retry_at=0,
        worker="",
        finished=clock(),
        error=bindparam("why", type_=parts.c.error.type),
    )
)


def end_run(conn: Connection, run_id: int, move: Move, why: Mapping[str, object]) -> bool:
    """Move a run row to a final state from any state that may go there, and fence its workers."""
    given = {
        "row": run_id,
        "sources": sources_of(move.state),
        "target": move.state,
        "why": why,
    }
    return conn.execute(_END, given).first() is not None


def end_failed(conn: Connection, failures: Sequence[Failure], limit: int = 0) -> int:
    """End claimed runs FAILED that had at least ``limit`` attempts; returns how many were held."""
    moves: list[Move] = []
    drifted: list[Drifted] = []
    lock_jobs(conn, {runs: [failure.id for failure in failures]})
    for failure in leases.in_order(failures):
        given = {
            "row": failure.id,
            "fence": failure.epoch,
            "limit": limit,
            "sources": sources_of(RunState.FAILED),
            "target": RunState.FAILED,
            "why": failure.error,
        }
        ended = conn.execute(_FAIL, given).first()
        if ended is not None:
            data = {"error": short(failure.error)}
            state = RunState.FAILED
            move = Move(ended.job, ended.run, ended.tenant, state, data, ended.traceparent)
            moves.append(move)
            if "drift" in failure.error:
                drifted.append(drifted_of(move, failure.error))
    if moves:
        move_jobs(conn, moves)
        tell_drift(conn, drifted)
    return len(moves)


def short(error: Mapping[str, object]) -> dict[str, object]:
    """Return what of an error may travel in an event: no traceback, no long text."""
    return {name: str(error[name])[:500] for name in ("code", "message", "hint") if name in error}


def close_parts(conn: Connection, run_id: int, move: Move, why: Mapping[str, object]) -> int:
    """End every open part of a run and fence its workers; returns how many were open.

    One event tells of all of them: there may be a hundred thousand.
    """
    closed = conn.execute(_CLOSE_PARTS, {"of_run": run_id, "why": why}).rowcount
    if closed:
        seq = raise_seq(conn, [move.job])[move.job]
        dead = {"closed": closed, "state": PartState.DEAD}
        emit(conn, [told(PART_ENDED, Topic.MAPPED, replace(move, data={}), seq, **dead)])
    return closed


def retry_or_end(
    conn: Connection, queue: Queue, failures: Sequence[Failure], max_attempts: int
) -> int:
    """Let claimed runs wait again, or end them FAILED; returns how many were still held."""
    held = 0
    lock_jobs(conn, {runs: [failure.id for failure in failures if failure.counted]})
    for failure in leases.in_order(failures):
        last = Failure(failure.id, failure.epoch, {"code": "HX-7001", **failure.error})
        ended = failure.counted and end_failed(conn, [last], max_attempts)
        held += 1 if ended else leases.retry_later(conn, queue, failure)
    return held
