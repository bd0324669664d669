"""A tenant's values for inputs: kept, changed, and copied to the runs that are accepted."""

from decimal import Decimal
from typing import Any

import pytest

from helixnet.errors import UsageError
from helixnet.ledger import inputs, queries, replays, runs
from helixnet.ledger.filed import filed_run
from tests.contract.ledger.driving import Driver, index

pytestmark = pytest.mark.contract


async def change(hx: Driver, tenant: str = "demo", **values: object) -> dict[str, Any]:
    return await hx.do(inputs.change_inputs, tenant=tenant, values=values, by="ann")


async def start(hx: Driver, run: runs.ClaimedRun, used: dict[str, Any] | None) -> None:
    begun = runs.Start(id=run.id, epoch=run.epoch, index=index(), inputs=used)
    assert await hx.do(runs.start_runs, [begun]) == 1


async def shown(hx: Driver, job: str) -> list[dict[str, Any]]:
    detail = await hx.read(queries.job_detail, tenant="demo", job=job)
    return [run.inputs for run in detail.runs]


async def test_values_are_set_changed_and_taken_away_by_name(hx: Driver) -> None:
    """What is not named stays; the numbers keep their digits."""
    rate = Decimal("0.190")
    assert await change(hx, plant="1000", rate=rate, rush=True) == {
        "set": {"plant": "1000", "rate": rate, "rush": True},
        "removed": [],
    }
    assert await change(hx, plant="2000", rate=rate, rush=None, never=None) == {
        "set": {"plant": "2000"},
        "removed": ["rush"],
    }
    found = await hx.read(inputs.tenant_values, "demo")
    assert found == {"plant": "2000", "rate": rate}
    assert str(found["rate"]) == "0.190"
    assert await hx.read(inputs.tenant_values, "acme") == {}
    ((by, at),) = await hx.sql("SELECT DISTINCT changed_by, changed > 0 FROM tenant_inputs")
    assert by == "ann"
    assert at


async def test_one_and_true_are_different_values(hx: Driver) -> None:
    await change(hx, flag=True)
    assert (await change(hx, flag=1))["set"] == {"flag": 1}
    assert await hx.read(inputs.tenant_values, "demo") == {"flag": 1}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"no name": "x"}, "no context can declare"),
        ({"_x": "x"}, "no context can declare"),
        ({"ü": "x"}, "no context can declare"),
        ({"": "x"}, "no context can declare"),
        ({"plant": ["x"]}, "no text, number, true or false"),
        ({"plant": {"a": 1}}, "no text, number, true or false"),
        ({"plant": "x" * 17_000}, "at most 100 values"),
        ({f"n{n}": n for n in range(101)}, "at most 100 values"),
    ],
)
async def test_what_is_no_value_changes_nothing(
    hx: Driver, values: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        await hx.do(inputs.change_inputs, tenant="demo", values={"good": 1} | values)
    assert await hx.read(inputs.tenant_values, "demo") == {}


async def test_a_run_keeps_all_values_of_its_tenant_at_acceptance(hx: Driver) -> None:
    """Which of them are used is known once the context was compiled."""
    await change(hx, plant="1000", other="x")
    await change(hx, "acme", plant="9999")
    job = await hx.accept(inputs={"day": "1"})
    await change(hx, plant="2000", other=None)
    (claimed,) = await hx.claim_runs()
    assert (claimed.inputs, claimed.tenant_inputs) == (
        {"day": "1"},
        {"plant": "1000", "other": "x"},
    )
    assert await shown(hx, job) == [{"day": "1"}]
    await start(hx, claimed, {"day": "1", "plant": "1000"})
    assert await shown(hx, job) == [{"day": "1", "plant": "1000"}]


async def test_without_values_a_run_has_those_of_flow_and_job(hx: Driver) -> None:
    job = await hx.accept(inputs={"day": "1"})
    await change(hx, day="2", plant="1000")
    (claimed,) = await hx.claim_runs()
    assert (claimed.inputs, claimed.tenant_inputs) == ({"day": "1"}, {})
    await start(hx, claimed, None)
    assert await shown(hx, job) == [{"day": "1"}]


@pytest.mark.parametrize("present", [False, True])
async def test_a_run_again_has_the_values_of_before_unless_asked(
    hx: Driver, *, present: bool
) -> None:
    """All that were given, not only those that were used: its context may be another one."""
    await change(hx, plant="1000", other="x")
    job = await hx.accept(inputs={"day": "1"})
    (claimed,) = await hx.claim_runs()
    await start(hx, claimed, {"day": "1", "plant": "1000"})
    await hx.do(runs.cancel, tenant="demo", job=job)
    await change(hx, plant="2000", other=None)
    now = await hx.read(inputs.tenant_values, "demo") if present else None
    filed = await hx.read(filed_run, tenant="demo", job=job)
    assert filed is not None
    assert (filed.inputs, filed.tenant_inputs) == ({"day": "1"}, {"plant": "1000", "other": "x"})
    again = replays.Again(tenant_inputs=now)
    await hx.do(replays.rerun, tenant="demo", job=job, again=again)
    (second,) = await hx.claim_runs()
    assert second.inputs == {"day": "1"}
    assert second.tenant_inputs == (
        {"plant": "2000"} if present else {"plant": "1000", "other": "x"}
    )


async def test_an_arrival_may_bring_the_values_of_another_run(hx: Driver) -> None:
    """Corrected rejects are mapped as the file was that they are from."""
    await change(hx, plant="1000")
    await hx.accept(tenant_inputs={"plant": "500"})
    await hx.accept(tenant_inputs={})
    found = [run.tenant_inputs for run in await hx.claim_runs()]
    assert found == [{"plant": "500"}, {}]
