"""A file becomes exactly one job."""

import asyncio

import pytest

from helixnet.errors import ConflictError, UsageError
from helixnet.events import Topic
from helixnet.jobs import RunState
from helixnet.ledger import arrivals
from tests.contract.ledger.driving import Driver, arrival

pytestmark = pytest.mark.contract


async def test_an_arrival_is_a_job_with_a_waiting_run_and_one_event(hx: Driver) -> None:
    """State and event are one transaction; the first event has seq 1."""
    job = await hx.accept()
    detail = await hx.detail(job)
    assert (detail.job.state, detail.job.seq, len(detail.runs)) == (RunState.PENDING, 1, 1)
    assert await hx.events(Topic.JOBS) == [
        {"type": "io.helixnet.job.changed.v1", "job": job, "seq": 1}
    ]


async def test_the_same_drop_again_is_the_same_job(hx: Driver) -> None:
    """(tenant, key, version) is a drop's identity, also for drops that arrive together."""
    drop = {"origin_key": "inbox/demo/f/a.csv", "origin_version": "v1"}
    one, two = await hx.do(arrivals.accept, [arrival(**drop), arrival(**drop)])
    (three,) = await hx.do(arrivals.accept, [arrival(**drop)])
    assert {one.job, two.job, three.job} == {one.job}
    assert [a.created for a in (one, two, three)] == [True, False, False]
    assert await hx.sql("SELECT count(*) FROM runs") == [(1,)]


async def test_the_same_arrival_again_is_the_same_job(hx: Driver) -> None:
    """A caller that never got its answer may ask again."""
    one = arrival(idempotency_key="k", fingerprint="f")
    two = arrival()
    first = await hx.do(arrivals.accept, [one, two])
    again = await hx.do(arrivals.accept, [one, two])
    assert [a.job for a in again] == [a.job for a in first] == [one.job, two.job]
    assert [a.created for a in first + again] == [True, True, False, False]


async def test_another_version_or_tenant_is_another_job(hx: Driver) -> None:
    drops = [
        arrival(origin_key="k", origin_version="1"),
        arrival(origin_key="k", origin_version="2"),
        arrival("acme", origin_key="k", origin_version="1"),
    ]
    answers = await hx.do(arrivals.accept, drops)
    assert len({a.job for a in answers}) == 3
    assert all(a.created for a in answers)


async def test_the_same_request_again_is_the_same_job(hx: Driver) -> None:
    first = await hx.accept(idempotency_key="k", fingerprint="f")
    again = arrival(idempotency_key="k", fingerprint="f")
    assert await hx.do(arrivals.accept, [again]) == [
        arrivals.Accepted(first, 1, RunState.PENDING, created=False)
    ]


async def test_a_key_with_another_request_is_refused_and_leaves_nothing(hx: Driver) -> None:
    await hx.accept(idempotency_key="k", fingerprint="f")
    with pytest.raises(ConflictError, match="k was used for another request"):
        await hx.accept(idempotency_key="k", fingerprint="g")
    assert await hx.sql("SELECT count(*) FROM jobs") == [(1,)]


async def test_keys_of_tenants_are_their_own(hx: Driver) -> None:
    first = await hx.accept(idempotency_key="k", fingerprint="f")
    assert first != await hx.accept("acme", idempotency_key="k", fingerprint="g")


async def test_a_key_that_comes_with_a_known_drop_names_the_drops_job(hx: Driver) -> None:
    drop = {"origin_key": "k", "origin_version": "1"}
    first = await hx.accept(**drop)
    assert await hx.accept(**drop, idempotency_key="i", fingerprint="f") == first
    assert await hx.accept(idempotency_key="i", fingerprint="f") == first


async def test_racing_requests_with_one_key_make_one_job(hx: Driver) -> None:
    jobs = await asyncio.gather(
        *(hx.accept(idempotency_key="k", fingerprint="f") for _ in range(40))
    )
    assert len(set(jobs)) == 1
    assert await hx.sql("SELECT count(*) FROM jobs") == [(1,)]


async def test_racing_notifications_of_one_drop_make_one_job(hx: Driver) -> None:
    drop = {"origin_key": "k", "origin_version": "1"}
    assert len(set(await asyncio.gather(*(hx.accept(**drop) for _ in range(40))))) == 1


@pytest.mark.parametrize("given", [{"content": None}, {"content": b"x" * 65537}])
async def test_a_file_is_small_and_inline_or_in_the_store(
    hx: Driver, given: dict[str, bytes | None]
) -> None:
    with pytest.raises(UsageError, match=r"a\.csv"):
        await hx.accept(**given)
