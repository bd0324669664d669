"""Totals of a file, and the checks that compare them with its trailer."""

from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.inspect import run_tests
from helixnet.engine.mapping.totals import Sums
from helixnet.engine.plan import Plan, compile_plan
from helixnet.engine.transform import FileOutcome, index_file, map_part, transform_file
from helixnet.errors import ContextError

HEAD = "helixnet: 1\nname: t\nversion: 1.0.0\ntarget: true\n"
ROWS = (
    HEAD
    + """\
source: {format: csv, fields: {NO: {type: string}, QTY: {type: decimal}, MODE: {type: string}}}
skip_when: MODE == "skip"
map: {no: NO, n: MODE | int}
totals: {qty: QTY, lines: 1}
inputs: {expected: {type: decimal, default: 6.5}}
file_checks:
  - that: totals.qty == inputs.expected
    code: WRONG_TOTAL
    text: "{{ totals.qty }} in {{ totals.lines }}"
"""
)
TYPED = (
    HEAD
    + """\
source:
  format: csv
  header: false
  records:
    H: {at: 0, is: H, fields: {NO: {at: 1}}, children: [D]}
    D: {at: 0, is: D, fields: {QTY: {at: 1, type: decimal}}}
    T:
      at: 0
      is: T
      once: true
      fields: {SUM: {at: 1, type: decimal}, COUNT: {at: 2, type: integer}}
map: {no: H.NO}
totals: {qty: H.D | sum("QTY"), orders: 1, lines: {each: H.D, as: d, map: 1}}
file_checks:
  - that: totals.qty == T.SUM
    code: WRONG_SUM
    text: lines add up to {{ totals.qty }}, not {{ T.SUM }}
  - that: totals.lines == T.COUNT
    code: WRONG_COUNT
    text: "{{ totals.lines }} lines, not {{ T.COUNT }}"
"""
)


def plan_of(text: str) -> Plan:
    return compile_plan(bundle_from_files("c.yaml", {"c.yaml": text.encode()}))


def ran(plan: Plan, data: bytes) -> FileOutcome:
    out = BytesIO()
    return transform_file(plan, BytesIO(data), documents=out, rejects=BytesIO(), file="f")


def summed(plan: Plan, data: bytes, size: int) -> Sums:
    index = index_file(plan, BytesIO(data), part_size=size)
    sums = Sums()
    for part in index.parts:
        out, bad = BytesIO(), BytesIO()
        sums += map_part(
            plan, index, part, BytesIO(data), documents=out, rejects=bad, file="f"
        ).sums
    return sums


def test_every_record_that_can_be_read_counts() -> None:
    """A trailer speaks of the file as it was sent: used, skipped and rejected records."""
    plan = plan_of(ROWS)
    data = b"NO,QTY,MODE\na,1,1\nb,2.50,skip\nc,3,bad\n"
    outcome = ran(plan, data)
    assert outcome.verdict.state == "PARTIAL"
    assert summed(plan, data, 10**6) == Sums({"qty": Decimal("6.50"), "lines": 3})
    failed = ran(plan, data + b"d,1,1\n")
    assert (failed.verdict.state, failed.verdict.code) == ("FAILED", "HX-5030")
    assert failed.verdict.message == "WRONG_TOTAL: 7.50 in 4"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"x,1x,1\n", 'line 3: "1x" is not a number'),
        (b"x\n", "line 3: 1 cells where the header has 3"),
    ],
)
def test_a_record_that_can_not_be_added_fails_the_check(row: bytes, why: str) -> None:
    outcome = ran(plan_of(ROWS), b"NO,QTY,MODE\na,6.5,1\n" + row)
    assert outcome.verdict.state == "FAILED"
    text = f"WRONG_TOTAL: the totals lack 1 records, the first at {why}"
    assert outcome.verdict.message == text


def test_an_empty_file_has_totals_of_nothing() -> None:
    outcome = ran(plan_of(ROWS.replace("default: 6.5", "default: 0")), b"")
    assert outcome.verdict.state == "COMPLETED"


def test_a_file_without_bytes_has_no_trailer_to_be_compared_with() -> None:
    assert ran(plan_of(TYPED), b"").verdict.state == "COMPLETED"
    counted = TYPED.replace("totals.lines == T.COUNT", "totals.lines > 0")
    counted = counted.replace(", not {{ T.COUNT }}", "")
    assert ran(plan_of(counted), b"").verdict.state == "FAILED"


def test_the_trailer_is_compared() -> None:
    """Every check that fails is told, with its own text."""
    plan = plan_of(TYPED)
    good = b"H,1\nD,1.5\nD,2\nH,2\nD,3\nT,6.50,3\n"
    assert ran(plan, good).verdict.state == "COMPLETED"
    wrong = ran(plan, good.replace(b"6.50,3", b"7,4")).verdict
    assert wrong.message == ("WRONG_SUM: lines add up to 6.5, not 7; WRONG_COUNT: 3 lines, not 4")
    unread = ran(plan, good.replace(b"6.50,3", b"x,3")).verdict
    assert unread.code == "HX-5030"
    assert "line 6, SUM" in unread.message


LINES = st.lists(
    st.sampled_from(["a,1,1", "a,0.25,skip", "b,-3.125,x", "b,1x,1", "c", "d,99999999,2", ""]),
    max_size=20,
)


@settings(deadline=None)
@given(LINES, st.integers(1, 40))
def test_totals_do_not_depend_on_cuts(lines: list[str], size: int) -> None:
    for text in (ROWS, ROWS.partition("skip_when")[0] + GROUPED):
        plan = plan_of(text)
        data = "\n".join(["NO,QTY,MODE", *lines]).encode()
        whole = summed(plan, data, 10**6)
        assert summed(plan, data, size) == whole
        values = [line.split(",") for line in lines]
        if text is ROWS:
            good = [Decimal(one[1]) for one in values if len(one) == 3 and one[1] != "1x"]
            assert sum(good) == whole.values.get("qty", 0)
            assert whole.values.get("lines", 0) == len(good)


GROUPED = """\
group: {by: NO}
map: {no: h.NO}
totals: {qty: l.QTY, orders: 1}
file_checks: [{that: totals.qty == 4, code: X, text: "{{ totals.qty }}"}]
"""


def test_l_is_each_line_of_a_group() -> None:
    plan = plan_of(ROWS.partition("skip_when")[0] + GROUPED)
    sums = summed(plan, b"NO,QTY,MODE\na,1,\na,2,\nb,1,\n", 10**6)
    assert sums.values == {"qty": 4, "orders": 2}


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("qty: QTY", "qty: NO", "HX-4106", "adds numbers"),
        ("qty: QTY", "qty: QTTY", "HX-4103", "QTTY"),
        ("totals.qty ==", "totals.qyt ==", "HX-4103", "qyt"),
        ("totals.qty == inputs.expected", "qty == 1", "HX-4103", "qty"),
        ("file_checks:", "hints: {fields: {}}\nnothing:", "HX-4003", "nothing"),
        ("totals: {qty: QTY, lines: 1}", "totals: [QTY]", "HX-4004", "`totals` is a mapping"),
    ],
)
def test_what_check_says(old: str, new: str, code: str, words: str) -> None:
    with pytest.raises(ContextError) as caught:
        plan_of(ROWS.replace(old, new, 1))
    found = [str(problem) for problem in caught.value.problems]
    assert any(code in text and words in text for text in found), found


def test_totals_without_checks_are_read_by_nothing() -> None:
    with pytest.raises(ContextError, match="`totals` needs `file_checks`"):
        plan_of(ROWS.partition("inputs:")[0])


def test_tests_judge_file_checks_and_may_expect_one_to_fail() -> None:
    tests = """\
tests:
  - {name: good, input: "H,1\\nD,1\\nT,1,1\\n", expect: {no: "1"}}
  - {name: bad, input: "H,1\\nD,1\\nT,2,1\\n", file_checks: [WRONG_SUM]}
  - {name: unexpected, input: "H,1\\nD,1\\nT,2,1\\n", expect: {no: "1"}}
  - {name: missed, input: "H,1\\nD,1\\nT,1,1\\n", file_checks: [WRONG_COUNT]}
"""
    results = run_tests(bundle_from_files("c.yaml", {"c.yaml": (TYPED + tests).encode()}))
    assert [list(result.differences) for result in results] == [
        [],
        [],
        ["the file check fails: WRONG_SUM: lines add up to 1, not 2"],
        ["the file check WRONG_COUNT does not fail"],
    ]
