"""``POST /jobs/upload``: a file with its context, or for a flow, becomes a durable job."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Final, cast

import msgspec
from fastapi import APIRouter, Header, Request, Response

from helixnet.crashpoints import reach
from helixnet.errors import UsageError
from helixnet.gateway.accepting import Context, Upload
from helixnet.gateway.access import OPERATORS, Operator, needs, one_tenant
from helixnet.gateway.bundles import bundle_of_bytes, bundle_of_form, checked, stored
from helixnet.gateway.forms import FilePart, Form, receive_form
from helixnet.gateway.models import Accepted
from helixnet.gateway.objects import (
    copy_object,
    file_name,
    find_object,
    forget,
    forgotten_when_refused,
    read_whole,
)
from helixnet.gateway.options import ENGINE, INLINE_BYTES, Gateway, Services
from helixnet.gateway.problems import REFUSED_REQUEST, answers
from helixnet.gateway.tracing import traced
from helixnet.ledger.arrivals import Arrival
from helixnet.ports import Identity, ObjectRef

router = APIRouter(prefix="/api/v1", tags=["jobs"])

_exact: Final = msgspec.json.Decoder(float_hook=Decimal)
_FILE: Final = {"type": "string", "format": "binary"}
FORM: Final[dict[str, Any]] = {
    "content_file": _FILE | {"description": "the file to map"},
    "content_key": {"type": "string", "description": "or a file in the store"},
    "context_file": _FILE | {"description": "the context, or a zip of it with its files"},
    "schema_file": _FILE | {"description": "the target schema that the context names"},
    "attachment": {"type": "array", "items": _FILE, "description": "further named files"},
    "bundle": _FILE | {"description": "or all of that as one zip"},
    "context_key": {"type": "string", "description": "or a context or zip in the store"},
    "context": {"type": "string", "description": "or a published one: name or name@version"},
    "flow": {"type": "string", "description": "or the flow that knows the context"},
    "inputs": {"type": "string", "description": "JSON object: values for the context's inputs"},
    "tenant": {"type": "string", "description": "for an admin without tenant only"},
}
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="the same key with the same upload makes one job, however often it is sent",
    ),
]


@router.post(
    "/jobs/upload",
    status_code=201,
    summary="Upload a file",
    responses=answers(400, 401, 403, 404, 409),
    openapi_extra=needs(OPERATORS)
    | {
        "requestBody": {
            "content": {"multipart/form-data": {"schema": {"type": "object", "properties": FORM}}}
        }
    },
)
async def upload(
    request: Request, response: Response, caller: Operator, services: Services, key: Key = None
) -> Accepted:
    """Answer 201 once the file is durable: from then on it reaches exactly one final state."""
    with traced("upload", request.headers) as traceparent:
        async with receive_form(request, services.settings.scratch) as form:
            tenant = one_tenant(caller, form.texts.get("tenant"))
            context = await _context(services, caller, tenant, form)
            arrival = Arrival(
                tenant=tenant,
                name="",
                size=0,
                inputs=_inputs(form),
                idempotency_key=key or "",
                submitted_by=caller.name,
                engine=ENGINE,
                traceparent=traceparent,
            )
            arrival = await _with_content(services, caller, form, arrival, context)
            accepted = await _accept(services, arrival, context)
    if accepted.created:
        services.metrics.count("helixnet_jobs_accepted_total", door="rest")
    response.headers["Location"] = accepted.job_url
    return accepted


async def _context(services: Gateway, caller: Identity, tenant: str, form: Form) -> Context:
    """Find out what maps the file; exactly one way must be given."""
    limit = services.settings.max_bundle
    flow, reference = form.texts.get("flow", ""), form.texts.get("context", "")
    object_key = form.texts.get("context_key", "")
    bundle = await bundle_of_form(form, limit=limit)
    if sum(map(bool, (flow, reference, object_key, bundle))) != 1:
        raise UsageError(
            "give one of context_file, bundle, context, context_key and flow",
            code=REFUSED_REQUEST,
        )
    if object_key:
        ref = await find_object(services, caller, tenant, object_key)
        bundle = await bundle_of_bytes(ref.key, await read_whole(services, ref, limit=limit))
    if bundle is None:
        return Context(flow, reference)
    chosen = await checked(bundle)
    return Context(bundle=await stored(services, tenant, bundle), chosen=chosen)


def _inputs(form: Form) -> Mapping[str, object]:
    try:
        values: object = _exact.decode(form.texts.get("inputs") or "{}")
    except msgspec.DecodeError as error:
        raise UsageError("inputs is not JSON", code=REFUSED_REQUEST) from error
    if not isinstance(values, dict):
        raise UsageError("inputs is not a JSON object", code=REFUSED_REQUEST)
    return cast("dict[str, object]", values)


async def _with_content(
    services: Gateway, caller: Identity, form: Form, arrival: Arrival, context: Context
) -> Arrival:
    """Put the file where the ledger's row will say that it is."""
    files = form.named("content_file")
    object_key = form.texts.get("content_key", "")
    if len(files) + bool(object_key) != 1:
        raise UsageError("give one content_file, or a content_key", code=REFUSED_REQUEST)
    if files:
        named = _fingerprinted(arrival, files[0].name, files[0].sha256, context)
        return await _from_form(services, named, files[0])
    ref = await find_object(services, caller, arrival.tenant, object_key)
    named = _fingerprinted(arrival, ref.key, f"{ref.key}@{ref.version}", context)
    return await _from_store(services, named, ref)


def _fingerprinted(arrival: Arrival, name: str, content: str, context: Context) -> Arrival:
    said = (content, name, context.identity, dict(arrival.inputs))
    digest = hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()
    return replace(arrival, name=file_name(name), fingerprint=digest)


async def _from_form(services: Gateway, arrival: Arrival, part: FilePart) -> Arrival:
    sized = replace(arrival, size=part.size, sha256=part.sha256)
    if part.path is None:
        return replace(sized, content=part.data)
    ref = await services.store.put_file(_work_key(sized), part.path)
    return replace(sized, key=ref.key, version=ref.version)


async def _from_store(services: Gateway, arrival: Arrival, ref: ObjectRef) -> Arrival:
    sized = replace(arrival, size=ref.size)
    if ref.size <= INLINE_BYTES:
        return replace(sized, content=await read_whole(services, ref, limit=INLINE_BYTES))
    kept = await copy_object(services, ref, _work_key(sized))
    return replace(sized, key=kept.key, version=kept.version)


def _work_key(arrival: Arrival) -> str:
    return f"work/{arrival.tenant}/{arrival.job}/{arrival.name}"


async def _accept(services: Gateway, arrival: Arrival, context: Context) -> Accepted:
    """Make the job; a file that is not needed after all is taken away again."""
    reach("gateway.stored")
    async with forgotten_when_refused(services, arrival.key):
        accepted, chosen = await services.acceptor.accept(Upload(arrival, context))
    reach("gateway.committed")
    if not accepted.created:
        await forget(services, arrival.key)
    return Accepted(
        job_id=accepted.job,
        run=accepted.run,
        state=accepted.state,
        created=accepted.created,
        job_url=f"/api/v1/jobs/{accepted.job}",
        context=chosen.name,
        context_version=chosen.version,
        context_hash=chosen.hash,
    )
