"""Selectors in generated code: the short loop gives what the filter itself gives."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.mapping.filters.registry import FILTERS
from helixnet.engine.mapping.filters.selecting import quick_selector
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.faults import ValueFault

values = st.one_of(
    st.sampled_from(["AG", "WE", "", None, ABSENT, 5, Decimal("1.5"), True]), st.just(["AG"])
)
nodes = st.dictionaries(st.just("2"), values, max_size=1)
items = st.one_of(
    st.dictionaries(st.sampled_from(["PARVW", "PARTN", "C1.2"]), values, max_size=2),
    st.fixed_dictionaries({"C1": st.one_of(nodes, st.lists(nodes, max_size=2), values)}),
    st.fixed_dictionaries({"C1": nodes, "C1.2": values}),
    st.sampled_from([None, ABSENT, "AG", 5]),
)
lists = st.one_of(st.lists(items, max_size=4), st.sampled_from([None, ABSENT, "AG", {"PARVW": 1}]))


def answer(function: Any, *args: Any) -> Any:
    """Return what a call gives, or its fault."""
    try:
        return function(*args)
    except ValueFault as fault:
        return fault.code, str(fault)


@given(
    value=lists, name=st.sampled_from(["one", "maybe", "any", "many"]), wanted=st.text(max_size=2)
)
def test_the_short_loop_selects_as_the_filter_does(value: Any, name: str, wanted: str) -> None:
    """Also of lists that hold other values, and with the same faults."""
    for text in ("AG", wanted):
        for conditions in ({"PARVW": text}, {"C1.2": text}):
            quick = quick_selector(name, FILTERS[name].function, conditions)
            assert quick is not None
            assert answer(quick, value) == answer(FILTERS[name].function, value, conditions)


@pytest.mark.parametrize(
    "conditions", [{}, {"A": 1}, {"A": None}, {"A": ["1"]}, {"A.B.C": "1"}, {"A": "1", "B": "2"}]
)
def test_other_conditions_are_left_to_the_filter(conditions: dict[str, Any]) -> None:
    """Several, paths of several steps, and what is no text."""
    assert quick_selector("one", FILTERS["one"].function, conditions) is None
