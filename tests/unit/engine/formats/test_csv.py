"""The rulings on CSV (docs/context-format.md), each by its smallest file."""

import pytest

from helixnet.engine.outcome import SourcePosition
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import fields, group, load, source


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('"a,b",c', ["a,b", "c"]),
        ('"say ""hi""",c', ['say "hi"', "c"]),
        ('5" pipe,c', ['5" pipe', "c"]),
        ('a"b"c,"d"', ['a"b"c', "d"]),
        ('"x\ny",c', ["x\ny", "c"]),
        ('"x\r\ny",c', ["x\r\ny", "c"]),
        ('"",c', ["", "c"]),
        (",c", ["", "c"]),
        (" a , c ", [" a ", " c "]),
        ("a\rb,c", ["a\rb", "c"]),
        ('"a"\rb,c', None),
        ("a,", ["a", ""]),
    ],
)
def test_cells(text: str, cells: list[str] | None) -> None:
    """Quotes count at the beginning of a cell only; all else is text as it stands."""
    outcome = load(f"h1,h2\n{text}\n".encode(), source())
    if cells is None:
        assert outcome.codes == {0: ["HX-1003"]}
    else:
        assert outcome.records == [cells]
        assert outcome.codes == {}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(newline: str, *, last: bool) -> None:
    """LF, CRLF and CR end lines, and the last line may go without."""
    text = newline.join(["A;B", "1;2", "", "3;4"]) + (newline if last else "")
    outcome = load(text.encode(), source(delimiter=";"))
    assert outcome.records == [["1", "2"], ["3", "4"]]
    assert outcome.lines == [2, 4]
    assert outcome.index.newline == newline


def test_cr_in_a_file_with_lf_is_text() -> None:
    """A bare CR ends a line only if the file has no LF outside quotes, however late that comes."""
    outcome = load(b"A,B\r1,2\r" + b"3," + b"x" * 2_000_000 + b"\n4,5\n", source())
    assert outcome.index.header[:2] == ["A", "B\r1"]


def test_lf_in_quotes_leaves_cr_a_line_end() -> None:
    """An LF inside quotes does not make LF the line end."""
    outcome = load(b'A,B\r"x\ny",2\r3,4\r', source())
    assert outcome.records == [["x\ny", "2"], ["3", "4"]]
    assert outcome.lines == [2, 3]


@pytest.mark.parametrize(
    ("row", "code"),
    [("1", "HX-1002"), ("1,2,3", "HX-1002"), ('"a"b,2', "HX-1003"), ('1,"2', "HX-1004")],
)
def test_broken_rows_are_rejects(row: str, code: str) -> None:
    """A broken row is a record with a fault; the rows around it are good."""
    outcome = load(f"A,B\nx,y\n{row}\n".encode(), source())
    assert outcome.records[0] == ["x", "y"]
    assert outcome.codes == {1: [code]}
    assert outcome.lines == [2, 3]


def test_a_fault_names_its_cell() -> None:
    """A broken quote or byte is told with the column and place of its cell."""
    outcome = load(b'A,B,C\n1,"2"x,3\n1,\xff,3\n1,2,"3', source())
    places = [outcome.batches[0][0].faults[n][0].source for n in range(3)]
    assert places == [
        SourcePosition(line=2, column=3, byte=6, field="B"),
        SourcePosition(line=3, column=3, byte=15, field="B"),
        SourcePosition(line=4, column=5, byte=21, field="C"),
    ]
    assert all(outcome.batches[0][0].faults[n][0].hint for n in range(3))


def test_a_quote_never_closed_takes_the_rest_of_the_file() -> None:
    """Everything from the quote on is that one record, even beyond the record limit."""
    data = b'A,B\n1,2\n3,"4\n' + b"5,6\n" * 100_000
    outcome = load(data, source(max_record_bytes=1000))
    assert outcome.codes == {1: ["HX-1004"]}
    assert len(outcome.records) == 2


@pytest.mark.parametrize("tail", ['"', '"\n', '""', '"" ', '"",7\n'])
def test_a_long_quote_that_closes_is_too_long(tail: str) -> None:
    """Beyond the limit a quoted cell is refused if it ends, and a reject if it does not."""
    data = b'A,B\n3,"' + b"x" * 3_000_000 + tail.encode()
    if tail in {'""', '"" ', '"",7\n'}:
        assert load(data, source(max_record_bytes=1000)).codes == {0: ["HX-1004"]}
    else:
        with pytest.raises(RefusedError) as caught:
            load(data, source(max_record_bytes=1000))
        assert caught.value.code == "HX-6001"


def test_a_long_line_is_refused() -> None:
    """A line beyond the limit is refused without being kept."""
    with pytest.raises(RefusedError) as caught:
        load(b"A,B\n1," + b"x" * 5_000_000 + b"\n", source(max_record_bytes=100_000))
    assert caught.value.code == "HX-6001"


def test_blank_lines_are_not_counted() -> None:
    """Wholly empty lines are skipped, before and after the header too; a blank is a cell."""
    outcome = load(b"\n\r\nA\n\n1\r\n\r\n \n\n", source())
    assert outcome.records == [["1"], [" "]]
    assert outcome.lines == [5, 7]
    assert outcome.index.header == ["A"]


@pytest.mark.parametrize("data", [b"", b"A,B\n", b"A,B", b"\n\n", b"\xef\xbb\xbf"])
def test_no_records(data: bytes) -> None:
    """An empty file and a lone header are no records, in one empty part."""
    outcome = load(data, source())
    assert outcome.records == []
    assert len(outcome.index.parts) == 1


def test_without_a_header() -> None:
    """``header: false`` takes the declared fields in order."""
    outcome = load(b"1,2\n3\n", source(header=False, fields=fields("A", "B")))
    assert outcome.index.header == ["A", "B"]
    assert outcome.records == [["1", "2"], ["3"]]
    assert outcome.codes == {1: ["HX-1002"]}
    assert outcome.lines == [1, 2]


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "^", "\\", "]", "-", " ", "§", "→", "\x1f"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp1252"])
def test_any_one_character_delimits(delimiter: str, encoding: str) -> None:
    """The delimiter may be any character that the encoding has."""
    try:
        mark = delimiter.encode(encoding).decode(encoding)
    except UnicodeEncodeError:
        return
    text = f'A{mark}B\n1{mark}"2{mark}ü"\nü{mark}4\n'
    outcome = load(text.encode(encoding), source(delimiter=delimiter, encoding=(encoding,)))
    assert outcome.records == [["1", f"2{mark}ü"], ["ü", "4"]]
    assert outcome.codes == {}


def test_positions() -> None:
    """A cell is found by line and column, also behind a line break in quotes."""
    outcome = load(b'A;B;C\n1;22;3\n"x\ny";"z";w\n', source(delimiter=";"))
    assert outcome.locate(0, "C") == SourcePosition(line=2, column=6, byte=6, field="C")
    assert outcome.locate(1, "A") == SourcePosition(line=3, column=1, byte=13, field="A")
    assert outcome.locate(1, "B") == SourcePosition(line=4, column=4, byte=13, field="B")
    assert outcome.locate(1, "C") == SourcePosition(line=4, column=8, byte=13, field="C")
    assert outcome.locate(1, "D") == SourcePosition(line=3, column=0, byte=13, field="D")
    assert outcome.raws == [b"1;22;3\n", b'"x\ny";"z";w\n']


def test_groups_are_neighbours_with_equal_keys() -> None:
    """A group ends where a key changes; the same key later is another group."""
    outcome = load(b'K,V\n1,a\n"1",b\n2,c\n1,d\n', source(), by=group("K"))
    assert outcome.records == [[["1", "a"], ["1", "b"]], [["2", "c"]], [["1", "d"]]]
    assert outcome.lines == [2, 4, 5]
    assert outcome.raws[0] == b'1,a\n"1",b\n'
    assert outcome.locate(0, "V", 1) == SourcePosition(line=3, column=5, byte=8, field="V")


def test_a_bad_row_joins_the_group_of_its_key() -> None:
    """A row that can't be used still belongs to its order; without a key it is one of its own."""
    data = b"V,K\na,1\nb\nc,1\nd,1,x\ne,2\n"
    outcome = load(data, source(), by=group("K"))
    assert outcome.records == [[["a", "1"]], [["b"]], [["c", "1"], ["d", "1", "x"]], [["e", "2"]]]
    assert outcome.codes == {1: ["HX-1002"], 2: ["HX-1002"]}


def test_groups_by_several_columns() -> None:
    """A group may be named by a list of columns."""
    outcome = load(b"A,B\n1,1\n1,1\n1,2\n2,2\n", source(), by=group("A", "B"))
    assert [len(rows) for rows in outcome.records] == [2, 1, 1]


def test_groups_without_their_column() -> None:
    """A file that lacks a grouping column can't be grouped."""
    with pytest.raises(RefusedError, match="'K'") as caught:
        load(b"A,B\n1,1\n", source(), by=group("K"))
    assert caught.value.code == "HX-5002"


def test_a_group_is_never_cut_by_a_batch() -> None:
    """A group larger than a block comes whole."""
    data = b"K,V\n" + b"".join(b"%d,%d\n" % (n // 30_000, n) for n in range(90_001))
    outcome = load(data, source(), by=group("K"), part_size=1000)
    assert [len(rows) for rows in outcome.records] == [30_000, 30_000, 30_000, 1]
    assert [part.records for part in outcome.index.parts] == [1, 1, 1, 1]


def test_an_endless_group_is_refused() -> None:
    """A group beyond the record limit is refused: it could not be held in memory."""
    with pytest.raises(RefusedError) as caught:
        load(b"K,V\n" + b"1,2\n" * 1_000_000, source(max_record_bytes=100_000), by=group("K"))
    assert caught.value.code == "HX-6001"


def test_many_groups_are_not_taken_for_a_long_one() -> None:
    """A block may hold more than one record may."""
    data = b"K,V\n" + b"".join(b"%d,%d\n" % (n // 4, n) for n in range(10_000))
    outcome = load(data, source(max_record_bytes=200), by=group("K"))
    assert len(outcome.records) == 2_500
