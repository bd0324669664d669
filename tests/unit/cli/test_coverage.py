"""``helixnet test --coverage``: what no test reaches, told by the documents that tests give."""

import json
from pathlib import Path

import pytest

from helixnet.engine.context.bundle import load_bundle
from helixnet.engine.coverage import Coverage
from helixnet.engine.inspect import run_tests
from helixnet.engine.plan import compile_plan
from tests.unit.cli.commanding import Command

HEAD = """\
helixnet: 1
name: covered
version: 1.0.0
target: true
source: {format: csv, nulls: [""]}
group: {by: ID, order: consecutive, header: h, lines: lines}
inputs: {plant: {type: string, default: P}}
map:
  id: h.ID
  kind: ("big" if h.QTY == "9" else "small") if h.QTY is present else "none"
  plant: inputs.plant
  note: {when: h.NOTE is present, map: {text: h.NOTE, fixed: {const: 1}}}
  items:
    each: lines
    as: l
    when: h.ID != "empty"
    where: l.QTY != "0"
    map: {qty: l.QTY, "a/b~": l.NOTE}
  pair: [h.ID, {when: inputs.plant == "Q", map: {deep: inputs.plant}}]
tests:
"""
PLAIN = '  - {name: a, input: "ID,QTY,NOTE\\nA,1,\\nA,0,\\n", expect: {id: A}}\n'
FULL = (
    '  - {name: b, input: "ID,QTY,NOTE\\nA,9,n\\n", inputs: {plant: Q}, expect: {id: A}}\n'
    '  - {name: c, input: "ID,QTY,NOTE\\nempty,,\\n", expect: {kind: none}}\n'
)


def context_of(given: Path, tests: str) -> Path:
    path = given / "covered.yaml"
    path.write_text(HEAD + tests, "utf-8")
    return path


def test_what_no_test_writes_is_listed_with_its_line(helixnet: Command, given: Path) -> None:
    path = context_of(given, PLAIN)
    outcome = helixnet("test", path, "--coverage")
    assert outcome.status == 0
    assert outcome.out.splitlines() == [
        "ok    a",
        f"{path}:12:47: no test writes /note/text",
        f"{path}:12:62: no test writes /note/fixed",
        f"{path}:19:56: no test writes /pair/*/deep",
        f"{path}:10:20: no test has this `if` true",
        f"{path}:10:55: no test has this `if` false",
        f"{path}:12:16: no test has this `when` true",
        f"{path}:16:11: no test has this `when` false",
        f"{path}:19:23: no test has this `when` true",
        f"{path}: the tests write 6 of 9 fields (66.6 %) and take 7 of 12 branches",
    ]


def test_every_test_adds_what_it_gave(helixnet: Command, given: Path) -> None:
    path = context_of(given, PLAIN + FULL)
    outcome = helixnet("test", path, "--coverage", "--min-coverage", "100%")
    assert outcome.status == 0
    assert outcome.out.endswith("write 9 of 9 fields (100.0 %) and take 12 of 12 branches\n")
    assert "no test" not in outcome.out


def test_a_rejected_record_writes_nothing(helixnet: Command, given: Path) -> None:
    """What a test expects to be rejected is no document, whatever was computed for it."""
    schema = "{additionalProperties: true, properties: {id: {maxLength: 1}}}"
    path = context_of(given, PLAIN.replace("A,", "AA,").replace("expect: {id: A}", "rejects: [{}]"))
    path.write_text(path.read_text("utf-8").replace("target: true", f"target: {schema}"), "utf-8")
    outcome = helixnet("test", path, "--coverage")
    assert outcome.status == 0, outcome
    assert "the tests write 0 of 9 fields (0.0 %)" in outcome.out


@pytest.mark.parametrize(("least", "status"), [("66.6", 0), ("66.67", 1), ("0", 0), ("100", 1)])
def test_too_little_is_a_failure(helixnet: Command, given: Path, least: str, status: int) -> None:
    """6 of 9 is more than 66.6 % and less than 66.67 %: nothing is rounded."""
    outcome = helixnet("test", context_of(given, PLAIN), "--min-coverage", least)
    assert outcome.status == status
    assert ("less than" in outcome.err) is bool(status)


@pytest.mark.parametrize("least", ["101", "-1", "x", "nan", ""])
def test_a_share_is_a_number_of_a_hundred(helixnet: Command, given: Path, least: str) -> None:
    outcome = helixnet("test", context_of(given, PLAIN), f"--min-coverage={least}")
    assert outcome.status == 2
    assert "is no number from 0 to 100" in outcome.err


def test_programs_get_one_object_more(helixnet: Command, given: Path) -> None:
    path = context_of(given, PLAIN)
    rows = json.loads(helixnet("test", path, "--coverage", "--json").out)
    assert len(rows) == 2
    assert rows[1]["context"] == str(path)
    found = rows[1]["coverage"]
    assert (found["fields"], found["written"], found["percent"]) == (9, 6, 66.6)
    assert found["unwritten"][0] == {"pointer": "/note/text", "line": 12}
    assert found["branches"] == 12
    assert {"kind": "when", "outcome": True, "line": 12} in found["untaken"]
    assert "coverage" not in helixnet("test", path, "--json").out


def test_a_context_without_tests_covers_nothing(helixnet: Command, given: Path) -> None:
    outcome = helixnet("test", given, "--min-coverage", "1")
    assert outcome.status == 1
    assert f"{given / 'context.yaml'}:13:7: no test writes /id" in outcome.out
    assert "write 0 of 2 fields (0.0 %)" in outcome.out


def test_a_template_has_no_fields_to_count(helixnet: Command, given: Path) -> None:
    text = (given / "context.yaml").read_text("utf-8").partition("map:")[0]
    (given / "context.yaml").write_text(text + "template: t.j2\n", "utf-8")
    (given / "t.j2").write_text('{"id": "{{ ID }}", "qty": 1}', "utf-8")
    assert helixnet("test", given, "--coverage").status == 0
    outcome = helixnet("test", given, "--min-coverage", "1")
    assert (outcome.status, "no fields to count" in outcome.err) == (2, True)


def test_coverage_of_an_updated_context_has_the_new_lines(helixnet: Command, given: Path) -> None:
    path = given / "covered.yaml"
    head, _, rest = HEAD.partition("map:")
    block = "inputs: {plant: P}\n    expect:\n      id: B\n      plant: X\n"
    tests = PLAIN.replace("{name: a, input:", "name: a\n    input:").replace("expect: {id: A}}", "")
    tests = tests.rstrip(", \n") + "\n    " + block
    path.write_text(head + "tests:\n" + tests + "map:" + rest.partition("tests:")[0], "utf-8")
    outcome = helixnet("test", path, "--coverage", "--update")
    assert outcome.status == 0
    lines = path.read_text("utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.startswith("  note:"))
    assert f"{path}:{number}:47: no test writes /note/text" in outcome.out


def test_nothing_is_counted_unless_asked(given: Path) -> None:
    """The function that maps has no trace of it: the same text as ever."""
    bundle = load_bundle(context_of(given, PLAIN))
    plan = compile_plan(bundle)
    header = ["ID", "QTY", "NOTE"]
    watched = Coverage().watch(plan).bind(header, "f").generated  # type: ignore[attr-defined]
    plain = plan.bind(header, "f").generated  # type: ignore[attr-defined]
    assert run_tests(bundle)[0].passed
    assert plan.bind(header, "f").generated is plain  # type: ignore[attr-defined]
    assert len(watched.source) > len(plain.source)
    assert compile_plan(bundle).bind(header, "f").generated.source == plain.source  # type: ignore[attr-defined]
