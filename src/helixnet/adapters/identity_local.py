"""The embedded issuer: an IdentityProvider for one machine, whose tokens look like Keycloak's.

Its signing keys live in the data folder. Its users are the demo users, and only while the server
is bound to loopback: their passwords are their names.
"""

import hmac
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4, uuid5

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from jose import jwk, jwt
from jose.backends.base import Key

from helixnet.errors import UnauthenticatedError
from helixnet.events import NAMESPACE

ALGORITHM: Final = "RS256"
KEY_BITS: Final = 2048
TOKEN_SECONDS: Final = 3600
ROTATE_SECONDS: Final = 90 * 24 * 3600
AUDIENCE: Final = "helix-api"
CLIENT: Final = "helix-cli"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user whose password is the name; exists on loopback only."""

    name: str
    tenant: str
    roles: tuple[str, ...]


DEMO_USERS: Final = (
    DemoUser("admin", "", ("admin",)),
    DemoUser("demo", "demo", ("viewer", "operator", "designer")),
    DemoUser("chuck", "acme", ("operator", "designer")),
    DemoUser("marcel", "globex", ("operator",)),
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key of the file.

    Args:
        kid: names it in tokens and in the key set.
        pem: PKCS #8, private.
        created: UNIX seconds.
        retired: UNIX seconds from which it signs nothing more; 0 = it signs.
    """

    kid: str
    pem: str
    created: int
    retired: int = 0


class LocalIdentity:
    """An :class:`helixnet.ports.IdentityProvider` without a server beside it.

    Args:
        folder: where ``keys.json`` is kept, readable by its owner only.
        issuer: the gateway's own URL, without a slash at the end.
        demo_users: whether the demo users may log in; give False unless bound to loopback.
        audience: the ``aud`` of tokens.
        clock: UNIX seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        issuer: str,
        demo_users: bool,
        audience: str = AUDIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._issuer = issuer
        self._audience = audience
        self._users = {user.name: user for user in DEMO_USERS} if demo_users else {}
        self._clock = clock
        self._stamp = -1
        self._keys: list[SigningKey] = []
        self._signer: Key | None = None

    @property
    def issuer(self) -> str:
        """The ``iss`` of every token, exactly."""
        return self._issuer

    async def discovery(self) -> Mapping[str, object]:
        """Return the OpenID Provider Metadata (OpenID Connect Discovery 1.0, section 3)."""
        return {
            "issuer": self._issuer,
            "jwks_uri": f"{self._issuer}/.well-known/jwks.json",
            "token_endpoint": f"{self._issuer}/api/v1/auth/token",
            "grant_types_supported": ["password"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["none"],
        }

    async def jwks(self, *, refresh: bool = False) -> Mapping[str, object]:
        """Return the public keys whose tokens may still be alive."""
        self._load()
        return {"keys": [_public(key) for key in self._keys if _alive(key, self._clock())]}

    async def password(self, username: str, password: str) -> Mapping[str, object]:
        """Exchange a demo user's password for a token response (RFC 6749, 5.1)."""
        user = self._users.get(username)
        right = hmac.compare_digest(password.encode(), username.encode())
        if user is None or not right:
            raise UnauthenticatedError(
                "name or password is wrong",
                hint="" if self._users else "the demo users exist on a loopback-bound server only",
            )
        self._load()
        return {
            "access_token": self._sign(user),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": "profile",
        }

    def _sign(self, user: DemoUser) -> str:
        key = next(key for key in self._keys if not key.retired)
        if self._signer is None:
            self._signer = jwk.construct(key.pem, ALGORITHM)
        issued = int(self._clock())
        claims: dict[str, object] = {
            "exp": issued + TOKEN_SECONDS,
            "iat": issued,
            "jti": str(uuid4()),
            "iss": self._issuer,
            "aud": [self._audience],
            "sub": str(uuid5(NAMESPACE, f"user/{user.name}")),
            "typ": "Bearer",
            "azp": CLIENT,
            "scope": "profile",
            "realm_access": {"roles": list(user.roles)},
            "resource_access": {self._audience: {"roles": list(user.roles)}},
            "preferred_username": user.name,
        }
        if user.tenant:
            claims["tenant"] = user.tenant
        return jwt.encode(claims, self._signer, ALGORITHM, headers={"kid": key.kid})

    def _load(self) -> None:
        """Follow the file, which another process may have rotated; make and rotate it in time."""
        path = self._folder / "keys.json"
        stamp = path.stat().st_mtime_ns if path.exists() else 0
        if stamp and stamp == self._stamp and not _due(self._keys, self._clock()):
            return
        keys = read_keys(self._folder)
        if _due(keys, self._clock()):
            keys = rotate_keys(self._folder, now=self._clock())
        self._keys, self._signer = keys, None
        self._stamp = path.stat().st_mtime_ns


def read_keys(folder: Path) -> list[SigningKey]:
    """Return the keys of ``folder``, the signing one first; none when there is no file yet."""
    path = folder / "keys.json"
    if not path.exists():
        return []
    return [SigningKey(**item) for item in json.loads(path.read_text(encoding="ascii"))]


def rotate_keys(folder: Path, *, now: float) -> list[SigningKey]:
    """Put a new signing key first; older ones stay until the last token they signed is dead.

    A server that runs on ``folder`` follows with its next token. Safe at any time.
    """
    second = int(now)
    private: RSAPrivateKey = generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    kept = [
        SigningKey(key.kid, key.pem, key.created, key.retired or second)
        for key in read_keys(folder)
        if _alive(key, now)
    ]
    keys = [SigningKey(secrets.token_urlsafe(12), pem, second), *kept]
    _write(folder, json.dumps([asdict(key) for key in keys]))
    return keys


def _alive(key: SigningKey, now: float) -> bool:
    """Whether a token that the key signed may still be valid."""
    return not key.retired or key.retired + TOKEN_SECONDS >= now


def _due(keys: list[SigningKey], now: float) -> bool:
    return not keys or keys[0].created + ROTATE_SECONDS < now


def _public(key: SigningKey) -> dict[str, str]:
    public = jwk.construct(key.pem, ALGORITHM).public_key().to_dict()
    return {"kty": "RSA", "use": "sig", "alg": ALGORITHM, "kid": key.kid} | {
        name: _text(public[name]) for name in ("n", "e")
    }


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _write(folder: Path, text: str) -> None:
    """Replace the key file as a whole; it is 0600 from its first byte on."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".keys-")  # mkstemp makes files 0600
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(folder / "keys.json")
