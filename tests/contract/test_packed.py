"""Packed files on the stages: unpacked once, mapped in parts, and what was unpacked goes again."""

import asyncio
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.adapters.store_folder import FolderStore
from helixnet.adapters.workers import ProcessWorkers
from helixnet.ledger.runs import cancel
from helixnet.stages.upkeep import Cleaner
from tests.contract.shop import Shop, rows
from tests.contract.test_stages import expected

pytestmark = pytest.mark.contract


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    store = FolderStore(tmp_path)
    ledger = await asyncio.to_thread(open_ledger, tmp_path / "ledger.db")
    async with ProcessWorkers(1, preload="helixnet.stages.work", stall_seconds=60) as workers:
        yield Shop(tmp_path, ledger, store, workers, part_size=100_000)
    await ledger.close()
    await store.close()


def left(shop: Shop) -> list[Path]:
    """What was unpacked and is still kept, also aside."""
    aside = [path for path in shop.store.scratch.iterdir() if path.is_file()]
    return [*(shop.folder / "results").glob("*/*/*/unpacked/*"), *aside]


async def clean(shop: Shop) -> None:
    await Cleaner(ledger=shop.ledger, store=shop.store, interval=1).clean()


async def test_a_large_packed_file_maps_in_parts_like_the_plain_one(shop: Shop) -> None:
    content = rows(60_000, bad=range(0, 60_000, 1000))
    sent = gzip.compress(content)
    job = await shop.arrive(sent, name="numbers.csv.gz")
    await shop.drain()
    detail = await shop.job(job)
    assert detail.job.parts_total > 5
    manifest = json.loads(shop.results(job)["manifest.json"])
    keys = [part["documents"]["key"] for part in manifest["parts"]]
    assert b"".join((shop.folder / key).read_bytes() for key in keys) == expected(content)
    source = manifest["source"]
    assert source["packed"] == "gzip"
    assert (source["size"], source["unpacked_size"]) == (len(sent), len(content))
    assert source["sha256"] == hashlib.sha256(sent).hexdigest()
    (kept,) = left(shop)
    assert kept.read_bytes() == content
    await clean(shop)
    assert left(shop) == []
    assert (shop.folder / keys[0]).exists()


async def test_a_small_packed_file_leaves_nothing_unpacked(shop: Shop) -> None:
    content = rows(3, bad=[1])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("numbers.csv", content)
    job = await shop.arrive(packed.getvalue())
    assert await shop.step(shop.ingest) == 1
    assert left(shop) == []
    await shop.drain()
    assert shop.results(job)["result.ndjson"] == expected(content)
    assert (await shop.job(job)).job.counts.rejected == 1


async def test_a_damaged_file_fails_with_its_reason(shop: Shop) -> None:
    """And nothing of what was unpacked until then stays."""
    job = await shop.arrive(gzip.compress(rows(60_000))[:-4])
    await shop.drain()
    (run,) = (await shop.job(job)).runs
    assert (run.state, run.error["code"]) == ("FAILED", "HX-5050")
    assert left(shop) == []


async def test_more_than_a_server_takes_is_refused(shop: Shop) -> None:
    shop.ingest = type(shop.ingest)(
        **{name: getattr(shop.ingest, name) for name in shop.ingest.__dataclass_fields__}
        | {"most_unpacked": 1000}
    )
    job = await shop.arrive(gzip.compress(rows(1000)))
    await shop.drain()
    (run,) = (await shop.job(job)).runs
    assert run.error["code"] == "HX-6006"


async def test_an_attempt_that_was_lost_leaves_nothing_when_the_run_has_ended(shop: Shop) -> None:
    """A process may die between store and ledger: the next attempt unpacks under its own key."""
    content = rows(60_000)
    job = await shop.arrive(gzip.compress(content))
    (batch,) = (await shop.ingest.claim(1)).batches
    answers = await shop.ingest._index(batch)
    assert len(left(shop)) == 1
    assert len(answers) == 1
    await shop.ledger.do(
        lambda conn: conn.exec_driver_sql("UPDATE runs SET lease_until = 1") and None
    )
    assert await shop.reap() == 1
    await shop.drain()
    assert (await shop.job(job)).job.state == "COMPLETED"
    assert len(left(shop)) == 2
    await clean(shop)
    assert left(shop) == []


async def test_what_a_cancelled_run_unpacked_goes_too(shop: Shop) -> None:
    job = await shop.arrive(gzip.compress(rows(60_000)))
    await shop.step(shop.ingest)
    await shop.ledger.do(lambda conn: cancel(conn, tenant="acme", job=job))
    await shop.drain()
    await clean(shop)
    assert left(shop) == []
