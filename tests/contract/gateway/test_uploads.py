"""Uploading: what is accepted is durable, what can't be used is refused with every reason."""

import asyncio
import io
import zipfile
from pathlib import Path

import pytest

from tests.contract.gateway.conftest import CONTEXT, FILES, SCHEMA, Running
from tests.contract.gateway.working import work


def scratch_is_empty(gateway: Running) -> bool:
    return not list(gateway.store.scratch.iterdir())


async def test_an_accepted_upload_is_a_job(gateway: Running) -> None:
    """201 names the job; it is in the list and can be shown at once."""
    answer = await gateway.upload()
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert said["state"] == "PENDING"
    assert answer.headers["location"] == f"/api/v1/jobs/{said['job_id']}"
    shown = (await gateway.get(f"/api/v1/jobs/{said['job_id']}", "demo")).json()
    assert shown["filename"] == "orders.csv"
    assert shown["context"] == "plain-orders"
    assert shown["context_hash"].startswith("sha256:")
    assert shown["submitted_by"] == "demo"
    assert shown["source"] == "upload"
    listed = (await gateway.get("/api/v1/jobs", "demo")).json()["jobs"]
    assert [job["job_id"] for job in listed] == [said["job_id"]]


async def test_a_small_file_lives_in_the_ledger(gateway: Running, tmp_path: Path) -> None:
    """No object is made for a file of up to 64 KiB: one commit makes it durable."""
    assert (await gateway.upload(b"NO\n" + b"1\n" * 30_000)).status_code == 201
    assert not list((tmp_path / "work").rglob("*.csv"))


async def test_a_large_file_goes_to_the_store(gateway: Running, tmp_path: Path) -> None:
    """Its bytes arrive unchanged, and nothing stays behind on the way."""
    content = b"NO\n" + b"".join(b"%07d\r\n" % n for n in range(300_000))
    answer = await gateway.upload(content, name="big orders.csv")
    assert answer.status_code == 201, answer.text
    stored = tmp_path / "work" / "demo" / answer.json()["job_id"] / "big orders.csv"
    assert stored.read_bytes() == content
    assert scratch_is_empty(gateway)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\files\\a.csv", "a.csv"),
        ("..", "file"),
        ("ä" * 300 + ".csv", "ä" * 100),
    ],
)
async def test_a_file_name_is_a_name_only(gateway: Running, sent: str, kept: str) -> None:
    """No part of it leads anywhere."""
    answer = await gateway.upload(name=sent)
    assert answer.status_code == 201, answer.text
    shown = await gateway.get(f"/api/v1/jobs/{answer.json()['job_id']}", "demo")
    assert shown.json()["filename"] == kept


async def test_the_same_key_makes_one_job(gateway: Running, tmp_path: Path) -> None:
    """A repeated request is answered with the first job; its file is not kept twice."""
    content = b"NO\n" + b"1\n" * 100_000
    key = {"Idempotency-Key": "k-1"}
    first = await gateway.upload(content, headers=key)
    again = await gateway.upload(content, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert (first.json()["created"], again.json()["created"]) == (True, False)
    assert len(list((tmp_path / "work").rglob("*.csv"))) == 1
    other = await gateway.upload(b"NO\n2\n", headers=key)
    assert other.status_code == 409
    assert other.json()["code"] == "HX-7006"
    foreign = await gateway.upload(content, "chuck", headers=key)
    assert foreign.json()["job_id"] != first.json()["job_id"]


async def test_a_bundle_comes_as_a_zip_too(gateway: Running) -> None:
    """Under `bundle`, or in place of the context file; the hash is that of the single files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    single = (await gateway.upload()).json()["context_hash"]
    for field in ("bundle", "context_file"):
        parts = [("content_file", ("a.csv", b"NO\n1\n")), (field, ("b.zip", packed.getvalue()))]
        answer = await gateway.ask("POST", "/api/v1/jobs/upload", "demo", files=parts)
        assert answer.status_code == 201, answer.text
        assert answer.json()["context_hash"] == single


async def test_a_bad_context_is_refused_with_every_problem(gateway: Running) -> None:
    """All places at once, each with line and column; no job is made."""
    broken = CONTEXT.replace(b"helixnet: 1", b"helixnet: 7").replace(b"target:", b"targt:")
    answer = await gateway.upload(files={"context.yaml": broken, "order.schema.json": SCHEMA})
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert all(error["line"] > 0 and error["column"] > 0 for error in errors)
    assert all(error["code"].startswith("HX-4") and error["message"] for error in errors)
    assert (await gateway.get("/api/v1/jobs", "demo")).json()["jobs"] == []


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [("content_file", ("a.csv", b"x"))],
        [("context_file", ("c.yaml", CONTEXT)), ("schema_file", ("order.schema.json", SCHEMA))],
        [("content_file", ("a.csv", b"x")), ("schema_file", ("s.json", SCHEMA))],
        [("content_file", ("a.csv", b"x")), ("context_file", ("bundle.zip", b"PK\x03\x04rest"))],
        [("content_file", ("a.csv", b"x")), ("context_file", ("c.yaml", b"\x00\xff"))],
    ],
    ids=["nothing", "no context", "no content", "schema only", "broken zip", "binary context"],
)
async def test_an_incomplete_upload_is_refused(
    gateway: Running, parts: list[tuple[str, tuple[str, bytes]]]
) -> None:
    """What is missing is said; nothing is made."""
    files = parts or [("other", ("x", b"x"))]
    answer = await gateway.ask("POST", "/api/v1/jobs/upload", "demo", files=files)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disp"),
        ("multipart/form-data; boundary=x", b"not a form"),
        ("multipart/form-data; boundary=x", b"--x\r\nA: b\r\n\r\nc\r\n--x--\r\n"),
    ],
)
async def test_a_broken_form_is_refused(gateway: Running, kind: str, body: bytes) -> None:
    """Bad input is never a fault of the server."""
    headers = {"Content-Type": kind}
    answer = await gateway.ask("POST", "/api/v1/jobs/upload", "demo", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "HX-7005"
    assert scratch_is_empty(gateway)


async def test_a_form_cut_off_leaves_nothing_behind(gateway: Running) -> None:
    """A client that goes away in the middle of a large file costs no disk."""
    head = b'--x\r\nContent-Disposition: form-data; name="content_file"; filename="a"\r\n\r\n'
    answer = await gateway.ask(
        "POST",
        "/api/v1/jobs/upload",
        "demo",
        content=head + b"y" * (3 << 20),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 400
    assert scratch_is_empty(gateway)


async def test_a_body_over_the_limit_is_refused(gateway: Running) -> None:
    """413 with its code, and nothing stays on disk."""
    answer = await gateway.upload(b"y" * (5 << 20))
    assert answer.status_code == 413
    assert answer.json()["code"] == "HX-7003"
    assert scratch_is_empty(gateway)


async def test_a_flow_knows_its_context(gateway: Running) -> None:
    """Operators send files; the flow says what becomes of them."""
    files = [("files", item) for item in FILES.items()]
    published = await gateway.ask("POST", "/api/v1/contexts", "demo", files=files)
    assert published.status_code == 201, published.text
    flow = {"name": "orders", "match": "orders/*.csv", "context": "plain-orders"}
    assert (await gateway.ask("POST", "/api/v1/flows", "demo", json=flow)).status_code == 201
    for field, value in (("flow", "orders"), ("context", "plain-orders@1.0.0")):
        answer = await gateway.upload(files={}, data={field: value})
        assert answer.status_code == 201, answer.text
        assert answer.json()["context_hash"] == published.json()["hash"]
    assert (await gateway.upload(files={}, data={"flow": "other"})).status_code == 404
    foreign = await gateway.upload(user="chuck", files={}, data={"flow": "orders"})
    assert foreign.status_code == 404


async def test_stored_objects_are_mapped_by_key(gateway: Running) -> None:
    """A key of the own tenant is enough; another tenant's is not there."""
    await gateway.store.put_bytes("work/demo/manual/a.csv", b"NO\n1\n")
    await gateway.store.put_bytes("work/demo/manual/big.csv", b"NO\n" + b"1\n" * 50_000)
    for key in ("work/demo/manual/a.csv", "work/demo/manual/big.csv"):
        answer = await gateway.ask(
            "POST",
            "/api/v1/jobs/upload",
            "demo",
            data={"content_key": key},
            files=[("context_file", item) for item in list(FILES.items())[:1]]
            + [("schema_file", item) for item in list(FILES.items())[1:]],
        )
        assert answer.status_code == 201, answer.text
        assert await gateway.store.find(key)
    for user, key, status in (
        ("chuck", "work/demo/manual/a.csv", 404),
        ("demo", "work/demo/manual/none.csv", 404),
        ("demo", "work/demo/../acme/a.csv", 400),
        ("demo", "ledger.db", 400),
        ("demo", "contexts/demo/x.zip", 400),
    ):
        answer = await gateway.upload(user=user, files=FILES, data={"content_key": key})
        assert answer.status_code == 400  # a file and a key at once
        parts = [("context_file", ("context.yaml", CONTEXT)), *schema_part()]
        answer = await gateway.ask(
            "POST", "/api/v1/jobs/upload", user, data={"content_key": key}, files=parts
        )
        assert answer.status_code == status, (key, answer.text)

    audit = (await gateway.get("/api/v1/audit?action=access.denied", "admin")).json()["entries"]
    assert [e["subject"] for e in audit] == ["object/work/demo/manual/a.csv"]


def schema_part() -> list[tuple[str, tuple[str, bytes]]]:
    return [("schema_file", ("order.schema.json", SCHEMA))]


async def test_an_admin_without_tenant_names_one(gateway: Running) -> None:
    """Everybody else's tenant comes from the token."""
    assert (await gateway.upload(user="admin")).status_code == 400
    answer = await gateway.upload(user="admin", data={"tenant": "acme"})
    assert answer.status_code == 201
    shown = await gateway.get(f"/api/v1/jobs/{answer.json()['job_id']}", "chuck")
    assert shown.json()["tenant"] == "acme"
    assert (await gateway.upload(data={"tenant": "acme"})).status_code == 403


async def test_inputs_travel_with_the_job(gateway: Running) -> None:
    """They are part of the result's identity, so they are kept with the run."""
    answer = await gateway.upload(data={"inputs": '{"plant": "1000", "rate": 0.10000000000000001}'})
    shown = await gateway.get(f"/api/v1/jobs/{answer.json()['job_id']}", "demo")
    assert shown.json()["runs"][0]["inputs"]["plant"] == "1000"
    assert '"rate":0.10000000000000001' in shown.text
    for bad in ("[1]", "{", "7", '{"a": "\\ud800"}'):
        assert (await gateway.upload(data={"inputs": bad})).status_code == 400


async def test_a_finished_job_shows_its_small_result(gateway: Running) -> None:
    """The whole of a small result stands in the job itself."""
    job_id = (await gateway.upload()).json()["job_id"]
    await work(gateway.ledger)
    shown = (await gateway.get(f"/api/v1/jobs/{job_id}", "demo")).json()
    assert shown["state"] == "COMPLETED"
    assert shown["result_content"] == '{"orderId":"1"}\n'
    assert shown["result_path"] == f"results/demo/{job_id}/1/"
    assert shown["counts"]["records"] == shown["counts"]["used"] == 1


async def test_a_disk_that_fails_is_said(gateway: Running) -> None:
    """503: the client keeps its file and tries again."""
    gateway.store.scratch.rmdir()
    answer = await gateway.upload(b"NO\n" + b"1\n" * 100_000)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert (await gateway.get("/api/v1/jobs", "demo")).json()["jobs"] == []


async def test_uploads_that_arrive_together_are_each_answered_alone(gateway: Running) -> None:
    """They share transactions; what is wrong with one of them is no other's concern."""
    repeated = {"Idempotency-Key": "twice"}
    asked = [gateway.upload(b"NO\n%d\n" % n, name=f"{n}.csv") for n in range(30)]
    asked += [gateway.upload(name="same.csv", headers=repeated) for _ in range(3)]
    asked += [gateway.upload(b"NO\n2\n", name="same.csv", headers=repeated)]
    asked += [gateway.upload(files={}, data={"flow": "nowhere"}) for _ in range(2)]
    asked += [gateway.upload(user="chuck", name="foreign.csv")]
    answers = await asyncio.gather(*asked)
    statuses = [answer.status_code for answer in answers]
    assert statuses[:30] == [201] * 30
    assert sorted(statuses[30:34]) in ([201, 201, 201, 409], [201, 409, 409, 409])
    assert statuses[34:] == [404, 404, 201]
    listed = (await gateway.get("/api/v1/jobs", "demo")).json()["jobs"]
    names = sorted(job["filename"] for job in listed)
    assert names == sorted([*(f"{n}.csv" for n in range(30)), "same.csv"])
