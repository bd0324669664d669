"""Routes of a tenant's inputs: the values that it gives to all its contexts."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from helixnet.errors import UsageError
from helixnet.gateway.access import DESIGNERS, READERS, Designer, Reader, needs, one_tenant
from helixnet.gateway.options import Gateway, Services
from helixnet.gateway.problems import REFUSED_REQUEST, answers
from helixnet.gateway.results import exact
from helixnet.ledger.audit import record
from helixnet.ledger.inputs import change_inputs, tenant_values
from helixnet.ports import Identity

router = APIRouter(prefix="/api/v1/inputs", tags=["flows"])

Tenant = Annotated[str | None, Query(description="for an admin without tenant only")]
Values = dict[str, Any]
_decoder: Final = msgspec.json.Decoder(Values, float_hook=Decimal)
_VALUE: Final = ["string", "number", "boolean"]
_SHOWN: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": {"type": _VALUE},
    "example": {"plant": "1000"},
}
_VALUES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "the values by name",
        "content": {"application/json": {"schema": _SHOWN}},
    }
}


def _body(schema: dict[str, Any], *kinds: str) -> dict[str, Any]:
    content = {kind: {"schema": schema} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


@router.get(
    "",
    summary="Show the tenant's inputs",
    responses=answers(400, 401, 403) | _VALUES,
    response_class=Response,
    openapi_extra=needs(READERS),
)
async def inputs(caller: Reader, services: Services, tenant: Tenant = None) -> Response:
    """Values by name, for every context of the tenant that declares such an input."""
    scope = one_tenant(caller, tenant)
    return exact(await services.ledger.read(lambda conn: tenant_values(conn, scope)))


@router.put(
    "",
    summary="Set the tenant's inputs",
    responses=answers(400, 401, 403) | _VALUES,
    response_class=Response,
    openapi_extra=needs(DESIGNERS) | _body(_SHOWN, "application/json"),
)
async def put_inputs(
    request: Request, caller: Designer, services: Services, tenant: Tenant = None
) -> Response:
    """Take the place of all that were there; jobs that were accepted before keep theirs."""
    scope, sent = one_tenant(caller, tenant), _decoded(await request.body())
    if None in sent.values():
        raise UsageError("null is no value; leave the name out", code=REFUSED_REQUEST)

    def whole(before: Mapping[str, object]) -> Values:
        return dict.fromkeys(before) | sent

    return await _change(services, caller, scope, whole)


@router.patch(
    "",
    summary="Change some of the tenant's inputs",
    responses=answers(400, 401, 403) | _VALUES,
    response_class=Response,
    openapi_extra=needs(DESIGNERS)
    | _body(
        _SHOWN | {"additionalProperties": {"type": [*_VALUE, "null"]}},
        "application/merge-patch+json",
        "application/json",
    ),
)
async def patch_inputs(
    request: Request, caller: Designer, services: Services, tenant: Tenant = None
) -> Response:
    """Set the values that are sent, take away those that are null (RFC 7396), keep the others."""
    scope, sent = one_tenant(caller, tenant), _decoded(await request.body())
    return await _change(services, caller, scope, lambda _: sent)


def _decoded(body: bytes) -> Values:
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError("the body is no JSON object", code=REFUSED_REQUEST) from error


async def _change(
    services: Gateway,
    caller: Identity,
    tenant: str,
    changes: Callable[[Mapping[str, object]], Values],
) -> Response:
    """Write values down and say so in the audit; what changes nothing is no entry."""

    def unit(conn: Connection) -> Values:
        values = changes(tenant_values(conn, tenant))
        changed = change_inputs(conn, tenant=tenant, values=values, by=caller.name)
        if any(changed.values()):
            record(
                conn,
                tenant=tenant,
                actor=caller.name,
                action="inputs.change",
                subject=tenant,
                data=changed,
            )
        return tenant_values(conn, tenant)

    return exact(await services.ledger.do(unit))
