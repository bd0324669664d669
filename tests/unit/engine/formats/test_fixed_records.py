"""Records without line ends: of a fixed length, or after their lengths; EBCDIC."""

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.codes import CODES
from helixnet.engine.context.model import Field, Group, RecordLength, RecordType, Source
from helixnet.engine.formats.encoding import bytewise_codec, codec_of
from helixnet.engine.formats.fixed.code_pages import NAMES, decoding_table
from helixnet.engine.formats.fixed.rows import fixed_rows
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import MARK, Outcome, group, load, source

PIECES = [b"\0\x08\0\0", b"\0\x05\0\0", b"H", b"\xc8", b"\xc4", b"\x0a\x0c", b"\x01"]
CUTS = ((10**6, None), (1, 1), (7, 3), (40, 40))
FIELDS = {
    "NO": Field("NO", MARK, at=(0, 2)),
    "QTY": Field("QTY", MARK, "decimal", at=(2, 4), stored="packed", scale=1),
}


def contract(length: RecordLength, **more: Any) -> Source:
    if "records" not in more:
        more = {"fields": FIELDS} | more
    return source("fixed", **({"encoding": ["cp037"], "record_length": length} | more))


def ebcdic(text: str) -> bytes:
    return text.encode("cp037")


def rdw(*records: bytes, own: bool = True, little: bool = False) -> bytes:
    sizes = [len(one) + 4 * own for one in records]
    words = [struct.pack("<HH", 0, n) if little else struct.pack(">HH", n, 0) for n in sizes]
    return b"".join(word + one for word, one in zip(words, records, strict=True))


def agree(data: bytes, of: Source, by: Group | None = None) -> Outcome | None:
    """Where a file is cut can't be seen, and any bytes are records with faults or a refusal."""
    found: list[Outcome] = []
    refused: set[str] = set()
    for size, chunk in CUTS:
        try:
            found.append(load(data, of, by=by, part_size=size, chunk=chunk))
        except RefusedError as refusal:
            refused.add(refusal.code)
    assert not found or not refused
    assert refused <= set(CODES)
    for outcome in found:
        assert outcome.seen() == found[0].seen()
        for raw, byte in zip(outcome.raws, outcome.bytes, strict=True):
            assert (
                by is not None
                or of.record_length != RecordLength()
                or data[byte:][: len(raw)] == raw
            )
    return found[0] if found else None


AB = ebcdic("A1") + b"\x01\x2c", ebcdic("B ") + b"\x0a\x0d"


def test_records_of_a_length_follow_one_another_whatever_bytes_they_hold() -> None:
    outcome = agree(b"".join(AB), contract(RecordLength(4)))
    assert outcome is not None
    assert outcome.records == [["A1", "1.2"], ["B", "X'0A0D'"]]
    assert outcome.lines == [1, 2]
    assert outcome.bytes == [0, 4]
    assert outcome.raws == list(AB)
    assert (outcome.index.encoding, outcome.index.newline) == ("cp037", "")
    place = outcome.locate(1, "QTY")
    assert (place.line, place.column, place.byte, place.field) == (2, 3, 4, "QTY")


def test_a_file_that_ends_inside_a_record_rejects_it() -> None:
    outcome = agree(b"".join(AB)[:-1], contract(RecordLength(4)))
    assert outcome is not None
    assert outcome.codes == {1: ["HX-1008"]}
    assert outcome.raws[1] == AB[1][:-1]


def test_what_follows_each_record_may_be_declared() -> None:
    of = contract(RecordLength(4, b"\r\n"))
    whole = agree(AB[0] + b"\r\n" + AB[1] + b"\r\n", of)
    assert whole is not None
    assert (len(whole.records), whole.codes) == (2, {})
    last = agree(AB[0] + b"\r\n" + AB[1], of)
    assert last is not None
    assert (len(last.records), last.codes) == (2, {})
    wrong = agree(AB[0] + b"\n\n" + AB[1], of)
    assert wrong is not None
    assert wrong.codes == {0: ["HX-1013"]}


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("little", [True, False])
def test_records_after_their_lengths(*, own: bool, little: bool) -> None:
    of = contract(RecordLength(prefix="rdw", own=own, little=little))
    outcome = agree(rdw(AB[0], AB[1] + b"more", own=own, little=little), of)
    assert outcome is not None
    assert outcome.records == [["A1", "1.2"], ["B", "X'0A0D'"]]
    assert outcome.bytes == [0, 8]
    assert outcome.lines == [1, 2]


def test_a_record_shorter_than_its_length_or_its_fields_is_a_reject() -> None:
    of = contract(RecordLength(prefix="rdw"))
    outcome = agree(rdw(AB[0], ebcdic("C"), AB[1])[:-2], of)
    assert outcome is not None
    assert outcome.codes == {1: ["HX-1009"], 2: ["HX-1008"]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (rdw(AB[0]) + b"\0\x03\0\0" + AB[0], "record 2 at byte 8: X'00030000' is no length of"),
        (rdw(AB[0]) + b"\0\x08\0\x01" + AB[0], "record 2 at byte 8: X'00080001' is no length of"),
        (b"\0" * 8, "record 1 at byte 0: X'00000000' is no length of"),
    ],
)
def test_a_length_that_can_be_none_refuses_the_file(data: bytes, words: str) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        load(data, contract(RecordLength(prefix="rdw")))
    assert caught.value.code == "HX-5021"


def test_records_in_blocks() -> None:
    of = contract(RecordLength(prefix="bdw"))
    first, second = rdw(*AB), rdw(AB[0])
    blocks = [struct.pack(">HH", len(one) + 4, 0) + one for one in (first, second)]
    outcome = agree(b"".join(blocks), of)
    assert outcome is not None
    assert [row[0] for row in outcome.records] == ["A1", "B", "A1"]
    assert outcome.bytes == [4, 12, 24]
    large = agree(struct.pack(">I", (len(first) + 4) | 1 << 31) + first, of)
    assert large is not None
    assert len(large.records) == 2
    with pytest.raises(
        RefusedError, match="record 2 at byte 12: a record is longer than its block"
    ):
        load(struct.pack(">HH", 18, 0) + first, of)


def test_groups_filled_columns_and_keyed_groups() -> None:
    rows = [ebcdic(text) + b"\x01\x2c" for text in ("A ", "A ", "B ", "A ")]
    of = contract(RecordLength(4))
    assert [len(one) for one in load(b"".join(rows), of, by=group("NO")).records] == [2, 1, 1]
    keyed = load(b"".join([*rows, b"\xc3"]), of, by=group("NO", keyed=True))
    assert [len(one) for one in keyed.records] == [3, 1, 1]
    assert keyed.lines == [1, 3, 5]
    assert keyed.codes == {2: ["HX-1008"]}
    filled = load(rows[0] + ebcdic("  ") + b"\x02\x2c", contract(RecordLength(4), fill_down=["NO"]))
    assert filled.records == [["A", "1.2"], ["A", "2.2"]]
    assert filled.locate(1, "NO").line == 1


def types() -> dict[str, RecordType]:
    qty = {"QTY": Field("QTY", MARK, "integer", at=(1, 3), stored="packed")}
    return {
        "H": RecordType("H", (0, 1), ["H"], qty, ["D"], once=False, mark=MARK),
        "D": RecordType("D", (0, 1), ["D"], qty, [], once=False, mark=MARK),
        "T": RecordType("T", (0, 1), ["T"], qty, [], once=True, mark=MARK),
    }


@pytest.mark.parametrize("length", [RecordLength(3), RecordLength(prefix="rdw")])
def test_record_types_tell_records(length: RecordLength) -> None:
    rows = [
        ebcdic(kind) + b"\x0a\x0c" if kind == "D" else ebcdic(kind) + b"\x00\x2c"
        for kind in "HDDHT"
    ]
    data = rdw(*rows) if length.prefix else b"".join(rows)
    of = contract(length, records=types())
    outcome = agree(data, of)
    assert outcome is not None
    first, second = outcome.records
    assert first["H"]["QTY"] == "2"
    assert [line["QTY"] for line in first["H"]["D"]] == ["X'0A0C'", "X'0A0C'"]
    assert second["T"] == {"_line": 5, "_name": "T", "QTY": "2"}
    assert outcome.lines == [1, 4]
    place = outcome.locate(0, "/H/D/1/QTY")
    assert (place.line, place.column, place.segment) == (3, 2, "D")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"\0\x08\0\0", b"\0\x05\0\0", b"H", b"\xc8", b"\xc4", b"\x0a\x0c", b"\x01"]
        )
    ).map(b"".join)
)
def test_any_bytes_cut_anywhere(data: bytes) -> None:
    for length in (
        RecordLength(3),
        RecordLength(2, b"\n"),
        RecordLength(prefix="rdw"),
        RecordLength(prefix="rdw", own=False, little=True),
        RecordLength(prefix="bdw"),
    ):
        agree(data, contract(length))
        agree(data, contract(length, encoding=["utf-8"]))
        if length.prefix != "bdw":
            agree(data, contract(length), group("NO"))
            agree(data, contract(length, fill_down=["NO"]))
            agree(data, contract(length, records=types()))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text("AB ", min_size=2, max_size=2), st.integers(-999, 999))))
def test_what_is_written_is_read(rows: list[tuple[str, int]]) -> None:
    data = [
        ebcdic(text) + bytes.fromhex(f"{abs(n):03d}{'D' if n < 0 else 'C'}") for text, n in rows
    ]
    expected = [[text.rstrip(), f"{n / 10:.1f}"] for text, n in rows]
    for form, length in (
        (b"".join(data), RecordLength(4)),
        (rdw(*data), RecordLength(prefix="rdw")),
    ):
        assert load(form, contract(length)).records == expected


@pytest.mark.parametrize("name", NAMES)
def test_code_pages_that_python_lacks_have_each_character_once(name: str) -> None:
    table = decoding_table(name)
    assert len(set(table)) == 256
    every = bytes(range(256))
    assert every.decode(codec_of(name).name) == table
    assert table.encode(name) == every
    assert b"\xc8\x85\x93\x93\x96\x6b\x40\xf1".decode(name) == "Hello, 1"


@pytest.mark.parametrize(("end", "newline"), [(b"\x15", "\x85"), (b"\x25", "\n")])
def test_lines_of_ebcdic_end_with_nel_or_lf(end: bytes, newline: str) -> None:
    data = end.join([ebcdic("A1  x"), ebcdic("B2"), b""])
    of = source("fixed", fields={"NO": Field("NO", MARK, at=(0, 4))}, encoding=["cp1047"])
    for size in (10**6, 1):
        outcome = load(data, of, part_size=size)
        assert outcome.records == [["A1"], ["B2"]]
        assert outcome.raws == [ebcdic("A1  x") + end, ebcdic("B2") + end]
        assert outcome.bytes == [0, 6]
        assert outcome.index.newline == newline


def test_zoned_numbers_stand_in_lines_of_text_too() -> None:
    qty = Field("QTY", MARK, "decimal", at=(1, 5), stored="zoned", scale=2)
    for unit in ("characters", "bytes"):
        outcome = load(b"\x41001J\nB00x{\n", source("fixed", fields={"Q": qty}, unit=unit))
        assert outcome.records == [["-0.11"], ["X'3030787B'"]]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=100), st.sampled_from(["cp037", "cp1252"]))
def test_records_are_cut_alike_together_and_one_by_one(data: bytes, encoding: str) -> None:
    fields = dict(FIELDS)
    fields["ZON"] = Field("ZON", MARK, "decimal", at=(1, 4), stored="zoned", scale=1)
    fields["INT"] = Field("INT", MARK, "integer", at=(0, 2))
    of = contract(RecordLength(4), fields=fields, encoding=[encoding])
    rows = fixed_rows(of, bytewise_codec(encoding))
    together = rows.rows(data)
    spans = rows.all_spans(data)
    cuts = [rows.cells(data[start:end].decode(rows.encoding)) for start, end in spans]
    assert together.cells == [cut.cells for cut in cuts]
    assert together.codes == {n: cut.code for n, cut in enumerate(cuts) if cut.code}
