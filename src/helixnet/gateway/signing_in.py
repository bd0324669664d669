"""Routes of identity: token, who am I, and the embedded issuer's discovery and keys."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel, Field

from helixnet.gateway.access import READERS, Caller, Reader, needs
from helixnet.gateway.options import Services
from helixnet.gateway.problems import answers

router = APIRouter(prefix="/api/v1", tags=["identity"])
issuer_router = APIRouter(tags=["identity"])


class Token(BaseModel):
    """A token response (RFC 6749, 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str = ""


class User(BaseModel):
    """Who the token speaks for."""

    id: str
    name: str
    tenant: str = Field(description="empty for an admin without tenant")
    roles: list[str]
    expires: int = Field(description="UNIX seconds")


class Protected(BaseModel):
    """Proof that a token was accepted."""

    message: str
    user: str


@router.post("/auth/token", summary="Exchange a password for a token", responses=answers(401))
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], services: Services, response: Response
) -> Token:
    """Password form of OAuth 2.0; the demo users exist on a loopback-bound server only."""
    issued = await services.identity.password(form.username, form.password)
    response.headers["Cache-Control"] = "no-store"
    return Token.model_validate(issued)


@router.get("/users/me", summary="Who am I", responses=answers(401))
async def me(caller: Caller) -> User:
    """Say what the token says: name, tenant, roles."""
    return User(
        id=caller.subject,
        name=caller.name,
        tenant=caller.tenant,
        roles=sorted(caller.roles),
        expires=caller.expires,
    )


@router.get(
    "/protected",
    summary="Try a token",
    responses=answers(401, 403),
    openapi_extra=needs(READERS),
)
async def protected(caller: Reader) -> Protected:
    """Answer only to a valid token with any role."""
    return Protected(message="the token is valid", user=caller.name)


@issuer_router.get(
    "/.well-known/openid-configuration", summary="OpenID metadata", responses=answers()
)
async def discovery(services: Services) -> dict[str, object]:
    """OpenID Connect Discovery 1.0 of the embedded issuer."""
    return dict(await services.identity.discovery())


@issuer_router.get("/.well-known/jwks.json", summary="Public keys", responses=answers())
async def keys(services: Services) -> dict[str, object]:
    """JSON Web Key Set (RFC 7517) of the embedded issuer."""
    return dict(await services.identity.jwks())
