"""Units share commits, but neither failures nor answers."""

import asyncio

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from helixnet.errors import ConflictError, UnavailableError
from helixnet.events import Event, event_id
from helixnet.ledger import catalog
from helixnet.ledger.outbox import emit
from tests.contract.ledger.driving import Driver
from tests.contract.ledger.servers import LedgerServer

pytestmark = pytest.mark.contract


async def test_a_failing_unit_does_not_undo_its_neighbours(hx: Driver) -> None:
    async def unit(n: int) -> str:
        def run(conn: Connection) -> None:
            catalog.add_tenant(conn, f"t{n}")
            if n % 3 == 0:
                raise ConflictError(str(n))

        try:
            await hx.ledger.do(run)
        except ConflictError as error:
            return f"refused {error}"
        return "made"

    answers = await asyncio.gather(*(unit(n) for n in range(30)))
    assert answers == [f"refused {n}" if n % 3 == 0 else "made" for n in range(30)]
    kept = await hx.read(catalog.list_tenants)
    assert sorted(kept) == sorted(f"t{n}" for n in range(30) if n % 3)


async def test_a_unit_that_breaks_a_constraint_fails_alone(hx: Driver) -> None:
    broken = hx.sql("INSERT INTO flows (tenant, name) VALUES ('nobody', 'f')")
    good = hx.do(catalog.add_tenant, "demo")
    outcome = await asyncio.gather(broken, good, return_exceptions=True)
    assert isinstance(outcome[0], IntegrityError)
    assert outcome[1] is True
    assert await hx.read(catalog.list_tenants) == ["demo"]


async def test_what_was_answered_is_seen_by_every_reader(hx: Driver) -> None:
    """An answer comes after the commit only."""

    async def write_then_read(n: int) -> bool:
        await hx.do(catalog.add_tenant, f"t{n}")
        return f"t{n}" in await hx.read(catalog.list_tenants)

    assert all(await asyncio.gather(*(write_then_read(n) for n in range(50))))


async def test_a_reader_sees_one_snapshot_and_can_not_write(
    server: LedgerServer, hx: Driver
) -> None:
    await hx.do(catalog.add_tenant, "one")

    def look(conn: Connection) -> tuple[list[str], list[str]]:
        first = catalog.list_tenants(conn)
        server.elsewhere("INSERT INTO tenants (name) VALUES ('two')")
        return first, catalog.list_tenants(conn)

    first, second = await hx.ledger.read(look)
    assert first == second == ["one"]
    assert await hx.read(catalog.list_tenants) == ["one", "two"]
    with pytest.raises((DBAPIError, UnavailableError)):
        await hx.read(catalog.add_tenant, "three")


async def test_the_bell_rings_for_commits_that_changed_something(hx: Driver) -> None:
    before = await _listening(hx)
    await hx.do(catalog.list_tenants)
    await hx.claim_parts()
    await hx.reap()
    assert await hx.ledger.changed(before, 0.05) == before
    waiting = asyncio.create_task(hx.ledger.changed(before, 30))
    await asyncio.sleep(0.01)
    await hx.do(catalog.add_tenant, "demo")
    after = await asyncio.wait_for(waiting, 5)
    assert after == before + 1
    assert await hx.ledger.changed(before, 0) == after


async def test_the_bell_of_a_topic_rings_for_what_is_told_on_it_only(hx: Driver) -> None:
    before = await _listening(hx)
    waiting = asyncio.create_task(hx.ledger.changed(before, 30, "helix.jobs"))
    await asyncio.sleep(0.01)
    await hx.do(catalog.add_tenant, "demo")
    await hx.do(emit, [_event("helix.parts")])
    assert not waiting.done()
    await hx.do(emit, [_event("helix.jobs")])
    heard = await asyncio.wait_for(waiting, 5)
    assert heard >= before + 3
    assert await hx.ledger.changed(before + 2, 0, "helix.jobs") >= heard
    assert await _silent(hx) == await hx.ledger.changed(before, 0)


async def _listening(hx: Driver) -> int:
    """The count once the ledger hears of other processes, which rings too."""
    heard = await hx.ledger.changed(0, 0)
    while (now := await hx.ledger.changed(heard, 0.5)) != heard:
        heard = now
    return heard


async def _silent(hx: Driver) -> int:
    """The count when nothing more is heard: a notice may follow a commit's own bell."""
    heard = 0
    while (now := await hx.ledger.changed(heard, 0.2, "helix.jobs")) != heard:
        heard = now
    return heard


def _event(topic: str) -> Event:
    return Event(
        id=event_id("bell", topic),
        type="bell",
        topic=topic,
        key="",
        tenant="demo",
        job="",
        seq=0,
        time="",
        data={},
    )


async def test_an_abandoned_caller_harms_nobody(hx: Driver) -> None:
    task = asyncio.create_task(hx.do(catalog.add_tenant, "demo"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await hx.do(catalog.add_tenant, "other")


async def test_close_finishes_what_was_asked(hx: Driver) -> None:
    asked = [asyncio.create_task(hx.do(catalog.add_tenant, f"t{n}")) for n in range(200)]
    await asyncio.sleep(0)
    await hx.ledger.close()
    assert all(await asyncio.gather(*asked))
    with pytest.raises(UnavailableError, match="closed"):
        await hx.do(catalog.add_tenant, "late")


async def test_a_nested_savepoint_of_a_unit_is_its_own_affair(hx: Driver) -> None:
    def run(conn: Connection) -> None:
        catalog.add_tenant(conn, "kept")
        with pytest.raises(IntegrityError), conn.begin_nested():
            conn.execute(text("INSERT INTO flows (tenant, name) VALUES ('no', 'f')"))

    await hx.ledger.do(run)
    assert await hx.read(catalog.list_tenants) == ["kept"]
