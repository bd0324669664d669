"""Streams over a real socket: in order, resumable, alive in silence, over with the token."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from helixnet.adapters.identity_local import read_keys
from helixnet.events import Event, Topic
from helixnet.gateway import live
from helixnet.ledger.outbox import emit
from tests.contract.gateway.conftest import Running
from tests.contract.gateway.forging import resigned
from tests.contract.gateway.working import work

SSE = {"Accept": "text/event-stream"}


@pytest.fixture
async def served(gateway: Running) -> AsyncIterator[Running]:
    """The same gateway behind uvicorn: the in-process transport can't stream."""
    config = uvicorn.Config(gateway.app, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
        gateway.http = http
        yield gateway
    gateway.app.state.gateway.stopping.set()
    server.should_exit = True
    await running


async def submit(gateway: Running) -> str:
    return str((await gateway.upload()).json()["job_id"])


class Following:
    """A stream as a client reads it: (id, event, data) and comments."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.lines = answer.aiter_lines()
        self.comments = 0

    async def next(self) -> tuple[str, str, dict]:
        found: dict[str, str] = {}
        async for line in self.lines:
            name, _, value = line.partition(":")
            if line.startswith(":"):
                self.comments += 1
            elif line:
                found[name] = value.strip()
            elif "data" in found:
                return found.get("id", ""), found["event"], json.loads(found["data"])
        raise EOFError


async def test_a_job_is_followed_as_it_goes(served: Running) -> None:
    """Every state in order, each within moments of its commit."""
    job = await submit(served)
    headers = await served.token("demo")
    async with served.http.stream("GET", f"/api/v1/jobs/{job}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        following = Following(answer)
        number, event, data = await following.next()
        assert (number, event, data["state"]) == ("1", "job.changed", "PENDING")
        await work(served.ledger)
        states = [(await following.next())[2]["state"] for _ in range(2)]
    assert states == ["PROCESSING", "COMPLETED"]


async def test_a_stream_goes_on_after_the_last_event(served: Running) -> None:
    """``id`` is the job's counter; nothing comes twice, nothing is left out."""
    job = await submit(served)
    await work(served.ledger)
    path = f"/api/v1/jobs/{job}/events?follow=false"
    whole = (await served.get(path, "demo")).text
    ids = [line[4:] for line in whole.splitlines() if line.startswith("id: ")]
    assert ids == sorted(ids, key=int)
    assert len(ids) == len(set(ids)) == 3
    later = await served.get(path, "demo", headers={"Last-Event-ID": ids[0]})
    assert [line[4:] for line in later.text.splitlines() if line.startswith("id: ")] == ids[1:]
    wrong = await served.get(path, "demo", headers={"Last-Event-ID": "x"})
    assert wrong.status_code == 400


async def test_a_silent_stream_says_that_it_lives(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies and clients tell silence from death."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    job = await submit(served)
    headers = await served.token("demo")
    async with served.http.stream("GET", f"/api/v1/jobs/{job}/events", headers=headers) as answer:
        async for line in answer.aiter_lines():
            if line == ": alive":
                break


async def test_a_stream_ends_with_its_token(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is no longer allowed to ask hears no more."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    job = await submit(served)
    token = (await served.token("demo"))["Authorization"].split()[1]
    pem = read_keys(served.folder)[0].pem
    short = resigned(token, pem, exp=int(time.time()) + 2)
    headers = {"Authorization": f"Bearer {short}"}
    async with served.http.stream("GET", f"/api/v1/jobs/{job}/events", headers=headers) as answer:
        assert answer.status_code == 200
        text = "".join([line + "\n" async for line in answer.aiter_lines()])
    assert text.endswith("event: auth-expired\ndata: {}\n\n")


async def test_streams_end_when_the_server_stops(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop is not held up by people who look on."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    job = await submit(served)
    headers = await served.token("demo")
    async with served.http.stream("GET", f"/api/v1/jobs/{job}/events", headers=headers) as answer:
        served.app.state.gateway.stopping.set()
        async for _ in answer.aiter_lines():
            pass
    assert served.app.state.gateway.streams.total() == 0
    assert (await served.http.get("/health/ready")).status_code == 503


async def test_a_tenant_has_so_many_streams(served: Running) -> None:
    """One tenant's open pages don't take the server from the others."""
    job = await submit(served)
    served.app.state.gateway.streams["demo"] = 64
    answer = await served.get(f"/api/v1/jobs/{job}/events", "demo")
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"]
    topic = await served.get("/api/v1/topics/helix.jobs", "demo", headers=SSE)
    assert topic.status_code == 429
    foreign = str((await served.upload(user="chuck")).json()["job_id"])
    answer = await served.get(f"/api/v1/jobs/{foreign}/events?follow=false", "chuck")
    assert answer.status_code == 200


def told(topic: str, tenant: str, number: int) -> Event:
    name = f"{topic}-{number}"
    return Event(name, "t", topic, f"k{number}", tenant, "", 0, "", {"n": number})


async def test_a_topic_is_read_by_its_tenant_only(served: Running) -> None:
    """Fixed topics show the own events; another tenant's topics are not there."""
    own, foreign = "helix.out.demo.orders", "helix.out.acme.orders"
    batch = [told(own, "demo", n) for n in range(500)]
    await served.ledger.do(lambda conn: emit(conn, [*batch, told(foreign, "acme", 1)]))
    answer = await served.get(f"/api/v1/topics/{own}", "demo")
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert [event["data"]["n"] for event in events] == list(range(500))
    assert events[0]["key"] == "k0"
    rest = await served.get(f"/api/v1/topics/{own}?after={events[497]['position']}", "demo")
    assert [json.loads(line)["data"]["n"] for line in rest.text.splitlines()] == [498, 499]
    for name in (foreign, "helix.none", "helix.out.demo", "orders"):
        assert (await served.get(f"/api/v1/topics/{name}", "demo")).status_code == 404
    audit = (await served.get("/api/v1/audit?action=access.denied", "admin")).json()["entries"]
    assert [entry["subject"] for entry in audit] == ["topic/helix.out.demo", f"topic/{foreign}"]
    await served.upload()
    await served.upload(user="chuck")
    jobs = await served.get(f"/api/v1/topics/{Topic.JOBS}", "demo")
    assert {json.loads(line)["tenant"] for line in jobs.text.splitlines()} == {"demo"}


async def test_a_topic_is_followed_by_position(served: Running) -> None:
    """SSE goes on where the last event stood."""
    topic = "helix.out.demo.orders"
    await served.ledger.do(lambda conn: emit(conn, [told(topic, "demo", n) for n in range(3)]))
    headers = {**(await served.token("demo")), **SSE}
    path = f"/api/v1/topics/{topic}"
    async with served.http.stream("GET", path, headers=headers) as answer:
        following = Following(answer)
        ids = [(await following.next())[0] for _ in range(3)]
        await served.ledger.do(lambda conn: emit(conn, [told(topic, "demo", 3)]))
        assert (await following.next())[2]["data"] == {"n": 3}
    headers["Last-Event-ID"] = ids[2]
    async with served.http.stream("GET", path, headers=headers) as answer:
        assert (await Following(answer).next())[2]["data"] == {"n": 3}
