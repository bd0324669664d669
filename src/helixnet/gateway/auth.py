"""Token verification: the one file that knows python-jose, so that it can be replaced here alone.

Tokens are RFC 9068-like access tokens as Keycloak makes them: ``realm_access.roles``,
``resource_access.<audience>.roles`` and a ``tenant`` claim. What python-jose leaves open is closed
here: the algorithm list is fixed, the key is picked by ``kid`` before anything is verified,
``aud``, ``exp``, ``iat``, ``iss`` and ``sub`` must be there, and an ID token is no access token.
"""

import asyncio
import binascii
import json
import re
import time
from collections.abc import Collection, Mapping
from typing import Any, Final, cast

from jose import jwk, jwt
from jose.backends.base import Key
from jose.exceptions import JOSEError
from jose.utils import base64url_decode

from helixnet.errors import UnauthenticatedError, UnavailableError
from helixnet.ports import Identity, IdentityProvider

ALGORITHMS: Final = ("RS256",)  # one family, asymmetric; never taken from the token
MAX_HEADER: Final = 8 * 1024  # bytes of the Authorization header
REFETCH_SECONDS: Final = 30.0  # an unknown kid asks the provider at most this often
ROLES: Final = frozenset({"viewer", "operator", "designer", "admin"})
STALE_SECONDS: Final = 300.0  # keys older than this are asked for again: a withdrawn key must end
REMEMBERED: Final = 1024  # verified tokens
MIN_MODULUS: Final = 342  # base64url characters of 2048 bits; shorter RSA keys can be broken
REFUSED: Final = "present a valid access token"  # constant: a reason would guide an attacker
_SEGMENTS: Final = 3  # a JWS; a JWE has five and is never opened
_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_REQUIRED: Final = {
    "require_aud": True,
    "require_exp": True,
    "require_iat": True,
    "require_iss": True,
    "require_sub": True,
    "leeway": 0,
}


class _RefusedToken(Exception):  # noqa: N818 - it never leaves this file
    """Why a token is refused; kept inside."""


def unauthenticated() -> UnauthenticatedError:
    """Return the one error for every kind of bad token."""
    return UnauthenticatedError(REFUSED)


class Verifier:
    """Turns an Authorization header into an :class:`Identity`, or into one constant error.

    Args:
        provider: gives issuer and keys.
        audience: what ``aud`` must hold, and whose ``resource_access`` counts.
        clients: the ``azp`` values that may present tokens here.
    """

    def __init__(
        self, provider: IdentityProvider, *, audience: str, clients: Collection[str]
    ) -> None:
        self._provider = provider
        self._audience = audience
        self._clients = frozenset(clients)
        self._keys: dict[str, Key] = {}
        self._known: dict[str, Identity] = {}  # by token: what these very keys have verified
        self._asked = self._fetched = float("-inf")
        self._lock = asyncio.Lock()

    async def identity(self, authorization: str | None) -> Identity:
        """Verify ``Bearer <token>`` and return who it speaks for.

        Raises:
            UnauthenticatedError: for whatever reason, always with the same message.
            UnavailableError: no key can be had from the provider.
        """
        try:
            token = _bearer(authorization)
            known = self._known.get(token)
            if known is not None and known.expires > time.time() and self._fresh():
                return known
            key = await self._key(_key_id(token))
            return self._remember(token, self._read(token, key))
        except (_RefusedToken, JOSEError) as error:
            raise unauthenticated() from error

    def _read(self, token: str, key: Key) -> Identity:
        claims = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=self._audience,
            issuer=self._provider.issuer,
            options=_REQUIRED,
        )
        if claims.get("typ") != "Bearer" or claims.get("azp") not in self._clients:
            raise _RefusedToken("not an access token for a client of ours")
        if int(claims["exp"]) <= time.time():  # the library still takes it in its last second
            raise _RefusedToken("expired")
        subject, tenant = claims.get("sub"), claims.get("tenant", "")
        if not isinstance(subject, str) or not subject:
            raise _RefusedToken("no subject")
        if not isinstance(tenant, str) or (tenant and not _TENANT.fullmatch(tenant)):
            raise _RefusedToken("tenant not usable")
        name = claims.get("preferred_username")
        return Identity(
            subject=subject,
            name=name if isinstance(name, str) and name else subject,
            tenant=tenant,
            roles=self._roles(claims),
            expires=int(claims["exp"]),
        )

    def _remember(self, token: str, identity: Identity) -> Identity:
        """Keep what was verified: a client sends one token many times, and RSA takes its time."""
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[token] = identity
        return identity

    def _fresh(self) -> bool:
        return time.monotonic() - self._fetched < STALE_SECONDS

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[str]:
        resources = _mapping(claims.get("resource_access"))
        sources = (claims.get("realm_access"), resources.get(self._audience))
        named = [role for source in sources for role in _texts(_mapping(source).get("roles"))]
        return ROLES.intersection(named)

    async def _key(self, kid: str) -> Key:
        if self._wanted(kid):
            async with self._lock:
                if self._wanted(kid):
                    await self._fetch()
        try:
            return self._keys[kid]
        except KeyError:
            raise _RefusedToken("unknown kid") from None

    def _wanted(self, kid: str) -> bool:
        """Whether to ask the provider: not for every invented ``kid``."""
        known = kid in self._keys and self._fresh()
        waited = time.monotonic() - self._asked
        return not known and (not self._keys or waited >= REFETCH_SECONDS)

    async def _fetch(self) -> None:
        if self._keys:  # the first question is not one again: a key rotated soon after is learnt
            self._asked = time.monotonic()
        try:
            document = await self._provider.jwks(refresh=True)
        except UnavailableError:
            if not self._keys:
                raise
            return  # what is cached still verifies
        self._fetched = time.monotonic()
        self._keys = _usable(document)
        self._known.clear()


def _bearer(authorization: str | None) -> str:
    if authorization is None or len(authorization) > MAX_HEADER:
        raise _RefusedToken("no header, or a too long one")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise _RefusedToken("not a bearer token")
    return token.strip()


def _key_id(token: str) -> str:
    """Return the header's ``kid`` after holding the header to what we accept."""
    segments = token.split(".")
    if len(segments) != _SEGMENTS or not all(segments):
        raise _RefusedToken("not a JWS")
    try:
        header: object = json.loads(base64url_decode(segments[0].encode()))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _RefusedToken("header not readable") from error
    fields = _mapping(header)
    if fields.get("alg") not in ALGORITHMS or "crit" in fields or "enc" in fields:
        raise _RefusedToken("algorithm or extension not accepted")
    if str(fields.get("typ", "JWT")).lower() not in {"jwt", "at+jwt"}:
        raise _RefusedToken("not a JWT")
    kid = fields.get("kid")
    if not isinstance(kid, str) or not kid:
        raise _RefusedToken("no kid")
    return kid


def _usable(document: Mapping[str, object]) -> dict[str, Key]:
    """Build every signing key once: building one a request costs more than verifying."""
    keys: dict[str, Key] = {}
    listed = document.get("keys")
    for item in cast("list[object]", listed) if isinstance(listed, list) else []:
        key = _mapping(item)
        kid = key.get("kid")
        fits = key.get("kty") == "RSA" and key.get("use", "sig") == "sig"
        fits = fits and key.get("alg", ALGORITHMS[0]) in ALGORITHMS
        modulus = key.get("n")
        if isinstance(kid, str) and fits and len(str(modulus)) >= MIN_MODULUS:
            public = {"kty": "RSA", "n": modulus, "e": key.get("e")}
            try:
                keys[kid] = jwk.construct(public, ALGORITHMS[0])
            except JOSEError:
                continue  # one unreadable key of the provider must not lock everybody out
    return keys


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]
