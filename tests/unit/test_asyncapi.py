"""The AsyncAPI document is up to date, sound, and knows all that is told."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema

from helixnet.events import TOPICS, Topic
from helixnet.gateway.pages import _FOLDER

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "schemas" / "asyncapi.json").read_text("utf-8"))


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("asyncapi", ROOT / "scripts" / "asyncapi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_up_to_date() -> None:
    """After a change of the table or the schema, `make docs` writes it anew."""
    assert (ROOT / "schemas" / "asyncapi.json").read_text("utf-8") == generator().text()
    assert (_FOLDER / "asyncapi.json").read_text("utf-8") == generator().text()


def test_another_reader_of_the_format_takes_it() -> None:
    """FastStream has a model of AsyncAPI 3.0 of its own; it wants a path of every server."""
    server = DOCUMENT["servers"]["bus"] | {"pathname": ""}
    read = ApplicationSchema.model_validate(DOCUMENT | {"servers": {"bus": server}})
    assert set(read.channels or {}) == set(DOCUMENT["channels"])
    assert read.asyncapi == "3.0.0"


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in references(item)]
    return [ref for item in value for ref in references(item)] if isinstance(value, list) else []


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert found
    for reference in found:
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


def test_every_topic_and_operation_is_there() -> None:
    """What must be there by the specification is, and nothing is told on an unknown channel."""
    channels = DOCUMENT["channels"]
    assert {channels[name]["address"] for name in channels} == {
        *TOPICS,
        "helix.out.{tenant}.{name}",
    }
    assert set(TOPICS) == set(Topic)
    for channel in channels.values():
        assert channel["messages"]
        assert channel["bindings"]["kafka"]["partitions"] >= 1
    told = {item["channel"]["$ref"].rpartition("/")[2] for item in DOCUMENT["operations"].values()}
    assert told == set(channels)
    assert {item["action"] for item in DOCUMENT["operations"].values()} == {"send", "receive"}


def test_every_event_that_is_sent_is_a_message() -> None:
    schema = json.loads((ROOT / "schemas" / "events.schema.json").read_text("utf-8"))
    types = set(schema["$defs"]["event"]["properties"]["type"]["enum"])
    named = {message["name"] for message in DOCUMENT["components"]["messages"].values()}
    inside = {"io.helixnet.drop.seen.v1", "io.helixnet.record.requeued.v1"}
    assert named == types - inside | {"BucketNotification"}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("PartEnded", {"job": "j", "run": 1, "part": 0, "state": "DONE"}, {"job": "j"}),
        ("PartsReady", {"job": "j", "run": 1, "parts_total": 3}, {"parts_total": 0}),
    ],
)
def test_a_payload_is_held_to_its_schema(name: str, good: object, bad: object) -> None:
    payload = DOCUMENT["components"]["messages"][name]["payload"]
    whole = payload | {"components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft7Validator(whole)
    # Draft 7 ignores what stands beside $ref, but the reference itself must resolve and hold.
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)
