"""A leaf with `{{ }}` or `{% %}` is a template and gives text; one `{{ }}` alone keeps its type."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from helixnet.engine.examine import check_bundle
from tests.unit.engine.mapping import mapped as runs
from tests.unit.engine.mapping.mapped import leaf, mapped, problems

RECORD: Mapping[str, Any] = {
    "n": 5,
    "t": "x",
    "no": None,
    "l": [{"k": "a", "q": 1}, {"k": "b", "q": 2}, {"k": "c", "q": 3}],
    "empty": [],
    "p": ["u", "v"],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ n }}", 5),
        ("{{n}}", 5),
        (" {{ n }}", " 5"),
        (" {{ n }} ", " 5 "),
        ("{{ n }}{{ n }}", "55"),
        ("{% if n == 5 %}five{% endif %}", "five"),
        (" {{ no }} ", None),
        (" {{ gone }} ", "absent"),
    ],
)
def test_blanks_around_an_expression_make_text_of_it(text: str, expected: object) -> None:
    assert leaf(text, RECORD) == expected


def test_the_line_end_of_a_yaml_block_is_no_blank() -> None:
    context = "target: {}\nsource: {format: ndjson}\nmap:\n  v: |\n    {{ n }}\n"
    assert mapped(context, '{"n": 5}\n').documents == [{"v": 5}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% for i in l %}{{ i.k }}{% endfor %}", "abc"),
        ("{% for i in l %}{{ i.k }}{{ ',' if not loop.last else '' }}{% endfor %}", "a,b,c"),
        ("{% for i in l if i.q > 1 %}{{ loop.index }}{{ i.k }}{% endfor %}", "1b2c"),
        ("{% for i in l %}{% if loop.first %}[{% endif %}{{ loop.index0 }}{% endfor %}]", "[012]"),
        ("{% for i in empty %}{{ i }}{% else %}none{% endfor %}", "none"),
        ("{% for i in gone %}{{ i }}{% else %}none{% endfor %}", "none"),
        ("{% for i in no %}{{ i }}{% endfor %}", ""),
        ("{% for i in p %}{% for j in p %}{{ i ~ j }} {% endfor %}{% endfor %}", "uu uv vu vv "),
        (
            "{% for i in p %}{% for j in p %}{{loop.index}}{% endfor %}={{loop.index}}{% endfor %}",
            "12=112=2",
        ),
        ("{% for i in p | sort %}{{ t }}{{ i | upper }}{% endfor %}", "xUxV"),
        ("{% for i in l %}{{ i.none }}{% endfor %}", "absent"),
        ("{% for i in [1, null] %}{{ i }}{% endfor %}", None),
        ("{% for i in n %}{{ i }}{% endfor %}", "HX-2005"),
        ("{% for i in l %}{{ i.k + 1 }}{% endfor %}", "HX-2005"),
        ("{% set a = n + 1 %}{{ a }}-{{ a * 2 }}", "6-12"),
        ("{% set a = t ~ t %}{% set b = a ~ a %}{{ b }}", "xxxx"),
        ("{% set a = l | first %}{{ a.k }}", "a"),
        ("{% set a = 1 %}{% set a = a + 1 %}{{ a }}", "2"),
        ("{% for i in l %}{% set d = i.q * 2 %}{{ d }} {% endfor %}", "2 4 6 "),
        ("{% set a = 'out' %}{% for i in p %}{% set a = i %}{{ a }}{% endfor %}{{ a }}", "uvout"),
        ("{% for t in p %}{{ t }}{% endfor %}{{ t }}", "uvx"),
    ],
)
def test_loops_and_names(text: str, expected: object) -> None:
    assert leaf(text, RECORD) == expected


pieces = st.sampled_from(
    [
        "{{ t }}",
        "{{ i }}",
        " - ",
        "{{ loop.index }}/{{ loop.length }}",
        "{% if loop.first %}<{% endif %}",
        "{% set s = t ~ i %}{{ s }}",
        "{% for j in p %}{{ i }}{{ j }}{{ 'e' if loop.last else 'm' }}{% endfor %}",
    ]
)


@given(st.lists(pieces, min_size=1, max_size=5), st.lists(st.text("ab", max_size=2), max_size=3))
def test_what_loops_write_is_what_jinja_writes(body: list[str], items: list[str]) -> None:
    text = f"{{% for i in p %}}{''.join(body)}{{% else %}}nothing{{% endfor %}}."
    record = {"t": "x", "p": items}
    assert leaf(text, record) == Environment().from_string(text).render(record)  # noqa: S701 - no HTML


def test_rows_of_a_group_are_converted_and_a_bad_cell_is_told_with_its_row() -> None:
    context = """\
target: {}
source: {format: csv, decimal: ",", fields: {K: {}, S: {}, Q: {type: decimal, scale: 1}}}
group: {by: K}
map: {v: "{% for l in lines %}{{ l.S }}={{ l.Q * 2 }};{% endfor %}"}
"""
    found = mapped(context, "K,S,Q\n1,a,2\n1,b,3\n2,c,x\n2,d,y\n")
    assert found.documents == [{"v": "a=4.0;b=6.0;"}]
    (reject,) = found.rejects
    assert [
        (f.code, f.target, f.source and (f.source.line, f.source.field)) for f in reject.faults
    ] == [
        ("HX-1102", "/v", (4, "Q")),
        ("HX-1102", "/v", (5, "Q")),
    ]


def test_items_of_an_each_and_what_is_built_can_be_looped_over() -> None:
    context = """\
target: {}
source: {format: ndjson}
vars: {names: "{% for i in l %}{{ i.k }}{% endfor %}"}
map:
  all: names
  l: {each: l, as: e, map: {w: "{% for x in e.m %}{{ e.k }}{{ x }}{% endfor %}"}}
  again: "{% for i in out.l %}{{ i.w }}.{% endfor %}"
"""
    found = mapped(context, '{"l": [{"k": "a", "m": [1, 2]}, {"k": "b", "m": []}]}\n')
    assert found.documents == [{"all": "ab", "l": [{"w": "a1a2"}, {"w": ""}], "again": "a1a2.."}]


CSV = "target: {}\nsource: {format: csv, fields: {A: {}, N: {type: integer}}}\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{% for x in A %}{{ x }}{% endfor %}", "HX-4106"),
        ("{% for x in [1] %}{{ x.y }}{% endfor %}", "HX-4106"),
        ("{% for x in [1] %}{{ x }}{% endfor %}{{ x }}", "HX-4103"),
        ("{% for x in [1] if N %}{{ x }}{% endfor %}", "HX-4106"),
        ("{% for x in [1] %}{{ loop.depth }}{% endfor %}", "HX-4102"),
        ("{% for x in [1] %}{{ loop }}{% endfor %}", "HX-4103"),
        ("{% for x, y in [1] %}{{ x }}{% endfor %}", "HX-4102"),
        ("{% for x in [1] recursive %}{{ x }}{% endfor %}", "HX-4102"),
        ("{% set a = B %}{{ A }}", "HX-4103"),
        ("{% set a, b = A %}{{ A }}", "HX-4102"),
        ("{% if A == 'x' %}{% set a = 1 %}{% endif %}{{ A }}", "HX-4102"),
        ("{% set a %}x{% endset %}{{ a }}", "HX-4102"),
        ("{% include 'x' %}{{ A }}", "HX-4102"),
        ("{% macro m() %}{% endmacro %}{{ A }}", "HX-4102"),
    ],
)
def test_what_a_leaf_can_not_do_is_told_with_the_way_out(text: str, code: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    found = problems(f"{CSV}map:\n  v: {quoted}\n")
    assert {problem.split()[1] for problem in found} == {code}


def test_a_statement_that_only_templates_have_is_sent_there() -> None:
    context = CSV + "map: {v: \"{% include 'x' %}{{ A }}\"}\n"
    (problem,) = check_bundle(runs.bundle(context))
    assert problem.hint == "render the document: template: NAME.j2"


def test_loops_and_names_have_limits() -> None:
    deep = "{% for a in p %}" * 4 + "x" + "{% endfor %}" * 4
    assert problems(f"target: {{}}\nsource: {{format: ndjson}}\nmap: {{v: '{deep}'}}\n") == [
        "3 HX-4102"
    ]
    doubling = "{% set a = t %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}"
    assert problems(f"target: {{}}\nsource: {{format: ndjson}}\nmap: {{v: '{doubling}'}}\n") == [
        "3 HX-4102"
    ]
    thrice = "{% for a in p %}{% for b in p %}{% for c in p %}{% endfor %}{% endfor %}{% endfor %}x"
    assert leaf(thrice, {"p": [1] * 2000}) == "HX-6004"
    wide = "{% for a in p %}{{ t }}{% endfor %}"
    assert leaf(wide, {"p": [1] * 200, "t": "x" * 10_000}) == "HX-6005"
