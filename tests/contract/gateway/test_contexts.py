"""Contexts are published in versions that never change; flows and partners use them."""

import io
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.contract.gateway.conftest import CONTEXT, SCHEMA, Running

FLOW = {"name": "orders", "match": "orders/*.csv", "context": "plain-orders"}


def files(context: bytes = CONTEXT, schema: bytes = SCHEMA) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", ("context.yaml", context)), ("files", ("order.schema.json", schema))]


async def publish(gateway: Running, user: str = "demo", **changed: bytes) -> dict:
    answer = await gateway.ask("POST", "/api/v1/contexts", user, files=files(**changed))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_version_never_changes(gateway: Running) -> None:
    """The same content again is fine; other content needs a new version."""
    first = await publish(gateway)
    assert (first["name"], first["version"], first["created_by"]) == (
        "plain-orders",
        "1.0.0",
        "demo",
    )
    assert await publish(gateway) == first
    other = files(CONTEXT + b"# changed\n")
    answer = await gateway.ask("POST", "/api/v1/contexts", "demo", files=other)
    assert answer.status_code == 409


async def test_versions_are_listed_and_compared(gateway: Running) -> None:
    """Which file differs, by hash."""
    first = await publish(gateway)
    second = await publish(gateway, context=CONTEXT.replace(b"1.0.0", b"1.1.0"))
    listed = (await gateway.get("/api/v1/contexts/plain-orders", "demo")).json()["contexts"]
    assert [row["version"] for row in listed] == ["1.1.0", "1.0.0"]
    assert len((await gateway.get("/api/v1/contexts", "demo")).json()["contexts"]) == 2
    answer = await gateway.get("/api/v1/contexts/plain-orders/diff?one=1.0.0", "demo")
    diff = answer.json()
    assert (diff["one"]["hash"], diff["other"]["hash"]) == (first["hash"], second["hash"])
    assert diff["same"] is False
    assert [change["file"] for change in diff["files"]] == ["context.yaml"]
    same = await gateway.get("/api/v1/contexts/plain-orders/diff?one=1.0.0&other=1.0.0", "demo")
    assert same.json()["same"] is True
    assert same.json()["files"] == []
    missing = await gateway.get("/api/v1/contexts/plain-orders/diff?one=9", "demo")
    assert missing.status_code == 404


async def test_a_published_bundle_can_be_fetched(gateway: Running) -> None:
    """As it was sent, whatever its size."""
    table = b"K,V\n" + b"".join(b"%d,%d\n" % (n, n) for n in range(20_000))
    sent = [*files(), ("files", ("table.csv", table))]
    made = await gateway.ask("POST", "/api/v1/contexts", "demo", files=sent)
    assert made.status_code == 201, made.text
    answer = await gateway.get("/api/v1/contexts/plain-orders/bundle", "demo")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["etag"] == f'"{made.json()["hash"]}"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("context.yaml") == CONTEXT
        assert archive.read("table.csv") == table


async def test_contexts_are_the_tenants_own(gateway: Running) -> None:
    """Two tenants may use one name; neither sees the other's."""
    await publish(gateway)
    for path in ("", "/bundle", "/diff?one=1.0.0"):
        answer = await gateway.get(f"/api/v1/contexts/plain-orders{path}", "chuck")
        assert answer.status_code == 404
    assert (await gateway.get("/api/v1/contexts", "chuck")).json()["contexts"] == []
    await publish(gateway, "chuck")
    both = await gateway.get("/api/v1/contexts", "admin")
    assert {row["tenant"] for row in both.json()["contexts"]} == {"demo", "acme"}


@pytest.mark.parametrize("user", ["marcel"])
async def test_only_designers_publish(gateway: Running, user: str) -> None:
    """An operator runs what designers made."""
    answer = await gateway.ask("POST", "/api/v1/contexts", user, files=files())
    assert answer.status_code == 403
    answer = await gateway.ask("POST", "/api/v1/flows", user, json=FLOW)
    assert answer.status_code == 403


async def test_a_flow_is_added_changed_and_removed(gateway: Running) -> None:
    """Its context must be there; each step is in the audit."""
    early = await gateway.ask("POST", "/api/v1/flows", "demo", json=FLOW)
    assert early.status_code == 404
    await publish(gateway)
    made = await gateway.ask("POST", "/api/v1/flows", "demo", json=FLOW)
    assert made.status_code == 201
    assert made.json()["context"] == "plain-orders"
    twice = await gateway.ask("POST", "/api/v1/flows", "demo", json=FLOW)
    assert twice.status_code == 409
    pinned = FLOW | {"context": "plain-orders@1.0.0", "keep": "30d", "inputs": {"plant": "1"}}
    changed = await gateway.ask("PUT", "/api/v1/flows/orders", "demo", json=pinned)
    assert changed.status_code == 200
    shown = (await gateway.get("/api/v1/flows/orders", "demo")).json()
    assert shown["context"] == "plain-orders@1.0.0"
    assert (shown["keep"], shown["inputs"]) == ("30d", {"plant": "1"})
    assert (await gateway.get("/api/v1/flows", "chuck")).json()["flows"] == []
    assert (await gateway.get("/api/v1/flows/orders", "chuck")).status_code == 404
    foreign = await gateway.ask("DELETE", "/api/v1/flows/orders", "chuck")
    assert foreign.status_code == 404
    gone = await gateway.ask("DELETE", "/api/v1/flows/orders", "demo")
    assert gone.status_code == 204
    assert (await gateway.get("/api/v1/flows/orders", "demo")).status_code == 404
    audit = (await gateway.get("/api/v1/audit?action=flow.", "admin")).json()["entries"]
    assert [e["action"] for e in audit] == ["flow.remove", "flow.change", "flow.add"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"keep": "soon"}, 422),
        ({"name": "Not Plain"}, 400),
        ({"name": ""}, 422),
        ({"extra": 1}, 422),
        ({"context": "plain-orders@9"}, 404),
        ({"tenant": "acme"}, 403),
        ({"retention": {"drops": "x"}}, 422),
    ],
)
async def test_a_bad_flow_is_refused(gateway: Running, change: dict, status: int) -> None:
    """Each with what is wrong."""
    await publish(gateway)
    answer = await gateway.ask("POST", "/api/v1/flows", "demo", json=FLOW | change)
    assert answer.status_code == status, answer.text


async def test_partners_are_for_admins(gateway: Running) -> None:
    """A partner has a tenant and public keys; the name is one for all tenants."""
    key = Ed25519PrivateKey.generate().public_key()
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    partner = {"name": "warehouse", "tenant": "demo", "keys": [line]}
    for user, body, status in (
        ("demo", partner, 403),
        ("admin", partner | {"keys": ["ssh-ed25519 nonsense"]}, 400),
        ("admin", partner | {"keys": []}, 422),
        ("admin", partner, 201),
        ("admin", partner | {"tenant": "acme"}, 409),
    ):
        answer = await gateway.ask("POST", "/api/v1/partners", user, json=body)
        assert answer.status_code == status, answer.text
    listed = (await gateway.get("/api/v1/partners", "admin")).json()["partners"]
    assert listed == [partner]
    gone = await gateway.ask("DELETE", "/api/v1/partners/warehouse?tenant=demo", "admin")
    assert gone.status_code == 204
    assert (await gateway.get("/api/v1/partners", "admin")).json()["partners"] == []


async def test_the_audit_is_read_in_pages(gateway: Running) -> None:
    """Newest first, by admins only."""
    for number in range(5):
        version = f"1.0.{number}".encode()
        await publish(gateway, context=CONTEXT.replace(b"1.0.0", version))
    answer = await gateway.get("/api/v1/audit?limit=2&actor=demo", "admin")
    found = answer.json()["entries"]
    while "next" in answer.links:
        answer = await gateway.get(answer.links["next"]["url"], "admin")
        found += answer.json()["entries"]
    assert [entry["data"]["version"] for entry in found] == [f"1.0.{n}" for n in range(4, -1, -1)]
    assert (await gateway.get("/api/v1/audit", "demo")).status_code == 403
