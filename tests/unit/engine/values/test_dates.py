# ruff: noqa: DTZ001 - a value without zone is what most of these rules are about
"""Dates: fixed width, real days only, a zone only where declared."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.values.dates import (
    date_formatter,
    date_parser,
    date_text,
    has_time,
    zone_of,
)
from helixnet.engine.values.faults import ValueFault


def fault_of(function: object, *args: object, **named: object) -> ValueFault:
    with pytest.raises(ValueFault) as caught:
        function(*args, **named)  # type: ignore[operator]
    return caught.value


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        ("%d.%m.%Y", "23.11.2026", date(2026, 11, 23)),
        ("%Y%m%d", "00010101", date(1, 1, 1)),
        ("%Y-%m-%dT%H:%M:%S", "2026-11-23T09:05:07", datetime(2026, 11, 23, 9, 5, 7)),
        ("%Y%m%d%H%M%S%f", "20261123090507000120", datetime(2026, 11, 23, 9, 5, 7, 120)),
        ("%Y-%m-%d %H:%M%z", "2026-11-23 09:05Z", datetime(2026, 11, 23, 9, 5, tzinfo=UTC)),
        ("%m/%d/%Y{}%%", "11/23/2026{}%", date(2026, 11, 23)),
    ],
)
def test_a_text_of_the_format_is_read_and_written_back(form: str, text: str, value: date) -> None:
    read = date_parser(form)
    assert read(text) == value
    assert type(read(text)) is type(value)
    assert date_formatter(form)(value) == text
    assert has_time(form) is isinstance(value, datetime)


@pytest.mark.parametrize(
    "text",
    [
        *("03.01.26", "3.1.2026", "30.02.2026", "00.01.2026", "01.13.2026", "23.11.2026 ", ""),
        *("٢٣.11.2026", "23-11-2026", "23.11.0000", "23.11.2026\n"),
    ],
)
def test_another_width_or_no_real_day_is_a_fault(text: str) -> None:
    assert fault_of(date_parser("%d.%m.%Y"), text).code == "HX-1105"


def test_a_time_beyond_the_day_is_a_fault() -> None:
    read = date_parser("%Y%m%d%H%M")
    assert fault_of(read, "202611232400").code == "HX-1105"
    assert fault_of(read, "202611230960").code == "HX-1105"


@pytest.mark.parametrize(
    "form",
    [
        *("", "%d.%m", "%Y%m", "%Y%y%m%d", "%Y%m%d%d", "%b %d %Y", "%Y-%m-%d %M", "%Y%m%d%H%S"),
        *("%Y-%m-%", "%Y%m%d%j", "x", "%y%m%d", "%Y%m%d%f", "%Y%m%d%z"),
    ],
)
def test_a_format_that_names_no_one_moment_is_refused(form: str) -> None:
    assert fault_of(date_parser, form).code == "HX-4105"


def test_the_pivot_divides_the_centuries() -> None:
    read = date_parser("%y%m%d", pivot=50)
    assert read("490101") == date(2049, 1, 1)
    assert read("500101") == date(1950, 1, 1)
    assert fault_of(date_parser, "%y%m%d", pivot=101).code == "HX-4105"


def test_a_declared_zone_is_put_on_and_none_is_invented() -> None:
    assert date_parser("%Y%m%d%H%M")("202611230905").tzinfo is None  # type: ignore[union-attr]
    read = date_parser("%Y%m%d%H%M", zone="+01:00")
    assert date_text(read("202611230905")) == "2026-11-23T09:05:00+01:00"
    assert date_text(date_parser("%Y%m%d%H%M", zone="Z")("202611230905")) == "2026-11-23T09:05:00Z"
    assert fault_of(date_parser, "%Y%m%d", zone="Z").code == "HX-4105"
    assert fault_of(date_parser, "%Y%m%d%H%z", zone="Z").code == "HX-4105"


@pytest.mark.parametrize("bad", ["", "CET", "+1:00", "+15:00", "+01:60", "0100", "z"])
def test_a_zone_is_z_or_an_offset(bad: str) -> None:
    assert fault_of(zone_of, bad).code == "HX-4105"


def test_zones_are_offsets() -> None:
    assert zone_of("-05:30") == timezone(-timedelta(hours=5, minutes=30))
    assert zone_of("+00:00") is UTC


def test_what_a_value_lacks_is_not_written() -> None:
    day, moment = date(2026, 11, 23), datetime(2026, 11, 23, 9, 5)
    assert fault_of(date_formatter("%H:%M"), day).code == "HX-2005"
    assert fault_of(date_formatter("%H:%M%z"), moment).code == "HX-2005"
    assert date_formatter("%y/%m")(moment) == "26/11"


def test_the_canonical_text_is_iso_8601() -> None:
    assert date_text(date(26, 1, 2)) == "0026-01-02"
    assert date_text(datetime(2026, 1, 2, 3, 4, 5, 60)) == "2026-01-02T03:04:05.000060"


@given(st.datetimes(), st.sampled_from(["%d.%m.%Y %H:%M:%S.%f", "%Y%m%d%H%M%S%f"]))
def test_a_datetime_written_reads_back(value: datetime, form: str) -> None:
    assert date_parser(form)(date_formatter(form)(value)) == value


@given(st.text(alphabet="0123456789.-%{} ٣"))
def test_any_text_is_a_date_or_a_fault(text: str) -> None:
    code = "HX-1105"
    try:
        assert isinstance(date_parser("%d.%m.%Y")(text), date)
    except ValueFault as fault:
        code = fault.code
    assert code == "HX-1105"


@given(st.text(alphabet="YymdHMSfzb%. {}", max_size=12))
def test_any_format_compiles_or_is_refused(form: str) -> None:
    for compile_format in (date_parser, date_formatter):
        code = "HX-4105"
        try:
            assert callable(compile_format(form))
        except ValueFault as fault:
            code = fault.code
        assert code == "HX-4105"
