"""What a person does with jobs: submit, look, correct, run again."""

import json
import uuid
from collections.abc import Callable

import pytest

from tests.scenario.conftest import EXAMPLES
from tests.scenario.running import Helix, Person, eventually

pytestmark = pytest.mark.scenario

HEADER = "PO_NO;PO_DATE;CURRENCY;BUYER;NAME;LINE_NO;SKU;TEXT;QTY;UOM;PRICE\n"
GOOD = (
    "4711;23.11.2026;;C100;Bär KG;10; ab-1 ;Bolt;1,500;ST;1.012,34\n"
    "4711;23.11.2026;;C100;Bär KG;20;AB-2;;2;KG;10,00\n"
)
BAD = "4712;23.11.2026;EUR;C9;;10;A;;1x;ST;1,00\n"


def documents(result: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.splitlines()]


def edited(files: dict[str, bytes], old: str, new: str) -> dict[str, bytes]:
    """The same bundle with one place of its context changed."""
    name, text = next(iter(files.items()))
    assert old.encode() in text
    return files | {name: text.replace(old.encode(), new.encode())}


def test_an_upload_becomes_validated_json(demo: Person, orders: dict[str, bytes]) -> None:
    job = demo.wait(demo.submit((HEADER + GOOD).encode(), orders))
    assert job["state"] == "COMPLETED"
    assert job["counts"]["records"] == job["counts"]["used"] == 1
    (order,) = documents(demo.result(job["job_id"]))
    assert order["orderId"] == "4711"
    assert order["orderDate"] == "2026-11-23"
    assert order["total"] == 1538.51
    assert [item["lineNumber"] for item in order["items"]] == [10, 20]
    assert job["result_content"].encode() == demo.result(job["job_id"])


def test_rejects_name_line_field_and_reason(demo: Person, orders: dict[str, bytes]) -> None:
    """Good records go on, bad ones are set aside with everything needed to mend them."""
    lenient = edited(orders, "stop_at: 50%", "stop_at: 90%")
    job = demo.wait(demo.submit((HEADER + GOOD + BAD).encode(), lenient))
    assert job["state"] == "PARTIAL"
    counts = job["counts"]
    assert (counts["records"], counts["used"], counts["rejected"]) == (2, 1, 1)
    (reject,) = demo.rejects(job["job_id"])
    assert reject["line"] == 4
    assert reject["raw"] == BAD
    fault = reject["errors"][0]
    assert fault["code"] == "HX-1102"
    assert fault["source"]["field"] == "QTY"
    assert fault["source"]["line"] == 4
    assert fault["value"] == "1x"
    assert fault["rule"]["expression"]


def test_scope_file_delivers_all_or_nothing(demo: Person, orders: dict[str, bytes]) -> None:
    strict = edited(orders, "{scope: record, stop_at: 50%}", "{scope: file}")
    job = demo.wait(demo.submit((HEADER + GOOD + BAD).encode(), strict))
    assert job["state"] == "FAILED"
    assert job["errors"][0]["code"] == "HX-5006"
    assert demo.http.get(f"/jobs/{job['job_id']}/result").status_code == 404
    assert len(demo.rejects(job["job_id"])) == 1


def test_stop_at_fails_a_file_with_too_many_rejects(demo: Person, orders: dict[str, bytes]) -> None:
    severe = edited(orders, "stop_at: 50%", "stop_at: 5%")
    job = demo.wait(demo.submit((HEADER + GOOD + BAD).encode(), severe))
    assert job["state"] == "FAILED"
    assert job["errors"][0]["code"] == "HX-5007"


def test_a_plain_stop_at_stops_early(demo: Person, orders: dict[str, bytes]) -> None:
    few = edited(orders, "stop_at: 50%", "stop_at: 2")
    lines = "".join(BAD.replace("4712", str(5000 + n)) for n in range(200))
    job = demo.wait(demo.submit((HEADER + lines).encode(), few))
    assert job["state"] == "FAILED"
    assert job["errors"][0]["code"] == "HX-5007"
    assert job["counts_complete"] is False


def test_a_bad_context_is_refused_with_every_problem(
    demo: Person, orders: dict[str, bytes]
) -> None:
    broken = edited(edited(orders, "h.PO_DATE", "h.PO_DAT"), "| upper", "| uper")
    answer = demo.upload((HEADER + GOOD).encode(), broken)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    codes = {problem["code"] for problem in answer.json()["errors"]}
    assert {"HX-4103", "HX-4104"} <= codes
    assert all(problem["line"] > 0 for problem in answer.json()["errors"])


def test_another_tenants_job_does_not_exist(
    helix: Helix, demo: Person, orders: dict[str, bytes]
) -> None:
    job_id = demo.submit((HEADER + GOOD).encode(), orders)
    foreigner = Person(helix.url, "chuck")
    for path in ("", "/result", "/rejects", "/events"):
        assert foreigner.http.get(f"/jobs/{job_id}{path}").status_code == 404
    assert foreigner.http.post(f"/jobs/{job_id}/cancel").status_code == 404
    assert job_id not in {job["job_id"] for job in foreigner.jobs()}
    demo.wait(job_id)


def test_the_same_idempotency_key_makes_one_job(demo: Person, orders: dict[str, bytes]) -> None:
    key = str(uuid.uuid4())
    first = demo.upload((HEADER + GOOD).encode(), orders, key=key)
    again = demo.upload((HEADER + GOOD).encode(), orders, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["job_id"] == again.json()["job_id"]
    other = demo.upload((HEADER + BAD).encode(), orders, key=key)
    assert other.status_code in {409, 422}
    demo.wait(first.json()["job_id"])


def test_a_rerun_gives_the_same_bytes(demo: Person, orders: dict[str, bytes]) -> None:
    job_id = demo.submit((HEADER + GOOD).encode(), orders)
    demo.wait(job_id)
    answer = demo.http.post(f"/jobs/{job_id}/rerun")
    assert answer.status_code in {200, 201, 202}, answer.text
    job = demo.wait(job_id, run=2)
    assert job["state"] == "COMPLETED"
    assert demo.result(job_id, run=1) == demo.result(job_id, run=2)


def test_a_replay_can_be_tried_first(demo: Person, orders: dict[str, bytes]) -> None:
    job_id = demo.submit((HEADER + GOOD).encode(), orders, name=f"{uuid.uuid4()}.csv")
    demo.wait(job_id)
    request = {"select": {"jobs": [job_id]}, "dry_run": True}
    answer = demo.http.post("/replays", json=request)
    assert answer.status_code in {200, 201, 202}, answer.text
    assert answer.json()["jobs"] == [job_id]
    assert demo.job(job_id)["run"] == 1
    answer = demo.http.post("/replays", json=request | {"dry_run": False})
    assert answer.status_code in {200, 201, 202}, answer.text
    assert demo.wait(job_id, run=2)["state"] == "COMPLETED"


def test_a_job_can_be_cancelled_for_good(
    own_helix: Callable[..., Helix], orders: dict[str, bytes]
) -> None:
    """A cancelled run is final, whatever its workers still do."""
    person = Person(own_helix(workers="1", part_size="65536").url, "demo")
    line = "{};23.11.2026;EUR;C9;;10;A;;1;ST;1,00\n"
    content = HEADER + "".join(line.format(n) for n in range(300_000))
    job_id = person.submit(content.encode(), orders)
    answer = person.http.post(f"/jobs/{job_id}/cancel")
    assert answer.status_code == 200, answer.text
    assert person.job(job_id)["state"] == "CANCELLED"
    other = person.wait(person.submit((HEADER + GOOD).encode(), orders))
    assert other["state"] == "COMPLETED"
    assert person.job(job_id)["state"] == "CANCELLED"
    assert person.http.post(f"/jobs/{job_id}/cancel").status_code == 409


@pytest.mark.parametrize("content", [b"", HEADER.encode()], ids=["no bytes", "header only"])
def test_a_file_without_records_completes(
    demo: Person, orders: dict[str, bytes], content: bytes
) -> None:
    job = demo.wait(demo.submit(content, orders))
    assert job["state"] == "COMPLETED"
    assert job["counts"]["records"] == 0
    assert demo.result(job["job_id"]) == b""


def test_an_idoc_goes_the_same_way(demo: Person, idoc_orders: dict[str, bytes]) -> None:
    content = (EXAMPLES / "orders-idoc" / "orders.idoc").read_bytes()
    job = demo.wait(demo.submit(content, idoc_orders, name="orders.idoc"))
    assert job["state"] == "PARTIAL", job
    assert documents(demo.result(job["job_id"]))[0]["items"]
    assert demo.rejects(job["job_id"])[0]["errors"][0]["source"]["segment"]


def test_jobs_are_listed_in_pages_and_by_filter(demo: Person, orders: dict[str, bytes]) -> None:
    name = f"{uuid.uuid4()}.csv"
    ids = [demo.submit((HEADER + GOOD).encode(), orders, name=name) for _ in range(5)]
    for job_id in ids:
        demo.wait(job_id)
    found: list[str] = []
    answer = demo.http.get("/jobs", params={"limit": "2", "text": name, "state": "COMPLETED"})
    while True:
        found += [job["job_id"] for job in answer.json()["jobs"]]
        if "next" not in answer.links:
            break
        answer = demo.http.get(answer.links["next"]["url"])
    assert found == ids[::-1]


def test_a_job_tells_its_changes_as_they_happen(demo: Person, orders: dict[str, bytes]) -> None:
    """Server-sent events carry every state in order, from the start, and go on from an id."""
    job_id = demo.submit((HEADER + GOOD).encode(), orders)
    demo.wait(job_id)
    seen = read_events(demo, job_id, {})
    states = [data["state"] for _, data in seen]
    assert states[0] == "PENDING"
    assert states[-1] == "COMPLETED"
    later = read_events(demo, job_id, {"Last-Event-ID": seen[0][0]})
    assert later == seen[1:]


def read_events(
    person: Person, job_id: str, headers: dict[str, str]
) -> list[tuple[str, dict[str, str]]]:
    """Read a job's events until a final state."""
    found: list[tuple[str, dict[str, str]]] = []
    number = ""
    with person.http.stream("GET", f"/jobs/{job_id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("id:"):
                number = line[3:].strip()
            if line.startswith("data:"):
                data = json.loads(line[5:])
                found.append((number, data))
                if data.get("state") in {"COMPLETED", "PARTIAL", "FAILED", "CANCELLED"}:
                    break
    return found


def test_delivered_records_reach_the_declared_topic(demo: Person, orders: dict[str, bytes]) -> None:
    """Each record of a finished job appears once, in order, with key and content hash."""
    order_id = uuid.uuid4().hex  # the schema takes 35 characters
    job_id = demo.submit((HEADER + GOOD.replace("4711", order_id)).encode(), orders)
    demo.wait(job_id)

    def delivered() -> list[dict[str, object]]:
        answer = demo.http.get("/topics/helix.out.demo.orders.validated")
        assert answer.status_code == 200, answer.text
        events = [json.loads(line) for line in answer.text.splitlines()]
        return [event for event in events if event["job"] == job_id]

    (event,) = eventually(delivered)
    assert event["key"] == order_id
    assert event["data"]["record"]["orderId"] == order_id
    assert len(event["data"]["sha256"]) == 64


def test_rows_of_an_order_may_stand_anywhere(demo: Person, orders: dict[str, bytes]) -> None:
    """Keyed groups are one part; a corrected one is sent on as what it was."""
    keyed = edited(orders, "order: consecutive", "order: keyed")
    first, second = GOOD.splitlines(keepends=True)
    other = second.replace("4711", "4713")
    content = HEADER + first + other + BAD + second + BAD.replace("1x", "2").replace("10;", "20;")
    lenient = edited(keyed, "stop_at: 50%", "stop_at: 90%")
    job = demo.wait(demo.submit(content.encode(), lenient))
    assert job["state"] == "PARTIAL"
    found = documents(demo.result(job["job_id"]))
    assert [(order["orderId"], len(order["items"])) for order in found] == [
        ("4711", 2),
        ("4713", 1),
    ]
    (reject,) = demo.rejects(job["job_id"])
    assert (reject["record"], reject["line"]) == (3, 4)
    assert reject["raw"].count("4712") == 2


def test_a_file_check_that_fails_ends_the_job(demo: Person, orders: dict[str, bytes]) -> None:
    """What the lines add up to is judged once all of the file was read."""
    checked = edited(
        orders,
        "on_error:",
        "totals: {qty: l.QTY}\n"
        "file_checks:\n"
        '  - {that: totals.qty == 3.5, code: WRONG_TOTAL, text: "sum {{ totals.qty }}"}\n'
        "on_error:",
    )
    good = demo.wait(demo.submit((HEADER + GOOD).encode(), checked))
    assert good["state"] == "COMPLETED"
    content = (
        HEADER + GOOD + GOOD.replace("4711", "4713") + BAD.replace("1x", "1").replace("1,00", "x")
    )
    more = demo.wait(demo.submit(content.encode(), checked))
    error = more["errors"][0]
    assert (more["state"], error["code"]) == ("FAILED", "HX-5030")
    assert error["message"] == "WRONG_TOTAL: sum 8.000"
    assert len(demo.rejects(more["job_id"])) == 1
    assert demo.http.get(f"/jobs/{more['job_id']}/result").status_code == 404


JOINED = b"""\
helixnet: 1
name: joined
version: 1.0.0
target: true
source: {format: csv, fields: {NO: {type: string}, SKU: {type: string}}}
lookups: {plant: {file: p.csv, key: SKU, row: true}}
joins: {material: {file: m.csv, source: {format: csv}, on: {MATNR: SKU}, kind: inner}}
map: {no: NO, name: material.NAME, plant: (SKU | lookup("plant")).PLANT}
"""


def test_a_second_file_of_the_bundle_is_joined(demo: Person) -> None:
    files = {
        "c.yaml": JOINED,
        "m.csv": b"MATNR,NAME\na,Alpha\n",
        "p.csv": b"SKU,PLANT\na,1000\nb,2000\n",
    }
    job = demo.wait(demo.submit(b"NO,SKU\n1,a\n2,b\n", files))
    assert (job["state"], job["counts"]["used"], job["counts"]["skipped"]) == ("COMPLETED", 1, 1)
    assert documents(demo.result(job["job_id"])) == [{"no": "1", "name": "Alpha", "plant": "1000"}]


def test_a_join_without_a_file_is_refused_by_a_server(demo: Person) -> None:
    files = {
        "c.yaml": JOINED.replace(b"file: m.csv, ", b""),
        "p.csv": b"SKU,PLANT\na,1000\n",
    }
    answer = demo.upload(b"NO,SKU\n1,a\n", files)
    assert answer.status_code == 400
    assert [problem["code"] for problem in answer.json()["errors"]] == ["HX-4304"]
