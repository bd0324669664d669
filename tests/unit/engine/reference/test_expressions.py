"""A compiled expression gives what the plain interpreter of the documentation gives."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.output import json_text
from helixnet.engine.plan import compile_plan
from helixnet.engine.transform import transform_file
from helixnet.errors import ContextError
from tests.unit.engine.reference.interpreter import ABSENT, RejectionError, evaluate

TEXTS = st.text(alphabet="aBß 0\u00a0Ω,", max_size=6)
NUMBERS = st.one_of(
    st.integers(min_value=-(10**20), max_value=10**20),
    st.integers(min_value=-(10**40), max_value=10**40),
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3
    ),
)


def field(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A field may hold a value, be null, or be absent."""
    return st.one_of(values, values, st.none(), st.just(ABSENT))


def present(record: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is absent, at every depth."""
    return {
        name: present(found) if isinstance(found, dict) else found
        for name, found in record.items()
        if found is not ABSENT
    }


RECORDS = st.fixed_dictionaries(
    {
        "t": field(TEXTS),
        "u": field(TEXTS),
        "n": field(NUMBERS),
        "m": field(NUMBERS),
        "b": field(st.booleans()),
        "l": field(st.lists(NUMBERS, max_size=3)),
        "o": field(st.fixed_dictionaries({"t": field(TEXTS), "n": field(NUMBERS)})),
    }
).map(present)


LITERAL_TEXTS = st.sampled_from(['"a"', '""', '"0aB"', '" x "', '","'])
LITERAL_NUMBERS = st.sampled_from(["0", "1", "2.5", "10000000000", "0.005", "1.5"])
TEXT = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["t", "u", "o.t"]),
        LITERAL_TEXTS,
        TEXT.map("({} | trim)".format),
        TEXT.map("({} | upper)".format),
        TEXT.map("({} | lower)".format),
        TEXT.map("({} | unpad)".format),
        TEXT.map("({} | substring(1, 2))".format),
        TEXT.map('({} | replace("a", "bb"))'.format),
        TEXT.map('({} | before(","))'.format),
        TEXT.map('({} | after(","))'.format),
        TEXT.map('({} | pad_left(4, "0"))'.format),
        TEXT.map('({} | pad_right(4, "x"))'.format),
        st.tuples(TEXT, TEXT).map("({0[0]} ~ {0[1]})".format),
        st.tuples(TEXT, NUMBER).map("({0[0]} ~ {0[1]})".format),
        st.tuples(TEXT, TEXT).map("({0[0]} | or_else({0[1]}))".format),
        st.tuples(TEXT, CONDITION, TEXT).map("({0[0]} if {0[1]} else {0[2]})".format),
    )
)
NUMBER = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["n", "m", "o.n"]),
        LITERAL_NUMBERS,
        st.tuples(NUMBER, st.sampled_from("+-*"), NUMBER).map("({0[0]} {0[1]} {0[2]})".format),
        NUMBER.map("(-{})".format),
        NUMBER.map("({} | round(1))".format),
        NUMBER.map("({} | round_even(1))".format),
        NUMBER.map("({} | money(2))".format),
        NUMBER.map("({} | abs)".format),
        TEXT.map("({} | length)".format),
        st.just("(l | sum)"),
        st.tuples(NUMBER, NUMBER).map("({0[0]} | or_else({0[1]}))".format),
        st.tuples(NUMBER, CONDITION, NUMBER).map("({0[0]} if {0[1]} else {0[2]})".format),
        st.tuples(NUMBER, CONDITION).map("({0[0]} if {0[1]})".format),
    )
)
ORDER = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
CONDITION = st.deferred(
    lambda: st.one_of(
        st.just("b"),
        st.tuples(NUMBER, ORDER, NUMBER).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(TEXT, ORDER, TEXT).map("({0[0]} {0[1]} {0[2]})".format),
        TEXT.map('({} in ["a", "0aB", ""])'.format),
        TEXT.map("({} is present)".format),
        TEXT.map("({} is empty)".format),
        NUMBER.map("({} is present)".format),
        NUMBER.map("({} == null)".format),
        st.tuples(CONDITION, CONDITION).map("({0[0]} and {0[1]})".format),
        st.tuples(CONDITION, CONDITION).map("({0[0]} or {0[1]})".format),
        CONDITION.map("(not {})".format),
    )
)
MISFITS = st.one_of(
    st.tuples(TEXT, NUMBER).map("({0[0]} + {0[1]})".format),
    st.tuples(TEXT, NUMBER).map("({0[0]} == {0[1]})".format),
    NUMBER.map("({} | upper)".format),
    NUMBER.map("(1 if {} else 2)".format),
    st.just("t.x"),
)
WELL_TYPED = st.one_of(TEXT, NUMBER, CONDITION)
CONTEXT = """helixnet: 1
name: reference
version: 1.0.0
target: {{type: object, properties: {{v: {{}}}}}}
source: {{format: ndjson}}
map: {{v: {leaf}}}
"""


def compiled(expression: str, record: dict[str, Any]) -> str:
    """What the engine writes for one record: the document, or `rejected`."""
    leaf = "'" + expression.replace("'", "''") + "'"
    bundle = bundle_from_files("c.yaml", {"c.yaml": CONTEXT.format(leaf=leaf).encode()})
    plan = compile_plan(bundle)
    documents, rejects = io.BytesIO(), io.BytesIO()
    source = io.BytesIO(json_text(record).encode() + b"\n")
    transform_file(plan, source, documents=documents, rejects=rejects, file="f")
    return documents.getvalue().decode().strip() if not rejects.getvalue() else "rejected"


def expected(expression: str, record: dict[str, Any]) -> str:
    """What the documentation says."""
    try:
        found = evaluate(expression, record)
    except RejectionError:
        return "rejected"
    return json_text({} if found is ABSENT else {"v": found})


@example("(-n)", {"n": 10**38})
@example("(-(n | or_else(1)))", {"n": -(10**38)})
@example("(n | abs)", {"n": Decimal("-1." + "3" * 38)})
@example("n", {"n": Decimal("1" * 50 + ".5")})
@given(WELL_TYPED, RECORDS)
def test_compiled_is_documented(expression: str, record: dict[str, Any]) -> None:
    assert compiled(expression, record) == expected(expression, record)


@given(MISFITS, RECORDS)
def test_what_does_not_fit_is_never_guessed(expression: str, record: dict[str, Any]) -> None:
    """`check` refuses it where the types are known; else the record's values decide."""
    try:
        found = compiled(expression, record)
    except ContextError as error:
        found = " ".join(sorted({getattr(problem, "code", "?") for problem in error.problems}))
    assert found in {"HX-4106", expected(expression, record)}


def test_the_reference_itself_follows_the_page() -> None:
    """A few sentences of the page, by hand, so that two wrongs can't agree."""
    record = {"n": Decimal("2.675"), "t": None, "m": 10**38}
    assert json.loads(json_text(evaluate("n | round(2)", record))) == 2.68
    assert evaluate("m", record) == 10**38
    for expression in ("-m", "m | abs", "m | round", "m + 0"):
        with pytest.raises(RejectionError, match="38 digits"):
            evaluate(expression, record)
    assert evaluate("t | upper", record) is None
    assert evaluate("x | upper", record) is ABSENT
    assert evaluate("t == x", record) is True
    assert evaluate("n < t", record) is False
    assert evaluate('t | or_else("d")', record) == "d"
    assert evaluate("1 if b", record) is ABSENT
