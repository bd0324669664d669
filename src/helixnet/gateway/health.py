"""Whether the server lives, whether it can serve, and its metrics."""

import asyncio
from typing import Final

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import text

from helixnet.errors import UnavailableError
from helixnet.gateway.options import Services
from helixnet.gateway.problems import answers
from helixnet.jobs import PartState
from helixnet.ledger import scope
from helixnet.ledger.operation import open_work
from helixnet.metrics import CONTENT_TYPE

OPEN_PARTS: Final = (PartState.PENDING.value, PartState.LEASED.value)
PATIENCE: Final = 2.0  # seconds for the ledger to answer

router = APIRouter(tags=["health"])
metrics_router = APIRouter(tags=["health"])


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
async def ready(services: Services) -> Health:
    """Answer 200 while the ledger answers and the server is not going down, else 503."""
    if services.stopping.is_set():
        raise UnavailableError("the server is going down")
    try:
        async with asyncio.timeout(PATIENCE):
            await services.ledger.read(lambda conn: conn.execute(text("SELECT 1")).scalar())
            await services.identity.jwks()
    except TimeoutError:
        raise UnavailableError("the ledger does not answer") from None
    return Health(status="ready")


@metrics_router.get(
    "/metrics", summary="Prometheus metrics", responses=answers(), response_class=Response
)
async def metrics(services: Services) -> Response:
    """Prometheus text format 0.0.4; numbers only, no name that a tenant chose."""
    with scope.lifted():
        waiting, parts = await services.ledger.read(open_work)
    services.metrics.show("helixnet_waiting_runs", waiting)
    for state in OPEN_PARTS:
        services.metrics.show("helixnet_open_parts", parts.get(state, 0), state=state)
    return Response(services.metrics.text(), media_type=CONTENT_TYPE)
