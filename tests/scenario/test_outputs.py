"""Several kinds of documents from one file, at a running server: each its own, all of a record."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.running import Helix, Person, command, eventually
from tests.scenario.test_replays import logged_in, publish, replayed, told

pytestmark = pytest.mark.scenario
CONTEXT = """\
helixnet: 1
name: {name}
version: {version}
source:
  format: csv
  fields: {{NO: {{type: string}}, SKU: {{type: string}}, QTY: {{type: integer}}}}
group: {{by: NO}}
outputs:
  orders:
    target: {{type: object, required: [id]}}
    map: {{id: h.NO, lines: lines | length, total: out.lines | sum("qty")}}
    deliver: [{{topic: {name}.orders, key: out.id}}]
  lines:
    target:
      type: object
      properties: {{order: {{type: string}}, sku: {{type: string}}, qty: {{type: integer}}}}
    map:
      each: lines
      as: l
      map: {{order: h.NO, sku: {sku}, qty: l.QTY}}
    deliver: [{{topic: {name}.lines, key: out.sku}}]
on_error: {{scope: record}}
"""
HEAD = "NO,SKU,QTY\n"
ROWS = "1,aa,1\n1,bb,2\n2,cc,x\n3,dd,4\n"
ORDERS = [{"id": "1", "lines": 2, "total": 3}, {"id": "3", "lines": 1, "total": 4}]


def context(name: str, version: str = "1.0.0", sku: str = "l.SKU") -> bytes:
    return CONTEXT.format(name=name, version=version, sku=sku).encode()


def sent(person: Person, name: str, rows: str) -> dict[str, Any]:
    files = {"content_file": ("shop.csv", (HEAD + rows).encode())}
    answer = person.http.post("/jobs/upload", files=files, data={"context": name})
    assert answer.status_code == 201, answer.text
    return person.wait(answer.json()["job_id"])


def output(person: Person, job: str, name: str, run: int = 1) -> list[Any]:
    asked = {"output": name, "run": run}
    answer = person.http.get(f"/jobs/{job}/result", params=asked)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def keys(person: Person, topic: str, job: str) -> list[str]:
    return [event["key"] for event in told(person, topic) if event["job"] == job]


def test_each_output_has_its_result_and_its_topic(
    helix: Helix, demo: Person, tmp_path: Path
) -> None:
    publish(demo, context("shop"))
    job = sent(demo, "shop", ROWS)
    id_ = job["job_id"]
    counts = job["counts"]
    assert (job["state"], counts["used"], counts["rejected"], counts["written"]) == (
        *("PARTIAL", 2, 1),
        5,
    )
    named = [{"name": "orders", "documents": 2}, {"name": "lines", "documents": 3}]
    assert job["runs"][0]["outputs"] == named
    assert output(demo, id_, "orders") == ORDERS
    assert [line["sku"] for line in output(demo, id_, "lines")] == ["aa", "bb", "dd"]
    assert demo.http.get(f"/jobs/{id_}/result?output=none").status_code == 404
    whole = [json.loads(line) for line in demo.result(id_).splitlines()]
    assert [one["output"] for one in whole] == ["orders"] * 2 + ["lines"] * 3
    assert [one["document"] for one in whole[:2]] == ORDERS
    assert job["result_content"].encode() == demo.result(id_)
    (reject,) = demo.rejects(id_)
    assert reject["errors"][0]["target"] == "/lines/qty"
    eventually(lambda: len(keys(demo, "helix.out.demo.shop.lines", id_)) == 3)
    assert keys(demo, "helix.out.demo.shop.lines", id_) == ["aa", "bb", "dd"]
    assert eventually(lambda: keys(demo, "helix.out.demo.shop.orders", id_)) == ["1", "3"]
    look_in_the_store(helix, demo, id_, named)
    logged_in(helix, tmp_path)
    got = command("jobs", "result", id_, "-o", "out", home=tmp_path, url=helix.url)
    assert got.returncode == 0, got.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "lines.ndjson",
        "orders.ndjson",
    ]
    one = command("jobs", "result", id_, "--only", "orders", home=tmp_path, url=helix.url)
    assert one.stdout == (tmp_path / "out" / "orders.ndjson").read_text("utf-8")


def look_in_the_store(helix: Helix, person: Person, job: str, named: list[Any]) -> None:
    """The manifest says where the documents of each output stand."""
    manifest = helix.manifest("demo", job)
    assert manifest["outputs"] == named
    (part,) = manifest["parts"]
    for name, own in part["outputs"].items():
        stored = helix.stored(own["key"])
        start, end = own.get("range", [0, len(stored)])
        lines = [json.loads(line) for line in stored[start:end].splitlines()]
        assert lines == output(person, job, name)


def test_a_replay_tells_of_the_output_that_changed(
    helix: Helix, demo: Person, tmp_path: Path
) -> None:
    publish(demo, context("shop2"))
    id_ = sent(demo, "shop2", "1,aa,1\n1,bb,2\n3,dd,4\n")["job_id"]
    eventually(lambda: len(keys(demo, "helix.out.demo.shop2.lines", id_)) == 3)
    sku = """"{{ 'AA' if l.SKU == 'aa' else l.SKU }}\""""
    publish(demo, context("shop2", "2.0.0", sku))
    text = replayed(helix, tmp_path, id_, "--context", "shop2", "--dry-run")
    assert "documents: 4 unchanged, 0 changed, 1 added, 1 removed" in text
    request = {"select": {"jobs": [id_]}, "context": "shop2", "deliver": "changed"}
    answer = demo.http.post("/replays", json=request)
    assert answer.status_code < 300, answer.text
    demo.wait(id_, run=2)
    eventually(lambda: len(keys(demo, "helix.out.demo.shop2.lines", id_)) == 4)
    assert keys(demo, "helix.out.demo.shop2.lines", id_)[3:] == ["AA"]
    assert keys(demo, "helix.out.demo.shop2.orders", id_) == ["1", "3"]


def test_corrected_rejects_give_all_of_their_documents(
    helix: Helix, demo: Person, tmp_path: Path
) -> None:
    publish(demo, context("shop3"))
    id_ = sent(demo, "shop3", ROWS)["job_id"]
    (tmp_path / "good.csv").write_text(f"{HEAD}2,cc,7\n", "utf-8")
    logged_in(helix, tmp_path)
    given = ("rejects", "fix", id_, "--file", "good.csv", "--wait", "--json")
    done = command(*given, home=tmp_path, url=helix.url)
    assert done.returncode == 0, done.stderr
    (child,) = json.loads(done.stdout)
    assert output(demo, child["job_id"], "orders") == [{"id": "2", "lines": 1, "total": 7}]
    assert output(demo, child["job_id"], "lines") == [{"order": "2", "sku": "cc", "qty": 7}]


@pytest.mark.parametrize("size", ["64", "16000000"])
def test_parts_give_the_results_of_the_whole(own_helix: Any, size: str) -> None:
    """Also where the documents of a part are too large for the ledger, or for an event."""
    person = Person(own_helix(part_size=size).url, "demo")
    publish(person, context("large"))
    sizes = [9_000, 70_000, 40_000, 3]
    skus = [f"{chr(ord('a') + n) * size}" for n, size in enumerate(sizes)]
    rows = "".join(f"{n},{sku},1\n{n},{sku[:2]},{n}\n" for n, sku in enumerate(skus))
    job = sent(person, "large", rows)
    id_ = job["job_id"]
    assert job["state"] == "COMPLETED"
    assert job["runs"][0]["parts_total"] == (4 if size == "64" else 1)
    assert [one["total"] for one in output(person, id_, "orders")] == [1, 2, 3, 4]
    assert [one["sku"] for one in output(person, id_, "lines")][::2] == skus
    topic = "helix.out.demo.large.lines"

    def events() -> list[dict[str, Any]] | None:
        found = [event for event in told(person, topic) if event["job"] == id_]
        return found if len(found) == 8 else None

    found = eventually(events)
    assert [event["data"]["position"] for event in found] == list(range(8))
    assert "object" in found[2]["data"]
    assert all("record" in event["data"] for event in found[:2])


FIRST = """\
helixnet: 1
name: first
version: 1.0.0
source: {format: csv, fields: {NO: {type: string}, SKU: {type: string}, QTY: {type: integer}}}
group: {by: NO}
target: {type: object, required: [no]}
map: {no: h.NO, lines: {each: lines, as: l, map: {sku: l.SKU, qty: l.QTY}}}
"""
SECOND = """\
helixnet: 1
name: second
version: 1.0.0
source: {format: json, fields: {no: {type: integer}}}
outputs:
  orders:
    target: {type: object, properties: {id: {type: integer}, total: {type: integer, maximum: 9}}}
    map: {id: no, total: lines | sum("qty")}
    deliver: [{topic: chain.orders, key: out.id}]
  lines:
    target: {type: object}
    map: {each: lines, as: l, map: {sku: l.sku}}
"""
CHAIN = """\
helixnet: 1
name: chain
version: 1.0.0
pipeline: [{use: first.yaml}, {use: second.yaml}]
on_error: {scope: record}
"""


@pytest.mark.parametrize("size", ["8", "16000000"])
def test_a_pipeline_is_published_and_runs_as_one_context(
    own_helix: Any, tmp_path: Path, size: str
) -> None:
    """Parts are the first step's, deliveries the last one's, rejects those of the file."""
    helix = own_helix(part_size=size)
    person = Person(helix.url, "demo")
    texts = {"chain.yaml": CHAIN, "first.yaml": FIRST, "second.yaml": SECOND}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    logged_in(helix, tmp_path)
    done = command("contexts", "publish", ".", home=tmp_path, url=helix.url)
    assert done.returncode == 0, done.stderr
    job = sent(person, "chain", "1,aa,1\n1,bb,2\nx,cc,3\n3,dd,10\n4,ee,5\n")
    id_, counts = job["job_id"], job["counts"]
    assert (job["state"], counts["records"], counts["used"], counts["rejected"]) == (
        *("PARTIAL", 4),
        *(2, 2),
    )
    assert output(person, id_, "orders") == [{"id": 1, "total": 3}, {"id": 4, "total": 5}]
    assert [one["sku"] for one in output(person, id_, "lines")] == ["aa", "bb", "ee"]
    places = [(r["line"], r["errors"][0]["step"], r["raw"]) for r in person.rejects(id_)]
    assert places == [(4, "second.yaml", "x,cc,3\n"), (5, "second.yaml", "3,dd,10\n")]
    topic = "helix.out.demo.chain.orders"
    assert eventually(lambda: len(found := keys(person, topic, id_)) == 2 and found) == ["1", "4"]
    (tmp_path / "good.csv").write_text(f"{HEAD}3,dd,9\n", "utf-8")
    given = ("rejects", "fix", id_, "--file", "good.csv", "--record", "3", "--wait", "--json")
    fixed = command(*given, home=tmp_path, url=helix.url)
    assert fixed.returncode == 0, fixed.stderr
    (child,) = json.loads(fixed.stdout)
    assert output(person, child["job_id"], "orders") == [{"id": 3, "total": 9}]
