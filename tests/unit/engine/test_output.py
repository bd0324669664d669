"""JSON at the edges: exact numbers, unique keys, rejects as lines."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.outcome import Fault, Reject, RulePosition, SourcePosition
from helixnet.engine.output import (
    json_string,
    json_text,
    read_json,
    reject_line,
    reject_record,
)
from helixnet.engine.values.absent import ABSENT
from helixnet.errors import RejectedError

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.text(st.characters(exclude_categories=("Cs",))),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(st.text('aä\n"\\', max_size=3), inner)
    ),
    max_leaves=20,
)


@given(documents)
def test_what_is_written_reads_back_as_the_same_value(document: object) -> None:
    assert read_json(json_text(document)) == document


@given(st.text())
def test_a_text_is_escaped_as_strictly_as_by_another_writer(text: str) -> None:
    assert json.loads(json_string(text)) == text
    if text.isascii():
        assert json_string(text).encode() == msgspec.json.encode(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+5"), "100000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("12.50"), "12.50"),
        (Decimal("-0.00"), "0.00"),
        (10**40, "1" + "0" * 40),
        (True, "true"),
        (None, "null"),
        (date(2026, 11, 3), '"2026-11-03"'),
        (datetime(2026, 11, 3, 8, 5, tzinfo=UTC), '"2026-11-03T08:05:00Z"'),
        ({"a": [1, "ß\u2028"]}, '{"a":[1,"ß\u2028"]}'),
    ],
)
def test_each_type_has_one_text(value: object, text: str) -> None:
    assert json_text(value) == text


@pytest.mark.parametrize("value", [1.5, ABSENT, {"a": {1}}])
def test_what_no_document_may_hold_is_a_fault_of_ours(value: object) -> None:
    with pytest.raises(TypeError):
        json_text(value)


def test_an_integer_of_any_size_passes() -> None:
    digits = "9" * 10_000
    assert json_text(read_json(digits)) == digits


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xff", "HX-1001"),
        (b"", "HX-1005"),
        (b"[1", "HX-1005"),
        (b"[01]", "HX-1005"),
        (b"[NaN]", "HX-1005"),
        (b'{"a":1} x', "HX-1005"),
        (b'"\\ud800"', "HX-1005"),
        (b'{"a":1,"b":{"c":1,"c":2}}', "HX-1006"),
        (b"[1e999999999]", "HX-2004"),
        (b"[-1e-99999999999999999999]", "HX-2004"),
        (b"[" * 100_000, "HX-6003"),
    ],
)
def test_what_is_no_exact_json_is_refused_with_its_code(data: bytes, code: str) -> None:
    with pytest.raises(RejectedError) as caught:
        read_json(data)
    assert caught.value.code == code


@given(st.one_of(st.binary(max_size=20), st.text('[]{}",:1.e-\\ud8', max_size=12).map(str.encode)))
def test_any_bytes_are_a_value_or_a_typed_error(data: bytes) -> None:
    try:
        value = read_json(data)
    except RejectedError:
        return
    assert read_json(json_text(value)) == value


def test_a_reject_is_one_line_with_what_is_known() -> None:
    fault = Fault(
        "HX-1102",
        "not a number",
        source=SourcePosition(7, 12, 90, field="QTY"),
        target="/items/0/quantity",
        rule=RulePosition(31, "l.QTY"),
        value="1x",
        hint="write 1",
    )
    line = reject_line(Reject(3, 6, b"a;\xe4\r\n", [fault]), "o.csv", "cp1252")
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "file": "o.csv",
        "record": 3,
        "line": 6,
        "raw": "a;ä\r\n",
        "errors": [
            {
                "code": "HX-1102",
                "message": "not a number",
                "source": {"line": 7, "column": 12, "byte": 90, "field": "QTY"},
                "target": "/items/0/quantity",
                "rule": {"line": 31, "expression": "l.QTY"},
                "value": "1x",
                "hint": "write 1",
            }
        ],
    }


def test_bytes_that_do_not_decode_show_in_a_reject() -> None:
    line = reject_line(Reject(1, 1, b"a\xff", [Fault("HX-1001", "bad")]), "f", "utf-8")
    assert json.loads(line)["raw"] == "a\\xff"
    assert json.loads(line)["errors"] == [{"code": "HX-1001", "message": "bad"}]


@given(
    texts=st.lists(st.text(max_size=8), min_size=8, max_size=8),
    numbers=st.tuples(*[st.integers(0, 3)] * 4),
    present=st.tuples(*[st.booleans()] * 4),
)
def test_a_reject_is_written_as_an_encoder_would(
    texts: list[str], numbers: tuple[int, ...], present: tuple[bool, ...]
) -> None:
    line, column, byte, record = numbers
    fault = Fault(
        texts[0],
        texts[1],
        source=SourcePosition(line, column, byte, texts[2], texts[3]) if present[0] else None,
        target=texts[4] if present[1] else None,
        rule=RulePosition(line, texts[5]) if present[2] else None,
        value=texts[6] if present[3] else None,
        hint=texts[7],
    )
    reject = Reject(record, line, texts[0].encode(), [fault] * line)
    written = json.dumps(reject_record(reject, texts[1]), ensure_ascii=False, separators=(",", ":"))
    assert reject_line(reject, texts[1]) == written.encode() + b"\n"
