"""Every route of the OpenAPI document against every kind of token that must not pass.

The document is the list: a route that is added without protection fails here, without anybody
having thought of it.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.scenario.running import PATIENCE, Helix, Person
from tests.scenario.test_jobs import GOOD, HEADER

pytestmark = pytest.mark.scenario
PUBLIC = {
    "GET /api/v1/auth/methods",
    "POST /api/v1/auth/token",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
}
OWN_ISSUER = {"GET /.well-known/openid-configuration", "GET /.well-known/jwks.json"}
ROLES = ("viewer", "operator", "designer", "admin")
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the document."""

    method: str
    path: str
    roles: tuple[str, ...]
    secured: bool
    answers: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def filled(self, values: Mapping[str, str] | None = None) -> str:
        """The path with a name that nothing has, or with the given ones."""
        path = self.path
        for name in ("job_id", "letter_id", "name", "replay_id"):
            path = path.replace(f"{{{name}}}", (values or {}).get(name, "0" * 32))
        assert "{" not in path, f"{path}: teach this test the parameter"
        return path


@pytest.fixture(scope="module")
def routes(helix: Helix) -> list[Route]:
    document = httpx.get(f"{helix.url}/openapi.json", timeout=PATIENCE).json()
    return list(listed(document))


@pytest.fixture(scope="module")
def http(helix: Helix) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=helix.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def token(helix: Helix) -> str:
    return Person(helix.url, "demo").token


def listed(document: Mapping[str, Any]) -> Iterator[Route]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield Route(
                method.upper(),
                path,
                tuple(operation.get("x-roles", ())),
                bool(operation.get("security")),
                tuple(operation["responses"]),
            )


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def header_of(token: str) -> dict[str, Any]:
    head = token.split(".", maxsplit=1)[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))


def segment(value: Mapping[str, Any] | bytes) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_secret(token: str, secret: bytes) -> str:
    """Sign the claims by HS256 under the issuer's own key id."""
    head = segment({"alg": "HS256", "typ": "JWT", "kid": header_of(token)["kid"]})
    signed = f"{head}.{segment(claims_of(token))}"
    return f"{signed}.{segment(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def length(size: int) -> bytes:
    """A DER length."""
    if size < 128:
        return bytes([size])
    data = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(data)]) + data


def der(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + length(len(content)) + content


def public_der(key: Mapping[str, str]) -> bytes:
    """The RSA public key of a JWK as SubjectPublicKeyInfo (RFC 5280), as anybody can make it."""

    def integer(text: str) -> bytes:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return der(2, b"\0" + data if data[0] & 0x80 else data)

    pair = der(0x30, integer(key["n"]) + integer(key["e"]))
    rsa = bytes.fromhex("300d06092a864886f70d0101010500")
    return der(0x30, rsa + der(3, b"\0" + pair))


def pem(data: bytes) -> bytes:
    lines = base64.encodebytes(data).replace(b"\n", b"")
    body = b"\n".join(lines[n : n + 64] for n in range(0, len(lines), 64))
    return b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n"


def attacks(helix: Helix, http: httpx.Client, token: str) -> dict[str, dict[str, str]]:
    """Headers that must be refused, by what is wrong with them."""
    discovery = http.get(f"{issuer(http)}/.well-known/openid-configuration").json()
    keys = {key["kid"]: key for key in http.get(discovery["jwks_uri"]).json()["keys"]}
    public = public_der(keys[header_of(token)["kid"]])
    head, body, signature = token.split(".")
    claims = claims_of(token)
    foreign = segment(claims | {"tenant": "acme"})
    none = segment({"alg": "none", "typ": "JWT", "kid": header_of(token)["kid"]})
    forged = {
        "garbage": "x.y.z",
        "claims changed": f"{head}.{foreign}.{signature}",
        "signature changed": f"{head}.{body}.{signature[:-6]}AAAAAA",
        "expired": helix.sign(claims | {"exp": int(time.time()) - 60}),
        "wrong audience": helix.sign(claims | {"aud": "account"}),
        "another issuer": helix.sign(claims | {"iss": "http://evil.example"}),
        "an ID token": helix.sign(claims | {"typ": "ID"}),
        "alg none": f"{none}.{body}.",
        "HS256 with the public key as PEM": with_secret(token, pem(public)),
        "HS256 with the public key as DER": with_secret(token, public),
    }
    return {"no token": {}, "basic": {"Authorization": "Basic ZGVtbzpkZW1v"}} | {
        name: {"Authorization": f"Bearer {value}"} for name, value in forged.items()
    }


def issuer(http: httpx.Client) -> str:
    """Where tokens come from, as the server tells its clients."""
    return str(http.get("/api/v1/auth/methods").json()["issuer"])


def test_what_is_public_is_listed(helix: Helix, http: httpx.Client, routes: list[Route]) -> None:
    """Nothing is open by accident, and every protected route names its roles."""
    public = PUBLIC | (OWN_ISSUER if issuer(http) == helix.url else set())
    assert {route.name for route in routes if not route.secured} == public
    assert [r.name for r in routes if r.secured and not r.roles] == ["GET /api/v1/users/me"]
    for route in routes:
        assert set(route.roles) <= set(ROLES)
        if route.secured:
            assert "401" in route.answers, route.name
        if route.roles:
            assert "403" in route.answers, route.name


def test_a_bad_token_opens_nothing(
    helix: Helix, http: httpx.Client, routes: list[Route], token: str
) -> None:
    """Every protected route, every attack: 401, in the same words."""
    passed: dict[str, int] = {}
    words = set[str]()
    signed = {"Authorization": f"Bearer {helix.sign(claims_of(token))}"}
    assert http.get("/api/v1/users/me", headers=signed).status_code == 200
    for attack, headers in attacks(helix, http, token).items():
        for route in routes:
            if not route.secured:
                continue
            answer = http.request(route.method, route.filled(), headers=headers)
            if answer.status_code != 401:
                passed[f"{attack}: {route.name}"] = answer.status_code
                continue
            words.add(answer.json()["detail"])
            assert answer.headers["content-type"] == PROBLEM
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert passed == {}
    assert len(words) == 1


@pytest.mark.parametrize("role", [*ROLES, ""])
def test_each_role_opens_its_routes_only(
    helix: Helix, http: httpx.Client, routes: list[Route], token: str, role: str
) -> None:
    """403 without the role; with it the request is looked at, whatever is wrong with it."""
    roles = {"roles": [role, "offline_access"] if role else []}
    claims = claims_of(token) | {"realm_access": roles, "resource_access": {}}
    headers = {"Authorization": f"Bearer {helix.sign(claims)}"}
    wrong: dict[str, int] = {}
    for route in routes:
        if not route.roles:
            continue
        with http.stream(route.method, route.filled(), headers=headers) as answer:
            refused = answer.status_code == 403
            if refused == (role in route.roles) or answer.status_code in {401, 500}:
                wrong[route.name] = answer.status_code
    assert wrong == {}


def test_another_tenants_things_are_not_there(
    helix: Helix,
    http: httpx.Client,
    routes: list[Route],
    demo: Person,
    orders: dict[str, bytes],
) -> None:
    """Every route that names a thing answers 404 to a foreign tenant, as for a thing not there."""
    job = demo.submit((HEADER + GOOD).encode(), orders)
    files = [("files", (name, data)) for name, data in orders.items()]
    made = demo.http.post("/contexts", files=files)
    assert made.status_code in {200, 201}, made.text
    context = made.json()["name"]
    flow = {"name": "matrix", "match": "matrix/*", "context": context}
    assert demo.http.post("/flows", json=flow).status_code in {201, 409}
    names = {"contexts": context, "flows": "matrix", "topics": "helix.out.demo.orders.validated"}
    request = {"select": {"jobs": [job]}, "dry_run": True}
    replay = demo.http.post("/replays?wait=0", json=request).json()["replay_id"]
    claims = claims_of(demo.token) | {
        "tenant": "acme",
        "realm_access": {"roles": ["viewer", "operator", "designer"]},
    }
    headers = {"Authorization": f"Bearer {helix.sign(claims)}"}
    wrong: dict[str, int] = {}
    for route in routes:
        if "{" not in route.path or route.roles == ("admin",):
            continue
        kind = route.path.split("/")[3]
        path = route.filled({"job_id": job, "name": names.get(kind, "none"), "replay_id": replay})
        body = flow if route.method == "PUT" else None
        query = {"one": made.json()["version"]} if path.endswith("/diff") else None
        with http.stream(route.method, path, headers=headers, json=body, params=query) as answer:
            if answer.status_code != 404:
                wrong[route.name] = answer.status_code
    assert wrong == {}
    assert demo.wait(job)["state"] == "COMPLETED"
