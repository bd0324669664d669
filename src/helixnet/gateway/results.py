"""What a run gave: its documents in order, and the records that were set aside."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from helixnet.engine.output import json_string
from helixnet.errors import NotFoundError, UnavailableError
from helixnet.gateway.access import READERS, Reader, needs, tenant_scope
from helixnet.gateway.finding import find_job
from helixnet.gateway.models import SHOWN
from helixnet.gateway.options import INLINE_BYTES, Gateway, Services
from helixnet.gateway.paging import Cursor, Limit, link_next, position
from helixnet.gateway.problems import answers
from helixnet.ledger import fixes
from helixnet.ledger.finish import PartOutput, outputs
from helixnet.ledger.parts import Output
from helixnet.ledger.queries import JobDetail, RejectRow, RunRow, list_rejects
from helixnet.ports import ObjectRef

router = APIRouter(prefix="/api/v1", tags=["results"])

NDJSON: Final = "application/x-ndjson"
_PAGE: Final = 50  # parts asked of the ledger at once: each may bring 2 * 64 KiB
_exact: Final = msgspec.json.Encoder(decimal_format="number")
RunNumber = Annotated[int | None, Query(ge=1, alias="run", description="default: the current one")]
_LINES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {NDJSON: {}}, "description": "one JSON document a line"}
}
_REJECTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "samples as JSON, or every reject as NDJSON (by Accept)",
        "content": {
            NDJSON: {},
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"rejects": {"type": "array", "items": {"type": "object"}}},
                }
            },
        },
    }
}


def run_of(detail: JobDetail, number: int | None) -> RunRow:
    """Return a run of a job, the current one by default.

    Raises:
        NotFoundError: the job has no such run.
    """
    wanted = detail.job.run if number is None else number
    for run in detail.runs:
        if run.run == wanted:
            return run
    raise NotFoundError(f"job {detail.job.job} has no run {wanted}")


async def _parts(services: Gateway, run: RunRow) -> AsyncIterator[PartOutput]:
    after = -1
    while True:
        start = after
        page = await services.ledger.read(
            lambda conn, start=start: outputs(conn, run.run_id, after=start, limit=_PAGE)
        )
        for part in page:
            yield part
            after = part.number
        if len(page) < _PAGE:
            return


async def _blocks(
    services: Gateway, output: Output, start: int = 0, end: int | None = None
) -> AsyncIterator[bytes]:
    if output.inline is not None:
        if output.inline:
            yield output.inline[start:end]
    elif output.key:
        ref = ObjectRef(output.key, output.version, output.size)
        try:
            async for block in services.store.read(ref, start, end):
                yield block
        except NotFoundError as error:
            raise UnavailableError(f"{output.key} is missing in the store") from error


def outputs_of(run: RunRow) -> list[str]:
    """Return the names of a finished run's outputs; none where the only one has no name."""
    return [output["name"] for output in (run.manifest or {}).get("outputs", ())]


async def documents_of(services: Gateway, run: RunRow, output: str = "") -> AsyncIterator[bytes]:
    """Yield a run's result, part after part.

    With named outputs the documents of ``output``; without, those of one output after those of
    the other, each line an object of ``output`` and ``document``.
    """
    names = outputs_of(run)
    for number, name in enumerate(names or [""]):
        if output and name != output:
            continue
        own = _slices(services, run, number)
        async for block in own if output or not name else _named(name, own):
            yield block


async def _slices(services: Gateway, run: RunRow, number: int) -> AsyncIterator[bytes]:
    async for part in _parts(services, run):
        own = part.slices[number]
        if own.size:
            async for block in _blocks(services, part.documents, own.start, own.end):
                yield block


async def _named(name: str, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Turn documents into objects of ``output`` and ``document``, line by line."""
    head, rest = f'{{"output":{json_string(name)},"document":'.encode(), b""
    async for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        if lines:
            yield b"".join(head + line + b"}\n" for line in lines)


async def rejects_of(services: Gateway, run: RunRow) -> AsyncIterator[bytes]:
    """Yield every reject of a run as NDJSON, in file order."""
    async for part in _parts(services, run):
        async for block in _blocks(services, part.rejects):
            yield block


async def reject_lines(services: Gateway, run: RunRow) -> AsyncIterator[dict[str, Any]]:
    """Yield every reject of a run as an object, line by line, in bounded memory."""
    rest = b""
    async for block in rejects_of(services, run):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield msgspec.json.decode(line)


async def _streaming(blocks: AsyncIterator[bytes]) -> StreamingResponse:
    """Answer with a stream whose first block is there: what fails before it is a problem."""
    first = await anext(blocks, b"")

    async def whole() -> AsyncIterator[bytes]:
        if first:
            yield first
        async for block in blocks:
            yield block

    return StreamingResponse(whole(), media_type=NDJSON)


async def small_result(services: Gateway, detail: JobDetail) -> str | None:
    """Return the current run's result when it is at most 64 KiB, else None."""
    run = run_of(detail, None)
    if run.state not in SHOWN or run.results_gone:
        return None
    size = 0
    async for part in _parts(services, run):
        size += part.documents.size
        if size > INLINE_BYTES:
            return None
    return b"".join([block async for block in documents_of(services, run)]).decode()


@router.get(
    "/jobs/{job_id}/result",
    summary="Read the result",
    responses=answers(401, 403, 404) | _LINES,
    response_class=StreamingResponse,
    openapi_extra=needs(READERS),
)
async def result(
    job_id: str,
    caller: Reader,
    services: Services,
    number: RunNumber = None,
    output: Annotated[str, Query(description="only the documents of this output")] = "",
) -> StreamingResponse:
    """NDJSON: the documents of a finished run in the order of their records.

    Where the context has ``outputs``, those of one after those of the other, each line an object
    of ``output`` and ``document``; with ``output=NAME`` the documents of that one as they are.
    """
    detail = await find_job(services, caller, job_id)
    run = run_of(detail, number)
    if run.state not in SHOWN:
        raise NotFoundError(f"run {run.run} of job {job_id} has no result: it is {run.state}")
    if run.results_gone:
        raise NotFoundError(f"the result of job {job_id} is no longer kept")
    if output and output not in outputs_of(run):
        known = ", ".join(outputs_of(run)) or "none: its only output has no name"
        raise NotFoundError(f"job {job_id} has no output {output[:80]!r}; there is {known}")
    return await _streaming(documents_of(services, run, output))


@router.get(
    "/jobs/{job_id}/rejects",
    summary="Read a job's rejects",
    responses=answers(400, 401, 403, 404) | _REJECTS,
    response_class=Response,
    openapi_extra=needs(READERS),
)
async def rejects(  # noqa: PLR0913 - each filter is a query parameter
    request: Request,
    job_id: str,
    caller: Reader,
    services: Services,
    *,
    number: RunNumber = None,
    code: str = "",
    record: Annotated[int | None, Query(ge=1, description="one record of the file")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """The first 100 as JSON in pages; all of them as NDJSON with ``Accept: application/x-ndjson``.

    A ``record`` is found among all of them.
    """
    detail = await find_job(services, caller, job_id)
    run = run_of(detail, number)
    if run.rejects_gone:
        raise NotFoundError(f"the rejects of job {job_id} are no longer kept")
    if NDJSON in request.headers.get("accept", ""):
        return await _streaming(rejects_of(services, run))
    if record is not None:
        taken = await services.ledger.read(lambda conn: fixes.taken(conn, run_id=run.run_id))
        went_on = {"child": taken[record]} if record in taken else {}
        return exact({"rejects": [r | went_on async for r in _lines(services, run, record)]})
    after = position(cursor) or 0
    rows = await services.ledger.read(
        lambda conn: list_rejects(
            conn,
            tenant=detail.job.tenant,
            job=job_id,
            run=run.run,
            code=code,
            after=after,
            limit=limit + 1,
        )
    )
    return _page(request, rows, limit)


@router.get(
    "/rejects",
    summary="Read rejects of all jobs",
    responses=answers(400, 401, 403) | _REJECTS,
    response_class=Response,
    openapi_extra=needs(READERS),
)
async def all_rejects(
    request: Request,
    caller: Reader,
    services: Services,
    *,
    code: str = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Samples: the first 100 of each run, the newest first."""
    tenant, after = tenant_scope(caller), position(cursor) or 0
    rows = await services.ledger.read(
        lambda conn: list_rejects(
            conn, tenant=tenant, code=code, after=after, newest=True, limit=limit + 1
        )
    )
    return _page(request, rows, limit)


async def _lines(services: Gateway, run: RunRow, record: int) -> AsyncIterator[dict[str, Any]]:
    """Yield the rejects of one record."""
    async for reject in reject_lines(services, run):
        if reject["record"] == record:
            yield reject


def _page(request: Request, rows: list[RejectRow], limit: int) -> Response:
    shown = rows[:limit]
    answer = exact({"rejects": [_sample(row) for row in shown]})
    if len(rows) > limit:
        link_next(request, answer, shown[-1].id)
    return answer


def _sample(row: RejectRow) -> dict[str, Any]:
    went_on = {"child": row.child} if row.child else {}
    return {"job_id": row.job, "run": row.run} | row.reject | went_on


def exact(document: object, status: int = 200) -> Response:
    """Answer JSON whose numbers keep every digit."""
    return Response(_exact.encode(document), status, media_type="application/json")
