"""``helixnet check --format``: what services that read problems are given."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from helixnet.engine.codes import CODES
from tests.unit.cli.commanding import CONTEXT, Command

BAD = CONTEXT.replace("qty: QTY", "qty: QTX") + "mapp: 1\n"
_COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-zA-Z]+=[^:,]*,?)+)::(.*)")


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as a runner does."""
    found: list[tuple[str, dict[str, str], str]] = []
    for line in text.splitlines():
        match = _COMMAND.fullmatch(line)
        assert match, line
        pairs = (pair.partition("=") for pair in match[2].split(","))
        properties = {name: unquote(value) for name, _, value in pairs}
        found.append((match[1], properties, unquote(match[3])))
    return found


def test_github_shows_each_problem_beside_its_line(helixnet: Command, given: Path) -> None:
    context = given / "context.yaml"
    context.write_text(BAD.replace("id: ID", "id: ID\n  plant: QTY * 1.5 | round(2)"), "utf-8")
    outcome = helixnet("check", context, "--format", "github")
    assert outcome.status == 2
    text = helixnet("check", context).out.splitlines()
    found = commands(outcome.out)
    assert [f"{p['file']}:{p['line']}:{p['col']}: {kind} {p['title']}: {message}"
            for kind, p, message in found] == text  # fmt: skip
    assert {kind for kind, _, _ in found} == {"error", "warning"}
    assert "errors" in outcome.err


def test_a_command_of_github_stays_one_command(helixnet: Command, given: Path) -> None:
    """A name with the marks of the syntax in it ends neither property nor line."""
    folder = given / "a,b:c%41"
    folder.mkdir()
    context = folder / "context.yaml"
    schema = (given / "target.schema.json").read_text("utf-8")
    (folder / "target.schema.json").write_text(schema, "utf-8")
    context.write_text(CONTEXT + '"m,a:p%\\n::error::x": 1\n', "utf-8")
    (found,) = commands(helixnet("check", context, "--format=github").out)
    assert found[1]["file"] == str(context)
    assert "%\n::error::x" in found[2].replace("\\n", "\n")


@pytest.fixture
def log(helixnet: Command, given: Path) -> dict[str, Any]:
    (given / "context.yaml").write_text(
        BAD.replace("qty:", "plant: QTY * 1.5 | round(2)\n  qty:"), "utf-8"
    )
    outcome = helixnet("check", given, "--format", "sarif")
    assert outcome.status == 2
    return json.loads(outcome.out)


def test_sarif_has_what_the_standard_demands(log: dict[str, Any]) -> None:
    """The required members of 2.1.0, and no member that its schema does not know."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    assert set(run) == {"tool", "columnKind", "results"}
    assert run["columnKind"] == "unicodeCodePoints"  # how our columns are counted
    driver = run["tool"]["driver"]
    assert driver["name"] == "helixnet"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", driver["version"])
    for rule in driver["rules"]:
        assert set(rule) == {"id", "shortDescription", "fullDescription", "help"}
        assert all(rule[name]["text"] for name in rule if name != "id")
    for result in run["results"]:
        assert set(result) <= {
            *("ruleId", "ruleIndex", "level", "message", "locations", "properties")
        }
        assert result["level"] in {"none", "note", "warning", "error"}
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]


def test_sarif_points_at_the_same_places(
    log: dict[str, Any], helixnet: Command, given: Path
) -> None:
    rows = json.loads(helixnet("check", given, "--json").out)
    found: list[tuple[object, ...]] = []
    for result in log["runs"][0]["results"]:
        (location,) = result["locations"]
        place = location["physicalLocation"]
        region = place["region"]
        assert set(region) == {"startLine", "startColumn"}
        path = unquote(urlsplit(place["artifactLocation"]["uri"]).path)
        hint = result.get("properties", {}).get("hint", "")
        found.append(
            (path, region["startLine"], region["startColumn"], result["level"], result["ruleId"])
        )
        assert hint in result["message"]["text"].replace("{{", "{").replace("}}", "}")
    assert found == [(r["file"], r["line"], r["column"], r["severity"], r["code"]) for r in rows]
    assert {level for _, _, _, level, _ in found} == {"error", "warning"}


def test_sarif_has_relative_references_for_relative_paths(
    helixnet: Command, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a service is told must be found in the repository, wherever that was checked out."""
    monkeypatch.chdir(given.parent)
    (given / "context.yaml").write_text(BAD, "utf-8")
    log = json.loads(helixnet("check", given.name, "--format=sarif").out)
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in log["runs"][0]["results"]
    }
    assert uris == {"in%20put/context.yaml"}


def test_sarif_text_has_no_placeholder(helixnet: Command, given: Path) -> None:
    """`{0}` in a message would be filled from arguments that are not there."""
    (given / "context.yaml").write_text(CONTEXT + '"{0}": 1\n', "utf-8")
    log = json.loads(helixnet("check", given, "--format=sarif").out)
    texts = [result["message"]["text"] for result in log["runs"][0]["results"]]
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        texts += [rule[name]["text"] for name in rule if name != "id"]
    assert any("{{0}}" in text for text in texts)
    assert not any(re.search(r"[{}]", re.sub(r"\{\{|\}\}", "", text)) for text in texts)


@pytest.mark.parametrize("form", ["text", "github", "sarif", "json"])
def test_a_context_that_is_not_there_is_a_problem_in_every_form(
    helixnet: Command, given: Path, form: str
) -> None:
    outcome = helixnet("check", given / "nothing.yaml", "--format", form)
    assert outcome.status == 2
    assert "HX-4207" in outcome.out


def test_good_contexts_give_an_empty_log(helixnet: Command, given: Path) -> None:
    outcome = helixnet("check", given, "--format=sarif")
    run = json.loads(outcome.out)["runs"][0]
    assert (outcome.status, run["results"], run["tool"]["driver"]["rules"]) == (0, [], [])
    assert helixnet("check", given, "--format=github").out == ""


def test_json_is_the_same_by_both_names(helixnet: Command, given: Path) -> None:
    (given / "context.yaml").write_text(BAD, "utf-8")
    assert helixnet("check", given, "--json") == helixnet("check", given, "--format=json")


def test_an_unknown_form_is_wrong_usage(helixnet: Command, given: Path) -> None:
    outcome = helixnet("check", given, "--format=xml")
    assert outcome.status == 2
    assert "choose from" in outcome.err


def test_every_code_of_a_rule_has_its_text() -> None:
    """Rules are made from the table of codes; an empty text would be no help."""
    assert all(code.title and code.cause and code.action for code in CODES.values())
