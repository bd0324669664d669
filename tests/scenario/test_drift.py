"""A file that differs from its contract is told, with the change of the contract that it needs."""

import json
import uuid
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.scenario.running import Person, eventually
from tests.scenario.test_events import read, validator

pytestmark = pytest.mark.scenario

CONTEXT = """helixnet: 1
name: {name}
version: 1.0.0
target:
  type: object
  properties: {{id: {{type: string}}, count: {{type: [string, number]}}}}
source:
  format: csv
  on_drift: {policy}
  fields:
    ID: {{type: string}}
    N: {{type: integer}}
    OLD: {{type: string}}
map: {{id: ID, count: N}}
on_error: {{stop_at: 100%}}
"""
FILE = b"ID,N,A/B,DAY\n1,one,007,2026-11-27\n2,two,008,2026-11-28\n"
DRIFT = [
    "unknown column 'A/B'",
    "unknown column 'DAY'",
    "missing column 'OLD'",
    "retyped column 'N': none of its first 2 values is an integer",
]
PATCH = [
    {"op": "add", "path": "/source/fields/A~1B", "value": {"type": "string"}},
    {"op": "add", "path": "/source/fields/DAY", "value": {"type": "date", "format": "%Y-%m-%d"}},
    {"op": "remove", "path": "/source/fields/OLD"},
    {"op": "replace", "path": "/source/fields/N", "value": {"type": "string"}},
]


def patched(context: str, patch: list[dict[str, Any]]) -> bytes:
    """Apply a proposed patch, as the owner of the context would."""
    document = yaml.safe_load(context)
    fields = document["source"]["fields"]
    for operation in patch:
        name = operation["path"].rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        if operation["op"] == "remove":
            del fields[name]
        else:
            fields[name] = operation["value"]
    return json.dumps(document).encode()


def told(person: Person, job: str) -> list[dict[str, Any]]:
    events = [event for event in read(person, "helix.jobs") if event["job"] == job]
    return [event for event in events if event["type"] == "io.helixnet.contract.drifted.v1"]


@pytest.mark.parametrize(
    ("policy", "state"), [("warn", "PARTIAL"), ("reject", "PARTIAL"), ("fail", "FAILED")]
)
def test_drift_is_told_with_a_patch_that_ends_it(demo: Person, policy: str, state: str) -> None:
    name = f"drift-{policy}-{uuid.uuid4().hex[:8]}"
    context = CONTEXT.format(name=name, policy=policy)
    job = demo.wait(demo.submit(FILE, {"c.yaml": context.encode()}, name="drift.csv"))
    assert job["state"] == state, job["errors"]
    event = eventually(lambda: found[0] if (found := told(demo, job["job_id"])) else None)
    assert list(map(str, _errors(event))) == []
    body = {"on_drift": policy, "drift": DRIFT, "patch": PATCH, "more": False}
    assert event["data"] == {"job": job["job_id"], "run": 1} | body
    shown = job["errors"][0] if state == "FAILED" else job["runs"][0]
    assert (shown["drift"], shown["patch"]) == (DRIFT, PATCH)

    files = {"c.yaml": patched(context, event["data"]["patch"])}
    after = demo.wait(demo.submit(FILE, files, name="drift.csv"))
    assert after["state"] == "COMPLETED", after["errors"]
    assert after["runs"][0]["drift"] == []
    assert told(demo, after["job_id"]) == []


def test_what_is_allowed_is_not_told(demo: Person) -> None:
    context = CONTEXT.format(name=f"drift-{uuid.uuid4().hex[:8]}", policy="allow")
    job = demo.wait(demo.submit(FILE, {"c.yaml": context.encode()}, name="drift.csv"))
    assert told(demo, job["job_id"]) == []


def _errors(event: dict[str, Any]) -> list[jsonschema_rs.ValidationError]:
    return list(validator("events").iter_errors(event))
