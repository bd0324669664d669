"""Every filter and test does what its own examples say, and says enough of itself."""

from datetime import UTC, date, datetime
from decimal import Decimal

import jinja2.filters
import jinja2.tests
import pytest

from helixnet.engine.codes import CODES
from helixnet.engine.context.model import Const, Lookup, Mark
from helixnet.engine.mapping.filters.registry import (
    FILTERS,
    REFUSED_FILTERS,
    REFUSED_TESTS,
    TESTS,
)
from helixnet.engine.mapping.filters.spec import REQUIRED, Example, FilterSpec
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.compare import type_name
from helixnet.engine.values.faults import ValueFault

EXAMPLES = [
    pytest.param(spec, example, id=f"{spec.name}-{number}")
    for spec in FILTERS.values()
    for number, example in enumerate(spec.examples)
]


def call(spec: FilterSpec, example: Example) -> object:
    if spec.selects:
        pairs = dict(zip(example.args[::2], example.args[1::2], strict=True))
        return spec.function(example.value, {**pairs, **(example.named or {})})
    return spec.function(example.value, *example.args, **(example.named or {}))


@pytest.mark.parametrize(("spec", "example"), EXAMPLES)
def test_an_example_gives_what_it_says(spec: FilterSpec, example: Example) -> None:
    if example.fault:
        with pytest.raises(ValueFault) as caught:
            call(spec, example)
        assert caught.value.code == example.fault
        assert caught.value.message
    else:
        result = call(spec, example)
        assert result == example.result
        assert type_name(result) == type_name(example.result)
        if isinstance(result, Decimal):
            assert str(result) == str(example.result)


@pytest.mark.parametrize(
    ("spec", "example"), [each for each in EXAMPLES if each.values[0].bind is not None]
)
def test_a_bound_filter_equals_the_plain_one(spec: FilterSpec, example: Example) -> None:
    assert spec.bind is not None
    defaults = [param.default for param in spec.params]
    args = [*example.args, *defaults[len(example.args) :]]
    assert REQUIRED not in args
    if example.fault:
        with pytest.raises(ValueFault, match=r".") as caught:
            spec.bind(*args)(example.value)
        assert caught.value.code == example.fault
    else:
        assert spec.bind(*args)(example.value) == example.result


@pytest.mark.parametrize("spec", FILTERS.values(), ids=FILTERS)
def test_a_filter_documents_itself(spec: FilterSpec) -> None:
    assert spec.doc.endswith(".")
    assert spec.examples or spec.name == "lookup"
    assert spec.passes_null or spec.nulls, "what null does must be said"
    assert all(param.doc for param in spec.params)
    assert all(example.fault in CODES for example in spec.examples if example.fault)
    optional = [param.default is not REQUIRED for param in spec.params]
    assert optional == sorted(optional), "required parameters come first"


@pytest.mark.parametrize("spec", [spec for spec in FILTERS.values() if spec.name != "lookup"])
@pytest.mark.parametrize("value", [True, 5, Decimal("1.5"), "x", [1], {"a": 1}])
def test_a_value_of_a_wrong_type_is_a_fault(spec: FilterSpec, value: object) -> None:
    """A filter met by a value of another type raises a ValueFault, never anything else."""
    args = [example.args for example in spec.examples if not example.fault][:1]
    code = ""
    try:
        call(spec, Example(value, *args))
    except ValueFault as fault:
        code = fault.code
    assert not code or code in CODES


def test_every_filter_and_test_of_jinja_is_replaced_or_refused_with_a_hint() -> None:
    assert set(jinja2.filters.FILTERS) == (set(jinja2.filters.FILTERS) & set(FILTERS)) | set(
        REFUSED_FILTERS
    )
    words = {name for name in jinja2.tests.TESTS if name.isalpha()}
    assert words <= set(TESTS) | set(REFUSED_TESTS)
    assert not set(FILTERS) & set(REFUSED_FILTERS)
    assert not set(TESTS) & set(REFUSED_TESTS)


@pytest.mark.parametrize("name", TESTS)
def test_a_test_does_what_its_examples_say(name: str) -> None:
    spec = TESTS[name]
    assert spec.examples
    for example in spec.examples:
        assert spec.function(example.value) is example.result


def test_the_kind_of_a_result_follows_the_value_and_the_literals() -> None:
    assert FILTERS["round"].kind(Kind.INTEGER, {}) is Kind.DECIMAL
    assert FILTERS["abs"].kind(Kind.INTEGER, {}) is Kind.INTEGER
    assert FILTERS["date"].kind(Kind.TEXT, {"format": "%Y%m%d%H%M"}) is Kind.DATETIME
    assert FILTERS["date"].kind(Kind.TEXT, {}) is Kind.DATE
    assert FILTERS["avg"].kind(Kind.LIST, {}) is Kind.QUOTIENT


def table(missing: str | Const) -> Lookup:
    mark = Mark("c.yaml", 1, 1)
    return Lookup("uom", 2, {("ST", "1000"): "PCE", ("5", "x"): 5}, missing, mark)


def test_a_lookup_compares_keys_as_text() -> None:
    look_up = FILTERS["lookup"].function
    assert look_up("ST", table("reject"), 1000) == "PCE"
    assert look_up(5, table("reject"), "x") == 5


def test_a_key_that_is_missing_follows_the_policy() -> None:
    look_up = FILTERS["lookup"].function
    with pytest.raises(ValueFault) as caught:
        look_up("KG", table("reject"), "1000")
    assert caught.value.code == "HX-2002"
    assert "uom" in caught.value.message
    assert look_up("KG", table("null"), "1000") is None
    assert look_up("KG", table("keep"), "1000") == "KG"
    assert look_up("KG", table(Const("C62", Mark("c.yaml", 1, 1))), "1000") == "C62"


def test_a_further_key_that_is_null_is_missing() -> None:
    look_up = FILTERS["lookup"].function
    assert look_up("ST", table("null"), None) is None
    assert look_up("ST", table("null"), ABSENT) is None


@pytest.mark.parametrize(
    ("name", "value", "args", "code"),
    [
        ("substring", "abc", (0, "1"), "HX-2005"),
        ("join", ["a"], (5,), "HX-2005"),
        ("join", [True], (), "HX-2001"),
        ("replace", "abc", ("a", 5), "HX-2005"),
        ("replace", "abc", ("", "x"), "HX-2005"),
        ("split", "abc", ("",), "HX-2005"),
        ("pad_left", "abc", (10_001,), "HX-2005"),
        ("pad_right", "abc", (5, "xy"), "HX-2005"),
        ("unpad", "abc", ("",), "HX-2005"),
        ("decimal", "5", (",", ","), "HX-4105"),
        ("decimal", "5", (5, ""), "HX-4105"),
        ("round", Decimal("1.5"), ("2",), "HX-4105"),
        ("round", "1.5", (), "HX-2005"),
        ("format_number", 5, (-1,), "HX-4105"),
        ("add_days", date(2026, 1, 1), ("1",), "HX-2005"),
        ("add_days", date(2026, 1, 1), (10**12,), "HX-2004"),
        ("add_months", date(9999, 12, 1), (1,), "HX-2004"),
        ("days_between", date(2026, 1, 1), ("2026-01-01",), "HX-2005"),
        ("sort", [1], (None, "x"), "HX-2005"),
        ("sort", [True, False], (), "HX-2005"),
        ("sum", [{"a": 1}, 5], ("a",), "HX-2007"),
        ("running_sum", [1, "x"], (), "HX-2005"),
        ("get", ["a"], (-1,), "HX-2005"),
        ("get", {"a": 1}, (0,), "HX-2005"),
        ("date", 20260101, (), "HX-2005"),
    ],
)
def test_a_bad_argument_or_item_is_a_fault(
    name: str, value: object, args: tuple[object, ...], code: str
) -> None:
    with pytest.raises(ValueFault) as caught:
        FILTERS[name].function(value, *args)
    assert caught.value.code == code


def test_a_date_may_be_converted_again_and_a_datetime_to_its_day() -> None:
    to_date = FILTERS["date"].function
    assert to_date(date(2026, 1, 2)) == date(2026, 1, 2)
    assert to_date(datetime(2026, 1, 2, 3, tzinfo=UTC)) == date(2026, 1, 2)


def test_items_in_depth_are_unique_by_type_and_value() -> None:
    """1, true and "1" differ; 5 and 5.00, in lists and objects too, do not."""
    items = [1, True, "1", [5], [Decimal("5.00")], {"a": 5}, {"a": Decimal("5.0")}, None, ABSENT]
    assert FILTERS["unique"].function(items) == [1, True, "1", [5], {"a": 5}, None]


def test_a_selector_with_a_list_compares_every_value() -> None:
    """A wrong type is a fault even where another value of the list already fits."""
    with pytest.raises(ValueFault) as caught:
        FILTERS["any"].function([{"Q": "001"}], {"Q": ["001", 2]})
    assert caught.value.code == "HX-2005"


def test_a_big_number_is_grouped_exactly() -> None:
    number = 10**40 + 1
    assert (
        FILTERS["format_number"].function(number, 2, ",", ".")
        == f"{number:,}".replace(",", ".") + ",00"
    )


def test_arguments_are_arranged_by_position() -> None:
    spec = FILTERS["join"]
    assert spec.arrange([], {"key": "a"}) == ["", "a"]
    for args, named in (([1, 2, 3], {}), ([","], {"separator": ","}), ([], {"nope": 1})):
        with pytest.raises(ValueFault) as caught:
            spec.arrange(args, named)
        assert caught.value.code == "HX-4105"
