"""Numbers: one strict pattern in, one canonical text out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.values.faults import ValueFault
from helixnet.engine.values.numbers import (
    integer_converter,
    number_converter,
    number_text,
    parse_decimal,
    to_integer,
)

SEPARATORS = [(".", ""), (",", "."), (",", ""), (".", ","), (",", " "), (".", "'")]
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(
    lambda value: value or value.copy_abs()
)


def fault_of(function: object, text: object) -> ValueFault:
    with pytest.raises(ValueFault) as caught:
        function(text)  # type: ignore[operator]
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", " 1", "1 ", "+5", "1e2", "1E2", "1_0", ".5", "5.", "٣", "\uff11", "1,5", "--1"),
        *("NaN", "Infinity", "0x1F", "1.2.3", "-", "1\n", "1\x00", "1-"),
    ],
)
def test_what_is_not_one_ascii_number_is_refused(text: str) -> None:
    assert fault_of(number_converter(), text).code == "HX-1102"
    assert fault_of(integer_converter(), text).code == "HX-1103"
    assert fault_of(parse_decimal, text).code == "HX-2001"


@pytest.mark.parametrize(
    ("text", "written"),
    [("007", "7"), ("-0", "0"), ("-0.00", "0.00"), ("1.50", "1.50"), ("-12.5", "-12.5")],
)
def test_a_number_is_written_canonically_with_its_scale(text: str, written: str) -> None:
    assert number_text(number_converter()(text)) == written
    assert number_text(parse_decimal(text)) == written


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.012,34", "1012.34"), ("1234,56", "1234.56"), ("1.234.567", "1234567"), ("0,5", "0.5")],
)
def test_groups_are_of_three_or_there_are_none(text: str, value: str) -> None:
    assert number_converter(",", ".")(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["1.23,4", "12.34", "1234.567", "0.123", "007.123", "1..234", ".123", "1.234.", "1,2,3"]
)
def test_a_group_that_may_be_a_fraction_is_refused(text: str) -> None:
    assert fault_of(number_converter(",", "."), text).code == "HX-1102"


def test_the_declared_scale_pads_and_more_digits_are_a_fault() -> None:
    read = number_converter(",", ".", 15, 2)
    assert [str(read(text)) for text in ("12,5", "12", "12,50", "1.000")] == [
        "12.50",
        "12.00",
        "12.50",
        "1000.00",
    ]
    assert fault_of(read, "12,505").code == "HX-1104"
    assert str(number_converter(scale=0)("5")) == "5"
    assert fault_of(number_converter(scale=0), "5.0").code == "HX-1104"


def test_digits_count_those_that_the_scale_pads_but_no_leading_zeros() -> None:
    read = number_converter(digits=5, scale=2)
    assert str(read("123")) == "123.00"
    assert str(read("000123.4")) == "123.40"
    assert str(read("-123.45")) == "-123.45"
    assert fault_of(read, "1234").code == "HX-1104"
    assert fault_of(integer_converter(digits=3), "1234").code == "HX-1104"
    assert integer_converter(digits=3)("-000999") == -999


def test_an_integer_may_have_a_fraction_of_zeros_only() -> None:
    read = integer_converter(",", ".")
    assert [read(text) for text in ("5,00", "1.000", "-7", "-0")] == [5, 1000, -7, 0]
    assert fault_of(read, "5,01").code == "HX-1103"
    assert to_integer(Decimal("5.00")) == 5
    assert fault_of(to_integer, Decimal("5.01")).code == "HX-2001"


@pytest.mark.parametrize(
    ("decimal", "thousands"), [("", ""), ("..", ""), ("5", ""), ("-", ""), (".", "."), (".", "0")]
)
def test_separators_that_are_ambiguous_are_refused(decimal: str, thousands: str) -> None:
    with pytest.raises(ValueFault) as caught:
        number_converter(decimal, thousands)
    assert caught.value.code == "HX-4105"


def test_a_number_of_any_size_passes_but_no_bomb() -> None:
    long = "9" * 20_000
    assert number_text(int(Decimal(long))) == long
    assert number_text(integer_converter(digits=None)(long)) == long
    assert number_text(Decimal("1e30")) == "1" + "0" * 30
    assert number_text(Decimal("1e-9")) == "0.000000001"
    assert fault_of(number_text, Decimal("1e999999")).code == "HX-2004"
    assert fault_of(number_text, Decimal("1e-999999")).code == "HX-2004"
    assert fault_of(to_integer, Decimal("1e999999")).code == "HX-2004"


def test_a_hint_names_the_commonest_reasons() -> None:
    assert "trim" in fault_of(number_converter(), "1 ").hint
    assert "nulls" in fault_of(number_converter(), "").hint
    assert "plus" in fault_of(number_converter(), "+1").hint
    assert 'decimal point "."' in fault_of(number_converter(), "1,5").hint


@given(decimals, st.sampled_from(SEPARATORS))
def test_a_number_written_with_groups_reads_back(
    value: Decimal, separators: tuple[str, str]
) -> None:
    decimal, thousands = separators
    grouped = f"{value:,f}" if thousands else f"{value:f}"
    text = grouped.translate({ord(","): thousands, ord("."): decimal})
    read = number_converter(decimal, thousands, None)
    assert read(text) == value
    assert number_text(read(text)) == f"{value:f}"


@given(st.text(alphabet="0123456789.,-+e '٣\u00a0"), st.sampled_from(SEPARATORS))
def test_any_text_is_a_number_or_a_fault(text: str, separators: tuple[str, str]) -> None:
    for read in (number_converter(*separators, 6, 2), integer_converter(*separators, 6)):
        seen: object = text
        try:
            assert abs(read(text)) < 10**6
        except ValueFault as fault:
            seen = fault.value
        assert seen == text


@given(
    st.from_regex(r"-?[0-9]{1,5}(\.[0-9]{1,4})?", fullmatch=True),
    st.integers(1, 6),
    st.one_of(st.none(), st.integers(0, 4)),
)
def test_digits_and_scale_are_what_they_say(text: str, digits: int, scale: int | None) -> None:
    """Fraction digits within the scale; all digits of the padded number, leading zeros apart."""
    whole, _, fraction = text.removeprefix("-").partition(".")
    padded = fraction.ljust(scale or 0, "0")
    fits = len((whole + padded).lstrip("0")) <= digits and len(padded) <= digits
    fits = fits and (scale is None or len(fraction) <= scale)
    try:
        written = number_text(number_converter(digits=digits, scale=scale)(text))
    except ValueFault:
        assert not fits
    else:
        assert fits
        sign = "-" if text[0] == "-" and Decimal(text) else ""
        assert written == sign + (whole.lstrip("0") or "0") + (f".{padded}" if padded else "")
