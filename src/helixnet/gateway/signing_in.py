"""Routes of identity: how to log in, token, who am I; the embedded issuer's discovery and keys."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel, Field

from helixnet.gateway.access import READERS, Caller, Reader, needs
from helixnet.gateway.options import Services
from helixnet.gateway.problems import answers

router = APIRouter(prefix="/api/v1", tags=["identity"])
issuer_router = APIRouter(tags=["identity"])


class Methods(BaseModel):
    """How a client may get a token; an address is empty where the issuer does not offer it."""

    issuer: str
    password_form: bool = Field(description="whether POST /api/v1/auth/token takes passwords")
    cli_client: str = Field(description="client id of the command line")
    web_client: str = Field(description="client id of the pages")
    authorization_endpoint: str = Field(description="authorization code with PKCE (RFC 7636)")
    device_authorization_endpoint: str = Field(description="device flow (RFC 8628)")
    token_endpoint: str
    end_session_endpoint: str = Field(description="logging out (OpenID RP-Initiated Logout 1.0)")


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


@router.get("/auth/methods", summary="How to log in", responses=answers())
async def methods(services: Services) -> Methods:
    """Say where a token comes from: what the issuer offers, and as which client to ask."""
    found = await services.identity.discovery()
    settings = services.settings
    return Methods(
        issuer=services.identity.issuer,
        password_form=settings.password_form,
        cli_client=settings.cli_client,
        web_client=settings.web_client,
        authorization_endpoint=_address(found, "authorization_endpoint"),
        device_authorization_endpoint=_address(found, "device_authorization_endpoint"),
        token_endpoint=_address(found, "token_endpoint"),
        end_session_endpoint=_address(found, "end_session_endpoint"),
    )


def _address(metadata: Mapping[str, object], name: str) -> str:
    """Read an address of the metadata; what is no http address would be a script in a page."""
    found = metadata.get(name)
    usable = isinstance(found, str) and found.startswith(("https://", "http://"))
    return str(found) if usable else ""


@router.post("/auth/token", summary="Exchange a password for a token", responses=answers(400, 401))
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], services: Services, response: Response
) -> Token:
    """Password form of OAuth 2.0, where the server offers it: see ``/auth/methods``."""
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
