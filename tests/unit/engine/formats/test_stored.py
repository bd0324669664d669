"""Packed, zoned and binary numbers: what their bytes are read as, and what is no number."""

from typing import Any

import pytest

from helixnet.engine.context.model import Field
from helixnet.engine.formats.encoding import bytewise_codec
from helixnet.engine.formats.fixed.stored import stored_reader
from helixnet.engine.mapping.fields import field_converter
from helixnet.engine.values.faults import ValueFault
from tests.unit.engine.formats.reading import MARK, source


def stored(how: str, data: bytes, encoding: str = "cp037", **more: Any) -> str:
    more = {"type": "decimal", "scale": 0} | more
    read = stored_reader(Field("F", MARK, stored=how, **more), bytewise_codec(encoding))
    assert read is not None
    return read(data)


@pytest.mark.parametrize(
    ("data", "scale", "text"),
    [
        ("12345C", 2, "123.45"),
        ("12345D", 2, "-123.45"),
        ("12345F", 0, "12345"),
        ("12345A", 0, "12345"),
        ("12345E", 0, "12345"),
        ("12345B", 0, "-12345"),
        ("00000D", 2, "0.00"),
        ("00000C", 0, "0"),
        ("5C", 3, "0.005"),
        ("005D", 2, "-0.05"),
        ("1A345C", 0, "X'1A345C'"),
        ("123456", 0, "X'123456'"),
        ("000000", 2, "LOW-VALUES"),
        ("FFFFFF", 2, "HIGH-VALUES"),
        ("404040", 2, ""),
        ("", 2, ""),
    ],
)
def test_a_packed_number_has_two_digits_a_byte_and_its_sign_last(
    data: str, scale: int, text: str
) -> None:
    assert stored("packed", bytes.fromhex(data), scale=scale) == text


@pytest.mark.parametrize(
    ("encoding", "data", "scale", "text"),
    [
        ("cp037", b"\xf0\xf1\xf2\xc3", 2, "1.23"),
        ("cp037", b"\xf0\xf1\xf2\xd3", 2, "-1.23"),
        ("cp037", b"\xf0\xf1\xf2\xf3", 0, "123"),
        ("cp037", b"\xd1\xf2\xf3", 0, "-123"),
        ("cp037", b"\x60\xf1\xf2", 1, "-1.2"),
        ("cp037", b"\xf1\xf2\x4e", 1, "1.2"),
        ("cp037", b"\x40\x40\xf1\xd2", 0, "-12"),
        ("cp037", b"\xf1\x4b\xf2\xd5", 2, "-1.25"),
        ("cp037", b"\xf1\x40\xf2", 0, "X'F140F2'"),
        ("cp037", b"\xc1\xc2", 0, "X'C1C2'"),
        ("cp037", b"\x40\x40", 0, ""),
        ("cp273", b"\xf1\xd0", 0, "-10"),
        ("cp273", b"\xf1\xc0", 0, "10"),
        ("ascii", b"012{", 2, "1.20"),
        ("ascii", b"012J", 2, "-1.21"),
        ("ascii", b"012q", 2, "-1.21"),
        ("utf-8", b"+12", 0, "12"),
        ("utf-8", b"12-", 0, "-12"),
        ("utf-8", b"--1", 0, "X'2D2D31'"),
        ("utf-8", b"1.", 0, "X'312E'"),
        ("utf-8", b"\0\0", 0, "LOW-VALUES"),
    ],
)
def test_a_zoned_number_has_a_digit_a_byte_and_its_sign_on_one_of_them_or_beside(
    encoding: str, data: bytes, scale: int, text: str
) -> None:
    assert stored("zoned", data, encoding, scale=scale) == text


def test_a_binary_number_is_two_s_complement_of_either_order() -> None:
    assert stored("binary", b"\xff\xfe") == "-2"
    assert stored("binary", b"\xff\xfe", signed=False) == "65534"
    assert stored("binary-le", b"\xfe\xff", scale=1) == "-0.2"
    assert stored("binary", b"\0" * 8, scale=2) == "0.00"
    assert stored("binary", b"\x80" + b"\0" * 7) == "-9223372036854775808"


def test_a_number_that_is_declared_unsigned_is_not_negative() -> None:
    assert stored("packed", b"\x1d", signed=False) == "X'1D'"
    assert stored("packed", b"\x1f", signed=False) == "1"


def test_a_date_is_the_digits_of_its_format() -> None:
    day: dict[str, Any] = {"type": "date", "format": "%Y%m%d", "scale": None}
    assert stored("packed", bytes.fromhex("020261123F"), **day) == "20261123"
    assert stored("packed", bytes.fromhex("000000000F"), **day) == "00000000"
    assert stored("binary", (20261123).to_bytes(4), **day) == "20261123"
    assert stored("packed", bytes.fromhex("0070103F"), type="date", format="%y%m%d") == "070103"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("X'1A345C'", "the bytes X'1A345C' are no packed number"),
        ("LOW-VALUES", "the field is filled with LOW-VALUES"),
    ],
)
def test_what_is_no_number_says_its_bytes(text: str, words: str) -> None:
    field = Field("F", MARK, "decimal", stored="packed", scale=2)
    convert = field_converter(field, source("fixed", decimal=",", thousands="."))
    assert convert is not None
    with pytest.raises(ValueFault, match="HX-1111|" + words) as caught:
        convert(text)
    assert caught.value.code == "HX-1111"
    assert caught.value.message == words
    assert str(convert("-1234.50")) == "-1234.50"
