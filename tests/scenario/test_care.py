"""Care for a data folder while it is in use: keys, backups, cleaning, restarts, a full disk.

A data folder is the embedded shape's; these are about that shape alone.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from jose import jwt

from tests.scenario.conftest import Serve
from tests.scenario.running import EmbeddedHelix, Person, command, eventually
from tests.scenario.test_jobs import BAD, GOOD, HEADER, edited

pytestmark = pytest.mark.scenario
CONTENT = (HEADER + GOOD).encode()


def many_orders(count: int) -> bytes:
    line = "{};23.11.2026;EUR;C9;Nine;10;A;a thing;1;ST;1,00\n"
    return (HEADER + "".join(line.format(number) for number in range(count))).encode()


def publish(person: Person, orders: dict[str, bytes]) -> None:
    """Have a flow `orders` that takes dropped CSV orders."""
    answer = person.http.post("/contexts", files=[("files", item) for item in orders.items()])
    assert answer.status_code in {200, 201}, answer.text
    flow = {"name": "orders", "match": "orders/*.csv", "context": "acme-orders-csv"}
    answer = person.http.post("/flows", json=flow)
    assert answer.status_code in {200, 201}, answer.text


def settled(person: Person) -> bool:
    """Whether every delivery has ended, after which a finished job never changes."""
    jobs = [person.job(job["job_id"]) for job in person.jobs(limit="200")]
    return all(item["state"] != "PENDING" for job in jobs for item in job["deliveries"])


def said(person: Person) -> dict[str, tuple[dict[str, Any], str]]:
    """Everything that a server says of finished jobs, with the digest of each result."""
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for job in person.jobs(limit="200"):
        if job["state"] in {"COMPLETED", "PARTIAL", "FAILED"}:
            result = b"" if job["state"] == "FAILED" else person.result(job["job_id"])
            found[job["job_id"]] = (person.job(job["job_id"]), hashlib.sha256(result).hexdigest())
    return found


def test_keys_are_rotated_while_serving(serve: Serve, tmp_path: Path) -> None:
    """Old tokens stay good, new ones name a new key, the key set has both."""
    helix = serve()
    old = Person(helix.url, "demo")
    done = command("keys", "rotate", "--data", str(helix.data), home=tmp_path)
    assert done.returncode == 0, done.stderr
    new = Person(helix.url, "demo")
    kids = [str(jwt.get_unverified_header(person.token)["kid"]) for person in (old, new)]
    assert kids[0] != kids[1]
    assert kids[1] in done.stdout
    for person in (old, new):
        assert person.http.get("/users/me").json()["name"] == "demo"
    published = httpx.get(f"{helix.url}/.well-known/jwks.json").json()["keys"]
    assert {key["kid"] for key in published} == set(kids)


def test_a_backup_of_a_busy_server_is_whole(
    serve: Serve, orders: dict[str, bytes], tmp_path: Path
) -> None:
    """What was finished is there, byte for byte; what was open is finished from the copy."""
    helix = serve(part_size="65536", quiet_seconds="0.1")
    person = Person(helix.url, "demo")
    publish(person, orders)
    for content in (CONTENT, many_orders(3000), (HEADER + GOOD + BAD).encode()):
        person.wait(person.submit(content, orders))
    eventually(lambda: settled(person))
    before = said(person)
    open_job = person.submit(many_orders(30_000), orders)
    for number in range(20):
        helix.drop("demo", "orders", f"{number}.csv", CONTENT)
    copy = tmp_path / "copy"
    done = command("db", "backup", str(copy), "--data", str(helix.data), home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert helix.stop() == 0

    data = tmp_path / "restored" / "data"
    done = command("db", "restore", str(copy), "--data", str(data), home=tmp_path)
    assert done.returncode == 0, done.stderr
    again = Person(serve(data).url, "demo")
    after = said(again)
    assert {job: after[job] for job in before} == before
    assert again.wait(open_job)["counts"]["written"] == 30_000
    names = [f"{number}.csv" for number in range(20)]
    eventually(lambda: len(jobs_of(again, names)) >= len(names))
    assert sorted(job["filename"] for job in jobs_of(again, names)) == sorted(names)
    for job in jobs_of(again, names):
        assert again.wait(job["job_id"])["state"] == "COMPLETED"


def jobs_of(person: Person, names: list[str]) -> list[dict[str, Any]]:
    return [job for job in person.jobs(limit="200") if job["filename"] in names]


def test_a_backup_takes_an_empty_folder_only(serve: Serve, tmp_path: Path) -> None:
    helix = serve()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    done = command("db", "backup", "full", "--data", str(helix.data), home=tmp_path)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    done = command("db", "backup", "other", "--data", str(tmp_path / "nothing"), home=tmp_path)
    assert done.returncode == 2
    assert "no ledger" in done.stderr
    done = command("db", "restore", str(tmp_path), "--data", str(helix.data), home=tmp_path)
    assert done.returncode == 2


def test_nothing_is_restored_under_a_running_server(serve: Serve, tmp_path: Path) -> None:
    helix = serve()
    copy = str(tmp_path / "copy")
    assert command("db", "backup", copy, "--data", str(helix.data), home=tmp_path).returncode == 0
    done = command("db", "restore", copy, "--data", str(helix.data), home=tmp_path)
    assert done.returncode == 3
    assert "in use" in done.stderr


def test_cleaning_spares_open_work(serve: Serve, orders: dict[str, bytes], tmp_path: Path) -> None:
    """First told, then done: results go with their files, the list says so; open work stays."""
    helix = serve(workers="1", part_size="65536")
    person = Person(helix.url, "demo")
    ended = [person.submit(many_orders(count), orders) for count in (1, 3000)]
    for job in ended:
        person.wait(job)
    eventually(lambda: settled(person))
    assert len(files_of(helix, ended)) > 0
    open_job = person.submit(many_orders(60_000), orders)
    clean = ("db", "clean", "--older", "0s", "--data", str(helix.data), "--json")
    told = command(*clean, "--dry-run", home=tmp_path)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["results"] == len(ended)
    assert person.result(ended[0]) != b""
    done = command(*clean, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"] == len(ended)
    listed = {job["job_id"]: job for job in person.jobs()}
    assert set(listed) == {*ended, open_job}
    for job in ended:
        assert (listed[job]["results_gone"], listed[job]["result_path"]) == (True, None)
        assert person.http.get(f"/jobs/{job}/result").status_code == 404
        assert person.http.post(f"/jobs/{job}/rerun").status_code == 409
    assert files_of(helix, ended) == []
    assert person.wait(open_job)["state"] == "COMPLETED"
    assert person.result(open_job).count(b"\n") == 60_000


def test_cleaning_may_take_whole_jobs(
    serve: Serve, orders: dict[str, bytes], tmp_path: Path
) -> None:
    """Only when asked for; what is young stays."""
    helix = serve()
    person = Person(helix.url, "demo")
    job = person.wait(person.submit(CONTENT, orders))["job_id"]
    eventually(lambda: settled(person))
    clean = ("db", "clean", "--data", str(helix.data), "--jobs")
    assert command(*clean, "--older", "1h", home=tmp_path).returncode == 0
    assert person.result(job) != b""
    done = command(*clean, "--older", "0s", home=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("removed:")
    assert person.jobs() == []
    assert person.http.get(f"/jobs/{job}").status_code == 404


def files_of(helix: EmbeddedHelix, jobs: list[str]) -> list[Path]:
    found = helix.data.rglob("*")
    return [path for path in found if path.is_file() and any(job in path.parts for job in jobs)]


def test_cleaning_wants_an_age_and_a_ledger(tmp_path: Path) -> None:
    for age, word in (("soon", "no age"), ("90d", "no ledger")):
        done = command("db", "clean", "--older", age, "--data", "nothing", home=tmp_path)
        assert done.returncode == 2
        assert word in done.stderr


def test_a_restart_keeps_everything(serve: Serve, orders: dict[str, bytes]) -> None:
    helix = serve()
    person = Person(helix.url, "demo")
    publish(person, orders)
    for content in (CONTENT, (HEADER + BAD).encode()):
        person.wait(person.submit(content, orders))
    eventually(lambda: settled(person))
    before = [said(person), person.jobs(), *catalog(person)]
    assert helix.stop() == 0
    helix.start()
    person = Person(helix.url, "demo")
    assert [said(person), person.jobs(), *catalog(person)] == before


def catalog(person: Person) -> list[Any]:
    return [person.http.get(path).json() for path in ("/flows", "/contexts", "/rejects")]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes are Linux's")
def test_a_full_disk_refuses_and_loses_nothing(serve: Serve, orders: dict[str, bytes]) -> None:
    """Uploads and results that find no room wait or are refused; all goes on when there is."""
    helix = serve(poll_seconds="0.2", part_size="65536")
    person = Person(helix.url, "demo")
    accepted = [person.submit(many_orders(count), orders) for count in (1, 20_000)]
    helix.limit_files(50_000)
    answer = person.upload(many_orders(5000), orders)
    assert answer.status_code in {503, 507}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "HX-7004"
    eventually(lambda: "can't be used now" in helix.log or person.upload(b"", orders).is_error)
    assert httpx.get(f"{helix.url}/health/live").status_code == 200
    helix.limit_files(-1)
    for job, count in zip(accepted, (1, 20_000), strict=True):
        ended = person.wait(job)
        assert ended["state"] == "COMPLETED", ended["errors"]
        assert ended["counts"]["written"] == count
    assert person.wait(person.submit(many_orders(5000), orders))["state"] == "COMPLETED"


def test_rejects_and_counts_survive_a_backup(
    serve: Serve, orders: dict[str, bytes], tmp_path: Path
) -> None:
    """A copy can be read without the server that made it."""
    helix = serve()
    person = Person(helix.url, "demo")
    lenient = edited(orders, "stop_at: 50%", "stop_at: 90%")
    job = person.wait(person.submit((HEADER + GOOD + BAD).encode(), lenient))["job_id"]
    rejects = person.rejects(job)
    copy = tmp_path / "copied" / "data"
    done = command("db", "backup", str(copy), "--data", str(helix.data), home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert helix.stop() == 0
    again = Person(serve(copy).url, "demo")
    assert again.rejects(job) == rejects
    assert again.job(job)["state"] == "PARTIAL"
