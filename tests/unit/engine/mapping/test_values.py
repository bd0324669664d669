"""Absent, null and empty through every operator, and what each operator makes of types."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.engine.mapping.mapped import leaf

RECORD: dict[str, Any] = {"nul": None, "emp": "", "txt": "a", "num": 5, "lst": [], "yes": True}
NOTHING = ("gone", "nul")


@pytest.mark.parametrize("left", ["gone", "nul", "emp"])
@pytest.mark.parametrize("right", ["gone", "nul", "emp"])
@pytest.mark.parametrize("operator", ["==", "!=", "<"])
def test_comparison_of_absent_null_and_empty(left: str, right: str, operator: str) -> None:
    """Absent compares as null; null == null is true; all else with null is false; != negates."""
    same = left == right or {left, right} == {"gone", "nul"}
    expected = {"==": same, "!=": not same, "<": False}[operator]
    assert leaf(f"{left} {operator} {right}", RECORD) is expected


@pytest.mark.parametrize("left", ["gone", "nul", "emp"])
@pytest.mark.parametrize("right", ["gone", "nul", "emp"])
def test_joining_absent_null_and_empty(left: str, right: str) -> None:
    """A part that is absent makes the whole absent; else one that is null makes it null."""
    expected: Any = "absent" if "gone" in (left, right) else None if "nul" in (left, right) else ""
    assert leaf(f"{left} ~ {right}", RECORD) == expected
    assert leaf(f"{{{{ {left} }}}}{{{{ {right} }}}}", RECORD) == expected


@pytest.mark.parametrize("operator", ["+", "-", "*"])
@pytest.mark.parametrize(("left", "right"), [("gone", "num"), ("num", "gone"), ("gone", "nul")])
def test_arithmetic_passes_absent_on(left: str, right: str, operator: str) -> None:
    assert leaf(f"{left} {operator} {right}", RECORD) == "absent"


@pytest.mark.parametrize(("left", "right"), [("nul", "num"), ("num", "nul"), ("nul", "nul")])
def test_arithmetic_passes_null_on(left: str, right: str) -> None:
    assert leaf(f"{left} * {right}", RECORD) is None
    assert leaf(f"({left} / {right}) | round(2)", RECORD) is None


@pytest.mark.parametrize("name", NOTHING)
def test_a_condition_that_is_null_or_absent_counts_as_false(name: str) -> None:
    assert leaf(f"{name} and yes", RECORD) is False
    assert leaf(f"{name} or yes", RECORD) is True
    assert leaf(f"not {name}", RECORD) is True
    assert leaf(f'"a" if {name} else "b"', RECORD) == "b"
    assert leaf(f'"a" if {name}', RECORD) == "absent"


@pytest.mark.parametrize("name", ["txt", "num", "emp", "lst"])
@pytest.mark.parametrize("form", ["{} and yes", "not {}", "1 if {} else 2"])
def test_a_condition_that_is_no_boolean_is_a_reject(name: str, form: str) -> None:
    assert leaf(form.format(name), RECORD) == "HX-2009"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gone", (False, True)),
        ("nul", (False, True)),
        ("emp", (True, True)),
        ("lst", (True, True)),
        ("txt", (True, False)),
        ("num", (True, False)),
    ],
)
def test_present_is_neither_absent_nor_null_and_empty_is_nothing_in_it(
    name: str, found: tuple[bool, bool]
) -> None:
    assert (leaf(f"{name} is present", RECORD), leaf(f"{name} is empty", RECORD)) == found
    assert leaf(f"{name} is not present", RECORD) is not found[0]


@pytest.mark.parametrize("name", [*NOTHING, "emp", "lst"])
def test_or_else_replaces_absent_null_and_empty(name: str) -> None:
    assert leaf(f'{name} | or_else("d")', RECORD) == "d"


def test_or_else_keeps_zero_and_false() -> None:
    assert leaf("z | or_else(1)", {"z": 0}) == 0
    assert leaf("z | or_else(true)", {"z": False}) is False


@pytest.mark.parametrize("name", NOTHING)
def test_null_is_in_nothing(name: str) -> None:
    assert leaf(f"{name} in [null, 1]", RECORD) is False
    assert leaf(f"{name} not in [1]", RECORD) is True


def test_comparing_values_of_different_types_is_a_reject_never_false() -> None:
    assert leaf("txt == num", RECORD) == "HX-2005"
    assert leaf("txt < num", RECORD) == "HX-2005"
    assert leaf("txt in [1]", RECORD) == "HX-2005"


def test_numbers_are_exact() -> None:
    assert leaf("0.1 + 0.2 == 0.3", {}) is True
    assert leaf("a * 1.10", {"a": 3}) == Decimal("3.30")
    assert leaf("12345678901234567890.12", {}) == Decimal("12345678901234567890.12")
    assert leaf("(1 / 3 * 3) | round(20)", {}) == 1
    assert leaf("2.675 | round(2)", {}) == Decimal("2.68")


def test_a_number_passed_through_keeps_any_size() -> None:
    big = 10**60 + 1
    assert leaf("a", {"a": big}) == big


def test_more_than_38_digits_is_a_reject() -> None:
    assert leaf("a * a", {"a": 10**30}) == "HX-2004"
    assert leaf("(a / 0) | round(2)", {"a": 1}) == "HX-2004"


def test_a_path_through_nothing_is_absent_through_a_scalar_a_fault() -> None:
    assert leaf("nul.x.y", RECORD) == "absent"
    assert leaf("gone.x.y", RECORD) == "absent"
    assert leaf("txt.x", RECORD) == "HX-2007"


def test_a_dotted_step_takes_the_only_node_of_a_list() -> None:
    assert leaf("a.b", {"a": []}) == "absent"
    assert leaf("a.b", {"a": [{"b": 1}]}) == 1
    assert leaf("a.b", {"a": [{"b": 1}, {"b": 2}]}) == "HX-2003"


def test_a_key_comes_first() -> None:
    """A field called items, values or count is a field, whatever Python's dict has."""
    record = {"items": {"values": {"count": 7}}, "PO NO": 8}
    assert leaf("items.values.count", record) == 7
    assert leaf('record["PO NO"]', record) == 8
    assert leaf("record.items.values.count", record) == 7


def test_slices_and_items() -> None:
    assert leaf("a[0:3]", {"a": "añ€😀x"}) == "añ€"
    assert leaf("a[1:]", {"a": [1, 2, 3]}) == [2, 3]
    assert leaf("a[5]", {"a": [1]}) == "absent"
    assert leaf("a[0].b", {"a": [{"b": 1}, {"b": 2}]}) == 1


def test_text_becomes_what_the_target_asks() -> None:
    assert leaf("a", {"a": "5.00"}, "{type: integer}") == 5
    assert leaf("a", {"a": "12.50"}, "{type: number}") == Decimal("12.50")
    assert leaf("a", {"a": 12.5}, "{type: string}") == "12.5"
    assert leaf("a", {"a": "true"}, "{type: boolean}") is True
    assert leaf("a", {"a": "1_0"}, "{type: number}") == "HX-2001"
    assert leaf("a", {"a": "5.5"}, "{type: integer}") == "HX-2001"
    assert leaf("a", {"a": True}, "{type: string}") == "HX-2001"


def test_null_is_written_where_the_schema_allows_it_else_left_out() -> None:
    assert leaf("a", {"a": None}, "{type: [string, 'null']}") is None
    assert leaf("a", {"a": None}, "{type: string}") == "absent"


def test_selectors_on_documents() -> None:
    record = {"p": [{"q": "AG", "n": 1}, {"q": "WE", "n": 2}, {"q": "WE", "n": 3}]}
    assert leaf('p | one(q="AG") | get("n")', record) == 1
    assert leaf('p | one("q", "AG") | get("n")', record) == 1
    assert leaf('p | one(q="WE") | get("n")', record) == "HX-2003"
    assert leaf('p | maybe(q="RE") | get("n")', record) == "absent"
    assert leaf('p | any(q="RE")', record) is False
    assert leaf('p | many(q=["AG", "WE"]) | length', record) == 3
    assert leaf('gone | one(q="AG")', record) == "HX-2003"
