"""Lists are filtered, in order of acceptance, and paged by key."""

import asyncio

import pytest

from helixnet.jobs import RunState
from helixnet.ledger import queries
from helixnet.ledger.queries import JobFilter
from tests.contract.ledger.driving import BAD, GOOD, Driver

pytestmark = pytest.mark.contract


async def names(hx: Driver, **wanted: object) -> list[str]:
    rows = await hx.read(queries.list_jobs, JobFilter(**{"tenant": "demo", **wanted}))
    return [row.name for row in rows]


async def test_pages_follow_each_other_without_gap_or_repeat(hx: Driver) -> None:
    """Also while new jobs come in."""
    for n in range(7):
        await hx.accept(name=f"{n}")
    seen = list[str]()
    before = None
    while page := await hx.read(
        queries.list_jobs, JobFilter(tenant="demo"), before=before, limit=3
    ):
        seen += [row.name for row in page]
        before = page[-1].no
        await hx.accept(name="later")
    assert seen == list("6543210")


async def test_filters_narrow_the_list(hx: Driver) -> None:
    await hx.accept(name="Orders-1.csv", flow="orders", context_name="c1", source="sftp")
    await hx.start()
    await hx.map_all()
    await hx.finish_all()
    await hx.accept(name="invoice_%.csv", flow="invoices", context_name="c2")
    await hx.accept("acme", name="Orders-2.csv", flow="orders")
    assert await names(hx) == ["invoice_%.csv", "Orders-1.csv"]
    assert await names(hx, tenant=None, flow="orders") == ["Orders-2.csv", "Orders-1.csv"]
    assert await names(hx, states=[RunState.COMPLETED]) == ["Orders-1.csv"]
    assert await names(hx, context="c2") == ["invoice_%.csv"]
    assert await names(hx, source="sftp") == ["Orders-1.csv"]
    assert await names(hx, text="orders") == ["Orders-1.csv"]
    assert await names(hx, text="%") == ["invoice_%.csv"]
    assert await names(hx, flow="orders", states=[RunState.PENDING]) == []


async def test_time_filters_are_half_open(hx: Driver) -> None:
    await hx.accept(name="old")
    await asyncio.sleep(0.01)
    await hx.accept(name="new")
    ((created,),) = await hx.sql("SELECT created FROM jobs WHERE name = 'new'")
    assert await names(hx, since=created) == ["new"]
    assert await names(hx, until=created) == ["old"]


async def test_an_open_job_shows_what_is_done_so_far(hx: Driver) -> None:
    job = await hx.started(cuts=3)
    (part, *_) = await hx.claim_parts(limit=1)
    await hx.done(part, BAD)
    (row,) = await hx.read(queries.list_jobs, JobFilter(tenant="demo"))
    assert (row.counts, row.parts_total) == (BAD, 3)
    (run,) = (await hx.detail(job)).runs
    assert (run.parts_done, run.counts, run.finished) == (1, BAD, None)


async def test_counts_stay_with_their_run(hx: Driver) -> None:
    job = await hx.whole(cuts=2)
    assert (await hx.detail(job)).job.counts == GOOD + GOOD


async def test_rejects_are_listed_by_job_run_and_code(hx: Driver) -> None:
    job = await hx.started()
    (part,) = await hx.claim_parts()
    samples = [
        {"record": n, "line": n + 1, "raw": "x", "errors": [{"code": f"HX-110{n}"}]} for n in (1, 2)
    ]
    await hx.done(part, BAD, samples=samples)
    found = await hx.read(queries.list_rejects, tenant="demo", job=job)
    assert [(r.record, r.line, r.code, r.reject) for r in found] == [
        (1, 2, "HX-1101", samples[0]),
        (2, 3, "HX-1102", samples[1]),
    ]
    assert await hx.read(queries.list_rejects, tenant="demo", after=found[-1].id) == []
    assert len(await hx.read(queries.list_rejects, tenant="demo", code="HX-1102")) == 1
    assert await hx.read(queries.list_rejects, tenant="acme", job=job) == []
    assert await hx.read(queries.list_rejects, tenant="demo", job=job, run=2) == []
