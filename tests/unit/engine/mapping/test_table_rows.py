"""Lookups in a map: rows as objects, lists of rows, rows of a day; typed, traced, in templates."""

import io
from decimal import Decimal

import pytest

from helixnet.engine.plan import compile_plan
from helixnet.engine.seek import Choice
from helixnet.engine.trace import trace_field
from helixnet.errors import ContextError
from tests.unit.engine.mapping.mapped import bundle, run

CONTEXT = """\
target: {}
source:
  format: csv
  fields: {SKU: {type: string}, PLANT: {type: string}, DAY: {type: date}}
  nulls: ["-"]
lookups:
  material:
    file: m.csv
    key: SKU
    row: true
    missing: "null"
    fields: {WEIGHT: {type: decimal, scale: 3}}
  price:
    file: p.csv
    key: [SKU, PLANT]
    value: PRICE
    valid: {from: FROM, to: TO}
    fields: {PRICE: {type: decimal}}
    missing: MISSING
  parts: {file: b.csv, key: SKU, row: true, rows: many, missing: "null"}
"""
FILES = {
    "m__csv": "SKU,NAME,WEIGHT\na,Alpha,1.5\nb,Beta,2\n",
    "p__csv": "SKU,PLANT,PRICE,FROM,TO\na,1,11,2026-02-01,\na,1,10,,2026-01-31\n",
    "b__csv": "SKU,PART,N\na,x,1\nb,z,q\na,y,2\n",
}


def rows(tail: str, data: str, missing: str = '"null"') -> list[object]:
    text = CONTEXT.replace("MISSING", missing) + tail
    found = run(compile_plan(bundle(text, **FILES)), f"SKU,PLANT,DAY\n{data}")
    return [*found.documents, *found.codes]


def problems(leaf: str) -> list[tuple[str, str]]:
    text = CONTEXT.replace("MISSING", "reject") + f"map: {{a: '{leaf}'}}\n"
    with pytest.raises(ContextError) as caught:
        compile_plan(bundle(text, **FILES))
    return [(one.code, one.message) for one in caught.value.problems]


def test_a_row_is_read_by_its_columns() -> None:
    tail = """\
map:
  name: (SKU | lookup("material")).NAME
  weight: SKU | lookup("material") | get("WEIGHT")
  all: SKU | lookup("material")
"""
    assert rows(tail, "b,1,2026-01-01\nc,1,2026-01-01\n-,1,2026-01-01\n") == [
        {
            "name": "Beta",
            "weight": Decimal("2.000"),
            "all": {"SKU": "b", "NAME": "Beta", "WEIGHT": Decimal("2.000")},
        },
        {"all": None},
        {"all": None},
    ]


def test_the_row_of_a_day_is_found_by_its_first_and_last_day() -> None:
    tail = 'map:\n  p: SKU | lookup("price", PLANT, on=DAY)\n'
    data = "a,1,2026-01-31\na,1,2026-02-01\na,1,1999-01-01\na,2,2026-01-01\na,1,-\na,-,2026-01-01\n"
    assert rows(tail, data) == [{"p": 10}, {"p": 11}, {"p": 10}, *[{"p": None}] * 3]
    late = "a,1,2026-02-01\nb,1,2026-02-01\n"
    assert rows(tail, late, "reject") == [{"p": 11}, ("HX-2002", "/p")]


def test_several_rows_are_a_list_for_each() -> None:
    tail = """\
map:
  parts: {each: 'SKU | lookup("parts")', as: b, map: {part: b.PART, n: b.N | int, at: b._pos}}
"""
    data = "a,1,2026-01-01\nc,1,2026-01-01\nb,1,2026-01-01\n"
    assert rows(tail, data) == [
        {"parts": [{"part": "x", "n": 1, "at": 1}, {"part": "y", "n": 2, "at": 2}]},
        {"parts": []},
        ("HX-2001", "/parts/0/n"),
    ]


@pytest.mark.parametrize(
    ("leaf", "code", "words"),
    [
        ('(SKU | lookup("material")).NAMME', "HX-4103", "unknown name `NAMME`"),
        ('SKU | lookup("material") | get("NAMME")', "HX-4103", "unknown name `NAMME`"),
        ('SKU | lookup("parts") | get("PART")', "HX-4106", "not of a list"),
        ('(SKU | lookup("material")).WEIGHT ~ 1 + "x"', "HX-4106", ""),
        ('SKU | lookup("price", PLANT)', "HX-4105", "add on=DATE"),
        ('SKU | lookup("price", PLANT, DAY)', "HX-4105", "has 2 keys"),
        ('SKU | lookup("price", on=DAY)', "HX-4105", "has 2 keys"),
        ('SKU | lookup("price", PLANT, on=SKU)', "HX-4105", "`on` can't be text"),
        ('SKU | lookup("price", PLANT, at=DAY)', "HX-4105", "no argument `at`"),
        ('SKU | lookup("material", on=DAY)', "HX-4105", "no `valid`"),
        ('SKU | lookup("material") | upper', "HX-4106", "upper takes text"),
    ],
)
def test_what_a_table_does_not_have_is_a_problem(leaf: str, code: str, words: str) -> None:
    found = problems(leaf)
    assert code in [one for one, _ in found]
    assert any(words in message for _, message in found)


def traced(tail: str, pointer: str) -> list[str]:
    made = compile_plan(bundle(CONTEXT.replace("MISSING", "reject") + tail, **FILES))
    stream = io.BytesIO(b"SKU,PLANT,DAY\na,1,2026-01-31\n")
    found = trace_field(made, stream, "f", pointer, Choice(record=1))
    return [step.seen.row for rule in found.rules for step in rule.steps if step.seen.row]


def test_a_trace_shows_file_and_line_of_the_row() -> None:
    assert traced('map:\n  p: SKU | lookup("price", PLANT, on=DAY)\n', "/p") == [
        "row a, 1, 2026-01-31: p.csv:3"
    ]
    assert traced('map: {n: (SKU | lookup("material")).NAME}\n', "/n") == ["row a: m.csv:2"]
    tail = """map: {n: {each: 'SKU | lookup("parts")', as: b, map: b.N}}\n"""
    assert traced(tail, "/n/0") == ["row a: b.csv:2, b.csv:4"]
    inline = 'lookups: {l: {inline: {b: 1, a: 2}, missing: "null"}}\nmap: {n: SKU | lookup("l")}\n'
    made = compile_plan(bundle(CONTEXT[: CONTEXT.index("lookups:")] + inline))
    stream = io.BytesIO(b"SKU,PLANT,DAY\na,1,2026-01-31\n")
    found = trace_field(made, stream, "f", "/n", Choice(record=1))
    assert found.rules[0].steps[-1].seen.row.startswith("row a: c.yaml:")


def test_a_template_sees_rows_and_days() -> None:
    template = (
        '{"n": {{ (SKU | lookup("material")).NAME | tojson }}, '
        '"p": {{ SKU | lookup("price", PLANT, on=DAY) }}, '
        '"k": {{ SKU | lookup("parts") | count }}, "m": {{ lookups.material.b.NAME | tojson }}}'
    )
    text = CONTEXT.replace("MISSING", "reject") + "template: t.json.j2\n"
    made = compile_plan(bundle(text, t__json__j2=template, **FILES))
    found = run(made, "SKU,PLANT,DAY\na,1,2026-01-31\nb,1,2026-01-31\n")
    assert found.documents == [{"n": "Alpha", "p": 10, "k": 2, "m": "Beta"}]
    assert [code for code, _ in found.codes] == ["HX-2002"]


def test_columns_leave_such_tables_to_rows() -> None:
    tail = 'map:\n  p: SKU | lookup("price", PLANT, on=DAY)\n'
    made = compile_plan(bundle(CONTEXT.replace("MISSING", "reject") + tail, **FILES))
    assert "not by columns: the filter `lookup`" in made.explain()
