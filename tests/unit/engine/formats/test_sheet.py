"""Sheets of Excel workbooks as sources: the rows, where they stand, and what Excel typed."""

import gzip
import io
import zipfile
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.codes import CODES
from helixnet.engine.context.extents import CellRange
from helixnet.engine.context.model import Field, Group, Source
from helixnet.engine.packing.unpack import MOST_UNPACKED, packing, unpack
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import MARK, Outcome, fields, group, load, source
from tests.workbooks import DAY, MAIN, MOMENT, number, package, text, workbook

MANY = settings(max_examples=60, deadline=None)
ERROR = '<c t="e"><v>#N/A</v></c>'


def excel(**more: Any) -> Source:
    return source("excel", **more)


def plain(content: bytes, contract: Source, used: Any = None, most: int = MOST_UNPACKED) -> bytes:
    sink = io.BytesIO()
    assert packing(io.BytesIO(content), contract) == "excel"
    unpack(io.BytesIO(content), contract, sink, used=used, most=most)
    return sink.getvalue()


def read(content: bytes, contract: Source, **more: Any) -> Outcome:
    """Unpack and read a sheet, with the errors of all columns."""
    return load(plain(content, contract), contract, used=None, **more)


def refusal(content: bytes, contract: Source, **more: Any) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        read(content, contract, **more)
    assert refused.value.code in CODES
    assert refused.value.hint
    return refused.value


def sheet(rows: Sequence[tuple[int, Sequence[tuple[str, str]]]], **more: Any) -> bytes:
    """Write a sheet whose rows and cells have places: numbers, and letters with XML."""
    lines = "".join(
        f'<row r="{n}">'
        + "".join(cell.replace("<c", f'<c r="{column}{n}"', 1) for column, cell in cells)
        + "</row>"
        for n, cells in rows
    )
    return package([("S", lines)], **more)


def typed(name: str, type_: str, **more: Any) -> dict[str, Field]:
    return {name: Field(name=name, mark=MARK, type=type_, **more)}


def test_rows_have_the_numbers_of_the_sheet_and_empty_ones_are_not_counted() -> None:
    content = sheet(
        [
            (2, [("B", text("A")), ("C", text("B"))]),
            (4, [("B", text("1")), ("C", text("x"))]),
            (5, [("D", text("a remark beside the table"))]),
            (9, [("C", text("y"))]),
        ]
    )
    outcome = read(content, excel())
    assert outcome.index.header == ["", "A", "B"]
    assert outcome.records == [["", "1", "x"], ["", "", "y"]]
    assert outcome.lines == [4, 9]
    place = outcome.locate(1, "B")
    assert (place.line, place.column, place.field) == (9, 3, "B")
    assert outcome.raws == [b",1,x\n", b",,y\n"]


@pytest.mark.parametrize(
    ("more", "header", "records", "lines"),
    [
        ({}, ["Title"], [["A"], ["1"], ["3"]], [2, 3, 4]),
        ({"header_row": 2}, ["A", "B"], [["1", "2"], ["3", "4"]], [3, 4]),
        (
            {"header": False, "fields": fields("X", "Y")},
            ["X", "Y"],
            [["Title", ""], ["A", "B"], ["1", "2"], ["3", "4"]],
            [1, 2, 3, 4],
        ),
        ({"cells": CellRange(1, 1, 2, 3)}, ["B"], [["2"]], [3]),
        (
            {"header": False, "fields": fields("X"), "cells": CellRange(1, 9, 3, 9)},
            ["X"],
            [["2"], ["4"]],
            [3, 4],
        ),
    ],
)
def test_header_and_range_say_what_is_read(
    more: dict[str, Any], header: list[str], records: list[list[str]], lines: list[int]
) -> None:
    content = workbook([["Title"], ["A", "B"], [1, 2], [3, 4]])
    outcome = read(content, excel(**more))
    assert (outcome.index.header, outcome.records, outcome.lines) == (header, records, lines)
    if "cells" in more:
        assert outcome.locate(0, header[0]).column == 2


def test_a_sheet_is_named_or_numbered_and_else_the_first_that_people_see() -> None:
    lines = "<row><c t='inlineStr'><is><t>{}</t></is></c></row>"
    content = package([(name, lines.format(name)) for name in ("One", "Two", "Three")])
    hidden = repacked(content, "xl/workbook.xml", b'name="One"', b'name="One" state="hidden"')
    for sheet_, found in ((None, "Two"), ("One", "One"), (3, "Three"), ("Three", "Three")):
        assert read(hidden, excel(sheet=sheet_)).index.header == [found]
    error = refusal(content, excel(sheet="Four"))
    assert (error.code, error.hint) == ("HX-5061", "it has `One`, `Two`, `Three`")
    assert refusal(content, excel(sheet=4)).code == "HX-5061"


def repacked(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as read_, zipfile.ZipFile(packed, "w") as write:
        for name in read_.namelist():
            data = read_.read(name)
            write.writestr(name, data.replace(old, new) if name == part else data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        (typed("A", "decimal"), number("1.5"), "1,5"),
        (typed("A", "decimal"), text("1,5"), "1,5"),
        (typed("A", "integer"), number("12"), "12"),
        (typed("A", "date", format="%d.%m.%Y"), number("46349", DAY), "23.11.2026"),
        (typed("A", "date"), number("46349", DAY), "2026-11-23"),
        (typed("A", "date"), number("46349.5", DAY), "2026-11-23T12:00:00"),
        (typed("A", "date", format="%d.%m.%y", pivot=50), number("46349", DAY), "23.11.26"),
        (typed("A", "date", format="%Y%m%d"), number("20261123"), "20261123"),
        (typed("A", "datetime"), number("46349", MOMENT), "2026-11-23T00:00:00"),
        (
            typed("A", "datetime", format="%d.%m.%Y %H:%M"),
            number("46349.5", DAY),
            "23.11.2026 12:00",
        ),
        (typed("A", "boolean", true=["X"], false=["", "0"]), '<c t="b"><v>1</v></c>', "X"),
        (typed("A", "string"), number("4711"), "4711"),
        (typed("A", "string"), number("46349", DAY), "2026-11-23"),
        (typed("A", "string"), '<c t="b"><v>0</v></c>', "false"),
        (typed("A", "string"), number("60", DAY), "1900-02-29"),
        (typed("A", "string"), number("46349.000005787", MOMENT), "2026-11-23T00:00:00.500"),
        ({}, number("0.1"), "0.1"),
        ({}, number("1E-2"), "0.01"),
        ({}, number("2.2999999999999998"), "2.3"),
        ({}, number("123456789012345678"), "123456789012345678"),
        ({}, number("0.123456789012345678901"), "0.123456789012345678901"),
    ],
)
def test_what_excel_typed_is_written_as_the_contract_reads_it(
    field: dict[str, Field], cell: str, value: str
) -> None:
    contract = excel(fields=field or None, decimal="," if field else ".")
    assert read(workbook([["A"], [cell]]), contract).records == [[value]]


def test_an_error_rejects_its_record_where_it_is_read() -> None:
    content = workbook([["A", "B"], ["1", ERROR], [ERROR, "2"], ["3", "<c><f>1+1</f></c>"]])
    contract = excel()
    outcome = load(plain(content, contract, used=["B"]), contract)
    assert outcome.codes == {0: ["HX-1014"], 2: ["HX-1014"]}
    batch, _ = outcome.batches[0]
    fault = batch.faults[0][0]
    assert fault.source is not None
    assert (fault.message, fault.source.line, fault.source.column) == (
        *("the cell holds the error #N/A", 2),
        2,
    )
    assert outcome.raws == [b"1,#N/A\n", b"#N/A,2\n", b"3,a formula without a stored value\n"]


def test_line_ends_and_quotes_in_cells_stay_in_them() -> None:
    rows = [["K\nL", 'say "x"'], ["a\nb\n", 'c,"d"'], ["", " \t"], ["_x000D__x001F_", "e"]]
    outcome = read(workbook(rows), excel())
    assert outcome.index.header == ["K\nL", 'say "x"']
    assert outcome.records == [["a\nb\n", 'c,"d"'], ["", " \t"], ["\r_x001F_", "e"]]
    assert outcome.lines == [2, 3, 4]


def test_groups_and_fill_down_see_rows_as_those_of_csv() -> None:
    rows = [["K", "V"], ["a", 1], [None, 2], [], ["b", 3], ["a", 4]]
    filled = read(workbook(rows), excel(fill_down=["K"]), by=group("K"))
    assert filled.records == [[["a", "1"], ["a", "2"]], [["b", "3"]], [["a", "4"]]]
    assert filled.locate(0, "K", 1).line == 2
    keyed = read(workbook(rows), excel(), by=group("K", keyed=True))
    assert [[row[1] for row in rows_] for rows_ in keyed.records] == [["1", "4"], ["2"], ["3"]]
    assert keyed.locate(0, "V", 1).line == 6


def test_a_key_that_stands_again_after_others_is_told_of_a_sheet_too() -> None:
    content = workbook([["NO"], ["1"], ["2"], ["1"]])
    outcome = read(content, excel(), by=group("NO"))
    assert [each.startswith("the key '1' stands again") for each in outcome.index.drift] == [True]
    assert len(outcome.records) == 3


def test_drift_speaks_of_columns_with_a_name() -> None:
    content = workbook([["A", None, "C", None, "D"], ["x", 1, "y", 2, 3], ["x", 1, "y", 2, 3]])
    contract = excel(fields=fields("A", "B") | typed("C", "integer"))
    outcome = read(content, contract)
    unknown, missing, retyped = outcome.index.drift
    assert ("'D'" in unknown, "'B'" in missing, "integer" in retyped) == (True, True, True)
    doubled = workbook([["A", "A"], ["1", "2"]])
    assert refusal(doubled, excel()).code == "HX-5002"


def test_a_row_that_shall_name_the_columns_must_have_cells() -> None:
    assert refusal(workbook([["A"], [], ["1"]]), excel(header_row=2)).code == "HX-5002"
    behind = refusal(workbook([["A"], ["1"]]), excel(header_row=300))
    assert (behind.code, "no row 300" in str(behind)) == ("HX-5002", True)


def test_blanks_around_what_was_typed_into_a_cell_of_a_number_are_no_fault() -> None:
    """A declared number can't be trimmed by the map, and text in such cells is common."""
    contract = excel(fields=fields("A") | typed("N", "decimal", scale=2))
    outcome = read(workbook([["A", "N"], [" x ", " 3 "], ["y", "\u00a01.5"]]), contract)
    assert outcome.records == [[" x ", "3"], ["y", "1.5"]]


def test_an_empty_sheet_and_an_empty_file_have_no_records() -> None:
    assert read(workbook([]), excel()).records == []
    assert packing(io.BytesIO(b""), excel()) == ""
    assert load(b"", excel()).records == []


def test_a_workbook_may_be_packed_once_more() -> None:
    content = workbook([["A"], ["1"]])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("orders.xlsx", content)
    for outer in (gzip.compress(content), packed.getvalue()):
        assert read(outer, excel()).records == [["1"]]
    assert refusal(gzip.compress(gzip.compress(content)), excel()).code == "HX-5004"


def zipped(**parts: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_x", ".x"), content)
    return packed.getvalue()


GOOD = workbook([["A"], ["1"]])
AT = GOOD.index(b"sheet1.xml") + 20
BOOK = (
    f'<workbook xmlns="{MAIN}"><sheets><sheet name="S" r:id="r1" xmlns:r="r"/></sheets></workbook>'
)
BOMB = f'<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>{BOOK}'
EXTERNAL = f'<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]>{BOOK}'


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"A;B\n1;2\n", "HX-5004", "it is text"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "HX-5004", "an .xls file"),
        (
            b"\xd0\xcf\x11\xe0" + bytes(60) + "EncryptedPackage".encode("utf-16-le"),
            *("HX-5004", "protected by a password"),
        ),
        (zipped(xl__workbook_bin="x").replace(b"_bin", b".bin"), "HX-5004", "a binary workbook"),
        (zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "HX-5004", "OpenDoc"),
        (GOOD[:-30], "HX-5050", "ends in the middle"),
        (GOOD[:AT] + b"!!" + GOOD[AT + 2 :], "HX-5050", "damaged"),
        (repacked(GOOD, "xl/workbook.xml", b"<workbook", b"<workbok"), "HX-5060", "XML is broken"),
        (repacked(GOOD, "xl/workbook.xml", b"<workbook", BOMB.encode()), "HX-5060", "entities"),
        (repacked(GOOD, "xl/workbook.xml", b"<workbook", EXTERNAL.encode()), "HX-5060", "entities"),
        (
            repacked(GOOD, "xl/_rels/workbook.xml.rels", b"sheet1", b"sheet9"),
            *("HX-5060", "a sheet that is not in it"),
        ),
        (
            package([("S", '<row r="9"><c><v>1</v></c></row><row r="3"/>')]),
            *("HX-5060", "row 3 of the sheet stands after row 9"),
        ),
        (
            package([("S", '<row><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>')]),
            *("HX-5060", "twice"),
        ),
        (package([("S", '<row r="9999999"/>')]), "HX-5060", "9999999"),
        (package([("S", f"<row>{text('x' * 1_100_000)}</row>")]), "HX-6001", "over 1 MiB"),
        (package([("S", f"<row><!--{'x' * 20_000_000}--></row>")]), "HX-6001", "without end"),
    ],
    ids=range(16),
)
def test_what_is_no_workbook_is_refused_with_a_reason(
    content: bytes, code: str, words: str
) -> None:
    error = refusal(content, excel())
    assert (error.code, words in str(error)) == (code, True), str(error)


def test_a_sheet_that_unpacks_to_too_much_is_refused() -> None:
    far = sheet(
        [(1, [("A", text("A")), ("XFD", text("B"))])]
        + [(n, [("XFD", text("x"))]) for n in range(2, 500)]
    )
    with pytest.raises(RefusedError) as refused:
        plain(far, excel(), most=1 << 20)
    assert refused.value.code == "HX-6006"
    with pytest.raises(RefusedError) as refused:
        plain(package([("S", "<row/>" * 300_000)]), excel(), most=1 << 20)
    assert refused.value.code == "HX-6006"


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="_\ufffe\uffff")
    | st.sampled_from("\n\t"),
    max_size=8,
)
CELLS = st.one_of(TEXTS, st.integers(-(10**9), 10**9), st.none())


@MANY
@given(st.lists(st.lists(CELLS, max_size=4), max_size=8))
def test_what_was_written_comes_back_cut_anywhere(rows: list[list[str | int | None]]) -> None:
    """All rows, as canonical texts, with their numbers; whatever parts the sheet is read in."""
    content = workbook([["A", "B", "C", "D"], *([_cell(cell) for cell in row] for row in rows)])
    expected = [
        (number_, ["" if cell is None else str(cell) for cell in row] + [""] * (4 - len(row)))
        for number_, row in enumerate(rows, 2)
    ]
    expected = [(n, cells) for n, cells in expected if any(cells)]
    contract = excel()
    for size, chunk in ((10**6, None), (1, 1), (20, 7)):
        outcome = read(content, contract, part_size=size, chunk=chunk)
        assert list(zip(outcome.lines, outcome.records, strict=True)) == expected
        by: Group = group("A")
        grouped = read(content, contract, by=by, part_size=size, chunk=chunk)
        assert [row for rows_ in grouped.records for row in rows_] == outcome.records


def _cell(value: str | int | None) -> Any:
    """A text as XML keeps it: line ends as they are, blanks too."""
    if not isinstance(value, str):
        return value
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


@MANY
@given(st.integers(0, 6), st.binary(max_size=60), st.integers(0, 300))
def test_any_bytes_in_a_workbook_give_rows_or_a_refusal(part: int, noise: bytes, at: int) -> None:
    """Bytes in place of any part of it, and anywhere in the file."""
    good = workbook([["a", 1], [2]], shared=["x"])
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as archive, zipfile.ZipFile(packed, "w") as made:
        for n, name in enumerate(archive.namelist()):
            made.writestr(name, noise if n == part else archive.read(name))
    codes = set[str]()
    for content in (packed.getvalue(), good[:at] + noise + good[at + len(noise) :], noise):
        try:
            if content:
                read(content, excel())
        except RefusedError as error:
            codes.add(error.code)
    assert codes <= set(CODES)
