"""Results and rejects come whole, in order, from the ledger's row or the store."""

import json

from helixnet.ledger.parts import Output
from tests.contract.gateway.conftest import Running
from tests.contract.gateway.working import REJECT, work

NDJSON = {"Accept": "application/x-ndjson"}


async def submitted(gateway: Running) -> str:
    return str((await gateway.upload()).json()["job_id"])


async def test_parts_come_in_order_from_row_and_store(gateway: Running) -> None:
    """Cut or uncut, inline or stored: the same bytes."""
    job_id = await submitted(gateway)
    big = b"".join(b'{"orderId":"%d"}\n' % n for n in range(100_000))
    ref = await gateway.store.put_bytes(f"results/demo/{job_id}/1/part-00001-e1.ndjson", big)
    stored = Output(None, ref.key, ref.version, ref.size)
    first, last = b'{"orderId":"a"}\n', b'{"orderId":"z"}\n'
    made = [Output(first, size=len(first)), stored, Output(b""), Output(last, size=len(last))]
    await work(gateway.ledger, outputs=made)
    answer = await gateway.get(f"/api/v1/jobs/{job_id}/result", "demo")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.content == first + big + last
    shown = (await gateway.get(f"/api/v1/jobs/{job_id}", "demo")).json()
    assert shown["result_content"] is None
    assert shown["result_path"] == f"results/demo/{job_id}/1/"


async def test_many_parts_are_read_page_by_page(gateway: Running) -> None:
    """More parts than one question to the ledger brings."""
    job_id = await submitted(gateway)
    texts = [b'{"orderId":"%d"}\n' % n for n in range(123)]
    await work(gateway.ledger, texts)
    await work(gateway.ledger, texts)
    answer = await gateway.get(f"/api/v1/jobs/{job_id}/result", "demo")
    assert answer.content == b"".join(texts)


async def test_an_open_job_has_no_result_yet(gateway: Running) -> None:
    job_id = await submitted(gateway)
    answer = await gateway.get(f"/api/v1/jobs/{job_id}/result", "demo")
    assert answer.status_code == 404
    assert "PENDING" in answer.json()["detail"]


async def test_rejects_are_samples_as_json_and_all_as_ndjson(gateway: Running) -> None:
    """People look at some; programs take all."""
    job_id = await submitted(gateway)
    rejects = [REJECT | {"record": n, "line": n + 1} for n in range(1, 4)]
    lines = b"".join(json.dumps(reject).encode() + b"\n" for reject in rejects)
    await work(gateway.ledger, rejects=lines, samples=rejects[:2])
    path = f"/api/v1/jobs/{job_id}/rejects"
    shown = (await gateway.get(path, "demo")).json()["rejects"]
    assert [reject["record"] for reject in shown] == [1, 2]
    assert shown[0]["errors"] == REJECT["errors"]
    assert shown[0]["job_id"] == job_id
    whole = await gateway.get(path, "demo", headers=NDJSON)
    assert whole.content == lines
    one = (await gateway.get(f"{path}?record=3", "demo")).json()["rejects"]
    assert one == [rejects[2]]
    assert (await gateway.get(f"{path}?record=9", "demo")).json()["rejects"] == []


async def test_rejects_are_listed_in_pages_and_by_code(gateway: Running) -> None:
    """Over all jobs of the tenant, and nobody else's."""
    for _ in range(2):
        last = await submitted(gateway)
        other = REJECT | {"record": 9, "errors": [{"code": "HX-3001", "message": "missing"}]}
        await work(gateway.ledger, samples=[REJECT, other])
    answer = await gateway.get("/api/v1/rejects?limit=3", "demo")
    assert len(answer.json()["rejects"]) == 3
    rest = await gateway.get(answer.links["next"]["url"], "demo")
    assert len(rest.json()["rejects"]) == 1
    newest = (await gateway.get("/api/v1/rejects", "demo")).json()["rejects"]
    assert len({reject["job_id"] for reject in newest[:2]}) == 1
    assert newest[0]["job_id"] == last
    coded = (await gateway.get("/api/v1/rejects?code=HX-3001", "demo")).json()["rejects"]
    assert [reject["record"] for reject in coded] == [9, 9]
    assert (await gateway.get("/api/v1/rejects", "chuck")).json()["rejects"] == []


async def test_numbers_in_rejects_keep_every_digit(gateway: Running) -> None:
    """A JSON edge that rounds would show another value than the file had."""
    job_id = await submitted(gateway)
    await work(gateway.ledger, samples=[REJECT | {"raw": 12345678901234567890, "line": 3}])
    answer = await gateway.get(f"/api/v1/jobs/{job_id}/rejects", "demo")
    assert "12345678901234567890" in answer.text


async def test_a_lost_object_is_no_empty_result(gateway: Running) -> None:
    """Nobody takes a part of a result, or none, for the whole."""
    job_id = await submitted(gateway)
    ref = await gateway.store.put_bytes(f"results/demo/{job_id}/1/part-00000-e1.ndjson", b"{}\n")
    await work(gateway.ledger, outputs=[Output(None, ref.key, ref.version, 100_000)])
    await gateway.store.delete(ref.key)
    answer = await gateway.get(f"/api/v1/jobs/{job_id}/result", "demo")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert ref.key in answer.json()["detail"]
