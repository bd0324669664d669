"""What is old goes, class by class and flow by flow; open work never does."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, Table, func, select

from helixnet.errors import ConflictError, UsageError
from helixnet.events import Topic
from helixnet.ledger import catalog, contexts, outbox, parts, queries, replays, retention, tables
from helixnet.ledger.finish import NewDelivery
from tests.contract.ledger.driving import BAD, Driver

pytestmark = pytest.mark.contract
ALL = dict.fromkeys(retention.CLASSES, -1.0)  # older than a moment that is still to come


async def stored(hx: Driver, **given: object) -> str:
    """A finished job whose file, result and rejects are objects of the store."""
    job = await hx.accept(**{"content": None, "key": "work/demo/j/a.csv", **given})
    await hx.start()
    (part,) = await hx.claim_parts()
    out = parts.Output(None, f"results/{job}/part", "v", 10)
    bad = parts.Output(None, f"results/{job}/rejects", "v", 10)
    await hx.done(part, BAD, documents=out, rejects=bad, samples=[{"record": 1, "line": 1}])
    await hx.finish_all(result_keys=[f"results/{job}/manifest.json"])
    return job


def count(conn: Connection, table: Table) -> int:
    return conn.execute(select(func.count()).select_from(table)).scalar_one()


async def clean(hx: Driver, *, dry_run: bool = False, **ages: float) -> retention.Cleaned:
    return await hx.do(retention.clean, ages, dry_run=dry_run)


async def test_files_go_and_the_job_says_so(hx: Driver) -> None:
    job = await stored(hx)
    cleaned = await clean(hx, work=-1)
    assert (cleaned.rows["work"], cleaned.keys) == (1, ["work/demo/j/a.csv"])
    assert (await clean(hx, work=-1)).rows["work"] == 0
    assert (await hx.detail(job)).job.purged
    with pytest.raises(ConflictError, match="no longer kept"):
        await hx.do(replays.rerun, tenant="demo", job=job, again=replays.Again())


async def test_results_and_rejects_go_each_by_their_own_age(hx: Driver) -> None:
    job = await stored(hx)
    results = await clean(hx, results=-1, rejects=3600)
    assert results.keys == [f"results/{job}/part", f"results/{job}/manifest.json"]
    rejects = await clean(hx, results=-1, rejects=-1)
    assert rejects.keys == [f"results/{job}/rejects"]
    assert await hx.read(queries.list_rejects, tenant="demo") == []
    (run,) = (await hx.detail(job)).runs
    assert (run.results_gone, run.rejects_gone, run.counts) == (True, True, BAD)


async def test_a_whole_job_goes_with_all_that_the_store_has_of_it(hx: Driver) -> None:
    job = await stored(hx, idempotency_key="k", fingerprint="f")
    cleaned = await clean(hx, jobs=-1)
    assert cleaned.keys == ["work/demo/j/a.csv", f"work/demo/{job}/", f"results/demo/{job}/"]
    for table in ("jobs", "runs", "parts", "rejects", "idempotency"):
        assert await hx.do(count, tables.metadata.tables[table]) == 0


async def test_a_dry_run_tells_and_changes_nothing(hx: Driver) -> None:
    await stored(hx)
    told = await hx.do(retention.clean, ALL, dry_run=True)
    assert told == await hx.do(retention.clean, ALL, dry_run=True)
    assert told.rows == {"drops": 0, "work": 1, "results": 1, "rejects": 1, "events": 6, "jobs": 1}
    assert await hx.read(retention.garbage_keys) == []


async def test_what_is_younger_stays(hx: Driver) -> None:
    await stored(hx)
    cleaned = await hx.do(retention.clean, dict.fromkeys(retention.CLASSES, 3600))
    assert set(cleaned.rows.values()) == {0}


async def test_open_work_stays(hx: Driver) -> None:
    await hx.started(cuts=2)
    await hx.claim_parts(limit=1)
    await hx.accept()
    assert set((await hx.do(retention.clean, ALL)).rows.values()) == {0}


async def test_a_run_that_still_delivers_keeps_its_result(hx: Driver) -> None:
    await hx.whole(deliveries=[NewDelivery(0, "helix.out.demo.x")])
    cleaned = await clean(hx, results=-1, rejects=-1, jobs=-1)
    assert set(cleaned.rows.values()) == {0}


async def test_events_wait_for_every_consumer(hx: Driver) -> None:
    await hx.whole()
    first, *_ = await hx.read(outbox.read_topic, Topic.JOBS, 0)
    for consumer in ("one", "two"):
        await hx.do(outbox.commit_position, consumer, Topic.JOBS, 999)
    await hx.do(outbox.commit_position, "one", Topic.JOBS, first.position)
    cleaned = await clean(hx, events=-1)
    assert cleaned.rows["events"] == 4
    assert len(await hx.read(outbox.read_topic, Topic.JOBS, 0)) == 2


async def test_a_flow_may_keep_longer_or_shorter(hx: Driver) -> None:
    flow = catalog.Flow(tenant="demo", name="f", match="*", context="c", retention={"work": 3600})
    await hx.do(catalog.add_flow, flow)
    await stored(hx, flow="f")
    other = await stored(hx, key="work/other")
    assert (await clean(hx, work=-1)).keys == ["work/other"]
    await hx.do(catalog.replace_flow, replace(flow, retention={"work": -1}))
    assert (await clean(hx)).keys == ["work/demo/j/a.csv"]
    assert (await hx.detail(other)).job.purged


async def test_drops_and_uploads_have_ages_of_their_own(hx: Driver) -> None:
    await stored(hx, key="work/dropped", origin_key="inbox/a", origin_version="1")
    await stored(hx, key="work/uploaded")
    assert (await clean(hx, drops=-1)).keys == ["work/dropped"]
    assert (await clean(hx, work=-1)).keys == ["work/uploaded"]


async def test_garbage_stays_noted_until_the_store_has_let_it_go(hx: Driver) -> None:
    await stored(hx)
    await clean(hx, work=-1)
    assert await hx.read(retention.garbage_keys) == ["work/demo/j/a.csv"]
    assert await hx.do(retention.strike, ["work/demo/j/a.csv"]) == 1
    assert await hx.read(retention.garbage_keys) == []


async def test_bundles_that_runs_name_are_kept(hx: Driver) -> None:
    """A rerun years later needs the very bundle."""
    await hx.do(contexts.keep_bundle, contexts.StoredBundle(tenant="demo", hash="h"))
    await stored(hx)
    await hx.do(retention.clean, {name: -1.0 for name in retention.CLASSES if name != "jobs"})
    assert (await hx.read(contexts.find_bundle, tenant="demo", hash_="h")).hash == "h"


async def test_an_unknown_class_is_named(hx: Driver) -> None:
    with pytest.raises(UsageError, match="no class logs"):
        await clean(hx, logs=1)


@pytest.mark.parametrize(
    ("age", "seconds"), [("90d", 7776000), ("12h", 43200), ("5m", 300), ("0s", 0), ("2w", 1209600)]
)
def test_ages_are_a_number_and_a_unit(age: str, seconds: float) -> None:
    assert retention.seconds_of(age) == seconds


@pytest.mark.parametrize("age", ["", "90", "d", "-1d", "1.5h", "1 d", "\u0661d", "1y"])
def test_other_ages_are_refused(age: str) -> None:
    with pytest.raises(UsageError, match="is no age"):
        retention.seconds_of(age)
