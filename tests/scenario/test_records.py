"""Files of several kinds of lines go the same way as others: in parts, the trailer seen in each."""

import hashlib
import json
from collections.abc import Callable

import pytest

from tests.scenario.running import Helix, Person

pytestmark = pytest.mark.scenario

CONTEXT = b"""helixnet: 1
name: lines
version: 1.0.0
target:
  type: object
  required: [no]
  properties: {no: {type: string}, q: {type: number}, of: {type: integer}}
source:
  format: fixed
  records:
    F: {at: "0:1", once: true, fields: {SENDER: {at: "1:9"}}}
    H: {fields: {NO: {at: "1:9", required: true}}, children: [D]}
    D: {fields: {QTY: {at: "1:8", type: decimal, scale: 1}}}
    T: {once: true, fields: {COUNT: {at: "1:9", type: integer}}}
map: {no: H.NO, q: 'H.D | sum("QTY")', of: T.COUNT}
on_error: {stop_at: 90%}
"""


def content(records: int, bad: int = -1) -> bytes:
    """Write a file; one of its records may be bad."""
    lines = [
        f"H{number:08}\nD{'x' if number == bad else '1':>7}\nD    2.5\n"
        for number in range(records)
    ]
    return f"FACME\n{''.join(lines)}T{records:08}\n".encode()


def test_parts_see_the_trailer_and_give_the_same_bytes(own_helix: Callable[..., Helix]) -> None:
    """The lines that stand once are found before any part is mapped."""
    digests: set[str] = set()
    for size in ("20000", "16MiB"):
        person = Person(own_helix(part_size=size).url, "demo")
        job = person.wait(
            person.submit(content(4000), {"lines.yaml": CONTEXT}, name="lines.txt"),
        )
        assert job["state"] == "COMPLETED", job["errors"]
        assert job["counts"]["written"] == 4000
        assert (job["runs"][0]["parts_total"] > 1) is (size == "20000")
        result = person.result(job["job_id"])
        assert {json.loads(line)["of"] for line in result.splitlines()} == {4000}
        digests.add(hashlib.sha256(result).hexdigest())
    assert len(digests) == 1


def test_a_rejected_record_goes_on_with_header_and_trailer(demo: Person) -> None:
    """What is sent on is a whole file again."""
    sent = content(3, bad=1)
    job = demo.wait(demo.submit(sent, {"lines.yaml": CONTEXT}, name="lines.txt"))
    assert job["state"] == "PARTIAL", job["errors"]
    (reject,) = demo.rejects(job["job_id"])
    source = reject["errors"][0]["source"]
    assert (source["line"], source["segment"], source["field"]) == (6, "D", "QTY")
    raw = demo.http.get(f"/jobs/{job['job_id']}/rejects.raw").content
    assert raw == b"FACME\nH00000001\nD      x\nD    2.5\nT00000003\n"
    files = {"content_file": ("fixed.txt", raw.replace(b"x", b"7"))}
    answer = demo.http.post(f"/jobs/{job['job_id']}/rejects/fix", files=files)
    assert answer.status_code == 201, answer.text
    child = demo.wait(answer.json()["job_id"])
    assert (child["state"], child["counts"]["written"]) == ("COMPLETED", 1)


def test_a_file_without_its_trailer_fails_with_the_reason(demo: Person) -> None:
    """A transfer that broke off delivers nothing."""
    cut = content(3)[:-10]
    job = demo.wait(demo.submit(cut, {"lines.yaml": CONTEXT}, name="lines.txt"))
    assert job["state"] == "FAILED"
    assert "HX-5020" in json.dumps(job["errors"])
