"""``helixnet check``: problems as lines that an editor can jump to."""

import json
from pathlib import Path

from tests.unit.cli.commanding import CONTEXT, Command

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_examples_are_good(helixnet: Command) -> None:
    outcome = helixnet("check", EXAMPLES / "orders-csv", EXAMPLES / "orders-idoc" / "context.yaml")
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err.count(": good\n") == 2


def test_every_problem_is_told_at_once_with_its_place(helixnet: Command, given: Path) -> None:
    bad = CONTEXT.replace("qty: QTY", "qty: QTY | nosuch").replace("  id: ID", "  id: ID |")
    (given / "context.yaml").write_text(bad + "mapp: 1\n", "utf-8")
    outcome = helixnet("check", given)
    assert outcome.status == 2
    lines = outcome.out.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith(f"{given / 'context.yaml'}:") for line in lines)
    numbers = [int(line.removeprefix(f"{given / 'context.yaml'}:").split(":")[0]) for line in lines]
    assert numbers == sorted(numbers)
    assert f"{given}: 3 errors, 0 warnings" in outcome.err


def test_a_warning_alone_is_no_failure(helixnet: Command, given: Path) -> None:
    (given / "context.yaml").write_text(
        CONTEXT.replace("qty: QTY", "qty: QTY * 1.5 | round(2)"), "utf-8"
    )
    outcome = helixnet("check", given)
    assert outcome.status == 0
    assert "warning HX-4108" in outcome.out
    ran = helixnet("run", given, given / "good.csv")
    assert ran.status == 0
    assert "warning HX-4108" in ran.err


def test_problems_come_as_json_too(helixnet: Command, given: Path) -> None:
    (given / "context.yaml").write_text(CONTEXT + "mapp: 1\n", "utf-8")
    outcome = helixnet("check", given, "--json")
    assert outcome.status == 2
    assert json.loads(outcome.out) == [
        {
            "file": str(given / "context.yaml"),
            "line": 15,
            "column": 1,
            "severity": "error",
            "code": "HX-4003",
            "message": "unknown key `mapp` in `context`",
            "hint": "did you mean `map`?",
        }
    ]
    (given / "context.yaml").write_text(CONTEXT, "utf-8")
    assert json.loads(helixnet("check", given, "--json").out) == []


def test_explain_says_what_a_code_means_and_how_the_map_runs(
    helixnet: Command, given: Path
) -> None:
    told = helixnet("check", given, "--explain").out
    assert "small 1.0.0, sha256:" in told
    assert "rows" in told
    (given / "context.yaml").write_text(CONTEXT + "mapp: 1\n", "utf-8")
    assert "A key is not part of the format." in helixnet("check", given, "--explain").out


def test_a_required_input_is_no_problem_of_the_context(helixnet: Command, given: Path) -> None:
    (given / "context.yaml").write_text(
        CONTEXT + "  plant: inputs.plant\ninputs: {plant: {type: string}}\n", "utf-8"
    )
    assert helixnet("check", given, "--explain").status == 0
