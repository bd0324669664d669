"""Every error as ``application/problem+json`` (RFC 9457), whoever raised it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from helixnet import errors
from helixnet.engine.codes import CODES
from helixnet.engine.context.model import ContextProblem

MEDIA_TYPE: Final = "application/problem+json"
REFUSED_REQUEST: Final = "HX-7005"
TOO_LARGE: Final = "HX-7003"

# The first class that fits decides; the tree is drawn in errors.py.
_STATUS: Final[tuple[tuple[type[errors.HelixNetError], HTTPStatus], ...]] = (
    (errors.TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.UsageError, HTTPStatus.BAD_REQUEST),
    (errors.UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.UnauthenticatedError, HTTPStatus.UNAUTHORIZED),
    (errors.ForbiddenError, HTTPStatus.FORBIDDEN),
    (errors.NotFoundError, HTTPStatus.NOT_FOUND),
    (errors.ConflictError, HTTPStatus.CONFLICT),
    (errors.RejectedError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.RefusedError, HTTPStatus.UNPROCESSABLE_ENTITY),
)
_HEADERS: Final[dict[int, dict[str, str]]] = {
    401: {"WWW-Authenticate": 'Bearer realm="helixnet"'},
    503: {"Retry-After": "1"},
}
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "HX-####, see the error reference"},
        "hint": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


@dataclass(frozen=True, slots=True)
class Problem:
    """The members of a problem document; what is empty is left out."""

    status: int
    detail: str
    code: str = ""
    hint: str = ""
    errors: Sequence[Mapping[str, object]] = ()

    def response(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        """Make the answer; ``path`` is the instance."""
        document: dict[str, object] = {
            "type": f"urn:helixnet:error:{self.code}" if self.code else "about:blank",
            "title": CODES[self.code].title if self.code in CODES else _phrase(self.status),
            "status": self.status,
            "detail": self.detail,
            "instance": path,
        }
        more = {"code": self.code, "hint": self.hint, "errors": list(self.errors)}
        document |= {name: value for name, value in more.items() if value}
        return Response(
            json.dumps(document),
            self.status,
            _HEADERS.get(self.status, {}) | dict(headers or {}),
            MEDIA_TYPE,
        )


def problem_of(error: errors.HelixNetError) -> Problem:
    """Say an error of ours as a problem."""
    status = next((s for kind, s in _STATUS if isinstance(error, kind)), 500)
    if isinstance(error, errors.ContextError):
        found = [_context_problem(item) for item in error.problems]
        count = len(found)
        detail = f"the context has {count} problem{'s' if count != 1 else ''}"
        return Problem(status, detail, hint="helixnet check shows the same", errors=found)
    return Problem(status, str(error), error.code, error.hint)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI ``responses`` of a route: every status with which it may refuse."""
    content = {MEDIA_TYPE: {"schema": _SCHEMA}}
    return {
        status: {"description": _phrase(status), "content": content}
        for status in sorted({*statuses, 413, 422, 500, 503})
    }


def install(app: FastAPI) -> None:
    """Answer every kind of error in one form."""
    app.add_exception_handler(errors.HelixNetError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


def _context_problem(item: object) -> Mapping[str, object]:
    if not isinstance(item, ContextProblem):
        return {"message": str(item)}
    return {
        "code": item.code,
        "message": item.message,
        "severity": item.severity,
        "file": item.mark.file,
        "line": item.mark.line,
        "column": item.mark.column,
    } | ({"hint": item.hint} if item.hint else {})


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.HelixNetError):
        raise error
    return problem_of(error).response(request.url.path)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = TOO_LARGE if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else ""
    shown = Problem(error.status_code, str(error.detail), code)
    return shown.response(request.url.path, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [_pointed(item) for item in cast("Sequence[Mapping[str, Any]]", error.errors())]
    detail = "; ".join(
        f"{item.get('parameter', item.get('pointer'))}: {item['message']}" for item in found[:3]
    )
    return Problem(422, detail, REFUSED_REQUEST, errors=found).response(request.url.path)


def _pointed(item: Mapping[str, Any]) -> dict[str, object]:
    """Say where: a JSON pointer into the body (RFC 6901), or the name of a parameter."""
    place, *path = [str(step) for step in item["loc"]]
    if place == "body":
        steps = [step.replace("~", "~0").replace("/", "~1") for step in path]
        return {"pointer": "".join(f"/{step}" for step in steps), "message": str(item["msg"])}
    return {"in": place, "parameter": "/".join(path), "message": str(item["msg"])}


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
