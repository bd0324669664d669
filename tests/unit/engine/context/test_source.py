"""``source``, its fields, ``group``, ``lookups`` and ``target``: contracts and their mistakes."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from helixnet.engine.context.model import Context, Mark
from helixnet.engine.context.reader import ReadContext

HEAD = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nmap: {a: x}\n"


def source_problems(read: Callable[..., ReadContext], text: str) -> list[tuple[int, str]]:
    """(column, code) of the problems of a source on line 6 that begins at column 9."""
    problems = read(f"{HEAD}source: {text}\n").problems
    assert {one.mark.line for one in problems} <= {6}
    return [(one.mark.column, one.code) for one in problems]


@pytest.mark.parametrize(
    ("text", "attribute", "expected"),
    [
        ("{format: csv}", "encoding", ["utf-8"]),
        ("{format: csv}", "delimiter", ","),
        ("{format: csv}", "nulls", []),
        ("{format: csv}", "decimal", "."),
        ("{format: csv}", "thousands", ""),
        ("{format: csv}", "on_drift", "warn"),
        ("{format: csv}", "header", True),
        ("{format: csv}", "fields", None),
        ("{format: csv}", "max_record_bytes", 16 * 1024 * 1024),
        ("{format: csv, encoding: CP1252}", "encoding", ["cp1252"]),
        ("{format: csv, encoding: [utf8, latin1]}", "encoding", ["utf-8", "iso8859-1"]),
        ('{format: csv, delimiter: "\\t"}', "delimiter", "\t"),
        ("{format: csv, delimiter: auto}", "delimiter", "auto"),
        ("{format: csv, delimiter: ;}", "delimiter", ";"),
        ('{format: csv, nulls: ["", NULL, 0]}', "nulls", ["", "NULL", "0"]),
        ("{format: csv, nulls: NULL}", "nulls", ["NULL"]),
        ('{format: csv, decimal: ",", thousands: " "}', "thousands", " "),
        ("{format: csv, locale: de_DE}", "decimal", ","),
        ("{format: csv, locale: de_DE}", "thousands", "."),
        ("{format: csv, locale: de_CH}", "thousands", "'"),
        ('{format: csv, locale: fr_FR, thousands: "\u202f"}', "thousands", "\u202f"),
        ('{format: csv, locale: de_DE, thousands: ""}', "thousands", ""),
        ("{format: csv, header: false, fields: {A: {}}}", "header", False),
        ("{format: csv, max_record_bytes: 1000}", "max_record_bytes", 1000),
        ("{format: json, record: data.orders}", "record", "data.orders"),
        ("{format: ndjson, on_drift: fail}", "on_drift", "fail"),
        ("{format: idoc, type: ORDERS05}", "type", "ORDERS05"),
        ("{format: idoc, grammar: g.txt}", "grammar", "g.txt"),
    ],
)
def test_a_source_key_is_read(
    read: Callable[..., ReadContext], text: str, attribute: str, expected: object
) -> None:
    result = read(f"{HEAD}source: {text}\n", g__txt=b"")
    assert result.problems == []
    assert result.context
    assert getattr(result.context.source, attribute) == expected


@pytest.mark.parametrize(
    ("text", "column", "code"),
    [
        ("{}", 9, "HX-4005"),
        ("csv", 9, "HX-4004"),
        ("{format: }", 17, "HX-4004"),
        ("{format: cvs}", 18, "HX-4004"),
        ("{format: fixed}", 9, "HX-4005"),
        ("{format: csv, namespaces: {}}", 35, "HX-4004"),
        ("{format: csv, records: {}}", 32, "HX-4004"),
        ("{format: csv, fill_down: {}}", 34, "HX-4004"),
        ("{format: csv, fields: {A: {}}, fill_down: [A, B]}", 55, "HX-4103"),
        ("{format: json, fill_down: A}", 35, "HX-4004"),
        ("{format: csv, totals: {}}", 23, "HX-4301"),
        ("{format: csv, file_checks: {}}", 23, "HX-4301"),
        ("{format: csv, unit: bytes}", 29, "HX-4004"),
        ("{format: csv, sep: x}", 23, "HX-4003"),
        ("{format: csv, record: a}", 31, "HX-4004"),
        ("{format: idoc, type: A, delimiter: x}", 44, "HX-4004"),
        ("{format: idoc}", 9, "HX-4005"),
        ("{format: csv, encoding: utf-9}", 33, "HX-4004"),
        ("{format: csv, encoding: rot13}", 33, "HX-4004"),
        ("{format: csv, encoding: idna}", 33, "HX-4004"),
        ("{format: csv, encoding: []}", 33, "HX-4004"),
        ("{format: csv, encoding: [{}]}", 34, "HX-4004"),
        ("{format: csv, delimiter: ab}", 34, "HX-4004"),
        ("{format: csv, delimiter: '\\t'}", 35, "HX-4004"),
        ("{format: csv, delimiter: '\"'}", 35, "HX-4004"),
        ("{format: csv, header: no}", 31, "HX-4004"),
        ("{format: csv, header: false}", 31, "HX-4005"),
        ("{format: csv, nulls: [null]}", 31, "HX-4004"),
        ("{format: csv, decimal: ;}", 32, "HX-4004"),
        ("{format: csv, thousands: x}", 34, "HX-4004"),
        ('{format: csv, decimal: ",", thousands: ","}', 49, "HX-4004"),
        ('{format: csv, thousands: "."}', 35, "HX-4004"),
        ("{format: csv, locale: de}", 31, "HX-4004"),
        ("{format: csv, on_drift: ignore}", 33, "HX-4004"),
        ("{format: csv, max_record_bytes: 0}", 41, "HX-4004"),
        ("{format: csv, max_record_bytes: 1.5}", 41, "HX-4004"),
        ("{format: idoc, grammar: g.txt}", 33, "HX-4201"),
        ("{format: idoc, grammar: ../g.txt}", 33, "HX-4202"),
        ("{format: csv, fields: [A]}", 31, "HX-4004"),
        ("{format: csv, fields: {}}", 31, "HX-4004"),
        ("{format: csv, fields: {A: string}}", 35, "HX-4004"),
        ("{format: csv, fields: {A: {typ: date}}}", 36, "HX-4003"),
        ("{format: csv, fields: {A: {type: text}}}", 42, "HX-4004"),
        ("{format: csv, fields: {A: {at: '0:1'}}}", 41, "HX-4004"),
        ("{format: csv, fields: {A: {required: yes}}}", 46, "HX-4004"),
        ("{format: csv, fields: {A: {format: '%d'}}}", 45, "HX-4004"),
        ("{format: csv, fields: {A: {digits: 3}}}", 44, "HX-4004"),
        ("{format: csv, fields: {A: {type: decimal, digits: 39}}}", 59, "HX-4004"),
        ("{format: csv, fields: {A: {type: decimal, digits: 3, scale: 4}}}", 69, "HX-4004"),
        ("{format: csv, fields: {A: {type: integer, scale: 1}}}", 58, "HX-4004"),
        ("{format: csv, fields: {A: {type: boolean, true: [X], false: [X]}}}", 69, "HX-4004"),
        ("{format: csv, fields: {A: {type: date, zone: Z}}}", 54, "HX-4004"),
        ("{format: csv, fields: {A: {type: datetime, zone: CET}}}", 58, "HX-4004"),
        ("{format: csv, fields: {A: {type: date, pivot: 50, format: '%Y%m%d'}}}", 55, "HX-4004"),
        ("{format: csv, fields: {A: {}, A: {}}}", 39, "HX-4006"),
    ],
)
def test_a_mistake_in_a_source_is_shown_at_its_place(
    read: Callable[..., ReadContext], text: str, column: int, code: str
) -> None:
    assert source_problems(read, text) == [(column, code)]


def test_every_mistake_of_a_source_is_shown_at_once(read: Callable[..., ReadContext]) -> None:
    text = "{format: csv, delimiter: ab, on_drift: x, fields: {A: {type: b}}, zzz: 1}"
    codes = [code for _, code in source_problems(read, text)]
    assert codes == ["HX-4004", "HX-4004", "HX-4004", "HX-4003"]


def test_a_field_keeps_what_it_declares(read: Callable[..., ReadContext]) -> None:
    text = (
        "{format: csv, fields: {A: {type: boolean, true: [X, 1], false: ['', 0]}, "
        "B: {type: date, format: '%d.%m.%y', pivot: 70}, "
        "C: {type: datetime, zone: '+01:00', required: true}, D: {type: decimal}}}"
    )
    result = read(f"{HEAD}source: {text}\n")
    assert result.problems == []
    assert result.context
    assert result.context.source.fields
    a, b, c, d = result.context.source.fields.values()
    assert (a.true, a.false) == (["X", "1"], ["", "0"])
    assert (b.format, b.pivot, b.required) == ("%d.%m.%y", 70, False)
    assert (c.zone, c.required, c.mark) == ("+01:00", True, Mark("c.yaml", 6, 130))
    assert (d.digits, d.scale, d.true, d.false) == (18, None, ["true"], ["false"])


def test_a_group_by_an_undeclared_field_is_refused(read: Callable[..., ReadContext]) -> None:
    text = (
        HEAD + "source: {format: csv, fields: {PO_NO: {}}}\ngroup: {by: [PO_NO, PO_N], same: X}\n"
    )
    problems = read(text).problems
    assert [(one.mark.line, one.mark.column, one.code) for one in problems] == [
        (7, 21, "HX-4103"),
        (7, 34, "HX-4103"),
    ]
    assert problems[0].hint == "did you mean `PO_NO`?"


@pytest.mark.parametrize("form", ["json", "ndjson", "idoc, type: ORDERS05"])
def test_a_group_goes_with_rows_only(read: Callable[..., ReadContext], form: str) -> None:
    """The only fault of a context may not end in a failure at its first file."""
    (problem,) = read(HEAD + f"source: {{format: {form}}}\ngroup: {{by: A}}\n").problems
    assert (problem.mark, problem.code) == (Mark("c.yaml", 7, 8), "HX-4004")
    assert "use `each`" in problem.hint


def test_a_group_has_names_for_its_rows(context: Callable[..., Context]) -> None:
    group = context("group: {by: A}\n").group
    assert group
    assert (group.by, group.header, group.lines, group.same) == (["A"], "h", "lines", [])


def test_a_table_file_is_read_by_its_key_columns(context: Callable[..., Context]) -> None:
    lookup = context(
        "lookups: {u: {file: u.csv, key: [SRC, PLANT], value: ISO}}\n",
        u__csv=b'\xef\xbb\xbfPLANT,ISO,SRC\r\n1,PCE,ST\r\n\r\n2,"P,C",ST\r\n',
    ).lookups["u"]
    assert lookup.keys == 2
    assert lookup.rows == {("ST", "1"): "PCE", ("ST", "2"): "P,C"}


def test_a_table_file_may_have_another_delimiter_and_encoding(
    context: Callable[..., Context],
) -> None:
    text = "lookups: {u: {file: u.csv, key: A, value: B, delimiter: ;, encoding: cp1252}}\n"
    assert context(text, u__csv=b"A;B\n1;\xe4\n").lookups["u"].rows == {"1": "ä"}


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"", 1, "is empty"),
        (b"A,C\n", 1, "no column `B`"),
        (b"A,B,A\n", 1, "column `A` stands twice"),
        (b"A,B\n1,2\n3\n", 3, "a row of 1 cells under a header of 2"),
        (b"A,B\n1,2\n2,2\n1,3\n", 4, "key `1` stands twice, first on line 2"),
        (b'A,B\n1,"2\n', 2, "not CSV"),
        (b"A,B\n1,2\n\xff,2\n", 3, "not utf-8"),
    ],
)
def test_a_table_that_can_not_be_used_is_shown_by_its_line(
    read: Callable[..., ReadContext], data: bytes, line: int, message: str
) -> None:
    text = HEAD + "source: {format: csv}\nlookups: {u: {file: u.csv, key: A, value: B}}\n"
    (problem,) = read(text, u__csv=data).problems
    assert (problem.mark, problem.code) == (Mark("u.csv", line, 1), "HX-4205")
    assert message in problem.message


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("{file: u.csv}", [(21, "HX-4005"), (21, "HX-4005")]),
        ("{file: v.csv, key: A, value: B}", [(21, "HX-4201")]),
        ("{file: /u.csv, key: A, value: B}", [(21, "HX-4202")]),
        ("{file: u.csv, key: A, value: B, delimiter: xx}", [(57, "HX-4004")]),
        ("{file: u.csv, key: A, value: B, encoding: xx}", [(56, "HX-4004")]),
        ("{file: u.csv, key: A, value: B, missing: x}", [(55, "HX-4004")]),
        ("{inline: {a: b}, key: A}", [(36, "HX-4004")]),
        ("{inline: [a]}", [(23, "HX-4004")]),
        ("{inline: {a: 012}}", [(27, "HX-4007")]),
        ("{inline: {a: b, a: c}}", [(30, "HX-4006")]),
    ],
)
def test_a_mistake_in_a_lookup_is_shown_at_its_place(
    found: Callable[..., list[tuple[int, int, str]]], text: str, places: list[tuple[int, str]]
) -> None:
    expected = [(7, column, code) for column, code in places]
    assert found(f"lookups: {{u: {text}}}\n", u__csv=b"A,B\n") == expected


TARGET = HEAD.replace("target: true", "target: s.json") + "source: {format: csv}\n"


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"", 1, 1, "not JSON"),
        (b'{"a": 1,\n "b": }', 2, 7, "not JSON"),
        (b"type: object", 1, 1, "not JSON"),
        (b"[]", 1, 1, "object, true or false"),
        (b'{"a": {"b": 1, "b": 2}}', 1, 1, "key `b` stands twice"),
        (b'{"a": NaN}', 1, 1, "NaN is no JSON number"),
        (b'{\n"a": "\xff"}', 2, 1, "not UTF-8"),
        (b"[" * 100_000, 1, 1, "nested too deep"),
    ],
)
def test_a_schema_file_that_can_not_be_used_is_shown(
    read: Callable[..., ReadContext], data: bytes, line: int, column: int, message: str
) -> None:
    (problem,) = read(TARGET, s__json=data).problems
    assert (problem.mark, problem.code) == (Mark("s.json", line, column), "HX-4203")
    assert message in problem.message


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("t.json", "HX-4201", "did you mean `s.json`?"),
        ("../s.json", "HX-4202", "put the file into the context's folder"),
        ("/s.json", "HX-4202", "put"),
        ("a/../../s.json", "HX-4202", "put"),
        ("C:/s.json", "HX-4202", "put"),
        ("a\\s.json", "HX-4202", "put"),
        ("http://x/s.json", "HX-4202", "put"),
    ],
)
def test_a_file_is_found_in_the_bundle_only(
    read: Callable[..., ReadContext], name: str, code: str, hint: str
) -> None:
    (problem,) = read(TARGET.replace("s.json", name), s__json=b"{}").problems
    assert (problem.mark, problem.code) == (Mark("c.yaml", 4, 9), code)
    assert problem.hint.startswith(hint)


def test_a_schema_keeps_its_numbers_exact(read: Callable[..., ReadContext]) -> None:
    data = b'{"multipleOf": 0.01, "maximum": 123456789012345678901234567890}'
    result = read(TARGET.replace("s.json", "./s.json"), s__json=data)
    assert result.context
    assert result.context.outputs[0].target == {
        "multipleOf": Decimal("0.01"),
        "maximum": 123456789012345678901234567890,
    }


def test_a_schema_may_stand_inline(read: Callable[..., ReadContext]) -> None:
    text = HEAD.replace("true", "{type: object, properties: {a: {multipleOf: 0.10}}}")
    result = read(text + "source: {format: csv}\n")
    assert result.problems == []
    assert result.context
    assert str(result.context.outputs[0].target) == (
        "{'type': 'object', 'properties': {'a': {'multipleOf': Decimal('0.10')}}}"
    )
    assert result.context.outputs[0].target_mark == Mark("c.yaml", 4, 9)


@pytest.mark.parametrize(
    ("field", "column", "code", "hint"),
    [
        ("type: date, format: DD.MM.YYYY", 56, "HX-4105", "`DD.MM.YYYY` is written `%d.%m.%Y`"),
        ("type: date, format: yyyyMMdd", 56, "HX-4105", "`yyyyMMdd` is written `%Y%m%d`"),
        ("type: date, format: '%-d.%m.%Y'", 57, "HX-4105", "`%-d.%m.%Y` is written `%d.%m.%Y`"),
        ("type: date, format: '%d.%m.%y'", 57, "HX-4105", "years below the pivot are 20xx"),
        ("type: date, format: '%d.%m.%Y %H:%M'", 57, "HX-4105", "declare `type: datetime`"),
        ("type: datetime, format: '%Y-%m-%d'", 61, "HX-4105", "declare `type: date`"),
        ("type: datetime, format: '%Y-%m-%dT%H%z', zone: Z", 61, "HX-4105", ""),
    ],
)
def test_a_format_that_reads_no_date_is_told(
    read: Callable[..., ReadContext], field: str, column: int, code: str, hint: str
) -> None:
    """What would fail at the first value is an error of `check`, with what was probably meant."""
    problems = read(f"{HEAD}source: {{format: csv, fields: {{D: {{{field}}}}}}}\n").problems
    assert [(one.mark.line, one.mark.column, one.code) for one in problems] == [(6, column, code)]
    assert hint in problems[0].hint
