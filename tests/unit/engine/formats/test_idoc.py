"""Flat IDocs: layouts, nesting by the grammar, and drift."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from helixnet.engine.formats.idoc.grammar import IdocGrammar, load_idoc
from helixnet.engine.outcome import SourcePosition
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import load, source

CONTRACT = source("idoc", type="ORDERS05", encoding=("utf-8", "cp1252"))
GRAMMAR = load_idoc(CONTRACT, {})
assert GRAMMAR is not None


def control(name: str = "EDI_DC40", kind: str = "ORDERS05") -> str:
    """Write a control record."""
    return f"{name:<10}800{'225645':>016}{'':10}{kind:<30}".ljust(524)


def segment(name: str, parent: int = 0, number: int = 0, **values: str) -> str:
    """Write a data record in the layout of 1063 characters."""
    assert GRAMMAR is not None
    row = list(f"{name:<30}800{'225645':>016}{number:06}{parent:06}02".ljust(1063))
    for field, value in values.items():
        start, end = GRAMMAR.fields(GRAMMAR.type_of(name) or "")[field]
        row[start:end] = value.ljust(end - start)
    return "".join(row)


ORDER = [
    control(),
    segment("E2EDK01005", CURCY="EUR", BELNR="4711"),
    segment("E2EDKA1003", PARVW="AG", NAME1="Müller"),
    segment("E2EDKA3", QUALP="001"),
    segment("E2EDP01008", POSEX="000010", MENGE="5.000"),
    segment("E2EDP20001", WMENG="2"),
    segment("E2EDP20001", WMENG="3"),
    segment("E2EDP19002", QUALF="002", IDTNR="A"),
    segment("E2EDP01008", POSEX="000020"),
    segment("E2EDS01", SUMME="7"),
]


def flat(*rows: str, end: str = "\n", cut: bool = False) -> bytes:
    """Write rows as a file."""
    return "".join((row.rstrip() if cut else row) + end for row in rows).encode()


def bare(node: Any) -> Any:
    """Leave line and name out of nodes."""
    if isinstance(node, list):
        return [bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: bare(value) for key, value in node.items() if key not in {"_line", "_name"}}


def read_bare(data: bytes, grammar: IdocGrammar | None = GRAMMAR, **more: Any) -> Any:
    """Read a file into plain nodes without the control record."""
    found = bare(load(data, source("idoc", type="ORDERS05", **more), grammar=grammar).records)
    return [{key: value for key, value in node.items() if key != "EDI_DC40"} for node in found]


NESTED = {
    "E1EDK01": [{"CURCY": "EUR", "BELNR": "4711"}],
    "E1EDKA1": [{"PARVW": "AG", "NAME1": "Müller", "E1EDKA3": [{"QUALP": "001"}]}],
    "E1EDP01": [
        {
            "POSEX": "000010",
            "MENGE": "5.000",
            "E1EDP20": [{"WMENG": "2"}, {"WMENG": "3"}],
            "E1EDP19": [{"QUALF": "002", "IDTNR": "A"}],
        },
        {"POSEX": "000020"},
    ],
    "E1EDS01": [{"SUMME": "7"}],
}


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("cut", [True, False])
def test_layouts(end: str, *, cut: bool) -> None:
    """Lines with LF or CRLF, padded or cut, and no line ends at all give the same documents."""
    if end or not cut:
        assert read_bare(flat(*ORDER, *ORDER, end=end, cut=cut)) == [NESTED, NESTED]


@pytest.mark.parametrize("name", ["E2EDP01008", "E2EDP01", "E1EDP01", "E1EDP01008"])
def test_segment_names(name: str) -> None:
    """A segment is named by type or definition, with or without version."""
    data = flat(control("EDI_DC40_U"), segment(name, POSEX="1"))
    assert read_bare(data) == [{"E1EDP01": [{"POSEX": "1"}]}]


def test_nodes_know_line_and_name() -> None:
    """Every node carries its line and type; the control record is a node too."""
    record = load(flat(*ORDER), CONTRACT, grammar=GRAMMAR).records[0]
    assert (record["_line"], record["_name"]) == (1, "")
    assert record["EDI_DC40"][0]["DOCNUM"] == "0000000000225645"
    item = record["E1EDP01"][0]["E1EDP20"][1]
    assert (item["_line"], item["_name"]) == (7, "E1EDP20")


def test_needs_read_only_those_fields() -> None:
    """Only segments and fields that the mapping uses are there."""
    needs = {"": frozenset({"E1EDP01"}), "E1EDP01": frozenset({"MENGE", "E1EDP20"})}
    found = bare(load(flat(*ORDER), CONTRACT, grammar=GRAMMAR, needs=needs).records)[0]
    assert found == {"E1EDP01": [{"MENGE": "5.000", "E1EDP20": [{}, {}]}, {}]}


def test_positions() -> None:
    """A field is found by line, column and segment, though it may be blank."""
    outcome = load(flat(*ORDER, *ORDER), CONTRACT, grammar=GRAMMAR, part_size=100)
    size = len(flat(*ORDER))
    assert outcome.locate(1, "/E1EDP01/0/E1EDP20/1/WMENG") == SourcePosition(
        line=17, column=64, byte=size, field="WMENG", segment="E1EDP20"
    )
    assert outcome.locate(1, "/E1EDP01/1/MENGE").line == 19
    assert outcome.locate(1, "/E1EDP01/1").segment == "E1EDP01"
    assert outcome.locate(1, "") == SourcePosition(line=11, byte=size)
    assert outcome.raws == [flat(*ORDER)] * 2
    assert len(outcome.index.parts) == 2


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (segment("Z2STRANGE"), "unknown segment Z2STRANGE"),
        (segment("E2EDP20001"), "segment E2EDP20001 where it may not stand"),
    ],
)
def test_drift(row: str, words: str) -> None:
    """A segment that the grammar has not, or not there, is left out, rejected or refused."""
    data = flat(control(), row, segment("E2EDK01005", BELNR="1"), *ORDER)
    for policy, told in (("allow", []), ("warn", [words])):
        contract = source("idoc", type="ORDERS05", on_drift=policy)
        outcome = load(data, contract, grammar=GRAMMAR)
        assert outcome.codes == {}
        assert list(outcome.index.drift) == told
    contract = source("idoc", type="ORDERS05", on_drift="reject")
    outcome = load(data, contract, grammar=GRAMMAR)
    assert outcome.codes == {0: ["HX-5005"]}
    assert outcome.batches[0][0].faults[0][0].source == SourcePosition(
        line=2, segment=words.split("segment ")[1].split(maxsplit=1)[0]
    )
    with pytest.raises(RefusedError, match=re.escape(words)):
        load(data, source("idoc", on_drift="fail"), grammar=GRAMMAR)


def test_another_idoc_type_is_drift() -> None:
    """A document of another type than declared is told, and rejected where drift is."""
    data = flat(control(kind="ORDERS01"))
    assert "ORDERS01" in load(data, CONTRACT, grammar=GRAMMAR).index.drift[0]
    outcome = load(data, source("idoc", on_drift="reject"), grammar=GRAMMAR)
    assert outcome.codes == {0: ["HX-1108"]}


def test_psgnum_decides_where_the_grammar_leaves_it_open() -> None:
    """The nearest open segment is the parent, unless PSGNUM names another that may be it."""
    text = "idoc: Z\nsegments: {Z1A: A 1, Z1B: B 1, Z1C: C 1}\n"
    text += "tree: {Z1A: {Z1B: {Z1C: {}}, Z1C: {}}}\n"
    grammar = load_idoc(source("idoc", grammar="z.yaml"), {"z.yaml": text.encode()})
    rows = [control(kind="Z"), _raw("Z2A", 1, 0), _raw("Z2B", 2, 1)]
    nearest = read_bare(flat(*rows, _raw("Z2C", 3, 2)), grammar)
    upper = read_bare(flat(*rows, _raw("Z2C", 3, 1)), grammar)
    assert nearest == [{"Z1A": [{"A": "x", "Z1B": [{"B": "x", "Z1C": [{"C": "x"}]}]}]}]
    assert upper == [{"Z1A": [{"A": "x", "Z1B": [{"B": "x"}], "Z1C": [{"C": "x"}]}]}]


def _raw(name: str, number: int, parent: int) -> str:
    return f"{name:<30}800{'1':>016}{number:06}{parent:06}02x"


@pytest.mark.parametrize(
    "head",
    [
        b"E2EDK01",
        b"<?xml version='1.0'?><ORDERS05><A/></ORDERS05>",
        b"A;B\n1;2\n",
        b" EDI_DC40",
        b"\x1c",
    ],
)
def test_other_files_are_refused(head: bytes) -> None:
    """A flat IDoc file begins with its control record."""
    with pytest.raises(RefusedError) as caught:
        load(head, CONTRACT, grammar=GRAMMAR)
    assert caught.value.code == "HX-5004"


@pytest.mark.parametrize("data", [b"", b"\n\r\n"])
def test_no_documents(data: bytes) -> None:
    """An empty file has no documents."""
    assert load(data, CONTRACT, grammar=GRAMMAR).records == []


def test_an_idoc_beyond_the_limit_is_refused() -> None:
    """A document has to fit the record limit."""
    contract = source("idoc", max_record_bytes=50_000)
    for rows in ([*ORDER] * 20, [control(), *[segment("E2EDP01008")] * 100]):
        if rows.count(control()) > 1:
            assert len(load(flat(*rows), contract, grammar=GRAMMAR).records) == 20
            continue
        with pytest.raises(RefusedError) as caught:
            load(flat(*rows), contract, grammar=GRAMMAR)
        assert caught.value.code == "HX-6001"


def test_undecodable_bytes_reject_their_document() -> None:
    """Only the document with such a byte is set aside."""
    bad: Sequence[bytes] = (flat(*ORDER), flat(*ORDER).replace("ü".encode(), b"\xff\xff"))
    outcome = load(bad[0] + bad[1] + bad[0], source("idoc"), grammar=GRAMMAR)
    assert outcome.codes == {1: ["HX-1001"]}
    assert outcome.batches[0][0].faults[1][0].source == SourcePosition(line=13, byte=len(bad[0]))
