"""Routes of what goes on: rejects as a file, corrected ones, and the same ones again."""

import hashlib
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from helixnet.errors import ConflictError, UsageError
from helixnet.gateway.access import OPERATORS, READERS, Operator, Reader, needs
from helixnet.gateway.finding import find_job
from helixnet.gateway.fixing import (
    MOST_BYTES,
    MOST_RECORDS,
    Picked,
    Sent,
    Wish,
    fixable_run,
    pick,
    raw_file,
    send_on,
)
from helixnet.gateway.forms import content_of, receive_form
from helixnet.gateway.options import Gateway, Services
from helixnet.gateway.problems import REFUSED_REQUEST, answers
from helixnet.gateway.uploads import Key
from helixnet.jobs import RunState
from helixnet.ledger import arrivals
from helixnet.ledger.arrivals import Accepted
from helixnet.ledger.queries import JobDetail

router = APIRouter(prefix="/api/v1", tags=["results"])
Records = Annotated[
    list[int] | None,
    Query(alias="record", description="default: all open ones that their rejects hold whole"),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="ETag of the raw file")]
_BINARY: Final = {"type": "string", "format": "binary"}
_RAW: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "a file of the source's own format; `X-Helix-Left-Open` counts the rest",
        "content": {"application/octet-stream": {"schema": _BINARY}},
    }
}


class Again(BaseModel):
    """Which rejects go on, and how."""

    model_config = ConfigDict(extra="forbid")
    records: list[int] = Field(
        default_factory=list,
        max_length=MOST_RECORDS,
        description="numbers in the parent's file; default: all open ones",
    )
    context: str = Field(default="", description="another published context, name[@version]")
    deliver: Literal["", "none", "all"] = Field(
        default="", description="default: as the parent's run"
    )


class Corrected(Again):
    """Corrected rejects, as a file of the source's own format."""

    content: str


class ChildAccepted(BaseModel):
    """A child job that is durable now."""

    job_id: str
    run: int
    state: RunState
    created: bool = Field(description="false when the Idempotency-Key made it a repeat")
    job_url: str
    parent: str
    parent_run: int
    records: int = Field(description="rejects that it has taken; 0 in a repeat")
    left_open: int = Field(description="open rejects that are not among them")
    more: bool = Field(description="whether some of those can go on: there were too many for one")


@router.get(
    "/jobs/{job_id}/rejects.raw",
    summary="Read the rejected records as a file",
    responses=answers(400, 401, 403, 404, 409) | _RAW,
    response_class=Response,
    openapi_extra=needs(READERS),
)
async def raw(job_id: str, caller: Reader, services: Services, records: Records = None) -> Response:
    """What is to be corrected: the header or envelope of the file, and its open rejects."""
    detail = await find_job(services, caller, job_id)
    filed, source, picked = await pick(services, detail, fixable_run(detail), records or ())
    content = await raw_file(services, filed, source, picked)
    headers = {"ETag": _tag(detail, picked), "X-Helix-Left-Open": str(picked.left_open)}
    return Response(content, headers=headers, media_type="application/octet-stream")


@router.post(
    "/jobs/{job_id}/rejects/requeue",
    status_code=201,
    summary="Send rejects on as they are",
    responses=answers(400, 401, 403, 404, 409),
    openapi_extra=needs(OPERATORS),
)
async def requeue(
    job_id: str,
    caller: Operator,
    services: Services,
    *,
    sent: Again | None = None,
    key: Key = None,
) -> ChildAccepted:
    """Make a child job of the same records, as after a correction of the context."""
    detail = await find_job(services, caller, job_id)
    sent = sent or Again()
    wish = _wish("requeue", sent, key, detail, "")
    if known := await _repeated(services, detail, wish):
        return _answer(detail, known, None)
    filed, source, picked = await pick(services, detail, fixable_run(detail), sent.records)
    content = await raw_file(services, filed, source, picked)
    accepted = await send_on(services, caller, filed, Sent(picked.records, content), wish)
    return _answer(detail, accepted, picked)


@router.post(
    "/jobs/{job_id}/rejects/fix",
    status_code=201,
    summary="Send corrected rejects on",
    responses=answers(400, 401, 403, 404, 409, 413),
    openapi_extra=needs(OPERATORS)
    | {
        "requestBody": {
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "content_file": _BINARY,
                            "records": {"type": "string", "description": "numbers, by commas"},
                            "context": {"type": "string"},
                            "deliver": {"enum": ["none", "all"]},
                        },
                    }
                },
                "application/json": {"schema": Corrected.model_json_schema()},
            }
        }
    },
)
async def fix(
    request: Request,
    job_id: str,
    caller: Operator,
    services: Services,
    *,
    key: Key = None,
    match: IfMatch = None,
) -> ChildAccepted:
    """Make a child job of a corrected file: it must hold as many records as it takes rejects.

    Positions in the child's errors are those of the child's own file.
    """
    detail = await find_job(services, caller, job_id)
    sent, content = await _corrected(request, services)
    wish = _wish("fix", sent, key, detail, hashlib.sha256(content).hexdigest())
    if known := await _repeated(services, detail, wish):
        return _answer(detail, known, None)
    filed, _, picked = await pick(services, detail, fixable_run(detail), sent.records)
    if match is not None and match != _tag(detail, picked):
        raise ConflictError("other rejects are open by now", hint="read the raw file again")
    accepted = await send_on(services, caller, filed, Sent(picked.records, content), wish)
    return _answer(detail, accepted, picked)


async def _corrected(request: Request, services: Gateway) -> tuple[Again, bytes]:
    """Read the form, or the JSON body."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    try:
        if kind == "application/json":
            sent = Corrected.model_validate_json(await request.body())
            return sent, sent.content.encode()
        async with receive_form(request, services.settings.scratch) as form:
            files = form.named("content_file")
            if len(files) != 1:
                raise UsageError("give one content_file", code=REFUSED_REQUEST)
            said = dict(form.texts)
            numbers = [number for number in said.pop("records", "").split(",") if number.strip()]
            sent = Again.model_validate(said | {"records": numbers})
            return sent, await content_of(files[0], limit=MOST_BYTES)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{where}: {first['msg']}", code=REFUSED_REQUEST) from error


def _wish(action: str, sent: Again, key: str | None, detail: JobDetail, content: str) -> Wish:
    said = (action, detail.job.job, sorted(sent.records), sent.context, sent.deliver, content)
    digest = hashlib.sha256(msgspec.json.encode(said)).hexdigest()
    return Wish(
        action=action,
        context=sent.context,
        deliver=sent.deliver,
        idempotency_key=key or "",
        fingerprint=digest,
    )


async def _repeated(services: Gateway, detail: JobDetail, wish: Wish) -> Accepted | None:
    if not wish.idempotency_key:
        return None

    def unit(conn: Connection) -> Accepted | None:
        return arrivals.repeated(
            conn,
            tenant=detail.job.tenant,
            key=wish.idempotency_key,
            fingerprint=wish.fingerprint,
        )

    return await services.ledger.read(unit)


def _tag(detail: JobDetail, picked: Picked) -> str:
    """Name a choice of rejects (RFC 9110, 8.8.3)."""
    said = (detail.job.job, detail.job.run, picked.records)
    return f'"{hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:32]}"'


def _answer(detail: JobDetail, accepted: Accepted, picked: Picked | None) -> ChildAccepted:
    return ChildAccepted(
        job_id=accepted.job,
        run=accepted.run,
        state=accepted.state,
        created=accepted.created,
        job_url=f"/api/v1/jobs/{accepted.job}",
        parent=detail.job.job,
        parent_run=detail.job.run,
        records=len(picked.records) if picked and accepted.created else 0,
        left_open=picked.left_open if picked else 0,
        more=picked is not None and picked.more,
    )
