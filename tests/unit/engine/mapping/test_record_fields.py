"""Declared fields of JSON records: texts are read as cells are, values by their declared type."""

import csv
import io
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.outcome import RulePosition
from helixnet.engine.plan import compile_plan
from tests.unit.engine.mapping.mapped import Result, bundle, mapped, plan, run

SOURCE = """\
  nulls: ["-"]
  locale: de_DE
  fields:
    T: {type: string, required: true}
    I: {type: integer}
    D: {type: decimal, scale: 2}
    B: {type: boolean, true: [X, "1"], false: ["", "0"]}
    DAY: {type: date, format: "%d.%m.%Y"}
    N: {type: integer, required: true}
"""
MAP = "map: {t: T, i: I, d: D, b: B, day: DAY, sum: I + D, both: {when: B, map: N}}\n"
CONTEXT = "target: {}\nsource:\n  format: FORM\n" + SOURCE + "skip_when: I == 7\n" + MAP
NAMES = ("T", "I", "D", "B", "DAY", "N")
cells = st.sampled_from(["", "-", "1", "7", "1.012", "1.012,5", "1,5", "x", "X", "23.11.2026"])
compiled = cache(plan)


def found(form: str, text: str) -> tuple[list[str], list[list[tuple[str, str | None, str]]]]:
    """The documents, and of each reject its faults: code, target and field without its slash."""
    result = run(compiled(CONTEXT.replace("FORM", form)), text)
    faults = [
        [(f.code, f.target, f.source.field.lstrip("/") if f.source else "") for f in r.faults]
        for r in result.rejects
    ]
    return result.texts, faults


@given(st.lists(st.tuples(*[cells] * len(NAMES)), max_size=6))
def test_texts_of_json_are_read_as_cells_of_csv(rows: list[tuple[str, ...]]) -> None:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([NAMES, *rows])
    lines = [json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in rows]
    assert found("ndjson", "".join(lines)) == found("csv", table.getvalue())
    assert found("json", f"[{','.join(lines)}]") == found("csv", table.getvalue())


def one(field: str, value: str, more: str = "") -> Any:
    """Value or codes of one member, declared as said, whose JSON text is ``value``."""
    source = f"{{format: ndjson{more}, fields: {{f: {{{field}}}}}}}"
    context = f"target: {{}}\nsource: {source}\nmap: {{v: f}}\n"
    result = mapped(context, f'{{"f": {value}}}\n' if value else "{}\n")
    return result.texts[0] if result.texts else [code for code, _ in result.codes]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("type: decimal, scale: 2", "12.5", '{"v":12.50}'),
        ("type: decimal, scale: 2", '"12.5"', '{"v":12.50}'),
        ("type: decimal, scale: 2", "12.505", ["HX-1104"]),
        ("type: decimal, digits: 4", "12345", ["HX-1104"]),
        ("type: decimal", "1e3", '{"v":1000}'),
        ("type: decimal", "true", ["HX-1102"]),
        ("type: decimal", "[1]", ["HX-1102"]),
        ("type: decimal", '"1e3"', ["HX-1102"]),
        ("type: integer", "5.00", '{"v":5}'),
        ("type: integer", "5.01", ["HX-1103"]),
        ("type: integer", "{}", ["HX-1103"]),
        ("type: string", "7", '{"v":"7"}'),
        ("type: string", "7.50", '{"v":"7.50"}'),
        ("type: string", "true", ["HX-1110"]),
        ("type: string", '["a"]', ["HX-1110"]),
        ("type: boolean", "true", '{"v":true}'),
        ("type: boolean", '"false"', '{"v":false}'),
        ("type: boolean", "1", ["HX-1106"]),
        ('type: boolean, true: ["1"], false: ["0"]', "0", '{"v":false}'),
        ("type: boolean", "[]", ["HX-1106"]),
        ("type: date", '"2026-11-23"', '{"v":"2026-11-23"}'),
        ("type: date", "20261123", ["HX-1105"]),
        ("type: date", '"2026-02-30"', ["HX-1105"]),
        ("type: decimal", "null", '{"v":null}'),
        ("type: decimal", "", "{}"),
        ("type: decimal, required: true", "null", ["HX-1101"]),
        ("type: decimal, required: true", "", ["HX-1101"]),
        ("type: string, required: true", '""', ["HX-1101"]),
        ("required: true", "null", ["HX-1101"]),
        ("required: true", '{"a": [1]}', '{"v":{"a":[1]}}'),
        ("", "[true]", '{"v":[true]}'),
    ],
)
def test_a_value_is_taken_by_its_declared_type(field: str, value: str, expected: object) -> None:
    assert one(field, value) == expected


def test_texts_that_mean_null_are_null_at_every_member_of_the_record() -> None:
    context = (
        "target: {}\nsource: {format: ndjson, nulls: [NULL, ''], FIELDS}\nmap: {a: a, b: b.c}\n"
    )
    text = '{"a": "NULL", "b": {"c": "NULL"}}\n{"a": "", "b": "NULL"}\n'
    for fields in ("", "fields: {a: {type: integer}, b: {}}"):
        result = mapped(context.replace(", FIELDS", f", {fields}" if fields else ""), text)
        assert result.documents == [{"a": None, "b": "NULL"}, {"a": None}]


def test_separators_are_for_texts_only() -> None:
    more = ", decimal: ',', thousands: '.'"
    assert one("type: decimal", '"1.012,5"', more) == '{"v":1012.5}'
    assert one("type: decimal", "1012.5", more) == '{"v":1012.5}'
    assert one("type: decimal", '"1012.5"', more) == ["HX-1102"]


def test_faults_have_their_place_and_the_declaration_that_asks() -> None:
    context = """\
target: {}
source:
  format: ndjson
  fields: {"a/b": {type: integer}, c: {required: true}, d: {required: true}, l: {}}
map: {x: 'record["a/b"]', y: 'record["a/b"] + 1', c: c, z: 'l.m | int'}
"""
    result = mapped(
        context, '{"c": 1, "a/b": 1, "d": 2}\n{"l": {"m": "q"}, "a/b": "x", "d": null}\n'
    )
    assert result.documents == [{"x": 1, "y": 2, "c": 1}]
    (reject,) = result.rejects
    places = [
        (f.code, f.target, f.source and (f.source.line, f.source.column, f.source.field))
        for f in reject.faults
    ]
    assert sorted(places, key=str) == [
        ("HX-1101", "/c", (2, 0, "/c")),
        ("HX-1101", None, (2, 36, "/d")),
        ("HX-1103", "/x", (2, 26, "/a~1b")),
        ("HX-1103", "/y", (2, 26, "/a~1b")),
        ("HX-2001", "/z", (2, 13, "/l/m")),
    ]
    rules = {f.rule for f in reject.faults if f.code == "HX-1101"}
    assert rules == {RulePosition(7, "c: required"), RulePosition(7, "d: required")}


def test_a_template_sees_declared_values() -> None:
    context = """\
target: {}
source: {format: ndjson, nulls: ["-"], decimal: ",", fields: {q: {type: decimal, scale: 2}}}
template: t.j2
"""
    compiled = compile_plan(
        bundle(context, t__j2="[{{ q * 2 }}, {{ record.q }}, {{ t | tojson }}]")
    )
    found: Result = run(compiled, '{"q": "1,5", "t": "-"}\n{"q": "1.5", "t": 1}\n')
    assert found.texts == ["[3.00,1.50,null]"]
    assert found.codes == [("HX-1102", None)]
