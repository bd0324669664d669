"""Groups whose rows stand anywhere in a CSV file."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.formats import buckets, keyed
from helixnet.engine.formats.keyed import Distinct, key_bytes
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import fields, group, load, source
from tests.unit.engine.formats.test_properties import CSV_BYTES, MANY

FEW = settings(max_examples=40, deadline=None)
ROWS = st.lists(
    st.sampled_from(
        [
            *(
                "a,1,x",
                "b,1,x",
                "a,2,y",
                "c,1,z",
                '"a",1,x',
                '"b","1","x\ny"',
                "a",
                "b,2",
                "c,1,x,x",
            ),
            *('a,"1"x,y', "\u00fc,1,x", "", "a\ufffd,1,x"),
        ]
    ),
    max_size=25,
)


@pytest.fixture(params=["memory", "disk"])
def _room(request: pytest.FixtureRequest) -> Iterator[None]:
    """All in one bucket in memory, or some bytes in each of many on disk."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "disk":
            patch.setattr(keyed, "BUCKET", 20)
            patch.setattr(keyed, "_HELD", 3)
            patch.setattr(buckets, "MEMORY", 1)
            patch.setattr(buckets, "_LEAST", 1)
        yield


def sorted_by_appearance(data: bytes, by: tuple[str, ...], contract: Any) -> bytes:
    """Return the file with the rows of each key together, keys as they first come."""
    read = load(data, contract)
    numbers = [list(read.index.header).index(name) for name in by]
    firsts: dict[Any, int] = {}
    keys: list[Any] = []
    for number, cells in enumerate(read.records):
        reaches = len(cells) > max(numbers)
        key = tuple(cells[n] for n in numbers) if reaches else number
        keys.append(firsts.setdefault(key, number))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return data[: read.index.header_end] + b"".join(read.raws[number] for number in order)


@pytest.mark.usefixtures("_room")
@pytest.mark.parametrize("by", [("K",), ("K", "N"), ("N", "K")])
@FEW
@given(rows=ROWS, end=st.sampled_from(["\n", "\r\n", "\r"]), quote=st.booleans())
def test_keyed_is_consecutive_after_sorting(
    by: tuple[str, ...], rows: list[str], end: str, *, quote: bool
) -> None:
    """Groups by key are those of the file sorted by first appearance: records, faults and raws."""
    last = 'z,"1,open' if quote else "b,1,last" + end
    text = end.join(["K,N,T", *rows, last])
    for encoding in ("utf-8", "utf-16"):
        contract = source(encoding=(encoding,))
        data = text.encode("utf-16-le" if encoding == "utf-16" else "utf-8").replace(
            "\ufffd".encode(), b"\xff"
        )
        if encoding == "utf-16":
            data = b"\xff\xfe" + data
        found = load(data, contract, by=group(*by, keyed=True))
        gathered = sorted_by_appearance(data, by, contract)
        expected = load(gathered, contract, by=group(*by))
        assert found.records == expected.records
        assert found.codes == expected.codes
        assert len(found.index.parts) == 1


@pytest.mark.usefixtures("_room")
@MANY
@given(CSV_BYTES)
def test_any_bytes_as_keyed_csv(data: bytes) -> None:
    """Whatever comes is groups with faults or a refusal."""
    contract = source()
    for columns, by in (
        (b"a,K\n", group("K", keyed=True)),
        (b"K,a\n", group("K", "a", keyed=True)),
    ):
        found = [
            load(columns + data, contract, by=by, part_size=size, chunk=chunk)
            for size, chunk in ((10**6, None), (1, 1), (7, 3))
        ]
        assert all(one.seen() == found[0].seen() for one in found)
        plain = load(columns + data, contract)
        rows = [cells for one in found[0].records for cells in one]
        assert sorted(map(repr, rows)) == sorted(map(repr, plain.records))


def test_positions_are_those_of_the_file() -> None:
    """Each row knows its own line, column and byte; raw is the rows of the group as they are."""
    data = b'NO,T\nA,x\nB,"y\nz"\n\nA,"w"v\n\nB,1\nA,last'
    found = load(data, source(), by=group("NO", keyed=True))
    assert found.records == [
        [["A", "x"], ["A", "wv"], ["A", "last"]],
        [["B", "y\nz"], ["B", "1"]],
    ]
    assert found.raws == [b'A,x\nA,"w"v\nA,last', b'B,"y\nz"\nB,1\n']
    assert found.lines == [2, 3]
    assert found.codes == {0: ["HX-1003"]}
    (fault,) = found.batches[0][0].faults[0]
    assert fault.source == found.locate(0, "T", 1)
    place = found.locate(0, "T", 1)
    assert (place.line, place.column, place.byte) == (6, 3, 18)
    places = [found.locate(n, "T", i) for n, i in ((0, 2), (1, 0), (1, 1))]
    assert [(place.line, place.byte) for place in places] == [(9, 30), (3, 9), (8, 26)]
    batch, first = found.batches[1]
    assert first == 1
    assert [batch.line(0, 0), batch.line(0, 1)] == [3, 8]


def test_rows_that_do_not_reach_their_key_stand_alone() -> None:
    """A row too short for its key is a reject of its own, wherever it stands."""
    found = load(b"A,K\n1,x\n2\n3,y\n4\n5,x\n", source(), by=group("K", keyed=True))
    assert found.records == [[["1", "x"], ["5", "x"]], [["2"]], [["3", "y"]], [["4"]]]
    assert found.codes == {1: ["HX-1002"], 3: ["HX-1002"]}
    assert found.index.parts[0].records == 4


def test_a_file_without_header_or_bytes() -> None:
    """Declared fields give the key's column; no bytes are no groups."""
    by = group("B", keyed=True)
    contract = source(header=False, fields=fields("A", "B"))
    found = load(b"1,x\n2,y\n3,x\n", contract, by=by)
    assert found.records == [[["1", "x"], ["3", "x"]], [["2", "y"]]]
    assert load(b"", source(), by=by).records == []
    assert load(b"A,B\n", source(), by=by).records == []


@pytest.mark.usefixtures("_room")
def test_fixed_width_rows_are_grouped_too() -> None:
    """Lines of fixed width have keys as cells of CSV do."""
    declared = {
        name: replace(one, at=at)
        for (name, one), at in zip(fields("NO", "N").items(), ((0, 2), (2, 4)), strict=True)
    }
    data = b"A 1\nB 2\nA 3\nB\n"
    found = load(data, source("fixed", fields=declared), by=group("NO", keyed=True))
    assert found.records == [[["A", "1"], ["A", "3"]], [["B", "2"], ["B", ""]]]
    assert found.raws == [b"A 1\nA 3\n", b"B 2\nB\n"]
    assert found.locate(0, "N", 1).line == 3


@pytest.mark.usefixtures("_room")
def test_a_long_group_is_refused() -> None:
    """A group must fit in memory: beyond the limit the file is refused, and the line named."""
    data = b"K,T\nb,1\n" + b"a,xxxxxxx\nb,2\n" * 30
    with pytest.raises(RefusedError, match="line 3: a group is longer than 200 bytes") as caught:
        load(data, source(max_record_bytes=200), by=group("K", keyed=True))
    assert caught.value.code == "HX-6001"
    assert len(load(data, source(max_record_bytes=300), by=group("K", keyed=True)).records) == 2


def test_what_is_spilled_has_no_name_and_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Nothing stands in the temporary folder, neither meanwhile nor when a reader gives up."""
    monkeypatch.setattr(keyed, "BUCKET", 64)
    monkeypatch.setattr(buckets, "MEMORY", 64)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    opened: list[Any] = []
    real = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: opened.append(real()) or opened[-1])
    lines = ((b"%d" % (n % 7), n * 6, n, b"abcde\n") for n in range(5000))
    groups = keyed.regrouped(lines, size=30_000, limit=10**6)
    assert next(group for group in groups if group)
    assert len(opened) == 2
    assert list(tmp_path.iterdir()) == []
    groups.close()  # type: ignore[attr-defined]
    assert all(file.closed for file in opened)


@pytest.mark.usefixtures("_room")
@given(st.lists(st.lists(st.text(max_size=3), min_size=2, max_size=2)))
def test_keys_are_counted_exactly(keys: list[list[str]]) -> None:
    """Different keys stay different as bytes, and each counts once."""
    distinct = Distinct()
    for key in keys:
        distinct.update([tuple(key)])
    assert distinct.count() == len(set(map(tuple, keys)))
    assert len(set(map(key_bytes, keys))) == len(set(map(tuple, keys)))
