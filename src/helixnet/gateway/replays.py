"""``POST /replays``: many jobs again, by id, filter, time or the events of a topic."""

from typing import Final, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from helixnet.errors import NotFoundError, TooLargeError, UsageError
from helixnet.gateway.access import OPERATORS, Operator, needs, one_tenant
from helixnet.gateway.bundles import Chosen
from helixnet.gateway.finding import find_job
from helixnet.gateway.jobs import again_with, microseconds, named_context
from helixnet.gateway.options import Gateway, Services
from helixnet.gateway.problems import REFUSED_REQUEST, TOO_LARGE, answers
from helixnet.jobs import FINAL, RunState
from helixnet.ledger import replays
from helixnet.ledger.audit import record
from helixnet.ledger.outbox import read_topic
from helixnet.ledger.queries import JobFilter, JobRow, list_jobs
from helixnet.ports import Identity

router = APIRouter(prefix="/api/v1", tags=["replays"])

MOST: Final = 10_000  # jobs of one replay
_BATCH: Final = 1000


class TopicRange(BaseModel):
    """The jobs of the events of a topic, by position."""

    model_config = ConfigDict(extra="forbid")
    name: str
    first: int = Field(default=1, ge=1)
    last: int = Field(ge=1)


class Selection(BaseModel):
    """Which jobs; all given conditions must hold, and at least one must be given."""

    model_config = ConfigDict(extra="forbid")
    jobs: list[str] = Field(default_factory=list, max_length=MOST)
    state: list[RunState] = Field(default_factory=list)
    flow: str = ""
    context: str = Field(default="", description="name of the current run's context")
    source: str = ""
    text: str = Field(default="", description="part of the file name")
    since: AwareDatetime | None = Field(default=None, description="accepted at or after")
    until: AwareDatetime | None = Field(default=None, description="accepted before")
    topic: TopicRange | None = None


class ReplayRequest(BaseModel):
    """What to run again, how, and whether to do it."""

    model_config = ConfigDict(extra="forbid")
    select: Selection
    context: str | None = Field(
        default=None,
        description="published name, name@version or hash; default: each job's own",
    )
    deliver: Literal["none", "changed", "all"] = "none"
    dry_run: bool = False
    tenant: str | None = Field(default=None, description="for an admin without tenant only")


class LeftOut(BaseModel):
    """A selected job that does not run again, and why."""

    job_id: str
    reason: str


class Replay(BaseModel):
    """What runs again, or would."""

    replay_id: str | None = Field(description="None for a dry run")
    dry_run: bool
    jobs: list[str] = Field(description="in order of acceptance")
    left_out: list[LeftOut]
    unchanged: int = Field(description="of the jobs: whose context stays the same, to the byte")


@router.post(
    "/replays",
    status_code=202,
    summary="Run many jobs again",
    responses=answers(400, 401, 403, 404),
    openapi_extra=needs(OPERATORS),
)
async def replay(sent: ReplayRequest, caller: Operator, services: Services) -> Replay:
    """Make a new run of each selected job that is finished; with ``dry_run`` only say which.

    Nothing is delivered unless ``deliver`` says so. Lineage shows in each job's runs.
    """
    tenant = one_tenant(caller, sent.tenant)
    rows = await _selected(services, caller, tenant, sent.select)
    fit = [row for row in rows if row.state in FINAL and not row.purged]
    chosen = await services.ledger.read(
        lambda conn: named_context(conn, tenant, sent.context) if sent.context else None
    )
    made: tuple[str | None, list[str]] = (None, [row.job for row in fit])
    if not sent.dry_run:
        made = await services.ledger.do(
            lambda conn: _begin(conn, caller, tenant, sent, chosen, made[1])
        )
    ids = set(made[1])
    return Replay(
        replay_id=made[0],
        dry_run=sent.dry_run,
        jobs=[row.job for row in fit if row.job in ids],
        left_out=[
            LeftOut(job_id=row.job, reason=_reason(row)) for row in rows if row.job not in ids
        ],
        unchanged=sum(
            row.job in ids and (chosen is None or chosen.hash == row.context_hash) for row in fit
        ),
    )


def _begin(
    conn: Connection,
    caller: Identity,
    tenant: str,
    sent: ReplayRequest,
    chosen: Chosen | None,
    ids: list[str],
) -> tuple[str | None, list[str]]:
    again = again_with(chosen, deliver=sent.deliver, by=caller.name, trigger="replay")
    selection = sent.select.model_dump(mode="json", exclude_defaults=True)
    made = replays.replay(conn, tenant=tenant, job_ids=ids, selection=selection, again=again)
    data = {"jobs": len(made[1]), "context_hash": again.context_hash, "deliver": sent.deliver}
    record(conn, tenant=tenant, actor=caller.name, action="job.replay", subject=made[0], data=data)
    return made


def _reason(row: JobRow) -> str:
    if row.purged:
        return "its file is no longer kept"
    return f"it is {row.state}" if row.state not in FINAL else "it began to run meanwhile"


async def _selected(
    services: Gateway, caller: Identity, tenant: str, select: Selection
) -> list[JobRow]:
    """Return the selected jobs in order of acceptance."""
    ids = list(dict.fromkeys(select.jobs))
    if select.topic is not None:
        spoken = await _jobs_of_topic(services, tenant, select.topic)
        ids = [job for job in ids if job in spoken] if ids else list(spoken)
        if not ids:
            return []
    if not ids and select == Selection():
        raise UsageError("select at least one condition", code=REFUSED_REQUEST)
    wanted = JobFilter(
        tenant=tenant,
        states=select.state,
        flow=select.flow,
        context=select.context,
        source=select.source,
        text=select.text,
        since=microseconds(select.since),
        until=microseconds(select.until),
        ids=ids,
    )
    rows = await services.ledger.read(lambda conn: list_jobs(conn, wanted, limit=MOST + 1))
    if len(rows) > MOST:
        raise TooLargeError(
            f"more than {MOST} jobs are selected", code=TOO_LARGE, hint="narrow the time"
        )
    known = {row.job for row in rows}
    for job in select.jobs:
        if job not in known and (await find_job(services, caller, job)).job.tenant != tenant:
            raise NotFoundError(f"there is no job {job}")
    return rows[::-1]


async def _jobs_of_topic(services: Gateway, tenant: str, wanted: TopicRange) -> dict[str, None]:
    """Return the ids of the tenant's jobs that a range of a topic speaks of, in order."""
    found: dict[str, None] = {}
    position = wanted.first - 1
    while position < wanted.last and len(found) <= MOST:
        start = position
        rows = await services.ledger.read(
            lambda conn, start=start: read_topic(conn, wanted.name, start, _BATCH)
        )
        if not rows:
            break
        position = rows[-1].position
        for stored in rows:
            event = stored.event
            if event.tenant == tenant and event.job and stored.position <= wanted.last:
                found[event.job] = None
    return found
