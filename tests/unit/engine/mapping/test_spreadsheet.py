"""Habits from spreadsheets get a hint that says what to write."""

import re
from pathlib import Path

import pytest

from helixnet.engine.context.model import ContextProblem, Leaf, Mark
from helixnet.engine.examine import examine_bundle
from helixnet.engine.mapping.infer.parse import parse_leaf
from helixnet.engine.mapping.infer.spreadsheet import FORMULAS, formula_hint
from helixnet.errors import RefusedError
from tests.unit.engine.mapping.mapped import bundle, plan, run

PAGE = Path(__file__).parents[4] / "docs" / "from-excel.md"
CONTEXT = """\
target: true
source:
  format: csv
  fields: {NO: {type: string}, QTY: {type: decimal, scale: 2}, UOM: {type: string}}
group: {by: NO}
map:
  a: 'EXPRESSION'
"""


def problem(text: str) -> ContextProblem:
    """The one problem of a leaf that does not parse."""
    found: list[ContextProblem] = []
    assert parse_leaf(Leaf(text, Mark("c.yaml", 1, 1)), found) is None
    (one,) = found
    return one


def hints(context: str) -> list[str]:
    """The hints of every problem of a context."""
    return [found.hint for found in examine_bundle(bundle(context), ()).problems]


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("=NO", "leave out the `=`"),
        ("=A ~ B", "leave out the `=`"),
        ("NO & UOM", "`~`"),
        ("{{ NO & UOM }}", "`~`"),
        ("a && b", "`and`"),
        ("a || b", "`or`"),
        ("a AND b", "`and`"),
        ("IF a THEN b", "a if CONDITION else b"),
        ("a <> b", "`!=`"),
        ("a => b", "`>=`"),
        ("a = b", "`==`"),
        ("'a' if b = c else d", "`==`"),
        ("IF(a = b, 1, 2)", "IF is written: a if CONDITION else b"),
        ("IF(a; 1; 2)", "arguments stand between `,`"),
        ("VLOOKUP(a, b)", 'value | lookup("TABLE")'),
        ("WENN(a; 1; 2)", "WENN is written: a if CONDITION else b"),
        ("SVERWEIS(a)", 'value | lookup("TABLE")'),
        ("TRIM(a)", "write value | trim"),
        ("a * 1,19", "1.19"),
        ("(a * 1,19) | round(2)", "1.19"),
        ("(a * 19%) | round(2)", "0.19"),
        ("a ^ 2", "multiply"),
        ("a ? b : c", "a if CONDITION else b"),
        ("a == “b”", "quotes are straight"),
        ("$A2", "without `$`"),
        ("Sales order", "{const: TEXT}"),
        ("PO NO", 'record["PO NO"]'),
        ("Customer { a }", '"Customer {{ NAME }}"'),
    ],
)
def test_a_habit_gets_what_to_write(expression: str, hint: str) -> None:
    assert hint in problem(expression).hint


@pytest.mark.parametrize(
    "expression",
    ["a +", 'a | one(X="&") b(', "Müller & Sohn {{ a + }}", 'a | round(2; "=") if', "]"],
)
def test_what_stands_in_texts_is_no_habit(expression: str) -> None:
    assert "`~`" not in problem(expression).hint
    assert "`==`" not in problem(expression).hint


def test_a_wrong_sign_has_its_column_and_no_words_of_the_parser() -> None:
    found = problem("NO & UOM")
    assert (found.mark.column, found.message) == (4, "unexpected `&`")
    assert problem("f(a; b)").message == "unexpected `;`"
    assert problem("IF(a=b, 1, 2)").message == "functions can't be called"


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("h.NO | left(3)", "substring(0, 3)"),
        ('h.NO | vlookup("t")', 'lookup("TABLE")'),
        ("h.NO | TRIM", "did you mean trim?"),
        ("h.UOM == KG", 'a text stands in quotes: "KG"'),
        ("h.UOM == TRUE", "write `true`"),
        ('h.UOM or "EUR"', "value | or_else(b)"),
        ("h.QTY | sum", 'LIST | sum("COLUMN")'),
    ],
)
def test_names_and_types_get_a_hint_too(expression: str, hint: str) -> None:
    assert any(hint in one for one in hints(CONTEXT.replace("EXPRESSION", expression)))


def test_a_column_of_the_near_name_is_no_text() -> None:
    (found,) = hints(CONTEXT.replace("EXPRESSION", "h.QTTY"))
    assert "quotes" not in found


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("type: decimal", "type: number", "write `decimal`"),
        ("type: decimal", "type: text", "write `string`"),
        ("{by: NO}", "NO", "write `group: {by: …}`"),
        ("'EXPRESSION'", "const: csv", "write: a: {const: 'csv'}"),
        ("'EXPRESSION'", "{when: h.QTY > 0, then: 1}", "`then` is written `map`"),
        ("'EXPRESSION'", "{each: lines, if: h.QTY > 0, map: 1}", "`where`"),
        (
            "NO: {type: string}",
            "NO: {type: date, format: TT.MM.JJJJ}",
            "is written `%d.%m.%Y`",
        ),
    ],
)
def test_keys_and_words_of_other_tools_get_ours(old: str, new: str, hint: str) -> None:
    context = CONTEXT.replace(old, new, 1).replace("EXPRESSION", "h.NO")
    assert any(hint in one for one in hints(context))


def test_the_page_for_spreadsheets_names_every_formula() -> None:
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition("| Excel | expression |")[2].partition("\n\n")[0]
    named = set(re.findall(r"[A-Z]{2,}", table.replace("(s)", "S ")))
    assert {name.upper() for name in FORMULAS} <= named | {"SUMIF", "COUNTIF"}
    assert formula_hint("no_such_thing") == ""


@pytest.mark.parametrize("declared", [CONTEXT, CONTEXT.replace("group: {by: NO}\n", "")])
def test_a_wrong_delimiter_is_named_as_one(declared: str) -> None:
    without = re.sub(r"  fields: .*\n", "", declared) if "group" not in declared else declared
    expression = "h.NO" if "group" in declared else "NO"
    with pytest.raises(RefusedError) as caught:
        _ = run(plan(without.replace("EXPRESSION", expression)), "NO;QTY;UOM\n1;2,50;KG\n")
    assert "source.delimiter" in caught.value.hint
