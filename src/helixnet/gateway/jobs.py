"""Routes of jobs: list, show, cancel, run again."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Final, cast
from urllib.parse import parse_qsl

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime
from sqlalchemy import Connection

from helixnet.errors import UsageError
from helixnet.gateway.access import OPERATORS, READERS, Operator, Reader, needs, tenant_scope
from helixnet.gateway.bundles import bundle_of_form, checked, stored
from helixnet.gateway.chosen import Chosen, published
from helixnet.gateway.finding import find_job
from helixnet.gateway.forms import receive_form
from helixnet.gateway.models import Family, JobDetailModel, JobPage, detail_model, job_model
from helixnet.gateway.options import ENGINE, Gateway, Services
from helixnet.gateway.paging import Cursor, Limit, link_next, position
from helixnet.gateway.problems import REFUSED_REQUEST, answers
from helixnet.gateway.results import exact, run_of, small_result
from helixnet.jobs import OPEN, RunState
from helixnet.ledger import fixes, replays, runs
from helixnet.ledger.audit import record
from helixnet.ledger.contexts import StoredBundle, find_bundle, keep_bundle
from helixnet.ledger.inputs import tenant_values
from helixnet.ledger.operation import part_faults
from helixnet.ledger.queries import JobDetail, JobFilter, job_detail, list_jobs
from helixnet.ledger.replays import Again
from helixnet.ports import Identity

router = APIRouter(prefix="/api/v1", tags=["jobs"])
MICRO: Final = 1_000_000
TRACES: Final = frozenset({"operator", "admin"})  # who may read a traceback
Deliver = Annotated[str, Query(pattern="^(none|changed|all)$")]
TenantInputs = Annotated[
    str,
    Query(
        pattern="^(kept|present)$",
        description="the tenant's values for inputs: those of the last run, or those of now",
    ),
]


def microseconds(moment: datetime | None) -> int | None:
    """Return a moment as the ledger counts it."""
    return None if moment is None else round(moment.astimezone(UTC).timestamp() * MICRO)


@router.get(
    "/jobs",
    summary="List jobs",
    responses=answers(400, 401, 403),
    openapi_extra=needs(READERS),
)
async def jobs(  # noqa: PLR0913 - each filter is a query parameter
    request: Request,
    response: Response,
    caller: Reader,
    services: Services,
    *,
    state: Annotated[list[RunState] | None, Query()] = None,
    flow: str = "",
    context: str = "",
    source: str = "",
    parent: str = "",
    text: Annotated[str, Query(description="part of the file name")] = "",
    since: Annotated[AwareDatetime | None, Query(description="accepted at or after")] = None,
    until: Annotated[AwareDatetime | None, Query(description="accepted before")] = None,
    tenant: Annotated[str | None, Query(description="for an admin without tenant only")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobPage:
    """Newest first; the Link header leads to the next page."""
    wanted = JobFilter(
        tenant=tenant_scope(caller, tenant),
        states=state or (),
        flow=flow,
        context=context,
        source=source,
        parent=parent,
        text=text,
        since=microseconds(since),
        until=microseconds(until),
    )
    before = position(cursor)
    rows = await services.ledger.read(
        lambda conn: list_jobs(conn, wanted, before=before, limit=limit + 1)
    )
    if len(rows) > limit:
        link_next(request, response, rows[limit - 1].no)
    traces = not caller.roles.isdisjoint(TRACES)
    return JobPage(jobs=[job_model(row, traces=traces) for row in rows[:limit]])


@router.get(
    "/jobs/{job_id}",
    response_model=JobDetailModel,
    summary="Show a job",
    responses=answers(401, 403, 404),
    openapi_extra=needs(READERS),
)
async def job(job_id: str, caller: Reader, services: Services) -> Response:
    """State, counts, errors, runs, deliveries, and the result itself while it is small."""
    detail = await find_job(services, caller, job_id)
    return await _shown(services, caller, detail)


async def _shown(
    services: Gateway, caller: Identity, detail: JobDetail, *, status: int = 200
) -> Response:
    run = run_of(detail, None)
    result = await small_result(services, detail)
    faults = []
    if run.state is RunState.FAILED or run.state in OPEN:
        faults = await services.ledger.read(lambda conn: part_faults(conn, run_id=run.run_id))
    family = await services.ledger.read(lambda conn: _family(conn, detail, run.run_id))
    shown = detail_model(detail, result, faults, family, traces=not caller.roles.isdisjoint(TRACES))
    return exact(shown.model_dump(), status)


def _family(conn: Connection, detail: JobDetail, run_id: int) -> Family:
    return Family(
        fixes.children(conn, tenant=detail.job.tenant, job=detail.job.job),
        fixes.count_taken(conn, run_id=run_id),
    )


async def _again(
    services: Gateway, caller: Identity, detail: JobDetail, *, status: int = 200
) -> Response:
    fresh = await services.ledger.read(
        lambda conn: job_detail(conn, tenant=detail.job.tenant, job=detail.job.job)
    )
    return await _shown(services, caller, fresh, status=status)


@router.post(
    "/jobs/{job_id}/cancel",
    response_model=JobDetailModel,
    summary="Cancel a job",
    responses=answers(401, 403, 404, 409),
    openapi_extra=needs(OPERATORS),
)
async def cancel(job_id: str, caller: Operator, services: Services) -> Response:
    """End the open run CANCELLED, for good: whatever its workers still do no longer counts."""
    detail = await find_job(services, caller, job_id)
    tenant = detail.job.tenant

    def unit(conn: Connection) -> None:
        runs.cancel(conn, tenant=tenant, job=job_id, by=caller.name)
        record(conn, tenant=tenant, actor=caller.name, action="job.cancel", subject=job_id)

    await services.ledger.do(unit)
    services.metrics.count("helixnet_runs_finished_total", state=RunState.CANCELLED)
    return await _again(services, caller, detail)


@router.post(
    "/jobs/{job_id}/rerun",
    response_model=JobDetailModel,
    status_code=202,
    summary="Run a job again",
    responses=answers(400, 401, 403, 404, 409),
    openapi_extra=needs(OPERATORS)
    | {
        "requestBody": {
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "context": {
                                "type": "string",
                                "description": "published name, name@version or hash",
                            }
                        },
                    }
                }
            }
        }
    },
)
async def rerun(
    request: Request,
    job_id: str,
    caller: Operator,
    services: Services,
    *,
    deliver: Deliver = "none",
    tenant_inputs: TenantInputs = "kept",
) -> Response:
    """Make a new run, with the same context or another one: published, or sent as a form.

    Nothing is delivered unless ``deliver`` says so. Values of inputs stay those of the last run,
    so that the same context gives the same bytes, unless ``tenant_inputs`` asks for the present.
    """
    detail = await find_job(services, caller, job_id)
    tenant = detail.job.tenant
    reference, bundle, sent = await _new_context(request, services, tenant)

    def unit(conn: Connection) -> None:
        chosen = sent
        if bundle is not None:
            keep_bundle(conn, bundle)
        elif reference:
            chosen = named_context(conn, tenant, reference)
        again = again_with(chosen, deliver=deliver, by=caller.name)
        if tenant_inputs == "present":
            again = replace(again, tenant_inputs=tenant_values(conn, tenant))
        run = replays.rerun(conn, tenant=tenant, job=job_id, again=again)
        data = {
            "run": run,
            "context_hash": again.context_hash,
            "deliver": deliver,
            "tenant_inputs": tenant_inputs,
        }
        record(
            conn, tenant=tenant, actor=caller.name, action="job.rerun", subject=job_id, data=data
        )

    await services.ledger.do(unit)
    return await _again(services, caller, detail, status=202)


async def _new_context(
    request: Request, services: Gateway, tenant: str
) -> tuple[str, StoredBundle | None, Chosen | None]:
    """Return the name of a published context, or a bundle that came along, or neither."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind == "multipart/form-data":
        async with receive_form(request, services.settings.scratch) as form:
            sent = await bundle_of_form(form, limit=services.settings.max_bundle)
        if sent is None:
            return form.texts.get("context", ""), None, None
        chosen = await checked(sent)
        return "", await stored(services, tenant, sent), chosen
    body = await request.body()
    try:
        given: object = (
            msgspec.json.decode(body)
            if kind == "application/json" and body
            else dict(parse_qsl(body.decode()))
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError("the body is not readable", code=REFUSED_REQUEST) from error
    if not isinstance(given, dict):
        raise UsageError("the body is not an object", code=REFUSED_REQUEST)
    return str(cast("dict[str, object]", given).get("context") or ""), None, None


def named_context(conn: Connection, tenant: str, reference: str) -> Chosen:
    """Find a context by ``name``, ``name@version`` or ``sha256:…``.

    Raises:
        NotFoundError: this tenant has none such.
    """
    if not reference.startswith("sha256:"):
        return published(conn, tenant, reference)
    find_bundle(conn, tenant=tenant, hash_=reference)
    return Chosen(reference, "", "")


def again_with(chosen: Chosen | None, *, deliver: str, by: str, trigger: str = "rerun") -> Again:
    """Say how runs are repeated: None keeps each run's own context."""
    return Again(
        context_hash=chosen.hash if chosen else "",
        context_name=chosen.name if chosen else "",
        context_version=chosen.version if chosen else "",
        deliver=deliver,
        trigger=trigger,
        by=by,
        engine=ENGINE,
    )
