"""Which jobs a replay is about: by id, filter, time, or the events of a topic."""

from collections.abc import AsyncIterator
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from helixnet.errors import NotFoundError, TooLargeError, UsageError
from helixnet.events import Event
from helixnet.gateway.finding import find_job
from helixnet.gateway.jobs import microseconds
from helixnet.gateway.live import readable
from helixnet.gateway.options import Gateway
from helixnet.gateway.problems import REFUSED_REQUEST, TOO_LARGE
from helixnet.jobs import RunState
from helixnet.ledger.outbox import read_topic
from helixnet.ledger.queries import JobFilter, JobRow, list_jobs
from helixnet.ports import Identity

MOST: Final = 10_000  # jobs of one replay
MOST_POSITIONS: Final = 1_000_000  # of a topic
TOGETHER: Final = 1000  # events of one look


class TopicRange(BaseModel):
    """The jobs of the events of a topic: by position, as the topic's own route shows them.

    With ``partition`` by the bus's offsets in that partition, as its clients know them.
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    first: int = Field(default=0, ge=0)
    last: int = Field(ge=0)
    partition: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> "TopicRange":
        if not self.first <= self.last < self.first + MOST_POSITIONS:
            raise ValueError(f"last must be from first on, and less than {MOST_POSITIONS} after it")
        return self


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


async def selected(
    services: Gateway, caller: Identity, tenant: str, select: Selection
) -> list[JobRow]:
    """Return the selected jobs in order of acceptance.

    Raises:
        NotFoundError: a job that is named, or the topic, is not there for this tenant.
        TooLargeError: more than :data:`MOST` jobs are selected.
        UsageError: no condition is given.
    """
    ids = list(dict.fromkeys(select.jobs))
    if select.topic is not None:
        spoken = await _jobs_of_topic(services, caller, tenant, select.topic)
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
    if len(rows) > MOST or len(ids) > MOST:
        raise TooLargeError(
            f"more than {MOST} jobs are selected", code=TOO_LARGE, hint="narrow the time"
        )
    known = {row.job for row in rows}
    for job in select.jobs:
        if job not in known and (await find_job(services, caller, job)).job.tenant != tenant:
            raise NotFoundError(f"there is no job {job}")
    return rows[::-1]


async def _jobs_of_topic(
    services: Gateway, caller: Identity, tenant: str, wanted: TopicRange
) -> dict[str, None]:
    """Return the ids of the tenant's jobs that a range of a topic speaks of, in order."""
    await readable(services, caller, tenant, wanted.name)
    found: dict[str, None] = {}
    async for event in _events(services, wanted):
        if event.tenant == tenant and event.job:
            found[event.job] = None
        if len(found) > MOST:
            break
    return found


async def _events(services: Gateway, wanted: TopicRange) -> AsyncIterator[Event]:
    """Yield what stands in the range: on the bus, or as this ledger counts its positions."""
    name, first, last = wanted.name, wanted.first, wanted.last
    if wanted.partition is not None:
        async for _, event in services.bus.span(name, first, last, wanted.partition):
            yield event
        return
    after = first - 1
    while rows := await services.ledger.read(
        lambda conn, start=after: read_topic(conn, name, start, TOGETHER)
    ):
        for stored in rows:
            if stored.position > last:
                return
            yield stored.event
        after = rows[-1].position
