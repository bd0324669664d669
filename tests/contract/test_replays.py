"""Dry runs map aside and compare; large replays go on where a worker stopped."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.adapters.store_folder import FolderStore
from helixnet.adapters.workers import ProcessWorkers
from helixnet.ledger import errands
from helixnet.ledger.contexts import StoredBundle, keep_bundle
from helixnet.ledger.replays import Again
from helixnet.stages.bundles import Bundles
from helixnet.stages.replay import Replay, spread
from tests.contract.shop import CONTEXT, Shop, bundle, rows

pytestmark = pytest.mark.contract


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    ledger, store = open_ledger(tmp_path / "ledger.db"), FolderStore(tmp_path)
    async with ProcessWorkers(1, preload="helixnet.stages.work", stall_seconds=60) as workers:
        yield Shop(tmp_path, ledger, store, workers)
    await ledger.close()
    await store.close()


@pytest.fixture
def replay(shop: Shop) -> Replay:
    return Replay(
        ledger=shop.ledger,
        store=shop.store,
        workers=shop.workers,
        bundles=Bundles(ledger=shop.ledger, store=shop.store),
        metrics=shop.metrics,
        worker="shop",
        scratch=shop.store.scratch,
        most_unpacked=shop.most_unpacked,
        lease_seconds=10,
        max_attempts=3,
    )


async def publish(shop: Shop, context: str) -> str:
    made = bundle(context)
    kept = StoredBundle(
        tenant="acme", hash=made.hash, entry=made.entry, content=made.to_zip(), size=1
    )
    await shop.ledger.do(lambda conn: keep_bundle(conn, kept))
    return made.hash


async def dry_run(shop: Shop, ids: list[str], **again: Any) -> str:
    how = Again(trigger="replay", **again)
    return await shop.ledger.do(
        lambda conn: errands.ask(conn, tenant="acme", ids=ids, again=how, dry_run=True)
    )


async def answer(shop: Shop, replay: Replay, asked: str) -> dict[str, Any]:
    while await shop.step(replay):
        pass
    row = await shop.ledger.read(lambda conn: errands.errand(conn, tenant="acme", replay=asked))
    assert row.state == "DONE", row.error
    assert row.comparison is not None
    return row.comparison


async def test_a_dry_run_counts_and_shows_what_would_change(shop: Shop, replay: Replay) -> None:
    """Documents are paired by record key; nothing of the job changes."""
    job = await shop.arrive(rows(6, bad=[1, 4]))
    await shop.drain()
    before, written = await shop.job(job), shop.results(job)
    newer = CONTEXT.replace("qty: QTY", "qty: '{{ QTY * 2 }}'").replace(
        "map:", 'skip_when: ID == "id-5"\nmap:'
    )
    asked = await dry_run(shop, [job], context_hash=await publish(shop, newer))
    found = await answer(shop, replay, asked)
    (one,) = found["jobs"]
    assert one["documents"] == {"unchanged": 1, "changed": 2, "added": 0, "removed": 1}
    assert one["before"]["counts"]["rejected"] == one["after"]["counts"]["rejected"] == 2
    assert (one["before"]["state"], one["after"]["state"]) == ("PARTIAL", "PARTIAL")
    first, second, third = one["samples"]
    assert first == {"changed": [{"pointer": "/qty", "before": 2, "after": 4}]}
    assert second == {"changed": [{"pointer": "/qty", "before": 3, "after": 6}]}
    assert third == {"removed": {"id": "id-5", "qty": 5}}
    assert [(r["record"], r["errors"][0]["code"]) for r in one["rejects"]] == [
        (2, "HX-1102"),
        (5, "HX-1102"),
    ]
    assert found["total"]["documents"] == one["documents"]
    assert (found["total"]["jobs"], found["total"]["jobs_that_change"]) == (1, 1)
    assert await shop.job(job) == before
    assert shop.results(job) == written
    assert list(shop.store.scratch.iterdir()) == []
    assert len(await shop.told("helix.out.acme.numbers.good")) == 4


async def test_without_a_key_documents_are_paired_by_content(shop: Shop, replay: Replay) -> None:
    """A record that is not rejected any more does not make its successors look changed."""
    plain = CONTEXT.partition("deliver:")[0]
    job = await shop.arrive(rows(50, bad=[3]), bundle(plain))
    await shop.drain()
    lenient = plain.replace("QTY: {type: decimal, digits: 15, scale: 3}", "QTY: {type: string}")
    lenient = lenient.replace("map: {id: ID, qty: QTY}", "map: {id: ID}\n")
    same = await answer(shop, replay, await dry_run(shop, [job]))
    assert same["total"]["documents"]["unchanged"] == 49
    assert same["total"]["jobs_that_change"] == 0
    asked = await dry_run(shop, [job], context_hash=await publish(shop, lenient))
    found = await answer(shop, replay, asked)
    assert found["jobs"][0]["documents"] == {
        "unchanged": 0,
        "changed": 49,
        "added": 1,
        "removed": 0,
    }
    assert found["total"]["rejects"] == {"before": 1, "after": 0}


async def test_a_file_that_would_fail_says_why(shop: Shop, replay: Replay) -> None:
    """Too many rejects, or a context that can't be used with it: nothing would stay."""
    job = await shop.arrive(rows(4, bad=[0]))
    await shop.drain()
    strict = CONTEXT.replace("{scope: record}", "{scope: file}")
    needy = CONTEXT.replace("map:", "inputs: {who: {type: string}}\nmap:")
    for context, code in ((strict, "HX-5006"), (needy, "HX-4")):
        asked = await dry_run(shop, [job], context_hash=await publish(shop, context))
        found = await answer(shop, replay, asked)
        (one,) = found["jobs"]
        assert one["after"]["state"] == "FAILED"
        assert one["after"]["code"].startswith(code), one["after"]
        assert one["documents"] == {"unchanged": 0, "changed": 0, "added": 0, "removed": 3}
        assert found["total"]["jobs_that_fail"] == 1


async def test_what_is_not_compared_is_said(shop: Shop, replay: Replay) -> None:
    """Some jobs are looked at, spread over the selection; open and large ones are not."""
    many = [await shop.arrive(rows(1)) for _ in range(25)]
    large = await shop.arrive(b"ID,QTY\n" + (b"x" * (1 << 20) + b",1\n") * 17)
    await shop.drain()
    late = await shop.arrive(rows(1))
    found = await answer(shop, replay, await dry_run(shop, many))
    assert [job["job_id"] for job in found["jobs"]] == spread(many, 20)
    assert (found["jobs"][0]["job_id"], found["jobs"][-1]["job_id"]) == (many[0], many[-1])
    found = await answer(shop, replay, await dry_run(shop, [large, late, "0" * 32]))
    assert found["not_compared"] == [
        {"job_id": large, "reason": "its file is over 16 MiB"},
        {"job_id": late, "reason": "it is PENDING"},
        {"job_id": "0" * 32, "reason": "it is no longer kept"},
    ]


async def test_a_dry_run_whose_worker_vanished_is_done_again(shop: Shop, replay: Replay) -> None:
    job = await shop.arrive(rows(2))
    await shop.drain()
    asked = await dry_run(shop, [job])
    lost = await shop.ledger.do(
        lambda conn: errands.claim_errands(conn, worker="x", limit=1, lease_seconds=0.01)
    )
    assert len(lost) == 1
    assert await shop.step(replay) == 0
    while not await shop.reap():
        pass
    found = await answer(shop, replay, asked)
    assert found["total"]["documents"]["unchanged"] == 2
    late = await shop.ledger.do(lambda conn: errands.finish_dry_run(conn, lost[0].lease, {}))
    assert late == 0


async def test_old_dry_runs_go(shop: Shop, replay: Replay) -> None:
    """A day after they were asked; replays stay."""
    job = await shop.arrive(rows(1))
    await shop.drain()
    asked = await dry_run(shop, [job])
    await answer(shop, replay, asked)
    assert await shop.ledger.do(errands.drop_old) == 0
    old = "UPDATE errands SET created = created - 86401000000"
    await shop.ledger.do(lambda conn: conn.exec_driver_sql(old))
    assert await shop.ledger.do(errands.drop_old) == 1
