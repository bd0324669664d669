"""Whether a process lives and can serve, and its metrics: of the gateway and of consumers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import text

from helixnet.errors import UnavailableError
from helixnet.gateway.problems import answers
from helixnet.ledger import scope
from helixnet.ledger.gauges import LABELS, backlog
from helixnet.metrics import CONTENT_TYPE, Metrics
from helixnet.ports import Bus, Ledger

PATIENCE: Final = 2.0  # seconds for what is asked to answer

router = APIRouter(tags=["health"])
metrics_router = APIRouter(tags=["health"])


@dataclass(frozen=True, slots=True)
class Watched:
    """What the probes of a process look at.

    Args:
        needs: what must answer, beside the ledger, before the process can serve.
        stopping: set when the process goes down.
    """

    ledger: Ledger
    bus: Bus
    metrics: Metrics
    needs: Sequence[Callable[[], Awaitable[object]]] = ()
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


async def _watched(request: Request) -> Watched:
    return cast("Watched", request.app.state.watched)


Process = Annotated[Watched, Depends(_watched)]


class Health(BaseModel):
    """What a probe reads; the status code says the same."""

    status: str


@router.get("/health/live", summary="Does the process live?", responses=answers())
@router.get("/api/v1/health/live", include_in_schema=False)
async def live() -> Health:
    """Answer as long as the event loop turns."""
    return Health(status="live")


@router.get("/health/ready", summary="Can it serve?", responses=answers())
@router.get("/api/v1/health/ready", include_in_schema=False)
async def ready(process: Process) -> Health:
    """Answer 200 while the ledger answers and the process is not going down, else 503.

    Without any key of the issuer no token can be verified: that is 503 too.
    """
    if process.stopping.is_set():
        raise UnavailableError("the server is going down")
    try:
        async with asyncio.timeout(PATIENCE):
            await process.ledger.read(lambda conn: conn.execute(text("SELECT 1")).scalar())
    except TimeoutError:
        raise UnavailableError("the ledger does not answer") from None
    for need in process.needs:
        await need()
    return Health(status="ready")


@metrics_router.get(
    "/metrics", summary="Prometheus metrics", responses=answers(), response_class=Response
)
async def metrics(process: Process) -> Response:
    """Prometheus text format 0.0.4; numbers only, no name that a tenant chose."""
    shown = process.metrics
    await asyncio.gather(_show_backlog(process), _show_lag(process))
    return Response(shown.text(), media_type=CONTENT_TYPE)


async def _show_backlog(process: Watched) -> None:
    """Say what waits, as the ledger has it; where it does not answer, that is what is told."""
    shown = process.metrics
    try:
        async with asyncio.timeout(PATIENCE):
            with scope.lifted():
                found = await process.ledger.read(backlog)
    except (UnavailableError, TimeoutError):
        shown.show("helixnet_ledger_up", 0)
        return
    shown.show("helixnet_ledger_up", 1)
    for (name, value), number in found.items():
        labels = {LABELS[name]: value} if name in LABELS else {}
        shown.show(name, number, **labels)


async def _show_lag(process: Watched) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            lag = await process.bus.lag()
    except (UnavailableError, TimeoutError):
        process.metrics.show("helixnet_bus_up", 0)
        return
    process.metrics.show("helixnet_bus_up", 1)
    for (topic, group), number in lag.items():
        process.metrics.show("helixnet_bus_lag", number, topic=topic, group=group)
