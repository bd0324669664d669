# ruff: noqa: DTZ001, RUF001, S301 - values without zone, Greek letters, our own pickles
"""Text, comparison, conversion, absent and faults."""

import pickle
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256

import pytest

from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.compare import among, equal, less, less_or_equal
from helixnet.engine.values.convert import as_boolean, as_decimal, as_integer, as_text
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.text import lower, trim, upper

NOTHING = (None, ABSENT)
SAMPLES = ["x", 5, True, date(2026, 1, 1), datetime(2026, 1, 1), [1], {"a": 1}]


def fault_of(function: object, *args: object) -> ValueFault:
    with pytest.raises(ValueFault) as caught:
        function(*args)  # type: ignore[operator]
    return caught.value


def test_the_trim_set_is_fixed() -> None:
    assert trim(" \t\r\n\v\f\u00a0x\u00a0") == "x"
    assert trim("\u2003x\u200b\x1c") == "\u2003x\u200b\x1c"


def test_case_is_full_unicode_without_locale() -> None:
    assert upper("straße ŉ i") == "STRASSE ʼN I"
    assert lower("ΑΣ ΑΣΑ İ") == "ας ασα i̇"


def test_case_comes_from_one_pinned_table_whatever_python_runs_it() -> None:
    """Python 3.11 to 3.13 have the same pairs; those of a newer Unicode are left alone."""
    assert upper("aƛ") == "Aƛ"
    assert lower("Aꟲ\U00010d50") == "aꟲ\U00010d50"
    table = sha256()
    for char in map(chr, (*range(0xD800), *range(0xE000, sys.maxunicode + 1))):
        if (pair := (upper(char), lower(char))) != (char, char):
            table.update(f"{ord(char):x} {pair[0]} {pair[1]}\n".encode())
    assert table.hexdigest() == "80022ba25b75a4858b514d2ed2215992aa69cefdff2fde49730fc6d9824fae5a"


def test_absent_is_one_value_and_counts_as_false() -> None:
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT
    assert not ABSENT
    assert repr(ABSENT) == "ABSENT"


def test_a_fault_crosses_a_process_border_whole() -> None:
    fault = ValueFault("HX-2001", "no", Decimal("1.5"), "hint")
    copy = pickle.loads(pickle.dumps(fault))
    assert (copy.code, copy.message, copy.value, copy.hint) == (
        "HX-2001",
        "no",
        Decimal("1.5"),
        "hint",
    )
    assert str(copy) == "no"


def test_a_shown_value_is_short() -> None:
    assert shown("x" * 100) == '"' + "x" * 59 + "…"
    assert len(shown(10**100_000)) < 100


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("value", SAMPLES)
def test_a_comparison_with_null_is_false(nothing: object, value: object) -> None:
    assert not equal(nothing, value)
    assert not equal(value, nothing)
    assert not less(nothing, value)
    assert not less_or_equal(value, nothing)
    assert not among(nothing, [nothing])


def test_null_equals_null_and_absent_but_is_not_below_it() -> None:
    assert all(equal(left, right) for left in NOTHING for right in NOTHING)
    assert not less_or_equal(None, None)


def test_values_of_different_types_are_a_fault_never_false() -> None:
    for left in SAMPLES:
        for right in SAMPLES:
            if left is not right:
                assert fault_of(equal, left, right).code == "HX-2005"
                assert fault_of(less, left, right).code == "HX-2005"
    for thing in (True, [1], {"a": 1}):
        assert fault_of(less, thing, thing).code == "HX-2005"


def test_numbers_compare_by_value_and_text_by_code_point() -> None:
    assert equal(5, Decimal("5.00"))
    assert less(5, Decimal("5.01"))
    assert less("B", "a")
    assert less("\uffff", "\U00010000")
    assert less_or_equal(date(2026, 1, 1), date(2026, 1, 1))


def test_a_zone_and_none_are_not_compared() -> None:
    with_zone, without = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)
    assert fault_of(equal, with_zone, without).code == "HX-2005"
    assert fault_of(less, without, with_zone).code == "HX-2005"


def test_lists_and_objects_are_compared_in_depth_by_the_same_rules() -> None:
    """1 is not true, also within a list; 5 is 5.00, and null is null."""
    assert equal([5, None, {"a": [1]}], [Decimal("5.00"), None, {"a": [Decimal(1)]}])
    assert not equal([1], [1, 2])
    assert not equal({"a": 1}, {"b": 1})
    for left, right in (
        ([1], [True]),
        ({"a": "1"}, {"a": 1}),
        ([[1]], [["1"]]),
        ([2, 1], [1, "1"]),
    ):
        with pytest.raises(ValueFault):
            equal(left, right)


def test_in_looks_for_an_equal_item_or_a_part_of_a_text() -> None:
    assert among(5, [Decimal("5.0")])
    assert not among("a", [])
    assert among("b", "abc")
    assert fault_of(among, "a", [1]).code == "HX-2005"
    assert fault_of(among, 1, "123").code == "HX-2005"
    assert fault_of(among, "a", {"a": 1}).code == "HX-2005"


def test_conversions_are_strict_and_canonical() -> None:
    assert [as_text(value) for value in ("x", 5, Decimal("-0.00"), date(2026, 1, 2))] == [
        "x",
        "5",
        "0.00",
        "2026-01-02",
    ]
    assert as_decimal("007.50") == Decimal("7.50")
    assert as_integer("5.00") == 5
    assert as_boolean("true") is True
    assert as_boolean("false") is False
    assert as_boolean(value=True) is True


@pytest.mark.parametrize(
    ("function", "value"),
    [
        *((as_text, True), (as_text, [1]), (as_decimal, "x"), (as_decimal, True), (as_decimal, [])),
        *(
            (as_integer, "5.5"),
            (as_integer, date(2026, 1, 1)),
            (as_boolean, "True"),
            (as_boolean, 1),
        ),
    ],
)
def test_what_needs_guessing_is_a_fault(function: object, value: object) -> None:
    assert fault_of(function, value).code == "HX-2001"
