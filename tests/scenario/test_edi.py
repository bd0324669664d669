"""X12 and EDIFACT go through a server in parts, and rejected messages are a file again."""

import json
from collections.abc import Callable

import pytest

from tests.scenario.running import Helix, Person
from tests.unit.engine.formats.edi import edifact, x12

pytestmark = pytest.mark.scenario

CONTEXT = """helixnet: 1
name: orders
version: 1.0.0
target: {type: object, properties: {no: {type: string}, from: {type: string}, qty: {type: integer}}}
source: {format: FORMAT}
map: {no: BGM, from: SENDER, qty: QTY | int}
on_error: {stop_at: 90%}
"""
X12 = (
    CONTEXT.replace("FORMAT", "x12")
    .replace("BGM", "BEG.BEG03")
    .replace("SENDER", "ISA.ISA13")
    .replace("QTY", "PO1.PO102")
    .encode()
)
EDIFACT = (
    CONTEXT.replace("FORMAT", "edifact")
    .replace("BGM", "BGM.BGM02")
    .replace("SENDER", "'UNB[\"0020\"]'")
    .replace("QTY |", "QTY.QTY0102 |")
    .encode()
)


def x12_order(number: int, quantity: str = "5") -> tuple[str, ...]:
    return (f"BEG*00*SA*{number:06}", f"PO1*1*{quantity}*EA")


def test_parts_know_the_envelope_that_is_open(own_helix: Callable[..., Helix]) -> None:
    """Messages of a later part have the control number of their interchange."""
    sent = b""
    for interchange in (1, 2):
        orders = (x12_order(n) for n in range(2000))
        sent += x12(*orders, number=interchange, line="\n").encode()
    person = Person(own_helix(part_size="20000").url, "demo")
    job = person.wait(person.submit(sent, {"orders.yaml": X12}, name="orders.x12"))
    assert job["state"] == "COMPLETED", job["errors"]
    assert job["runs"][0]["parts_total"] > 4
    found = [json.loads(line) for line in person.result(job["job_id"]).splitlines()]
    assert [each["no"] for each in found] == [f"{n:06}" for n in range(2000)] * 2
    assert [each["from"] for each in found] == ["000000001"] * 2000 + ["000000002"] * 2000


@pytest.mark.parametrize("form", ["x12", "edifact"])
def test_a_rejected_message_goes_on_in_its_envelope(form: str, demo: Person) -> None:
    if form == "x12":
        good, bad = x12_order(1), x12_order(2, "1x")
        sent = x12(good) + x12(good, bad, good, number=7)
        context, number = X12, "000000007"
    else:
        good, bad = ("BGM+220+000001", "QTY+21:5"), ("BGM+220+000002", "QTY+21:1x")
        sent = edifact(good) + edifact(good, bad, good, number="7")
        context, number = EDIFACT, "7"
    job = demo.wait(demo.submit(sent.encode(), {"orders.yaml": context}, name=f"orders.{form}"))
    assert (job["state"], job["counts"]["written"]) == ("PARTIAL", 3), job["errors"]
    (reject,) = demo.rejects(job["job_id"])
    place = reject["errors"][0]["source"]
    assert (place["segment"], reject["errors"][0]["value"]) == (bad[1][:3], "1x")
    raw = demo.http.get(f"/jobs/{job['job_id']}/rejects.raw").content
    files = {"content_file": ("fixed", raw.replace(b"1x", b"3"))}
    answer = demo.http.post(f"/jobs/{job['job_id']}/rejects/fix", files=files)
    assert answer.status_code == 201, answer.text
    child = demo.wait(answer.json()["job_id"])
    assert child["state"] == "COMPLETED", child["errors"]
    assert json.loads(demo.result(child["job_id"])) == {"no": "000002", "from": number, "qty": 3}


def test_a_file_that_ends_early_fails(demo: Person) -> None:
    sent = x12(x12_order(1)).encode()[:-30]
    job = demo.wait(demo.submit(sent, {"orders.yaml": X12}, name="orders.x12"))
    assert job["state"] == "FAILED"
    assert "HX-5013" in json.dumps(job["errors"])
