"""The OpenAPI document, whose way to log in is the one that the issuer offers now."""

from contextlib import suppress
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from helixnet.errors import UnavailableError
from helixnet.gateway.access import FORM_PATH, SCHEME
from helixnet.gateway.options import Services
from helixnet.gateway.signing_in import Methods, methods

_PASTED: Final = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def document(request: Request, services: Services) -> JSONResponse:
    """Describe the interface; while the issuer is down, its ways to log in are left out."""
    described: dict[str, Any] = request.app.openapi()
    components = described["components"] | {"securitySchemes": {SCHEME: await _scheme(services)}}
    return JSONResponse(described | {"components": components})


async def _scheme(services: Services) -> dict[str, Any]:
    flows: dict[str, Any] = {}
    if services.settings.password_form:
        flows["password"] = {"tokenUrl": FORM_PATH, "scopes": {}}
    with suppress(UnavailableError):  # what the server itself offers is described all the same
        flows |= _code_flow(await methods(services))
    return {"type": "oauth2", "flows": flows} if flows else dict(_PASTED)


def _code_flow(found: Methods) -> dict[str, Any]:
    """Describe the authorization code flow (RFC 6749, 4.1), where the issuer has it."""
    if not found.authorization_endpoint:
        return {}
    addresses = {
        "authorizationUrl": found.authorization_endpoint,
        "tokenUrl": found.token_endpoint,
        "refreshUrl": found.token_endpoint,
    }
    return {"authorizationCode": addresses | {"scopes": {}}}
