"""Tenants, flows, partners, contexts and the audit."""

import pytest
from sqlalchemy.exc import DBAPIError

from helixnet.errors import ConflictError, NotFoundError, UsageError
from helixnet.ledger import audit, catalog, contexts
from tests.contract.ledger.driving import Driver

pytestmark = pytest.mark.contract


def flow(name: str = "orders", match: str = "in/*.csv", **given: object) -> catalog.Flow:
    return catalog.Flow(tenant="demo", name=name, match=match, context="c", **given)


async def test_a_flow_is_there_until_it_is_removed(hx: Driver) -> None:
    await hx.do(catalog.add_flow, flow(inputs={"plant": "1000"}, retention={"work": 60}))
    assert await hx.read(catalog.get_flow, tenant="demo", name="orders") == flow(
        inputs={"plant": "1000"}, retention={"work": 60}
    )
    assert await hx.read(catalog.list_tenants) == ["demo"]
    with pytest.raises(ConflictError):
        await hx.do(catalog.add_flow, flow())
    with pytest.raises(NotFoundError):
        await hx.do(catalog.remove_flow, tenant="acme", name="orders")
    await hx.do(catalog.remove_flow, tenant="demo", name="orders")
    assert await hx.read(catalog.list_flows, tenant="demo") == []


async def test_a_replaced_flow_has_the_new_values(hx: Driver) -> None:
    await hx.do(catalog.replace_flow, flow())
    await hx.do(catalog.replace_flow, flow(match="x/*"))
    assert [f.match for f in await hx.read(catalog.list_flows)] == ["x/*"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("in/a.csv", "any"),
        ("in/acme-1.csv", "acme"),
        ("in/deep/er/a.csv", "any"),
        ("in/A.CSV", None),
        ("out/a.csv", None),
    ],
)
async def test_the_most_literal_pattern_wins(hx: Driver, path: str, name: str | None) -> None:
    """``*`` crosses folders, and letters count as written."""
    for one in (flow("any"), flow("acme", "in/acme-*.csv"), flow("same", "in/*.csv")):
        await hx.do(catalog.add_flow, one)
    found = await hx.read(catalog.match_flow, tenant="demo", path=path)
    assert (found.name if found else None) == name
    assert await hx.read(catalog.match_flow, tenant="acme", path=path) is None


@pytest.mark.parametrize("name", ["", "A", "a/b", "..", "-a", "a" * 64, "ü", "a\n"])
async def test_names_that_stand_in_keys_are_plain(hx: Driver, name: str) -> None:
    with pytest.raises(UsageError, match="not usable"):
        await hx.do(catalog.add_tenant, name)
    with pytest.raises(UsageError, match="not usable"):
        await hx.do(catalog.add_flow, flow(name))


async def test_a_partner_logs_in_by_key_for_one_tenant(hx: Driver) -> None:
    partner = catalog.Partner(name="bosch", tenant="demo", keys=["ssh-ed25519 AAAA"])
    await hx.do(catalog.add_partner, partner)
    assert await hx.read(catalog.find_partner, "bosch") == partner
    assert await hx.read(catalog.find_partner, "nobody") is None
    with pytest.raises(ConflictError):
        await hx.do(catalog.add_partner, catalog.Partner(name="bosch", tenant="acme", keys=["k"]))
    with pytest.raises(UsageError):
        await hx.do(catalog.add_partner, catalog.Partner(name="x", tenant="acme", keys=[]))
    with pytest.raises(NotFoundError):
        await hx.do(catalog.remove_partner, tenant="acme", name="bosch")
    await hx.do(catalog.remove_partner, tenant="demo", name="bosch")
    assert await hx.read(catalog.list_partners) == []


def bundle(hash_: str, tenant: str = "demo") -> contexts.StoredBundle:
    return contexts.StoredBundle(tenant=tenant, hash=hash_, entry="c.yaml", content=b"zip", size=3)


async def test_a_published_version_never_changes(hx: Driver) -> None:
    first = await hx.do(contexts.publish, bundle("h1"), name="c", version="1.0", by="ann")
    again = await hx.do(contexts.publish, bundle("h1"), name="c", version="1.0", by="bob")
    assert again == first
    with pytest.raises(ConflictError, match="h1"):
        await hx.do(contexts.publish, bundle("h2"), name="c", version="1.0")
    assert [v.hash for v in await hx.read(contexts.versions, tenant="demo", name="c")] == ["h1"]


async def test_a_context_without_version_is_the_last_published(hx: Driver) -> None:
    for version in ("1.10", "1.9"):
        await hx.do(contexts.publish, bundle(f"h{version}"), name="c", version=version)
    last = await hx.read(contexts.get_context, tenant="demo", name="c")
    pinned = await hx.read(contexts.get_context, tenant="demo", name="c", version="1.10")
    assert (last.version, pinned.hash) == ("1.9", "h1.10")
    assert await hx.read(contexts.differ, tenant="demo", name="c", one="1.9", other="1.10") == (
        "h1.9",
        "h1.10",
    )
    assert (await hx.read(contexts.find_bundle, tenant="demo", hash_="h1.9")).content == b"zip"


async def test_contexts_of_another_tenant_are_not_there(hx: Driver) -> None:
    await hx.do(contexts.publish, bundle("h"), name="c", version="1")
    for unit, more in (
        (contexts.versions, {"name": "c"}),
        (contexts.get_context, {"name": "c", "version": "1"}),
        (contexts.find_bundle, {"hash_": "h"}),
    ):
        with pytest.raises(NotFoundError):
            await hx.read(unit, tenant="acme", **more)
    assert await hx.read(contexts.list_contexts, tenant="acme") == []
    assert len(await hx.read(contexts.list_contexts, tenant=None)) == 1


async def test_the_audit_is_read_by_tenant_and_filter_page_by_page(hx: Driver) -> None:
    for n in range(5):
        action = "job.cancel" if n % 2 else "flow.add"
        await hx.do(audit.record, tenant="demo", actor="ann", action=action, subject=str(n))
    await hx.do(audit.record, tenant="acme", actor="bob", action="job.cancel", data={"a": 1})
    page = await hx.read(audit.entries, tenant="demo", limit=2)
    rest = await hx.read(audit.entries, tenant="demo", before=page[-1].id)
    assert [e.subject for e in page + rest] == ["4", "3", "2", "1", "0"]
    jobs = await hx.read(audit.entries, tenant=None, action="job.")
    assert (jobs[0].actor, jobs[0].data) == ("bob", {"a": 1})
    assert len(jobs) == 3
    assert await hx.read(audit.entries, tenant="demo", actor="bob") == []


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
async def test_the_database_keeps_audit_rows_as_they_are(hx: Driver, statement: str) -> None:
    await hx.do(audit.record, tenant="demo", actor="ann", action="job.cancel")
    with pytest.raises(DBAPIError, match="never changed"):
        await hx.sql(statement)
    assert len(await hx.read(audit.entries, tenant="demo")) == 1
