"""Logging in, and what every answer of the gateway has in common."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.gateway.conftest import Running

PROBLEM = "application/problem+json"


async def test_a_demo_user_logs_in_and_is_known(gateway: Running) -> None:
    """The token says who, whose and what; the server reads it from nowhere else."""
    answer = await gateway.get("/api/v1/users/me", "demo")
    assert answer.status_code == 200
    assert answer.json()["name"] == "demo"
    assert answer.json()["tenant"] == "demo"
    assert answer.json()["roles"] == ["designer", "operator", "viewer"]


async def test_a_token_answer_is_not_cached(gateway: Running) -> None:
    """RFC 6749, 5.1."""
    form = {"username": "demo", "password": "demo"}
    answer = await gateway.http.post("/api/v1/auth/token", data=form)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["token_type"] == "Bearer"


async def test_a_wrong_password_is_a_problem(gateway: Running) -> None:
    """Nothing tells whether the name or the password is wrong."""
    form = {"username": "demo", "password": "x"}
    answer = await gateway.http.post("/api/v1/auth/token", data=form)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/users/me", 405),
        ("GET", "/api/v1/users/me", 401),
        ("POST", "/api/v1/auth/token", 422),
        ("GET", "/static/nothing.css", 404),
    ],
)
async def test_every_error_is_a_problem(
    gateway: Running, method: str, path: str, status: int
) -> None:
    """One form of error for people and programs (RFC 9457)."""
    answer = await gateway.http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    document = answer.json()
    assert document["status"] == status
    assert document["instance"] == path
    assert document["title"]
    assert document["detail"]


async def test_a_bad_request_names_each_field(gateway: Running) -> None:
    """``errors`` points at every place at once (RFC 6901)."""
    answer = await gateway.http.post("/api/v1/auth/token")
    pointers = {item["pointer"] for item in answer.json()["errors"]}
    assert {"/username", "/password"} <= pointers


async def test_a_body_over_the_limit_is_refused(gateway: Running) -> None:
    """Announced or not: neither memory nor disk takes more than the limit."""
    big = b"username=demo&password=" + b"x" * (2 << 20)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    announced = await gateway.http.post("/api/v1/auth/token", content=big, headers=kind)

    async def blocks() -> AsyncIterator[bytes]:
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    streamed = await gateway.http.post("/api/v1/auth/token", content=blocks(), headers=kind)
    for answer in (announced, streamed):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["code"] == "HX-7003"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8080"},
        {"X-Forwarded-For": "1.2.3.4"},
        {"X-Forwarded-Host": "127.0.0.1"},
        {"Forwarded": "for=1.2.3.4"},
    ],
)
async def test_on_loopback_a_foreign_host_is_refused(
    gateway: Running, headers: dict[str, str]
) -> None:
    """A stranger's page can point its own name at 127.0.0.1; the name gives it away."""
    answer = await gateway.http.get("/health/live", headers=headers)
    assert answer.status_code in {400, 421}
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "[::1]:8080"])
async def test_loopback_names_are_answered(gateway: Running, host: str) -> None:
    """With any port, by any of its names."""
    answer = await gateway.http.get("/health/live", headers={"Host": host})
    assert answer.status_code == 200


async def test_the_issuer_shows_discovery_and_keys(gateway: Running) -> None:
    """A client finds the keys as it would at any OpenID provider."""
    document = (await gateway.http.get("/.well-known/openid-configuration")).json()
    path = document["jwks_uri"].removeprefix(document["issuer"])
    keys = (await gateway.http.get(path)).json()["keys"]
    assert keys[0]["alg"] == "RS256"


async def test_clients_are_told_that_a_password_is_enough(gateway: Running) -> None:
    """The embedded issuer has the password form and nothing else; Authorize shows just that."""
    offered = (await gateway.http.get("/api/v1/auth/methods")).json()
    assert offered["password_form"]
    assert offered["authorization_endpoint"] == offered["device_authorization_endpoint"] == ""
    document = (await gateway.http.get("/openapi.json")).json()
    flows = {"password": {"tokenUrl": "/api/v1/auth/token", "scopes": {}}}
    scheme = document["components"]["securitySchemes"]["HelixNet"]
    assert scheme == {"type": "oauth2", "flows": flows}


async def test_pages_load_nothing_foreign(gateway: Running) -> None:
    """The policy forbids it, and what the pages name is there."""
    for path in ("/", "/docs", "/docs/oauth2-redirect"):
        page = await gateway.http.get(path)
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "http://" not in page.text
        assert "https://" not in page.text
        named = [part.split('"')[0] for part in page.text.split('="/static')[1:]]
        assert named
        for name in named:
            assert (await gateway.http.get(f"/static{name}")).status_code == 200


async def test_the_server_says_that_it_is_ready(gateway: Running) -> None:
    """Probes need no token."""
    assert (await gateway.http.get("/health/live")).status_code == 200
    assert (await gateway.http.get("/health/ready")).status_code == 200


async def test_metrics_come_from_the_table(gateway: Running) -> None:
    """Prometheus reads what the table declares."""
    await gateway.http.get("/health/live")
    text = (await gateway.http.get("/metrics")).text
    assert 'helixnet_http_requests_total{method="GET",route="/health/live",status="200"}' in text
    assert "helixnet_run_seconds_bucket" in text
