"""Fixed-width lines: places, padding, line ends, lines too short and too long."""

from typing import Any

import pytest

from helixnet.engine.context.model import Field
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import MARK, group, load, source


def places(**fields: Any) -> dict[str, Field]:
    """Declare fields: range, type, and whether it is required."""
    return {
        name: Field(name, MARK, kind, at=(start, end), required=required)
        for name, ((start, end), kind, required) in fields.items()
    }


FIELDS = places(
    NO=((0, 4), "string", False), QTY=((4, 9), "integer", False), NAME=((9, 14), "string", False)
)


def test_trailing_blanks_are_cut_and_numbers_trimmed_on_both_sides() -> None:
    outcome = load(b" 1     2  ab  \n12343    abcde\n", source("fixed", fields=FIELDS))
    assert outcome.records == [[" 1", "2", " ab"], ["1234", "3", "abcde"]]
    assert outcome.index.header == ("NO", "QTY", "NAME")


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_end_with_lf_or_crlf_and_empty_ones_are_skipped(end: bytes) -> None:
    data = end + b"aaaa00001x" + end + end + b"bbbb00002" + end
    outcome = load(data, source("fixed", fields=FIELDS), part_size=1)
    assert outcome.records == [["aaaa", "00001", "x"], ["bbbb", "00002", ""]]
    assert outcome.lines == [2, 4]
    assert outcome.raws == [b"aaaa00001x" + end, b"bbbb00002" + end]
    assert outcome.index.newline == end.decode()


def test_a_line_of_blanks_is_a_record_and_a_lone_cr_a_character() -> None:
    outcome = load(b"         \na\rb 00001\n", source("fixed", fields=FIELDS))
    assert outcome.records == [["", "", ""], ["a\rb", "00001", ""]]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"ab", "QTY"),
        (b"abcd1234", "QTY"),
        (b"", None),
        (b"abcd12345", None),
        (b"abcd12345x", None),
    ],
)
def test_a_line_too_short_for_a_typed_field_is_a_reject(line: bytes, field: str | None) -> None:
    outcome = load(b"aaaa00001x\n" + line + b"\n", source("fixed", fields=FIELDS))
    batch, _ = outcome.batches[0]
    assert outcome.codes == ({1: ["HX-1009"]} if field else {})
    if field:
        place = batch.faults[1][0].source
        assert place is not None
        assert (place.line, place.column, place.field, place.byte) == (2, 5, field, 11)


def test_a_required_text_must_begin_and_may_lack_its_blanks() -> None:
    declared = places(A=((0, 2), "string", False), B=((2, 9), "string", True))
    outcome = load(b"aabc\naab\naa\n", source("fixed", fields=declared))
    assert outcome.codes == {2: ["HX-1009"]}
    assert outcome.records[:2] == [["aa", "bc"], ["aa", "b"]]


def test_places_count_characters_or_bytes() -> None:
    declared = places(A=((0, 3), "string", False), B=((3, 6), "string", False))
    data = "äöübcd\n".encode()
    assert load(data, source("fixed", fields=declared)).records == [["äöü", "bcd"]]
    data = "äxbcd\n".encode()
    outcome = load(data, source("fixed", fields=declared, unit="bytes"))
    assert outcome.records == [["äx", "bcd"]]
    assert outcome.locate(0, "B").column == 3


def test_a_place_inside_a_character_is_a_reject() -> None:
    declared = places(A=((0, 1), "string", False), B=((1, 3), "string", False))
    outcome = load("äx\nabc\n".encode(), source("fixed", fields=declared, unit="bytes"))
    assert outcome.codes == {0: ["HX-1001"]}


def test_bytes_of_a_wide_encoding_are_those_of_the_file() -> None:
    declared = places(A=((0, 4), "string", False), B=((4, 6), "string", False))
    contract = source("fixed", fields=declared, unit="bytes", encoding=("utf-16-le",))
    outcome = load("abc\nxy \n".encode("utf-16-le"), contract)
    assert outcome.records == [["ab", "c"], ["xy", ""]]
    assert outcome.bytes == [0, 8]


def test_the_first_encoding_that_reads_the_whole_file_settles_where_characters_stand() -> None:
    declared = places(A=((0, 2), "string", False), B=((2, 4), "string", False))
    contract = source("fixed", fields=declared, encoding=("utf-8", "cp1252"))
    assert load("ä1bc\n".encode(), contract).records == [["ä1", "bc"]]
    assert load("ä1bc\n".encode("cp1252"), contract).records == [["ä1", "bc"]]


def test_what_is_longer_than_declared_is_drift_told_with_its_line() -> None:
    data = b"aaaa00001abcde   \naaaa00001abcdef\naaaa00001abcdefg\n"
    contract = source("fixed", fields=FIELDS)
    assert load(data, contract).index.drift == [
        "line 2 is longer than the 14 characters that are declared"
    ]
    assert load(data, source("fixed", fields=FIELDS, on_drift="allow")).index.drift == []


def test_longer_is_counted_in_characters_of_the_encoding_that_is_chosen() -> None:
    declared = places(A=((0, 3), "string", False))
    contract = source("fixed", fields=declared, encoding=("utf-8", "cp1252"))
    assert load("äöü\n".encode(), contract).index.drift == []
    assert len(load("äöüä\n".encode("cp1252"), contract).index.drift) == 1
    bytes_ = source("fixed", fields=declared, unit="bytes")
    assert load("äöü\n".encode(), bytes_).index.drift == [
        "line 1 is longer than the 3 bytes that are declared"
    ]


def test_a_typed_field_that_never_reads_is_drift() -> None:
    outcome = load(b"aaaaabcde\nbbbbfghij\n", source("fixed", fields=FIELDS))
    assert outcome.index.drift == ["retyped column 'QTY': none of its first 2 values is an integer"]


def test_a_line_beyond_the_limit_refuses_the_file() -> None:
    with pytest.raises(RefusedError) as caught:
        load(b"x" * 3_000_000, source("fixed", fields=FIELDS, max_record_bytes=1000))
    assert caught.value.code == "HX-6001"


def test_neighbours_with_one_key_are_a_group() -> None:
    data = b"1   00001\n1   00002\n2   00003\n"
    outcome = load(data, source("fixed", fields=FIELDS), by=group("NO"), part_size=1)
    assert [[row[1] for row in rows] for rows in outcome.records] == [["00001", "00002"], ["00003"]]
    assert len(outcome.index.parts) == 2
