"""What every IdentityProvider promises: tokens of one shape, keys that verify them, rotation."""

import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from jose import jwt

from helixnet.adapters.identity_local import (
    TOKEN_SECONDS,
    LocalIdentity,
    read_keys,
    rotate_keys,
)
from helixnet.adapters.identity_oidc import OidcIdentity
from helixnet.errors import UnauthenticatedError
from helixnet.gateway.auth import Verifier
from helixnet.ports import IdentityProvider

pytestmark = pytest.mark.contract

ISSUER = "http://127.0.0.1:8080"


def local(
    folder: Path, *, demo_users: bool = True, clock: Callable[[], float] = time.time
) -> LocalIdentity:
    return LocalIdentity(folder, issuer=ISSUER, demo_users=demo_users, clock=clock)


STACK = [pytest.mark.stack, pytest.mark.xdist_group("keycloak")]


@pytest.fixture(params=["local", pytest.param("oidc", marks=STACK)])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> IdentityProvider:
    if request.param == "local":
        return local(tmp_path / "identity")
    issuer = request.getfixturevalue("keycloak").url
    return OidcIdentity(issuer, password_client="helix-test")


def verifier(provider: IdentityProvider) -> Verifier:
    return Verifier(provider, audience="helix-api", clients=["helix-cli", "helix-test"])


async def login(provider: IdentityProvider, name: str) -> str:
    answer: Mapping[str, Any] = await provider.password(name, name)
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] > 0
    return str(answer["access_token"])


async def test_the_issuer_is_in_discovery_and_token(provider: IdentityProvider) -> None:
    """A client that compares the issuer exactly must never be surprised."""
    document = await provider.discovery()
    claims = jwt.get_unverified_claims(await login(provider, "demo"))
    assert document["issuer"] == provider.issuer == claims["iss"]
    assert str(document["jwks_uri"]).startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("name", "tenant", "roles"),
    [
        ("admin", "", {"admin"}),
        ("demo", "demo", {"viewer", "operator", "designer"}),
        ("chuck", "acme", {"operator", "designer"}),
        ("marcel", "globex", {"operator"}),
    ],
)
async def test_demo_users_have_their_tenant_and_roles(
    provider: IdentityProvider, name: str, tenant: str, roles: set[str]
) -> None:
    """Tenant and roles travel in the token, and the verifier reads them as Keycloak's."""
    identity = await verifier(provider).identity(f"Bearer {await login(provider, name)}")
    assert (identity.name, identity.tenant, identity.roles) == (name, tenant, roles)
    assert identity.expires > time.time()


async def test_a_token_has_the_shape_of_keycloaks(provider: IdentityProvider) -> None:
    """One verification file serves both providers."""
    token = await login(provider, "demo")
    claims = jwt.get_unverified_claims(token)
    header = jwt.get_unverified_header(token)
    assert {"exp", "iat", "jti", "iss", "aud", "sub", "typ", "azp"} <= claims.keys()
    assert claims["typ"] == "Bearer"
    assert claims["realm_access"]["roles"]
    assert header["kid"]
    assert header["alg"] == "RS256"


async def test_the_same_user_is_the_same_subject(provider: IdentityProvider) -> None:
    """The audit names people across logins."""
    first = jwt.get_unverified_claims(await login(provider, "demo"))
    second = jwt.get_unverified_claims(await login(provider, "demo"))
    other = jwt.get_unverified_claims(await login(provider, "chuck"))
    assert first["sub"] == second["sub"] != other["sub"]
    assert first["jti"] != second["jti"]


@pytest.mark.parametrize(
    ("name", "password"),
    [("demo", "wrong"), ("nobody", "nobody"), ("", ""), ("demo", ""), ("DEMO", "DEMO")],
)
async def test_a_wrong_password_or_name_is_refused(
    provider: IdentityProvider, name: str, password: str
) -> None:
    """Nothing tells which of the two was wrong."""
    with pytest.raises(UnauthenticatedError, match="name or password is wrong"):
        await provider.password(name, password)


async def test_the_key_set_gives_nothing_private_away(provider: IdentityProvider) -> None:
    """A JWKS is public."""
    await login(provider, "demo")
    document = await provider.jwks()
    assert len(document["keys"]) >= 1
    for key in document["keys"]:
        assert key.keys() >= {"kty", "use", "alg", "kid", "n", "e"}
        assert not key.keys() & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


async def test_local_without_loopback_has_no_users(tmp_path: Path) -> None:
    """A password that equals the name must never be reachable from another machine."""
    provider = local(tmp_path, demo_users=False)
    with pytest.raises(UnauthenticatedError):
        await provider.password("demo", "demo")


async def test_local_keys_are_the_owners_only_and_survive_a_restart(tmp_path: Path) -> None:
    """A token stays valid over a restart; the file is nobody else's."""
    folder = tmp_path / "identity"
    token = await login(local(folder), "demo")
    path = folder / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    identity = await verifier(local(folder)).identity(f"Bearer {token}")
    assert identity.name == "demo"


async def test_local_rotation_keeps_old_tokens_alive(tmp_path: Path) -> None:
    """Rotating a key logs nobody out, and a running server follows."""
    provider = local(tmp_path)
    checks = verifier(provider)
    old = await login(provider, "demo")
    await checks.identity(f"Bearer {old}")
    rotate_keys(tmp_path, now=time.time())
    new = await login(provider, "demo")
    kids = [jwt.get_unverified_header(token)["kid"] for token in (old, new)]
    assert kids[0] != kids[1]
    assert {key["kid"] for key in (await provider.jwks())["keys"]} == set(kids)
    assert (await verifier(provider).identity(f"Bearer {old}")).name == "demo"
    assert (await verifier(provider).identity(f"Bearer {new}")).name == "demo"


async def test_local_drops_a_key_once_its_tokens_are_dead(tmp_path: Path) -> None:
    """A retired key verifies nothing once all it signed has expired."""
    now = [1_000_000.0]
    provider = local(tmp_path, clock=lambda: now[0])
    await provider.password("demo", "demo")
    old = read_keys(tmp_path)[0].kid
    rotate_keys(tmp_path, now=now[0])
    now[0] += TOKEN_SECONDS - 1
    assert old in {key["kid"] for key in (await provider.jwks())["keys"]}
    now[0] += 2
    assert old not in {key["kid"] for key in (await provider.jwks())["keys"]}
    rotate_keys(tmp_path, now=now[0])
    assert old not in {key.kid for key in read_keys(tmp_path)}


async def test_local_rotates_by_itself_after_ninety_days(tmp_path: Path) -> None:
    """Nobody has to remember it."""
    now = [1_000_000.0]
    provider = local(tmp_path, clock=lambda: now[0])
    await provider.password("demo", "demo")
    first = read_keys(tmp_path)[0].kid
    now[0] += 91 * 24 * 3600
    await provider.password("demo", "demo")
    assert read_keys(tmp_path)[0].kid != first
