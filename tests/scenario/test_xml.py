"""XML files go the same way as others, and a rejected IDoc in XML goes on as XML."""

import json
from pathlib import Path

import pytest

from tests.scenario.running import Person

pytestmark = pytest.mark.scenario

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CONTEXT = b"""helixnet: 1
name: orders
version: 1.0.0
target: {type: object, required: [no], properties: {no: {type: string}, qty: {type: number}}}
source: {format: xml, record: Orders/Order}
map: {no: 'record["@no"]', qty: Qty | decimal}
on_error: {stop_at: 90%}
"""
IDOC = b"""helixnet: 1
name: idocs
version: 1.0.0
target: {type: object, properties: {no: {type: string}, qty: {type: number}}}
source: {format: idoc, type: ORDERS05}
map: {no: E1EDK01.BELNR, qty: E1EDP01.MENGE | decimal}
on_error: {stop_at: 90%}
"""


def idoc(number: int, quantity: str) -> str:
    """Write an IDoc."""
    return (
        f'<IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><DOCNUM>{number}</DOCNUM></EDI_DC40>\n'
        f'<E1EDK01 SEGMENT="1"><BELNR>{number}</BELNR></E1EDK01>'
        f'<E1EDP01 SEGMENT="1"><MENGE>{quantity}</MENGE></E1EDP01></IDOC>'
    )


def test_records_of_a_document_are_mapped_and_rejected_one_by_one(demo: Person) -> None:
    orders = "".join(f'<Order no="{n}"><Qty>{n}{"x" * (n == 7)}</Qty></Order>\n' for n in range(99))
    sent = f"<Orders>\n{orders}</Orders>\n".encode()
    job = demo.wait(demo.submit(sent, {"orders.yaml": CONTEXT}, name="orders.xml"))
    assert job["state"] == "PARTIAL", job["errors"]
    assert (job["counts"]["written"], job["counts"]["rejected"]) == (98, 1)
    (reject,) = demo.rejects(job["job_id"])
    source = reject["errors"][0]["source"]
    assert (reject["line"], source["line"], source["column"], source["field"]) == (9, 9, 15, "/Qty")
    assert reject["raw"] == '<Order no="7"><Qty>7x</Qty></Order>'


def test_a_rejected_idoc_is_a_file_again(demo: Person) -> None:
    documents = "\n".join(idoc(n, "1x" if n == 1 else "1.000") for n in range(3))
    sent = f"<ORDERS05>\n{documents}\n</ORDERS05>".encode()
    job = demo.wait(demo.submit(sent, {"idocs.yaml": IDOC}, name="idocs.xml"))
    assert job["state"] == "PARTIAL", job["errors"]
    raw = demo.http.get(f"/jobs/{job['job_id']}/rejects.raw").content
    assert raw.startswith(b"<?xml")
    files = {"content_file": ("fixed.xml", raw.replace(b"1x", b"7.000"))}
    answer = demo.http.post(f"/jobs/{job['job_id']}/rejects/fix", files=files)
    assert answer.status_code == 201, answer.text
    child = demo.wait(answer.json()["job_id"])
    assert (child["state"], child["counts"]["written"]) == ("COMPLETED", 1)
    assert json.loads(demo.result(child["job_id"])) == {"no": "1", "qty": 7.0}


def test_what_is_not_well_formed_fails_with_its_place(demo: Person) -> None:
    sent = b"<Orders>\n<Order></Orders>"
    job = demo.wait(demo.submit(sent, {"orders.yaml": CONTEXT}, name="orders.xml"))
    assert job["state"] == "FAILED"
    assert "line 2, column 10" in json.dumps(job["errors"])
