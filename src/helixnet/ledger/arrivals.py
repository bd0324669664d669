"""A file becomes a job, once: by the drop's identity and by the client's Idempotency-Key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, bindparam, insert, select, update

from helixnet.errors import ConflictError, UsageError
from helixnet.events import Event, Topic
from helixnet.jobs import RunState
from helixnet.ledger.dialect import clock, insert_ignore
from helixnet.ledger.inputs import given, inputs_of_tenants
from helixnet.ledger.moves import JOB_CHANGED, Move, told
from helixnet.ledger.outbox import emit
from helixnet.ledger.tables import INLINE_BYTES, idempotency, jobs, runs


def new_job() -> str:
    """Return an unguessable id for a job, so that its file can be stored under it first."""
    return uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One file to accept.

    Args:
        tenant: whose.
        name: file name, for people.
        size: bytes.
        sha256: hexadecimal; empty when not known yet.
        content: the file itself when it is at most 64 KiB; else None and ``key``.
        key: where the store has it.
        version: of the stored object.
        job: the id that the caller already used in ``key``.
        flow: that takes it; empty without.
        context_hash: of the bundle that maps it; empty when none was found (refuse it then).
        inputs: values for the context's ``inputs``, of flow and job.
        tenant_inputs: those of the tenant; None takes what it has now.
        source: ``upload``, ``folder``, ``bucket``, ``sftp``, ``rerun`` or ``child``.
        origin_key: the drop's key as it arrived; with ``origin_version`` its identity.
        idempotency_key: as the client sent it; with ``fingerprint`` of the request.
        parent: job whose corrected rejects these are; with ``parent_run``.
        corrects: how many records of the parent they are.
        engine: version of HelixNet.
    """

    tenant: str
    name: str
    size: int
    sha256: str = ""
    content: bytes | None = None
    key: str = ""
    version: str = ""
    job: str = field(default_factory=new_job)
    flow: str = ""
    context_hash: str = ""
    context_name: str = ""
    context_version: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict[str, object])
    tenant_inputs: Mapping[str, object] | None = None
    source: str = "upload"
    origin_key: str = ""
    origin_version: str = ""
    idempotency_key: str = ""
    fingerprint: str = ""
    submitted_by: str = ""
    parent: str = ""
    parent_run: int = 0
    corrects: int = 0
    deliver: str = "all"
    engine: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an arrival.

    Args:
        created: False when this file or request had been accepted before; ``job`` is that job.
    """

    job: str
    run: int
    state: RunState
    created: bool


_KEYED = select(idempotency.c.fingerprint, idempotency.c.job).where(
    idempotency.c.tenant == bindparam("tenant"), idempotency.c.key == bindparam("key")
)
_SAME_DROP = select(jobs.c.id).where(
    jobs.c.tenant == bindparam("tenant"),
    jobs.c.origin_key == bindparam("key"),
    jobs.c.origin_version == bindparam("version"),
)
_REKEY = (
    update(idempotency)
    .where(idempotency.c.tenant == bindparam("of_tenant"), idempotency.c.key == bindparam("of_key"))
    .values(job=bindparam("to_job"))
)
_STANDS = select(jobs.c.id, jobs.c.run, jobs.c.state).where(
    jobs.c.id.in_(bindparam("ids", expanding=True))
)
_NEW_RUNS = insert(runs).values(created=clock())


def accept(conn: Connection, arrivals: Sequence[Arrival]) -> list[Accepted]:
    """Make one job with a waiting first run of each new arrival; repeats name their first job.

    Raises:
        ConflictError: an Idempotency-Key came before with another request.
        UsageError: a file is given neither inline nor by key, or inline and over 64 KiB.
    """
    asked = _requests(conn, arrivals)
    fresh = [a for a, job in zip(arrivals, asked, strict=True) if job == a.job]
    made = _insert(conn, fresh)
    final: list[str] = []
    for arrival, job in zip(arrivals, asked, strict=True):
        known = job if job != arrival.job or job in made else _same_drop(conn, arrival)
        final.append(known)
    stands = dict.fromkeys(made, (1, RunState.PENDING))
    if repeats := sorted(set(final) - made):
        found = conn.execute(_STANDS, {"ids": repeats})
        stands |= {row.id: (row.run, RunState(row.state)) for row in found}
    told_of = set[str]()
    answers: list[Accepted] = []
    for arrival, job in zip(arrivals, final, strict=True):
        new = job == arrival.job and job in made and job not in told_of
        told_of.add(job)
        answers.append(Accepted(job, *stands[job], new))
    return answers


def repeated(conn: Connection, *, tenant: str, key: str, fingerprint: str) -> Accepted | None:
    """Return the job that an equal request made before; None when this is the first.

    Raises:
        ConflictError: the key came before with another request.
    """
    known = conn.execute(_KEYED, {"tenant": tenant, "key": key}).first()
    if known is None:
        return None
    if known.fingerprint != fingerprint:
        raise _other_request(key)
    (row,) = conn.execute(_STANDS, {"ids": [known.job]}).all()
    return Accepted(row.id, row.run, RunState(row.state), created=False)


def _other_request(key: str) -> ConflictError:
    return ConflictError(
        f"Idempotency-Key {key} was used for another request",
        code="HX-7006",
        hint="send a new key with a new request",
    )


def _requests(conn: Connection, arrivals: Sequence[Arrival]) -> list[str]:
    """Ask for each in the order of its key, so that two who ask for the same never deadlock."""
    order = sorted(range(len(arrivals)), key=lambda n: arrivals[n].idempotency_key)
    jobs_of = {n: _request(conn, arrivals[n]) for n in order}
    return [jobs_of[n] for n in range(len(arrivals))]


def _request(conn: Connection, arrival: Arrival) -> str:
    """Return the job that this request stands for: its own, or that of an earlier equal one."""
    if arrival.content is None and not arrival.key:
        raise UsageError(f"{arrival.name}: an arrival needs its content or its key")
    if arrival.content is not None and len(arrival.content) > INLINE_BYTES:
        raise UsageError(f"{arrival.name}: over {INLINE_BYTES} bytes a file goes to the store")
    if not arrival.idempotency_key:
        return arrival.job
    row = {"tenant": arrival.tenant, "key": arrival.idempotency_key}
    first = insert_ignore(conn, idempotency, "created", returning="job")
    mine = {"fingerprint": arrival.fingerprint, "job": arrival.job}
    if conn.execute(first, {**row, **mine}).first():
        return arrival.job
    known = conn.execute(_KEYED, row).one()
    if known.fingerprint != arrival.fingerprint:
        raise _other_request(arrival.idempotency_key)
    return str(known.job)


def _insert(conn: Connection, arrivals: Sequence[Arrival]) -> set[str]:
    if not arrivals:
        return set()
    statement = insert_ignore(conn, jobs, "created", "changed", returning="id")
    # Versions of one drop stay in the order in which they came: they are jobs in that order.
    ordered = sorted(arrivals, key=lambda a: (a.tenant, a.origin_key))
    rows = [_job_row(arrival) for arrival in ordered]
    made = {str(job) for job in conn.execute(statement, rows).scalars()}
    new = [arrival for arrival in arrivals if arrival.job in made]
    if new:
        values = inputs_of_tenants(conn, {a.tenant for a in new if a.tenant_inputs is None})
        conn.execute(_NEW_RUNS, [_run_row(a, values.get(a.tenant, {})) for a in new])
        emit(conn, [_told(arrival) for arrival in new])
    return made


def _same_drop(conn: Connection, arrival: Arrival) -> str:
    """Return the job of this drop; without a drop's identity it is this very arrival again."""
    if not arrival.origin_key:
        return arrival.job
    given = {
        "tenant": arrival.tenant,
        "key": arrival.origin_key,
        "version": arrival.origin_version,
    }
    job = str(conn.execute(_SAME_DROP, given).scalar_one())
    if arrival.idempotency_key:
        keyed = {"of_tenant": arrival.tenant, "of_key": arrival.idempotency_key, "to_job": job}
        conn.execute(_REKEY, keyed)
    return job


def _told(arrival: Arrival) -> Event:
    what = {"name": arrival.name, "flow": arrival.flow, "size": arrival.size}
    state = RunState.PENDING
    move = Move(arrival.job, 1, arrival.tenant, state, what, arrival.traceparent)
    return told(JOB_CHANGED, Topic.JOBS, move, 1, state=state)


def _job_row(arrival: Arrival) -> dict[str, Any]:
    return {
        "id": arrival.job,
        "tenant": arrival.tenant,
        "flow": arrival.flow,
        "name": arrival.name,
        "source": arrival.source,
        "submitted_by": arrival.submitted_by,
        "context": arrival.context_name,
        "key": arrival.key,
        "version": arrival.version,
        "sha256": arrival.sha256,
        "origin_key": arrival.origin_key,
        "origin_version": arrival.origin_version,
        "parent": arrival.parent,
        "parent_run": arrival.parent_run,
        "corrects": arrival.corrects,
        "size": arrival.size,
        "seq": 1,
        "run": 1,
        "state": RunState.PENDING,
        "traceparent": arrival.traceparent,
        "content": arrival.content,
    }


def _run_row(arrival: Arrival, values: Mapping[str, object]) -> dict[str, Any]:
    of_tenant = values if arrival.tenant_inputs is None else arrival.tenant_inputs
    return {
        "job": arrival.job,
        "run": 1,
        "tenant": arrival.tenant,
        "state": RunState.PENDING,
        "context_hash": arrival.context_hash,
        "context_name": arrival.context_name,
        "context_version": arrival.context_version,
        "inputs": dict(arrival.inputs),
        "given": given(arrival.inputs, of_tenant),
        "trigger": "arrival",
        "deliver": arrival.deliver,
        "engine": arrival.engine,
        "asked_by": arrival.submitted_by,
        "traceparent": arrival.traceparent,
    }
