"""A tenant's inputs by REST: whole or in part, by designers, with an entry of the audit."""

import pytest

from tests.contract.gateway.conftest import Running

PATH = "/api/v1/inputs"


async def test_values_are_replaced_whole_or_changed_in_part(gateway: Running) -> None:
    """Numbers come back as they were sent, digit for digit."""
    assert (await gateway.get(PATH, "marcel")).json() == {}
    sent = b'{"plant": "1000", "rate": 0.1900000000000000000000001, "rush": true}'
    made = await gateway.ask("PUT", PATH, "demo", content=sent)
    assert made.status_code == 200, made.text
    assert b'"rate":0.1900000000000000000000001' in (await gateway.get(PATH, "demo")).content
    patched = await gateway.ask("PATCH", PATH, "demo", json={"rate": None, "plant": "2000"})
    assert patched.json() == {"plant": "2000", "rush": True}
    whole = await gateway.ask("PUT", PATH, "demo", json={"plant": "2000", "day": "2026-11-27"})
    assert whole.json() == {"day": "2026-11-27", "plant": "2000"}
    assert (await gateway.get(PATH, "chuck")).json() == {}
    assert (await gateway.get(f"{PATH}?tenant=demo", "admin")).json() == whole.json()
    assert (await gateway.get(PATH, "admin")).status_code == 400
    same = await gateway.ask("PATCH", PATH, "demo", json={"plant": "2000"})
    assert same.status_code == 200
    audit = (await gateway.get("/api/v1/audit?action=inputs.", "admin")).json()["entries"]
    assert [(e["actor"], e["tenant"], e["action"]) for e in audit] == [
        ("demo", "demo", "inputs.change")
    ] * 3
    assert audit[0]["data"] == {"set": {"day": "2026-11-27"}, "removed": ["rush"]}
    assert audit[1]["data"] == {"set": {"plant": "2000"}, "removed": ["rate"]}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_only_designers_change_values(gateway: Running, method: str) -> None:
    answer = await gateway.ask(method, PATH, "marcel", json={"plant": "1"})
    assert answer.status_code == 403
    foreign = await gateway.ask(method, f"{PATH}?tenant=acme", "demo", json={"plant": "1"})
    assert foreign.status_code == 403


@pytest.mark.parametrize(
    ("method", "body"),
    [
        *(("PUT", body) for body in (b"", b"[]", b"{", b"1", b'{"a": null}', b'{"a b": 1}')),
        *(("PATCH", body) for body in (b"", b"[]", b'"x"', b'{"a": [1]}', b'{"a": {}}')),
        ("PUT", b'{"\xff": 1}'),
    ],
)
async def test_a_body_that_is_no_set_of_values_is_refused(
    gateway: Running, method: str, body: bytes
) -> None:
    await gateway.ask("PUT", PATH, "demo", json={"plant": "1000"})
    answer = await gateway.ask(method, PATH, "demo", content=body)
    assert answer.status_code == 400, answer.text
    assert (await gateway.get(PATH, "demo")).json() == {"plant": "1000"}
