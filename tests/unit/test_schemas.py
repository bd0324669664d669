"""The schemas in schemas/ are schemas, and know all that the code can send."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from helixnet.engine.outcome import Counts, Fault, Reject, RulePosition, SourcePosition
from helixnet.engine.output import reject_line
from helixnet.events import Topic
from helixnet.jobs import FINAL, RunState

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["context", "events", "manifest", "reject"]


def schema(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_of_draft_2020_12(name: str) -> None:
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert jsonschema_rs.meta.is_valid(schema(name))


def test_every_schema_is_held_to() -> None:
    files = (ROOT / "schemas").glob("*.schema.json")
    assert sorted(path.name.partition(".")[0] for path in files) == NAMES


def test_every_event_type_of_the_code_is_described() -> None:
    """A new type is not sent before subscribers can know it."""
    kinds: set[str] = set()
    for path in (ROOT / "src").glob("**/*.py"):
        kinds |= set(re.findall(r'"(io\.helixnet\.[a-z.]+\.v\d+)"', path.read_text("utf-8")))
    assert kinds == set(schema("events")["$defs"]["event"]["properties"]["type"]["enum"])
    page = (ROOT / "docs" / "events.md").read_text("utf-8")
    assert all(kind in page for kind in kinds)
    assert all(f"`{topic}`" in page for topic in Topic)


def test_the_states_and_counts_are_those_of_the_code() -> None:
    defs = schema("events")["$defs"]
    assert set(defs["runState"]["enum"]) == set(RunState)
    assert set(defs["runFinished"]["properties"]["state"]["enum"]) == set(FINAL)
    for name in ("events", "manifest"):
        assert set(schema(name)["$defs"]["counts"]["required"]) == set(Counts.__slots__)


def test_a_reject_with_all_or_nothing_known_is_valid() -> None:
    validator = jsonschema_rs.Draft202012Validator(schema("reject"), validate_formats=True)
    full = Fault(
        "HX-1102",
        "not a number",
        SourcePosition(4, 12, 77, "QTY", "E1EDP01"),
        "/items/0/quantity",
        RulePosition(12, "l.QTY"),
        "1x",
        "write it as 1,5",
    )
    for faults in ([full], [Fault("NO_LINES", "no lines")], [full, full]):
        line = reject_line(Reject(2, 4, b"4712;1x\n", faults), "orders.csv")
        validator.validate(json.loads(line))
    assert not validator.is_valid({"file": "x", "record": 1, "line": 1, "raw": "", "errors": []})
