"""Routes of contexts: publish a version, list, compare, fetch."""

import hashlib
import re
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from helixnet.errors import UnavailableError, UsageError
from helixnet.events import out_topic
from helixnet.gateway.access import (
    DESIGNERS,
    READERS,
    Designer,
    Reader,
    needs,
    one_tenant,
    tenant_scope,
)
from helixnet.gateway.bundles import bundle_of_form, checked, load, stored
from helixnet.gateway.forms import receive_form
from helixnet.gateway.options import Gateway, Services
from helixnet.gateway.problems import REFUSED_REQUEST, answers
from helixnet.ledger.audit import record
from helixnet.ledger.contexts import (
    Published,
    get_context,
    list_contexts,
    publish,
    versions,
)

router = APIRouter(prefix="/api/v1", tags=["contexts"])

ZIP: Final = "application/zip"
_FILE: Final = {"type": "string", "format": "binary"}
FORM: Final[dict[str, Any]] = {
    "files": {
        "type": "array",
        "items": _FILE,
        "description": "the context first, then what it names; or one zip",
    },
    "tenant": {"type": "string", "description": "for an admin without tenant only"},
}
Tenant = Annotated[str | None, Query(description="for an admin without tenant only")]


class ContextModel(BaseModel):
    """A published version; it never changes."""

    tenant: str
    name: str
    version: str
    hash: str = Field(description="of the whole bundle: equal hashes are equal content")
    created_by: str
    created: str


class ContextList(BaseModel):
    """Versions, the last published first."""

    contexts: list[ContextModel]


class FileChange(BaseModel):
    """A file that differs between two versions; a hash is None where the file is not."""

    file: str
    one: str | None
    other: str | None


class ContextDiff(BaseModel):
    """Two versions of a context, file by file."""

    name: str
    one: ContextModel
    other: ContextModel
    same: bool
    files: list[FileChange]


def _model(row: Published) -> ContextModel:
    return ContextModel.model_validate(asdict(row))


@router.post(
    "/contexts",
    status_code=201,
    summary="Publish a context",
    responses=answers(400, 401, 403, 409),
    openapi_extra=needs(DESIGNERS)
    | {
        "requestBody": {
            "content": {"multipart/form-data": {"schema": {"type": "object", "properties": FORM}}}
        }
    },
)
async def publish_context(
    request: Request, response: Response, caller: Designer, services: Services
) -> ContextModel:
    """Name and version stand in the context; a version that is there already never changes.

    The topics that it delivers to are made on the bus.
    """
    async with receive_form(request, services.settings.scratch) as form:
        tenant = one_tenant(caller, form.texts.get("tenant"))
        bundle = await bundle_of_form(form, limit=services.settings.max_bundle)
    if bundle is None:
        raise UsageError("send the context and its files", code=REFUSED_REQUEST)
    chosen = await checked(bundle)
    row = await stored(services, tenant, bundle)

    def unit(conn: Connection) -> Published:
        made = publish(conn, row, name=chosen.name, version=chosen.version, by=caller.name)
        data = {"version": chosen.version, "hash": chosen.hash}
        record(
            conn,
            tenant=tenant,
            actor=caller.name,
            action="context.publish",
            subject=chosen.name,
            data=data,
        )
        return made

    with suppress(UnavailableError):  # the bus makes what is missing before the first event, too
        await services.bus.ensure([out_topic(tenant, name) for name in chosen.topics])
    made = await services.ledger.do(unit)
    response.headers["Location"] = f"/api/v1/contexts/{made.name}"
    return _model(made)


@router.get(
    "/contexts",
    summary="List contexts",
    responses=answers(401, 403),
    openapi_extra=needs(READERS),
)
async def contexts(caller: Reader, services: Services, tenant: Tenant = None) -> ContextList:
    """All versions of all contexts by name."""
    scope = tenant_scope(caller, tenant)
    rows = await services.ledger.read(lambda conn: list_contexts(conn, tenant=scope))
    return ContextList(contexts=[_model(row) for row in rows])


@router.get(
    "/contexts/{name}",
    summary="List a context's versions",
    responses=answers(400, 401, 403, 404),
    openapi_extra=needs(READERS),
)
async def context(
    name: str, caller: Reader, services: Services, tenant: Tenant = None
) -> ContextList:
    """The last published first."""
    scope = one_tenant(caller, tenant)
    rows = await services.ledger.read(lambda conn: versions(conn, tenant=scope, name=name))
    return ContextList(contexts=[_model(row) for row in rows])


@router.get(
    "/contexts/{name}/bundle",
    summary="Fetch a context with its files",
    responses=answers(400, 401, 403, 404) | {200: {"content": {ZIP: {}}}},
    response_class=Response,
    openapi_extra=needs(READERS),
)
async def bundle(
    name: str, caller: Reader, services: Services, version: str = "", tenant: Tenant = None
) -> Response:
    """A zip whose bytes depend on the content only; without ``version`` the last published."""
    scope = one_tenant(caller, tenant)
    row = await services.ledger.read(
        lambda conn: get_context(conn, tenant=scope, name=name, version=version)
    )
    kept = await load(services, scope, row.hash)
    headers = {
        "Content-Disposition": f'attachment; filename="{_plain(row)}.zip"',
        "ETag": f'"{row.hash}"',
    }
    return Response(kept.to_zip(), media_type=ZIP, headers=headers)


@router.get(
    "/contexts/{name}/diff",
    summary="Compare two versions",
    responses=answers(400, 401, 403, 404),
    openapi_extra=needs(READERS),
)
async def diff(
    name: str,
    caller: Reader,
    services: Services,
    *,
    one: Annotated[str, Query(description="a version")],
    other: Annotated[str, Query(description="a version; default: the last published")] = "",
    tenant: Tenant = None,
) -> ContextDiff:
    """Say which files differ, by the hashes of their bytes."""
    scope = one_tenant(caller, tenant)

    def unit(conn: Connection) -> tuple[Published, Published]:
        first = get_context(conn, tenant=scope, name=name, version=one)
        return first, get_context(conn, tenant=scope, name=name, version=other)

    first, second = await services.ledger.read(unit)
    before = await _hashes(services, scope, first)
    after = await _hashes(services, scope, second)
    changes = [
        FileChange(file=file, one=before.get(file), other=after.get(file))
        for file in sorted(before.keys() | after.keys())
        if before.get(file) != after.get(file)
    ]
    return ContextDiff(
        name=name,
        one=_model(first),
        other=_model(second),
        same=first.hash == second.hash,
        files=changes,
    )


def _plain(row: Published) -> str:
    """Name a download in characters that a header may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", f"{row.name}-{row.version}")


async def _hashes(services: Gateway, tenant: str, row: Published) -> dict[str, str]:
    kept = await load(services, tenant, row.hash)
    return {
        name: f"sha256:{hashlib.sha256(content).hexdigest()}"
        for name, content in kept.files.items()
    }
