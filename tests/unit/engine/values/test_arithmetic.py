"""Arithmetic is exact or a fault."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.values.arithmetic import (
    add,
    divide,
    magnitude,
    multiply,
    negate,
    round_half_away,
    round_half_even,
    rounding,
    subtract,
)
from helixnet.engine.values.faults import ValueFault

numbers = st.one_of(
    st.integers(-(10**20), 10**20),
    st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=4),
)
places = st.integers(0, 10)


def fault_of(function: object, *args: object) -> ValueFault:
    with pytest.raises(ValueFault) as caught:
        function(*args)  # type: ignore[operator]
    return caught.value


def test_nothing_is_lost_where_floats_lose() -> None:
    assert add(Decimal("0.1"), Decimal("0.2")) == Decimal("0.3")
    assert str(multiply(Decimal("1.500"), Decimal("1012.34"))) == "1518.51000"
    assert subtract(5, Decimal("0.01")) == Decimal("4.99")
    assert add(2, 3) == 5
    assert type(add(2, 3)) is int


def test_a_product_of_zero_has_no_sign() -> None:
    assert str(multiply(Decimal("0.00"), -5)) == "0.00"
    assert str(negate(Decimal("0.0"))) == "0.0"
    assert str(round_half_away(Decimal("-0.4"))) == "0"


@pytest.mark.parametrize("function", [add, subtract, multiply])
def test_more_than_38_digits_are_a_fault(function: object) -> None:
    large = 10**37 * 9
    for left, right in ((large, -large), (Decimal(large), Decimal(-large))):
        other = -right if function is add else right
        assert fault_of(function, left, other).code == "HX-2004"
    assert fault_of(multiply, Decimal("1e-20"), Decimal("1e-20")).code == "HX-2004"
    assert fault_of(add, Decimal("1e-30"), 10**20).code == "HX-2004"


@pytest.mark.parametrize("function", [negate, magnitude])
@pytest.mark.parametrize(
    "value", [10**38, -(10**38), Decimal(10**38), Decimal("-1." + "3" * 38), Decimal("1E+38")]
)
def test_another_sign_is_arithmetic_too(function: object, value: object) -> None:
    assert fault_of(function, value).code == "HX-2004"


def test_another_sign_keeps_38_digits_and_the_scale() -> None:
    assert negate(10**38 - 1) == 1 - 10**38
    assert str(negate(Decimal("1." + "3" * 37))) == "-1." + "3" * 37
    assert str(magnitude(Decimal("-1.50"))) == "1.50"
    assert str(negate(Decimal("-0.0"))) == str(magnitude(Decimal("-0.0"))) == "0.0"
    assert negate(divide(1, 3)) == Fraction(-1, 3)


def test_38_digits_are_no_fault() -> None:
    assert add(10**38 - 2, 1) == 10**38 - 1
    assert str(multiply(Decimal("1e-19"), Decimal("1e-19"))) == "1E-38"


@pytest.mark.parametrize("value", ["1", True, None, [1], 1.5])
def test_what_is_no_number_is_a_fault(value: object) -> None:
    for function in (add, subtract, multiply, divide):
        assert fault_of(function, 1, value).code == "HX-2005"
        assert fault_of(function, value, 1).code == "HX-2005"
    assert fault_of(negate, value).code == "HX-2005"
    assert fault_of(round_half_away, value).code == "HX-2005"


def test_a_quotient_stays_exact_until_it_is_rounded() -> None:
    third = divide(1, 3)
    assert third == Fraction(1, 3)
    assert multiply(third, 3) == 1
    assert str(round_half_away(multiply(divide(2, 3), Decimal("1.5")), 2)) == "1.00"
    assert str(round_half_even(divide(-1, 8), 2)) == "-0.12"
    assert fault_of(divide, 1, 0).code == "HX-2004"
    assert fault_of(divide, 1, Decimal("0.00")).code == "HX-2004"


def test_a_rounded_result_of_more_than_38_digits_is_a_fault() -> None:
    assert fault_of(round_half_away, 10**38, 0).code == "HX-2004"
    assert fault_of(round_half_away, 10**30, 10).code == "HX-2004"
    assert fault_of(round_half_away, divide(10**38, 1), 0).code == "HX-2004"
    assert fault_of(round_half_even, Decimal("1e999999"), 0).code == "HX-2004"
    assert str(round_half_away(Decimal("1." + "3" * 60), 2)) == "1.33"


@pytest.mark.parametrize("bad", [-1, 39, "2", True, None])
def test_places_are_0_to_38(bad: object) -> None:
    assert fault_of(round_half_away, 1, bad).code == "HX-4105"
    assert fault_of(rounding, bad).code == "HX-4105"


def test_a_fixed_rounding_refuses_what_the_plain_one_refuses() -> None:
    assert fault_of(rounding(2), "1.5").code == "HX-2005"
    assert fault_of(rounding(10), Decimal(10**30)).code == "HX-2004"


def reference(value: Fraction, digits: int, *, even: bool) -> Fraction:
    """Round by the definition: of the two neighbours the nearer, on a tie by the rule."""
    scaled = value * 10**digits
    low = Fraction(scaled.numerator // scaled.denominator)
    above = scaled - low
    if above == Fraction(1, 2):
        up = low % 2 == 1 if even else scaled > 0
    else:
        up = above > Fraction(1, 2)
    return (low + up) / 10**digits


@given(numbers, places)
def test_rounding_equals_its_definition(value: int | Decimal, digits: int) -> None:
    for operand in (value, divide(value, 7), divide(value, 8)):
        exact = Fraction(operand)
        away, even = round_half_away(operand, digits), round_half_even(operand, digits)
        assert Fraction(away) == reference(exact, digits, even=False)
        assert Fraction(even) == reference(exact, digits, even=True)
        assert (str(away), str(even)) == (
            str(rounding(digits)(operand)),
            str(rounding(digits, even=True)(operand)),
        )
        assert -int(away.as_tuple().exponent) == -int(even.as_tuple().exponent) == digits


@given(numbers, numbers)
def test_a_result_is_exact_or_a_fault(left: int | Decimal, right: int | Decimal) -> None:
    a, b = Fraction(left), Fraction(right)
    for function, expected in ((add, a + b), (subtract, a - b), (multiply, a * b)):
        try:
            result = Fraction(function(left, right))
        except ValueFault:
            result = None
        assert result == expected if abs(expected) < 10**30 else result in {None, expected}
