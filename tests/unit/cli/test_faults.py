"""Errors of one fault are shown once."""

from pathlib import Path

from helixnet.cli.faults import faults
from helixnet.cli.rejects import lines
from tests.unit.cli.commanding import CONTEXT, SCHEMA, Command

ERROR = {"code": "HX-1102", "message": "no number", "value": "1x", "source": {"line": 3}}


def test_one_fault_that_feeds_several_places_is_one() -> None:
    """Same source, code and value: the places are joined, each once, in their order."""
    errors = [ERROR | {"target": target} for target in ("/qty", "/total", "/qty")]
    (merged,) = faults(errors)
    assert merged == errors[0] | {"targets": ["/qty", "/total"]}
    (row,) = lines([{"record": 2, "line": 3, "errors": errors}])
    assert row["feeds"] == ["/qty", "/total"]


def test_what_differs_stays_apart() -> None:
    """Another line, code or value is another fault; one without a place feeds none."""
    others = [
        ERROR | {"source": {"line": 4}},
        ERROR | {"code": "HX-1103"},
        ERROR | {"value": "2x"},
        {"code": "HX-3001", "message": "missing"},
    ]
    shown = faults([ERROR, *others])
    assert [fault["targets"] for fault in shown] == [[]] * 5
    assert [fault["code"] for fault in shown] == [error["code"] for error in [ERROR, *others]]


def test_run_tells_a_fault_with_all_its_places(helixnet: Command, given: Path) -> None:
    schema = given / "target.schema.json"
    schema.write_text(SCHEMA.replace('"plant": {"type": "string"}', '"plant": {}'), "utf-8")
    (given / "context.yaml").write_text(CONTEXT + "  plant: QTY\n", "utf-8")
    outcome = helixnet("run", given, given / "bad.csv")
    assert outcome.status == 1
    line = next(text for text in outcome.err.splitlines() if "bad.csv:3:3" in text)
    assert line.endswith("(QTY) at /qty, /plant")
