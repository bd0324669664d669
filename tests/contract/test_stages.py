"""What the stages keep to, on the embedded adapters: exactly one end a run, effects once."""

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from helixnet.adapters.bus_local import LocalBus
from helixnet.adapters.ledger_sqlite import LedgerSqlite, open_ledger
from helixnet.adapters.store_folder import FolderStore
from helixnet.adapters.workers import ProcessWorkers
from helixnet.engine.plan import compile_plan
from helixnet.engine.transform import transform_file
from helixnet.ledger.catalog import Flow, add_flow, replace_flow
from helixnet.ledger.contexts import StoredBundle, publish
from helixnet.ledger.outbox import read_topic
from helixnet.ledger.parts import claim_parts
from helixnet.ledger.queries import JobFilter, list_jobs
from helixnet.ledger.replays import Again, rerun
from helixnet.ledger.runs import cancel
from helixnet.ports import Ledger
from helixnet.stages.inbox import accept_drops
from helixnet.stages.mapper import size_of
from helixnet.stages.outbox import Publisher
from helixnet.stages.upkeep import Cleaner
from tests.contract.ledger.servers import ON_POSTGRES, LedgerServer, Sqlite, copied
from tests.contract.shop import CONTEXT, HEADER, Shop, bundle, rows

pytestmark = pytest.mark.contract
TOPIC = "helix.out.acme.numbers.good"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=ON_POSTGRES)])
async def make(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[..., Shop]]:
    """Make a shop with settings of its own, on each kind of ledger."""
    store = FolderStore(tmp_path)
    async with AsyncExitStack() as stack:
        if request.param == "postgres":
            cluster = request.getfixturevalue("cluster")
            server: LedgerServer = await stack.enter_async_context(copied(cluster))
        else:
            server = Sqlite(tmp_path)
        ledger = await server.open()
        stack.push_async_callback(server.close)
        workers = ProcessWorkers(1, preload="helixnet.stages.work", stall_seconds=60)
        await stack.enter_async_context(workers)
        yield lambda **settings: Shop(tmp_path, ledger, store, workers, **settings)
    await store.close()


@pytest.fixture
async def apart(tmp_path: Path) -> AsyncIterator[tuple[Shop, LedgerSqlite]]:
    """A shop whose events travel on a bus beside its ledger, and that bus's own ledger."""
    paths = [tmp_path / name / "ledger.db" for name in ("here", "there")]
    for path in paths:
        path.parent.mkdir()
    here = await asyncio.to_thread(open_ledger, paths[0], relay=True)
    there = await asyncio.to_thread(open_ledger, paths[1])
    store = FolderStore(tmp_path)
    async with ProcessWorkers(1, preload="helixnet.stages.work", stall_seconds=60) as workers:
        bus = LocalBus(there, poll_seconds=1)
        yield Shop(tmp_path, here, store, workers, lease_seconds=0.5, bus=bus), there
    await here.close()
    await there.close()
    await store.close()


def expected(content: bytes, context: str = CONTEXT) -> bytes:
    """What the engine alone makes of a file."""
    documents, rejects = io.BytesIO(), io.BytesIO()
    plan = compile_plan(bundle(context))
    transform_file(plan, io.BytesIO(content), documents=documents, rejects=rejects, file="f")
    return documents.getvalue()


async def test_a_small_file_ends_with_result_manifest_and_deliveries(
    make: Callable[..., Shop],
) -> None:
    shop = make()
    content = rows(5, bad=[3])
    job = await shop.arrive(content)
    await shop.drain()
    detail = await shop.job(job)
    assert detail.job.state == "PARTIAL"
    assert (detail.job.counts.used, detail.job.counts.rejected) == (4, 1)
    files = shop.results(job)
    assert files["result.ndjson"] == expected(content)
    assert json.loads(files["rejects-00000-e1.ndjson"])["line"] == 5
    manifest = json.loads(files["manifest.json"])
    assert manifest["state"] == "PARTIAL"
    assert manifest["context"]["hash"] == bundle().hash
    assert manifest["source"]["sha256"] == hashlib.sha256(content).hexdigest()
    digest = hashlib.sha256(files["result.ndjson"]).hexdigest()
    assert manifest["parts"][0]["documents"]["sha256"] == digest
    told = await shop.told(TOPIC)
    assert [event["key"] for event in told] == ["id-0", "id-1", "id-2", "id-4"]
    assert [event["position"] for event in told] == [0, 1, 2, 3]
    line = files["result.ndjson"].splitlines()[0]
    assert told[0]["sha256"] == hashlib.sha256(line).hexdigest()
    assert told[0]["record"] == json.loads(line)
    assert [d.state for d in detail.deliveries] == ["DONE"]


async def test_parts_together_are_the_uncut_result(make: Callable[..., Shop]) -> None:
    shop = make(part_size=100_000)
    content = rows(60_000, bad=range(0, 60_000, 1000))
    job = await shop.arrive(content)
    await shop.drain()
    detail = await shop.job(job)
    assert detail.job.parts_total > 5
    assert detail.job.counts.used == 59_940
    manifest = json.loads(shop.results(job)["manifest.json"])
    keys = [part["documents"]["key"] for part in manifest["parts"]]
    joined = b"".join((shop.folder / key).read_bytes() for key in keys)
    assert joined == expected(content)
    told = await shop.told(TOPIC)
    assert [event["position"] for event in told] == list(range(10_000))  # the first 10,000 read
    assert detail.deliveries[0].delivered == 59_940


async def test_a_file_without_records_completes(make: Callable[..., Shop]) -> None:
    shop = make()
    jobs = [await shop.arrive(content) for content in (b"", HEADER)]
    await shop.drain()
    for job in jobs:
        assert (await shop.job(job)).job.state == "COMPLETED"
        assert shop.results(job)["result.ndjson"] == b""


@pytest.mark.parametrize(
    ("context", "code"),
    [
        (CONTEXT.replace("qty: QTY}", "qty: QTY | guess}"), "HX-4104"),
        (CONTEXT.replace("helixnet: 1", "helixnet: 9"), "HX-4002"),
    ],
)
async def test_a_bad_context_ends_the_run_with_its_problem(
    make: Callable[..., Shop], context: str, code: str
) -> None:
    shop = make()
    job = await shop.arrive(rows(1), bundle(context))
    await shop.drain()
    detail = await shop.job(job)
    assert detail.job.state == "FAILED"
    assert detail.job.error is not None
    assert detail.job.error["code"] == code
    assert "context.yaml:" in detail.job.error["message"]


async def test_a_file_that_is_gone_or_changed_is_refused(make: Callable[..., Shop]) -> None:
    shop = make()
    gone = await shop.arrive(b"x", key="work/acme/gone/f.csv", version="v")
    other = await shop.arrive(rows(1), sha256="0" * 64)
    await shop.drain()
    for job in (gone, other):
        error = (await shop.job(job)).job.error
        assert error is not None
        assert error["code"] == "HX-5009"


async def test_scope_file_delivers_nothing_unless_all_is_good(make: Callable[..., Shop]) -> None:
    shop = make()
    job = await shop.arrive(
        rows(3, bad=[1]), bundle(CONTEXT.replace("scope: record", "scope: file"))
    )
    await shop.drain()
    detail = await shop.job(job)
    assert detail.job.state == "FAILED"
    assert sorted(shop.results(job)) == ["manifest.json", "rejects-00000-e1.ndjson"]
    assert await shop.told(TOPIC) == []


async def test_a_part_whose_worker_dies_is_tried_again_and_given_up(
    make: Callable[..., Shop],
) -> None:
    """The attempt counts before the work starts, so a part that kills cannot loop for ever."""
    shop = make(max_attempts=2)
    content = rows(200_000)
    job = await shop.arrive(content)
    await shop.step(shop.ingest)
    for attempt in (1, 2):
        ((part,),) = (await shop.mapper.claim(1)).batches
        assert part.attempts == attempt
        working = asyncio.create_task(shop.mapper.handle([part]))
        while not working.done():
            for slot in shop.workers._slots:
                slot.kill()
            await asyncio.sleep(0.05)
        await working
        if attempt == 1:
            await asyncio.sleep(0.6)
            assert await shop.reap() == 1
    await shop.drain()
    detail = await shop.job(job)
    assert detail.job.state == "FAILED"
    assert detail.job.error is not None
    assert detail.job.error["code"] == "HX-7001"
    assert [path for path in shop.store.scratch.iterdir() if path.is_file()] == []


async def test_a_zombie_changes_nothing(make: Callable[..., Shop]) -> None:
    """Who lost the lease may go on working: neither row nor result shows it."""
    shop = make(lease_seconds=0.2)
    content = rows(30_000)
    job = await shop.arrive(content)
    await shop.step(shop.ingest)
    (old,) = (await shop.mapper.claim(1)).batches
    await asyncio.sleep(0.3)
    assert await shop.reap() == 1
    (new,) = (await shop.mapper.claim(1)).batches
    assert new[0].epoch > old[0].epoch
    await shop.mapper.handle(new)
    await shop.mapper.handle(old)
    await shop.drain()
    detail = await shop.job(job)
    assert detail.job.state == "COMPLETED"
    assert detail.job.counts.used == 30_000
    entry = json.loads(shop.results(job)["manifest.json"])["parts"][0]["documents"]
    assert entry["key"].endswith(f"-e{new[0].epoch}.ndjson")
    assert (shop.folder / entry["key"]).read_bytes() == expected(content)


async def test_a_delivery_tells_each_record_once(make: Callable[..., Shop]) -> None:
    """Two workers with the same delivery, one of them late, make no double."""
    shop = make()
    await shop.arrive(rows(500))
    for stage in (shop.ingest, shop.mapper, shop.sink):
        await shop.step(stage)
    (claimed,) = (await shop.deliver.claim(1)).batches
    await asyncio.gather(shop.deliver.handle(claimed), shop.deliver.handle(claimed))
    assert [event["position"] for event in await shop.told(TOPIC)] == list(range(500))


def forget(ledger: Ledger) -> None:
    """Lose what a process had in memory to send, as its death does."""
    while ledger.outgoing(1000):
        pass


async def test_what_a_dead_worker_told_of_a_topic_is_sent_before_more(
    apart: tuple[Shop, LedgerSqlite],
) -> None:
    """It died after some commits and before it sent anything: the order on the topic holds."""
    shop, there = apart
    await shop.arrive(rows(3000))
    for stage in (shop.ingest, shop.mapper, shop.sink):
        await shop.step(stage)
    forget(shop.ledger)
    ((claimed,),) = (await shop.deliver.claim(1)).batches
    working = asyncio.create_task(shop.deliver.handle([claimed]))
    heard = 0
    while not shop.ledger.outgoing(1):
        heard = await shop.ledger.changed(heard, 1, TOPIC)
    working.cancel()
    await asyncio.wait({working})
    await asyncio.sleep(0.6)
    assert await shop.reap() == 1
    forget(shop.ledger)
    ((again,),) = (await shop.deliver.claim(1)).batches
    assert 0 < again.cursor < 3000
    await shop.deliver.handle([again])
    publisher = Publisher(
        ledger=shop.ledger,
        bus=LocalBus(there, poll_seconds=1),
        metrics=shop.metrics,
        sweep_seconds=30,
        poll_seconds=1,
    )
    await publisher.stop(60)
    found = await there.read(lambda conn: read_topic(conn, TOPIC, 0, 10_000))
    assert [stored.event.data["position"] for stored in found] == list(range(3000))


async def test_a_rerun_gives_the_same_bytes_and_delivers_what_changed(
    make: Callable[..., Shop],
) -> None:
    shop = make()
    job = await shop.arrive(rows(10))
    await shop.drain()
    for policy in ("none", "changed"):
        again = Again(deliver=policy)
        await shop.ledger.do(lambda conn, a=again: rerun(conn, tenant="acme", job=job, again=a))
        await shop.drain()
    assert shop.results(job, 1)["result.ndjson"] == shop.results(job, 3)["result.ndjson"]
    assert len(await shop.told(TOPIC)) == 10
    detail = await shop.job(job)
    assert (detail.job.run, detail.job.state) == (3, "COMPLETED")


async def test_a_cancelled_run_stays_cancelled(make: Callable[..., Shop]) -> None:
    shop = make()
    job = await shop.arrive(rows(100))
    await shop.step(shop.ingest)
    batches = (await shop.mapper.claim(1)).batches
    await shop.ledger.do(lambda conn: cancel(conn, tenant="acme", job=job))
    for batch in batches:
        await shop.mapper.handle(batch)
    await shop.drain()
    assert (await shop.job(job)).job.state == "CANCELLED"
    assert await shop.told(TOPIC) == []


async def test_what_is_too_much_goes_back_at_once(make: Callable[..., Shop]) -> None:
    """A mapper that grew used to small parts does not keep large ones from other mappers."""
    shop = make(part_size=300_000)
    shop.mapper.appetite.items = 32
    await shop.arrive(rows(200_000))
    await shop.step(shop.ingest)
    batches = (await shop.mapper.claim(2)).batches
    assert [len(batch) for batch in batches] == [1, 1]
    assert all(size_of(batch[0]) > 256 << 10 for batch in batches)
    free = await shop.ledger.do(
        lambda conn: claim_parts(conn, worker="other", limit=1, lease_seconds=10)
    )
    assert [part.attempts for part in free] == [1]


class TestDrops:
    """Files that lie in the inbox."""

    @pytest.fixture
    async def shop(self, make: Callable[..., Shop]) -> Shop:
        """A shop with one flow and its published context."""
        shop, made = make(), bundle()
        kept = StoredBundle(tenant="acme", hash=made.hash, entry=made.entry, content=made.to_zip())
        flow = Flow(tenant="acme", name="numbers", match="in/*.csv", context="numbers")
        await shop.ledger.do(lambda conn: publish(conn, kept, name="numbers", version="1.0.0"))
        await shop.ledger.do(lambda conn: add_flow(conn, flow))
        return shop

    def drop(self, shop: Shop, path: str, content: bytes) -> Path:
        target = shop.folder / "inbox" / "acme" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    async def jobs(self, shop: Shop) -> list[tuple[str, str, str]]:
        found = await shop.ledger.read(lambda conn: list_jobs(conn, JobFilter(tenant="acme")))
        return [(row.name, row.flow, row.state) for row in reversed(found)]

    async def test_a_drop_is_taken_and_mapped(self, shop: Shop) -> None:
        dropped = self.drop(shop, "in/a.csv", rows(3))
        assert await shop.inbox.look() == 1
        assert not dropped.exists()
        await shop.drain()
        assert await self.jobs(shop) == [("a.csv", "numbers", "COMPLETED")]

    async def test_the_same_file_dropped_again_is_another_job(self, shop: Shop) -> None:
        for _ in range(2):
            self.drop(shop, "in/a.csv", rows(3))
            await shop.inbox.look()
            await shop.inbox.look()
        await shop.drain()
        assert [state for _, _, state in await self.jobs(shop)] == ["COMPLETED"] * 2

    async def test_a_drop_no_flow_takes_is_seen_and_kept(self, shop: Shop) -> None:
        self.drop(shop, "elsewhere/b.csv", rows(3))
        await shop.inbox.look()
        await shop.drain()
        assert await self.jobs(shop) == [("b.csv", "", "FAILED")]
        (kept,) = (shop.folder / "work").rglob("b.csv")
        assert kept.read_bytes() == rows(3)

    async def test_a_finished_drop_goes_when_its_flow_does_not_keep_it(self, shop: Shop) -> None:
        """The file goes, the result stays; a drop that is still open stays too."""
        flow = Flow(
            tenant="acme", name="numbers", match="in/*.csv", context="numbers", keep="delete"
        )
        await shop.ledger.do(lambda conn: replace_flow(conn, flow))
        for name in ("a.csv", "b.csv"):
            self.drop(shop, f"in/{name}", rows(3))
            await shop.inbox.look()
            if name == "a.csv":
                await shop.drain()
        await asyncio.sleep(0.01)
        await Cleaner(ledger=shop.ledger, store=shop.store, interval=1).clean()
        kept = [path.name for path in (shop.folder / "work").rglob("*.csv")]
        assert kept == ["b.csv"]
        assert len(list((shop.folder / "results").rglob("result.ndjson"))) == 1

    @pytest.mark.parametrize("name", ["a.csv.part", "a.tmp", "a.filepart", ".a.csv", ".x/a.csv"])
    async def test_an_unfinished_name_is_left_alone(self, shop: Shop, name: str) -> None:
        dropped = self.drop(shop, f"in/{name}", rows(3))
        assert await shop.inbox.look() == 0
        assert dropped.exists()

    async def test_a_stray_stops_nobody(self, shop: Shop) -> None:
        """A file beside the tenants' folders, or with a name that is no text, stays where it is."""
        self.drop(shop, "../stray.csv", rows(3))
        self.drop(shop, "in/\udcff.csv", rows(3))  # the byte 0xFF, which is no UTF-8
        self.drop(shop, "in/a.csv", rows(3))
        assert await shop.inbox.look() == 1
        await shop.drain()
        assert await self.jobs(shop) == [("a.csv", "numbers", "COMPLETED")]

    async def test_a_growing_file_is_left_alone(self, shop: Shop) -> None:
        shop.inbox.quiet_seconds = 0.3
        dropped = self.drop(shop, "in/a.csv", HEADER)
        for _ in range(4):
            await shop.inbox.look()
            await asyncio.sleep(0.1)
            with dropped.open("ab") as stream:
                stream.write(b"id,1\n")
        assert dropped.exists()
        await shop.inbox.look()
        await asyncio.sleep(0.35)
        await shop.inbox.look()
        assert not dropped.exists()

    async def test_a_drop_accepted_but_not_taken_is_not_lost(self, shop: Shop) -> None:
        """Killed between the ledger's commit and the rename, ingest takes the file itself."""
        self.drop(shop, "in/a.csv", rows(3))
        (ref,) = [ref async for ref in shop.store.list("inbox/")]
        arrival = await shop.inbox._arrival(ref, "folder")
        assert arrival is not None
        await shop.ledger.do(lambda conn: accept_drops(conn, [arrival]))
        await shop.drain()
        assert await self.jobs(shop) == [("a.csv", "numbers", "COMPLETED")]
        assert await shop.inbox.look() == 0

    async def test_a_drop_overwritten_before_it_was_taken_is_refused_visibly(
        self, shop: Shop
    ) -> None:
        self.drop(shop, "in/a.csv", rows(3))
        (ref,) = [ref async for ref in shop.store.list("inbox/")]
        arrival = await shop.inbox._arrival(ref, "folder")
        assert arrival is not None
        await shop.ledger.do(lambda conn: accept_drops(conn, [arrival]))
        self.drop(shop, "in/a.csv", rows(4))
        await shop.drain()
        await shop.inbox.look()
        await shop.drain()
        assert [state for _, _, state in await self.jobs(shop)] == ["FAILED", "COMPLETED"]
