"""Route of the audit: who did what, when."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from helixnet.gateway.access import ADMINS, Admin, needs, tenant_scope
from helixnet.gateway.options import Services
from helixnet.gateway.paging import Cursor, Limit, link_next, position
from helixnet.gateway.problems import answers
from helixnet.ledger.audit import entries

router = APIRouter(prefix="/api/v1", tags=["audit"])


class EntryModel(BaseModel):
    """One thing that somebody did; it is never changed or removed by hand."""

    id: int
    time: str
    tenant: str
    actor: str
    action: str
    subject: str
    data: dict[str, Any]


class AuditPage(BaseModel):
    """A page of entries, newest first."""

    entries: list[EntryModel]


@router.get(
    "/audit",
    summary="Read the audit",
    responses=answers(400, 401, 403),
    openapi_extra=needs(ADMINS),
)
async def audit(  # noqa: PLR0913 - each filter is a query parameter
    request: Request,
    response: Response,
    caller: Admin,
    services: Services,
    *,
    actor: str = "",
    action: Annotated[str, Query(description="whole, or a prefix that ends with a dot")] = "",
    subject: str = "",
    tenant: Annotated[str | None, Query(description="for an admin without tenant only")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AuditPage:
    """Publishes, flows, partners, cancels, reruns, replays and refused reads."""
    scope, before = tenant_scope(caller, tenant), position(cursor)
    rows = await services.ledger.read(
        lambda conn: entries(
            conn,
            tenant=scope,
            actor=actor,
            action=action,
            subject=subject,
            before=before,
            limit=limit + 1,
        )
    )
    if len(rows) > limit:
        link_next(request, response, rows[limit - 1].id)
    return AuditPage(entries=[EntryModel.model_validate(asdict(row)) for row in rows[:limit]])
