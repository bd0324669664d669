"""``pipeline``: steps of one bundle; counts and places stay those of the file."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.compare import compare_plans
from helixnet.engine.context.bundle import Bundle, bundle_from_files, bundle_from_zip, load_bundle
from helixnet.engine.coverage import Coverage
from helixnet.engine.examine import check_bundle
from helixnet.engine.inspect import run_tests
from helixnet.engine.outcome import Counts
from helixnet.engine.plan import Plan, compile_plan
from helixnet.engine.seek import Choice
from helixnet.engine.trace import trace_field
from helixnet.engine.transform import index_file, map_part
from helixnet.errors import ContextError

A = """\
helixnet: 1
name: a
version: 1.0.0
source:
  format: csv
  fields: {NO: {type: string}, BUYER: {type: string}, SKU: {type: string}, QTY: {type: integer}}
group: {by: NO}
skip_when: h.BUYER == "SKIP"
target: {type: object, required: [no]}
map: {no: h.NO, buyer: h.BUYER, lines: {each: lines, as: l, map: {sku: l.SKU, qty: l.QTY}}}
"""
EACH = (
    A.partition("map:")[0]
    + """\
map:
  each: lines
  as: l
  map: {no: h.NO, buyer: h.BUYER, lines: [{sku: l.SKU, qty: l.QTY}]}
"""
)
B = """\
helixnet: 1
name: b
version: 1.0.0
inputs: {most: {type: integer, default: 100}}
source: {format: json, fields: {no: {type: integer, required: true}}}
target:
  type: object
  required: [id, total]
  properties:
    {id: {type: integer}, buyer: {type: string}, total: {type: integer, maximum: 100},
     line: {type: integer}}
skip_when: buyer == "TEST"
map: {id: no, buyer: buyer, total: lines | sum("qty"), line: _line}
deliver: [{topic: b.out, key: out.id}]
"""
C = """\
helixnet: 1
name: c
version: 2.0.0
pipeline:
  - use: a.yaml
  - use: b.yaml
"""
FILES = {"c.yaml": C, "a.yaml": A, "b.yaml": B}
HEAD = "NO,BUYER,SKU,QTY\n"


def plan_of(files: Mapping[str, str] = FILES) -> Plan:
    return compile_plan(bundle(files))


def bundle(files: Mapping[str, str]) -> Bundle:
    return bundle_from_files("c.yaml", {name: text.encode() for name, text in files.items()})


def run(plan: Plan, rows: str, size: int = 1 << 30) -> tuple[bytes, bytes, Counts]:
    data = (HEAD + rows).encode()
    documents, rejects, counts = BytesIO(), BytesIO(), Counts()
    index = index_file(plan, BytesIO(data), part_size=size)
    for part in index.parts:
        counts += map_part(
            plan, index, part, BytesIO(data), documents=documents, rejects=rejects, file="f"
        ).counts
    assert counts.balanced
    return documents.getvalue(), rejects.getvalue(), counts


def lines(data: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in data.splitlines()]


PLAN = plan_of()


def test_the_documents_of_a_step_are_the_records_of_the_next() -> None:
    documents, _, counts = run(PLAN, "1,A,x,1\n1,A,y,2\n2,B,x,3\n3,SKIP,x,1\n4,TEST,x,1\n")
    assert lines(documents) == [
        {"id": 1, "buyer": "A", "total": 3, "line": 2},
        {"id": 2, "buyer": "B", "total": 3, "line": 4},
    ]
    assert counts == Counts(records=4, used=2, skipped=2, documents=2, written=2)


@pytest.mark.parametrize(
    ("row", "code", "step", "source", "target"),
    [
        ("x,A,y,1", "HX-1103", "b.yaml", {"line": 3, "byte": 25, "field": "/no"}, "/id"),
        ("5,A,y,101", "HX-3004", "b.yaml", {"line": 3, "byte": 25, "field": "/lines"}, "/total"),
        (
            "5,A,y,z",
            "HX-1103",
            "a.yaml",
            {"line": 3, "byte": 25, "column": 7, "field": "QTY"},
            "/lines/0/qty",
        ),
    ],
)
def test_a_reject_names_the_file_s_record_and_the_step(
    row: str, code: str, step: str, source: dict[str, object], target: str
) -> None:
    documents, rejects, counts = run(PLAN, f"1,A,x,1\n{row}\n")
    assert len(lines(documents)) == 1
    (reject,) = lines(rejects)
    assert (reject["record"], reject["line"], reject["raw"]) == (2, 3, f"{row}\n")
    (error,) = reject["errors"]  # type: ignore[misc]
    assert (error["code"], error["step"], error["source"], error["target"]) == (
        *(code, step),
        *(source, target),
    )
    assert counts == Counts(2, 1, 1, 0, 2, 1, 1)


def test_all_documents_of_a_record_stand_or_fall_in_every_step() -> None:
    plan = plan_of(FILES | {"a.yaml": EACH})
    documents, rejects, counts = run(plan, "1,A,x,1\n1,A,y,2\n2,A,x,1\n2,A,y,101\n2,A,z,102\n")
    assert [one["total"] for one in lines(documents)] == [1, 2]
    (reject,) = lines(rejects)
    assert [error["value"] for error in reject["errors"]] == ["101", "102"]  # type: ignore[attr-defined]
    assert counts == Counts(2, 1, 1, 0, 5, 2, 3)


WHEN = C.replace("- use: b.yaml", "- {use: b.yaml, when: 'buyer != \"RAW\"'}")


def test_a_document_passes_by_a_step_that_is_not_for_it() -> None:
    middle = B.partition("source:")[0].replace("name: b", "name: m")
    middle += "source: {format: json}\ntarget: true\n"
    middle += 'map: {no: no, buyer: "X{{ buyer }}", lines: lines}\n'
    files = FILES | {
        "c.yaml": C.replace(
            "  - use: b", "  - {use: m.yaml, when: 'buyer != \"RAW\"'}\n  - use: b"
        ),
        "m.yaml": middle,
    }
    documents, _, _ = run(plan_of(files), "1,A,x,1\n2,RAW,x,2\n")
    assert [one["buyer"] for one in lines(documents)] == ["XA", "RAW"]


def test_past_the_last_step_only_what_its_target_allows_is_a_result() -> None:
    plan = plan_of(FILES | {"c.yaml": WHEN})
    documents, rejects, _ = run(plan, "1,A,x,1\n2,RAW,x,2\n")
    assert len(lines(documents)) == 1
    (reject,) = lines(rejects)
    assert {(e["code"], e["target"], e["step"]) for e in reject["errors"]} == {  # type: ignore[attr-defined]
        ("HX-3001", "/id", "b.yaml"),
        ("HX-3001", "/total", "b.yaml"),
    }
    free = plan_of(FILES | {"c.yaml": WHEN, "b.yaml": B.replace("  required: [id, total]\n", "")})
    documents, _, _ = run(free, "2,RAW,x,2\n")
    assert lines(documents) == [{"no": "2", "buyer": "RAW", "lines": [{"sku": "x", "qty": 2}]}]


def test_a_condition_that_is_none_rejects_the_record() -> None:
    plan = plan_of(FILES | {"c.yaml": C.replace("- use: b.yaml", "- {use: b.yaml, when: buyer}")})
    _, rejects, _ = run(plan, "1,A,x,1\n")
    (reject,) = lines(rejects)
    assert "`when` of this step" in reject["errors"][0]["message"]  # type: ignore[index]


rows_of = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "x", "4"]),
        st.sampled_from(["A", "RAW", "TEST", "SKIP"]),
        st.sampled_from(["x", "yü"]),
        st.sampled_from(["1", "99", "x", ""]),
    ).map(",".join),
    max_size=16,
)
PLANS = [PLAN, plan_of(FILES | {"a.yaml": EACH}), plan_of(FILES | {"c.yaml": WHEN})]


@given(rows_of, st.integers(1, 60), st.sampled_from(PLANS))
def test_cut_anywhere_a_pipeline_gives_the_same_bytes(
    rows: list[str], size: int, plan: Plan
) -> None:
    text = "\n".join(rows)
    assert run(plan, text, size) == run(plan, text)


@given(rows_of)
def test_a_pipeline_is_its_steps_one_after_the_other(rows: list[str]) -> None:
    """Of records that no step rejects the documents are those of two runs."""
    first = compile_plan(bundle_from_files("a.yaml", {"a.yaml": A.encode()}))
    text = B.replace("format: json, fields: {", "format: ndjson, fields: {buyer: {}, lines: {}, ")
    second = compile_plan(bundle_from_files("b.yaml", {"b.yaml": text.encode()}))
    between, _, _ = run(first, "\n".join(rows))
    documents, rejects = BytesIO(), BytesIO()
    index = index_file(second, BytesIO(between))
    for part in index.parts:
        map_part(
            second, index, part, BytesIO(between), documents=documents, rejects=rejects, file="f"
        )
    alone = [one | {"line": 0} for one in lines(documents.getvalue())]
    piped = [one | {"line": 0} for one in lines(run(PLAN, "\n".join(rows))[0])]
    assert piped == alone


@pytest.mark.parametrize(
    ("changes", "place", "code", "words"),
    [
        ({"b.yaml": B.replace("buyer: buyer", "buyer: byer")}, "b.yaml:13", "HX-4103", "`byer`"),
        ({"b.yaml": B.replace("{no: {", "{nr: {")}, "b.yaml:5", "HX-4103", "`a.yaml` has `nr`"),
        ({"b.yaml": B.replace("format: json", "format: csv")}, "b.yaml:5", "HX-4004", "step 2"),
        ({"a.yaml": A.replace("h.NO,", "h.NOO,")}, "a.yaml:10", "HX-4103", "`NOO`"),
        ({"c.yaml": C.replace("b.yaml", "x.yaml")}, "c.yaml:6", "HX-4201", "`x.yaml`"),
        ({"c.yaml": C.replace("b.yaml", "c.yaml")}, "c.yaml:6", "HX-4004", "step of itself"),
        ({"b.yaml": C.replace("b.yaml", "a.yaml")}, "c.yaml:1", "HX-4004", "pipeline itself"),
        ({"c.yaml": f"{C}map: {{}}\n"}, "c.yaml:7", "HX-4004", "leaves `map` to its steps"),
        ({"c.yaml": f"{C[: C.index('  -')]}  []\n"}, "c.yaml:5", "HX-4004", "has no step"),
        ({"c.yaml": WHEN.replace("buyer !=", "byer !=")}, "c.yaml:6", "HX-4103", "`byer`"),
        (
            {"c.yaml": C.replace("- use: a.yaml", "- {use: a.yaml, when: x}")},
            *("c.yaml:5", "HX-4004", "no document yet"),
        ),
        (
            {
                "a.yaml": A.partition("target:")[0]
                + "outputs: {o: {target: true, map: {no: h.NO}}}\n"
            },
            *("a.yaml:9", "HX-4004", "not the last step"),
        ),
        (
            {"a.yaml": A.replace("target:", "inputs: {most: {type: string}}\ntarget:")},
            *("b.yaml:4", "HX-4004", "declared otherwise"),
        ),
    ],
)
def test_check_finds_faults_in_every_step(
    changes: dict[str, str], place: str, code: str, words: str
) -> None:
    found = check_bundle(bundle(FILES | changes))
    named = [(str(p.mark).rpartition(":")[0], p.code, p.message) for p in found]
    assert any((at, which) == (place, code) and words in text for at, which, text in named), named


def test_a_field_that_no_document_has_is_warned_of() -> None:
    text = B.replace("{no:", "{note: {type: date}, no:")
    found = check_bundle(bundle(FILES | {"b.yaml": text}))
    problem = next(one for one in found if one.code == "HX-4114")
    assert (problem.severity, "`a.yaml` has `note`" in problem.message) == ("warning", True)


def test_the_bundle_holds_the_steps_and_its_hash_covers_them(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    found = load_bundle(tmp_path)
    assert (found.entry, sorted(found.files)) == ("c.yaml", ["a.yaml", "b.yaml", "c.yaml"])
    assert bundle_from_zip(found.to_zip()).hash == found.hash
    (tmp_path / "b.yaml").write_text(B + "# more\n", "utf-8")
    assert load_bundle(tmp_path / "c.yaml").hash != found.hash


def test_tests_coverage_and_diff_go_through_all_steps() -> None:
    text = C + (
        f"tests:\n  - name: t\n    input: |\n      {HEAD}      1,A,x,1\n"
        "    expect: {id: 1, total: 1}\n  - name: bad\n    input: |\n"
        f"      {HEAD}      x,A,x,1\n    rejects: [{{code: HX-1103, step: b.yaml, line: 2}}]\n"
    )
    coverage = Coverage()
    results = run_tests(bundle(FILES | {"c.yaml": text}), coverage)
    assert [result.differences for result in results] == [[], []]
    assert [field.pointer for field in coverage.unwritten] == []
    after = plan_of(FILES | {"b.yaml": B.replace('"qty")', '"qty") + 1')})
    stream = BytesIO(f"{HEAD}1,A,x,1\n2,A,x,100\n".encode())
    found = compare_plans(PLAN, after, stream, file="f", samples=3)
    assert [*found.fields] == ["/total"]
    assert found.new_rejects == 1


def test_inputs_reach_the_step_that_declares_them() -> None:
    text = B.replace("total: lines", "buyer2: inputs.most, total: lines").replace(
        "buyer: {type: string}", "buyer: {type: string}, buyer2: {type: integer}"
    )
    plan = compile_plan(bundle(FILES | {"b.yaml": text}), {"most": "7"})
    assert lines(run(plan, "1,A,x,1\n")[0])[0]["buyer2"] == 7
    with pytest.raises(ContextError, match="HX-4303"):
        compile_plan(bundle(FILES), {"least": "7"})


def test_a_trace_goes_through_the_last_step() -> None:
    """To the place in the document that it read, and the record's line."""
    stream = BytesIO(f"{HEAD}1,A,x,1\n1,A,y,2\n2,B,x,3\nz,C,x,1\n".encode())
    trace = trace_field(PLAN, stream, "f", "/total", Choice(document=2))
    assert (trace.record, trace.line, trace.written, trace.value) == (2, 4, True, 3)
    (rule,) = trace.rules
    assert (rule.mark.file, rule.text) == ("b.yaml", 'lines | sum("qty")')
    places = [(e.place.line, e.place.field) for step in rule.steps for e in step.excerpts]
    assert places == [(4, "/lines/0/qty")]
    of_id = trace_field(PLAN, stream, "f", "/id", Choice(record=3))
    assert (of_id.written, [fault.step for fault in of_id.faults]) == (False, ["b.yaml"])


def test_a_trace_finds_the_document_among_those_of_a_record() -> None:
    plan = plan_of(
        FILES
        | {"a.yaml": EACH, "c.yaml": WHEN, "b.yaml": B.replace("  required: [id, total]\n", "")}
    )
    stream = BytesIO(f"{HEAD}1,A,x,1\n1,RAW,y,2\n1,A,y,3\n2,RAW,x,4\n".encode())
    trace = trace_field(plan, stream, "f", "/total", Choice(document=3))
    assert (trace.value, trace.line) == (3, 2)
    passing = trace_field(plan, stream, "f", "/id", Choice(document=4))
    assert (passing.written, passing.rules) == (False, [])
