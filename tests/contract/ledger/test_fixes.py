"""Rejects that go on in children, and errands, on each database."""

import asyncio
from typing import Any

import pytest

from helixnet.errors import ConflictError
from helixnet.jobs import RunState
from helixnet.ledger import arrivals, errands, filed, fixes, queries, replays, runs
from tests.contract.ledger.driving import BAD, Driver, arrival

pytestmark = pytest.mark.contract


def child(parent: str, **given: Any) -> arrivals.Arrival:
    return arrival(source="child", parent=parent, parent_run=1, **given)


async def take(hx: Driver, parent: str, records: list[int], **given: Any) -> str:
    made = child(parent, corrects=len(records), **given)
    return (await hx.do(fixes.take, made, records)).job


async def test_a_reject_goes_on_once(hx: Driver) -> None:
    parent = await hx.whole(counts=BAD)
    run_id = (await hx.detail(parent)).runs[0].run_id
    first = await take(hx, parent, [3, 9])
    with pytest.raises(ConflictError, match=f"record 9 went on in job {first}"):
        await take(hx, parent, [9, 10])
    assert await hx.read(fixes.taken, run_id=run_id) == {3: first, 9: first}
    assert await hx.read(fixes.count_taken, run_id=run_id) == 2
    (shown,) = await hx.read(fixes.children, tenant="demo", job=parent)
    assert (shown.job, shown.corrects, shown.state) == (first, 2, RunState.PENDING)
    assert (await hx.read(queries.list_rejects, tenant="demo", job=parent)) == []
    parted = await hx.read(filed.filed_run, tenant="demo", job=parent)
    assert parted is not None
    assert (parted.run_id, parted.counts, parted.obstacle) == (run_id, BAD, "")


async def test_of_two_at_once_one_takes_it(hx: Driver) -> None:
    """Whoever comes second learns who was first, and leaves no job behind."""
    parent = await hx.whole(counts=BAD)
    taking = [take(hx, parent, [1, 2]) for _ in range(5)]
    answers = await asyncio.gather(*taking, return_exceptions=True)
    (first,) = [answer for answer in answers if isinstance(answer, str)]
    refused = [answer for answer in answers if not isinstance(answer, str)]
    assert all(isinstance(answer, ConflictError) and first in str(answer) for answer in refused)
    assert [c.job for c in await hx.read(fixes.children, tenant="demo", job=parent)] == [first]


async def test_a_fruitless_child_is_superseded(hx: Driver) -> None:
    """It can't run again, or its records would count twice; a child that runs holds them."""
    parent = await hx.whole(counts=BAD)
    run_id = (await hx.detail(parent)).runs[0].run_id
    first = await take(hx, parent, [1, 2])
    await hx.do(runs.cancel, tenant="demo", job=first)
    assert await hx.read(fixes.taken, run_id=run_id) == {}
    await hx.do(replays.rerun, tenant="demo", job=first, again=replays.Again())
    with pytest.raises(ConflictError):
        await take(hx, parent, [2])
    await hx.do(runs.cancel, tenant="demo", job=first)
    second = await take(hx, parent, [2])
    assert await hx.read(fixes.taken, run_id=run_id) == {2: second}
    with pytest.raises(ConflictError, match="other children"):
        await hx.do(replays.rerun, tenant="demo", job=first, again=replays.Again())
    assert [c.superseded for c in await hx.read(fixes.children, tenant="demo", job=parent)] == [
        True,
        False,
    ]


async def test_rejects_of_a_run_that_is_no_more_are_not_taken(hx: Driver) -> None:
    parent = await hx.whole(counts=BAD)
    await hx.do(replays.rerun, tenant="demo", job=parent, again=replays.Again())
    with pytest.raises(ConflictError, match="PENDING in run 2"):
        await take(hx, parent, [1])


async def test_a_repeated_request_is_known(hx: Driver) -> None:
    parent = await hx.whole(counts=BAD)
    first = await take(hx, parent, [1], idempotency_key="k", fingerprint="f")
    assert await take(hx, parent, [1], idempotency_key="k", fingerprint="f") == first
    known = await hx.read(arrivals.repeated, tenant="demo", key="k", fingerprint="f")
    assert known is not None
    assert (known.job, known.created) == (first, False)
    assert await hx.read(arrivals.repeated, tenant="demo", key="x", fingerprint="f") is None
    with pytest.raises(ConflictError, match="another request"):
        await hx.read(arrivals.repeated, tenant="demo", key="k", fingerprint="g")


async def test_an_errand_goes_on_where_it_stopped(
    hx: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch is one transaction; an older claim moves nothing."""
    monkeypatch.setattr(errands, "TOGETHER", 2)
    jobs = [await hx.whole() for _ in range(5)]
    again = replays.Again(trigger="replay", replay="r")
    await hx.do(replays.keep_replay, tenant="demo", selection={}, again=again)
    await hx.do(errands.ask, tenant="demo", ids=jobs, again=again)
    old = await hx.do(errands.claim_errands, worker="a", limit=1, lease_seconds=0.001)
    await asyncio.sleep(0.01)
    assert await hx.reap() == 1
    (new,) = await hx.do(errands.claim_errands, worker="b", limit=1, lease_seconds=60)
    assert new.cursor == 2
    assert await hx.do(errands.advance, old[0]) == -1
    assert await hx.do(errands.advance, new) == 4
    assert await hx.do(errands.advance, new) == -1  # its cursor has moved
    await hx.do(errands.release_errands, [new.lease])
    (last,) = await hx.do(errands.claim_errands, worker="c", limit=1, lease_seconds=60)
    assert await hx.do(errands.advance, last) == 5
    shown = await hx.read(errands.errand, tenant="demo", replay="r")
    assert (shown.state, shown.begun, shown.left_out) == ("DONE", 5, ())
    assert [(await hx.detail(job)).job.run for job in jobs] == [2] * 5
