"""The quick ways through a block of CSV find what going from record to record finds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.formats.csv_dialect import dialect_of


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
    assert dialect.count(block) == len(spans)
    assert dialect.count(block[:whole]) == sum(end <= whole for _, end in spans)
    if dialect.flat_whole(block) >= 0:
        assert dialect.flat_whole(block) == whole
        assert dialect.count(block[:whole], flat=True) == dialect.count(block[:whole])


@given(st.text(alphabet='ab;"\n\r', max_size=40))
def test_all_spans_are_the_spans(text: str) -> None:
    """The quick way and the slow one, wherever quotes, blank lines and the end may stand."""
    dialect = dialect_of(";", "\n", "utf-8")
    data = text.encode()
    assert dialect.all_spans(data) == list(dialect.spans(data))
