"""A run reaches exactly one final state, with counts that balance."""

import asyncio

import pytest

from helixnet.engine.outcome import Counts
from helixnet.errors import ConflictError, NotFoundError, UsageError
from helixnet.events import Topic
from helixnet.jobs import RunState
from helixnet.ledger import errands, finish, outbox, parts, queries, replays, runs
from helixnet.ledger.leases import Failure
from tests.contract.ledger.driving import BAD, GOOD, Driver, index

pytestmark = pytest.mark.contract


async def test_a_run_goes_its_way_with_rising_seq(hx: Driver) -> None:
    job = await hx.whole(cuts=2)
    seqs = [event["seq"] for event in await hx.events(Topic.JOBS)]
    assert seqs == sorted(set(seqs))
    detail = await hx.detail(job)
    assert (detail.job.state, detail.job.counts) == (RunState.COMPLETED, GOOD + GOOD)
    assert (detail.job.parts_total, detail.runs[0].parts_done) == (2, 2)
    assert detail.runs[0].drift == ["x"]
    assert detail.runs[0].manifest == {"n": 1}


async def test_every_part_and_every_end_is_told(hx: Driver) -> None:
    await hx.whole(cuts=3)
    assert [len(await hx.events(t)) for t in (Topic.PARTS, Topic.MAPPED, Topic.RESULTS)] == [
        1,
        3,
        1,
    ]


async def test_a_run_without_parts_is_never_started(hx: Driver) -> None:
    """It would never end."""
    job = await hx.accept()
    with pytest.raises(UsageError, match="at least one part"):
        await hx.start(0)
    assert await hx.state(job) is RunState.PENDING


async def test_a_file_that_is_mapped_at_once_waits_for_no_mapper(hx: Driver) -> None:
    sample = {"record": 3, "line": 4, "errors": [{"code": "HX-3001"}]}
    output = parts.Output(b"{}\n", size=3)
    made = parts.Made(counts=BAD, documents=output, samples=[sample], incomplete=True)
    job = await hx.started(made=made)
    assert await hx.claim_parts() == []
    assert [len(await hx.events(topic)) for topic in (Topic.PARTS, Topic.MAPPED)] == [0, 1]
    (run,) = await hx.claim_finish()
    assert (run.job, run.counts, run.incomplete, run.dead) == (job, BAD, True, 0)
    (part,) = (await hx.read(finish.single_outputs, [run]))[run.id]
    assert (part.number, part.epoch, part.documents) == (0, 1, output)
    assert await hx.sql("SELECT part, record, code FROM rejects") == [(0, 3, "HX-3001")]


async def test_what_a_lost_worker_mapped_at_once_changes_nothing(hx: Driver) -> None:
    await hx.accept()
    (run,) = await hx.claim_runs()
    late = runs.Start(id=run.id, epoch=run.epoch - 1, index=index(), made=parts.Made(counts=GOOD))
    assert await hx.do(runs.start_runs, [late]) == 0
    assert await hx.sql("SELECT id FROM parts") == []
    assert await hx.claim_finish() == []


async def test_of_several_parts_none_is_mapped_at_once(hx: Driver) -> None:
    await hx.accept()
    with pytest.raises(UsageError, match="only one that is mapped at once"):
        await hx.start(2, made=parts.Made(counts=GOOD))


async def test_a_run_with_rejects_is_partial(hx: Driver) -> None:
    job = await hx.whole(counts=BAD)
    assert await hx.state(job) is RunState.PARTIAL


async def test_a_run_is_not_finishable_before_its_last_part(hx: Driver) -> None:
    await hx.started(cuts=2)
    one, two = await hx.claim_parts()
    await hx.done(one)
    assert await hx.claim_finish() == []
    await hx.done(two)
    assert len(await hx.claim_finish()) == 1


async def test_parts_that_end_at_once_settle_their_run(hx: Driver) -> None:
    for _ in range(10):
        await hx.started(cuts=2)
        one, two = await hx.claim_parts()
        await asyncio.gather(hx.done(one), hx.done(two))
        assert await hx.finish_all() == [RunState.COMPLETED]


async def test_a_finish_counts_once(hx: Driver) -> None:
    """Neither a repeat nor a sink with an older epoch moves the run again."""
    await hx.started()
    await hx.map_all()
    (slow,) = await hx.claim_finish(seconds=-1)
    await hx.reap()
    (quick,) = await hx.claim_finish()
    ends = [
        finish.Finish(id=run.id, epoch=run.epoch, state=RunState.COMPLETED, manifest={"by": by})
        for run, by in ((slow, "slow"), (quick, "quick"), (quick, "again"))
    ]
    assert [await hx.do(finish.finish_runs, [end]) for end in ends] == [0, 1, 0]
    assert (await hx.detail(slow.job)).runs[0].manifest == {"by": "quick"}
    assert len(await hx.events(Topic.RESULTS)) == 1


async def test_a_good_end_needs_balanced_counts(hx: Driver) -> None:
    lost = Counts(records=10, used=9, documents=9, written=9)
    job = await hx.started()
    await hx.map_all(lost)
    (run,) = await hx.claim_finish()
    end = finish.Finish(id=run.id, epoch=run.epoch, state=RunState.COMPLETED, manifest={})
    with pytest.raises(ConflictError):
        await hx.do(finish.finish_runs, [end])
    assert finish.verdict(run)[0] is RunState.FAILED
    assert await hx.state(job) is RunState.PROCESSING


@pytest.mark.parametrize(
    ("rules", "state", "code"),
    [
        ({"stop_percent": "20"}, RunState.PARTIAL, None),
        ({"stop_percent": "19.9"}, RunState.FAILED, "HX-5007"),
        ({"stop_number": 2}, RunState.PARTIAL, None),
        ({"stop_number": 1}, RunState.FAILED, "HX-5007"),
        ({"fail_file": True}, RunState.FAILED, "HX-5006"),
    ],
)
async def test_the_verdict_follows_the_context(
    hx: Driver, rules: dict[str, object], state: RunState, code: str | None
) -> None:
    """``stop_at`` fails when rejects exceed it, of 10 records with 2 rejects."""
    job = await hx.accept()
    await hx.start(1, **rules)
    await hx.map_all(BAD)
    await hx.finish_all()
    shown = (await hx.detail(job)).job
    assert (shown.state, (shown.error or {}).get("code")) == (state, code)


async def test_a_refused_run_ends_failed_with_its_reason(hx: Driver) -> None:
    job = await hx.accept()
    (run,) = await hx.claim_runs()
    why = {"code": "HX-5001", "message": "NUL byte in line 3", "hint": "send text"}
    refusal = runs.Refusal(id=run.id, epoch=run.epoch, error=why)
    assert [await hx.do(runs.refuse_runs, [refusal]) for _ in range(2)] == [1, 0]
    shown = (await hx.detail(job)).job
    assert (shown.state, shown.error) == (RunState.FAILED, why)


async def test_splitting_that_always_fails_ends_failed(hx: Driver) -> None:
    job = await hx.accept()
    for _ in range(3):
        (run,) = await hx.claim_runs()
        await hx.do(runs.fail_runs, [Failure(run.id, run.epoch, {"message": "x"})], max_attempts=3)
        await asyncio.sleep(0.002)
        await hx.reap()
    assert await hx.state(job) is RunState.FAILED


async def test_ingest_that_vanishes_uses_up_attempts(hx: Driver) -> None:
    job = await hx.accept()
    for _ in range(3):
        assert len(await hx.claim_runs(seconds=-1)) == 1
        await hx.reap(max_attempts=3)
    assert await hx.state(job) is RunState.FAILED


async def test_a_sink_that_vanishes_uses_up_attempts(hx: Driver) -> None:
    job = await hx.started()
    await hx.map_all()
    for _ in range(3):
        assert len(await hx.claim_finish(seconds=-1)) == 1
        await hx.reap(max_attempts=3)
    assert await hx.state(job) is RunState.FAILED


async def test_cancel_ends_the_run_and_fences_every_worker(hx: Driver) -> None:
    job = await hx.started(cuts=3)
    part, *_ = await hx.claim_parts(limit=1)
    await hx.do(runs.cancel, tenant="demo", job=job, by="ann")
    assert await hx.done(part) == 0
    assert await hx.do(parts.renew, [part.lease], 60) == set()
    assert await hx.claim_parts() == []
    assert await hx.claim_finish() == []
    assert await hx.state(job) is RunState.CANCELLED
    assert len(await hx.events(Topic.RESULTS)) == 1
    (closed,) = await hx.read(outbox.read_topic, Topic.MAPPED, 0)
    assert (closed.event.data["closed"], closed.event.data["state"]) == (3, "DEAD")


async def test_cancel_before_the_start_keeps_ingest_out(hx: Driver) -> None:
    job = await hx.accept()
    (run,) = await hx.claim_runs()
    await hx.do(runs.cancel, tenant="demo", job=job)
    start = runs.Start(id=run.id, epoch=run.epoch, index=index())
    assert await hx.do(runs.start_runs, [start]) == 0
    assert await hx.claim_runs() == []
    assert await hx.state(job) is RunState.CANCELLED


async def test_a_final_run_can_not_be_cancelled(hx: Driver) -> None:
    job = await hx.whole()
    with pytest.raises(ConflictError, match="COMPLETED already"):
        await hx.do(runs.cancel, tenant="demo", job=job)


async def test_another_tenants_job_is_not_there(hx: Driver) -> None:
    job = await hx.whole()
    for unit, more in ((runs.cancel, {}), (replays.rerun, {"again": replays.Again()})):
        with pytest.raises(NotFoundError):
            await hx.do(unit, tenant="acme", job=job, **more)
    with pytest.raises(NotFoundError):
        await hx.detail(job, "acme")


async def test_cancel_and_finish_race_to_one_state(hx: Driver) -> None:
    for _ in range(20):
        job = await hx.started()
        await hx.map_all()

        async def cancel(job: str = job) -> None:
            try:
                await hx.do(runs.cancel, tenant="demo", job=job)
            except ConflictError:
                return

        (run,) = await hx.claim_finish()
        end = finish.Finish(id=run.id, epoch=run.epoch, state=RunState.COMPLETED, manifest={})
        await asyncio.gather(cancel(), hx.do(finish.finish_runs, [end]))
        ended = [e for e in await hx.events(Topic.RESULTS) if e["job"] == job]
        assert len(ended) == 1
        assert await hx.state(job) in {RunState.COMPLETED, RunState.CANCELLED}


async def test_a_rerun_is_a_new_run_with_lineage(hx: Driver) -> None:
    job = await hx.whole()
    assert await hx.do(replays.rerun, tenant="demo", job=job, again=replays.Again(by="ann")) == 2
    with pytest.raises(ConflictError):
        await hx.do(replays.rerun, tenant="demo", job=job, again=replays.Again())
    new, old = (await hx.detail(job)).runs
    assert (new.run, new.previous, new.trigger, new.deliver) == (2, 1, "rerun", "none")
    assert (new.context_hash, old.state) == (old.context_hash, RunState.COMPLETED)
    await hx.start()
    await hx.map_all(BAD)
    await hx.finish_all()
    assert await hx.state(job) is RunState.PARTIAL
    assert (await hx.detail(job)).runs[1].counts == GOOD


async def test_a_rerun_may_take_another_context(hx: Driver) -> None:
    job = await hx.whole()
    again = replays.Again(context_hash="new", context_name="n", context_version="2")
    await hx.do(replays.rerun, tenant="demo", job=job, again=again)
    (run,) = await hx.claim_runs()
    assert (run.context_hash, run.run) == ("new", 2)
    assert (await hx.detail(job)).job.context_name == "n"


async def test_a_replay_runs_a_selection_again(hx: Driver) -> None:
    """Open jobs of the selection are left out; the selection is kept."""
    good, bad, still_open = [await hx.whole(), await hx.whole(counts=BAD), await hx.started()]
    wanted = queries.JobFilter(tenant="demo", states=[RunState.PARTIAL, RunState.PROCESSING])
    chosen = await hx.read(queries.select_jobs, wanted)
    assert chosen == [bad, still_open]
    again = replays.Again(trigger="replay", replay="r", by="ann")
    await hx.do(replays.keep_replay, tenant="demo", selection={"state": "PARTIAL"}, again=again)
    assert await hx.do(errands.ask, tenant="demo", ids=chosen, again=again) == "r"
    shown = await hx.read(errands.errand, tenant="demo", replay="r")
    assert (shown.state, shown.selected, shown.begun) == ("DONE", 2, 1)
    assert shown.left_out == [[still_open, "it is PROCESSING"]]
    assert (await hx.detail(bad)).runs[0].replay == "r"
    (kept,) = await hx.sql("SELECT jobs, actor FROM replays")
    assert tuple(kept) == (1, "ann")
    assert len((await hx.detail(good)).runs) == 1


async def test_a_child_job_names_its_parent(hx: Driver) -> None:
    parent = await hx.whole(counts=BAD)
    child = await hx.accept(parent=parent, parent_run=1, source="child")
    wanted = queries.JobFilter(tenant="demo", parent=parent)
    (row,) = await hx.read(queries.list_jobs, wanted)
    assert (row.job, row.parent) == (child, parent)
