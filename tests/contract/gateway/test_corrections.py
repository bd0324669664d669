"""Rejects go on in children: nothing lost, nothing doubled, over real stages and a real gateway."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from helixnet.adapters.workers import ProcessWorkers
from tests.contract.gateway.conftest import Running
from tests.contract.shop import CONTEXT, Shop, rows

GROUPED = b"""\
helixnet: 1
name: grouped
version: 1.0.0
target: {type: object, required: [no], properties: {no: {type: string}, n: {type: array}}}
source: {format: csv, delimiter: ";", fields: {NO: {type: string}, N: {type: integer}}}
group: {by: NO, order: consecutive, header: h, lines: lines}
map:
  no: h.NO
  n: {each: lines, as: l, map: l.N}
on_error: {scope: record}
"""
NDJSON = b"""\
helixnet: 1
name: lines
version: 1.0.0
target: {type: object, required: [id], properties: {id: {type: string}}}
source: {format: ndjson, fields: {id: {type: string, required: true}}}
map: {id: id}
on_error: {scope: record}
"""
JSON = NDJSON.replace(b"ndjson", b"json")
NESTED = JSON.replace(b"format: json", b"format: json, record: /items")


@pytest.fixture
async def shop(gateway: Running) -> AsyncIterator[Shop]:
    """The stages beside the gateway, on its ledger and store."""
    async with ProcessWorkers(1, preload="helixnet.stages.work", stall_seconds=60) as workers:
        yield Shop(gateway.store.scratch.parent, gateway.ledger, gateway.store, workers)


class Family:
    """A job with rejects, and what people do with them."""

    def __init__(self, gateway: Running, shop: Shop) -> None:
        self.gateway = gateway
        self.shop = shop

    async def parent(
        self, content: bytes = rows(6, bad=[1, 3, 4]), context: bytes = CONTEXT.encode()
    ) -> str:
        answer = await self.gateway.upload(
            content, files={"context.yaml": context}, name="numbers.csv"
        )
        assert answer.status_code == 201, answer.text
        await self.shop.drain()
        return str(answer.json()["job_id"])

    async def raw(self, job: str, query: str = "") -> Any:
        return await self.gateway.get(f"/api/v1/jobs/{job}/rejects.raw{query}", "demo")

    async def fix(self, job: str, content: bytes, user: str = "demo", **more: Any) -> Any:
        files = [("content_file", ("corrected.csv", content))]
        path = f"/api/v1/jobs/{job}/rejects/fix"
        answer = await self.gateway.ask("POST", path, user, files=files, **more)
        await self.shop.drain()
        return answer

    async def requeue(self, job: str, headers: dict[str, str] | None = None, **said: Any) -> Any:
        path = f"/api/v1/jobs/{job}/rejects/requeue"
        answer = await self.gateway.ask("POST", path, "demo", json=said, headers=headers or {})
        await self.shop.drain()
        return answer

    async def job(self, job: str) -> dict[str, Any]:
        return dict((await self.gateway.get(f"/api/v1/jobs/{job}", "demo")).json())

    async def rejects(self, job: str) -> list[dict[str, Any]]:
        answer = await self.gateway.get(f"/api/v1/jobs/{job}/rejects", "demo")
        return list(answer.json()["rejects"])

    async def records(self, job: str) -> int:
        """Count a family: what is settled in a job, what is open, and what its children have."""
        shown = await self.job(job)
        counts = shown["counts"]
        own = counts["used"] + counts["skipped"] + shown["rejects_open"]
        return own + sum([await self.records(child["job_id"]) for child in shown["children"]])


@pytest.fixture
def family(gateway: Running, shop: Shop) -> Family:
    return Family(gateway, shop)


async def test_corrected_rejects_become_a_child(family: Family) -> None:
    """With the parent's header, context and inputs; the parent stays as it was."""
    parent = await family.parent()
    before = await family.job(parent)
    given = await family.raw(parent)
    assert given.content == b"ID,QTY\nid-1,x\nid-3,x\nid-4,x\n"
    assert given.headers["x-helix-left-open"] == "0"
    answer = await family.fix(parent, given.content.replace(b"x", b"7"))
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert (said["records"], said["left_open"], said["created"]) == (3, 0, True)
    child, after = await family.job(said["job_id"]), await family.job(parent)
    assert (child["state"], child["counts"]["written"]) == ("COMPLETED", 3)
    assert (child["source"], child["parent"], child["parent_run"]) == ("child", parent, 1)
    assert child["context_hash"] == before["context_hash"]
    told = {"rejects_open", "children"}
    assert {k: v for k, v in before.items() if k not in told} == {
        k: v for k, v in after.items() if k not in told
    }
    assert (before["rejects_open"], after["rejects_open"]) == (3, 0)
    assert [(c["job_id"], c["corrects"]) for c in after["children"]] == [(said["job_id"], 3)]
    assert {reject["child"] for reject in await family.rejects(parent)} == {said["job_id"]}
    assert await family.records(parent) == 6
    told_of = await family.shop.told("helix.out.demo.numbers.good")
    assert sorted(event["key"] for event in told_of) == [f"id-{n}" for n in range(6)]


async def test_what_was_taken_is_not_taken_again(family: Family) -> None:
    """What was left out stays open; a repeat names the child."""
    parent = await family.parent()
    one = (await family.fix(parent, b"ID,QTY\nid-3,3\n", data={"records": "4"})).json()
    assert one["left_open"] == 0
    shown = {reject["record"]: reject.get("child") for reject in await family.rejects(parent)}
    assert shown == {2: None, 4: one["job_id"], 5: None}
    again = await family.fix(parent, b"ID,QTY\nid-3,3\n", data={"records": "4"})
    assert (again.status_code, one["job_id"] in again.text) == (409, True)
    assert (await family.raw(parent)).content == b"ID,QTY\nid-1,x\nid-4,x\n"
    assert (await family.raw(parent, "?record=4")).status_code == 409
    assert (await family.fix(parent, b"ID,QTY\nid-1,1\nid-4,4\n")).status_code == 201
    none = await family.fix(parent, b"ID,QTY\nid-1,1\nid-4,4\n")
    assert (none.status_code, one["job_id"] in none.text) == (409, True)
    assert await family.records(parent) == 6


async def test_the_same_request_makes_one_child(family: Family) -> None:
    """By its Idempotency-Key; another request with that key is refused."""
    parent = await family.parent()
    key = {"Idempotency-Key": "k"}
    first = (await family.requeue(parent, key)).json()
    second = (await family.requeue(parent, key)).json()
    assert second["job_id"] == first["job_id"]
    assert (first["created"], second["created"]) == (True, False)
    other = await family.requeue(parent, key, records=[2])
    assert (other.status_code, other.json()["code"]) == (409, "HX-7006")


async def test_a_childs_rejects_go_on_too(family: Family) -> None:
    """And the family still counts its records once."""
    parent = await family.parent()
    child = (await family.fix(parent, b"ID,QTY\nid-1,1\nid-3,y\nid-4,y\n")).json()["job_id"]
    assert [r["record"] for r in await family.rejects(child)] == [2, 3]
    assert await family.records(parent) == 6
    grandchild = (await family.fix(child, b"ID,QTY\nid-3,3\nid-4,4\n")).json()["job_id"]
    assert (await family.job(grandchild))["parent"] == child
    assert (await family.job(child))["rejects_open"] == 0
    assert await family.records(parent) == 6


async def test_a_file_of_another_length_is_refused_and_frees_its_rejects(family: Family) -> None:
    """The failed child is superseded by whoever takes them next, and can't run again."""
    parent = await family.parent()
    short = (await family.fix(parent, b"ID,QTY\nid-1,1\n")).json()["job_id"]
    failed = await family.job(short)
    assert (failed["state"], failed["errors"][0]["code"]) == ("FAILED", "HX-5010")
    assert (await family.job(parent))["rejects_open"] == 3
    assert {reject.get("child") for reject in await family.rejects(parent)} == {None}
    whole = await family.fix(parent, b"ID,QTY\nid-1,1\nid-3,3\nid-4,4\n")
    assert whole.status_code == 201, whole.text
    rerun = await family.gateway.ask("POST", f"/api/v1/jobs/{short}/rerun", "demo")
    assert (rerun.status_code, "other children" in rerun.text) == (409, True)
    request = {"select": {"jobs": [short]}}
    replay = await family.gateway.ask("POST", "/api/v1/replays", "demo", json=request)
    assert replay.json()["left_out"][0]["reason"] == "other children have taken its records"
    assert await family.records(parent) == 6


async def test_requeued_rejects_may_take_another_context(family: Family) -> None:
    parent = await family.parent()
    lenient = CONTEXT.replace("QTY: {type: decimal, digits: 15, scale: 3}", "QTY: {type: string}")
    lenient = lenient.replace("qty: QTY", "id: ID").replace("{id: ID, id: ID}", "{id: ID}")
    files = [("files", ("context.yaml", lenient.encode()))]
    made = await family.gateway.ask("POST", "/api/v1/contexts", "demo", files=files)
    assert made.status_code == 201, made.text
    answer = await family.requeue(parent, context="numbers", records=[2, 5])
    child = await family.job(answer.json()["job_id"])
    assert (child["state"], child["counts"]["written"]) == ("COMPLETED", 2)
    assert child["context_hash"] != (await family.job(parent))["context_hash"]
    assert (await family.requeue(parent, context="none")).status_code == 404
    assert (await family.job(parent))["rejects_open"] == 1


@pytest.mark.parametrize(
    ("context", "content", "raw", "fixed"),
    [
        (
            GROUPED,
            b"\xef\xbb\xbfNO;N\r\na;1\r\na;x\r\nb;2\r\nc;y\r\n",
            b"\xef\xbb\xbfNO;N\r\na;1\r\na;x\r\nc;y\r\n",
            b"NO;N\na;1\na;2\nc;3\n",
        ),
        (
            NDJSON,
            b'{"id":"1"}\n{"ix":"2"}\n{"ix":"3"}',
            b'{"ix":"2"}\n{"ix":"3"}\n',
            b'{"id":"2"}\n{"id":"3"}\n',
        ),
        (
            JSON,
            b'[{"id":"1"},\n {"ix":"2"}, {"ix":"3"}]',
            b'[{"ix":"2"},\n{"ix":"3"}]\n',
            b'[{"id":"2"},{"id":"3"}]',
        ),
        (
            NDJSON.replace(b"ndjson,", b"ndjson, encoding: [utf-16-le],"),
            '\ufeff{"id":"1"}\n{"ix":"\u00e4"}\n'.encode("utf-16-le"),
            '\ufeff{"ix":"\u00e4"}\n'.encode("utf-16-le"),
            '\ufeff{"id":"\u00e4"}\n'.encode("utf-16-le"),
        ),
    ],
    ids=["groups", "ndjson", "json", "utf-16"],
)
async def test_each_format_gives_its_rejects_back(
    family: Family, context: bytes, content: bytes, raw: bytes, fixed: bytes
) -> None:
    """As a file of its own: header, byte order mark, line ends, all lines of a group."""
    parent = await family.parent(content, context)
    given = await family.raw(parent)
    assert given.status_code == 200, given.text
    assert given.content == raw
    requeued = (await family.requeue(parent, records=[2] if context == NDJSON else [])).json()
    child = await family.job(requeued["job_id"])
    assert (child["state"], child["counts"]["rejected"]) == ("PARTIAL", requeued["records"])
    if context == NDJSON:
        fixed = fixed[fixed.index(b"\n") + 1 :]
        answer = await family.fix(parent, fixed)
    else:
        answer = await family.fix(requeued["job_id"], fixed)
    assert (await family.job(answer.json()["job_id"]))["state"] == "COMPLETED"


async def test_what_can_not_be_given_back_is_said(family: Family) -> None:
    """Records within a larger document, over 64 KiB, or that are no text."""
    nested = await family.parent(b'{"items": [{"id":"1"}, {"ix":"2"}]}', NESTED)
    answer = await family.raw(nested)
    assert (answer.status_code, "send it anew" in answer.json()["hint"]) == (400, True)
    large = b'{"ix":"' + b"x" * 70_000 + b'"}\n'
    parent = await family.parent(b'{"id":"1"}\n{"ix":"2"}\n' + large, NDJSON)
    answer = await family.raw(parent)
    assert answer.content == b'{"ix":"2"}\n'
    assert answer.headers["x-helix-left-open"] == "1"
    assert (await family.raw(parent, "?record=3")).status_code == 400
    said = (await family.requeue(parent)).json()
    assert (said["records"], said["left_open"]) == (1, 1)
    assert "holds its record whole" in (await family.requeue(parent)).json()["detail"]


async def test_only_a_finished_parent_has_rejects_to_give(family: Family) -> None:
    """Nothing of a failed one was written, so nothing would make it whole."""
    strict = CONTEXT.replace("{scope: record}", "{scope: file}").encode()
    failed = await family.parent(context=strict)
    answer = await family.requeue(failed)
    assert (answer.status_code, "rerun the job" in answer.json()["hint"]) == (409, True)
    good = await family.parent(rows(2))
    assert (await family.requeue(good)).status_code == 409
    assert (await family.requeue(good, records=["x"])).status_code == 422


async def test_other_rejects_than_those_read_are_not_corrected(family: Family) -> None:
    """If-Match holds a correction to the raw file that it came from."""
    parent = await family.parent()
    tag = {"If-Match": (await family.raw(parent)).headers["etag"]}
    await family.requeue(parent, records=[2])
    assert (await family.fix(parent, b"ID,QTY\na,1\nb,2\n", headers=tag)).status_code == 409
    tag = {"If-Match": (await family.raw(parent)).headers["etag"]}
    assert (await family.fix(parent, b"ID,QTY\na,1\nb,2\n", headers=tag)).status_code == 201


async def test_corrections_are_of_the_tenant_and_in_the_audit(family: Family) -> None:
    parent = await family.parent()
    for user, status in (("chuck", 404), ("marcel", 403)):
        answer = await family.fix(parent, b"ID,QTY\nid-1,1\n", user=user)
        assert answer.status_code in {status, 404}, answer.text
    body = {"content": "ID,QTY\nid-1,1\n", "records": [2]}
    path = f"/api/v1/jobs/{parent}/rejects/fix"
    answer = await family.gateway.ask("POST", path, "demo", json=body)
    assert answer.status_code == 201, answer.text
    seen = (await family.gateway.get("/api/v1/audit?action=rejects.fix", "admin")).json()
    (entry,) = seen["entries"]
    assert (entry["subject"], entry["actor"]) == (parent, "demo")
    assert entry["data"] == {"child": answer.json()["job_id"], "run": 1, "records": 1}
    for bad in ({"records": [2]}, {"content": "x", "colour": 1}, {"content": 1}):
        answer = await family.gateway.ask("POST", path, "demo", json=bad)
        assert answer.status_code == 400, answer.text


async def test_a_large_correction_goes_to_the_store(family: Family) -> None:
    """And takes its rejects like a small one."""
    many = rows(9000, bad=range(8000))
    parent = await family.parent(many)
    given = (await family.raw(parent)).content
    assert len(given) > 64 * 1024
    answer = await family.fix(parent, given.replace(b",x", b",1"))
    child = await family.job(answer.json()["job_id"])
    assert (child["state"], child["counts"]["written"]) == ("COMPLETED", 8000)
    assert await family.records(parent) == 9000
    keys = [ref.key async for ref in family.gateway.store.list("work/demo/")]
    assert len(keys) == 2
    assert (await family.fix(parent, given)).status_code == 409
    assert [ref.key async for ref in family.gateway.store.list("work/demo/")] == keys
