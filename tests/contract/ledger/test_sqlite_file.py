"""The file of the embedded shape: lock, durability, migration, backup, damage, full disk."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.dialects import postgresql

from helixnet.adapters import ledger_file
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.errors import ConflictError, UnavailableError, UsageError
from helixnet.jobs import RunState
from helixnet.ledger import catalog, migrate, parts, tables
from tests.contract.ledger.driving import Driver
from tests.contract.ledger.servers import Sqlite

pytestmark = pytest.mark.contract


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Sqlite]:
    """Only the file: these are its own promises."""
    made = Sqlite(tmp_path)
    yield made
    await made.close()


LEDGERS = Path(__file__).parent.with_name("ledgers")


async def reopened(server: Sqlite) -> Driver:
    return Driver(await server.open())


async def test_settings_that_durability_needs_are_on(hx: Driver) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10000}
    for name, value in wanted.items():
        assert [tuple(row) for row in await hx.sql(f"PRAGMA {name}")] == [(value,)]


async def test_a_second_server_is_told_who_has_the_folder(hx: Driver, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match=f"{tmp_path} is in use by process {os.getpid()}"):
        await asyncio.to_thread(open_ledger, tmp_path / "ledger.db")
    await hx.ledger.close()
    again = await asyncio.to_thread(open_ledger, tmp_path / "ledger.db")
    await again.close()


async def test_work_that_was_leased_when_the_server_died_goes_on(server: Sqlite) -> None:
    """Leases are void at the start and give their attempt back."""
    hx = await reopened(server)
    job = await hx.started()
    waiting = await hx.accept()
    await hx.claim_runs()
    await hx.claim_parts()
    hx = await reopened(server)
    (run,) = await hx.claim_runs()
    (part,) = await hx.claim_parts()
    assert (run.job, run.attempts) == (waiting, 1)
    assert (part.job, part.attempts, part.epoch) == (job, 1, 2)


CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.ledger.arrivals import Arrival, accept
async def main():
    ledger = open_ledger(Path(sys.argv[1]))
    async def one(n):
        a = Arrival(tenant="demo", name=str(n), size=1, content=b"x")
        await ledger.do(lambda conn: accept(conn, [a]))
        os.write(1, f"{a.job}\\n".encode())
    for n in range(100000):
        await asyncio.gather(*(one(i) for i in range(20)))
asyncio.run(main())
"""


def accept_until_killed(path: Path) -> list[str]:
    """Return the jobs whose acceptance a server had answered when it was killed."""
    command = [sys.executable, "-c", CHILD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        jobs = [child.stdout.readline().decode().strip() for _ in range(100)]
        child.send_signal(signal.SIGKILL)
        jobs += child.stdout.read().decode().split()
    return [job for job in jobs if len(job) == 32]


async def test_what_was_accepted_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    jobs = await asyncio.to_thread(accept_until_killed, path)
    assert len(jobs) >= 100
    ledger = await asyncio.to_thread(open_ledger, path)
    hx = Driver(ledger)
    kept = {row.id for row in await hx.sql("SELECT id FROM jobs")}
    assert set(jobs) <= kept
    assert [tuple(r) for r in await hx.sql("SELECT count(*) FROM runs")] == [(len(kept),)]
    await ledger.close()
    assert ledger_file.check(path) == []


async def test_a_backup_while_running_restores(server: Sqlite, tmp_path: Path) -> None:
    hx = await reopened(server)
    done = await hx.whole()
    writing = [asyncio.create_task(hx.accept()) for _ in range(50)]
    copy = await asyncio.to_thread(
        ledger_file.backup, server.folder / "ledger.db", tmp_path / "backup"
    )
    await asyncio.gather(*writing)
    later = await hx.accept()
    with pytest.raises(ConflictError, match="there already"):
        ledger_file.backup(server.folder / "ledger.db", tmp_path / "backup")
    with pytest.raises(ConflictError, match="in use"):
        ledger_file.restore(copy, server.folder / "ledger.db")
    await server.close()
    ledger_file.restore(copy, server.folder / "ledger.db")
    hx = await reopened(server)
    assert await hx.state(done) is RunState.COMPLETED
    assert await hx.sql("SELECT 1 FROM jobs WHERE id = :job", job=later) == []
    assert (server.folder / "ledger.db.replaced").exists()


def damage(path: Path) -> None:
    path.write_bytes(b"this is no database, " * 1000)


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def scribble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 8] = os.urandom(4096 * 5)
    path.write_bytes(data)


def other(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as driver:
        driver.execute("CREATE TABLE t (a)")


@pytest.mark.parametrize("how", [damage, cut, scribble, other])
async def test_a_damaged_file_is_named_with_what_to_do(server: Sqlite, how: object) -> None:
    hx = await reopened(server)
    await hx.whole()
    await server.close()
    path = server.folder / "ledger.db"
    how(path)
    with pytest.raises(UsageError, match=f"{path} is damaged") as caught:
        await asyncio.to_thread(open_ledger, path)
    assert "restore a backup" in caught.value.hint


async def test_a_server_that_died_while_it_made_its_ledger_starts_again(tmp_path: Path) -> None:
    """It leaves a file with a header and no table."""
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as driver:
        driver.execute("PRAGMA journal_mode=WAL")
    assert path.stat().st_size > 0
    ledger = await asyncio.to_thread(open_ledger, path)
    assert await Driver(ledger).accept()
    await ledger.close()


async def test_a_newer_ledger_is_refused_with_both_versions(server: Sqlite) -> None:
    hx = await reopened(server)
    await hx.sql("UPDATE alembic_version SET version_num = '9999'")
    await hx.sql("UPDATE meta SET value = '7.8.9' WHERE name = 'version'")
    await server.close()
    path = server.folder / "ledger.db"
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"HelixNet 7\.8\.9 .*this is HelixNet \d+\.\d+\.\d+"):
        await asyncio.to_thread(open_ledger, path)
    assert path.read_bytes() == before


def test_the_migrations_lead_to_the_tables() -> None:
    """A change of ``tables.py`` without a migration fails here."""
    engine = create_engine("sqlite://")
    with engine.begin() as conn:
        migrate.upgrade(conn)
        differences = compare_metadata(MigrationContext.configure(conn), tables.metadata)
    engine.dispose()
    assert differences == []
    assert migrate.known_revisions()[0] == tables.REVISION


async def test_an_older_ledger_is_copied_and_migrated(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as conn:
        migrate.upgrade(conn, "0001")
        conn.exec_driver_sql("INSERT INTO tenants (name) VALUES ('demo')")
    engine.dispose()
    ledger = await asyncio.to_thread(open_ledger, path)
    hx = Driver(ledger)
    assert await hx.read(catalog.list_tenants) == ["demo"]
    await ledger.close()
    with closing(sqlite3.connect(tmp_path / f"ledger.db.before-{tables.REVISION}")) as driver:
        assert driver.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert driver.execute("SELECT name FROM tenants").fetchall() == [("demo",)]


@pytest.mark.parametrize("stored", sorted(LEDGERS.glob("*.db")), ids=lambda path: path.stem)
async def test_the_ledger_of_each_release_goes_on(stored: Path, tmp_path: Path) -> None:
    """Each has a finished job, one half mapped, one waiting, a flow and a context."""
    shutil.copy(stored, tmp_path / "ledger.db")
    ledger = await asyncio.to_thread(open_ledger, tmp_path / "ledger.db")
    hx = Driver(ledger)
    await hx.start(2)
    await hx.map_all()
    await hx.finish_all()
    states = await hx.sql("SELECT state FROM jobs ORDER BY no")
    assert [row.state for row in states] == ["PARTIAL", "COMPLETED", "COMPLETED"]
    assert [flow.name for flow in await hx.read(catalog.list_flows)] == ["orders"]
    await ledger.close()
    assert ledger_file.check(tmp_path / "ledger.db") == []


async def test_a_full_disk_loses_nothing(hx: Driver) -> None:
    """Every unit of the group learns HX-7004; when there is room again work goes on."""
    kept = await hx.accept()
    await hx.sql("PRAGMA max_page_count = 1")
    outcomes = await asyncio.gather(
        *(hx.accept(content=b"x" * 65536) for _ in range(20)), return_exceptions=True
    )
    full = [error for error in outcomes if isinstance(error, BaseException)]
    assert full
    assert all(isinstance(error, UnavailableError) for error in full)
    assert {error.code for error in full} == {"HX-7004"}
    await hx.sql("PRAGMA max_page_count = 1073741823")
    accepted = {job for job in outcomes if isinstance(job, str)}
    stored = {row.id for row in await hx.sql("SELECT id FROM jobs")}
    assert stored == accepted | {kept}
    assert await hx.accept()


async def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="file/data can't be used"):
        await asyncio.to_thread(open_ledger, tmp_path / "file" / "data" / "ledger.db")


async def test_a_claim_walks_no_table(hx: Driver) -> None:
    """Its plan uses the partial index, however many rows there are."""
    queue = parts.MAPPING

    def plan(conn: Connection) -> list[str]:
        found = list[str]()
        for statement in (queue.tenants, queue.take):
            compiled = statement.compile(conn)
            values = tuple(compiled.params[name] or 1 for name in compiled.positiontup or ())
            rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
            found += [row.detail for row in rows]
        return found

    steps = await hx.read(plan)
    assert any("ix_parts_waits" in step for step in steps)
    assert not {"SCAN parts", "SCAN w"} & set(steps)


def test_the_mechanism_compiles_for_postgres() -> None:
    """The same statements serve the stack shape."""
    dialect = postgresql.dialect()
    queue = parts.MAPPING
    taken = str(queue.take.compile(dialect=dialect))
    assert "FOR UPDATE SKIP LOCKED" in taken
    assert "clock_timestamp()" in taken
    for statement in (queue.tenants, queue.extend, queue.give_back):
        assert "julianday" not in str(statement.compile(dialect=dialect))
