"""The shapes of a map: lists, conditions, what is built so far, vars, groups, faults."""

import json
from decimal import Decimal
from typing import Any

from helixnet.engine.output import json_text
from helixnet.engine.plan import compile_plan
from tests.unit.engine.mapping.mapped import bundle, mapped, plan, run

ANY = "target: {}\nsource: {format: ndjson}\n"


def one(tail: str, record: Any) -> Any:
    found = mapped(ANY + tail, json.dumps(record) + "\n")
    assert not found.rejects, found.rejects
    return found.documents[0]


def codes(tail: str, record: Any) -> list[tuple[str, str | None]]:
    return mapped(ANY + tail, json.dumps(record) + "\n").codes


ITEMS = {"items": [{"n": 1}, {"n": 2}, {"n": None}, {"n": 4}], "one": {"n": 9}, "nul": None}


def test_each_with_where_and_positions() -> None:
    tail = """\
map:
  list:
    each: items
    as: i
    where: i.n != 2
    map: {n: i.n, pos: i._pos, index: _index, prev: i._prev.n, next: i._next.n}
"""
    assert one(tail, ITEMS)["list"] == [
        {"n": 1, "pos": 1, "index": 1, "next": 2},
        {"n": None, "pos": 3, "index": 2, "prev": 2, "next": 4},
        {"n": 4, "pos": 4, "index": 3, "prev": None},
    ]


def test_each_over_nothing_is_an_empty_list_and_over_an_object_a_reject() -> None:
    assert one("map: {a: {each: gone, map: 1}, b: {each: nul, map: 1}}", ITEMS) == {
        "a": [],
        "b": [],
    }
    assert codes("map: {a: {each: one, map: 1}}", ITEMS) == [("HX-2005", "/a")]


def test_an_absent_element_drops_out_and_null_stays() -> None:
    assert one("map: {a: {each: items, as: i, map: i.n}}", ITEMS)["a"] == [1, 2, None, 4]
    assert one("map: {a: {each: items, as: i, map: 'i.n if i.n == 2'}}", ITEMS)["a"] == [2]
    nested = "map: {a: {each: items, as: i, map: {when: i.n > 1, map: i.n}}}"
    assert one(nested, ITEMS)["a"] == [2, 4]


def test_null_in_a_list_that_takes_no_null_is_a_reject() -> None:
    context = """\
target: {properties: {a: {type: array, items: {type: integer}}}}
source: {format: ndjson}
map: {a: {each: items, as: i, map: i.n}}
"""
    assert mapped(context, json.dumps(ITEMS) + "\n").codes == [("HX-3002", "/a/2")]


def test_an_element_with_each_is_spliced_into_a_list() -> None:
    tail = """\
map:
  a:
    - 'one.n'
    - {each: items, as: i, where: i.n > 1, map: i.n}
    - {when: one.n == 1, map: 7}
    - {const: [1]}
"""
    assert one(tail, ITEMS)["a"] == [9, 2, 4, [1]]


def test_names_without_as_are_those_of_the_item() -> None:
    record = {"list": [{"n": 1, "sub": [{"m": 2}]}]}
    tail = """\
map:
  a:
    each: list
    as: x
    map: {each: x.sub, as: y, map: {n: x.n, m: y.m, up: y._parent.n}}
"""
    assert one(tail, record) == {"a": [[{"n": 1, "m": 2, "up": 1}]]}
    assert one("map: {a: {each: list, map: n}}", record) == {"a": [1]}


def test_an_object_whose_leaves_are_all_absent_is_empty() -> None:
    assert one("map: {a: {b: gone, c: {d: gone.x}}}", {}) == {"a": {"c": {}}}
    assert one("map: {a: gone, b: {when: false, map: {c: 1}}, d: 1, e: gone, f: 2}", {}) == {
        "d": 1,
        "f": 2,
    }


def test_out_and_this_read_what_is_built_in_any_order() -> None:
    tail = """\
map:
  total: out.list | sum("v")
  count: out.list | length
  list:
    each: items
    as: i
    where: i.n is present
    map: {v: 'i.n * 10', w: 'this.v + 1', t: out.tag}
  tag: '"t" ~ out.sub.x'
  sub: {y: 'this.x + 1', x: one.n}
  whole: out.sub
"""
    found = one(tail, ITEMS)
    assert found["total"] == 70
    assert found["count"] == 3
    assert found["list"][1] == {"v": 20, "w": 21, "t": "t9"}
    assert found["sub"] == found["whole"] == {"y": 10, "x": 9}
    assert list(found) == ["total", "count", "list", "tag", "sub", "whole"]


def test_out_reads_absent_where_a_condition_left_something_out() -> None:
    tail = """\
map:
  a: {when: one.n == 1, map: {x: one.n, y: this.x}}
  b: 'out.a.x | or_else(5)'
  c: {when: one.n == 9, map: {x: one.n, y: 'this.x + 1'}}
  d: out.c.y
"""
    assert one(tail, ITEMS) == {"b": 5, "c": {"x": 9, "y": 10}, "d": 10}


def test_vars_see_each_other_in_any_order_and_may_hold_lists() -> None:
    tail = """\
vars:
  double: base * 2
  base: one.n
  list: {each: items, as: i, where: i.n is present, map: {v: 'i.n + base'}}
map: {d: double, s: 'list | sum("v")', f: '(list | first).v'}
"""
    assert one(tail, ITEMS) == {"d": 18, "s": 34, "f": 10}


def test_map_may_be_an_each_of_which_all_documents_stand_or_fall_together() -> None:
    context = """\
target: {properties: {n: {type: integer, minimum: 2}}}
source: {format: ndjson}
map: {each: items, as: i, map: {n: i.n}}
"""
    text = '{"items":[{"n":2},{"n":3}]}\n{"items":[{"n":5},{"n":1},{"n":0}]}\n{"items":[]}\n'
    found = mapped(context, text)
    assert found.documents == [{"n": 2}, {"n": 3}]
    assert found.codes == [("HX-3004", "/n"), ("HX-3004", "/n")]
    assert (found.counts.used, found.counts.rejected) == (2, 1)
    assert (found.counts.documents, found.counts.written) == (5, 2)


def test_checks_see_the_document_and_give_their_own_code() -> None:
    tail = """\
map: {id: one.n, list: {each: items, as: i, map: i.n}}
checks:
  - {that: (out.list | length) > 9, code: FEW, text: "order {{ out.id }} of {{ nul }} is short"}
  - {that: out.id == 9, code: NEVER, text: never}
"""
    found = mapped(ANY + tail, json.dumps(ITEMS) + "\n")
    fault = found.rejects[0].faults[0]
    assert [fault.code for fault in found.rejects[0].faults] == ["FEW"]
    assert fault.message == "order 9 of  is short"
    assert fault.rule is not None
    assert "HX-2006" in fault.rule.expression


def test_skip_when_runs_first_and_counts_as_skipped() -> None:
    tail = 'vars: {v: k == "x"}\nskip_when: v\nmap: {a: n | int}'
    found = mapped(ANY + tail, '{"k":"x","n":"bad"}\n{"k":"y","n":"1"}\n')
    assert (found.counts.skipped, found.counts.used, found.documents) == (1, 1, [{"a": 1}])


def test_a_fault_in_a_var_is_told_for_each_target_that_it_feeds() -> None:
    assert codes("vars: {v: n | int}\nmap: {a: v, b: v + 1, c: 1}", {"n": "x"}) == [
        ("HX-2001", "/a"),
        ("HX-2001", "/b"),
    ]


CSV = """\
target:
  type: object
  required: [id]
  properties:
    id: {type: string, maxLength: 3}
    day: {type: string, format: date}
    name: {type: string, minLength: 1}
    lines:
      type: array
      minItems: 1
      items:
        properties: {no: {type: integer, minimum: 1}, qty: {type: number}, unit: {enum: [PCE]}}
    sum: {type: number}
source:
  format: csv
  delimiter: ";"
  nulls: ["NULL"]
  decimal: ","
  fields:
    ID: {type: string, required: true}
    DAY: {type: date, format: "%d.%m.%Y"}
    NAME: {type: string}
    NO: {type: integer}
    QTY: {type: decimal, scale: 2}
    UNIT: {type: string}
group: {by: ID, order: consecutive, header: h, lines: lines, same: [DAY]}
lookups:
  unit: {inline: {ST: PCE, BX: BOX}, missing: reject}
map:
  id: h.ID
  day: h.DAY
  name: h.NAME
  lines:
    each: lines
    as: l
    where: l.UNIT != "X"
    map: {no: l.NO, qty: l.QTY, unit: 'l.UNIT | lookup("unit")'}
  sum: lines | sum("QTY")
"""
HEADER = "ID;DAY;NAME;NO;QTY;UNIT\n"


def test_a_group_is_one_document_with_its_rows() -> None:
    found = mapped(CSV, HEADER + "A;23.11.2026;n;1;1,5;ST\nA;23.11.2026;;2;2,25;X\n")
    assert found.texts == [
        (
            '{"id":"A","day":"2026-11-23","name":"n","lines":[{"no":1,"qty":1.50,"unit":"PCE"}]'
            ',"sum":3.75}'
        )
    ]


def test_all_faults_of_a_record_come_at_once_with_line_column_and_target() -> None:
    rows = "LONG;23.13.2026;;0;1,5;ST\nLONG;23.13.2026;;x;1,555;KG\nLONG;24.11.2026;;3;1;BX\n"
    found = mapped(CSV, HEADER + "B;01.01.2026;n;1;1;ST\n" + rows)
    (reject,) = found.rejects
    assert (reject.record, reject.line, found.counts.used) == (2, 3, 1)
    seen = {
        (f.code, f.source.line if f.source else 0, f.source.field if f.source else "", f.target)
        for f in reject.faults
    }
    assert seen == {
        ("HX-1105", 3, "DAY", "/day"),
        ("HX-1107", 5, "DAY", "/day"),
        ("HX-1103", 4, "NO", "/lines/1/no"),
        ("HX-1104", 4, "QTY", "/lines/1/qty"),
        ("HX-1104", 4, "QTY", "/sum"),
        ("HX-2002", 4, "UNIT", "/lines/1/unit"),
        ("HX-3004", 3, "NAME", "/name"),
        ("HX-3004", 3, "ID", "/id"),
        ("HX-3004", 3, "NO", "/lines/0/no"),
        ("HX-3003", 5, "UNIT", "/lines/2/unit"),
    }
    quantity = next(f for f in reject.faults if f.target == "/lines/1/qty")
    assert (quantity.value, quantity.rule and quantity.rule.expression) == ("1,555", "l.QTY")


def test_a_row_that_where_drops_is_not_converted() -> None:
    context = CSV.replace('  sum: lines | sum("QTY")\n', "")
    found = mapped(context, HEADER + "A;23.11.2026;n;1;1,5;ST\nA;23.11.2026;;zz;yy;X\n")
    assert found.counts.written == 1


def test_a_required_field_that_is_empty_or_null_is_a_fault() -> None:
    source = "source: {format: csv, nulls: [N], fields: {A: {type: string, required: true}, B: {}}}"
    context = f"target: {{}}\n{source}\nmap: {{a: A}}\n".replace("B: {}", "B: {type: string}")
    found = mapped(context, "A,B\nx,1\n,2\nN,3\n")
    assert found.codes == [("HX-1101", "/a")] * 2
    unread = mapped(context.replace("{a: A}", "{b: B}"), "A,B\nx,1\n,2\n")
    assert unread.codes == [("HX-1101", None)]


def test_a_declared_column_that_the_file_lacks_rejects_every_record() -> None:
    context = "target: {}\nsource: {format: csv, fields: {A: {}, B: {}}}\nmap: {a: A, b: B, c: B}\n"
    found = mapped(context, "A\n1\n2\n")
    assert found.codes == [("HX-1109", "/b"), ("HX-1109", "/c")] * 2
    assert found.counts.rejected == 2


def test_unreadable_rows_are_rejects_with_the_readers_reason() -> None:
    context = "target: {}\nsource: {format: csv}\nmap: {a: A, b: B}\n"
    found = mapped(context, "A,B\n1,2\n3\n4,5\n")
    assert [fault.code for r in found.rejects for fault in r.faults] == ["HX-1002"]
    assert found.counts.written == 2


def test_booleans_datetimes_and_inputs() -> None:
    context = """\
target: {}
source:
  format: csv
  fields:
    ON: {type: boolean, true: [X, "1"], false: ["", "0"]}
    AT: {type: datetime, format: "%Y%m%d%H%M%S", zone: Z}
inputs: {plant: {type: string, default: "1000"}, today: {type: date}}
map: {on: ON, at: AT, plant: inputs.plant, late: 'inputs.today < date_of'}
vars: {date_of: '"2026-12-01" | date("%Y-%m-%d")'}
"""
    compiled = plan(context, {"today": "2026-11-23"})
    found = run(compiled, "ON,AT\nX,20261123101500\n,20261123101501\nno,1\n")
    assert found.documents == [
        {"on": True, "at": "2026-11-23T10:15:00Z", "plant": "1000", "late": True},
        {"on": False, "at": "2026-11-23T10:15:01Z", "plant": "1000", "late": True},
    ]
    assert found.codes == [("HX-1106", "/on"), ("HX-1105", "/at")]
    assert compiled.inputs_hash != plan(context, {"today": "2026-11-24"}).inputs_hash


def test_list_filters_on_rows() -> None:
    context = """\
target: {}
source: {format: csv, fields: {G: {type: string}, N: {type: integer}, T: {type: string}}}
group: {by: G, order: consecutive, header: h, lines: lines}
map:
  sorted: {each: 'lines | sort("N")', as: l, map: l.T}
  first: '(lines | first).T'
  one: 'lines | one(N=2) | get("T")'
  many: 'lines | many(N=[1, 2]) | length'
  max: 'lines | max("N")'
  line: {each: lines, as: l, where: l.N == 1, map: l._line}
  before: {each: lines, as: l, map: l._prev.N}
"""
    found = mapped(context, "G,N,T\na,3,x\na,1,y\na,2,z\n")
    assert found.documents == [
        {
            "sorted": ["y", "z", "x"],
            "first": "x",
            "one": "z",
            "many": 2,
            "max": 3,
            "line": [3],
            "before": [3, 1],
        }
    ]


def test_sum_of_nothing_has_the_scale_of_its_column() -> None:
    context = CSV.replace('lines | sum("QTY")', 'lines | many(UNIT="none") | sum("QTY")')
    found = mapped(context, HEADER + "A;23.11.2026;n;1;1,5;ST\n")
    assert found.texts[0].endswith('"sum":0.00}')
    assert found.documents[0]["sum"] == Decimal("0.00")


def test_delivery_keys_are_expressions_over_the_document() -> None:
    tail = "map: {id: n, tag: '\"t\"'}\ndeliver: [{topic: a, key: out.id}, {topic: b}]"
    compiled = plan(ANY + tail)
    assert compiled.delivery_key(0, {"id": 7, "tag": "t"}) == "7"
    assert compiled.delivery_key(0, {"tag": "t"}) is None
    assert compiled.delivery_key(1, {"id": 7}) is None


def test_a_large_map_is_one_function() -> None:
    leaves = "".join(f"  k{n}: '(a ~ \"{n}\") | upper'\n" for n in range(1500))
    found = mapped(ANY + "map:\n" + leaves, '{"a":"x"}\n')
    assert found.documents[0]["k1499"] == "X1499"


def test_a_column_read_inside_a_condition_only_is_converted_there_only() -> None:
    context = """\
target: {}
source: {format: csv, fields: {T: {type: string}, N: {type: integer}, M: {type: integer}}}
map:
  a: {when: T == "x", map: {n: N, again: N + 1}}
  b: {when: T == "x", map: N}
  c: M
"""
    found = mapped(context, "T,N,M\nx,1,2\ny,bad,3\nx,bad,bad\n")
    assert found.documents == [{"a": {"n": 1, "again": 2}, "b": 1, "c": 2}, {"c": 3}]
    assert set(found.codes) == {
        ("HX-1103", "/a/n"),
        ("HX-1103", "/a/again"),
        ("HX-1103", "/b"),
        ("HX-1103", "/c"),
    }


def test_lists_in_expressions_drop_what_is_absent() -> None:
    assert one("map: {a: '[gone, nul, one.n | round(1)] | length'}", ITEMS) == {"a": 2}


def test_vars_and_documents_may_be_conditions_or_plain_values() -> None:
    tail = """\
vars: {v: {when: one.n == 9, map: {x: one.n}}, w: {when: one.n == 8, map: 1}, l: [one.n, 2]}
map: {x: v.x, w: w, sum: l | sum}
"""
    assert one(tail, ITEMS) == {"x": 9, "sum": 11}
    assert one("map: record", ITEMS) == ITEMS
    found = mapped(ANY + "map: {when: n > 1, map: {n: n}}", '{"n":1}\n{"n":2}\n')
    assert (found.documents, found.counts.used) == ([{"n": 2}], 2)


def test_deep_maps_compile() -> None:
    """Twelve lists inside each other, with conditions: Python's own limits are not met."""
    node = "i11.n"
    for depth in reversed(range(12)):
        source = "items" if depth == 0 else f"i{depth - 1}.items"
        node = f"{{when: true, map: {{each: {source}, as: i{depth}, map: {{x: {node}}}}}}}"
    record: Any = {"n": 1}
    for _ in range(12):
        record = {"items": [record]}
    found = one(f"map: {{x: {node}}}", record)
    for _ in range(12):
        found = found["x"][0]
    assert found == {"x": 1}


def test_rejects_of_nested_records_point_into_the_record() -> None:
    context = """\
target: {properties: {l: {items: {properties: {n: {type: integer, maximum: 5}}}}}}
source: {format: ndjson}
map: {l: {each: a.items, as: i, where: i.n != 1, map: {n: i.sub.n}}}
"""
    record = {"a": {"items": [{"n": 1}, {"n": 2, "sub": {"n": 9}}, {"n": 3, "sub": {"n": "x"}}]}}
    found = mapped(context, json.dumps(record) + "\n")
    places = [(f.code, f.target, f.source and f.source.field) for f in found.rejects[0].faults]
    assert places == [
        ("HX-2001", "/l/1/n", "/a/items/2/sub/n"),
        ("HX-3004", "/l/0/n", "/a/items/1/sub/n"),
    ]


def test_lookups_with_several_keys_and_every_policy() -> None:
    context = """\
target: {}
source: {format: ndjson}
lookups:
  two: {file: two.csv, key: [SRC, PLANT], value: ISO, missing: reject}
  nul: {inline: {"1": A}, missing: null}
  keep: {inline: {"1": A}, missing: keep}
  con: {inline: {"1": A, "2.50": 7}, missing: {const: none}}
map:
  two: 'u | lookup("two", p)'
  nul: 'k | lookup("nul")'
  keep: 'k | lookup("keep")'
  con: 'k | lookup("con")'
"""
    compiled = compile_plan(bundle(context, two__csv="SRC,PLANT,ISO\nST,1,PCE\nST,2,BOX\n"))
    records = [{"u": "ST", "p": 2, "k": 1}, {"u": None, "p": 2, "k": "9"}, {"k": Decimal("2.50")}]
    found = run(compiled, "\n".join(json_text(record) for record in records) + "\n")
    assert found.documents == [
        {"two": "BOX", "nul": "A", "keep": "A", "con": "A"},
        {"two": None, "nul": None, "keep": "9", "con": "none"},
        {"nul": None, "keep": Decimal("2.50"), "con": 7},
    ]
    missing = run(compiled, '{"u":"ST","p":null,"k":"1"}\n{"u":"KG","p":1,"k":"1"}\n')
    assert missing.codes == [("HX-2002", "/two")] * 2


def test_file_and_line_can_be_read() -> None:
    tail = "map: {f: _file, l: _line, p: _pos, list: {each: l, as: i, map: i._line}}"
    found = mapped(ANY + tail, '{"l":[1]}\n\n{"l":[]}\n')
    assert found.documents == [
        {"f": "in.txt", "l": 1, "p": 1, "list": [1]},
        {"f": "in.txt", "l": 3, "p": 2, "list": []},
    ]


def test_a_document_of_which_no_predicate_can_decide_goes_to_the_authority() -> None:
    context = """\
target:
  type: object
  properties: {a: {type: integer}, b: {type: integer}}
  dependentRequired: {a: [b]}
  anyOf: [{required: [a]}, {required: [b]}]
source: {format: ndjson}
map: {a: a, b: b}
"""
    found = mapped(context, '{"a":1,"b":2}\n{"a":1}\n{"b":1}\n{}\n')
    assert found.documents == [{"a": 1, "b": 2}, {"b": 1}]
    assert found.counts.rejected == 2


def test_a_required_property_that_comes_out_null_or_absent_is_a_reject() -> None:
    context = """\
target: {type: object, required: [a], properties: {a: {type: string}, n: {type: [string, "null"]}}}
source: {format: ndjson}
map: {a: a, n: n}
"""
    found = mapped(context, '{"a":"x","n":null}\n{"a":null}\n{"n":"y"}\n')
    assert found.documents == [{"a": "x", "n": None}]
    assert found.codes == [("HX-3001", "/a")] * 2
    assert found.rejects[0].faults[0].rule is not None
    assert found.rejects[0].faults[0].rule.expression == "a"
