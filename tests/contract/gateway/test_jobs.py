"""Jobs: listed in pages, shown with their runs, cancelled once, run again with lineage."""

import io
import zipfile

import pytest

from helixnet.adapters.identity_local import read_keys
from tests.contract.gateway.conftest import CONTEXT, FILES, SCHEMA, Running
from tests.contract.gateway.forging import resigned
from tests.contract.gateway.working import REJECT, fail_part, work

JSON = {"Content-Type": "application/json"}


async def submit(gateway: Running, user: str = "demo", **more: str) -> str:
    answer = await gateway.upload(user=user, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job_id"])


async def show(gateway: Running, job_id: str, user: str = "demo") -> dict:
    answer = await gateway.get(f"/api/v1/jobs/{job_id}", user)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_list_goes_on_by_link(gateway: Running) -> None:
    """Keyset pages: what comes in between moves nothing."""
    ids = [await submit(gateway) for _ in range(5)]
    answer = await gateway.get("/api/v1/jobs?limit=2", "demo")
    found = [job["job_id"] for job in answer.json()["jobs"]]
    await submit(gateway)
    while "next" in answer.links:
        answer = await gateway.get(answer.links["next"]["url"], "demo")
        found += [job["job_id"] for job in answer.json()["jobs"]]
    assert found == ids[::-1]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("text=ONE", ["one.csv"]),
        ("text=%25", []),
        ("state=COMPLETED", ["two.csv", "one.csv"]),
        ("state=PENDING&state=COMPLETED", ["three.csv", "two.csv", "one.csv"]),
        ("state=FAILED", []),
        ("context=plain-orders", ["three.csv", "two.csv", "one.csv"]),
        ("context=other", []),
        ("source=folder", []),
        ("flow=none", []),
        ("since=2001-01-01T00:00:00Z", ["three.csv", "two.csv", "one.csv"]),
        ("until=2001-01-01T00:00:00%2B02:00", []),
    ],
)
async def test_the_list_is_filtered(gateway: Running, query: str, names: list[str]) -> None:
    """Every filter narrows; text is taken as it stands."""
    await submit(gateway, name="one.csv")
    await submit(gateway, name="two.csv")
    await work(gateway.ledger)
    await submit(gateway, name="three.csv")
    answer = await gateway.get(f"/api/v1/jobs?{query}", "demo")
    assert [job["filename"] for job in answer.json()["jobs"]] == names


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("state=WRONG", 422),
        ("limit=0", 422),
        ("limit=501", 422),
        ("since=yesterday", 422),
        ("since=2001-01-01T00:00:00", 422),
        ("cursor=%00", 400),
        ("tenant=acme", 403),
    ],
)
async def test_a_bad_filter_is_refused(gateway: Running, query: str, status: int) -> None:
    """Nothing is guessed; a time without zone is no time."""
    answer = await gateway.get(f"/api/v1/jobs?{query}", "demo")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_tenants_job_is_not_there_and_the_attempt_is_kept(gateway: Running) -> None:
    """404 as for an invented id; the audit knows who tried."""
    job_id = await submit(gateway)
    for method, path in (
        ("GET", ""),
        ("GET", "/result"),
        ("GET", "/rejects"),
        ("GET", "/events"),
        ("POST", "/cancel"),
        ("POST", "/rerun"),
    ):
        answer = await gateway.ask(method, f"/api/v1/jobs/{job_id}{path}", "chuck")
        assert answer.status_code == 404
        invented = await gateway.ask(method, f"/api/v1/jobs/{'0' * 32}{path}", "chuck")
        assert invented.status_code == 404
        assert invented.json()["title"] == answer.json()["title"]
    audit = (await gateway.get("/api/v1/audit?action=access.denied", "admin")).json()["entries"]
    assert len(audit) == 6
    assert {(e["actor"], e["tenant"], e["subject"]) for e in audit} == {
        ("chuck", "acme", f"job/{job_id}")
    }
    assert (await gateway.get("/api/v1/jobs", "chuck")).json()["jobs"] == []
    assert (await show(gateway, job_id, "admin"))["tenant"] == "demo"


async def test_a_cancelled_job_stays_cancelled(gateway: Running) -> None:
    """Once; the second time says in which state it is."""
    job_id = await submit(gateway)
    answer = await gateway.ask("POST", f"/api/v1/jobs/{job_id}/cancel", "demo")
    assert answer.status_code == 200
    assert answer.json()["state"] == "CANCELLED"
    await work(gateway.ledger)
    assert (await show(gateway, job_id))["state"] == "CANCELLED"
    again = await gateway.ask("POST", f"/api/v1/jobs/{job_id}/cancel", "demo")
    assert again.status_code == 409
    assert "CANCELLED" in again.json()["detail"]
    audit = (await gateway.get("/api/v1/audit?action=job.cancel", "admin")).json()["entries"]
    assert [(e["actor"], e["subject"]) for e in audit] == [("demo", job_id)]


async def test_a_rerun_is_a_run_of_the_same_job(gateway: Running) -> None:
    """Lineage shows: what it followed, who asked, with which context."""
    job_id = await submit(gateway)
    early = await gateway.ask("POST", f"/api/v1/jobs/{job_id}/rerun", "demo")
    assert early.status_code == 409
    await work(gateway.ledger)
    answer = await gateway.ask("POST", f"/api/v1/jobs/{job_id}/rerun", "demo")
    assert answer.status_code == 202
    assert answer.json()["run"] == 2
    await work(gateway.ledger, [b'{"orderId":"again"}\n'])
    shown = await show(gateway, job_id)
    assert [(run["run"], run["trigger"]) for run in shown["runs"]] == [
        (2, "rerun"),
        (1, "arrival"),
    ]
    assert shown["runs"][0]["context_hash"] == shown["runs"][1]["context_hash"]
    assert shown["result_content"] == '{"orderId":"again"}\n'
    for run, text in ((1, '{"orderId":"1"}\n'), (2, '{"orderId":"again"}\n')):
        result = await gateway.get(f"/api/v1/jobs/{job_id}/result?run={run}", "demo")
        assert result.text == text
    assert (await gateway.get(f"/api/v1/jobs/{job_id}/result?run=3", "demo")).status_code == 404


async def test_a_rerun_takes_another_context(gateway: Running) -> None:
    """By published name, by hash, or sent along as a zip."""
    job_id = await submit(gateway)
    newer = CONTEXT.replace(b"1.0.0", b"2.0.0")
    files = [("files", ("context.yaml", newer)), ("files", ("order.schema.json", SCHEMA))]
    made = (await gateway.ask("POST", "/api/v1/contexts", "demo", files=files)).json()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in (FILES | {"context.yaml": newer}).items():
            archive.writestr(name, content)
    ways = [
        {"data": {"context": "plain-orders@2.0.0"}},
        {"data": {"context": made["hash"]}},
        {"json": {"context": "plain-orders"}},
        {"files": {"bundle": ("bundle.zip", packed.getvalue())}},
    ]
    for way in ways:
        await work(gateway.ledger)
        answer = await gateway.ask("POST", f"/api/v1/jobs/{job_id}/rerun", "demo", **way)
        assert answer.status_code == 202, answer.text
        assert answer.json()["context_hash"] == made["hash"]
    await work(gateway.ledger)
    for way, status in (
        ({"data": {"context": "other"}}, 404),
        ({"data": {"context": "sha256:00"}}, 404),
        ({"json": [1]}, 400),
        ({"content": b'{"context": "\\ud800"}', "headers": JSON}, 400),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"files": {"bundle": ("b.zip", b"PK\x03\x04")}}, 400),
    ):
        answer = await gateway.ask("POST", f"/api/v1/jobs/{job_id}/rerun", "demo", **way)
        assert answer.status_code == status, answer.text


async def test_a_failed_job_says_why_and_hides_the_trace_from_viewers(gateway: Running) -> None:
    """Operators read the traceback of a fault; its reason is for everybody."""
    job_id = await submit(gateway)
    error = {"code": "HX-7001", "message": "gave up", "traceback": "Traceback …"}
    await work(gateway.ledger, error=error)
    shown = await show(gateway, job_id)
    assert shown["state"] == "FAILED"
    assert shown["errors"] == [error]
    viewer = {"Authorization": f"Bearer {await only_viewing(gateway)}"}
    seen = (await gateway.http.get(f"/api/v1/jobs/{job_id}", headers=viewer)).json()
    assert seen["errors"] == [{"code": "HX-7001", "message": "gave up"}]
    assert seen["runs"][0]["errors"] == seen["errors"]
    assert shown["result_path"] is None
    assert shown["result_content"] is None
    assert (await gateway.get(f"/api/v1/jobs/{job_id}/result", "demo")).status_code == 404


async def only_viewing(gateway: Running) -> str:
    """A token of the tenant demo with the role viewer alone."""
    token = (await gateway.token("demo"))["Authorization"].split()[1]
    roles = {"roles": ["viewer"]}
    pem = read_keys(gateway.folder)[0].pem
    return resigned(token, pem, realm_access=roles, resource_access={})


async def test_a_failing_part_shows_its_trace_to_operators(gateway: Running) -> None:
    """While it is tried again, people see why."""
    job_id = await submit(gateway)
    await fail_part(gateway.ledger, {"message": "KeyError: 'X'", "traceback": "Traceback …"})
    shown = await show(gateway, job_id)
    assert shown["state"] == "PROCESSING"
    assert shown["errors"][0]["part"] == 0
    assert shown["errors"][0]["attempts"] == 1
    assert shown["errors"][0]["traceback"] == "Traceback …"
    viewer = {"Authorization": f"Bearer {await only_viewing(gateway)}"}
    seen = (await gateway.http.get(f"/api/v1/jobs/{job_id}", headers=viewer)).json()
    assert "traceback" not in seen["errors"][0]
    metrics = (await gateway.http.get("/metrics")).text
    assert 'helixnet_open_parts{state="PENDING"} 1.0' in metrics
    assert "helixnet_waiting_runs 0.0" in metrics


async def test_a_finished_job_with_rejects_is_partial(gateway: Running) -> None:
    """Counts say how much of the file was used."""
    job_id = await submit(gateway)
    await work(gateway.ledger, samples=[REJECT])
    shown = await show(gateway, job_id)
    assert shown["state"] == "PARTIAL"
    assert shown["counts"]["records"] == 2
    assert shown["counts"]["rejected"] == 1
    assert shown["counts_complete"] is True
