"""The rulings on NDJSON and JSON documents, each by its smallest file."""

from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.formats.json.exact import MAX_DEPTH, decode_all, decode_lines
from helixnet.engine.outcome import SourcePosition
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import load, source

LINES = source("ndjson")
DOCUMENT = source("json")


def test_blank_lines_are_skipped() -> None:
    """One object a line; lines of white space are not records."""
    outcome = load(b'\n{"a":1}\r\n \t\r\n{"a":2}', LINES)
    assert outcome.records == [{"a": 1}, {"a": 2}]
    assert outcome.lines == [2, 4]
    assert outcome.index.newline == "\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12345678901234567890123", 12345678901234567890123),
        ("1.10", Decimal("1.10")),
        ("12345678901234567890.123456789", Decimal("12345678901234567890.123456789")),
        ("1e5", Decimal("1E+5")),
        ('"\\u00fc\\ud83d\\ude00"', "ü😀"),
        ('"a:\\u003a\\":b"', 'a::":b'),
    ],
)
def test_values_are_exact(text: str, value: object) -> None:
    """Integers keep any size, other numbers come as Decimal with their digits."""
    for outcome in (
        load(b'{"a":' + text.encode() + b"}\n", LINES),
        load(b'[{"a":' + text.encode() + b"}]", DOCUMENT),
    ):
        assert outcome.codes == {}
        found = outcome.records[0]["a"]
        assert (found, type(found), str(found)) == (value, type(value), str(value))


BROKEN = [
    (b'{"a":1,"a":2}', "HX-1006"),
    (b'{"a" :1,"b":{"c":2,"c" : 3}}', "HX-1006"),
    (b'{"a":1,"a":2,"b":"\\u003a"}', "HX-1006"),
    (b'{"a":1,"\\u0061":2}', "HX-1006"),
    (b'[{"a":1,"a":2}]', "HX-1006"),
    (b"[1]", "HX-1007"),
    (b'"text"', "HX-1007"),
    (b"null", "HX-1007"),
    (b'{"a":NaN}', "HX-1005"),
    (b'{"a":"\\ud800"}', "HX-1005"),
    (b'{"a":"\t"}', "HX-1005"),
    (b'{"a":1e99999}', "HX-1005"),
    (b'{"a":1e99999999999999999999999}', "HX-1005"),
    (b'{"a":' + b"9" * 5000 + b"}", "HX-1005"),
    (b'{"a":"\xff"}', "HX-1001"),
    (b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "HX-6003"),
]


@pytest.mark.parametrize(("text", "code"), BROKEN)
def test_broken_records_are_rejects(text: bytes, code: str) -> None:
    """A broken record is set aside; its neighbours are good, in lines and in documents."""
    lines = load(b'{"n":1}\n' + text + b'\n{"n":2}\n', LINES)
    document = load(b'[{"n":1},\n' + text + b',\n{"n":2}]', DOCUMENT)
    for outcome in (lines, document):
        assert outcome.codes == {1: [code]}
        assert [outcome.records[0], outcome.records[2]] == [{"n": 1}, {"n": 2}]
        assert outcome.lines == [1, 2, 3]


@pytest.mark.parametrize(
    "text", [b'{"a":1}{"b":2}', b'{"a":1', b"}", b'{"a":1},', b"\xff", b"\x0b"]
)
def test_broken_lines_are_rejects(text: bytes) -> None:
    """What is not JSON in one line leaves the other lines as they are."""
    outcome = load(b'{"n":1}\n' + text + b'\n{"n":2}\n', LINES)
    assert list(outcome.codes) == [1]
    assert outcome.raws[1] == text + b"\n"


def test_the_depth_limit_is_exact() -> None:
    """As many levels as the limit are read, wherever they stand."""
    deep = b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    wide = b'{"a":[' + b"[]," * MAX_DEPTH + b"[]]}"
    assert load(deep + b"\n" + wide, LINES).codes == {}


def test_places() -> None:
    """A value is found by its JSON pointer, a syntax error by its character."""
    outcome = load(b'{"a":1}\n{"a/b": {"c":\t[1, 22]}}\n{"a" 1}\n', LINES)
    pointer = "/a~1b/c/1"
    assert outcome.locate(1, pointer) == SourcePosition(2, column=19, byte=8, field=pointer)
    assert outcome.locate(1, "/none").column == 0
    batch = outcome.batches[0][0]
    assert batch.faults[2][0].source == SourcePosition(3, column=6, byte=32)


def test_places_in_a_document() -> None:
    """Lines count through a record that is spread over several."""
    data = b'[\n  {"a": 1,\n   "b": 2},\n  {"a": 3}\n]\n'
    outcome = load(data, DOCUMENT)
    assert outcome.locate(0, "/b") == SourcePosition(3, column=9, byte=4, field="/b")
    assert outcome.locate(1, "/a") == SourcePosition(4, column=9, byte=27, field="/a")
    assert outcome.locate(0, "/a") == SourcePosition(2, column=9, byte=4, field="/a")
    assert outcome.raws == [b'{"a": 1,\n   "b": 2}', b'{"a": 3}']


@pytest.mark.parametrize("codec", ["utf-8", "cp1252", "utf-16"])
def test_columns_count_from_the_beginning_of_the_line(codec: str) -> None:
    """Also where a document is one line of many blocks, long after its beginning is forgotten."""
    count = 40_000
    text = "[" + ", ".join(f'{{"ü": "é", "v": {number}}}' for number in range(count)) + "]"
    outcome = load(text.encode(codec), source("json", encoding=(codec,)))
    assert len(outcome.batches) > 2
    for number in (0, 1, 4096, count - 1):
        place = outcome.locate(number, "/v")
        assert text[place.column - 1 :].startswith(f"{number}}}"), (number, place)


@pytest.mark.parametrize(
    ("text", "record", "found"),
    [
        (b'{"a":1}', None, [{"a": 1}]),
        (b" [ ] ", None, []),
        (b'[{"a":1},{"a":2}]', None, [{"a": 1}, {"a": 2}]),
        (b'{"x":[{"o":0}],"d":{"o":[{"a":1},{"a":2}],"z":{}},"e":[]}', "d.o", [{"a": 1}, {"a": 2}]),
        (b'{"d":{"o":{"a":1}}}', "/d/o", [{"a": 1}]),
        (b'{"a.b":{"c/d":[{"a":1}]}}', "/a.b/c~1d", [{"a": 1}]),
        ('{"\\u00fc":[{"a":"ü"}]}'.encode(), "ü", [{"a": "ü"}]),
    ],
)
def test_the_records_of_a_document(text: bytes, record: str | None, found: list[Any]) -> None:
    """The root, the elements of a root array, or what ``source.record`` names."""
    assert load(text, source("json", record=record)).records == found


@pytest.mark.parametrize(
    ("text", "record", "code"),
    [
        (b"", "x", None),
        (b" ", None, "HX-1005"),
        (b'[{"a":1},', None, "HX-1005"),
        (b'[{"a":1} {"a":2}]', None, "HX-1005"),
        (b'{"a":1}\n{"a":2}', None, "HX-1005"),
        (b'{"o":[{"a":1}]', "o", "HX-1005"),
        (b'{"o":[{"a":1}],}', "o", "HX-1005"),
        (b'{"o":[],"o":[]}', "o", "HX-1006"),
        (b'{"p":1}', "o", "HX-5004"),
        (b"[1]", "o", "HX-5004"),
        (b"[" * 100_000, None, "HX-6003"),
    ],
)
def test_broken_documents_are_refused(text: bytes, record: str | None, code: str | None) -> None:
    """A document that is not whole gives no records: where the next begins can't be known."""
    contract = source("json", record=record)
    if code is None:
        assert load(text, contract).records == []
        return
    with pytest.raises(RefusedError) as caught:
        load(text, contract)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("ndjson", b'{"a":"' + b"x" * 3_000_000 + b'"}\n'),
        ("json", b'[{"a":"' + b"x" * 3_000_000 + b'"}]'),
        ("json", b'[{"a":"' + b"x" * 3_000_000),
    ],
)
def test_records_have_a_limit(form: str, data: bytes) -> None:
    """A record beyond the limit refuses the file."""
    with pytest.raises(RefusedError) as caught:
        load(data, source(form, max_record_bytes=10_000))
    assert caught.value.code == "HX-6001"


def test_a_long_document_is_read_in_pieces() -> None:
    """Records come in batches, with their lines and bytes, over many blocks."""
    data = b"[" + b",\n".join(b'{"n":%d,"pad":"%s"}' % (n, b"x" * 300) for n in range(5000)) + b"]"
    outcome = load(data, DOCUMENT)
    assert [record["n"] for record in outcome.records] == list(range(5000))
    assert outcome.lines == list(range(1, 5001))
    assert all(data[b : b + len(r)] == r for b, r in zip(outcome.bytes, outcome.raws, strict=True))
    assert len(outcome.batches) > 2


@pytest.mark.parametrize("codec", ["utf-16", "cp1252", "utf-8-sig"])
def test_other_encodings(codec: str) -> None:
    """JSON may come in the declared encodings too, with exact bytes."""
    contract = {"encoding": ("utf-8", "cp1252")}
    lines = load('{"a":"ü"}\n{"b":1}\n'.encode(codec), source("ndjson", **contract), part_size=1)
    assert lines.records == [{"a": "ü"}, {"b": 1}]
    assert len(lines.index.parts) == 2
    document = load('[{"a":"ü"},\n{"b":1}]'.encode(codec), source("json", **contract))
    assert document.records == lines.records
    assert document.locate(1, "/b").column == 6


@given(
    st.lists(
        st.sampled_from(
            [
                *(b"{}", b"{} {}", b"{},{}", b'{"a":[{}', b"{}]}", b'{"a":[{},', b'{"a":\n{}}'),
                *(b'{"a":1.50}', b'{"a":1e9999}', b'{"a":1e99999}', b'{"a":0e-99999}', b"[1]"),
                *(b'{"a":1,"a":2}', b'{"a":":"}', b'{"\\u003a":1,"\\u003a":2}', b"\xff", b"5"),
                *(b"{" * 201, b'{"a":' + b"[" * 199 + b"]" * 199 + b"}", b'{"a":[\n[\n[]]]}'),
            ]
        ),
        min_size=1,
        max_size=6,
    )
)
def test_texts_decoded_together_are_as_decoded_one_by_one(texts: list[bytes]) -> None:
    """No text lends the next a part of itself, and none hides what is wrong with another."""
    values, troubles = decode_all(texts)
    alone = [decode_all([text]) for text in texts]
    assert values == [value for found, _ in alone for value in found]
    assert troubles == {
        index: trouble for index, (_, found) in enumerate(alone) for trouble in found.values()
    }
    for end in (b"\n", b"\r\n"):
        ends = [*accumulate(len(text + end) for text in texts)]
        lines = decode_lines(b"".join(text + end for text in texts), [*pairwise([0, *ends])])
        assert lines is None or (lines == values and not troubles)
    assert lines is not None or not all(text in {b"{}", b'{"a":1.50}'} for text in texts)
