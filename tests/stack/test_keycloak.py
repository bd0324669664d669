"""The gateway with a real Keycloak: what it lets in, what not, and what it does without it."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jose import jwt
from scripts.stack.server import Server

from helixnet.adapters.identity_oidc import OidcIdentity
from helixnet.errors import UnauthenticatedError
from helixnet.gateway.auth import REFUSED, STALE_SECONDS, Verifier
from tests.contract.gateway.forging import forgeries, resigned
from tests.stack.gateways import CLIENTS, asked
from tests.stack.realms import SECRET, Realm, private_key, realm

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("keycloak")]
ME = "/api/v1/users/me"


@pytest.fixture(scope="module")
def helixnet(keycloak: Server) -> Iterator[Realm]:
    """The realm that tests only read; its second key is ours."""
    with realm(keycloak, pem=private_key()) as made:
        yield made


@pytest.fixture
def own_realm(keycloak: Server) -> Iterator[Realm]:
    """A realm to change."""
    with realm(keycloak) as made:
        yield made


@pytest.fixture
async def gateway(helixnet: Realm, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    identity = OidcIdentity(helixnet.issuer, password_client="helix-test")
    async with asked(tmp_path, identity) as http:
        yield http


def verifier(of: Realm) -> Verifier:
    return Verifier(OidcIdentity(of.issuer), audience="helix-api", clients=CLIENTS)


async def status(http: httpx.AsyncClient, token: str, path: str = ME) -> int:
    answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
    if answer.status_code == 401:
        assert answer.json()["detail"] == REFUSED
    return answer.status_code


async def test_what_the_realms_key_signs_is_believed(helixnet: Realm) -> None:
    """Whoever has a key of the realm can make any token that Keycloak could."""
    claims = jwt.get_unverified_claims(helixnet.grant()["access_token"])
    signed = helixnet.sign(claims | {"tenant": "acme"}, private_key())
    assert (await verifier(helixnet).identity(f"Bearer {signed}")).tenant == "acme"


async def test_every_forgery_of_keycloaks_tokens_is_refused(helixnet: Realm) -> None:
    """Keycloak's claims, its own key, and one thing wrong: refused in one voice."""
    claims = jwt.get_unverified_claims(helixnet.grant()["access_token"])
    token, checks = helixnet.sign(claims, private_key()), verifier(helixnet)
    assert (await checks.identity(f"Bearer {resigned(token, private_key())}")).name == "demo"
    for name, forged in forgeries(token, private_key()).items():
        with pytest.raises(UnauthenticatedError) as caught:
            pytest.fail(f"{name}: {await checks.identity(f'Bearer {forged}')}")
        assert str(caught.value) == REFUSED, name


async def test_only_access_tokens_open_anything(
    gateway: httpx.AsyncClient, helixnet: Realm
) -> None:
    """What else a login brings is for the client and for Keycloak."""
    given = helixnet.grant()
    assert await status(gateway, given["access_token"]) == 200
    assert await status(gateway, given["id_token"]) == 401
    assert await status(gateway, given["refresh_token"]) == 401


async def test_the_token_of_another_realm_is_refused(
    gateway: httpx.AsyncClient, own_realm: Realm
) -> None:
    """The same Keycloak, the same users, another issuer."""
    assert await status(gateway, own_realm.grant()["access_token"]) == 401


async def test_the_token_of_a_client_not_ours_is_refused(own_realm: Realm, tmp_path: Path) -> None:
    """Audience and signature are right; it was given to a program that nobody let in."""
    own_realm.add_client("helix-test", clientId="stranger")
    async with asked(tmp_path, OidcIdentity(own_realm.issuer)) as http:
        assert await status(http, own_realm.grant()["access_token"]) == 200
        assert await status(http, own_realm.grant("stranger")["access_token"]) == 401


async def test_a_token_for_another_service_is_refused(own_realm: Realm, tmp_path: Path) -> None:
    """A client of ours, but the token is meant for another API (no audience of ours)."""
    known = own_realm.client("helix-test")
    for mapper in known["protocolMappers"]:
        if mapper["protocolMapper"] == "oidc-audience-mapper":
            path = f"/clients/{known['id']}/protocol-mappers/models/{mapper['id']}"
            own_realm.admin("DELETE", path)
    async with asked(tmp_path, OidcIdentity(own_realm.issuer)) as http:
        assert await status(http, own_realm.grant()["access_token"]) == 401


async def test_the_tenant_is_the_users_attribute_only(own_realm: Realm, tmp_path: Path) -> None:
    """Without it nothing of any tenant is seen, whatever the request names."""
    (user,) = own_realm.admin("GET", "/users?username=demo&exact=true").json()
    async with asked(tmp_path, OidcIdentity(own_realm.issuer)) as http:
        assert await status(http, own_realm.grant()["access_token"], "/api/v1/jobs") == 200
        user["attributes"].pop("tenant")
        own_realm.admin("PUT", f"/users/{user['id']}", user)
        token = own_realm.grant()["access_token"]
        assert await status(http, token, "/api/v1/jobs") == 403
        assert await status(http, token, "/api/v1/jobs?tenant=demo") == 403


async def test_a_machine_has_the_tenant_of_its_client(
    gateway: httpx.AsyncClient, helixnet: Realm
) -> None:
    """Client credentials: no person, no attribute, a claim that is fixed in the realm."""
    form = {"grant_type": "client_credentials", "client_secret": SECRET}
    token = helixnet.grant("helix-services", **form)["access_token"]
    answer = await gateway.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["tenant"] == "demo"
    assert answer.json()["roles"] == ["operator", "viewer"]


async def test_a_rotated_key_needs_no_restart(
    own_realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New tokens are taken at once, old ones go on; those of a removed key end with the cache."""
    checks = verifier(own_realm)
    old = f"Bearer {own_realm.grant()['access_token']}"
    assert (await checks.identity(old)).name == "demo"
    own_realm.add_key(private_key(), 1000)
    new = f"Bearer {own_realm.grant()['access_token']}"
    kids = [jwt.get_unverified_header(one.split()[1])["kid"] for one in (old, new)]
    assert kids[0] != kids[1]
    assert (await checks.identity(new)).name == "demo"
    assert (await checks.identity(old)).name == "demo"
    keys = own_realm.admin("GET", "/keys").json()["keys"]
    (component,) = [key["providerId"] for key in keys if key["kid"] == kids[0]]
    own_realm.admin("DELETE", f"/components/{component}")
    assert (await checks.identity(old)).name == "demo"
    later = time.monotonic() + STALE_SECONDS + 1
    monkeypatch.setattr("helixnet.gateway.auth.time.monotonic", lambda: later)
    with pytest.raises(UnauthenticatedError):
        await checks.identity(old)
    assert (await checks.identity(new)).name == "demo"


async def test_an_event_stream_ends_with_its_token(own_realm: Realm, tmp_path: Path) -> None:
    """A stream outlives no token: it says so, and the client comes back with a new one."""
    own_realm.change_client("helix-test", attributes={"access.token.lifespan": "6"})
    async with asked(tmp_path, OidcIdentity(own_realm.issuer)) as http:
        headers = {"Authorization": f"Bearer {own_realm.grant()['access_token']}"}
        path = "/api/v1/topics/helix.jobs"
        told = await http.get(path, headers=headers | {"Accept": "text/event-stream"}, timeout=60)
        assert told.status_code == 200
        assert told.text.endswith("event: auth-expired\ndata: {}\n\n")
        assert await status(http, headers["Authorization"].split()[1]) == 401


async def test_the_password_form_asks_keycloak(gateway: httpx.AsyncClient) -> None:
    """Where a client is set for it; nothing tells which of name and password was wrong."""
    form = {"username": "chuck", "password": "chuck"}
    given = await gateway.post("/api/v1/auth/token", data=form)
    assert given.status_code == 200
    assert "refresh_token" not in given.json()
    assert await status(gateway, given.json()["access_token"]) == 200
    for wrong in (form | {"password": "x"}, form | {"username": "nobody"}):
        answer = await gateway.post("/api/v1/auth/token", data=wrong)
        assert (answer.status_code, answer.json()["detail"]) == (401, "name or password is wrong")


@pytest.mark.parametrize(
    ("client", "code", "said"),
    [("", 400, "helixnet login"), ("helix-cli", 503, "password_client"), ("x", 503, "invalid_cl")],
)
async def test_without_a_client_for_it_there_is_no_password_form(
    helixnet: Realm, tmp_path: Path, client: str, code: int, said: str
) -> None:
    """Whoever runs the server decides; the answer says what to do instead."""
    async with asked(tmp_path, OidcIdentity(helixnet.issuer, password_client=client)) as http:
        form = {"username": "demo", "password": "demo"}
        answer = await http.post("/api/v1/auth/token", data=form)
        assert answer.status_code == code
        assert said in answer.text


async def test_clients_are_told_how_to_log_in(gateway: httpx.AsyncClient, helixnet: Realm) -> None:
    """Addresses come from discovery; the gateway is no issuer here and does not pose as one."""
    offered = (await gateway.get("/api/v1/auth/methods")).json()
    assert offered["issuer"] == helixnet.issuer
    assert (offered["cli_client"], offered["web_client"]) == ("helix-cli", "helix-web")
    for name, address in offered.items():
        assert not name.endswith("_endpoint") or address.startswith(helixnet.issuer)
    for path in ("/.well-known/openid-configuration", "/.well-known/jwks.json"):
        assert (await gateway.get(path)).status_code == 404
    page = await gateway.get("/")
    origin = httpx.URL(helixnet.issuer).copy_with(path="/")
    policy = page.headers["content-security-policy"]
    assert policy.endswith(f"connect-src 'self' {str(origin).rstrip('/')}")
    document = (await gateway.get("/openapi.json")).json()
    flows = document["components"]["securitySchemes"]["HelixNet"]["flows"]
    assert flows["authorizationCode"]["tokenUrl"] == helixnet.endpoint
    assert flows["password"]["tokenUrl"] == "/api/v1/auth/token"


async def test_an_issuer_is_compared_to_the_letter(helixnet: Realm, tmp_path: Path) -> None:
    """A slash too many is another issuer; the answer names both."""
    async with asked(tmp_path, OidcIdentity(f"{helixnet.issuer}/")) as http:
        answer = await http.get("/health/ready")
        assert answer.status_code == 503
        assert f"calls itself {helixnet.issuer}" in answer.json()["detail"]


async def test_before_keycloak_was_ever_there_nothing_breaks(tmp_path: Path) -> None:
    """503 says what is missing; pages and description are there."""
    identity = OidcIdentity("http://127.0.0.1:1/realms/none", password_client="helix-test")
    form: dict[str, Any] = {"username": "demo", "password": "demo"}
    bearer = {"Authorization": "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.eA"}
    async with asked(tmp_path, identity, password_form=False) as http:
        for answer in (
            await http.get("/health/ready"),
            await http.get("/api/v1/auth/methods"),
            await http.post("/api/v1/auth/token", data=form),
            await http.get(ME, headers=bearer),
        ):
            assert answer.status_code == 503
            assert "http://127.0.0.1:1" in answer.json()["detail"]
        document = (await http.get("/openapi.json")).json()
        assert document["components"]["securitySchemes"]["HelixNet"]["scheme"] == "bearer"
        for path in ("/", "/docs", "/health/live"):
            assert (await http.get(path)).status_code == 200
