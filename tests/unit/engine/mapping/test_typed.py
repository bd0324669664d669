"""What the compiler writes inline for declared columns is what the documentation says too."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.outcome import RulePosition
from helixnet.engine.output import json_text
from tests.unit.engine.mapping.mapped import mapped
from tests.unit.engine.reference.filters import TABLE
from tests.unit.engine.reference.grammar import drawn
from tests.unit.engine.reference.interpreter import evaluate
from tests.unit.engine.reference.values import ABSENT, RejectionError, as_json

CONTEXT = """\
lookups: {{table: {{inline: {table}, missing: "null"}}}}
target: {{properties: {{v: {schema}}}}}
source:
  format: csv
  nulls: {nulls}
  fields:
    t: {{type: string}}
    u: {{type: string}}
    n: {{type: decimal, digits: 38}}
    m: {{type: integer, digits: 38}}
    b: {{type: boolean}}
map: {{v: {leaf}}}
"""
TEXTS = st.text(alphabet="aB\u00df 0\u00a0\u03a9,", max_size=6)
SURE = st.fixed_dictionaries(
    {
        "t": TEXTS,
        "u": TEXTS,
        "n": st.decimals(
            allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3
        ),
        "m": st.integers(min_value=-(10**20), max_value=10**20),
        "b": st.booleans(),
    }
)
MAYBE = SURE.flatmap(
    lambda row: st.fixed_dictionaries({k: st.sampled_from([v, None]) for k, v in row.items()})
)
FLAT = st.sampled_from("TNBDSL").flatmap(lambda kind: drawn(kind, 3, flat=True))


TABLE_YAML = json_text(TABLE)


def compiled(expression: str, row: dict[str, Any], nulls: str, schema: str) -> str:
    leaf = "'" + expression.replace("'", "''") + "'"
    cells = [
        "NULL" if v is None else json_text(v) if type(v) is not str else v for v in row.values()
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([list(row), cells])
    found = mapped(
        CONTEXT.format(leaf=leaf, table=TABLE_YAML, nulls=nulls, schema=schema), text.getvalue()
    )
    return found.texts[0] if found.texts else "rejected"


def expected(expression: str, row: dict[str, Any]) -> str:
    try:
        found = evaluate(expression, {k: +v if type(v) is Decimal else v for k, v in row.items()})
        return as_json({} if found is ABSENT else {"v": found})
    except RejectionError:
        return "rejected"


@given(FLAT, SURE)
def test_columns_that_are_surely_there(expression: str, row: dict[str, Any]) -> None:
    assert compiled(expression, row, "[]", "{}") == expected(expression, row)


@given(FLAT, MAYBE)
def test_columns_that_may_be_null(expression: str, row: dict[str, Any]) -> None:
    assert compiled(expression, row, "[NULL]", "{}") == expected(expression, row)


@given(FLAT, MAYBE, st.sets(st.sampled_from(["t", "u", "n", "m", "b"])))
def test_declared_members_of_json(expression: str, row: dict[str, Any], left_out: set[str]) -> None:
    """Null and absent both may come, and every value has its declared type."""
    record = {name: found for name, found in row.items() if name not in left_out}
    leaf = "'" + expression.replace("'", "''") + "'"
    context = CONTEXT.replace("format: csv", "format: ndjson")
    found = mapped(
        context.format(leaf=leaf, table=TABLE_YAML, nulls="[]", schema="{}"),
        json_text(record) + "\n",
    )
    assert (found.texts[0] if found.texts else "rejected") == expected(expression, record)


def test_a_column_that_a_var_has_converted_fails_for_each_of_its_targets() -> None:
    """The var's conversion serves the map too, but only where it came to a value."""
    context = """\
target: {}
source:
  format: csv
  fields: {A: {type: decimal, scale: 1}, B: {type: decimal, scale: 1}}
  nulls: [""]
vars: {product: A * B}
map: {a: A, b: B, product: product}
"""
    found = mapped(context, "A,B\n1.5,2.0\n,2.0\nx,2.0\ny,z\n")
    assert found.documents == [
        {"a": 1.5, "b": 2.0, "product": 3.0},
        {"a": None, "b": 2.0, "product": None},
    ]
    places = [
        {(f.code, f.target, f.source and f.source.field) for f in reject.faults}
        for reject in found.rejects
    ]
    assert places == [
        {("HX-1102", "/a", "A"), ("HX-1102", "/product", "A")},
        {
            ("HX-1102", "/a", "A"),
            ("HX-1102", "/product", "A"),
            ("HX-1102", "/b", "B"),
            ("HX-1102", "/product", "B"),
        },
    ]


@pytest.mark.parametrize("required", ["true", "false"])
def test_the_words_of_a_boolean_field_win_over_nulls(required: str) -> None:
    """What a field declares to be true or false is no missing value; other nulls stay null."""
    context = f"""\
        target: {{}}
        source:
          format: csv
          nulls: ["", "-", Y]
          fields:
            a: {{type: boolean, true: [X], false: [""], required: {required}}}
            b: {{type: boolean, true: [Y], false: [N]}}
            c: {{}}
        map: {{a: a, b: b, c: 'c | or_else("none")'}}
        """
    found = mapped(context, "a,b,c\n,Y,\nX,-,-\n")
    assert found.documents == [
        {"a": False, "b": True, "c": "none"},
        {"a": True, "b": None, "c": "none"},
    ]
    assert mapped(context, "a,b,c\n-,N,\n").codes == (
        [("HX-1101", "/a")] if required == "true" else []
    )


def test_a_missing_required_value_names_its_declaration() -> None:
    """What asks for the value is the contract, not the rule that happens to read the field."""
    context = """\
target: {}
source:
  format: csv
  fields:
    KUNDE: {required: true}
    ART: {required: true}
    N: {type: integer, required: true}
skip_when: KUNDE == "X" or ART == "T"
map: {k: KUNDE, n: N}
"""
    found = mapped(context, "KUNDE,ART,N\n,,1\na,b,\na,,\n")
    rules = [{(f.code, f.rule) for f in reject.faults} for reject in found.rejects]
    kunde, art, n = (
        ("HX-1101", RulePosition(line, f"{name}: required"))
        for line, name in ((8, "KUNDE"), (9, "ART"), (10, "N"))
    )
    assert rules[0] == {kunde, art}
    assert rules[1] == {n}
    assert art in rules[2]


def test_a_declared_column_is_converted_where_it_is_read() -> None:
    """What nothing reads can't stop a record; `required` asks for a value, read or not."""
    fields = "{A: {}, N: {type: integer}, R: {type: integer, required: true}}"
    context = f"target: {{}}\nsource: {{format: csv, fields: {fields}}}\n"
    lazy = context + "map: {a: A, n: {when: A == 'y', map: N}}\n"
    found = mapped(lazy, "A,N,R\nx,bad,bad\ny,bad,1\nx,1,\n")
    assert found.documents == [{"a": "x"}]
    assert found.codes == [("HX-1103", "/n"), ("HX-1101", None)]
    both = mapped(context + "map: {n: N if A == 'y' else 0}\n", "A,N,R\nx,bad,1\n")
    assert both.codes == [("HX-1103", "/n")]
