"""Parts are claimed fairly, held by a lease, and finished once."""

import asyncio

import pytest

from helixnet.events import Topic
from helixnet.ledger import parts, runs
from helixnet.ledger.leases import Failure, Lease
from tests.contract.ledger.driving import BAD, GOOD, Driver, index

pytestmark = pytest.mark.contract


async def test_a_claimed_part_has_all_that_mapping_needs(hx: Driver) -> None:
    job = await hx.started(cuts=3)
    first, second, third = await hx.claim_parts()
    assert (first.job, first.content, first.context_hash, first.epoch) == (job, b"a,b", "h", 1)
    assert second.part == index(3).parts[1]
    assert third.index.header == ["A", "B"]
    assert third.index.parts == (third.part,)
    assert await hx.claim_parts() == []


async def test_a_part_is_finished_once(hx: Driver) -> None:
    """A repeat changes no row and emits no event."""
    await hx.started()
    (part,) = await hx.claim_parts()
    assert [await hx.done(part), await hx.done(part, BAD)] == [1, 0]
    assert len(await hx.events(Topic.MAPPED)) == 1
    (run,) = await hx.claim_finish()
    assert run.counts == GOOD


async def test_two_racing_finishes_count_once(hx: Driver) -> None:
    await hx.started()
    (part,) = await hx.claim_parts()
    assert sum(await asyncio.gather(*(hx.done(part) for _ in range(20)))) == 1


async def test_racing_workers_never_share_a_part(hx: Driver) -> None:
    await hx.started(cuts=60)
    claims = await asyncio.gather(*(hx.claim_parts(limit=3) for _ in range(30)))
    ids = [part.id for claim in claims for part in claim]
    assert len(ids) == len(set(ids)) == 60


async def test_an_older_epoch_changes_nothing(hx: Driver) -> None:
    """A worker that lost its lease can neither finish, renew, fail nor release the part."""
    await hx.started()
    (old,) = await hx.claim_parts(seconds=-1)
    await hx.reap()
    (new,) = await hx.claim_parts()
    assert (new.id, new.epoch, new.attempts) == (old.id, old.epoch + 1, 2)
    assert await hx.done(old) == 0
    assert await hx.do(parts.renew, [old.lease], 60) == set()
    assert await hx.do(parts.fail_parts, [Failure(old.id, old.epoch, {})]) == 0
    assert await hx.do(parts.release_parts, [old.lease]) == 0
    assert await hx.done(new) == 1


async def test_an_expired_lease_comes_back_and_a_renewed_one_stays(hx: Driver) -> None:
    await hx.started(cuts=2)
    lost, kept = await hx.claim_parts(seconds=0.05)
    assert await hx.do(parts.renew, [kept.lease], 60) == {kept.id}
    await asyncio.sleep(0.1)
    await hx.reap()
    assert [part.id for part in await hx.claim_parts()] == [lost.id]


async def test_a_released_part_gives_its_attempt_back(hx: Driver) -> None:
    await hx.started()
    (part,) = await hx.claim_parts()
    assert await hx.do(parts.release_parts, [part.lease]) == 1
    (again,) = await hx.claim_parts()
    assert (again.attempts, again.epoch) == (1, 2)


async def test_a_failed_part_waits_for_its_time(hx: Driver) -> None:
    await hx.started()
    (part,) = await hx.claim_parts()
    failure = Failure(part.id, part.epoch, {"message": "boom"}, retry_seconds=0.1)
    assert await hx.do(parts.fail_parts, [failure]) == 1
    await hx.reap()
    assert await hx.claim_parts() == []
    await asyncio.sleep(0.15)
    await hx.reap()
    (again,) = await hx.claim_parts()
    assert again.attempts == 2


async def test_an_unavailable_world_does_not_use_up_attempts(hx: Driver) -> None:
    await hx.started()
    for _ in range(12):
        (part,) = await hx.claim_parts()
        failure = Failure(part.id, part.epoch, {"message": "store down"}, counted=False)
        assert await hx.do(parts.fail_parts, [failure], max_attempts=3) == 1
        await asyncio.sleep(0.002)
        await hx.reap()
    assert (await hx.claim_parts())[0].attempts == 1


async def test_a_part_that_always_fails_is_dead_after_ten_attempts_and_tells(hx: Driver) -> None:
    job = await hx.started()
    for attempt in range(1, 11):
        (part,) = await hx.claim_parts()
        assert part.attempts == attempt
        error = {"code": "HX-7001", "message": "boom", "traceback": "…"}
        await hx.do(parts.fail_parts, [Failure(part.id, part.epoch, error)])
        await asyncio.sleep(0.002)
        await hx.reap()
    assert await hx.claim_parts() == []
    assert len(await hx.events(Topic.MAPPED)) == 1
    assert await hx.finish_all() == ["FAILED"]
    (run,) = (await hx.detail(job)).runs
    assert (run.parts_dead, run.error["code"]) == (1, "HX-7001")


async def test_workers_that_vanish_use_up_attempts(hx: Driver) -> None:
    """The attempt is counted before the work starts, so a crash counts."""
    await hx.started()
    for _ in range(3):
        assert len(await hx.claim_parts(seconds=-1)) == 1
        await hx.reap(max_attempts=3)
    assert await hx.claim_parts() == []
    assert await hx.finish_all() == ["FAILED"]


async def test_tenants_take_turns(hx: Driver) -> None:
    """A file behind many parts of another tenant is claimed with the next few."""
    await hx.started(cuts=50, tenant="acme")
    assert {part.tenant for part in await hx.claim_parts(limit=4)} == {"acme"}
    await hx.started(tenant="globex")
    claims = [await hx.claim_parts(limit=1) for _ in range(2)]
    assert {claim[0].tenant for claim in claims} == {"acme", "globex"}


async def test_a_claim_is_shared_by_tenants_and_then_filled_up(hx: Driver) -> None:
    for tenant, cuts in (("acme", 40), ("demo", 2), ("globex", 40)):
        await hx.started(cuts=cuts, tenant=tenant)
    claimed = [part.tenant for part in await hx.claim_parts(limit=12)]
    assert len(claimed) == 12
    assert claimed.count("demo") == 2
    assert abs(claimed.count("acme") - claimed.count("globex")) <= 1


MOUNTAIN = """
WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < 100000)
INSERT INTO parts (run_id, job, run, tenant, state, number)
SELECT run_id, job, run, tenant, 'PENDING', n FROM parts, series WHERE number = 0
"""


async def test_a_mountain_of_parts_hides_no_other_tenant(hx: Driver) -> None:
    """With 100,000 parts of one tenant waiting, another's file is among the next 2 x workers."""
    await hx.started(tenant="acme")
    await hx.sql(MOUNTAIN)
    await hx.started(tenant="globex")
    claims = [await hx.claim_parts(limit=2) for _ in range(20)]
    assert "globex" in {part.tenant for part in claims[0] + claims[1]}
    assert all(len(claim) == 2 for claim in claims)


async def test_samples_are_the_first_hundred_by_position(hx: Driver) -> None:
    """Whatever order the parts end in, the shown rejects are the same."""
    job = await hx.started(cuts=3)
    for part in reversed(await hx.claim_parts()):
        samples = [
            {"record": part.part.number * 100 + n, "line": n, "errors": [{"code": "HX-1102"}]}
            for n in range(60)
        ]
        await hx.done(part, BAD, samples=samples)
    kept = await hx.sql("SELECT part, count(*) FROM rejects GROUP BY part ORDER BY part")
    assert [tuple(row) for row in kept] == [(0, 60), (1, 40)]
    assert (await hx.detail(job)).runs[0].parts_done == 3


async def test_a_plain_stop_at_closes_the_other_parts(hx: Driver) -> None:
    """Its counts are marked incomplete, and workers at open parts are fenced."""
    job = await hx.started(cuts=4, stop_number=3)
    first, second, third = await hx.claim_parts(limit=3)
    await hx.done(first, BAD)
    assert await hx.claim_finish() == []
    await hx.done(second, BAD)
    assert await hx.done(third) == 0
    assert await hx.claim_parts() == []
    assert await hx.finish_all() == ["FAILED"]
    (run,) = (await hx.detail(job)).runs
    assert (run.incomplete, run.counts.rejected, run.error["code"]) == (True, 4, "HX-5007")


async def test_a_wrong_lease_is_nobodys(hx: Driver) -> None:
    assert await hx.do(parts.renew, [Lease(99, 1)], 60) == set()
    assert await hx.do(runs.release_runs, [Lease(99, 1)]) == 0
