"""XML in expressions: an element is its text, one is as good as a list of one, attributes."""

from typing import Any

import pytest

from helixnet.engine.excerpts import Opened, excerpt
from helixnet.engine.reassembly import Envelope, assembled, require_assembly
from helixnet.errors import UsageError
from tests.unit.engine.formats.reading import load
from tests.unit.engine.mapping.mapped import plan, problems, run

FILE = """<r>
 <a id="1"><n>5</n><q u="KG">2.50</q><note>x</note><note lang="de">y</note>
  <l t="A"><v>1</v></l><l t="B"><v k="z">2</v></l><e/><m>one <b>two</b></m></a>
 <a id="2"><n>6</n><q>3</q><note>only</note><l t="A"><v>9</v></l><e x="1"/></a>
</r>"""


def context(leaf: str, more: str = "") -> str:
    return f"""
target: {{type: object, properties: {{v: true}}}}
source: {{format: xml, record: r/a}}
{more}
map:
  v: {leaf}
"""


def values(leaf: str, more: str = "", text: str = FILE) -> list[Any]:
    result = run(plan(context(leaf, more)), text)
    assert result.codes == []
    return [document.get("v") for document in result.documents]


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        ("n", ["5", "6"]),
        ("n | int", [5, 6]),
        ("q", ["2.50", "3"]),
        ("q | decimal | tojson", ["2.50", "3"]),
        ('q["@u"]', ["KG", None]),
        ('q["@u"] | or_else("PCE")', ["KG", "PCE"]),
        ('q["#text"]', ["2.50", "3"]),
        ('record["@id"]', ["1", "2"]),
        ('note | join("+")', ["x+y", "only"]),
        ("note | first", ["x", "only"]),
        ("note | count", [2, 1]),
        ("note[0]", ["x", "only"]),
        ('note | last | get("@lang")', ["de", None]),
        ("note | unique", [["x", "y"], ["only"]]),
        ('l | one("@t", "A") | get("v")', ["1", "9"]),
        ('l | maybe("@t", "B") | get("v.@k")', ["z", None]),
        ('(l | maybe("@t", "B")).v["@k"]', ["z", None]),
        ('l | any("v", "2")', [True, False]),
        ('l | many("@t", ["A", "B"]) | count', [2, 1]),
        ('l | sort("v", reverse=true) | first | get("v")', ["2", "9"]),
        ("e", ["", ""]),
        ("e is empty", [True, True]),
        ("e.x", [None, None]),
        ("nope.x.y", [None, None]),
        ('m["#text"]', ["one ", None]),
        ('n == "5"', [True, False]),
        ('n in ["5", "7"]', [True, False]),
        ('n ~ "/" ~ q', ["5/2.50", "6/3"]),
        ('q["@u"] if q["@u"] is present else n', ["KG", "6"]),
        ("n[0:1]", ["5", "6"]),
        ("((n | int) + (q | decimal)) | tojson", ["7.50", "9"]),
        ("'{{ n }}-{% for x in note %}{{ x }}{% endfor %}'", ["5-xy", "6-only"]),
        ("{each: note, as: x, map: x}", [["x", "y"], ["only"]]),
        ("{each: l, as: x, map: {k: 'x[\"@t\"]', p: x._prev.v}}", None),
        ("{each: nope, map: n}", [[], []]),
    ],
)
def test_elements_as_values_and_as_lists(leaf: str, expected: list[Any] | None) -> None:
    found = values(leaf)
    if expected is None:
        expected = [[{"k": "A"}, {"k": "B", "p": "1"}], [{"k": "A"}]]
    assert found == expected


def test_vars_hold_elements() -> None:
    more = "vars: {first: l | first, all: l, kept: {each: l, as: x, map: {v: x.v}}}"
    assert values("first.v", more) == ["1", "9"]
    assert values("all | count", more) == [2, 1]
    assert values("{each: kept, as: k, map: k.v}", more) == [["1", "2"], ["9"]]


@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        ("l.v", "HX-2003"),
        ('"{{ note }}!"', "HX-2001"),
        ("m | int", "HX-2005"),
        ("n | int | abs", ""),
    ],
)
def test_what_is_several_or_no_text_is_a_reject(leaf: str, code: str) -> None:
    result = run(plan(context(leaf)), FILE)
    assert [found for found, _ in result.codes] == ([code] if code else [])
    for reject in result.rejects:
        (fault,) = reject.faults
        assert fault.source is not None
        assert fault.source.line in (2, 3)
        assert fault.source.column > 0


def test_length_of_an_element_is_a_mistake() -> None:
    assert problems(context("note | length")) == ["6 HX-4105"]
    assert problems(context('n["#text"] | length')) == []


def test_names_are_those_that_tests_show() -> None:
    tests = "tests: [{name: one, input: '<r><a><known/></a></r>', expect: {}}]"
    assert problems(context("known.any.name", tests)) == []
    assert problems(context("unknown", tests)) == ["6 HX-4103"]


def test_a_template_sees_texts_nodes_and_lists() -> None:
    text = """
    target: {type: object}
    source: {format: xml, record: r/a}
    template: t.json.j2
    """
    template = '{"n": {{ n | tojson }}, "u": {{ q["@u"] | tojson }}}'
    result = run(plan(text, t__json__j2=template), FILE.replace("<q>3</q>", '<q u="G">3</q>'))
    assert result.documents == [{"n": "5", "u": "KG"}, {"n": "6", "u": "G"}]


def test_excerpts_are_the_raw_text() -> None:
    compiled = plan(context("q"))
    outcome = load(FILE.encode(), compiled.context.source)
    opened = Opened(compiled.context.source, outcome.index, None)
    batch, _ = outcome.batches[0]
    found = {
        name: excerpt(batch, 0, name, 0, file=opened).raw
        for name in ("/q", "/q/@u", "/l/1", "/e", "/nope", "/l/1/v/#text")
    }
    assert found == {
        "/q": b"2.50",
        "/q/@u": b"KG",
        "/l/1": b'<l t="B"><v k="z">2</v></l>',
        "/e": b"<e/>",
        "/nope": b"",
        "/l/1/v/#text": b"2",
    }


def test_a_whole_document_is_a_file_again_and_a_part_of_one_is_not() -> None:
    source = plan("target: {}\nsource: {format: xml}\nmap: {v: n}\n").context.source
    outcome = load("<?xml version='1.0'?>\n<a><n>ü</n></a>".encode(), source)
    envelope = Envelope(b"", "utf-8", "\n")
    again = assembled(source, [outcome.raws[0].decode()], envelope)
    assert load(again, source).records == outcome.records
    with pytest.raises(UsageError, match="document of its own"):
        assembled(source, ["<a/>", "<a/>"], envelope)
    with pytest.raises(UsageError, match="larger document"):
        require_assembly(plan(context("n")).context.source)


def test_a_fault_names_the_element_whose_text_it_is() -> None:
    """Also where it has attributes, and others are read beside it."""
    text = '<r><a><n u="KG">4,0</n><q>10</q></a></r>'
    leaf = "(n | decimal) * (q | decimal)"
    (reject,) = run(plan(context(leaf)), text).rejects
    (fault,) = reject.faults
    assert (fault.code, fault.source.field) == ("HX-2001", "/n")
