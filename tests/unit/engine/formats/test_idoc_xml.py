"""IDocs in XML: the same documents as flat ones, however they are written."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.context.model import Source
from helixnet.engine.formats.grammar import Grammar
from helixnet.engine.formats.idoc.grammar import IdocGrammar
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import Outcome, load, source
from tests.unit.engine.formats.test_idoc import GRAMMAR, ORDER, bare, control, flat, segment
from tests.unit.engine.formats.test_properties import ANY, agree

CONTRACT = source("idoc", type="ORDERS05", encoding=("utf-8", "cp1252"))
CHUNKS = (None, 1, 50)
Tree = tuple[str, dict[str, str], list[Any]]


def grammar() -> IdocGrammar:
    """Return the grammar of ORDERS05."""
    assert isinstance(GRAMMAR, IdocGrammar)
    return GRAMMAR


def written(tree: Tree, indent: str = "\n ") -> str:
    """Write a segment, with what stands below it."""
    name, values, below = tree
    fields = "".join(f"{indent} <{k}>{escape(v)}</{k}>" for k, v in values.items())
    inner = fields + "".join(written(each, indent + " " * bool(indent)) for each in below)
    return f'{indent}<{name} SEGMENT="1">{inner}{indent}</{name}>'


def document(*trees: Tree, indent: str = "\n ") -> str:
    """Write a document."""
    head = ("EDI_DC40", {"IDOCTYP": "ORDERS05", "DOCNUM": "0000000000225645"}, [])
    body = "".join(written(tree, indent) for tree in (head, *trees))
    return f'<IDOC BEGIN="1">{body}</IDOC>'


def file(*documents: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    """Write a file."""
    return "\n".join([head, "<ORDERS05>", *documents, "</ORDERS05>", ""]).encode()


def loaded(data: bytes, contract: Source = CONTRACT, **more: Any) -> Outcome:
    """Read a file."""
    return load(data, contract, grammar=grammar(), **more)


TREES: Sequence[Tree] = (
    ("E1EDK01", {"CURCY": "EUR", "BELNR": "4711"}, []),
    ("E1EDKA1", {"PARVW": "AG", "NAME1": "Müller"}, [("E1EDKA3", {"QUALP": "001"}, [])]),
    (
        "E1EDP01",
        {"POSEX": "000010", "MENGE": "5.000"},
        [
            ("E1EDP20", {"WMENG": "2"}, []),
            ("E1EDP20", {"WMENG": "3"}, []),
            ("E1EDP19", {"QUALF": "002", "IDTNR": "A"}, []),
        ],
    ),
    ("E1EDP01", {"POSEX": "000020"}, []),
    ("E1EDS01", {"SUMME": "7"}, []),
)
SAME = {
    "usual": file(document(*TREES), document(*TREES)),
    "one line": file(document(*TREES, indent=""), document(*TREES, indent="")).replace(b"\n", b""),
    "windows": file(document(*TREES), document(*TREES)).replace(b"\n", b"\r\n"),
    "comments": file("<!-- <IDOC> -->", document(*TREES), "<!-- </IDOC> -->", document(*TREES)),
    "cdata": file(
        document(*TREES).replace("4711", "<![CDATA[4711]]>"),
        document(*TREES).replace("4711", "47<![CDATA[11]]>"),
    ),
    "references": file(document(*TREES).replace("4711", "4&#55;1&#x31;"), document(*TREES)),
    "other quotes": file(document(*TREES).replace('"', "'"), document(*TREES)),
    "more attributes": file(document(*TREES).replace(" SEG", ' x="&gt;" SEG'), document(*TREES)),
    "blanks in tags": file(
        document(*TREES).replace("</BELNR>", "</BELNR >").replace("<BELNR>", "<BELNR\n>"),
        document(*TREES),
    ),
    "empty fields": file(
        document(*TREES).replace(
            "<CURCY>", "<HWAER/><ACTION></ACTION><KUNDEUINR>  </KUNDEUINR><CURCY>"
        ),
        document(*TREES),
    ),
    "no marks": file(document(*TREES).replace(' SEGMENT="1"', ""), document(*TREES)),
    "greater": file(
        document(*TREES).replace("<SUMME>", "<SUMID>  </SUMID><SUMME>"), document(*TREES)
    ),
    "utf-16": file(document(*TREES), document(*TREES), head="").decode().encode("utf-16"),
}


@pytest.mark.parametrize("how", list(SAME))
@pytest.mark.parametrize("chunk", CHUNKS)
def test_however_it_is_written_it_is_the_flat_document(how: str, chunk: int | None) -> None:
    data = SAME[how]
    expected = bare(load(flat(*ORDER), CONTRACT, grammar=grammar()).records[0])
    expected["EDI_DC40"] = [{"IDOCTYP": "ORDERS05", "DOCNUM": "0000000000225645"}]
    found = loaded(data, chunk=chunk)
    assert bare(found.records) == [expected, expected]
    assert found.codes == {}
    assert list(found.index.drift) == []
    for raw, byte in zip(found.raws, found.bytes, strict=True):
        assert data[byte : byte + len(raw)] == raw
        text = raw.decode(found.index.encoding)
        assert text.startswith("<IDOC")
        assert text.endswith("</IDOC>")


def line_of(data: bytes, text: bytes, number: int) -> int:
    """Return the physical line of an occurrence of a text, from 0."""
    return [n for n, line in enumerate(data.split(b"\n"), 1) if text in line][number]


@pytest.mark.parametrize("how", ["usual", "cdata", "other quotes"])
def test_nodes_know_line_and_name(how: str) -> None:
    data = SAME[how]
    record = loaded(data).records[1]
    assert (record["_line"], record["_name"]) == (line_of(data, b"<IDOC ", 1), "")
    item = record["E1EDP01"][0]
    assert (item["_line"], item["_name"]) == (line_of(data, b"<E1EDP01 ", 2), "E1EDP01")
    line = item["E1EDP20"][1]
    assert (line["_line"], line["_name"]) == (line_of(data, b"<E1EDP20 ", 3), "E1EDP20")


@pytest.mark.parametrize("how", ["usual", "cdata"])
def test_every_value_has_its_place(how: str) -> None:
    found = loaded(SAME[how])
    place = found.locate(1, "/E1EDP01/0/E1EDP20/1/WMENG")
    line = line_of(SAME[how], b"<WMENG>", 3)
    assert (place.line, place.column, place.segment, place.field) == (line, 4, "E1EDP20", "WMENG")
    assert SAME[how][place.byte :].startswith(b"<IDOC")
    header, line = found.locate(0, "/E1EDK01/0"), line_of(SAME[how], b"<E1EDK01 ", 0)
    assert (header.line, header.column, header.segment, header.field) == (line, 2, "E1EDK01", "")
    missing = found.locate(0, "/E1EDK01/0/ZTERM")
    assert (missing.line, missing.column, missing.segment) == (line, 0, "E1EDK01")


ODD = document(
    ("E1EDK01", {"BELNR": "1", "NOPE": "x"}, []),
    ("ZWHAT", {"A": "1"}, [("E1EDP01", {"POSEX": "1"}, [])]),
    ("E1EDP20", {"WMENG": "1"}, []),
    ("E1EDP01", {"POSEX": "2"}, []),
)


@pytest.mark.parametrize("more", ["", "<!-- -->"])
def test_what_the_grammar_has_not_is_drift(more: str) -> None:
    data = file(document(*TREES), ODD + more)
    drift = [
        "unknown field NOPE of E1EDK01",
        "unknown segment ZWHAT",
        "segment E1EDP20 where it may not stand",
    ]
    found = loaded(data)
    assert list(found.index.drift) == drift
    odd = bare(found.records[1])
    del odd["EDI_DC40"]
    assert odd == {"E1EDK01": [{"BELNR": "1"}], "E1EDP01": [{"POSEX": "2"}]}
    rejecting = source("idoc", type="ORDERS05", on_drift="reject")
    assert loaded(data, rejecting).codes == {1: ["HX-5005"] * 3}
    with pytest.raises(RefusedError, match="NOPE"):
        loaded(data, source("idoc", type="ORDERS05", on_drift="fail"))
    assert bare(loaded(data, source("idoc", type="ORDERS05", on_drift="allow")).records[1]) == bare(
        found.records[1]
    )


def test_another_type_is_drift() -> None:
    data = file(document(*TREES).replace(">ORDERS05<", ">INVOIC02<"))
    assert list(loaded(data).index.drift) == ["IDoc type INVOIC02 where ORDERS05 is declared"]
    rejecting = source("idoc", type="ORDERS05", on_drift="reject")
    assert loaded(data, rejecting).codes == {0: ["HX-1108"]}


def test_a_field_that_stands_twice_is_a_reject() -> None:
    twice = document(("E1EDK01", {"BELNR": "1"}, [])).replace(
        "</BELNR>", "</BELNR><BELNR>2</BELNR>"
    )
    found = loaded(file(document(*TREES), twice))
    assert found.codes == {1: ["HX-5005"]}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<ORDERS05><A/></ORDERS05>", "HX-5004"),
        (file(document(*TREES))[:-5], "HX-1021"),
        (file(document(*TREES).replace("</BELNR>", "</BELNER>")), "HX-1021"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + file(document(*TREES), head=""), "HX-5011"),
        (b"<IDOC>" + b"<a>" * 300 + b"</a>" * 300 + b"</IDOC>", "HX-6003"),
    ],
)
def test_what_is_no_idoc_file_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(RefusedError) as found:
        loaded(data)
    assert found.value.code == code


def test_few_and_no_documents() -> None:
    assert loaded(b"<ORDERS05/>").records == []
    assert loaded(b"<ORDERS05>\n</ORDERS05>").records == []
    assert bare(loaded(b"<ORDERS05><IDOC/></ORDERS05>").records) == [{}]
    root = document(*TREES).encode()
    assert len(loaded(root).records) == 1
    assert len(loaded(b"<ORDERS05><IDOC/>" + root + b"<IDOC/></ORDERS05>").records) == 3


def test_needs_read_only_those_fields() -> None:
    needs: Mapping[str, frozenset[str]] = {"E1EDP01": frozenset({"MENGE"})}
    for how in ("usual", "cdata"):
        (first, _) = bare(loaded(SAME[how], needs=needs).records)
        assert first["E1EDP01"][0] == {
            "MENGE": "5.000",
            "E1EDP20": [{}, {}],
            "E1EDP19": [{}],
        }


XML = st.lists(
    st.sampled_from(
        [
            *(document(*TREES[:2], indent=""), "<IDOC>", '<IDOC BEGIN="1">', "</IDOC>", "<IDOC/>"),
            *('<E1EDK01 SEGMENT="1">', "</E1EDK01>", "<E1EDK01>", "<BELNR>", "</BELNR>", "1"),
            *(">", "\n", "&amp;", "&#13;", "<!-- </IDOC> -->", "<![CDATA[<IDOC>]]>", "<?x?>"),
            *("<BELNR/>", '<E1EDP20 SEGMENT="1"/>', "<ZX/>", "<BELNR>a</BELNR>", "\r"),
            ' SEGMENT="1">',
        ]
    )
).map(lambda parts: "".join(parts).encode())


@settings(max_examples=100, deadline=None)
@given(st.one_of(XML, XML.map(lambda data: b"<ORDERS05>" + data + b"</ORDERS05>"), ANY))
def test_any_bytes(data: bytes) -> None:
    """Whatever comes is records or a refusal, however few bytes come at a time."""
    for policy in ("warn", "reject"):
        contract = source("idoc", type="ORDERS05", on_drift=policy)
        agree(data, contract)
        agree(b"<" + data, contract)


@settings(max_examples=150, deadline=None)
@given(XML, st.sampled_from(["warn", "reject"]))
def test_the_fast_way_reads_as_the_general_one(inner: bytes, policy: str) -> None:
    """A comment in front leaves the whole file to the general way, and nothing else changes."""
    found: list[Any] = []
    for head in (b"<ORDERS05>       ", b"<!----><ORDERS05>"):
        try:
            data = head + b'<IDOC BEGIN="1">' + inner + b"</IDOC></ORDERS05>"
            outcome = loaded(data, source("idoc", type="ORDERS05", on_drift=policy))
            found.append((*outcome.seen(), outcome.index.drift))
        except RefusedError as refusal:
            found.append(refusal.code)
    assert found[0] == found[1]


VALUES = st.text(alphabet="aZ09 ü&<>'\"", min_size=1, max_size=6)


def trees(name: str, known: Grammar, depth: int = 0) -> st.SearchStrategy[Tree]:
    """Draw a segment of the grammar with some fields and children."""
    held = grammar()
    fields = [f for f, (start, end) in held.fields(name).items() if end - start >= 6][:4]
    below = [child for child in held.children(name) if child != "EDI_DC40"][:4]
    values = st.dictionaries(st.sampled_from(fields), VALUES, max_size=3) if fields else st.just({})
    inner = (
        st.lists(st.sampled_from(below), max_size=3, unique=True).flatmap(
            lambda names: st.tuples(
                *(trees(n, known, depth + 1) for n in sorted(names, key=below.index))
            )
        )
        if below and depth < 3
        else st.just(())
    )
    return st.tuples(st.just(name), values, inner.map(list))


def rows(tree: Tree, parent: int, numbers: list[int]) -> list[str]:
    """Write a segment and what is below it as flat records."""
    name, values, below = tree
    numbers[0] += 1
    own = numbers[0]
    found = [segment(name, parent, own, **values)]
    for each in below:
        found += rows(each, own, numbers)
    return found


ROOTS = ("E1EDK01", "E1EDKA1", "E1EDP01", "E1EDS01")


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*(st.lists(trees(name, grammar()), max_size=2) for name in ROOTS)),
    st.sampled_from(["", "\n"]),
)
def test_flat_and_xml_give_the_same(drawn: tuple[list[Tree], ...], indent: str) -> None:
    """What is written both ways is read as one."""
    several = [tree for group in drawn for tree in group]
    numbers = [0]
    lines = [control(), *(row for tree in several for row in rows(tree, 0, numbers))]
    one = bare(load(flat(*lines), CONTRACT, grammar=grammar()).records)
    other = bare(loaded(file(document(*several, indent=indent))).records)
    for record in (*one, *other):
        del record["EDI_DC40"]
    assert one == other
