"""Values for inputs: the job's before the flow's, before the tenant's, before the default."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.running import Helix, Person, command
from tests.scenario.test_doors import job_of
from tests.scenario.test_replays import logged_in

pytestmark = pytest.mark.scenario
CONTEXT = """\
helixnet: 1
name: {name}
version: {version}
target: {{type: object}}
source: {{format: csv}}
inputs:
  plant_{tag}: {{type: string, default: none}}
  rate_{tag}: {{type: decimal, default: 0}}
  {more}
map: {{id: ID, plant: inputs.plant_{tag}, rate: inputs.rate_{tag}{also}}}
"""
FILE = b"ID\n1\n"


class Shop:
    """A published context with inputs of its own, and a tenant that gives values to it."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.tag = uuid.uuid4().hex[:8]
        self.name = f"inputs-{self.tag}"

    def publish(self, version: str = "1.0.0", more: str = "", also: str = "") -> None:
        text = CONTEXT.format(
            name=self.name, version=version, tag=self.tag, more=more, also=also
        ).encode()
        files = [("files", ("context.yaml", text))]
        answer = self.person.http.post("/contexts", files=files)
        assert answer.status_code == 201, answer.text

    def give(self, **values: object) -> None:
        """Change values of the tenant; None takes one away."""
        named = {f"{name}_{self.tag}": value for name, value in values.items()}
        answer = self.person.http.patch("/inputs", json=named)
        assert answer.status_code == 200, answer.text

    def send(self, inputs: dict[str, object] | None = None) -> dict[str, Any]:
        named = {f"{name}_{self.tag}": value for name, value in (inputs or {}).items()}
        answer = self.person.http.post(
            "/jobs/upload",
            files={"content_file": ("shop.csv", FILE)},
            data={"context": self.name, "inputs": json.dumps(named)},
        )
        assert answer.status_code == 201, answer.text
        return self.person.wait(answer.json()["job_id"])

    def result(self, job: dict[str, Any], run: int = 1) -> dict[str, Any]:
        assert job["state"] == "COMPLETED", job["errors"]
        answer = self.person.http.get(f"/jobs/{job['job_id']}/result", params={"run": run})
        (document,) = answer.text.splitlines()
        return json.loads(document)

    def again(self, job: dict[str, Any], run: int, **asked: str) -> dict[str, Any]:
        answer = self.person.http.post(f"/jobs/{job['job_id']}/rerun", params=asked)
        assert answer.status_code == 202, answer.text
        return self.person.wait(job["job_id"], run=run)


@pytest.fixture
def shop(demo: Person) -> Iterator[Shop]:
    made = Shop(demo)
    made.publish()
    yield made
    mine = [name for name in demo.http.get("/inputs").json() if name.endswith(made.tag)]
    demo.http.patch("/inputs", json=dict.fromkeys(mine))


def test_a_job_wins_over_a_flow_over_a_tenant_over_the_default(
    helix: Helix, demo: Person, shop: Shop
) -> None:
    """What is used stands in the run and in its manifest; what no context declares does no harm."""
    plant, rate = f"plant_{shop.tag}", f"rate_{shop.tag}"
    assert shop.result(shop.send()) == {"id": "1", "plant": "none", "rate": 0}
    shop.give(plant="tenant", rate="0.19", unused="x")
    job = shop.send()
    assert shop.result(job) == {"id": "1", "plant": "tenant", "rate": 0.19}
    assert job["runs"][0]["inputs"] == {plant: "tenant", rate: "0.19"}
    assert helix.manifest("demo", job["job_id"])["inputs"] == {plant: "tenant", rate: "0.19"}

    flow: dict[str, Any] = {"name": shop.name, "match": f"{shop.name}/*", "context": shop.name}
    flow["inputs"] = {plant: "flow"}
    assert demo.http.post("/flows", json=flow).status_code == 201
    name = f"{shop.name}.csv"
    helix.drop("demo", shop.name, name, FILE)
    dropped = job_of(demo, name)
    assert shop.result(dropped) == {"id": "1", "plant": "flow", "rate": 0.19}

    answer = demo.http.post(
        "/jobs/upload",
        files={"content_file": ("own.csv", FILE)},
        data={"flow": shop.name, "inputs": json.dumps({plant: "job"})},
    )
    own = demo.wait(answer.json()["job_id"])
    assert shop.result(own) == {"id": "1", "plant": "job", "rate": 0.19}
    assert demo.http.delete(f"/flows/{shop.name}").status_code == 204


def test_a_run_again_gives_the_same_bytes_unless_present_values_are_asked_for(shop: Shop) -> None:
    """Another context takes what it declares of all that the tenant gave when the file came."""
    shop.give(plant="old", site="north")
    job = shop.send()
    first = shop.person.result(job["job_id"])
    shop.give(plant="new", site="south")
    assert shop.again(job, 2)["runs"][0]["inputs"] == job["runs"][0]["inputs"]
    assert shop.person.result(job["job_id"]) == first
    shop.publish("1.1.0", f"site_{shop.tag}: {{type: string}}", f", site: inputs.site_{shop.tag}")
    other = shop.again(job, 3, tenant_inputs="kept")
    assert shop.result(other, 3)["plant"] == "old"
    answer = shop.person.http.post(f"/jobs/{job['job_id']}/rerun", data={"context": shop.name})
    assert answer.status_code == 202
    moved = shop.person.wait(job["job_id"], run=4)
    assert shop.result(moved, 4) == {"id": "1", "plant": "old", "rate": 0, "site": "north"}
    present = shop.again(job, 5, tenant_inputs="present")
    assert shop.result(present, 5) == {"id": "1", "plant": "new", "rate": 0, "site": "south"}


def test_a_value_of_the_wrong_kind_fails_the_run_with_its_name(shop: Shop) -> None:
    shop.give(rate="much")
    job = shop.send()
    assert job["state"] == "FAILED"
    assert f"rate_{shop.tag}" in json.dumps(job["errors"])
    assert shop.result(shop.send({"rate": "1"})) == {"id": "1", "plant": "none", "rate": 1}


def test_the_command_line_sets_lists_and_removes(helix: Helix, shop: Shop, tmp_path: Path) -> None:
    """Values that are not named stay as they are."""
    logged_in(helix, tmp_path)
    plant, rate = f"plant_{shop.tag}", f"rate_{shop.tag}"

    def run(*arguments: str) -> tuple[int, str]:
        done = command("inputs", *arguments, home=tmp_path, url=helix.url)
        return done.returncode, done.stdout + done.stderr

    assert run("set", f"{plant}=1000", f"{rate}=0.19")[0] == 0
    status, text = run("list")
    assert (status, f"{plant}  1000" in text) == (0, True)
    assert run("remove", rate)[0] == 0
    assert shop.result(shop.send()) == {"id": "1", "plant": "1000", "rate": 0}
    status, text = run("remove", rate)
    assert status == 2
    assert f"gives no value to {rate}" in text
    status, text = run("set", "no name=1")
    assert status == 2
    assert "no context can declare" in text
