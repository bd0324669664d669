"""``outputs``: several kinds of documents of one file, each by its own schema, together or not."""

import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.compare import compare_plans
from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.examine import check_bundle
from helixnet.engine.inspect import run_tests
from helixnet.engine.outcome import Counts
from helixnet.engine.plan import Plan, compile_plan
from helixnet.engine.seek import Choice
from helixnet.engine.trace import trace_field
from helixnet.engine.transform import FileOutcome, index_file, map_part, transform_file
from helixnet.errors import UsageError

CONTEXT = """\
helixnet: 1
name: acme
version: 1.0.0
source:
  format: csv
  fields:
    NO: {type: string, required: true}
    BUYER: {type: string}
    SKU: {type: string}
    QTY: {type: integer}
group: {by: NO}
skip_when: h.BUYER == "TEST"
outputs:
  orders:
    target:
      type: object
      required: [id]
      properties:
        {id: {type: string, maxLength: 4}, n: {type: integer}, total: {type: integer}}
    map: {id: h.NO, n: lines | length, total: out.lines | sum("qty")}
    deliver: [{topic: orders.out, key: out.id}]
  lines:
    target:
      type: object
      required: [sku]
      properties:
        {order: {type: string}, sku: {type: string, minLength: 2}, qty: {type: integer}}
    when: h.BUYER != "NONE"
    map:
      each: lines
      as: l
      where: l.QTY > 0
      map: {order: out.orders.id, sku: l.SKU, qty: l.QTY}
    deliver: [{topic: lines.out, key: out.sku}]
checks:
  - {that: out.orders.n < 4, code: MANY, text: "{{ out.orders.id }} has {{ out.orders.n }}"}
"""
HEAD = "NO,BUYER,SKU,QTY\n"


def bundle(text: str = CONTEXT) -> Plan:
    return compile_plan(bundle_from_files("c.yaml", {"c.yaml": text.encode()}))


PLAN = bundle()


def together(plan: Plan, rows: str) -> tuple[FileOutcome, list[dict[str, object]], list[object]]:
    """Map into one place."""
    documents, rejects = BytesIO(), BytesIO()
    stream = BytesIO((HEAD + rows).encode())
    outcome = transform_file(plan, stream, documents=documents, rejects=rejects, file="f")
    written = [json.loads(line) for line in documents.getvalue().splitlines()]
    return outcome, written, [json.loads(line) for line in rejects.getvalue().splitlines()]


def apart(plan: Plan, data: bytes, size: int) -> tuple[list[bytes], bytes, Counts]:
    """Map part by part, each output into a place of its own."""
    sinks, rejects = [BytesIO() for _ in plan.context.outputs], BytesIO()
    index = index_file(plan, BytesIO(data), part_size=size)
    counts = Counts()
    for part in index.parts:
        done = map_part(
            plan, index, part, BytesIO(data), documents=sinks, rejects=rejects, file="f"
        )
        counts += done.counts
        assert done.counts.balanced
        assert sum(done.outputs) == done.counts.written
    return [sink.getvalue() for sink in sinks], rejects.getvalue(), counts


def test_documents_name_their_output_in_the_order_of_the_records() -> None:
    outcome, written, rejects = together(PLAN, "1,A,aa,2\n1,A,bb,0\n1,A,bc,1\n2,NONE,c,3\n")
    assert rejects == []
    assert written == [
        {"output": "orders", "document": {"id": "1", "n": 3, "total": 3}},
        {"output": "lines", "document": {"order": "1", "sku": "aa", "qty": 2}},
        {"output": "lines", "document": {"order": "1", "sku": "bc", "qty": 1}},
        {"output": "orders", "document": {"id": "2", "n": 1}},
    ]
    assert [*outcome.outputs] == [2, 2]
    assert outcome.counts == Counts(records=2, used=2, documents=4, written=4)


@pytest.mark.parametrize(
    ("rows", "code", "target"),
    [
        ("3,A,aa,1\n3,A,c,1\n", "HX-3004", "/lines/sku"),
        ("3,A,aa,x\n", "HX-1103", "/lines/qty"),
        ("12345,A,aa,1\n", "HX-3004", "/orders/id"),
        ("3,A,aa,1\n3,A,aa,1\n3,A,aa,1\n3,A,aa,1\n", "MANY", None),
    ],
)
def test_the_documents_of_a_record_stand_or_fall_together(
    rows: str, code: str, target: str | None
) -> None:
    outcome, written, rejects = together(PLAN, f"1,A,aa,2\n{rows}")
    assert [one["output"] for one in written] == ["orders", "lines"]
    (reject,) = rejects
    assert (code, target) in [(e["code"], e.get("target")) for e in reject["errors"]]  # type: ignore[index]
    assert outcome.counts.balanced
    assert (outcome.counts.used, outcome.counts.rejected) == (1, 1)


def test_a_fault_that_only_the_validator_sees_has_the_place_of_its_line() -> None:
    _, _, (reject,) = together(PLAN, "3,A,aa,1\n3,A,bb,0\n3,A,c,1\n")
    (error,) = reject["errors"]  # type: ignore[index]
    assert (error["source"]["line"], error["source"]["field"]) == (4, "SKU")


rows_of = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "33333", "4"]),
        st.sampled_from(["A", "NONE", "TEST"]),
        st.sampled_from(["aa", "b", "cä", ""]),
        st.sampled_from(["1", "0", "x", ""]),
    ).map(",".join),
    max_size=20,
)


@given(rows_of, st.integers(1, 80))
def test_cut_anywhere_each_output_has_the_same_bytes(rows: list[str], size: int) -> None:
    data = (HEAD + "\n".join(rows)).encode()
    whole = apart(PLAN, data, 1 << 30)
    assert apart(PLAN, data, size) == whole
    _, written, _ = together(PLAN, "\n".join(rows))
    for output, text in zip(PLAN.context.outputs, whole[0], strict=True):
        own = [one["document"] for one in written if one["output"] == output.name]
        assert own == [json.loads(line) for line in text.splitlines()]


def test_a_single_map_and_one_named_output_write_the_same_documents() -> None:
    head, _, rest = CONTEXT.partition("outputs:\n")
    one = "  target: true\n  map: {each: lines, as: l, map: {sku: l.SKU, qty: l.QTY}}\n"
    named = bundle(
        f"{head}outputs:\n  lines:\n{one.replace('  ', '    ', 1)}".replace("\n  map", "\n    map")
    )
    single = bundle(head + one.replace("  target", "target").replace("\n  map", "\nmap"))
    data = (HEAD + "1,A,aa,2\n1,A,bb,x\n2,A,cc,1\n2,A,dd,0\n").encode()
    (of_named,), _, counts = apart(named, data, 1)
    (of_single,), _, same = apart(single, data, 1)
    assert of_named == of_single != b""
    assert counts == same
    assert rest


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("out.lines |", "out.line |"), "HX-4103", "`line` is not part of what is built"),
        (("sku: l.SKU", "skuu: l.SKU"), "HX-4110", "`skuu` is not in the target schema"),
        (("sku: l.SKU, ", ""), "HX-4111", "the target schema requires `sku`"),
        (("key: out.sku", "key: out.lines.sku"), "HX-4103", "unknown name `lines`"),
        (("out.orders.id, sku", "out.lines, sku"), "HX-4107", "`out.lines` needs itself"),
        (("    when:", "    whn:"), "HX-4003", "unknown key `whn` in `outputs.lines`"),
        (("  lines:\n", "  Orders:\n"), "HX-4004", "differs from another output by case only"),
        (("  lines:\n", "  a-b:\n"), "HX-4004", "`outputs` can't be `a-b`"),
        (("each: lines\n", "each: lines\n      when: true\n"), "HX-4004", "`when` stands twice"),
        (("checks:", "target: true\nchecks:"), "HX-4004", "`outputs` takes the place of `target`"),
        (("skip_when:", "deliver: []\nskip_when:"), "HX-4004", "takes the place of `deliver`"),
    ],
)
def test_check_says_what_is_wrong(change: tuple[str, str], code: str, words: str) -> None:
    assert change[0] in CONTEXT
    text = CONTEXT.replace(*change)
    found = check_bundle(bundle_from_files("c.yaml", {"c.yaml": text.encode()}))
    assert any(p.code == code and words in p.message for p in found), [*map(str, found)]


@pytest.mark.parametrize("written", ["{}", "[a]", "x"])
def test_outputs_name_something(written: str) -> None:
    text = f"helixnet: 1\nname: a\nversion: 1.0.0\nsource: {{format: csv}}\noutputs: {written}\n"
    (problem,) = check_bundle(bundle_from_files("c.yaml", {"c.yaml": text.encode()}))
    assert (problem.code, problem.mark.line) == ("HX-4004", 5)


TEST = """\
tests:
  - name: two
    input: |
      NO,BUYER,SKU,QTY
      1,A,aa,2
      2,NONE,cc,3
    expect: EXPECTED
"""


@pytest.mark.parametrize(
    ("expected", "differences"),
    [
        ('{orders: [{id: "1", total: 2}, {id: "2"}], lines: {sku: aa}}', []),
        ('{lines: [{sku: aa, order: "1"}]}', []),
        ('{orders: {id: "1"}}', ["expected one document of orders, got 2"]),
        ("{lines: []}", ["/lines: expected 0 items, got 1"]),
        ("{lines: [{sku: b}]}", ['/lines/0/sku: expected "b", got "aa"']),
    ],
)
def test_a_test_speaks_of_each_output_by_name(expected: str, differences: list[str]) -> None:
    text = CONTEXT + TEST.replace("EXPECTED", expected)
    (result,) = run_tests(bundle_from_files("c.yaml", {"c.yaml": text.encode()}))
    assert [*result.differences] == differences


@pytest.mark.parametrize(
    ("expected", "code"), [("[{id: a}]", "HX-4004"), ("{order: {id: a}}", "HX-4003")]
)
def test_a_test_that_names_no_output_is_a_mistake(expected: str, code: str) -> None:
    text = CONTEXT + TEST.replace("EXPECTED", expected)
    found = check_bundle(bundle_from_files("c.yaml", {"c.yaml": text.encode()}))
    assert [problem.code for problem in found] == [code]


def test_a_field_is_traced_by_output_and_number() -> None:
    stream = BytesIO((HEAD + "1,A,aa,2\n1,A,bb,0\n1,A,bc,1\n").encode())
    trace = trace_field(PLAN, stream, "f", "/lines/sku", Choice(document=2))
    assert (trace.value, trace.rules[-1].text) == ("bc", "l.SKU")
    assert trace.rules[-2].what == "where"
    assert trace_field(PLAN, stream, "f", "/orders/total").value == 3
    with pytest.raises(UsageError, match="writes no field /sku"):
        trace_field(PLAN, stream, "f", "/sku")


def test_a_difference_names_the_output() -> None:
    after = bundle(CONTEXT.replace("sku: l.SKU", "sku: l.SKU | upper"))
    stream = BytesIO((HEAD + "1,A,aa,2\n1,A,CC,1\n").encode())
    found = compare_plans(PLAN, after, stream, file="f", samples=5)
    assert (found.unchanged, found.added, found.removed) == (2, 1, 1)
    assert [sample["output"] for sample in found.documents] == ["lines", "lines"]
    fewer = bundle(
        CONTEXT.replace("n: lines | length, ", "").replace("out.orders.n", "(lines|length)")
    )
    found = compare_plans(PLAN, fewer, stream, file="f", samples=5)
    assert [*found.fields] == ["/orders/n"]
    assert found.fields["/orders/n"].samples[0]["pointer"] == "/orders/n"
