"""Who may do what: roles a route asks for, and the tenant, which comes from the token only."""

from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from helixnet.errors import ForbiddenError, UnauthenticatedError, UsageError
from helixnet.gateway.options import Services
from helixnet.ledger import scope
from helixnet.ports import Identity

READERS: Final = frozenset({"viewer", "operator", "designer", "admin"})
OPERATORS: Final = frozenset({"operator", "admin"})
DESIGNERS: Final = frozenset({"designer", "admin"})
ADMINS: Final = frozenset({"admin"})

SCHEME: Final = "HelixNet"  # of the OpenAPI document, which names the issuer's flows in its place
FORM_PATH: Final = "/api/v1/auth/token"

_bearer = OAuth2PasswordBearer(tokenUrl=FORM_PATH, scheme_name=SCHEME, auto_error=False)


async def _caller(
    request: Request, services: Services, _: Annotated[str | None, Depends(_bearer)]
) -> Identity:
    try:
        caller = await services.verifier.identity(request.headers.get("authorization"))
    except UnauthenticatedError:
        services.metrics.count("helixnet_refused_total", reason="token")
        raise
    if caller.tenant or "admin" not in caller.roles:
        scope.limit_to(caller.tenant)
    else:
        scope.lift()
    return caller


Caller = Annotated[Identity, Depends(_caller)]


class Allow:
    """A dependency that lets only some roles pass; calling it gives the identity."""

    def __init__(self, roles: frozenset[str]) -> None:
        self._roles = roles

    async def __call__(self, caller: Caller, services: Services) -> Identity:
        """Return the caller, or refuse for want of a role."""
        if caller.roles.isdisjoint(self._roles):
            services.metrics.count("helixnet_refused_total", reason="role")
            raise ForbiddenError(f"this needs the role {' or '.join(sorted(self._roles))}")
        return caller


Reader = Annotated[Identity, Depends(Allow(READERS))]
Operator = Annotated[Identity, Depends(Allow(OPERATORS))]
Designer = Annotated[Identity, Depends(Allow(DESIGNERS))]
Admin = Annotated[Identity, Depends(Allow(ADMINS))]


def needs(roles: frozenset[str]) -> dict[str, Any]:
    """Return the OpenAPI extension that names a route's roles, for people and for tests."""
    return {"x-roles": sorted(roles)}


def tenant_scope(caller: Identity, asked: str | None = None) -> str | None:
    """Return whose things the caller may see: its tenant, or None = all, for an admin.

    Args:
        caller: who asks.
        asked: a tenant that a request names; only an admin without tenant may name one.

    Raises:
        ForbiddenError: the token has no tenant and no admin role, or names a foreign one.
    """
    if not caller.tenant and "admin" in caller.roles:
        return asked
    if not caller.tenant:
        raise ForbiddenError("the token names no tenant")
    if asked not in {None, caller.tenant}:
        raise ForbiddenError("the tenant comes from the token")
    return caller.tenant


def one_tenant(caller: Identity, asked: str | None = None) -> str:
    """Return the one tenant to write for.

    Raises:
        UsageError: an admin without tenant named none.
        ForbiddenError: as :func:`tenant_scope`.
    """
    tenant = tenant_scope(caller, asked)
    if tenant is None:
        raise UsageError("name the tenant", hint="an admin without tenant adds tenant=NAME")
    return tenant
