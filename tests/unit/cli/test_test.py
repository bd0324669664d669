"""``helixnet test``: the tests inside contexts, and ``--update``."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.unit.cli.commanding import CONTEXT, Command

EXAMPLES = Path(__file__).parents[3] / "examples"
INPUT = """\
    input: |
      ID;QTY
      A;1,50
      B;2
"""


def with_tests(given: Path, *tests: str) -> Path:
    context = given / "context.yaml"
    context.write_text(CONTEXT + "tests:\n" + "".join(tests), "utf-8")
    return context


def test_the_tests_of_the_examples_pass(helixnet: Command) -> None:
    outcome = helixnet(
        "test", EXAMPLES / "orders-csv", EXAMPLES / "orders-idoc", EXAMPLES / "stock-ebcdic"
    )
    assert outcome.status == 0
    assert "FAIL" not in outcome.out
    assert outcome.out.count("ok  ") == 6


@pytest.mark.parametrize("name", sorted(folder.name for folder in EXAMPLES.iterdir()))
def test_an_example_is_good_and_its_tests_pass(helixnet: Command, name: str) -> None:
    assert helixnet("check", EXAMPLES / name).out == ""
    outcome = helixnet("test", EXAMPLES / name)
    assert (outcome.status, "FAIL" in outcome.out) == (0, False)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("orders-x12", "orders.x12"),
        ("orders-edifact", "orders.edi"),
        ("invoice-edifact", "invoice.edi"),
        ("ship-notice-x12", "ship-notice.x12"),
        ("ship-notice-edifact", "ship-notice.edi"),
    ],
)
def test_an_example_maps_the_file_beside_it(helixnet: Command, name: str, file: str) -> None:
    outcome = helixnet("run", EXAMPLES / name, EXAMPLES / name / file)
    assert (outcome.status, len(outcome.out.splitlines())) == (0, 1)


@pytest.mark.parametrize(
    "expect",
    [
        "[{id: A}, {id: B}]",
        '[{id: "A", qty: 1.5}, {qty: 2}]',
        "[{}, {qty: 2.000}]",
    ],
)
def test_an_expectation_is_a_part_of_each_document(
    helixnet: Command, given: Path, expect: str
) -> None:
    context = with_tests(given, f"  - name: one\n{INPUT}    expect: {expect}\n")
    assert helixnet("test", context).status == 0


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ("{id: A}", "expected one document, got 2"),
        ("[{id: A}]", "/: expected 1 items, got 2"),
        ("[{id: A}, {id: C}]", '/1/id: expected "C", got "B"'),
        ("[{id: A, qty: 1.51}, {}]", "/0/qty: expected 1.51, got 1.50"),
        ('[{id: A, qty: "1.50"}, {}]', '/0/qty: expected "1.50", got 1.50'),
        ("[{plant: P}, {}]", '/0/plant: expected "P", is not there'),
    ],
)
def test_a_difference_is_told_with_its_place(
    helixnet: Command, given: Path, expect: str, difference: str
) -> None:
    context = with_tests(given, f"  - name: one\n{INPUT}    expect: {expect}\n")
    outcome = helixnet("test", context)
    assert outcome.status == 1
    assert "FAIL  one" in outcome.out
    assert f"{context}:16: {difference}" in outcome.out
    assert "0 passed, 1 failed" in outcome.err


BAD = """\
  - name: bad
    input: |
      ID;QTY
      A;1x
      B;2
      ;3
"""


@pytest.mark.parametrize(
    ("rejects", "passes"),
    [
        ("[{code: HX-1102, line: 2}, {code: HX-1101}]", True),
        ("[{line: 2, field: QTY, target: /qty}, {line: 4}]", True),
        ("[{code: HX-1102}]", False),
        ("[{code: HX-1102, line: 3}, {line: 4}]", False),
        ("[{line: 2}, {line: 4}, {code: HX-2002}]", False),
        ("[]", False),
    ],
)
def test_expected_rejects_are_all_rejects(
    helixnet: Command, given: Path, rejects: str, *, passes: bool
) -> None:
    context = with_tests(given, f"{BAD}    rejects: {rejects}\n")
    assert helixnet("test", context).status == int(not passes)


def test_an_unexpected_reject_fails_a_test(helixnet: Command, given: Path) -> None:
    outcome = helixnet("test", with_tests(given, f"{BAD}    expect: {{id: B}}\n"))
    assert outcome.status == 1
    assert "line 2 is rejected: HX-1102" in outcome.out


def test_scope_and_stop_at_do_not_touch_tests(helixnet: Command, given: Path) -> None:
    context = with_tests(
        given, f"{BAD}    expect: {{id: B}}\n    rejects: [{{line: 2}}, {{line: 4}}]\n"
    )
    context.write_text(
        context.read_text("utf-8") + "on_error: {scope: file, stop_at: 0}\n", "utf-8"
    )
    assert helixnet("test", context).status == 0


def test_a_refused_file_fails_its_test(helixnet: Command, given: Path) -> None:
    context = with_tests(
        given, "  - name: twice\n    input: |\n      ID;ID;QTY\n      A;B;1\n    expect: {id: A}\n"
    )
    outcome = helixnet("test", context)
    assert outcome.status == 1
    assert "the file is refused: HX-5002" in outcome.out


def test_each_test_has_its_own_inputs(helixnet: Command, given: Path) -> None:
    inputs = CONTEXT + "  plant: inputs.plant\ninputs: {plant: {type: string}}\ntests:\n"
    one = '  - {name: %s, input: "ID;QTY\\nA;1\\n", inputs: {plant: %s}, expect: {plant: %s}}\n'
    context = given / "context.yaml"
    context.write_text(inputs + one % ("a", "P1", "P1") + one % ("b", "P2", "P2"), "utf-8")
    assert helixnet("test", context).status == 0
    context.write_text(inputs + '  - {name: a, input: "ID;QTY\\n", expect: []}\n', "utf-8")
    outcome = helixnet("test", context)
    assert outcome.status == 2
    assert "HX-4302" in outcome.err


def test_results_come_as_json_too(helixnet: Command, given: Path) -> None:
    context = with_tests(given, f"  - name: one\n{INPUT}    expect: [{{id: A}}]\n")
    outcome = helixnet("test", context, "--json")
    assert outcome.status == 1
    assert json.loads(outcome.out) == [
        {
            "context": str(context),
            "test": "one",
            "line": 16,
            "passed": False,
            "differences": ["/: expected 1 items, got 2"],
        }
    ]


def test_a_bad_context_does_not_hide_the_next(helixnet: Command, given: Path) -> None:
    (given / "bad.yaml").write_text("helixnet: 1\n", "utf-8")
    outcome = helixnet("test", given / "bad.yaml", EXAMPLES / "orders-csv")
    assert outcome.status == 2
    assert "3 passed" in outcome.err


def test_update_rewrites_expectations_and_nothing_else(helixnet: Command, given: Path) -> None:
    expect = "    expect: [{id: X}, {id: B}]  # why\n    rejects: []\n"
    block = "    expect:\n      - id: A\n        qty: 1\n      - id: B\n    # a remark\n\n"
    tests = (
        f"  - name: flow  # stays\n{INPUT}{expect}",
        f"  - name: block\n{INPUT}{block}",
        f"  - name: good\n{INPUT}    expect: [{{qty: 1.5}}, {{}}]\n",
    )
    context = with_tests(given, *tests)
    before = context.read_text("utf-8")
    outcome = helixnet("test", context, "--update")
    assert (outcome.status, "3 passed, 0 failed" in outcome.err) == (0, True)
    assert context.read_text("utf-8") == before.replace(
        "[{id: X}, {id: B}]", '[{"id": "A"}, {"id": "B"}]'
    ).replace(
        "    expect:\n      - id: A\n        qty: 1\n      - id: B\n",
        '    expect: [{"id": "A", "qty": 1.50}, {"id": "B"}]\n',
    )


def test_update_breaks_long_expectations_into_lines(helixnet: Command, given: Path) -> None:
    rows = "".join(f"      {name * 5};1\n" for name in "ABCDEFGHIJ")
    test = f"  - name: long\n    input: |\n      ID;QTY\n{rows}    expect: [{{id: A}}]\n"
    context = with_tests(given, test)
    assert helixnet("test", context, "--update").status == 0
    assert max(map(len, context.read_text("utf-8").splitlines())) <= 120
    assert helixnet("test", context).status == 0


def test_update_leaves_what_is_no_expectation(helixnet: Command, given: Path) -> None:
    context = with_tests(given, f"{BAD}    rejects: [{{line: 9}}]\n")
    before = context.read_text("utf-8")
    assert helixnet("test", context, "--update").status == 1
    assert context.read_text("utf-8") == before


def test_update_needs_a_file_that_it_can_write(helixnet: Command, given: Path) -> None:
    context = with_tests(given, f"  - name: one\n{INPUT}    expect: [{{id: X}}, {{}}]\n")
    with zipfile.ZipFile(given / "b.zip", "w") as archive:
        archive.write(context, "context.yaml")
        archive.write(given / "target.schema.json", "target.schema.json")
    outcome = helixnet("test", given / "b.zip", "--update")
    assert outcome.status == 2
    assert "not in a zip" in outcome.err


def test_update_of_a_whole_document_keeps_it_one(helixnet: Command, given: Path) -> None:
    test = (
        "  - name: one\n    input: |\n      ID;QTY\n      A;1,50\n    expect: {id: X, plant: P}\n"
    )
    context = with_tests(given, test)
    assert helixnet("test", given, "--update").status == 0
    assert 'expect: {"id": "A"}\n' in context.read_text("utf-8")


def test_the_input_of_a_test_may_be_a_file_of_the_bundle(helixnet: Command, given: Path) -> None:
    (given / "one.csv").write_bytes(b"\xef\xbb\xbfID;QTY\r\nA;1,50\r\n")
    test = "  - {name: one, input_file: one.csv, expect: {id: A}}\n"
    assert helixnet("test", with_tests(given, test)).out == "ok    one\n"
    assert helixnet("check", given / "context.yaml").status == 0


@pytest.mark.parametrize(
    ("test", "problem"),
    [
        ("input_file: gone.csv, expect: {}", "HX-4201: `gone.csv` is not in the bundle"),
        ("input_file: ../one.csv, expect: {}", "HX-4202: `../one.csv` leads out of the bundle"),
        ("input: a, input_file: one.csv, expect: {}", "`input` and `input_file` exclude each"),
        ("expect: {}", "HX-4005: `test` lacks `input` (add `input:`"),
    ],
)
def test_an_input_file_that_can_t_be_used_is_a_problem(
    helixnet: Command, given: Path, test: str, problem: str
) -> None:
    (given / "one.csv").write_bytes(b"ID;QTY\n")
    outcome = helixnet("check", with_tests(given, f"  - {{name: one, {test}}}\n"))
    assert outcome.status != 0
    assert problem in outcome.out + outcome.err
