"""A `.j2` template in place of `map`: same columns, vars, checks and counts."""

from helixnet.engine.examine import check_bundle
from helixnet.engine.plan import compile_plan
from tests.unit.engine.mapping.mapped import bundle, run

CONTEXT = """\
target: {type: object, properties: {id: {type: string, maxLength: 2}, n: {type: number}}}
source:
  format: csv
  fields: {ID: {type: string}, QTY: {type: decimal, scale: 2}, "A B": {type: string}}
inputs: {plant: {type: string, default: "10"}}
vars: {double: QTY * 2}
skip_when: ID == "s"
template: order.json.j2
checks: [{that: out.n != 8 and QTY != 9, code: EIGHT, text: "no {{ out.n }}"}]
"""
TEMPLATE = """\
{"id": {{ ID | trim | tojson }}, "n": {{ double }},
 "p": {{ (inputs.plant ~ record["A B"]) | tojson }}}
"""


def test_a_template_sees_columns_vars_and_inputs_and_its_output_is_checked() -> None:
    compiled = compile_plan(bundle(CONTEXT, order__json__j2=TEMPLATE))
    rows = "ID,QTY,A B\n a ,1.50,x\ns,1,x\nlong,2,x\nb,bad,x\nc,4,x\nd,9,x\n"
    found = run(compiled, rows)
    assert found.texts == ['{"id":"a","n":3.00,"p":"10x"}']
    assert found.codes == [
        ("HX-3004", "/id"),
        ("HX-1102", None),
        ("EIGHT", None),
        ("EIGHT", None),
    ]
    assert found.counts.skipped == 1
    assert "template" in compiled.explain()


def test_a_template_sees_groups_and_documents() -> None:
    context = """\
target: {}
source: {format: csv}
group: {by: ID, order: consecutive, header: h, lines: lines}
template: t.j2
"""
    template = '[{% for l in lines %}"{{ h.ID }}{{ l.N }}"{{ "," if not loop.last }}{% endfor %}]'
    compiled = compile_plan(bundle(context, t__j2=template))
    assert run(compiled, "ID,N\na,1\na,2\nb,3\n").documents == [["a1", "a2"], ["b3"]]
    nested = "target: {}\nsource: {format: ndjson}\nvars: {v: a.b + 1}\ntemplate: t.j2\n"
    compiled = compile_plan(bundle(nested, t__j2="[{{ v }}, {{ a.b }}, {{ record.a.b }}]"))
    found = run(compiled, '{"a":{"b":1}}\n{"a":{}}\n')
    assert found.documents == [[2, 1, 1]]
    assert found.codes == [("HX-2008", "")]


def test_what_is_wrong_in_a_template_is_a_problem_of_the_context() -> None:
    context = "target: {}\nsource: {format: ndjson}\ntemplate: t.j2\n"
    broken = check_bundle(bundle(context, t__j2='{"a":\n {{ a | }}}'))
    assert [(p.mark.file, p.mark.line, p.code) for p in broken] == [("t.j2", 2, "HX-4101")]
    assert "HX-4201" in [problem.code for problem in check_bundle(bundle(context))]
