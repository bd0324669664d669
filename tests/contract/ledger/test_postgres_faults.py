"""What happens to the ledger when its database goes, stalls, comes back, or is a wrong one."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from scripts.stack import postgres
from scripts.stack.server import Server
from sqlalchemy import Connection, text

from helixnet.adapters.ledger_postgres import open_ledger
from helixnet.errors import ConflictError, UnavailableError, UsageError
from helixnet.ledger import arrivals, catalog
from tests.contract.ledger.driving import Driver, arrival
from tests.contract.ledger.servers import ON_POSTGRES, Postgres, upgrade

pytestmark = [pytest.mark.contract, *ON_POSTGRES, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that these tests may kill."""
    running = postgres.start(tmp_path_factory.mktemp("killed"))
    database = Postgres(running, postgres.DATABASE)
    try:
        upgrade(database)
        yield database
    finally:
        running.resume()
        database.cluster.stop()


@pytest.fixture
async def hx(own: Postgres) -> AsyncIterator[Driver]:
    yield Driver(await own.another(relay=True))
    await own.close()


def killed(server: Server) -> Server:
    server.kill()
    return server.restart()


async def test_a_unit_that_meets_a_restarted_server_does_not_fail(
    own: Postgres, hx: Driver
) -> None:
    """The pool has only dead connections then: nothing was written, so it is asked again."""
    before = set(await hx.read(catalog.list_tenants))  # other tests have this server too
    await asyncio.gather(*(hx.do(catalog.add_tenant, f"a{n}") for n in range(20)))
    own.cluster = await asyncio.to_thread(killed, own.cluster)
    made = [await hx.do(catalog.add_tenant, f"b{n}") for n in range(3)]
    assert made == [True] * 3
    names = {f"a{n}" for n in range(20)} | {f"b{n}" for n in range(3)}
    assert sorted(await hx.read(catalog.list_tenants)) == sorted(before | names)


async def test_while_the_server_is_away_every_call_says_so_and_later_all_is_well(
    own: Postgres, hx: Driver
) -> None:
    await asyncio.to_thread(own.cluster.stop)
    calls = [hx.accept(), hx.read(catalog.list_tenants), hx.claim_parts()]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    assert "postgresql://helixnet@127.0.0.1" in str(outcomes[0])
    late = await own.another()
    with pytest.raises(UnavailableError):
        await late.read(lambda _: None)
    own.cluster = await asyncio.to_thread(own.cluster.restart)
    assert await hx.accept()


async def test_what_was_answered_survives_a_kill_and_the_rest_is_unknown_at_worst(
    own: Postgres, hx: Driver
) -> None:
    answered, refused, stop = set[str](), set[str](), asyncio.Event()

    async def upload() -> None:
        while not stop.is_set():
            made = arrival()
            try:
                await hx.do(arrivals.accept, [made])
                answered.add(made.job)
            except UnavailableError:
                refused.add(made.job)
                await asyncio.sleep(0.2)

    before = {row.id for row in await hx.sql("SELECT id FROM jobs")}
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(upload())
        await asyncio.sleep(1)
        own.cluster = await asyncio.to_thread(killed, own.cluster)
        stop.set()
    kept = {row.id for row in await hx.sql("SELECT id FROM jobs")} - before
    assert answered
    assert answered <= kept <= answered | refused


async def test_a_session_that_ends_after_its_answer_takes_nothing_with_it(
    own: Postgres, hx: Driver
) -> None:
    """What was read is known; the connection, which can't even be given back, is let go."""

    def ended_behind(conn: Connection) -> int:
        pid: int = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
        own.elsewhere(f"SELECT pg_terminate_backend({pid}, 5000)")
        return pid

    for _ in range(3):
        assert await hx.read(ended_behind)
    assert await hx.read(catalog.list_tenants) is not None


async def test_a_server_that_stalls_hangs_nobody(own: Postgres, hx: Driver) -> None:
    """Connections stand but nothing answers: calls end by their own time limit."""
    await hx.read(catalog.list_tenants)
    await asyncio.to_thread(own.cluster.pause)
    try:
        calls = [hx.do(catalog.add_tenant, "stalled"), hx.read(catalog.list_tenants)]
        async with asyncio.timeout(300):
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
    finally:
        own.cluster.resume()
    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    assert await hx.do(catalog.add_tenant, "later")


async def test_a_caller_who_leaves_does_not_cut_off_a_commit(own: Postgres, hx: Driver) -> None:
    for n in range(20):
        task = asyncio.create_task(hx.do(catalog.add_tenant, f"left{n}"))
        await asyncio.sleep(0.002 * (n % 5))
        task.cancel()
        await asyncio.wait({task})
    await hx.ledger.close()
    found = await Driver(await own.another()).read(catalog.list_tenants)
    assert {f"left{n}" for n in range(20)} <= set(found)


async def test_a_process_that_pauses_in_a_transaction_lets_its_rows_go(
    own: Postgres, hx: Driver
) -> None:
    """The server ends the session; the paused one learns it, and its work is done again."""
    other = Driver(await own.another())
    await hx.do(catalog.add_tenant, "held")
    times = 0

    def pausing(conn: Connection) -> str:
        nonlocal times
        times += 1
        conn.execute(text("UPDATE tenants SET created = 1 WHERE name = 'held'"))
        if times == 1:
            time.sleep(8)  # as SIGSTOP: the whole process stands still
        return str(conn.execute(text("SELECT 'done'")).scalar_one())

    paused = asyncio.to_thread(asyncio.run, _alone(own, pausing))
    waiting = asyncio.create_task(paused)
    await asyncio.sleep(1.5)
    async with asyncio.timeout(60):
        await other.sql("UPDATE tenants SET created = 2 WHERE name = 'held'")
    assert await waiting == "done"
    assert times == 2


async def _alone(own: Postgres, unit: object) -> str:
    """A process of its own, as far as its loop goes."""
    ledger = await open_ledger(own.url(), password=own.cluster.secrets[postgres.OWNER])
    try:
        return await ledger.do(unit)
    finally:
        await ledger.close()


async def test_a_refusal_of_a_unit_stays_what_it_was(hx: Driver) -> None:
    flow = catalog.Flow(tenant="demo", name="f", match="*", context="c")
    await hx.do(catalog.add_flow, flow)
    with pytest.raises(ConflictError):
        await hx.do(catalog.add_flow, flow)


async def test_a_nul_character_is_the_callers_fault(hx: Driver) -> None:
    with pytest.raises(UsageError, match="NUL"):
        await hx.accept(submitted_by="a\0b")


async def _looked(url: str, password: str) -> None:
    """Open a ledger and ask it: one that does not answer is opened all the same."""
    ledger = await open_ledger(url, password=password)
    try:
        await ledger.read(lambda _: None)
    finally:
        await ledger.close()


@pytest.mark.parametrize(
    ("url", "password", "error", "words"),
    [
        ("postgresql+asyncpg://helixnet@{at}/helixnet", "wrong", UsageError, "password"),
        ("postgresql+asyncpg://nobody@{at}/helixnet", "wrong", UsageError, "nobody"),
        ("postgresql+asyncpg://helixnet@{at}/absent", "", UsageError, "absent"),
        ("postgresql+asyncpg://helixnet@127.0.0.1:1/helixnet", "", UnavailableError, "127.0.0.1:1"),
        ("postgresql+asyncpg://helixnet@no.invalid/helixnet", "", UnavailableError, "no.invalid"),
        ("postgresql+psycopg://helixnet@{at}/helixnet", "", UsageError, "URL"),
        ("postgresql+asyncpg://", "", UsageError, "URL"),
    ],
)
async def test_a_wrong_address_is_told_without_its_password(
    own: Postgres, url: str, password: str, error: type[Exception], words: str
) -> None:
    secret = password or own.cluster.secrets[postgres.OWNER]
    with pytest.raises(error, match=words) as caught:
        await _looked(url.format(at=own.cluster.address), secret)
    assert secret not in str(caught.value)


LISTENING = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


async def test_a_lost_listener_comes_back(own: Postgres, hx: Driver) -> None:
    """Its session is ended: later notices are heard again, and until then polling finds them."""

    def sessions(what: str) -> str:
        return postgres.execute(own.cluster, f"SELECT {what} {LISTENING}")

    async def listener_other_than(known: str) -> str:
        while (found := await asyncio.to_thread(sessions, "pid")) in {"", known}:
            await hx.ledger.changed(0, 0.5, "never")
        return found

    async with asyncio.timeout(100):
        first = await listener_other_than("")
        await asyncio.to_thread(sessions, "pg_terminate_backend(pid)")
        await listener_other_than(first)
        mark = await hx.ledger.changed(0, 0)
        own.elsewhere("SELECT pg_notify('helixnet', 'helix.jobs')")
        assert await hx.ledger.changed(mark, 90, "helix.jobs") > mark
