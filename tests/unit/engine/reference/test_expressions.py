"""A compiled expression gives what the plain interpreter of the documentation gives."""

import json
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helixnet.errors import ContextError
from tests.unit.engine.reference.grammar import drawn
from tests.unit.engine.reference.interpreter import evaluate
from tests.unit.engine.reference.running import LOOSE, TIGHT, compiled, expected, planned
from tests.unit.engine.reference.values import ABSENT, RejectionError, as_json

LIMIT = 10**38
TEXTS = st.one_of(
    st.text(alphabet="aBß 0\u00a0Ω,", max_size=6),
    st.text(alphabet="aé\u0301😀א\u200f\u2003İΣς1-", max_size=5),
    st.sampled_from(["12.50", "-3", "007", "1.234,56", "0", "9" * 38, "2026-02-28", "20260131"]),
)
NUMBERS = st.one_of(
    st.integers(min_value=-(10**20), max_value=10**20),
    st.integers(min_value=-(10**40), max_value=10**40),
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3
    ),
    st.sampled_from([Decimal("9" * 36 + ".99"), Decimal("0." + "3" * 38), 10**38 - 1, 0]),
)
DATES = st.dates()
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))


def field(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A field may hold a value, be null, or be absent."""
    return st.one_of(values, values, st.none(), st.just(ABSENT))


def present(record: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is absent, at every depth."""

    def kept(found: Any) -> Any:
        if isinstance(found, list):
            return [kept(item) for item in found if item is not ABSENT]
        return present(found) if isinstance(found, dict) else found

    return {name: kept(found) for name, found in record.items() if found is not ABSENT}


ITEMS = st.fixed_dictionaries(
    {"k": field(st.sampled_from(["a", "b", "B", ""])), "n": field(NUMBERS), "t": field(TEXTS)}
)
RECORDS = st.fixed_dictionaries(
    {
        "t": field(TEXTS),
        "u": field(TEXTS),
        "n": field(NUMBERS),
        "m": field(NUMBERS),
        "b": field(st.booleans()),
        "l": field(st.lists(st.one_of(NUMBERS, st.none()), max_size=3)),
        "s": field(st.lists(st.one_of(TEXTS, st.none()), max_size=4)),
        "q": field(st.lists(ITEMS, max_size=4)),
        "o": field(st.fixed_dictionaries({"t": field(TEXTS), "n": field(NUMBERS)})),
        "d": field(DATES),
        "e": field(DATES),
        "w": field(MOMENTS),
    }
).map(present)


MISFITS = drawn("X", 2)
WELL_TYPED = st.sampled_from("TNBDSLO").flatmap(lambda kind: drawn(kind, 4))
FIELDS = st.sampled_from([LOOSE, TIGHT])


def fits(found: Any) -> bool:
    """Whether a declared field takes a number: one of at most 38 digits."""
    return found is None or -LIMIT < found < LIMIT


@example("(-n)", {"n": 10**38}, LOOSE)
@example("(-(n | or_else(1)))", {"n": -(10**38)}, LOOSE)
@example("(n | abs)", {"n": Decimal("-1." + "3" * 38)}, LOOSE)
@example("n", {"n": Decimal("1" * 50 + ".5")}, LOOSE)
@example("(l | sum)", {"l": [10**38 - 1, 1, -1]}, LOOSE)
@example("(t | tojson)", {}, LOOSE)
@example('(d | days_between("é" | date))', {}, LOOSE)
@example("([b] == [true])", {"b": True}, LOOSE)
@example("([n] == [true])", {"n": 1}, LOOSE)
@given(WELL_TYPED, RECORDS, FIELDS)
def test_compiled_is_documented(
    expression: str, record: dict[str, Any], fields: dict[str, str]
) -> None:
    plan = planned(expression, fields)
    if fields is TIGHT:
        record = {name: found for name, found in record.items() if name not in "nm" or fits(found)}
    assert compiled(plan, [record]) == [expected(expression, record)]


@given(MISFITS, RECORDS)
def test_what_does_not_fit_is_never_guessed(expression: str, record: dict[str, Any]) -> None:
    """`check` refuses it where the types are known; else the record's values decide."""
    refused: set[str] = set()
    found = expected(expression, record)
    try:
        (found,) = compiled(planned(expression, TIGHT), [record])
    except ContextError as error:
        refused = {problem.code for problem in error.problems}
    assert refused <= {"HX-4105", "HX-4106", "HX-4109"}
    assert found == expected(expression, record)


def test_the_reference_itself_follows_the_page() -> None:
    """A few sentences of the page, by hand, so that two wrongs can't agree."""
    record = {"n": Decimal("2.675"), "t": None, "m": 10**38}
    assert json.loads(as_json(evaluate("n | round(2)", record))) == 2.68
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
