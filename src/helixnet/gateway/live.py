"""What happens while it happens: a job's events and whole topics, as NDJSON or SSE."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from helixnet.errors import NotFoundError, UsageError
from helixnet.events import Event, Topic
from helixnet.gateway.access import READERS, Reader, needs, tenant_scope
from helixnet.gateway.finding import find_job, refused
from helixnet.gateway.options import Gateway, Services
from helixnet.gateway.problems import REFUSED_REQUEST, answers
from helixnet.gateway.results import NDJSON
from helixnet.ledger.outbox import Stored, job_events, read_topic
from helixnet.ports import Identity

router = APIRouter(prefix="/api/v1", tags=["events"])

SSE: Final = "text/event-stream"
BATCH: Final = 200
LOOK_SECONDS: Final = 1.0  # how often a silent stream looks at the clock and at the shutdown
GATHER_SECONDS: Final = 0.05  # least time between two looks: commits within it are told together
_exact: Final = msgspec.json.Encoder(decimal_format="number")
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {SSE: {}}, "description": "events as they happen"}
}
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="go on after this event")
]
Page = Callable[[Connection, int], Sequence[Stored]]


@dataclass(frozen=True, slots=True)
class _Source:
    """What a stream reads.

    Args:
        page: events after a position, at most :data:`BATCH`, in order.
        wanted: whether an event is told.
        number: the id of an event in the stream.
        body: what its data says.
        after: position to start at.
    """

    page: Page
    wanted: Callable[[Event], bool]
    number: Callable[[Stored], int]
    body: Callable[[Stored], dict[str, Any]]
    after: int = 0


@router.get(
    "/jobs/{job_id}/events",
    summary="Follow a job",
    responses=answers(400, 401, 403, 404, 429) | _STREAM,
    response_class=StreamingResponse,
    openapi_extra=needs(READERS),
)
async def job_stream(
    job_id: str,
    caller: Reader,
    services: Services,
    *,
    follow: Annotated[bool, Query(description="false: end after what has happened")] = True,
    last: LastEventId = None,
) -> StreamingResponse:
    """Server-sent events, from the job's first change on; ``id`` is the job's ``seq``.

    The stream ends with the token (event ``auth-expired``); open it again with a new one and
    ``Last-Event-ID``.
    """
    detail = await find_job(services, caller, job_id)
    tenant, seen = detail.job.tenant, _number(last)
    source = _Source(
        page=lambda conn, after: job_events(
            conn, tenant=tenant, job=job_id, topic=Topic.JOBS, after=after, limit=BATCH
        ),
        wanted=lambda event: event.seq > seen,
        number=lambda stored: stored.event.seq,
        body=lambda stored: {**stored.event.data, "time": stored.event.time},
    )
    _room(services, tenant)
    return _streaming(_events(services, caller, tenant, source, follow=follow))


@router.get(
    "/topics/{name}",
    summary="Read a topic",
    responses=answers(400, 401, 403, 404, 429)
    | {200: {"content": {NDJSON: {}, SSE: {}}, "description": "events, by Accept"}},
    response_class=StreamingResponse,
    openapi_extra=needs(READERS),
)
async def topic(
    request: Request,
    name: str,
    caller: Reader,
    services: Services,
    *,
    after: Annotated[int, Query(ge=0, description="position of the last event known")] = 0,
    last: LastEventId = None,
) -> StreamingResponse:
    """NDJSON of what is there now, or with ``Accept: text/event-stream`` without end.

    A tenant reads its own events of the fixed topics, and its own declared topics.
    """
    tenant = tenant_scope(caller)
    await readable(services, caller, tenant, name)
    source = _Source(
        page=lambda conn, start: read_topic(conn, name, start, BATCH),
        wanted=lambda event: tenant is None or event.tenant == tenant,
        number=lambda stored: stored.position,
        body=_whole,
        after=max(after, _number(last)),
    )
    if SSE not in request.headers.get("accept", ""):
        return StreamingResponse(_lines(services, source), media_type=NDJSON)
    _room(services, caller.tenant)
    return _streaming(_events(services, caller, caller.tenant, source, follow=True))


async def readable(services: Gateway, caller: Identity, tenant: str | None, name: str) -> None:
    """Let fixed topics and those of the own tenant pass.

    Raises:
        NotFoundError: it is another's, or no topic: both look the same.
    """
    if name in set(Topic) or name.startswith(f"helix.out.{tenant}."):
        return
    declared = name.startswith("helix.out.")
    if declared and tenant is None:
        return
    if declared:
        await refused(services, caller, f"topic/{name}")
    raise NotFoundError(f"there is no topic {name[:200]}")


def _number(last: str | None) -> int:
    if not last:
        return 0
    if not (last.isascii() and last.isdigit()):
        raise UsageError("Last-Event-ID is not one of ours", code=REFUSED_REQUEST)
    return int(last)


def _room(services: Gateway, tenant: str) -> None:
    """Refuse a stream too many of one tenant, so that it can't use up the server."""
    if services.streams[tenant] >= services.settings.max_streams:
        raise HTTPException(429, "too many open streams of this tenant", {"Retry-After": "10"})


def _streaming(blocks: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(blocks, media_type=SSE, headers=headers)


async def _batches(services: Gateway, source: _Source) -> AsyncIterator[list[Stored]]:
    """Yield what is there, then, whenever something may be new, what came; [] = nothing yet."""
    position = source.after
    mark = await services.ledger.changed(-1, 0)
    while True:
        start, looked = position, time.monotonic()
        rows = await services.ledger.read(lambda conn, start=start: source.page(conn, start))
        if rows:
            position = rows[-1].position
            told = [stored for stored in rows if source.wanted(stored.event)]
            if told:
                yield told
        if len(rows) < BATCH:
            yield []
            mark = await services.ledger.changed(mark, LOOK_SECONDS)
            await asyncio.sleep(max(0.0, looked + GATHER_SECONDS - time.monotonic()))


async def _lines(services: Gateway, source: _Source) -> AsyncIterator[bytes]:
    async for batch in _batches(services, source):
        if not batch:
            return
        yield b"".join(_exact.encode(_whole(stored)) + b"\n" for stored in batch)


async def _events(
    services: Gateway, caller: Identity, tenant: str, source: _Source, *, follow: bool
) -> AsyncIterator[bytes]:
    services.streams[tenant] += 1
    services.metrics.show("helixnet_streams", services.streams.total())
    try:
        async for block in _told(services, caller, source, follow=follow):
            yield block
    finally:
        services.streams[tenant] -= 1
        services.metrics.show("helixnet_streams", services.streams.total())


async def _told(
    services: Gateway, caller: Identity, source: _Source, *, follow: bool
) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    spoken = time.monotonic()
    async for batch in _batches(services, source):
        if time.time() >= caller.expires:
            yield b"event: auth-expired\ndata: {}\n\n"
            return
        if batch:
            yield b"".join(_frame(source, stored) for stored in batch)
            spoken = time.monotonic()
            continue
        if not follow or services.stopping.is_set():
            return
        if time.monotonic() - spoken >= services.settings.heartbeat_seconds:
            yield b": alive\n\n"
            spoken = time.monotonic()


def _whole(stored: Stored) -> dict[str, Any]:
    return {"position": stored.position, **asdict(stored.event)}


def _frame(source: _Source, stored: Stored) -> bytes:
    """One event of a stream (HTML Standard, 9.2); JSON has no line end in it."""
    kind = stored.event.type.removeprefix("io.helixnet.").removesuffix(".v1")
    head = f"id: {source.number(stored)}\nevent: {kind}\ndata: ".encode()
    return head + _exact.encode(source.body(stored)) + b"\n\n"
