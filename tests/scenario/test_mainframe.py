"""Files of a mainframe go through a server as bytes: in parts, and back as rejects to the byte."""

import hashlib
from collections.abc import Callable

import pytest

from tests.scenario.running import Helix, Person

pytestmark = pytest.mark.scenario

CONTEXT = b"""helixnet: 1
name: ledger
version: 1.0.0
target:
  type: object
  required: [no, q]
  properties: {no: {type: string}, q: {type: number}, of: {type: integer}}
source:
  format: fixed
  encoding: cp1047
  record_length: rdw
  records:
    H: {at: "0:1", fields: {NO: {at: "1:9", required: true}}, children: [D]}
    D: {fields: {QTY: {at: "1:4", as: comp-3, scale: 1}}}
    T: {once: true, fields: {COUNT: {at: "1:5", as: comp}}}
map: {no: H.NO, q: 'H.D | sum("QTY")', of: T.COUNT}
on_error: {stop_at: 90%}
"""


def framed(kind: str, data: bytes) -> bytes:
    record = kind.encode("cp037") + data
    return (len(record) + 4).to_bytes(2) + b"\0\0" + record


def content(records: int, bad: int = -1) -> bytes:
    """Write a file; one of its records may be bad."""
    lines = [
        framed("H", f"{number:08}".encode("cp037"))
        + framed("D", bytes.fromhex("00010A" if number != bad else "0001FA"))
        + framed("D", bytes.fromhex("00025D"))
        for number in range(records)
    ]
    return b"".join(lines) + framed("T", records.to_bytes(4))


def test_parts_give_the_same_bytes(own_helix: Callable[..., Helix]) -> None:
    """Numbers of records and bytes of line ends in numbers count nothing."""
    digests: set[str] = set()
    for size in ("20000", "16MiB"):
        person = Person(own_helix(part_size=size).url, "demo")
        job = person.wait(
            person.submit(content(4000), {"ledger.yaml": CONTEXT}, name="ledger.dat"),
        )
        assert job["state"] == "COMPLETED", job["errors"]
        assert job["counts"]["written"] == 4000
        assert (job["runs"][0]["parts_total"] > 1) is (size == "20000")
        result = person.result(job["job_id"])
        assert b'{"no":"00003999","q":-1.5,"of":4000}' in result
        digests.add(hashlib.sha256(result).hexdigest())
    assert len(digests) == 1


def test_a_rejected_record_goes_on_as_the_bytes_that_it_was(demo: Person) -> None:
    sent = content(3, bad=1)
    job = demo.wait(demo.submit(sent, {"ledger.yaml": CONTEXT}, name="ledger.dat"))
    assert job["state"] == "PARTIAL", job["errors"]
    (reject,) = demo.rejects(job["job_id"])
    error = reject["errors"][0]
    assert (error["code"], error["value"]) == ("HX-1111", "X'0001FA'")
    assert (error["source"]["line"], error["source"]["field"]) == (5, "QTY")
    raw = demo.http.get(f"/jobs/{job['job_id']}/rejects.raw").content
    trailer = framed("T", (3).to_bytes(4))
    assert raw == sent[len(content(1)) - len(trailer) :][: 13 + 8 + 8] + trailer
    files = {"content_file": ("fixed.dat", raw.replace(b"\x01\xfa", b"\x01\x0c"))}
    answer = demo.http.post(f"/jobs/{job['job_id']}/rejects/fix", files=files)
    assert answer.status_code == 201, answer.text
    child = demo.wait(answer.json()["job_id"])
    assert (child["state"], child["counts"]["written"]) == ("COMPLETED", 1)
