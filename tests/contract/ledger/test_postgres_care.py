"""``helixnet db`` on a Postgres ledger: migrate, again, twice at once; check; clean."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from scripts.stack import postgres
from scripts.stack.server import Server
from sqlalchemy import Connection

from helixnet.adapters.postgres_database import Database
from helixnet.errors import UsageError
from helixnet.ledger import migrate, tables
from helixnet.ledger.tables import REVISION
from tests.contract.ledger.driving import Driver
from tests.contract.ledger.servers import ON_POSTGRES, Postgres, upgrade

pytestmark = [pytest.mark.contract, *ON_POSTGRES]


@pytest.fixture
async def empty(cluster: Server) -> AsyncIterator[Postgres]:
    """A database without tables."""
    await asyncio.to_thread(postgres.create_database, cluster, "empty")
    made = Postgres(cluster, "empty")
    yield made
    await made.close()
    await asyncio.to_thread(postgres.drop_database, cluster, "empty")


async def alone(database: Postgres, revision: str) -> None:
    """Migrate up to an older revision, as an older version did."""
    secret = database.cluster.secrets[postgres.OWNER]
    engine = Database.at(database.url(), secret).engine(size=1)
    async with engine.begin() as conn:
        await conn.run_sync(migrate.upgrade, revision)
    await engine.dispose()


def helixnet(database: Postgres, *words: str) -> "subprocess.CompletedProcess[str]":
    given = {
        "HELIXNET_LEDGER": database.url(),
        "HELIXNET_LEDGER_PASSWORD": database.cluster.secrets[postgres.OWNER],
    }
    command = [sys.executable, "-m", "helixnet", "db", *words]
    return subprocess.run(
        command, env=os.environ | given, capture_output=True, text=True, check=False
    )


async def test_the_migrations_lead_to_the_tables(database: Postgres) -> None:
    """A change of ``tables.py`` without a migration fails here."""
    hx = Driver(await database.another())

    def differences(conn: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(conn), tables.metadata)

    assert await hx.ledger.do(differences) == []


async def test_a_ledger_without_tables_is_refused_and_says_what_to_do(empty: Postgres) -> None:
    with pytest.raises(UsageError, match="has no ledger tables yet") as caught:
        await empty.another()
    assert caught.value.hint == "helixnet db upgrade"


async def test_two_upgrades_at_once_make_one_ledger(empty: Postgres) -> None:
    said = await asyncio.gather(*(asyncio.to_thread(upgrade, empty) for _ in range(2)))
    assert {line.strip().rpartition("/")[2] for line in said} == {"empty is up to date"}
    assert await Driver(await empty.another()).accept()


async def test_an_older_ledger_is_refused_until_it_is_migrated_and_then_goes_on(
    empty: Postgres,
) -> None:
    """Its rows get their wall and its events their place."""
    await alone(empty, "0002")
    empty.elsewhere(
        "INSERT INTO tenants (name) VALUES ('old');"
        "INSERT INTO events (event, type, topic, tenant, data, published)"
        " VALUES ('e', 't', 'helix.jobs', 'old', '{}', 1)"
    )
    with pytest.raises(UsageError, match=f"has ledger 0002; needed is {REVISION}"):
        await empty.another()
    await asyncio.to_thread(upgrade, empty)
    hx = Driver(await empty.another())
    assert await hx.sql("SELECT name FROM tenants") == [("old",)]
    assert await hx.whole()


async def test_a_newer_ledger_is_refused_and_named(database: Postgres) -> None:
    database.elsewhere(
        "UPDATE alembic_version SET version_num = '9999';"
        "UPDATE meta SET value = '7.8.9' WHERE name = 'version'"
    )
    with pytest.raises(UsageError, match=r"HelixNet 7\.8\.9 .*this is HelixNet \d"):
        await database.another()
    refused = helixnet(database, "upgrade")
    assert (refused.returncode, "7.8.9" in refused.stderr) == (2, True)


async def test_check_and_clean_work_and_copies_are_the_databases_own(database: Postgres) -> None:
    hx = Driver(await database.another())
    job = await hx.whole()
    await hx.accept()
    assert helixnet(database, "check").returncode == 0
    would = helixnet(database, "clean", "--older", "0s", "--jobs", "--dry-run", "--json")
    assert json.loads(would.stdout)["jobs"] == 1
    assert await hx.state(job) == "COMPLETED"
    done = helixnet(database, "clean", "--older", "0s", "--jobs", "--json")
    assert json.loads(done.stdout)["jobs"] == 1
    assert await hx.sql("SELECT count(*) FROM jobs") == [(1,)]
    for verb, tool in (("backup", "pg_dump"), ("restore", "pg_restore")):
        refused = helixnet(database, verb, "somewhere")
        assert (refused.returncode, tool in refused.stderr) == (2, True)
