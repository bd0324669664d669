"""Record types: what belongs to which record, what stands once, and what may not stand there."""

from typing import Any

import pytest

from helixnet.engine.context.model import Field, RecordType
from helixnet.engine.formats.records.read import once_nodes
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import MARK, fields, load, source


def of(
    name: str, at: Any, texts: list[str], own: Any, *children: str, once: bool = False
) -> RecordType:
    """Declare a type."""
    return RecordType(name, at, texts, own, children, once, MARK)


def kind(name: str, *children: str, once: bool = False, **places: tuple[int, int]) -> RecordType:
    """Declare a type of fixed-width lines, told by its first character."""
    own = {field: Field(field, MARK, at=place) for field, place in places.items()}
    return of(name, (0, 1), [name], own, *children, once=once)


TYPES = {
    one.name: one
    for one in (
        kind("F", once=True, NAME=(1, 5)),
        kind("H", "D", "X", NO=(1, 5)),
        kind("D", "S", SKU=(1, 4)),
        kind("S", DAY=(1, 3)),
        kind("X", TEXT=(1, 9)),
        kind("T", once=True, COUNT=(1, 4)),
    )
}
LINES = b"Facme\nH1\nDa\nS1\nS2\nDb\nXhello\nH2\nDc\nT 2\n"


def bare(node: Any) -> Any:
    """Return a record without lines and names."""
    if isinstance(node, list):
        return [bare(each) for each in node]
    if isinstance(node, dict):
        return {name: bare(each) for name, each in node.items() if not name.startswith("_")}
    return node


@pytest.mark.parametrize("size", [1, 10**6])
def test_lines_hang_under_the_nearest_that_may_have_them(size: int) -> None:
    outcome = load(LINES, source("fixed", records=TYPES), part_size=size, chunk=size)
    once = {"F": {"NAME": "acme"}, "T": {"COUNT": " 2"}}
    lines = [{"SKU": "a", "S": [{"DAY": "1"}, {"DAY": "2"}]}, {"SKU": "b"}]
    assert [bare(record) for record in outcome.records] == [
        {**once, "H": {"NO": "1", "D": lines, "X": [{"TEXT": "hello"}]}},
        {**once, "H": {"NO": "2", "D": [{"SKU": "c"}]}},
    ]
    assert outcome.lines == [2, 8]
    assert outcome.raws == [b"H1\nDa\nS1\nS2\nDb\nXhello\n", b"H2\nDc\n"]
    assert len(outcome.index.parts) == (2 if size == 1 else 1)


def test_what_stands_once_travels_with_the_index() -> None:
    contract = source("fixed", records=TYPES)
    index = load(b"\r\nFacme\r\nH1\r\nT 2", contract).index
    assert index.once == {
        "F": {"line": 2, "byte": 2, "text": "Facme"},
        "T": {"line": 4, "byte": 13, "text": "T 2"},
    }
    assert once_nodes(contract, index)["T"] == {"_line": 4, "_name": "T", "COUNT": " 2"}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Facme\nH1\n", "no record 'T'"),
        (b"Facme\nH1\nT 1\nT 1\n", "line 4: .* in line 3 already"),
        (b"\n\n", "no record 'F'"),
    ],
)
def test_a_line_that_must_stand_once_is_missing_or_doubled(data: bytes, text: str) -> None:
    for size, chunk in ((10**6, None), (1, 1)):
        with pytest.raises(RefusedError, match=text) as caught:
            load(data, source("fixed", records=TYPES), part_size=size, chunk=chunk)
        assert caught.value.code == "HX-5020"


def test_a_file_without_bytes_has_no_records_and_lacks_none() -> None:
    outcome = load(b"", source("fixed", records=TYPES))
    assert (outcome.records, outcome.index.once) == ([], {})


def test_a_line_that_stands_once_and_does_not_decode_refuses_the_file() -> None:
    with pytest.raises(RefusedError, match="line 1: the record 'F' does not decode") as caught:
        load(b"F\xff\nT 0\n", source("fixed", records=TYPES))
    assert caught.value.code == "HX-1001"


def codes(data: bytes, **more: Any) -> list[tuple[int, list[tuple[str, int, str]]]]:
    """Return for each record its line, and code, line and type of each fault."""
    outcome = load(b"F\n" + data + b"T\n", source("fixed", records=TYPES, **more), part_size=1)
    found: list[tuple[int, list[tuple[str, int, str]]]] = []
    for batch, _ in outcome.batches:
        for index in range(len(batch.records)):
            faults = [(f.code, f.source) for f in batch.faults.get(index, ())]
            told = [(code, place.line, place.segment) for code, place in faults if place]
            found.append((batch.line(index), told))
    return found


def test_an_unknown_line_rejects_the_record_that_it_stands_in() -> None:
    assert codes(b"H1\nQ1\nDa\nH2\n") == [(2, [("HX-1011", 3, "")]), (5, [])]
    assert codes(b"Q1\nQ2\nH1\n") == [(2, [("HX-1011", 2, "")]), (3, [("HX-1011", 3, "")]), (4, [])]


def test_unknown_lines_are_left_out_where_drift_is_allowed() -> None:
    assert codes(b"Q0\nH1\nQ1\nDa\nH2\n", on_drift="allow") == [(3, []), (6, [])]


def test_a_line_without_its_parent_is_a_reject() -> None:
    assert codes(b"Da\nH1\nS1\nDb\n") == [
        (2, [("HX-1012", 2, "D")]),
        (3, [("HX-1012", 4, "S")]),
    ]


def test_a_line_that_stands_once_ends_the_record_before_it() -> None:
    contract = source("fixed", records=TYPES)
    outcome = load(b"H1\nF\nDa\nT\nH2\n", contract)
    assert outcome.raws == [b"H1\n", b"Da\n", b"H2\n"]
    assert outcome.codes == {1: ["HX-1012"]}


def test_places_of_fields_lines_and_what_stands_once() -> None:
    outcome = load(LINES, source("fixed", records=TYPES), part_size=1)
    found = [
        outcome.locate(0, pointer) for pointer in ("/H/D/0/S/1/DAY", "/T/COUNT", "/H/D/1", "", "/Z")
    ]
    assert [(at.line, at.column, at.byte, at.segment, at.field) for at in found] == [
        (5, 2, 6, "S", "DAY"),
        (10, 2, len(LINES) - 4, "T", "COUNT"),
        (6, 0, 6, "D", ""),
        (2, 0, 6, "", ""),
        (2, 0, 6, "", ""),
    ]


def test_a_line_too_short_for_its_type_and_one_too_long() -> None:
    own = {"N": Field("N", MARK, "integer", at=(1, 4))}
    types = {"H": of("H", (0, 1), ["H"], own)}
    outcome = load(b"H 12\nH1\nH  12345\n", source("fixed", records=types))
    assert outcome.codes == {1: ["HX-1009"]}
    assert outcome.index.drift == ["line 3, a H, is longer than the 4 characters that are declared"]


def csv_types(**own: Any) -> dict[str, RecordType]:
    """Declare two types of CSV rows, told by their first column."""
    return {
        "H": of("H", 0, ["10", "11"], own.get("H", fields("T", "NO")), "D"),
        "D": of("D", 0, ["20"], own.get("D", fields("T", "SKU", "QTY"))),
    }


def test_rows_of_csv_have_types_too() -> None:
    data = b'10;1\n20;"a\nb";3\n11;2\n20;c;4\n'
    contract = source(delimiter=";", header=False, records=csv_types())
    outcome = load(data, contract, part_size=1)
    assert [bare(record["H"]["D"]) for record in outcome.records] == [
        [{"T": "20", "SKU": "a\nb", "QTY": "3"}],
        [{"T": "20", "SKU": "c", "QTY": "4"}],
    ]
    at = outcome.locate(0, "/H/D/0/QTY")
    assert (at.line, at.column, at.segment) == (3, 4, "D")


def test_a_csv_row_has_as_many_cells_as_its_type_has_fields() -> None:
    contract = source(header=False, records=csv_types())
    outcome = load(b"10,1\n20,a\n10,2,x\n10,3\n20,a,b\n", contract)
    assert outcome.codes == {0: ["HX-1002"], 1: ["HX-1002"]}


def test_fields_by_number_leave_the_rest_of_a_row_alone() -> None:
    own = {"SKU": Field("SKU", MARK, at=2), "QTY": Field("QTY", MARK)}
    contract = source(header=False, records=csv_types(D=own))
    outcome = load(b"10,1\n20,x,a,5,more\n20,x,a\n", contract)
    assert outcome.codes == {0: ["HX-1002"]}
    assert bare(outcome.records[0]["H"]["D"][0]) == {"SKU": "a", "QTY": "5"}


def test_fields_by_the_header_and_under_another_name() -> None:
    own = {"AMOUNT": Field("AMOUNT", MARK, at="QTY"), "SKU": Field("SKU", MARK)}
    types = csv_types(H=fields("NO"), D=own)
    types = {
        name: of(name, "TYPE", [*one.texts], one.fields, *one.children)
        for name, one in types.items()
    }
    data = b"NO,TYPE,SKU,QTY\n1,10,,\n,20,a,5\n"
    outcome = load(data, source(records=types))
    assert bare(outcome.records) == [{"H": {"NO": "1", "D": [{"AMOUNT": "5", "SKU": "a"}]}}]
    with pytest.raises(RefusedError, match="which tells the type of a record"):
        load(b"NO,KIND,SKU,QTY\n", source(records=types))
    with pytest.raises(RefusedError, match="no column 'SKU' for the field 'SKU' of 'D'"):
        load(b"NO,TYPE,QTY\n", source(records=types))
    with pytest.raises(RefusedError, match="the column 'QTY' twice"):
        load(b"NO,TYPE,SKU,QTY,QTY\n", source(records=types))


def test_texts_that_tell_types_are_compared_in_every_encoding() -> None:
    types = {"Ä": of("Ä", (0, 1), ["Ä"], {})}
    for encoding in (("cp1252", "latin-1"), ("utf-8", "cp1252"), ("utf-16",)):
        data = "Ä1\nÄ2\n".encode(encoding[-1])
        outcome = load(data, source("fixed", records=types, encoding=encoding), part_size=1)
        assert (len(outcome.records), outcome.codes) == (2, {})


def test_a_record_beyond_the_limit_refuses_the_file() -> None:
    lines = b"H1\n" + b"Da\n" * 400_000
    with pytest.raises(RefusedError) as caught:
        load(b"F\n" + lines + b"T\n", source("fixed", records=TYPES, max_record_bytes=10_000))
    assert caught.value.code == "HX-6001"


def test_a_long_record_is_read_in_blocks_as_one() -> None:
    lines = b"F\nH1\n" + b"Da\n" * 100_000 + b"T\n"
    outcome = load(lines, source("fixed", records=TYPES))
    assert len(outcome.records[0]["H"]["D"]) == 100_000
