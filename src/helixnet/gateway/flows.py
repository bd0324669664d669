"""Routes of flows and SFTP partners: which files go where, and who may drop them."""

from dataclasses import asdict
from typing import Annotated, Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from helixnet.errors import UsageError
from helixnet.gateway.access import (
    ADMINS,
    DESIGNERS,
    READERS,
    Admin,
    Designer,
    Reader,
    needs,
    one_tenant,
    tenant_scope,
)
from helixnet.gateway.chosen import published
from helixnet.gateway.options import Services
from helixnet.gateway.problems import REFUSED_REQUEST, answers
from helixnet.ledger import catalog
from helixnet.ledger.audit import record
from helixnet.ledger.catalog import Flow, Partner
from helixnet.ports import Identity

router = APIRouter(prefix="/api/v1")

KEEP: Final = r"^(delete|forever|\d{1,4}[smhd])?$"
Tenant = Annotated[str | None, Query(description="for an admin without tenant only")]


class FlowModel(BaseModel):
    """Which files of a tenant go to which context."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=63, examples=["orders"])
    match: str = Field(
        min_length=1,
        max_length=500,
        description="shell pattern over the path below the tenant's inbox; `*` crosses `/`",
        examples=["orders/*.csv"],
    )
    context: str = Field(
        min_length=1, description="published name, or name@version", examples=["acme-orders-csv"]
    )
    keep: str = Field(
        default="",
        pattern=KEEP,
        description="finished drops: delete, forever, or a time such as 30d",
    )
    inputs: dict[str, Any] = Field(default_factory=dict)
    retention: dict[str, float] = Field(
        default_factory=dict,
        description="seconds by class, where this flow differs: drops, work, results, rejects, "
        "events",
    )
    tenant: str | None = Field(default=None, description="for an admin without tenant only")


class FlowList(BaseModel):
    """Flows by name."""

    flows: list[FlowModel]


class PartnerModel(BaseModel):
    """Who may drop files by SFTP."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=63, description="the SFTP user")
    tenant: str = Field(min_length=1, max_length=63)
    keys: list[str] = Field(min_length=1, max_length=20, description="OpenSSH public keys")


class PartnerList(BaseModel):
    """Partners by name."""

    partners: list[PartnerModel]


def _flow_model(flow: Flow) -> FlowModel:
    reference = f"{flow.context}@{flow.version}" if flow.version else flow.context
    fields = {name: value for name, value in asdict(flow).items() if name in FlowModel.model_fields}
    return FlowModel.model_validate(fields | {"context": reference})


def _flow(sent: FlowModel, caller: Identity) -> Flow:
    name, _, version = sent.context.partition("@")
    return Flow(
        tenant=one_tenant(caller, sent.tenant),
        name=sent.name,
        match=sent.match,
        context=name,
        version=version,
        keep=sent.keep,
        inputs=sent.inputs,
        retention=sent.retention,
        created_by=caller.name,
    )


@router.get(
    "/flows",
    tags=["flows"],
    summary="List flows",
    responses=answers(401, 403),
    openapi_extra=needs(READERS),
)
async def flows(caller: Reader, services: Services, tenant: Tenant = None) -> FlowList:
    """Of the own tenant; an admin without tenant sees all."""
    scope = tenant_scope(caller, tenant)
    rows = await services.ledger.read(lambda conn: catalog.list_flows(conn, tenant=scope))
    return FlowList(flows=[_flow_model(row) for row in rows])


@router.post(
    "/flows",
    tags=["flows"],
    status_code=201,
    summary="Add a flow",
    responses=answers(400, 401, 403, 404, 409),
    openapi_extra=needs(DESIGNERS),
)
async def add_flow(sent: FlowModel, caller: Designer, services: Services) -> FlowModel:
    """Its context must be published already."""
    flow = _flow(sent, caller)

    def unit(conn: Connection) -> None:
        published(conn, flow.tenant, sent.context)
        catalog.add_flow(conn, flow)
        _write_down(conn, caller, flow, "flow.add")

    await services.ledger.do(unit)
    return _flow_model(flow)


@router.put(
    "/flows/{name}",
    tags=["flows"],
    summary="Add or change a flow",
    responses=answers(400, 401, 403, 404),
    openapi_extra=needs(DESIGNERS),
)
async def put_flow(name: str, sent: FlowModel, caller: Designer, services: Services) -> FlowModel:
    """Jobs that were accepted before keep their context."""
    if sent.name != name:
        raise UsageError("the name in the body is not that of the address", code=REFUSED_REQUEST)
    flow = _flow(sent, caller)

    def unit(conn: Connection) -> None:
        published(conn, flow.tenant, sent.context)
        catalog.replace_flow(conn, flow)
        _write_down(conn, caller, flow, "flow.change")

    await services.ledger.do(unit)
    return _flow_model(flow)


def _write_down(conn: Connection, caller: Identity, flow: Flow, action: str) -> None:
    data = {"match": flow.match, "context": flow.context, "version": flow.version}
    record(
        conn,
        tenant=flow.tenant,
        actor=caller.name,
        action=action,
        subject=flow.name,
        data=data,
    )


@router.get(
    "/flows/{name}",
    tags=["flows"],
    summary="Show a flow",
    responses=answers(400, 401, 403, 404),
    openapi_extra=needs(READERS),
)
async def flow(name: str, caller: Reader, services: Services, tenant: Tenant = None) -> FlowModel:
    """One flow of the tenant."""
    scope = one_tenant(caller, tenant)
    row = await services.ledger.read(lambda conn: catalog.get_flow(conn, tenant=scope, name=name))
    return _flow_model(row)


@router.delete(
    "/flows/{name}",
    tags=["flows"],
    status_code=204,
    summary="Remove a flow",
    responses=answers(400, 401, 403, 404),
    response_class=Response,
    openapi_extra=needs(DESIGNERS),
)
async def remove_flow(
    name: str, caller: Designer, services: Services, tenant: Tenant = None
) -> Response:
    """Its jobs stay; files that it would have taken wait in the inbox."""
    scope = one_tenant(caller, tenant)

    def unit(conn: Connection) -> None:
        catalog.remove_flow(conn, tenant=scope, name=name)
        record(conn, tenant=scope, actor=caller.name, action="flow.remove", subject=name)

    await services.ledger.do(unit)
    return Response(status_code=204)


@router.get(
    "/partners",
    tags=["partners"],
    summary="List SFTP partners",
    responses=answers(401, 403),
    openapi_extra=needs(ADMINS),
)
async def partners(caller: Admin, services: Services, tenant: Tenant = None) -> PartnerList:
    """Names, tenants and public keys."""
    scope = tenant_scope(caller, tenant)
    rows = await services.ledger.read(lambda conn: catalog.list_partners(conn, tenant=scope))
    found = [PartnerModel(name=row.name, tenant=row.tenant, keys=list(row.keys)) for row in rows]
    return PartnerList(partners=found)


@router.post(
    "/partners",
    tags=["partners"],
    status_code=201,
    summary="Add an SFTP partner",
    responses=answers(400, 401, 403, 409),
    openapi_extra=needs(ADMINS),
)
async def add_partner(sent: PartnerModel, caller: Admin, services: Services) -> PartnerModel:
    """The name is the SFTP user, one for all tenants."""
    tenant = one_tenant(caller, sent.tenant)
    for number, key in enumerate(sent.keys):
        try:
            load_ssh_public_key(key.encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise UsageError(
                f"keys[{number}] is no OpenSSH public key", code=REFUSED_REQUEST
            ) from error
    partner = Partner(name=sent.name, tenant=tenant, keys=sent.keys, created_by=caller.name)

    def unit(conn: Connection) -> None:
        catalog.add_partner(conn, partner)
        record(conn, tenant=tenant, actor=caller.name, action="partner.add", subject=sent.name)

    await services.ledger.do(unit)
    return sent


@router.delete(
    "/partners/{name}",
    tags=["partners"],
    status_code=204,
    summary="Remove an SFTP partner",
    responses=answers(400, 401, 403, 404),
    response_class=Response,
    openapi_extra=needs(ADMINS),
)
async def remove_partner(
    name: str, caller: Admin, services: Services, tenant: Tenant = None
) -> Response:
    """What the partner sent before stays."""
    scope = one_tenant(caller, tenant)

    def unit(conn: Connection) -> None:
        catalog.remove_partner(conn, tenant=scope, name=name)
        record(conn, tenant=scope, actor=caller.name, action="partner.remove", subject=name)

    await services.ledger.do(unit)
    return Response(status_code=204)
