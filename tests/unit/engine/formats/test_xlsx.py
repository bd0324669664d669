"""Excel workbooks: cells as they are stored, and strangers' workbooks that ask for too much."""

import zipfile
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.formats.excel.parts import WorkbookError
from helixnet.engine.formats.excel.values import Broken, Native
from helixnet.engine.formats.excel.workbook import read_sheet
from tests.workbooks import (
    DAY,
    DAYS,
    MAIN,
    MOMENT,
    OWN_DAY,
    number,
    package,
    text,
    workbook,
)


def rows(content: bytes, sheet: str | None = None) -> list[tuple[int, dict[int, str]]]:
    return list(read_sheet(content, sheet))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (number("12"), "12"),
        (number("12.5"), "12.5"),
        (number("2.2999999999999998"), "2.3"),  # what Excel stores for 2.3
        (number("0.30000000000000004"), "0.3"),
        (number("-0"), "0"),
        (number("1E+2"), "100"),
        (number("1.5E-3"), "0.0015"),
        (number("123456789012345"), "123456789012345"),
        (number("46036", DAY), "2026-01-14"),
        (number("46036", OWN_DAY), "2026-01-14"),
        (number("46036", DAYS), "46036"),
        (number("46036.354166666664", MOMENT), "2026-01-14T08:30:00"),
        (number("46036.999999999", MOMENT), "2026-01-15"),
        (number("0.5", MOMENT), "12:00:00"),
        (number("1", DAY), "1900-01-01"),
        (number("59", DAY), "1900-02-28"),
        (number("61", DAY), "1900-03-01"),
        ('<c t="b"><v>1</v></c>', "true"),
        ('<c t="b"><v>0</v></c>', "false"),
        ('<c t="d"><v>2026-01-14</v></c>', "2026-01-14"),
    ],
)
def test_what_excel_typed_is_native_in_canonical_form(cell: str, value: str) -> None:
    ((_, cells),) = rows(workbook([[cell]]))
    assert (cells[0], type(cells[0])) == (value, Native)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (text("007"), "007"),
        (text(" a & b "), " a & b "),
        (text("a_x000D_b"), "a\rb"),
        ('<c t="str"><f>A1&amp;"x"</f><v>12x</v></c>', "12x"),
        ('<c t="s"><v>1</v></c>', "two"),
        ('<c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>', "ab"),
        ('<c t="inlineStr"><is><t>a</t><rPh sb="0"><t>x</t></rPh></is></c>', "a"),
    ],
)
def test_texts_stay_texts(cell: str, value: str) -> None:
    ((_, cells),) = rows(workbook([[cell]], shared=["one", "two"]))
    assert (cells[0], type(cells[0])) == (value, str)


@pytest.mark.parametrize(
    "cell",
    [
        '<c t="e"><v>#N/A</v></c>',
        "<c><f>1+1</f></c>",
        '<c t="s"><v>9</v></c>',
        "<c><v>NaN</v></c>",
        number("9999999999", DAY),
    ],
)
def test_a_cell_without_a_value_is_told_not_guessed(cell: str) -> None:
    ((_, cells),) = rows(workbook([[cell]]))
    assert type(cells[0]) is Broken


def test_rows_and_cells_stand_where_the_sheet_says() -> None:
    lines = (
        '<row r="3"><c r="B3"><v>1</v></c></row><row><c/><c><v>2</v></c></row>'
        '<row r="9"><c r="AA9"><v>3</v></c><c><v>4</v></c></row><row r="10"/>'
    )
    assert rows(package([("S", lines)])) == [(3, {1: "1"}), (4, {1: "2"}), (9, {26: "3", 27: "4"})]


def test_prefixes_of_names_say_nothing() -> None:
    lines = f'<x:row xmlns:x="{MAIN}"><x:c t="str"><x:v>b</x:v></x:c></x:row>'
    assert rows(package([("S", lines)])) == [(1, {0: "b"})]


def test_a_sheet_is_found_by_its_name() -> None:
    content = workbook([[2]], sheet="Two", before=[("One", "<row><c><v>1</v></c></row>")])
    assert rows(content) == [(1, {0: "1"})]
    assert rows(content, "Two") == [(1, {0: "2"})]
    with pytest.raises(WorkbookError) as caught:
        rows(content, "three")
    assert caught.value.hint == "it has `One`, `Two`"


def test_a_workbook_of_the_other_era_counts_from_1904() -> None:
    content = workbook([[number("0", DAY)]], properties='<workbookPr date1904="1"/>')
    assert rows(content) == [(1, {0: "1904-01-01"})]


def test_a_cell_at_the_end_of_the_world_takes_no_memory() -> None:
    lines = (
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    )
    assert rows(package([("S", lines)])) == [(1, {0: "1"}), (1048576, {16383: "2"})]


def zipped(**parts: str) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_x", ".x"), content)
    return buffer.getvalue()


BOMB = (
    '<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    f'<workbook xmlns="{MAIN}"><sheets><sheet name="&b;"/></sheets></workbook>'
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no xlsx workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "an .xls file"),
        (zipped(a="b"), "no workbook.xml"),
        (zipped(xl__workbook_xml="<a"), "XML is broken"),
        (zipped(xl__workbook_xml="<a/>"), "no sheet"),
        (zipped(xl__workbook_xml=BOMB), "entities"),
        (package([("S", '<row><c r="XFE1"><v>1</v></c></row>')]), "more than 16384 columns"),
        (package([("S", "<row><c><v>1</v></c>" + " " * 60_000_000 + "</row>")]), "times its size"),
    ],
    ids=range(8),
)
def test_what_is_no_workbook_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(WorkbookError, match=words):
        rows(content)


@given(st.binary(max_size=200), st.integers(0, 5))
def test_any_bytes_give_rows_or_a_refusal(noise: bytes, part: int) -> None:
    """Bytes in place of any part of a workbook."""
    buffer = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(workbook([["a", 1], [2]], shared=["x"]))) as good,
        zipfile.ZipFile(buffer, "w") as archive,
    ):
        for number_, name in enumerate(good.namelist()):
            archive.writestr(name, noise if number_ == part + 1 else good.read(name))
    with suppress(WorkbookError):
        rows(buffer.getvalue())
