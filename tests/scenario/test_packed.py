"""Packed files come in by every door and give what the plain file gives."""

import gzip
import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from miniopy_async.error import S3Error

from tests.scenario.running import Helix, Person, command, eventually
from tests.scenario.test_care import many_orders
from tests.scenario.test_jobs import BAD, GOOD, HEADER
from tests.workbooks import DAY, number, workbook

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.scenario
SMALL = (HEADER + GOOD + BAD).encode()


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orders.csv", content)
    return packed.getvalue()


def gone(helix: Helix, key: str) -> bool:
    try:
        helix.stored(key)
    except (OSError, S3Error):
        return True
    return False


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress, zipped])
def test_a_packed_upload_is_mapped_as_the_plain_file(
    demo: Person, orders: dict[str, bytes], pack: Callable[[bytes], bytes]
) -> None:
    plain = demo.wait(demo.submit(SMALL, orders))
    job = demo.wait(demo.submit(pack(SMALL), orders, name="orders.bin"))
    assert (job["state"], job["counts"]) == (plain["state"], plain["counts"])
    assert demo.result(job["job_id"]) == demo.result(plain["job_id"])
    reject, same = (demo.rejects(each["job_id"])[0] for each in (job, plain))
    apart = {"file": "", "job_id": ""}
    assert reject | apart == same | apart


def test_a_large_packed_drop_is_mapped_in_parts(
    own_helix: Callable[..., Helix], orders: dict[str, bytes]
) -> None:
    """What it unpacks to goes when it has been mapped; the file itself stays as it came."""
    helix = own_helix(part_size="65536", quiet_seconds="0.1", clean_seconds="1")
    demo = Person(helix.url, "demo")
    files = [("files", item) for item in orders.items()]
    assert demo.http.post("/contexts", files=files).status_code in {200, 201}
    flow = {"name": "orders", "match": "orders/*.gz", "context": "acme-orders-csv"}
    assert demo.http.post("/flows", json=flow).status_code in {200, 201}
    content = many_orders(5000)
    helix.drop("demo", "orders", "many.csv.gz", gzip.compress(content))
    (found,) = eventually(lambda: demo.jobs(text="many.csv.gz"))
    job = demo.wait(str(found["job_id"]))
    assert job["state"] == "COMPLETED", job["errors"]
    assert job["counts"]["written"] == 5000
    assert job["runs"][0]["parts_total"] > 1
    plain = demo.wait(demo.submit(content, orders))
    assert demo.result(job["job_id"]) == demo.result(plain["job_id"])
    source = helix.manifest("demo", job["job_id"])["source"]
    assert (source["packed"], source["unpacked_size"]) == ("gzip", len(content))
    eventually(lambda: gone(helix, f"results/demo/{job['job_id']}/1/unpacked/i1"))
    again = demo.http.post(f"/jobs/{job['job_id']}/rerun", json={})
    assert again.status_code in {200, 202}, again.text
    assert demo.wait(job["job_id"], run=2)["state"] == "COMPLETED"
    assert demo.result(job["job_id"], run=2) == demo.result(job["job_id"], run=1)


def test_rejects_of_a_packed_file_go_on(demo: Person, orders: dict[str, bytes]) -> None:
    """The file given back is plain, with the header of the packed one."""
    job = demo.wait(demo.submit(gzip.compress(SMALL), orders))
    raw = demo.http.get(f"/jobs/{job['job_id']}/rejects.raw").content
    assert raw == (HEADER + BAD).encode()
    answer = demo.http.post(f"/jobs/{job['job_id']}/rejects/requeue")
    assert answer.status_code == 201, answer.text
    child = demo.wait(answer.json()["job_id"])
    assert child["counts"]["rejected"] == 1
    assert child["errors"][0]["code"] == "HX-5007"  # the only record, which is over `stop_at`


def test_what_can_not_be_unpacked_says_why(demo: Person, orders: dict[str, bytes]) -> None:
    for content, code in ((gzip.compress(SMALL)[:-3], "HX-5050"), (zipped(SMALL)[:-3], "HX-5050")):
        job = demo.wait(demo.submit(content, orders))
        assert job["state"] == "FAILED"
        assert json.dumps(job["errors"]).count(code) == 1


EXCEL = b"""helixnet: 1
name: sheet
version: 1.0.0
target:
  type: object
  required: [no, quantity]
  properties: {no: {type: string}, quantity: {type: number}, day: {type: string}}
source:
  format: excel
  decimal: ","
  fields:
    NO: {type: string, required: true}
    QTY: {type: decimal, scale: 1}
    DAY: {type: date, format: "%d.%m.%Y"}
map: {no: NO, quantity: QTY, day: DAY}
on_error: {stop_at: 50%}
"""


def test_a_workbook_is_mapped_in_parts_as_the_command_line_maps_it(
    own_helix: Callable[..., Helix], tmp_path: Path
) -> None:
    """Rejects have the row and column of the sheet; a rerun unpacks it again."""
    demo = Person(own_helix(part_size="20000").url, "demo")
    rows = [[f"N{n}", number(f"{n}.5"), number("46349", DAY)] for n in range(4000)]
    rows[7][1] = "many"
    sheet = workbook([["Title"], [], ["NO", "QTY", "DAY"], *rows])
    context = EXCEL.replace(b"format: excel", b"format: excel\n  header: 3")
    job = demo.wait(demo.submit(sheet, {"sheet.yaml": context}, name="orders.xlsx"))
    assert (job["state"], job["counts"]["written"]) == ("PARTIAL", 3999), job["errors"]
    assert job["runs"][0]["parts_total"] > 1
    (reject,) = demo.rejects(job["job_id"])
    source = reject["errors"][0]["source"]
    assert (source["line"], source["column"], source["field"]) == (11, 2, "QTY")
    assert reject["raw"] == "N7,many,23.11.2026\n"
    (tmp_path / "sheet.yaml").write_bytes(context)
    (tmp_path / "orders.xlsx").write_bytes(sheet)
    paths = [str(tmp_path / name) for name in ("sheet.yaml", "orders.xlsx")]
    done = command("run", *paths, home=tmp_path)
    assert done.stdout.encode() == demo.result(job["job_id"])
    answer = demo.http.post(f"/jobs/{job['job_id']}/rejects/requeue")
    assert answer.status_code == 400, answer.text
    assert "correct the rows in the sheet" in answer.text
    answer = demo.http.post(f"/jobs/{job['job_id']}/rerun", json={})
    assert answer.status_code in {200, 202}, answer.text
    assert demo.wait(job["job_id"], run=2)["counts"] == job["counts"]


def test_what_is_no_workbook_says_why(demo: Person) -> None:
    job = demo.wait(demo.submit(b"NO;QTY\n1;2\n", {"sheet.yaml": EXCEL}, name="orders.xlsx"))
    assert (job["state"], job["errors"][0]["code"]) == ("FAILED", "HX-5004")
    small = workbook([["NO", "QTY", "DAY"], ["1", "2,5", None]])
    job = demo.wait(demo.submit(small, {"sheet.yaml": EXCEL}, name="orders.xlsx"))
    assert job["counts"]["rejected"] == 1  # an empty cell is no day
