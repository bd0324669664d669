"""Packed files come in by every door and give what the plain file gives."""

import gzip
import io
import json
import sys
import zipfile
from collections.abc import Callable

import pytest
from miniopy_async.error import S3Error

from tests.scenario.running import Helix, Person, eventually
from tests.scenario.test_care import many_orders
from tests.scenario.test_jobs import BAD, GOOD, HEADER

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
