"""``POST /replays``: many jobs again, or what that would change."""

import asyncio
import time
from dataclasses import replace
from typing import Annotated, Any, Final, Literal
from uuid import uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from helixnet.gateway.access import (
    OPERATORS,
    READERS,
    Operator,
    Reader,
    needs,
    one_tenant,
    tenant_scope,
)
from helixnet.gateway.chosen import Chosen
from helixnet.gateway.jobs import again_with, named_context
from helixnet.gateway.options import Gateway, Services
from helixnet.gateway.problems import answers
from helixnet.gateway.results import exact
from helixnet.gateway.selecting import Selection, selected
from helixnet.ledger import errands, replays
from helixnet.ledger.audit import record
from helixnet.ledger.errands import ErrandRow
from helixnet.ledger.queries import JobRow
from helixnet.ledger.replays import obstacle
from helixnet.ports import Identity

router = APIRouter(prefix="/api/v1", tags=["replays"])
_PAUSE: Final = 0.1  # seconds between two looks at a dry run
Wait = Annotated[float, Query(ge=0, le=30, description="seconds that a dry run is waited for")]


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


class Progress(BaseModel):
    """How far a replay or dry run is."""

    replay_id: str
    url: str = Field(description="of this answer, to ask again")
    dry_run: bool
    state: Literal["PENDING", "DONE", "FAILED"] = Field(
        description="PENDING while runs are still begun, or files compared"
    )
    selected: int = Field(description="jobs that it is about")
    begun: int = Field(description="of them, how many run again by now")
    left_out: list[LeftOut]
    comparison: dict[str, Any] | None = Field(
        description="of a dry run: what the context would give now, beside what is there"
    )
    errors: list[dict[str, Any]]


class Replay(Progress):
    """What runs again, or would."""

    jobs: list[str] = Field(description="in order of acceptance")
    unchanged: int = Field(description="of the jobs: whose context stays the same, to the byte")


@router.post(
    "/replays",
    status_code=202,
    response_model=Replay,
    summary="Run many jobs again",
    responses=answers(400, 401, 403, 404),
    openapi_extra=needs(OPERATORS),
)
async def replay(
    sent: ReplayRequest, caller: Operator, services: Services, *, wait: Wait = 5
) -> Response:
    """Make a new run of each selected job that is finished.

    The first batch begins at once, the others soon. With ``dry_run`` nothing begins: some of the
    files are mapped aside and compared with their present results. Nothing is delivered unless
    ``deliver`` says so. Lineage shows in each job's runs.
    """
    tenant = one_tenant(caller, sent.tenant)
    rows = await selected(services, caller, tenant, sent.select)
    chosen = await services.ledger.read(
        lambda conn: named_context(conn, tenant, sent.context) if sent.context else None
    )
    why = {row.job: _obstacle(row, chosen) for row in rows}
    fit = [row for row in rows if not why[row.job]]
    ids = [row.job for row in fit]
    made = await services.ledger.do(lambda conn: _ask(conn, caller, tenant, sent, chosen, ids))
    if sent.dry_run:
        made = await _awaited(services, tenant, made, wait)
    unfit = [LeftOut(job_id=job, reason=reason) for job, reason in why.items() if reason]
    shown = _progress(made, unfit)
    left = {item["job_id"] for item in shown["left_out"]}
    same = sum(chosen is None or chosen.hash == row.context_hash for row in fit)
    jobs = [job for job in ids if job not in left]
    return exact(shown | {"jobs": jobs, "unchanged": same}, 202)


@router.get(
    "/replays/{replay_id}",
    response_model=Progress,
    summary="Show how far a replay is",
    responses=answers(401, 403, 404),
    openapi_extra=needs(READERS),
)
async def progress(replay_id: str, caller: Reader, services: Services) -> Response:
    """How many jobs run again by now; for a dry run what would change, kept for a day."""
    tenant = tenant_scope(caller)
    row = await services.ledger.read(
        lambda conn: errands.errand(conn, tenant=tenant, replay=replay_id)
    )
    return exact(_progress(row, []))


def _ask(
    conn: Connection,
    caller: Identity,
    tenant: str,
    sent: ReplayRequest,
    chosen: Chosen | None,
    ids: list[str],
) -> ErrandRow:
    again = again_with(chosen, deliver=sent.deliver, by=caller.name, trigger="replay")
    again = replace(again, replay=uuid4().hex)
    if not sent.dry_run:
        selection = sent.select.model_dump(mode="json", exclude_defaults=True)
        replays.keep_replay(conn, tenant=tenant, selection=selection, again=again)
        data = {"jobs": len(ids), "context_hash": again.context_hash, "deliver": sent.deliver}
        subject = again.replay
        record(
            conn, tenant=tenant, actor=caller.name, action="job.replay", subject=subject, data=data
        )
    made = errands.ask(conn, tenant=tenant, ids=ids, again=again, dry_run=sent.dry_run)
    return errands.errand(conn, tenant=tenant, replay=made)


async def _awaited(services: Gateway, tenant: str, row: ErrandRow, seconds: float) -> ErrandRow:
    """Give a dry run some time to end: most do."""
    end = time.monotonic() + seconds
    while row.state == "PENDING" and time.monotonic() < end:
        await asyncio.sleep(_PAUSE)
        row = await services.ledger.read(
            lambda conn, replay=row.replay: errands.errand(conn, tenant=tenant, replay=replay)
        )
    return row


def _obstacle(row: JobRow, chosen: Chosen | None) -> str:
    if not (chosen or row.context_hash):
        return "no flow took it, so it has no context: name one"
    return obstacle(state=row.state, purged=row.purged, superseded=row.superseded)


def _progress(row: ErrandRow, unfit: list[LeftOut]) -> dict[str, Any]:
    """Return the fields of :class:`Progress`."""
    left = [LeftOut(job_id=job, reason=reason) for job, reason in row.left_out]
    return {
        "replay_id": row.replay,
        "url": f"/api/v1/replays/{row.replay}",
        "dry_run": row.dry_run,
        "state": row.state,
        "selected": row.selected,
        "begun": row.begun,
        "left_out": [item.model_dump() for item in unfit + left],
        "comparison": row.comparison,
        "errors": [row.error] if row.error else [],
    }
