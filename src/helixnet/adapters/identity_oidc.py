"""An OpenID provider such as Keycloak: an IdentityProvider that asks over HTTP, as late as it can.

Nothing is asked until somebody needs an answer, and what was answered is kept: keys go on
verifying while the provider is down. A provider that does not answer is left alone for a moment,
so that a queue of requests does not wait for it one after the other.
"""

import asyncio
import ipaddress
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import urlsplit

import httpx

from helixnet.errors import HelixNetError, UnauthenticatedError, UnavailableError, UsageError

WELL_KNOWN: Final = "/.well-known/openid-configuration"
TIMEOUT: Final = httpx.Timeout(5.0, connect=2.0)
LOGIN_TIMEOUT: Final = httpx.Timeout(30.0, connect=2.0)  # comparing a password is slow on purpose
METADATA_SECONDS: Final = 300.0  # addresses older than this are asked for again
PAUSE_SECONDS: Final = 1.0  # after a failure, nothing is asked for this long
_WRONG: Final = "name or password is wrong"
_REFUSED: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})  # RFC 6749, 5.2


class OidcIdentity:
    """An :class:`helixnet.ports.IdentityProvider` that is a server of its own.

    Args:
        issuer_url: the provider's ``issuer``, to the letter: what discovery and tokens say.
        password_client: a public client that may exchange passwords; empty = no password form.
    """

    def __init__(self, issuer_url: str, *, password_client: str = "") -> None:
        self._issuer = issuer_url
        self._password_client = password_client
        self._metadata: Mapping[str, object] = {}
        self._read = float("-inf")  # when the metadata was
        self._keys: Mapping[str, object] = {}
        self._failed = float("-inf")
        self._failure = ""
        self._lock = asyncio.Lock()

    @property
    def issuer(self) -> str:
        """The ``iss`` of every token, exactly."""
        return self._issuer

    async def discovery(self) -> Mapping[str, object]:
        """Return the provider's metadata; an old one while the provider is down."""
        async with self._lock:
            return await self._discovered()

    async def jwks(self, *, refresh: bool = False) -> Mapping[str, object]:
        """Return the keys; with ``refresh`` those of now, or an error."""
        if self._keys and not refresh:
            return self._keys
        async with self._lock:
            if not self._keys or refresh:
                address = await self._endpoint("jwks_uri")
                found = await self._get(address)
                if not isinstance(found.get("keys"), list):
                    raise UnavailableError(f"what answers at {address} is no key set")
                self._keys = found
            return self._keys

    async def password(self, username: str, password: str) -> Mapping[str, object]:
        """Exchange a password by the resource owner password grant (RFC 6749, 4.3)."""
        if not self._password_client:
            raise UsageError(
                f"this server takes no passwords; tokens come from {self._issuer}",
                hint="helixnet login, or Log in on the page",
            )
        if not username or not password:
            raise UnauthenticatedError(_WRONG)
        async with self._lock:
            endpoint = await self._endpoint("token_endpoint")
        form = {
            "grant_type": "password",
            "client_id": self._password_client,
            "username": username,
            "password": password,
        }
        answer = await self._ask("POST", endpoint, form, _REFUSED)
        if answer.status_code in _REFUSED:
            raise self._refusal(str(self._object(answer).get("error", "")))
        return self._object(answer)

    def _refusal(self, error: str) -> HelixNetError:
        if error == "invalid_grant":
            return UnauthenticatedError(_WRONG)
        return UnavailableError(
            f"{self._issuer} refuses the client {self._password_client}: {error}",
            hint="the setting password_client names a public client with direct access grants",
        )

    async def _endpoint(self, name: str) -> str:
        address = (await self._discovered()).get(name)
        if not isinstance(address, str):
            raise UnavailableError(f"{self._issuer} names no {name}")
        return address

    async def _discovered(self) -> Mapping[str, object]:
        if self._metadata and time.monotonic() - self._read < METADATA_SECONDS:
            return self._metadata
        try:
            found = await self._get(self._issuer.rstrip("/") + WELL_KNOWN)
        except UnavailableError:
            if not self._metadata:
                raise
            return self._metadata
        if found.get("issuer") != self._issuer:
            raise UnavailableError(
                f"the provider at {self._issuer} calls itself {found.get('issuer')}",
                hint="the setting identity must be its issuer to the letter",
            )
        self._metadata, self._read = found, time.monotonic()
        return found

    async def _get(self, url: str) -> Mapping[str, object]:
        """Read a document, unless the provider failed a moment ago."""
        if time.monotonic() - self._failed < PAUSE_SECONDS:
            raise UnavailableError(self._failure)
        try:
            return self._object(await self._ask("GET", url))
        except UnavailableError as error:
            self._failed, self._failure = time.monotonic(), str(error)
            raise

    async def _ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        refused: frozenset[HTTPStatus] = frozenset(),
    ) -> httpx.Response:
        """Send one request; asked this seldom, a connection kept open would only go stale."""
        try:
            timeout = LOGIN_TIMEOUT if form else TIMEOUT
            async with httpx.AsyncClient(timeout=timeout, trust_env=not _loopback(url)) as http:
                answer = await http.request(method, url, data=form)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise UnavailableError(
                f"the identity provider {self._issuer} does not answer: {reason}"
            ) from error
        if answer.status_code not in {HTTPStatus.OK, *refused}:
            raise UnavailableError(f"the identity provider answers {answer.status_code} at {url}")
        return answer

    def _object(self, answer: httpx.Response) -> Mapping[str, object]:
        try:
            found: object = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UnavailableError(f"what answers at {answer.url} is no OpenID provider")
        return cast("dict[str, object]", found)


def _loopback(url: str) -> bool:
    """Whether no proxy is between this machine and the address."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
