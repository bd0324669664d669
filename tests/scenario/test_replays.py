"""Replays and corrections at a running server: only changes are told, each record counts once."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.conftest import EXAMPLES
from tests.scenario.running import FINAL, Helix, Person, command, eventually

pytestmark = pytest.mark.scenario
CONTEXT = """\
helixnet: 1
name: {name}
version: {version}
target:
  type: object
  required: [id]
  properties: {{id: {{type: string}}, qty: {{type: number}}}}
source:
  format: csv
  fields: {{ID: {{type: string}}, QTY: {{type: decimal, digits: 15, scale: 3}}}}
map: {{id: ID, qty: {qty}}}
on_error: {{scope: record}}
deliver: [{{topic: {name}.good, key: out.id}}]
"""
DOUBLED = """"{{ QTY * 2 if (ID | before('-')) == 'odd' else QTY }}\""""
Own = Callable[..., Helix]


def context(name: str, version: str = "1.0.0", qty: str = "QTY") -> bytes:
    return CONTEXT.format(name=name, version=version, qty=qty).encode()


def publish(person: Person, content: bytes) -> None:
    answer = person.http.post("/contexts", files=[("files", ("context.yaml", content))])
    assert answer.status_code == 201, answer.text


def told(person: Person, topic: str) -> list[dict[str, Any]]:
    answer = person.http.get(f"/topics/{topic}")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def settled(person: Person, name: str, count: int, run: int = 1) -> dict[str, dict[str, Any]]:
    """Wait until the jobs of a context have ended their run; return them by file name."""

    def found() -> dict[str, dict[str, Any]] | None:
        jobs = person.jobs(context=name, limit="500")
        done = [job for job in jobs if job["run"] == run and job["state"] in FINAL]
        return {job["filename"]: job for job in done} if len(done) == count else None

    return eventually(found, patience=180)


def fill(person: Person, name: str, bodies: list[str]) -> None:
    """Upload many files for a published context."""
    publish(person, context(name))

    def upload(number: int) -> None:
        files = {"content_file": (f"{number}.csv", f"ID,QTY\n{bodies[number]}".encode())}
        answer = person.http.post("/jobs/upload", files=files, data={"context": name})
        assert answer.status_code == 201, answer.text

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(upload, range(len(bodies))))
    settled(person, name, len(bodies))


def begun(person: Person, replay: str) -> dict[str, Any]:
    """Wait until a replay has begun all of its runs."""

    def done() -> dict[str, Any] | None:
        said = person.http.get(f"/replays/{replay}").json()
        return said if said["state"] == "DONE" else None

    return eventually(done, patience=180)


@pytest.mark.timeout(600)
def test_a_replay_tells_only_what_changed(own_helix: Own) -> None:
    """Of hundreds of jobs, under another context: no id twice, each job's records in order."""
    person = Person(own_helix(poll_seconds="0.2").url, "demo")
    kinds = ["even", "odd"]
    bodies = [
        "".join(f"{kind}-{n}-{m},{m + 1}\n" for m in range(3) for kind in (kinds[n % 2], "plain"))
        for n in range(250)
    ]
    fill(person, "many", bodies)
    topic = "helix.out.demo.many.good"
    first = eventually(lambda: len(found := told(person, topic)) == 1500 and found)
    publish(person, context("many", "2.0.0", DOUBLED))
    request = {"select": {"context": "many"}, "context": "many", "deliver": "changed"}
    answer = person.http.post("/replays", json=request).json()
    assert (answer["selected"], answer["begun"], len(answer["jobs"])) == (250, 200, 250)
    begun(person, answer["replay_id"])
    jobs = settled(person, "many", 250, run=2)
    events = eventually(lambda: len(found := told(person, topic)) >= 1500 + 375 and found)
    again = events[len(first) :]
    assert len({event["id"] for event in events}) == len(events) == 1500 + 375
    assert {event["key"].split("-")[0] for event in again} == {"odd"}
    assert [event["data"]["record"]["qty"] for event in again[:3]] == [2, 4, 6]
    places: dict[str, list[int]] = {}
    for event in again:
        places.setdefault(event["job"], []).append(event["data"]["position"])
    changed = [job["job_id"] for name, job in jobs.items() if int(name[:-4]) % 2]
    assert places == {job: [0, 2, 4] for job in changed}
    run = person.job(changed[0])["runs"][0]
    assert (run["trigger"], run["run"]) == ("replay", 2)


@pytest.mark.timeout(600)
def test_a_large_replay_goes_on_after_a_kill(own_helix: Own) -> None:
    """One replay, batch after batch: every job runs again once, whoever died in the middle."""
    helix = own_helix(poll_seconds="0.2")
    person = Person(helix.url, "demo")
    fill(person, "killed", ["a,1\n"] * 250)
    request = {"select": {"context": "killed"}}
    replay = person.http.post("/replays", json=request).json()
    assert replay["selected"] == 250
    helix.kill()
    helix.start()
    person = Person(helix.url, "demo")
    said = begun(person, replay["replay_id"])
    assert (said["begun"], said["left_out"]) == (250, [])
    settled(person, "killed", 250, run=2)


def test_a_dry_run_shows_what_would_change(helix: Helix, demo: Person, tmp_path: Path) -> None:
    """By the jobs of a topic's range; nothing runs, nothing is told, nothing is left."""
    publish(demo, context("tried"))
    files = {"content_file": ("tried.csv", b"ID,QTY\nodd-1,1\nplain-1,1\nbad,x\n")}
    answer = demo.http.post("/jobs/upload", files=files, data={"context": "tried"})
    job = demo.wait(answer.json()["job_id"])
    publish(demo, context("tried", "2.0.0", DOUBLED))
    results = [event for event in told(demo, "helix.results") if event["job"] == job["job_id"]]
    at = results[0]["position"]
    topic = {"name": "helix.results", "first": at, "last": at}
    request = {"select": {"topic": topic}, "context": "tried", "dry_run": True}
    said = demo.http.post("/replays?wait=30", json=request).json()
    assert said["state"] == "DONE", said
    assert said["jobs"] == [job["job_id"]]
    documents = {"unchanged": 1, "changed": 1, "added": 0, "removed": 0}
    assert said["comparison"]["total"]["documents"] == documents
    (one,) = said["comparison"]["jobs"]
    assert one["samples"] == [{"changed": [{"pointer": "/qty", "before": 1, "after": 2}]}]
    assert demo.job(job["job_id"])["run"] == 1
    text = replayed(helix, tmp_path, job["job_id"], "--context", "tried", "--dry-run")
    assert "documents: 1 unchanged, 1 changed, 0 added, 0 removed" in text
    assert "changed /qty: 1.000 -> 2.000" in text
    assert "would reject record 3: HX-1102" in text


def logged_in(helix: Helix, home: Path) -> None:
    done = command(
        *("login", "--user", "demo", "--password-stdin"), home=home, url=helix.url, text="demo\n"
    )
    assert done.returncode == 0, done.stderr


def replayed(helix: Helix, home: Path, *arguments: str) -> str:
    logged_in(helix, home)
    done = command("replay", *arguments, home=home, url=helix.url)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_range_of_a_topic_is_named_whole(helix: Helix, demo: Person, tmp_path: Path) -> None:
    """By name, first and last position; of the jobs there, those that are finished run again."""
    publish(demo, context("ranged"))
    files = {"content_file": ("ranged.csv", b"ID,QTY\na,1\n")}
    answer = demo.http.post("/jobs/upload", files=files, data={"context": "ranged"})
    job = demo.wait(answer.json()["job_id"])["job_id"]
    at = str(next(e["position"] for e in told(demo, "helix.results") if e["job"] == job))
    text = replayed(helix, tmp_path, "--topic", "helix.results", "--first", at, "--last", at)
    assert (text.splitlines()[0].startswith("1 job runs again as replay"), job in text) == (
        True,
        True,
    )
    assert demo.wait(job, run=2)["runs"][0]["trigger"] == "replay"
    for wrong in (("--topic", "helix.results"), ("--first", "1"), ("--last", "1")):
        done = command("replay", *wrong, home=tmp_path, url=helix.url)
        assert (done.returncode, "--topic, --first and --last" in done.stderr) == (2, True)


class Corrector:
    """A person at a terminal, with a job that has three rejects."""

    def __init__(self, helix: Helix, demo: Person, home: Path, name: str) -> None:
        publish(demo, context(name))
        files = {"content_file": ("fixed.csv", b"ID,QTY\na,1\nb,x\nc,x\nd,x\n")}
        answer = demo.http.post("/jobs/upload", files=files, data={"context": name})
        self.parent: str = demo.wait(answer.json()["job_id"])["job_id"]
        self.home = home
        self.url = helix.url
        logged_in(helix, home)

    def run(self, verb: str, *arguments: str, **variables: str) -> Any:
        given = ("rejects", verb, self.parent, *arguments)
        return command(*given, home=self.home, url=self.url, **variables)

    def editor(self, script: str) -> dict[str, str]:
        path = self.home / "editor"
        path.write_text(f"#!/bin/sh\n{script}", "utf-8")
        path.chmod(0o755)
        return {"EDITOR": str(path), "TMPDIR": str(self.home)}


def test_rejects_are_corrected_in_a_file(helix: Helix, demo: Person, tmp_path: Path) -> None:
    """Which is what `show --raw` gave; each goes on once."""
    person = Corrector(helix, demo, tmp_path, "filed")
    raw = person.run("show", "2", "--raw", "-o", "raw.csv")
    assert (raw.returncode, raw.stderr) == (0, "")
    assert (tmp_path / "raw.csv").read_bytes() == b"ID,QTY\nb,x\n"
    (tmp_path / "raw.csv").write_bytes(b"ID,QTY\nb,2\nb,3\n")
    wrong = person.run("fix", "--file", "raw.csv", "--record", "2", "--wait")
    assert (wrong.returncode, "HX-5010" in wrong.stdout) == (1, True), wrong.stdout
    (tmp_path / "raw.csv").write_bytes(b"ID,QTY\nb,2\n")
    done = person.run("fix", "--file", "raw.csv", "--record", "2", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    (child,) = json.loads(done.stdout)
    assert (child["parent"], child["records"], child["state"]) == (person.parent, 1, "COMPLETED")
    again = person.run("fix", "--file", "raw.csv", "--record", "2")
    assert (again.returncode, child["job_id"] in again.stderr) == (2, True)
    missing = person.run("fix", "--file", "none.csv")
    assert (missing.returncode, "none.csv" in missing.stderr) == (2, True)
    table = command("rejects", "list", "--job", person.parent, home=tmp_path, url=helix.url)
    assert child["job_id"] in table.stdout


def test_rejects_are_corrected_in_an_editor(helix: Helix, demo: Person, tmp_path: Path) -> None:
    """What is left goes on unchanged; the parent shows all of its children."""
    person = Corrector(helix, demo, tmp_path, "edited")
    none = person.run("fix", "--edit", "--record", "3", **person.editor("true"))
    assert (none.returncode, "nothing was changed" in none.stderr) == (2, True)
    sed = person.editor('sed -i s/x/3/ "$1"\n')
    edited = person.run("fix", "--edit", "--record", "2", "3", "--wait", **sed)
    assert edited.returncode == 0, edited.stderr
    assert not list(tmp_path.glob("helixnet-*"))
    requeued = person.run("requeue", "--wait")
    assert (requeued.returncode, "PARTIAL: 1 of" in requeued.stdout) == (1, True), requeued.stdout
    shown = command("jobs", "show", person.parent, home=tmp_path, url=helix.url).stdout
    assert shown.count("child  ") == 2
    keys = [event["key"] for event in told(demo, "helix.out.demo.edited.good")]
    assert sorted(keys) == ["a", "b", "c"]


def test_what_was_typed_is_kept_when_the_server_refuses(
    helix: Helix, demo: Person, tmp_path: Path
) -> None:
    """A correction that comes too late is not lost: the message says where it is."""
    person = Corrector(helix, demo, tmp_path, "late")
    url = f"{helix.url}/api/v1/jobs/{person.parent}/rejects/requeue"
    sent = f"-H 'Authorization: Bearer {demo.token}' -H 'Content-Type: application/json'"
    script = f"""curl -sf {url} {sent} -d '{{"records": [2]}}' && sed -i s/x/3/ "$1"\n"""
    done = person.run("fix", "--edit", **person.editor(script))
    assert done.returncode == 2, done.stdout
    (kept,) = tmp_path.glob("helixnet-*/rejects-fixed.csv")
    assert str(kept) in done.stderr
    assert kept.read_bytes() == b"ID,QTY\nb,3\nc,3\nd,3\n"


def test_an_idoc_goes_on_whole(demo: Person, idoc_orders: dict[str, bytes]) -> None:
    """Its control record with it: the raw file is an IDoc file again."""
    example = (EXAMPLES / "orders-idoc" / "orders.idoc").read_bytes()
    content = b"EDI_DC40" + example.split(b"EDI_DC40")[1]
    broken = content.replace(b"EUR", b"   ")
    job = demo.wait(demo.submit(content + broken, idoc_orders, name="two.idoc"))
    assert job["state"] == "PARTIAL", job["errors"]
    raw = demo.http.get(f"/jobs/{job['job_id']}/rejects.raw")
    assert raw.content == broken
    files = {"content_file": ("fixed.idoc", content)}
    answer = demo.http.post(f"/jobs/{job['job_id']}/rejects/fix", files=files)
    assert answer.status_code == 201, answer.text
    child = demo.wait(answer.json()["job_id"])
    assert (child["state"], child["counts"]["written"]) == ("COMPLETED", 1)
