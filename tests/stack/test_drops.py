"""Drops into a bucket: told of or found, each version is one job, with its own bytes."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from helixnet.adapters.ledger_sqlite import LedgerSqlite, open_ledger
from helixnet.adapters.store_s3 import S3Store
from helixnet.adapters.workers import ProcessWorkers
from helixnet.errors import UnavailableError
from helixnet.events import Event, now
from helixnet.ledger.catalog import Flow, add_flow
from helixnet.ledger.contexts import StoredBundle, publish
from helixnet.ledger.queries import JobFilter, JobRow, list_jobs
from helixnet.ports import ObjectRef
from helixnet.stages.drops import DROP_SEEN
from helixnet.stages.inbox import Inbox, accept_drops
from tests import buckets
from tests.buckets import Minio
from tests.contract.shop import CONTEXT, HEADER, Shop, bundle, rows

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
QUIET = CONTEXT.partition("deliver:")[0]
SCHEMA = Path(__file__).parents[2] / "schemas" / "manifest.schema.json"


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minio]:
    with buckets.running(tmp_path_factory.mktemp("minio")) as running:
        yield running


class BucketShop(Shop):
    """A shop whose files live in a bucket, and that counts what it asks of it."""

    asked: Counter[str]

    async def drop(self, path: str, content: bytes) -> ObjectRef:
        """Drop a file as a partner does: nobody of the shop is asked."""
        return await self.store.put_bytes(f"inbox/acme/{path}", content)

    async def jobs(self) -> list[JobRow]:
        """List the jobs in order of acceptance."""
        found = await self.ledger.read(
            lambda conn: list_jobs(conn, JobFilter(tenant="acme"), limit=200)
        )
        return list(reversed(found))

    async def left(self) -> list[str]:
        """Name what lies in the inbox, in any version."""
        return [ref.key async for ref in self.store.list("inbox/", replaced=True)]

    async def run_object(self, job: str) -> tuple[bytes, dict[str, Any]]:
        """Read the one object of a run, and the manifest that is its last line."""
        (ref,) = [ref async for ref in self.store.list(f"results/acme/{job}/1/run.ndjson")]
        content = b"".join([block async for block in self.store.read(ref)])
        return content, json.loads(content.rstrip(b"\n").rpartition(b"\n")[2])


@pytest.fixture
async def shop(minio: Minio, tmp_path: Path) -> AsyncIterator[BucketShop]:
    """A shop with one flow and its published context."""
    asked = Counter[str]()
    store = await minio.store(tmp_path / "scratch", count=lambda kind: asked.update([kind]))
    ledger: LedgerSqlite = await asyncio.to_thread(open_ledger, tmp_path / "ledger.db")
    made = bundle(QUIET)
    kept = StoredBundle(tenant="acme", hash=made.hash, entry=made.entry, content=made.to_zip())
    flow = Flow(tenant="acme", name="numbers", match="in/*.csv", context="numbers")
    await ledger.do(lambda conn: publish(conn, kept, name="numbers", version="1.0.0"))
    await ledger.do(lambda conn: add_flow(conn, flow))
    async with ProcessWorkers(1, preload="helixnet.stages.work", stall_seconds=60) as workers:
        shop = BucketShop(tmp_path, ledger, store, workers)
        shop.asked = asked
        yield shop
    await ledger.close()
    await store.close()


def hint(key: object, version: object, size: object, *, tenant: str = "acme") -> Event:
    """A notification, as the bus gives it."""
    data = {"key": key, "version": version, "size": size}
    return Event("", DROP_SEEN, "helix.drops", str(key), tenant, "", 0, now(), data)


def hint_of(ref: ObjectRef) -> Event:
    return hint(ref.key, ref.version, ref.size)


async def signals(batches: Sequence[Sequence[Event]]) -> AsyncIterator[Sequence[Event]]:
    """A subscription that gives these, then ends as one does whose bus is gone."""
    for batch in batches:
        yield batch
    raise UnavailableError("the bus is gone")


async def test_a_small_drop_is_read_once_and_its_result_is_one_object(shop: BucketShop) -> None:
    """From drop to result: one GET, one DELETE, one PUT. Operations are what a bucket costs."""
    drop = await shop.drop("in/a.csv", rows(3))
    await shop.store.find("work/x")  # whatever a first request brings with it
    shop.asked.clear()
    assert await shop.inbox.heed([hint_of(drop)]) == 1
    await shop.drain()
    assert shop.asked == {"get": 1, "delete": 1, "put": 1}
    assert await shop.left() == []
    (job,) = await shop.jobs()
    assert (job.name, job.flow, job.state, job.source) == (
        "a.csv",
        "numbers",
        "COMPLETED",
        "bucket",
    )
    assert job.sha256 == hashlib.sha256(rows(3)).hexdigest()
    assert b'helixnet_jobs_accepted_total{door="bucket"} 1.0' in shop.metrics.text()


async def test_the_one_object_holds_outputs_and_manifest(shop: BucketShop) -> None:
    """Whoever has the object alone finds everything: by bytes, by hash, by the schema."""
    content = rows(5, bad=[3])
    await shop.drop("in/a.csv", content)
    await shop.inbox.look()
    await shop.drain()
    (job,) = await shop.jobs()
    text, manifest = await shop.run_object(job.job)
    jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8"))).validate(manifest)
    (part,) = manifest["parts"]
    start, end = part["documents"]["range"]
    assert hashlib.sha256(text[start:end]).hexdigest() == part["documents"]["sha256"]
    assert [json.loads(line)["id"] for line in text[start:end].splitlines()] == [
        *("id-0", "id-1", "id-2", "id-4")
    ]
    start, end = part["rejects"]["range"]
    assert json.loads(text[start:end])["line"] == 5
    assert manifest["state"] == "PARTIAL"
    assert {part[kind]["key"] for kind in ("documents", "rejects")} == {
        f"results/acme/{job.job}/1/run.ndjson"
    }


async def test_a_document_too_large_for_an_event_stands_in_the_one_object(shop: BucketShop) -> None:
    """Its event names key and bytes, and they are its bytes, also where others stand before."""
    wide = CONTEXT.replace("version: 1.0.0", "version: 2.0.0").replace("digits: 15", "digits: 16")
    content = HEADER + f"small,1\n{'x' * 61_500},2\n".encode()
    job = await shop.arrive(content, bundle(wide))
    await shop.drain()
    told = await shop.told("helix.out.acme.numbers.good")
    assert told[0]["record"]["id"] == "small"
    place = told[1]["object"]
    found = await shop.store.find(place["key"])
    assert found is not None
    data = b"".join([block async for block in shop.store.read(found, *place["range"])])
    assert json.loads(data)["id"] == "x" * 61_500
    assert hashlib.sha256(data).hexdigest() == told[1]["sha256"]
    assert (await shop.job(job)).job.state == "COMPLETED"


async def test_a_large_drop_is_moved_within_the_server(shop: BucketShop) -> None:
    content = rows(6_000)
    await shop.drop("in/large.csv", content)
    assert await shop.inbox.look() == 1
    assert shop.asked["copy"] == 1
    assert await shop.left() == []
    await shop.drain()
    (job,) = await shop.jobs()
    assert (job.state, job.counts.used) == ("COMPLETED", 6_000)
    _, manifest = await shop.run_object(job.job)
    documents = manifest["parts"][0]["documents"]
    assert "range" not in documents
    assert await shop.store.find(documents["key"]) is not None


async def test_overwritten_before_anyone_looked_both_versions_are_jobs(shop: BucketShop) -> None:
    """Each PUT was answered with 200: each is safe, each is mapped with its own bytes."""
    for count in (1, 2, 3):
        await shop.drop("in/a.csv", rows(count))
    await shop.drop("in/big.csv", rows(6_000))
    await shop.drop("in/big.csv", rows(7_000))
    assert await shop.inbox.look() == 5
    await shop.drain()
    found = [(job.name, job.counts.used, job.state) for job in await shop.jobs()]
    assert found == [
        *(("a.csv", count, "COMPLETED") for count in (1, 2, 3)),
        *(("big.csv", count, "COMPLETED") for count in (6_000, 7_000)),
    ]
    assert await shop.left() == []


async def test_overwritten_while_it_is_processed_each_keeps_its_bytes(shop: BucketShop) -> None:
    first = await shop.drop("in/a.csv", rows(6_000))
    await shop.inbox.heed([hint_of(first)])
    second = await shop.drop("in/a.csv", rows(10))
    await shop.step(shop.ingest)
    await shop.inbox.heed([hint_of(second)])
    await shop.drain()
    assert [job.counts.used for job in await shop.jobs()] == [6_000, 10]


class TestCrashes:
    """Killed at any point, a drop is one job: what was cut off is ended by the next listing."""

    @pytest.mark.parametrize("count", [3, 6_000])
    async def test_accepted_and_not_yet_cleared(self, shop: BucketShop, count: int) -> None:
        drop = await shop.drop("in/a.csv", rows(count))
        arrival = await shop.inbox._arrival(drop, "bucket")
        assert arrival is not None
        await shop.ledger.do(lambda conn: accept_drops(conn, [arrival]))
        await shop.drain()
        assert await shop.inbox.look() == (1 if count == 3 else 0)
        await shop.drain()
        (job,) = await shop.jobs()
        assert (job.counts.used, job.state, job.run) == (count, "COMPLETED", 1)
        assert await shop.left() == []

    async def test_copied_and_not_yet_cleared(self, shop: BucketShop) -> None:
        drop = await shop.drop("in/a.csv", rows(6_000))
        arrival = await shop.inbox._arrival(drop, "bucket")
        assert arrival is not None
        await shop.ledger.do(lambda conn: accept_drops(conn, [arrival]))
        await shop.store._copy(drop, arrival.key)
        assert await shop.inbox.look() == 1
        assert await shop.left() == []
        await shop.drain()
        assert [job.counts.used for job in await shop.jobs()] == [6_000]

    async def test_the_server_goes_after_the_ledger_said_yes(
        self, minio: Minio, shop: BucketShop
    ) -> None:
        """Nobody is hurt by it but the clearing, which is made up for."""
        drop = await shop.drop("in/a.csv", rows(3))
        arrival = await shop.inbox._arrival(drop, "bucket")
        assert arrival is not None
        minio.server.kill()
        await shop.ledger.do(lambda conn: accept_drops(conn, [arrival]))
        await shop.inbox._clear([drop])
        with pytest.raises(UnavailableError):
            await shop.inbox.look()
        minio.restart()
        assert await shop.inbox.look() == 1
        await shop.drain()
        assert [job.state for job in await shop.jobs()] == ["COMPLETED"]
        assert await shop.left() == []


class TestHints:
    """A notification is a hint: nothing that it says is trusted, nothing that it omits is lost."""

    async def test_whatever_comes_each_drop_is_one_job(self, shop: BucketShop) -> None:
        """Twice, late, out of order, for what is gone: no harm."""
        drops = [await shop.drop(f"in/{n}.csv", rows(n + 1)) for n in range(5)]
        large = await shop.drop("in/large.csv", rows(6_000))
        hints = [hint_of(ref) for ref in (*reversed(drops), large, *drops, large)]
        with pytest.raises(asyncio.TimeoutError):  # it listens for ever, also on a broken bus
            await asyncio.wait_for(
                shop.inbox.listen(lambda: signals([hints[:4], hints[4:], hints])), 3
            )
        assert await shop.inbox.look() == 0
        await shop.drain()
        used = Counter(job.counts.used for job in await shop.jobs())
        assert used == Counter([1, 2, 3, 4, 5, 6_000])
        assert await shop.left() == []

    async def test_told_of_and_found_at_once(self, shop: BucketShop) -> None:
        """Several processes take the same drops at the same time: the ledger makes one job each."""
        drops = [await shop.drop(f"in/{n}.csv", rows(1)) for n in range(60)]
        drops += [await shop.drop(f"in/large-{n}.csv", rows(6_000)) for n in range(3)]
        other = Inbox(
            ledger=shop.ledger,
            store=shop.store,
            metrics=shop.metrics,
            quiet_seconds=2,
            interval=0,
            engine="test",
        )
        hints = list(map(hint_of, drops))
        await asyncio.gather(
            shop.inbox.look(), other.look(), shop.inbox.heed(hints), other.heed(hints[::-1])
        )
        await shop.inbox.look()
        await shop.drain()
        names = [job.name for job in await shop.jobs()]
        assert len(names) == len(set(names)) == 63
        assert await shop.left() == []
        assert {job.state for job in await shop.jobs()} == {"COMPLETED"}

    async def test_what_is_not_so_is_not_believed(self, shop: BucketShop) -> None:
        drop = await shop.drop("in/a.csv", rows(3))
        work = await shop.store.put_bytes("work/acme/j/x.csv", b"1")
        foreign = await shop.store.put_bytes("inbox/globex/in/a.csv", b"1")
        unfinished = await shop.drop("in/b.csv.part", b"1")
        wrong = [
            hint(foreign.key, foreign.version, foreign.size),
            hint(work.key, work.version, work.size),
            hint(f"inbox/../{work.key}", work.version, 1),
            hint("inbox/acme/../globex/in/a.csv", foreign.version, 1),
            hint_of(unfinished),
            hint(drop.key, "never", 3),
            hint(drop.key, foreign.version, drop.size),
            hint(drop.key, drop.version, drop.size + 1),
            hint(drop.key, drop.version, 1),
            hint(drop.key, "", drop.size),
            hint(drop.key, drop.version, -1),
            hint(drop.key, drop.version, 1.0),
            hint(drop.key, drop.version, "3"),
            hint(drop.key, None, 3),
            hint(None, "v", 3),
            hint(["inbox"], {}, 3),
            hint("inbox/acme/in/", drop.version, 0),
            hint("inbox//x", drop.version, 0),
            hint("inbox/acme/in/\ud800.csv", drop.version, 2),
            hint("inbox/acme/" + "x/" * 600, drop.version, 1 << 20),
        ]
        assert await shop.inbox.heed(wrong) == 0
        assert await shop.jobs() == []
        assert await shop.inbox.heed([hint(drop.key, drop.version, 1 << 30)]) == 1
        await shop.drain()
        (job,) = await shop.jobs()
        assert (job.size, job.state) == (len(rows(3)), "COMPLETED")

    async def test_what_was_never_told_of_is_found(self, shop: BucketShop) -> None:
        """Also when its name was deleted since: who stored it was told that it is safe."""
        drop = await shop.drop("in/a.csv", rows(3))
        await shop.drop("in/.hidden.csv", rows(3))
        await shop.drop("elsewhere/b.csv", rows(3))
        await shop.store._bucket.client.remove_object(shop.store._bucket.name, drop.key)
        assert await shop.inbox.look() == 2
        await shop.drain()
        assert [(job.name, job.state) for job in await shop.jobs()] == [
            ("a.csv", "COMPLETED") if job.name == "a.csv" else ("b.csv", "FAILED")
            for job in await shop.jobs()
        ]
        assert await shop.left() == ["inbox/acme/in/.hidden.csv"]


async def test_a_mapper_fetches_its_part_alone(shop: BucketShop) -> None:
    """A file in many parts is fetched twice altogether: to be indexed, and by its parts."""
    shop.ingest = replace(shop.ingest, part_size=60_000)
    content = rows(30_000)
    await shop.drop("in/large.csv", content)
    await shop.inbox.look()
    lent: list[int] = []
    store = shop.store
    assert isinstance(store, S3Store)
    fetch = store._fetch

    async def watched(ref: ObjectRef, start: int, end: int | None, path: Path) -> None:
        await fetch(ref, start, end, path)
        lent.append((await asyncio.to_thread(path.stat)).st_blocks * 512)

    store._fetch = watched  # watched, not replaced
    await shop.drain()
    (job,) = await shop.jobs()
    assert (job.state, job.counts.used) == ("COMPLETED", 30_000)
    assert len(lent) == 1 + job.parts_total > 5
    assert sum(lent) < 2.5 * len(content)
