"""Much and many: a large file in parts within bounded memory, and thousands of small ones."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from tests.scenario.running import Helix, Person, eventually
from tests.scenario.test_jobs import HEADER

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(900), pytest.mark.xdist_group("size")]
MEGABYTE = 1_000_000
LINE = "{};23.11.2026;EUR;C{};;10;SKU-{};;1,500;ST;1.012,34\n"


def write_orders(path: Path, size: int) -> int:
    """Write a CSV of about ``size`` bytes; return its number of orders, two lines each."""
    orders = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        written = file.write(HEADER)
        while written < size:
            block = "".join(
                LINE.format(number, number % 977, number % 31) * 2
                for number in range(orders, orders + 5000)
            )
            orders += 5000
            written += file.write(block)
    return orders


class HighestMemory:
    """Watches the memory of a running HelixNet from a thread."""

    def __init__(self, helix: Helix) -> None:
        self.helix = helix
        self.highest = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self) -> None:
        while not self.ended.wait(0.5):
            self.highest = max(self.highest, self.helix.memory())

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def test_a_large_file_maps_in_parts_in_bounded_memory(
    own_helix: Callable[..., Helix], orders: dict[str, bytes], tmp_path: Path
) -> None:
    """200 MB take at most 512 MB over all processes, and nothing is lost between the parts."""
    source = tmp_path / "large.csv"
    expected = write_orders(source, 200 * MEGABYTE)
    helix = own_helix()
    person = Person(helix.url, "demo")
    files = list(orders.items())
    with HighestMemory(helix) as memory, source.open("rb") as content:
        answer = person.http.post(
            "/jobs/upload",
            files=[
                ("context_file", files[0]),
                ("schema_file", files[1]),
                ("content_file", (source.name, content)),
            ],
        )
        assert answer.status_code == 201, answer.text
        job = person.wait(answer.json()["job_id"], patience=800)
    assert job["state"] == "COMPLETED", job["errors"]
    assert job["counts"]["records"] == job["counts"]["written"] == expected
    assert job["runs"][0]["parts_total"] > 1
    assert memory.highest <= 512 * MEGABYTE
    with person.http.stream("GET", f"/jobs/{job['job_id']}/result") as result:
        lines = sum(block.count(b"\n") for block in result.iter_bytes())
    assert lines == expected


def test_parts_give_the_same_bytes_as_one_part(
    own_helix: Callable[..., Helix], orders: dict[str, bytes], tmp_path: Path
) -> None:
    """How a file is cut can't be seen in its result."""
    source = tmp_path / "orders.csv"
    write_orders(source, 2 * MEGABYTE)
    digests: set[str] = set()
    for size in ("100000", "16MiB"):
        person = Person(own_helix(part_size=size).url, "demo")
        job = person.wait(person.submit(source.read_bytes(), orders))
        assert job["state"] == "COMPLETED"
        assert (job["runs"][0]["parts_total"] > 1) is (size == "100000")
        digests.add(hashlib.sha256(person.result(job["job_id"])).hexdigest())
    assert len(digests) == 1


def test_two_thousand_small_files_all_finish(
    own_helix: Callable[..., Helix], orders: dict[str, bytes]
) -> None:
    """Each of many drops becomes one job that completes."""
    helix = own_helix()
    person = Person(helix.url, "demo")
    person.http.post("/contexts", files=[("files", item) for item in orders.items()])
    flow = {"name": "many", "match": "many/*.csv", "context": "acme-orders-csv"}
    assert person.http.post("/flows", json=flow).status_code in {200, 201}
    files = {
        f"{number:04d}.csv": (HEADER + LINE.format(number, 1, 1)).encode() for number in range(2000)
    }
    helix.drop_all("demo", "many", files)

    def all_ended() -> list[str] | None:
        names = [job["filename"] for job in every_job(person, state="COMPLETED")]
        return names if len(names) >= 2000 else None

    names = eventually(all_ended, patience=300)
    assert sorted(names) == [f"{number:04d}.csv" for number in range(2000)]


def every_job(person: Person, **filters: str) -> list[dict[str, str]]:
    """Follow all pages of the job list."""
    answer = person.http.get("/jobs", params=filters | {"limit": "200"})
    found = list(answer.json()["jobs"])
    while "next" in answer.links:
        answer = person.http.get(answer.links["next"]["url"])
        found += answer.json()["jobs"]
    return found
