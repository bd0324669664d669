"""Replays: tried first, then done; open jobs and other tenants' are never touched."""

import asyncio
from functools import partial

import pytest

from helixnet.ledger import errands
from tests.contract.gateway.conftest import CONTEXT, SCHEMA, Running
from tests.contract.gateway.working import work

PATH = "/api/v1/replays?wait=0"


async def submit(gateway: Running, name: str = "a.csv", user: str = "demo") -> str:
    return str((await gateway.upload(user=user, name=name)).json()["job_id"])


async def test_a_dry_run_changes_nothing(gateway: Running) -> None:
    """It says which jobs would run, which would not and why."""
    done = [await submit(gateway, f"{n}.csv") for n in range(3)]
    await work(gateway.ledger)
    opened = await submit(gateway, "open.csv")
    request = {"select": {"jobs": [*done, opened]}, "dry_run": True}
    answer = await gateway.ask("POST", PATH, "demo", json=request)
    assert answer.status_code == 202, answer.text
    said = answer.json()
    assert said["jobs"] == done
    assert said["left_out"] == [{"job_id": opened, "reason": "it is PENDING"}]
    assert (said["state"], said["dry_run"], said["comparison"]) == ("PENDING", True, None)
    assert said["unchanged"] == 3
    shown = (await gateway.get("/api/v1/jobs", "demo")).json()["jobs"]
    assert {job["run"] for job in shown} == {1}
    answer = await gateway.ask("POST", PATH, "demo", json=request | {"dry_run": False})
    assert answer.json()["jobs"] == done
    assert answer.json()["replay_id"]
    shown = (await gateway.get("/api/v1/jobs", "demo")).json()["jobs"]
    assert {job["job_id"]: job["run"] for job in shown} == dict.fromkeys(done, 2) | {opened: 1}
    runs = (await gateway.get(f"/api/v1/jobs/{done[0]}", "demo")).json()["runs"]
    assert (runs[0]["trigger"], runs[0]["asked_by"]) == ("replay", "demo")
    audit = (await gateway.get("/api/v1/audit?action=job.replay", "admin")).json()["entries"]
    assert audit[0]["data"]["jobs"] == 3


@pytest.mark.parametrize(
    ("select", "names"),
    [
        ({"text": "one"}, ["one.csv"]),
        ({"state": ["COMPLETED"], "text": ".csv"}, ["one.csv", "two.csv"]),
        ({"context": "plain-orders"}, ["one.csv", "two.csv"]),
        ({"since": "2001-01-01T00:00:00Z"}, ["one.csv", "two.csv"]),
        ({"until": "2001-01-01T00:00:00Z"}, []),
        ({"topic": {"name": "helix.jobs", "last": 1}}, ["one.csv"]),
        ({"topic": {"name": "helix.jobs", "first": 1, "last": 1000}}, ["one.csv", "two.csv"]),
        ({"topic": {"name": "helix.results", "last": 1}}, []),
        ({"topic": {"name": "helix.out.demo.none", "last": 1000}}, []),
    ],
)
async def test_jobs_are_selected(gateway: Running, select: dict, names: list[str]) -> None:
    """By filter, time, and the events of a topic."""
    for name in ("one.csv", "two.csv"):
        await submit(gateway, name)
    await submit(gateway, "foreign.csv", "chuck")
    await work(gateway.ledger)
    request = {"select": select, "dry_run": True}
    answer = await gateway.ask("POST", PATH, "demo", json=request)
    assert answer.status_code == 202, answer.text
    shown = (await gateway.get("/api/v1/jobs", "demo")).json()["jobs"]
    by_id = {job["job_id"]: job["filename"] for job in shown}
    assert [by_id[job] for job in answer.json()["jobs"]] == names


async def test_a_replay_takes_another_context(gateway: Running) -> None:
    """A dry run says for how many the context stays the same."""
    job = await submit(gateway)
    await work(gateway.ledger)
    newer = CONTEXT.replace(b"1.0.0", b"2.0.0")
    files = [("files", ("context.yaml", newer)), ("files", ("order.schema.json", SCHEMA))]
    made = (await gateway.ask("POST", "/api/v1/contexts", "demo", files=files)).json()
    request = {"select": {"jobs": [job]}, "context": "plain-orders"}
    answer = await gateway.ask("POST", PATH, "demo", json=request)
    assert answer.json()["unchanged"] == 0
    shown = (await gateway.get(f"/api/v1/jobs/{job}", "demo")).json()
    assert shown["context_hash"] == made["hash"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"select": {}}, 400),
        ({}, 422),
        ({"select": {"job": ["x"]}}, 422),
        ({"select": {"jobs": ["0" * 32]}}, 404),
        ({"select": {"text": "a"}, "deliver": "some"}, 422),
        ({"select": {"text": "a"}, "context": "none"}, 404),
        ({"select": {"text": "a"}, "tenant": "acme"}, 403),
        ({"select": {"topic": {"name": "helix.none", "last": 9}}}, 404),
        ({"select": {"topic": {"name": "helix.out.acme.orders", "last": 9}}}, 404),
        ({"select": {"topic": {"name": "helix.jobs", "last": 9, "partition": 7}}}, 404),
        ({"select": {"topic": {"name": "helix.jobs", "first": 9, "last": 8}}}, 422),
    ],
)
async def test_a_bad_replay_is_refused(gateway: Running, request_: dict, status: int) -> None:
    """Selecting everything by accident is not possible."""
    await submit(gateway)
    answer = await gateway.ask("POST", PATH, "demo", json=request_)
    assert answer.status_code == status, answer.text


async def test_another_tenants_job_is_not_replayed(gateway: Running) -> None:
    """It is not there, and the attempt is written down."""
    job = await submit(gateway, user="chuck")
    await work(gateway.ledger)
    answer = await gateway.ask("POST", PATH, "demo", json={"select": {"jobs": [job]}})
    assert answer.status_code == 404
    audit = (await gateway.get("/api/v1/audit?action=access.denied", "admin")).json()["entries"]
    assert audit[0]["subject"] == f"job/{job}"


async def test_a_replay_tells_how_far_it_is(gateway: Running) -> None:
    """To its own tenant only."""
    job = await submit(gateway)
    await work(gateway.ledger)
    answer = await gateway.ask("POST", PATH, "demo", json={"select": {"jobs": [job]}})
    url = answer.json()["url"]
    said = (await gateway.get(url, "demo")).json()
    assert (said["state"], said["selected"], said["begun"]) == ("DONE", 1, 1)
    assert (await gateway.get(url, "chuck")).status_code == 404
    assert (await gateway.get(f"{url}0", "demo")).status_code == 404


async def test_a_large_replay_begins_in_batches(gateway: Running) -> None:
    """The first at once, the others by whoever claims the errand, each job once."""
    for number in range(0, 250, 10):
        await asyncio.gather(*(submit(gateway, f"{number + n}.csv") for n in range(10)))
        await work(gateway.ledger)
    answer = await gateway.ask("POST", PATH, "demo", json={"select": {"text": ".csv"}})
    said = answer.json()
    assert (said["state"], said["selected"], said["begun"]) == ("PENDING", 250, 200)
    claim = partial(errands.claim_errands, worker="w", limit=1, lease_seconds=60)
    (claimed,) = await gateway.ledger.do(claim)
    assert await gateway.ledger.do(lambda conn: errands.advance(conn, claimed)) == 250
    assert await gateway.ledger.do(lambda conn: errands.advance(conn, claimed)) == -1
    said = (await gateway.get(said["url"], "demo")).json()
    assert (said["state"], said["begun"], said["left_out"]) == ("DONE", 250, [])
    found = await gateway.ledger.read(
        lambda conn: conn.exec_driver_sql(
            "SELECT count(*), count(DISTINCT job), min(run), max(run) FROM runs WHERE replay <> ''"
        ).one()
    )
    assert tuple(found) == (250, 250, 2, 2)
