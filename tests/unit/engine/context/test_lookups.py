"""Lookup tables: rows, several rows, days, types, CSV and Excel, and each mistake with its line."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from helixnet.engine.context import table_rows
from helixnet.engine.context.model import Context, Mark, TableRow
from helixnet.engine.context.reader import ReadContext
from tests.workbooks import DAY, number, workbook

HEAD = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nsource: {format: csv}\nmap: {a: x}\n"


def test_a_row_is_an_object_of_typed_columns(context: Callable[..., Context]) -> None:
    table = context(
        'lookups: {m: {file: m.csv, key: K, row: true, decimal: ",", delimiter: ;, nulls: [""],'
        " fields: {W: {type: decimal, scale: 2}, ON: {type: boolean, true: [X]}}}}\n",
        m__csv=b"K;W;ON\n1;1,5;X\n2;;false\n",
    ).lookups["m"]
    assert table.rows == {
        "1": {"K": "1", "W": Decimal("1.50"), "ON": True},
        "2": {"K": "2", "W": None, "ON": False},
    }
    assert (list(table.lines), list(table.columns or ())) == ([2, 3], ["K", "W", "ON"])


def test_several_rows_of_a_key_are_a_list(context: Callable[..., Context]) -> None:
    table = context(
        "lookups: {m: {file: m.csv, key: [A, B], value: V, rows: many}}\n",
        m__csv=b"A,B,V\n1,x,a\n2,x,b\n1,x,c\n",
    ).lookups["m"]
    assert table.rows == {("1", "x"): ["a", "c"], ("2", "x"): ["b"]}
    assert {key: list(lines) for key, lines in (table.spread or {}).items()} == {
        ("1", "x"): [2, 4],
        ("2", "x"): [3],
    }


DATED = "lookups: {p: {file: p.csv, key: K, value: V, valid: {from: F, to: T}}}\n"
UNTIL_NEXT = "lookups: {p: {file: p.csv, key: K, value: V, valid: {from: F}}}\n"


def test_a_row_holds_between_its_days(context: Callable[..., Context]) -> None:
    table = context(DATED, p__csv=b"K,V,F,T\n1,b,2026-02-01,\n1,a,,2026-01-31\n").lookups["p"]
    assert table.rows == {
        "1": [TableRow("a", 3, None, date(2026, 1, 31)), TableRow("b", 2, date(2026, 2, 1), None)]
    }


def test_without_a_last_day_a_row_holds_until_the_next(context: Callable[..., Context]) -> None:
    data = b"K,V,F\n1,b,2026-02-01\n1,a,\n1,c,2026-03-01\n2,z,0001-01-01\n"
    rows = context(UNTIL_NEXT, p__csv=data).lookups["p"].rows
    assert rows == {
        "1": [
            TableRow("a", 3, None, date(2026, 1, 31)),
            TableRow("b", 2, date(2026, 2, 1), date(2026, 2, 28)),
            TableRow("c", 4, date(2026, 3, 1), None),
        ],
        "2": [TableRow("z", 5, date(1, 1, 1), None)],
    }


@pytest.mark.parametrize(
    ("text", "data", "line", "message"),
    [
        (DATED, b"K,V,F,T\n1,a,2026-01-01,2026-01-31\n1,b,2026-01-31,\n", 3, "lines 2 and 3"),
        (DATED, b"K,V,F,T\n1,a,,\n2,a,,\n1,b,2026-01-31,\n", 4, "twice on 2026-01-31: lines 2"),
        (DATED, b"K,V,F,T\n1,a,2026-02-01,2026-01-31\n", 2, "from 2026-02-01 until 2026-01-31"),
        (DATED, b"K,V,F,T\n1,a,1.2.2026,\n", 2, "`F`"),
        (DATED, b"K,V,F\n", 1, "no column `T`"),
        (UNTIL_NEXT, b"K,V,F\n1,a,2026-01-01\n1,b,2026-01-01\n", 3, "lines 2 and 3"),
    ],
)
def test_days_that_can_not_be_used_are_shown_by_their_lines(
    read: Callable[..., ReadContext], text: str, data: bytes, line: int, message: str
) -> None:
    (problem,) = read(HEAD + text, p__csv=data).problems
    assert (problem.mark, problem.code) == (Mark("p.csv", line, 1), "HX-4205")
    assert message in problem.message


TYPED = (
    "lookups: {t: {file: t.csv, key: K, value: V,"
    " fields: {K: {type: integer}, V: {type: decimal}}}}\n"
)


@pytest.mark.parametrize(
    ("data", "line", "message", "hint"),
    [
        (b"K,V\n1,x\n", 2, '`V`: "x" is not a number', ""),
        (b"K,V\n1,\n", 2, "`V`", "name it in `nulls`"),
        (b'K,V\n"1\n",5\n', 2, "`K`", ""),
        (b'K,V\n1,"1\n5"\n2,3\nx,4\n', 2, "`V`", ""),
        (b"K,V\n1,1\n01,2\n", 3, "key `1` stands twice, first on line 2", "`rows: many`"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_shown_by_its_line(
    read: Callable[..., ReadContext], data: bytes, line: int, message: str, hint: str
) -> None:
    problem, *_ = read(HEAD + TYPED, t__csv=data).problems
    assert (problem.mark, problem.code) == (Mark("t.csv", line, 1), "HX-4205")
    assert message in problem.message
    assert hint in problem.hint


EXCEL = (
    "lookups: {t: {file: t.xlsx, key: K, row: true,"
    " fields: {P: {type: decimal}, D: {type: date}}}}\n"
)


def test_a_workbook_is_a_table_with_exact_numbers(context: Callable[..., Context]) -> None:
    data = workbook(
        [
            ["K", "P", "D", None, "N"],
            [4711, "12.50", number("46036", DAY), None, "a"],
            ["007", number("2.2999999999999998"), "2026-01-15", None, 5],
        ]
    )
    table = context(EXCEL, t__xlsx=data).lookups["t"]
    assert table.rows == {
        "4711": {"K": "4711", "P": Decimal("12.50"), "D": date(2026, 1, 14), "N": "a"},
        "007": {"K": "007", "P": Decimal("2.3"), "D": date(2026, 1, 15), "N": "5"},
    }
    assert all(type(one) is str for row in table.rows for one in row)
    assert list(table.lines) == [2, 3]


def test_a_sheet_may_have_lines_above_its_header(context: Callable[..., Context]) -> None:
    text = (
        "lookups: {t: {file: t.xlsx, sheet: Two, header_row: 3, key: K, value: V,"
        ' decimal: ",", fields: {V: {type: decimal}}}}\n'
    )
    rows = [["Prices of 2026"], [None, "€"], ["V", "K"], ["1,5", "a"], [1.5, "b"]]
    data = workbook(rows, sheet="Two", before=[("One", "")])
    assert context(text, t__xlsx=data).lookups["t"].rows == {
        "a": Decimal("1.5"),
        "b": Decimal("1.5"),
    }


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"no zip", 1, "no xlsx workbook"),
        (workbook([]), 1, "is empty"),
        (workbook([["K", "Q"]]), 1, "no column `P`"),
        (workbook([["K", "P", "D"], ["a", '<c t="e"><v>#N/A</v></c>', ""]]), 2, "#N/A"),
        (workbook([["K", "P", "D"], ["a", "1,5", number(46036, DAY)]]), 2, "`P`"),
        (workbook([["K", "P", "D"], ["a", 1, 46036]]), 2, "`D`"),
        (
            workbook([["K", "P", "D"], ["a", 1, "2026-01-01"], ["a", 1, "2026-01-01"]]),
            3,
            "lines 2 and 3",
        ),
    ],
    ids=range(7),
)
def test_a_workbook_that_can_not_be_used_is_shown_by_its_row(
    read: Callable[..., ReadContext], data: bytes, line: int, message: str
) -> None:
    text = EXCEL.replace("row: true", "value: P, valid: {from: D}")
    problem, *_ = read(HEAD + text, t__xlsx=data).problems
    assert (problem.mark, problem.code) == (Mark("t.xlsx", line, 1), "HX-4205")
    assert message in problem.message


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("{file: u.csv, key: A}", [(21, "HX-4005")]),
        ("{file: u.csv, key: A, value: B, row: true}", [(21, "HX-4005")]),
        ("{file: u.csv, key: A, value: B, rows: two}", [(52, "HX-4004")]),
        ("{file: u.csv, key: A, row: true, missing: keep}", [(56, "HX-4004")]),
        ("{file: u.csv, key: A, value: B, rows: many, missing: keep}", [(67, "HX-4004")]),
        ("{file: u.csv, key: A, value: B, valid: {to: B}}", [(53, "HX-4005")]),
        ("{file: u.csv, key: A, value: B, valid: {from: B, until: B}}", [(63, "HX-4003")]),
        (
            "{file: u.csv, key: A, value: B, fields: {B: {}}, valid: {from: B}}",
            [(77, "HX-4105")],
        ),
        ("{file: u.csv, key: A, value: B, sheet: S}", [(53, "HX-4004")]),
        ("{file: u.csv, key: A, value: B, delimiter: auto}", [(57, "HX-4004")]),
        ("{file: u.csv, key: A, value: B, header_row: 0}", [(58, "HX-4004")]),
        ("{file: u.csv, key: A, value: B, header: false}", [(46, "HX-4003")]),
        ("{inline: {}, valid: {from: A}}", [(34, "HX-4004")]),
    ],
)
def test_a_mistake_in_a_table_is_shown_at_its_place(
    found: Callable[..., list[tuple[int, int, str]]], text: str, places: list[tuple[int, str]]
) -> None:
    expected = [(7, column, code) for column, code in places]
    assert found(f"lookups: {{u: {text}}}\n", u__csv=b"A,B\n") == expected


def test_a_table_over_the_limit_is_refused(
    read: Callable[..., ReadContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_rows, "MAX_ROWS", 3)
    text = HEAD + "lookups: {t: {file: t.csv, key: K, value: V}}\n"
    assert read(text, t__csv=b"K,V\n1,a\n2,b\n3,c\n").problems == []
    (problem,) = read(text, t__csv=b"K,V\n1,a\n2,b\n3,c\n4,d\n").problems
    assert (problem.mark.line, problem.code) == (5, "HX-4205")
    assert "more than 3 rows" in problem.message
    assert "joins" in problem.hint


def test_a_table_that_is_all_wrong_is_told_of_twenty_times(
    read: Callable[..., ReadContext],
) -> None:
    data = b"K,V\n" + b"".join(b"%d,x\n" % n for n in range(50))
    assert len(read(HEAD + TYPED, t__csv=data).problems) == 21
