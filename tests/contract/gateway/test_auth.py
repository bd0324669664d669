"""A token passes when everything about it is right, and is refused in one voice otherwise."""

import asyncio
import base64
import shutil
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from helixnet.adapters.identity_local import TOKEN_SECONDS, LocalIdentity, read_keys, rotate_keys
from helixnet.errors import UnauthenticatedError, UnavailableError
from helixnet.gateway.auth import REFUSED, Verifier
from tests.contract.gateway.forging import STRANGER, forgeries, resigned

ISSUER = "http://127.0.0.1:8080"


class Counted:
    """The local issuer behind a network that counts, and that may be down."""

    def __init__(self, folder: Path) -> None:
        self.local = LocalIdentity(folder, issuer=ISSUER, demo_users=True)
        self.asked = 0
        self.down = False

    @property
    def issuer(self) -> str:
        return self.local.issuer

    async def jwks(self, *, refresh: bool = False) -> Mapping[str, object]:
        self.asked += 1
        if self.down:
            raise UnavailableError("no route")
        return await self.local.jwks(refresh=refresh)

    async def discovery(self) -> Mapping[str, object]:
        return await self.local.discovery()

    async def password(self, username: str, password: str) -> Mapping[str, object]:
        return await self.local.password(username, password)


@pytest.fixture
def provider(tmp_path: Path, signing_keys: Path) -> Counted:
    shutil.copy(signing_keys / "keys.json", tmp_path)
    return Counted(tmp_path)


@pytest.fixture
def verifier(provider: Counted) -> Verifier:
    return Verifier(provider, audience="helix-api", clients=["helix-cli"])


async def login(provider: Counted) -> str:
    return str((await provider.password("demo", "demo"))["access_token"])


async def test_a_good_token_passes(provider: Counted, verifier: Verifier) -> None:
    """Bearer is a word of any case (RFC 9110, 11.1)."""
    token = await login(provider)
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert (await verifier.identity(f"{scheme} {token}")).name == "demo"
    assert provider.asked == 1


async def test_a_token_as_keycloak_makes_it_passes(
    provider: Counted, verifier: Verifier, tmp_path: Path
) -> None:
    """One audience as a text, roles of the realm and of the client, claims that we do not know."""
    token = await login(provider)
    keycloaks = resigned(
        token,
        read_keys(tmp_path)[0].pem,
        aud="helix-api",
        realm_access={"roles": ["default-roles-helix", "viewer"]},
        resource_access={
            "helix-api": {"roles": ["designer"]},
            "account": {"roles": ["admin", "manage-account"]},
        },
        sid="6f9a",
        acr="1",
        scope="openid profile",
        tenant="acme",
    )
    identity = await verifier.identity(f"Bearer {keycloaks}")
    assert identity.roles == {"viewer", "designer"}
    assert identity.tenant == "acme"


@pytest.mark.parametrize(
    "claims",
    [
        {"realm_access": None, "resource_access": None},
        {"realm_access": [], "resource_access": "admin"},
        {"realm_access": {"roles": "admin"}, "resource_access": {"helix-api": ["admin"]}},
        {"realm_access": {"roles": [{"admin": 1}, 7, None]}, "resource_access": {}},
        {"realm_access": {"roles": ["ADMIN", "Admin "]}, "resource_access": {}},
    ],
)
async def test_roles_of_another_shape_are_no_roles(
    provider: Counted, verifier: Verifier, tmp_path: Path, claims: dict[str, object]
) -> None:
    """Nothing is guessed to be a role."""
    token = resigned(await login(provider), read_keys(tmp_path)[0].pem, **claims)
    assert (await verifier.identity(f"Bearer {token}")).roles == set()


async def test_a_token_ends_with_its_last_second(
    provider: Counted, verifier: Verifier, tmp_path: Path
) -> None:
    """``exp`` is the first moment at which it is refused (RFC 7519, 4.1.4)."""
    token = await login(provider)
    await asyncio.sleep(1 - time.time() % 1)  # a second that begins does not end meanwhile
    ending = resigned(token, read_keys(tmp_path)[0].pem, exp=int(time.time()))
    with pytest.raises(UnauthenticatedError):
        await verifier.identity(f"Bearer {ending}")


async def test_a_remembered_token_still_expires(
    provider: Counted, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was verified once is not verified for ever."""
    header = f"Bearer {await login(provider)}"
    assert await verifier.identity(header) is await verifier.identity(header)
    later = time.time() + TOKEN_SECONDS + 1
    monkeypatch.setattr("helixnet.gateway.auth.time.time", lambda: later)
    monkeypatch.setattr("jose.jwt.datetime", Later)
    with pytest.raises(UnauthenticatedError):
        await verifier.identity(header)


class Later(datetime):
    """The clock that python-jose reads, two hours on."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.now(tz) + timedelta(hours=2)


async def test_every_forgery_is_refused_in_one_voice(
    provider: Counted, verifier: Verifier, tmp_path: Path
) -> None:
    """The reason is never told: it would guide the next attempt."""
    token = await login(provider)
    pem = read_keys(tmp_path)[0].pem
    assert (await verifier.identity(f"Bearer {resigned(token, pem)}")).name == "demo"
    made = forgeries(token, pem)
    for name, forged in made.items():
        with pytest.raises(UnauthenticatedError) as caught:
            pytest.fail(f"{name}: {await verifier.identity(f'Bearer {forged}')}")
        assert str(caught.value) == REFUSED, name


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic ZGVtbzpkZW1v", "Bearer  "])
async def test_what_is_no_bearer_token_is_refused(verifier: Verifier, header: str | None) -> None:
    with pytest.raises(UnauthenticatedError, match=REFUSED):
        await verifier.identity(header)


async def test_invented_kids_do_not_reach_the_provider(
    provider: Counted, verifier: Verifier
) -> None:
    """A flood of unknown kids costs the provider one question in 30 s."""
    token = await login(provider)
    await verifier.identity(f"Bearer {token}")
    for number in range(20):
        forged = resigned(token, STRANGER, {"kid": f"k{number}"})
        with pytest.raises(UnauthenticatedError):
            await verifier.identity(f"Bearer {forged}")
    assert provider.asked == 2


async def test_a_rotated_key_is_learnt_from_its_first_token(
    provider: Counted, verifier: Verifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once; a second time when the last question is 30 s old."""
    await verifier.identity(f"Bearer {await login(provider)}")
    rotate_keys(tmp_path, now=time.time())
    assert (await verifier.identity(f"Bearer {await login(provider)}")).name == "demo"
    rotate_keys(tmp_path, now=time.time())
    with pytest.raises(UnauthenticatedError):
        await verifier.identity(f"Bearer {await login(provider)}")
    later = time.monotonic() + 31
    monkeypatch.setattr("helixnet.gateway.auth.time.monotonic", lambda: later)
    assert (await verifier.identity(f"Bearer {await login(provider)}")).name == "demo"
    assert provider.asked == 3


async def test_a_withdrawn_key_ends(
    provider: Counted, verifier: Verifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the provider no longer lists is forgotten within minutes."""
    token = await login(provider)
    await verifier.identity(f"Bearer {token}")
    (tmp_path / "keys.json").unlink()
    later = time.monotonic() + 301
    monkeypatch.setattr("helixnet.gateway.auth.time.monotonic", lambda: later)
    with pytest.raises(UnauthenticatedError):
        await verifier.identity(f"Bearer {token}")


async def test_a_provider_that_is_down_is_no_bad_token(
    provider: Counted, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without keys it is 503; with keys what is known goes on."""
    token = await login(provider)
    provider.down = True
    with pytest.raises(UnavailableError):
        await verifier.identity(f"Bearer {token}")
    provider.down = False
    await verifier.identity(f"Bearer {token}")
    provider.down = True
    later = time.monotonic() + 301
    monkeypatch.setattr("helixnet.gateway.auth.time.monotonic", lambda: later)
    assert (await verifier.identity(f"Bearer {token}")).name == "demo"


async def test_a_bad_key_in_the_set_locks_nobody_out(tmp_path: Path) -> None:
    """Keys of other kinds and broken ones are passed over."""

    class Mixed(Counted):
        async def jwks(self, *, refresh: bool = False) -> Mapping[str, object]:
            document = await self.local.jwks(refresh=refresh)
            keys = document["keys"]
            assert isinstance(keys, list)
            odd = [{"kty": "oct", "kid": "o", "k": "AA"}, {"kty": "RSA", "kid": "r"}, 7, {}]
            return {"keys": [*odd, *keys]}

    provider = Mixed(tmp_path)
    verifier = Verifier(provider, audience="helix-api", clients=["helix-cli"])
    assert (await verifier.identity(f"Bearer {await login(provider)}")).name == "demo"


async def test_a_short_key_is_not_used(tmp_path: Path) -> None:
    """Below 2048 bits RSA can be broken; such a key is as good as none."""

    class Weak(Counted):
        async def jwks(self, *, refresh: bool = False) -> Mapping[str, object]:
            document = await self.local.jwks(refresh=refresh)
            keys = document["keys"]
            assert isinstance(keys, list)
            return {"keys": [dict(key, n=_text(1 << 1023)) for key in keys]}

    provider = Weak(tmp_path)
    verifier = Verifier(provider, audience="helix-api", clients=["helix-cli"])
    with pytest.raises(UnauthenticatedError):
        await verifier.identity(f"Bearer {await login(provider)}")


def _text(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
