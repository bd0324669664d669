"""Routes of dead letters: records of the bus that are no events, and putting them back."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from helixnet.errors import NotFoundError
from helixnet.gateway.access import ADMINS, Admin, needs
from helixnet.gateway.options import Services
from helixnet.gateway.paging import Cursor, Limit, link_next, position
from helixnet.gateway.problems import answers
from helixnet.ledger.audit import record
from helixnet.ledger.dead import Buried, content, get_letter, list_letters, requeue
from helixnet.ports import Identity

router = APIRouter(prefix="/api/v1", tags=["dead letters"])

_BASE64: Final = "in base64; null as the bus had it"


class LetterModel(BaseModel):
    """A record that is no event."""

    id: str
    topic: str = Field(description="where it came from")
    partition: int
    offset: int
    error: str = Field(description="in one word what is wrong with it")
    reason: str
    size: int = Field(description="bytes of its value")
    time: str = Field(description="when it was kept")
    requeued: str = Field(description="when it was put back; empty when it was not")
    requeued_by: str


class LetterDetailModel(LetterModel):
    """A record that is no event, whole."""

    key: str | None = Field(description=_BASE64)
    value: str | None = Field(description=_BASE64)
    headers: list[tuple[str, str | None]] = Field(description="name, and value in base64")


class LetterPage(BaseModel):
    """A page of letters, newest first."""

    letters: list[LetterModel]


def _fields(kept: Buried) -> dict[str, Any]:
    letter = kept.letter
    return {
        "id": letter.id,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "error": letter.error,
        "reason": letter.reason,
        "size": len(letter.value or b""),
        "time": kept.time,
        "requeued": kept.requeued,
        "requeued_by": kept.by,
    }


def _detail(kept: Buried) -> LetterDetailModel:
    return LetterDetailModel.model_validate(_fields(kept) | content(kept.letter))


def _seen_by(caller: Identity, letter_id: str) -> None:
    """Let pass who speaks for no tenant: whose a letter is can't be read."""
    if caller.tenant:
        raise NotFoundError(f"there is no dead letter {letter_id[:100]}")


@router.get(
    "/dead",
    summary="List dead letters",
    responses=answers(400, 401, 403),
    openapi_extra=needs(ADMINS),
)
async def dead(  # noqa: PLR0913 - each filter is a query parameter
    request: Request,
    response: Response,
    caller: Admin,
    services: Services,
    *,
    topic: Annotated[str, Query(description="where they came from; empty is everywhere")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> LetterPage:
    """What could not be decoded; an admin of one tenant sees none: they name no tenant."""
    before = position(cursor)
    rows = (
        []
        if caller.tenant
        else await services.ledger.read(
            lambda conn: list_letters(conn, topic=topic, before=before, limit=limit + 1)
        )
    )
    if len(rows) > limit:
        link_next(request, response, rows[limit - 1].number)
    return LetterPage(letters=[LetterModel.model_validate(_fields(row)) for row in rows[:limit]])


@router.get(
    "/dead/{letter_id}",
    summary="Show a dead letter",
    responses=answers(401, 403, 404),
    openapi_extra=needs(ADMINS),
)
async def dead_letter(letter_id: str, caller: Admin, services: Services) -> LetterDetailModel:
    """With its bytes."""
    _seen_by(caller, letter_id)
    return _detail(await services.ledger.read(lambda conn: get_letter(conn, letter_id)))


@router.post(
    "/dead/{letter_id}/requeue",
    status_code=202,
    summary="Put a dead letter back",
    responses=answers(401, 403, 404, 409),
    openapi_extra=needs(ADMINS),
)
async def requeue_letter(letter_id: str, caller: Admin, services: Services) -> LetterDetailModel:
    """The record goes to its topic as it was, once: a second time answers 409."""
    _seen_by(caller, letter_id)

    def unit(conn: Connection) -> Buried:
        kept = requeue(conn, letter_id, by=caller.name)
        data = {name: getattr(kept.letter, name) for name in ("topic", "partition", "offset")}
        record(
            conn,
            tenant=caller.tenant,
            actor=caller.name,
            action="dead.requeue",
            subject=letter_id,
            data=data,
        )
        return kept

    return _detail(await services.ledger.do(unit))
