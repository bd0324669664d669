"""The quick ways through a block of CSV find what going from record to record finds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.formats.csv.dialect import dialect_of
from helixnet.engine.formats.csv.keys import quick_keys
from helixnet.engine.formats.csv.rows import keys_of


@pytest.mark.parametrize(("delimiter", "newline"), [(";", "\n"), ("§", "\r")])
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whole_and_count(delimiter: str, newline: str, data: st.DataObject) -> None:
    """A block is cut after its last finished record, and its records are counted, quotes or not."""
    pieces = st.sampled_from([delimiter, newline, '"', '""', "a", "\n", "\xa7", f'{delimiter}"'])
    block = "".join(data.draw(st.lists(pieces, max_size=30))).encode()
    dialect = dialect_of(delimiter, newline, "utf-8")
    spans = list(dialect.spans(block))
    whole = dialect.whole(block)
    records = dialect.records.match(block)
    assert records is not None
    assert whole == records.end()
    ends = block.count(dialect.end)
    assert dialect.counts(block) == (len(spans), ends)
    assert dialect.counts(block[:whole])[0] == sum(end <= whole for _, end in spans)
    if dialect.flat_whole(block) >= 0:
        assert dialect.flat_whole(block) == whole
        assert dialect.counts(block[:whole], flat=True) == dialect.counts(block[:whole])
    if dialect.tidy_whole(block) >= 0:
        assert dialect.tidy_whole(block) == dialect.flat_whole(block)


@given(st.text(alphabet='ab;"\n\r', max_size=40))
def test_all_spans_are_the_spans(text: str) -> None:
    """The quick way and the slow one, wherever quotes, blank lines and the end may stand."""
    dialect = dialect_of(";", "\n", "utf-8")
    data = text.encode()
    assert dialect.all_spans(data) == list(dialect.spans(data))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", '"a"', '""', "", '"x;y"', 'a"b', "é"]), max_size=12),
    st.sampled_from([[0], [1], [0, 1], [2, 0]]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_runs_of_keys_are_those_of_cells(cells: list[str], columns: list[int], end: str) -> None:
    """Where the quick way answers, the groups and the last of them are those of the cells."""
    dialect = dialect_of(";", "\n", "utf-8")
    rows = [";".join([*cells[n : n + 3], "q"]) for n in range(0, len(cells), 3)]
    data = "".join(row + end for row in rows).encode()
    quick = quick_keys(dialect, columns)
    assert quick is not None
    keys = keys_of(dialect.rows(data), columns)
    found = quick.runs(data)
    if found is not None:
        changes = [n for n, key in enumerate(keys) if n == 0 or key != keys[n - 1]]
        lines = [len("".join(row + end for row in rows[:n]).encode()) for n in changes]
        assert (found.starts, found.first, found.last) == (lines, keys[0], keys[-1])
    start = quick.last_start(data)
    if start >= 0:
        last = next((n for n in range(len(keys), 0, -1) if keys[n - 1] != keys[-1]), 0)
        assert start == len("".join(row + end for row in rows[:last]).encode())


@pytest.mark.parametrize("newline", ["\n", "\r"])
@given(text=st.text(alphabet='ab;"\n\r', max_size=30))
def test_a_cell_is_found_where_the_cut_begins_it(newline: str, text: str) -> None:
    dialect = dialect_of(";", newline, "utf-8")
    data = text.encode()
    for start, end in dialect.spans(data):
        record = data[start:end].decode()
        cut = dialect.cells(record)
        found = [dialect.place(record, number) for number in range(len(cut.places) + 2)]
        assert found == [*cut.places, None, None]
        assert cut == dialect._quoted_cells(record)
