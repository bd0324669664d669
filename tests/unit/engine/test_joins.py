"""Joins: what a row of a second file gives, what it means that there is none, and bad files."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.context.bundle import load_bundle
from helixnet.engine.inspect import run_tests
from helixnet.engine.join_table import JoinFault, JoinFile
from helixnet.engine.plan import Plan, compile_plan
from helixnet.engine.seek import Choice
from helixnet.engine.trace import trace_field
from helixnet.engine.transform import index_file, map_part, transform_file
from helixnet.errors import ContextError
from tests.unit.engine.mapping.mapped import bundle, run

FLAT = """\
target: {}
source: {format: csv, fields: {NO: {type: string}, SKU: {type: string}}, nulls: ["-"]}
joins:
  material:
    source:
      format: csv
      delimiter: ";"
      decimal: ","
      fields: {MATNR: {type: string}, NAME: {type: string}, WEIGHT: {type: decimal, scale: 2}}
    on: {MATNR: SKU}
    kind: KIND
    rows: ROWS
map: {no: NO, name: material.NAME, weight: material.WEIGHT}
"""
MATERIALS = "MATNR;NAME;WEIGHT\na;Alpha;1,5\nb;Beta;2\n"
ORDERS = "NO,SKU\n1,b\n2,x\n3,-\n4,a\n"


def second(text: str, name: str = "m.csv") -> JoinFile:
    return JoinFile(name, io.BytesIO(text.encode()))


def plan(context: str, text: str = MATERIALS, **files: str) -> Plan:
    return compile_plan(bundle(context, **files), joins={"material": second(text)})


def flat(kind: str = "left", rows: str = "one") -> str:
    return FLAT.replace("KIND", kind).replace("ROWS", rows)


def test_a_left_join_leaves_absent_what_is_not_there() -> None:
    found = run(plan(flat()), ORDERS)
    assert [json.loads(text) for text in found.texts] == [
        {"no": "1", "name": "Beta", "weight": 2.0},
        {"no": "2"},
        {"no": "3"},
        {"no": "4", "name": "Alpha", "weight": 1.5},
    ]
    assert '"weight":1.50' in found.texts[3]


def test_an_inner_join_skips_records_without_a_row() -> None:
    found = run(plan(flat("inner")), ORDERS)
    assert [one["no"] for one in found.documents] == ["1", "4"]
    assert (found.counts.used, found.counts.skipped, found.counts.rejected) == (2, 2, 0)


def test_an_inner_join_stands_beside_skip_when() -> None:
    found = run(plan(flat("inner") + "skip_when: NO == '4'\n"), ORDERS)
    assert [one["no"] for one in found.documents] == ["1"]
    assert found.counts.skipped == 3


def test_a_join_that_must_match_rejects_at_the_key() -> None:
    found = run(plan(flat("reject")), ORDERS)
    assert [one["no"] for one in found.documents] == ["1", "4"]
    fault = found.rejects[0].faults[0]
    assert (fault.code, fault.target) == ("HX-2002", "/name")
    assert fault.message == '"x" is not in m.csv'
    assert fault.source is not None
    assert (fault.source.line, fault.source.field) == (3, "SKU")
    assert found.rejects[1].faults[0].message == "null is not in m.csv"


def test_several_rows_are_a_list_in_the_order_of_the_file() -> None:
    text = flat(rows="many").replace("name: material.NAME, weight: material.WEIGHT", "")
    text += "  all: {each: material, as: m, map: m.NAME}\n  sum: material | sum('WEIGHT')\n"
    text = text.replace("map: {no: NO, }", "map:\n  no: NO")
    found = run(plan(text, MATERIALS + "b;Bravo;1,25\n"), ORDERS)
    assert found.documents[0] == {"no": "1", "all": ["Beta", "Bravo"], "sum": 3.25}
    assert found.documents[1] == {"no": "2", "all": []}


GROUPED = """\
target: {}
source: {format: csv}
group: {by: NO}
joins:
  material:
    file: m.csv
    source: {format: csv}
    on: {MATNR: l.SKU, PLANT: h.PLANT}
    kind: KIND
map:
  no: h.NO
  items: {each: lines, as: l, where: l.QTY != "0", map: {sku: l.SKU, name: material.NAME}}
tests: [{name: names, input: "NO,PLANT,SKU,QTY\\n", expect: []}]
"""
LINES = "NO,PLANT,SKU,QTY\n1,p,a,1\n1,q,a,1\n1,p,b,0\n1,p,x,1\n2,p,x,1\n"
PLANTS = "MATNR,PLANT,NAME\na,p,Alpha\nb,p,Beta\na,q,Quebec\n"


def test_the_lines_of_a_group_have_rows_of_their_own() -> None:
    found = run(compile_plan(bundle(GROUPED.replace("KIND", "left"), m__csv=PLANTS)), LINES)
    assert found.documents == [
        {
            "no": "1",
            "items": [{"sku": "a", "name": "Alpha"}, {"sku": "a", "name": "Alpha"}, {"sku": "x"}],
        },
        {"no": "2", "items": [{"sku": "x"}]},
    ]


def test_an_inner_join_of_lines_drops_those_without_a_row() -> None:
    compiled = compile_plan(bundle(GROUPED.replace("KIND", "inner"), m__csv=PLANTS))
    found = run(compiled, LINES)
    assert [[item["sku"] for item in one["items"]] for one in found.documents] == [["a", "a"], []]
    bare = GROUPED.replace("KIND", "inner").replace(' where: l.QTY != "0",', "")
    found = run(compile_plan(bundle(bare, m__csv=PLANTS)), LINES)
    assert [[item["sku"] for item in one["items"]] for one in found.documents] == [
        ["a", "a", "b"],
        [],
    ]


def test_a_line_that_must_match_rejects_its_order_at_the_line() -> None:
    found = run(compile_plan(bundle(GROUPED.replace("KIND", "reject"), m__csv=PLANTS)), LINES)
    assert not found.documents
    fault = found.rejects[0].faults[0]
    assert (fault.target, fault.source and fault.source.line) == ("/items/2/name", 5)


def test_the_items_of_a_nested_record_are_joined_too() -> None:
    text = """\
target: {}
source: {format: ndjson}
joins: {m: {file: m.csv, source: {format: csv}, on: {ID: l.sku | upper}, kind: inner}}
map: {items: {each: lines, as: l, map: {q: l.q, name: m.NAME}}}
"""
    record = {"lines": [{"sku": "a", "q": 1}, {"sku": "x", "q": 2}, {"sku": "b", "q": 3}]}
    compiled = compile_plan(bundle(text, m__csv="ID,NAME\nA,Alpha\nB,Beta\n"))
    assert run(compiled, json.dumps(record) + "\n").documents == [
        {"items": [{"q": 1, "name": "Alpha"}, {"q": 3, "name": "Beta"}]}
    ]


def test_vars_and_conditions_read_joins() -> None:
    text = flat().replace(
        "map: {no: NO,", "vars: {heavy: material.WEIGHT > 1.6}\nmap: {no: {when: heavy, map: NO},"
    )
    assert [one.get("no") for one in run(plan(text), ORDERS).documents] == ["1", None, None, None]


def codes(context: str, **files: str) -> list[tuple[str, str]]:
    with pytest.raises(ContextError) as caught:
        compile_plan(bundle(context, **files))
    return [(one.code, f"{one.mark}: {one.message}") for one in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("material.NAME", "material.NAMME", "HX-4103", "unknown name `NAMME`"),
        ("weight: material.WEIGHT", "w: material.WEIGHT + 'x'", "HX-4106", "`+` takes numbers"),
        ("on: {MATNR: SKU}", "on: {MATNR: SKUU}", "HX-4103", "where `material` is read in line 16"),
        ("on: {MATNR: SKU}", "on: {MATNRR: SKU}", "HX-4103", "`MATNRR` is no field of the join"),
        ("on: {MATNR: SKU}", "on: {}", "HX-4004", "reads nothing"),
        ("on: {MATNR: SKU}", "on: {MATNR: {const: a}}", "HX-4004", "reads nothing"),
        ("on: {MATNR: SKU}", "on: {MATNR: {a: b}}", "HX-4004", "one expression"),
        ("on: {MATNR: SKU}", "on: MATNR", "HX-4004", "`on` is a mapping"),
        ("on: {MATNR: SKU}", "", "HX-4005", "lacks `on`"),
        ("kind: KIND", "kind: outer", "HX-4004", "`kind`"),
        ("  material:", "  NO:", "HX-4004", "a name of the group, a var or a field already"),
        ("      format: csv", "      format: ndjson", "HX-4", ""),
        ("on: {MATNR: SKU}", "on: {MATNR: l.SKU}\n    kind: inner", "HX-4", ""),
        ("name: material.NAME, weight: material.WEIGHT", "", "HX-4113", "is not read"),
        (
            "map: {no: NO, name: material.NAME, weight: material.WEIGHT}",
            "template: t.j2",
            "HX-4004",
            "go with `map`",
        ),
    ],
)
def test_a_mistake_in_a_join_is_a_problem(old: str, new: str, code: str, words: str) -> None:
    found = codes(FLAT.replace(old, new).replace("KIND", "left").replace("ROWS", "one"), t__j2="{}")
    assert any(one.startswith(code) and words in told for one, told in found), found


def test_a_second_file_that_is_not_given_is_missed() -> None:
    assert [code for code, _ in codes(flat())] == ["HX-4304"]
    with pytest.raises(ContextError, match="no join `other`"):
        compile_plan(bundle(flat()), joins={"material": second(MATERIALS), "other": second("")})


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("MATNR;NAME;WEIGHT\na;A;1\nb;B\nc;C;x\n", [(3, "cells"), (4, '"x" is not a number')]),
        (
            "MATNR;NAME;WEIGHT\na;A;1\nb;B;1\na;C;1\n",
            [(4, "key `a` stands twice, first on line 2")],
        ),
        ("MATNR;NAME\n", [(1, "no column `WEIGHT`")]),
        ("MATNR;NAME;WEIGHT;NAME\n", [(1, "`NAME` stands twice")]),
        ('MATNR;NAME;WEIGHT\n"a;A;1\n', [(2, "")]),
        ("a\0b", [(1, "NUL")]),
    ],
)
def test_a_bad_row_of_the_second_file_refuses_the_run(
    text: str, faults: list[tuple[int, str]]
) -> None:
    with pytest.raises(JoinFault) as caught:
        plan(flat(), text)
    assert caught.value.code == "HX-5040"
    assert [line for line, _ in caught.value.faults] == [line for line, _ in faults]
    assert all(
        words in told for (_, told), (_, words) in zip(caught.value.faults, faults, strict=True)
    )
    assert str(caught.value).startswith(f"m.csv:{faults[0][0]}: ")


def test_a_bad_file_of_the_bundle_is_a_problem_of_check() -> None:
    context = GROUPED.replace("KIND", "left")
    found = codes(context, m__csv=PLANTS + "a,p,Again\n")
    assert found == [("HX-4205", "m.csv:5:1: key `a, p` stands twice, first on line 2")]


def test_keys_never_run_together() -> None:
    """`ab` + `c` is no `a` + `bc`."""
    text = PLANTS.replace("a,p", '"a"",""p",x')
    compiled = compile_plan(bundle(GROUPED.replace("KIND", "left"), m__csv=text))
    assert run(compiled, "NO,PLANT,SKU,QTY\n1,p,a,1\n").documents[0]["items"] == [{"sku": "a"}]


def test_the_second_file_is_part_of_the_hash_of_the_inputs() -> None:
    one, same, other = plan(flat()), plan(flat()), plan(flat(), MATERIALS + "c;C;1\n")
    assert one.inputs_hash == same.inputs_hash != other.inputs_hash
    inside = compile_plan(bundle(GROUPED.replace("KIND", "left"), m__csv=PLANTS))
    assert (
        inside.inputs_hash
        == compile_plan(
            bundle("target: {}\nsource: {format: csv}\nmap: {a: {const: 1}}\n")
        ).inputs_hash
    )


def test_a_file_cut_into_parts_gives_the_same_bytes() -> None:
    orders = "NO,SKU\n" + "".join(f"{n},{'abx'[n % 3]}\n" for n in range(500))
    written: list[bytes] = []
    for size in (1 << 20, 97):
        compiled, stream, out = plan(flat()), io.BytesIO(orders.encode()), io.BytesIO()
        index = index_file(compiled, stream, part_size=size)
        for part in index.parts:
            map_part(compiled, index, part, stream, documents=out, rejects=io.BytesIO(), file="f")
        written.append(out.getvalue())
    assert written[0] == written[1]
    assert written[0].count(b"\n") == 500


def test_a_trace_shows_file_and_line_of_the_row() -> None:
    made = plan(flat())
    found = trace_field(made, io.BytesIO(ORDERS.encode()), "f", "/name", Choice(record=1))
    assert [s.seen.row for s in found.rules[0].steps if s.seen.row] == ["row b: m.csv:3"]
    found = trace_field(made, io.BytesIO(ORDERS.encode()), "f", "/name", Choice(record=2))
    assert [s.seen.row for s in found.rules[0].steps if s.seen.row] == ["no row for x"]
    found = trace_field(
        plan(flat("inner")), io.BytesIO(ORDERS.encode()), "f", "/name", Choice(record=2)
    )
    assert found.skipped


TESTED = (
    flat()
    + """\
tests:
  - name: a row
    joins: {material: "MATNR;NAME;WEIGHT\\nb;Beta;2\\n"}
    input: "NO,SKU\\n1,b\\n"
    expect: {name: Beta}
  - name: another file
    joins: {material: "MATNR;NAME;WEIGHT\\nb;Bravo;2\\n"}
    input: "NO,SKU\\n1,b\\n"
    expect: {name: Bravo}
"""
)


def test_tests_bring_their_own_second_files() -> None:
    assert [one.differences for one in run_tests(bundle(TESTED))] == [[], []]
    found = codes(TESTED.replace('joins: {material: "', 'joins: {materiel: "'))
    assert ("HX-4003", "c.yaml:19:13: `materiel` is no join of this context") in found


def test_a_folder_brings_the_second_file_that_the_context_names(tmp_path: Any) -> None:
    text = "helixnet: 1\nname: t\nversion: 1.0.0\n" + GROUPED.replace("KIND", "left")
    (tmp_path / "c.yaml").write_text(text)
    (tmp_path / "m.csv").write_text(PLANTS)
    assert sorted(load_bundle(tmp_path / "c.yaml").files) == ["c.yaml", "m.csv"]


def test_columns_leave_joins_to_rows() -> None:
    assert "not by columns: `joins`" in plan(flat()).explain()


def test_a_step_of_a_pipeline_may_join() -> None:
    """The second file goes to the step that declares the join."""
    head = "helixnet: 1\nname: {}\nversion: 1.0.0\n"
    second_step = """\
target: true
source: {format: json}
map: {no: no, name: name}
"""
    files = {
        "one__yaml": head.format("one") + flat("reject"),
        "two__yaml": head.format("two") + second_step,
    }
    pipeline = head.format("both") + "pipeline: [{use: one.yaml}, {use: two.yaml}]\n"
    made = compile_plan(bundle(pipeline, **files), joins={"material": second(MATERIALS)})
    assert [one["name"] for one in run(made, "NO,SKU\n1,b\n").documents] == ["Beta"]
    assert [code for code, _ in codes(pipeline, **files)] == ["HX-4304"]
    assert (
        made.inputs_hash
        != compile_plan(
            bundle(pipeline, **files), joins={"material": second(MATERIALS + "c;C;1\n")}
        ).inputs_hash
    )


WORDS = st.sampled_from(["a", "b", "ab", "", "ä", '"', "0", "00"])
CELL = {"a": "a", "b": "b", "ab": "ab", "": "", "ä": "ä", '"': '""""', "0": "0", "00": "00"}


@given(st.lists(st.tuples(WORDS, WORDS), max_size=8), st.lists(WORDS, max_size=8))
def test_a_join_is_what_nested_loops_find(rows: list[tuple[str, str]], keys: list[str]) -> None:
    text = "MATNR;NAME;WEIGHT\n" + "".join(f"{CELL[k]};{CELL[n]};1\n" for k, n in rows)
    context = flat(rows="many").replace('nulls: ["-"]', "on_drift: allow")
    context = context.replace("name: material.NAME, weight: material.WEIGHT", "names: NAMES")
    context = context.replace("names: NAMES", "names: {each: material, as: m, map: m.NAME}")
    data = "NO,SKU\n" + "".join(f"1,{CELL[key]}\n" for key in keys)
    found = [one["names"] for one in run(plan(context, text), data).documents]
    assert found == [[name for key, name in rows if key == wanted] for wanted in keys]


def test_totals_count_what_an_inner_join_leaves_out() -> None:
    text = flat("inner") + "totals: {weight: material.WEIGHT, all: NO | int}\n"
    that = "totals.all == 10 and totals.weight == 3.5"
    text += f"file_checks: [{{that: {that}, code: SUM, text: other sums}}]\n".replace(
        "other sums", "'\"other sums\"'"
    )
    out = io.BytesIO()
    found = transform_file(
        plan(text), io.BytesIO(ORDERS.encode()), documents=out, rejects=io.BytesIO(), file="f"
    )
    assert (found.verdict.state, found.verdict.message) == ("COMPLETED", "")
    assert (found.counts.used, found.counts.skipped) == (2, 2)
