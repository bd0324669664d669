"""Row-level security: a query that forgets its tenant still sees and writes no other's rows."""

from collections.abc import AsyncIterator

import pytest
from scripts.stack import postgres
from sqlalchemy import Connection, select
from sqlalchemy.exc import ProgrammingError

from helixnet.errors import UsageError
from helixnet.ledger import catalog, inputs, outbox, queries, runs, scope, tables
from helixnet.ledger.audit import record
from tests.contract.ledger.driving import Driver
from tests.contract.ledger.servers import ON_POSTGRES, Postgres, upgrade

pytestmark = [pytest.mark.contract, *ON_POSTGRES]
WALLED = [table for table in tables.metadata.sorted_tables if "tenant" in table.c]


@pytest.fixture
async def owner(database: Postgres) -> Driver:
    """The consumers' side, with a job of each of two tenants, and what belongs to them."""
    hx = Driver(await database.another())
    for tenant in ("acme", "globex"):
        await hx.started(cuts=2, tenant=tenant)
        flow = catalog.Flow(tenant=tenant, name="f", match="*", context="c")
        await hx.do(catalog.add_flow, flow)
        await hx.do(record, tenant=tenant, actor="a", action="x")
        await hx.do(inputs.change_inputs, tenant=tenant, values={"plant": tenant})
    return hx


@pytest.fixture
async def gateway(database: Postgres, owner: Driver) -> AsyncIterator[Driver]:
    """The side that strangers talk to."""
    del owner
    yield Driver(await database.another(role=postgres.GATEWAY, scoped=True))
    scope.limit_to("")


def tenants_of(conn: Connection, name: str) -> set[str]:
    """Whose rows a query without any filter gives: what a forgotten ``WHERE`` would do."""
    return set(conn.execute(select(tables.metadata.tables[name].c.tenant)).scalars())


@pytest.mark.parametrize(
    "name", ["jobs", "runs", "parts", "events", "flows", "audit", "tenant_inputs"]
)
async def test_a_query_without_its_tenant_gives_the_callers_rows_only(
    gateway: Driver, name: str
) -> None:
    assert await gateway.read(tenants_of, name) == set()
    scope.limit_to("acme")
    assert await gateway.read(tenants_of, name) == {"acme"}
    assert await gateway.do(tenants_of, name) == {"acme"}
    with scope.lifted():
        assert await gateway.read(tenants_of, name) == {"acme", "globex"}
    assert await gateway.read(tenants_of, name) == {"acme"}


async def test_a_row_for_another_tenant_can_not_be_written(gateway: Driver) -> None:
    scope.limit_to("acme")
    await gateway.accept("acme")
    with pytest.raises(ProgrammingError, match="row-level security"):
        await gateway.accept("globex")
    with pytest.raises(ProgrammingError, match="row-level security"):
        await gateway.sql("UPDATE jobs SET tenant = 'globex'")
    assert await gateway.sql("UPDATE jobs SET name = 'x' WHERE tenant = 'globex' RETURNING 1") == []


async def test_nobody_can_call_himself_everybody(gateway: Driver) -> None:
    scope.limit_to("*")
    assert await gateway.read(tenants_of, "jobs") == set()


async def test_the_wall_does_not_outlast_its_transaction(gateway: Driver) -> None:
    """Connections are shared by requests of all tenants."""
    for tenant in ("acme", "globex", "", "acme"):
        scope.limit_to(tenant)
        assert await gateway.read(tenants_of, "jobs") == ({tenant} if tenant else set())


async def test_a_request_does_its_work_within_the_wall(gateway: Driver, owner: Driver) -> None:
    """Accept, look, cancel, set up a flow: all that the gateway does has its rights."""
    scope.limit_to("acme")
    job = await gateway.accept("acme", idempotency_key="k", fingerprint="f")
    assert await gateway.accept("acme", idempotency_key="k", fingerprint="f") == job
    await gateway.do(runs.cancel, tenant="acme", job=job)
    await gateway.do(inputs.change_inputs, tenant="acme", values={"day": 1, "plant": None})
    listed = await gateway.read(queries.list_jobs, queries.JobFilter(tenant="acme"))
    assert listed[0].job == job
    await gateway.do(
        catalog.replace_flow, catalog.Flow(tenant="acme", name="g", match="*", context="c")
    )
    await gateway.do(catalog.remove_flow, tenant="acme", name="g")
    with scope.lifted():
        marks = [number for number, _ in gateway.ledger.outgoing(100)]
        await gateway.do(outbox.mark_published, marks)
    assert await owner.state(job) == "CANCELLED"


@pytest.mark.parametrize(
    "statement", ["DELETE FROM jobs", "SELECT 1 FROM turns", "DELETE FROM audit"]
)
async def test_the_gateway_has_no_other_rights(gateway: Driver, statement: str) -> None:
    with scope.lifted(), pytest.raises(ProgrammingError, match="permission denied"):
        await gateway.sql(statement)


async def test_every_table_with_a_tenant_is_walled(owner: Driver) -> None:
    """A new table is not forgotten."""
    found = await owner.sql(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
    )
    assert {row.relname for row in found} == {table.name for table in WALLED}


async def test_a_consumer_under_the_wall_is_refused_at_its_start(database: Postgres) -> None:
    """It would find no work and say nothing."""
    with pytest.raises(UsageError, match="sees no rows"):
        await database.another(role=postgres.GATEWAY)


async def test_rights_come_again_with_each_upgrade(database: Postgres, owner: Driver) -> None:
    await owner.sql("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM helix_gateway")
    with pytest.raises(UsageError, match="lacks a right"):
        await database.another(role=postgres.GATEWAY, scoped=True)
    assert "is up to date" in upgrade(database)
    await database.another(role=postgres.GATEWAY, scoped=True)
