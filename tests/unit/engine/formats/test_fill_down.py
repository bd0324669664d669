"""``fill_down``: values that stand on the first of several rows."""

import pytest

from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import group, load, source

DATA = b"PO,DAY,SKU\n1,mon,a\n,,b\n2,,c\n,tue,d\n"
FILLED = [["1", "mon", "a"], ["1", "mon", "b"], ["2", "mon", "c"], ["2", "tue", "d"]]


@pytest.mark.parametrize("size", [1, 10**6])
def test_a_blank_cell_repeats_the_value_above(size: int) -> None:
    outcome = load(DATA, source(fill_down=["PO", "DAY"]), part_size=size, chunk=size)
    assert outcome.records == FILLED
    assert outcome.raws[1] == b",,b\n"


def test_a_part_begins_only_where_all_values_stand() -> None:
    starts = [part.start for part in load(DATA, source(fill_down=["PO"]), part_size=1).index.parts]
    assert starts == [11, DATA.index(b"2,,c")]
    both = load(DATA, source(fill_down=["PO", "DAY"]), part_size=1)
    assert len(both.index.parts) == 1


def test_a_filled_value_stands_where_it_was_read() -> None:
    outcome = load(DATA, source(fill_down=["PO", "DAY"]))
    assert (outcome.locate(1, "PO").line, outcome.locate(1, "PO").byte) == (2, 11)
    assert (outcome.locate(3, "DAY").line, outcome.locate(3, "DAY").column) == (5, 2)
    assert (outcome.locate(3, "PO").line, outcome.locate(2, "DAY").line) == (4, 2)
    assert outcome.locate(1, "SKU").line == 3


def test_the_place_of_a_value_is_known_blocks_later() -> None:
    rows = b"".join(b",%0200d\n" % number for number in range(6_000))
    outcome = load(b"PO,N\n4711,x\n" + rows, source(fill_down=["PO"]))
    assert len(outcome.batches) > 3
    assert {record[0] for record in outcome.records} == {"4711"}
    place = outcome.locate(6_000, "PO")
    assert (place.line, place.column, place.byte) == (2, 1, 5)


def test_a_blank_first_line_is_a_reject_and_so_is_what_follows_it() -> None:
    outcome = load(b"PO,SKU\n,a\n,b\n2,c\n", source(fill_down=["PO"]))
    assert outcome.codes == {0: ["HX-1010"], 1: ["HX-1010"]}
    fault = outcome.batches[0][0].faults[1][0]
    assert fault.source is not None
    assert (fault.source.line, fault.source.field) == (3, "PO")


def test_nothing_is_repeated_from_a_row_that_is_broken() -> None:
    outcome = load(b"PO,SKU\n1,a\n2,b,c\n,d\n3,e\n", source(fill_down=["PO"]))
    assert outcome.codes == {1: ["HX-1002"], 2: ["HX-1010"]}


def test_a_broken_row_without_value_leaves_what_is_above_as_it_is() -> None:
    outcome = load(b"PO,SKU\n1,a\n,b,c\n,d\n", source(fill_down=["PO"]))
    assert outcome.codes == {1: ["HX-1002"]}
    assert outcome.records[2] == ["1", "d"]


@pytest.mark.parametrize("size", [1, 10**6])
def test_groups_are_formed_of_what_is_filled(size: int) -> None:
    outcome = load(DATA, source(fill_down=["PO"]), by=group("PO"), part_size=size, chunk=size)
    assert [[row[2] for row in rows] for rows in outcome.records] == [["a", "b"], ["c", "d"]]
    assert len(outcome.index.parts) == (2 if size == 1 else 1)


def test_a_broken_row_rejects_its_whole_group() -> None:
    data = b"PO,SKU\n1,a\n,b,c\n,d\n2,e\n"
    outcome = load(data, source(fill_down=["PO"]), by=group("PO"))
    assert list(outcome.codes) == [0]
    assert [len(rows) for rows in outcome.records] == [3, 1]


def test_a_column_that_the_file_lacks_refuses_it() -> None:
    with pytest.raises(RefusedError, match="which is filled down") as caught:
        load(b"A,B\n1,2\n", source(fill_down=["C"]))
    assert caught.value.code == "HX-5002"


def test_nothing_is_filled_in_a_file_without_bytes() -> None:
    assert load(b"", source(fill_down=["C"])).records == []
