"""XML: elements become nodes, every fault has its place, and what is hostile is refused."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import Outcome, load, source
from tests.unit.engine.formats.test_properties import ANY, CUTS, MANY, agree

ROOT = source("xml")
ORDERS = source("xml", record="Orders/Order")
FILE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- two orders --><o:Orders xmlns:o="urn:o" xmlns="urn:d">
 <Order id="1"><No>47&#x31;1</No><Amount currency="EUR">5.00</Amount>
  <Line><Qty>1</Qty></Line><Line><Qty><![CDATA[<2>]]></Qty></Line><Empty/>
  <Nil xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/></Order>
 <Order/><Order>one <b>two</b> three</Order><Order  >4</Order
></o:Orders>
<?end?>
"""


def refusal(data: bytes, contract: Any = ROOT) -> tuple[str, str]:
    """Read what can't be read, and return code and message."""
    with pytest.raises(RefusedError) as found:
        load(data, contract)
    return found.value.code, str(found.value)


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_elements_become_texts_nodes_and_lists(chunk: int | None) -> None:
    found = load(FILE, ORDERS, chunk=chunk)
    assert found.records == [
        {
            "@id": "1",
            "No": "4711",
            "Amount": {"@currency": "EUR", "#text": "5.00"},
            "Line": [{"Qty": "1"}, {"Qty": "<2>"}],
            "Empty": "",
            "Nil": None,
        },
        {"#text": ""},
        {"b": "two", "#text": "one  three"},
        {"#text": "4"},
    ]
    assert found.codes == {}
    assert found.lines == [3, 6, 6, 6]
    for raw, byte in zip(found.raws, found.bytes, strict=True):
        assert FILE[byte : byte + len(raw)] == raw
        assert raw.startswith(b"<Order")
        assert raw.endswith(b">")


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_every_value_has_its_place(chunk: int | None) -> None:
    found = load(FILE, ORDERS, chunk=chunk)
    places = {
        name: (place.line, place.column)
        for name in ("", "/@id", "/No", "/Amount/@currency", "/Line/1/Qty", "/Empty", "/Nope")
        for place in [found.locate(0, name)]
    }
    assert places == {
        "": (3, 2),
        "/@id": (3, 9),
        "/No": (3, 16),
        "/Amount/@currency": (3, 42),
        "/Line/1/Qty": (4, 34),
        "/Empty": (4, 67),
        "/Nope": (3, 0),
    }


def test_a_declared_prefix_stands_for_its_uri() -> None:
    data = b'<x:a xmlns:x="urn:1" xmlns:y="urn:2"><y:n x:q="1">A</y:n><x:n>B</x:n><n/></x:a>'
    spaces = {"": "urn:1", "p": "urn:2"}
    (record,) = load(data, source("xml", record="a", namespaces=spaces)).records
    assert record == {"p:n": {"@q": "1", "#text": "A"}, "n": "B", "{}n": ""}
    (record,) = load(data, source("xml", namespaces={"p": "urn:1"})).records
    assert record == {"{urn:2}n": {"@p:q": "1", "#text": "A"}, "p:n": "B", "n": ""}


def test_one_local_name_of_two_namespaces_is_a_reject() -> None:
    data = b'<r><a xmlns:x="urn:1"><n/><x:n/></a><a><n/><n/></a><a><x:n xmlns:x="urn:1"/></a></r>'
    found = load(data, source("xml", record="r/a"))
    assert found.codes == {0: ["HX-1022"]}
    assert found.locate(0, "").line == 1


def test_attributes_of_xml_and_xsi_keep_their_prefix() -> None:
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    data = f'<a xmlns:i="{xsi}"><b i:type="T" xml:lang="de">x</b><c i:nil="1" n="2"/></a>'
    (record,) = load(data.encode(), ROOT).records
    assert record == {
        "b": {"@xsi:type": "T", "@xml:lang": "de", "#text": "x"},
        "c": {"#text": None, "@n": "2"},
    }


def test_blanks_count_in_a_text_and_not_between_elements() -> None:
    (record,) = load(b"<a>\n <b> x\n</b>\t<c> </c>\n</a>", ROOT).records
    assert record == {"b": " x\n", "c": " "}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<a>ü</a>".encode("utf-16"), "ü"),
        ("<a>ü</a>".encode("utf-16-be"), "ü"),
        ('\ufeff<?xml version="1.0" encoding="latin-1"?><a>ü</a>'.encode(), "ü"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>ü</a>'.encode("latin-1"), "ü"),
        ("<?xml version='1.0' encoding='windows-1252'?><a>€</a>".encode("cp1252"), "€"),
        ('<?xml version="1.0" encoding="shift_jis"?><a>日本</a>'.encode("shift_jis"), "日本"),
        ('<?xml version="1.0" encoding="ibm037"?><a>ab</a>'.encode("cp037"), "ab"),
        ("<a>€</a>".encode("cp1252"), "€"),
    ],
)
def test_byte_order_mark_then_declaration_then_context(data: bytes, text: str) -> None:
    found = load(data, source("xml", encoding=("utf-8", "cp1252")))
    assert found.records == [{"#text": text}]
    assert found.raws[0].decode(found.index.encoding) == f"<a>{text}</a>"


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b"x", "HX-1021", "line 1, column 1"),
        (b"<a>\n<b>", "HX-1021", "line 2, column 4"),
        (b"<a>\n</b>", "HX-1021", "line 2, column 3"),
        (b"<a/>\n<b/>", "HX-1021", "line 2, column 1"),
        (b"<a>&nope;</a>", "HX-1021", "line 1, column 4"),
        (b"<p:a/>", "HX-1021", "line 1, column 1"),
        (b"<a>\n \xff</a>", "HX-1001", "line 2, column 2"),
        (b"<a>\xe2\x82", "HX-1021", "line 1"),
        (b'<?xml version="1.0" encoding="nope"?><a/>', "HX-1001", "'nope'"),
        (b"<!DOCTYPE a><a/>", "HX-5011", "line 1, column 12"),
        (b"<a>\0</a>", "HX-5001", "NUL"),
        (b"<a>" * 201 + b"</a>" * 201, "HX-6003", "line 1, column 601"),
    ],
)
def test_what_is_no_xml_is_refused_with_its_place(data: bytes, code: str, place: str) -> None:
    found, message = refusal(data)
    assert found == code
    assert place in message


def test_limits() -> None:
    small = source("xml", max_record_bytes=40)
    assert load(b"<a>" + b"x" * 30 + b"</a>", small).records
    assert refusal(b"<a>" + b"x" * 50 + b"</a>", small)[0] == "HX-6001"
    assert refusal(b"<a " + b"x" * 50, small)[0] in ("HX-6001", "HX-1021")
    several = source("xml", record="r/a", max_record_bytes=40)
    assert len(load(b"<r>" + b"<a>12345</a>" * 100 + b"</r>", several).records) == 100


def test_what_a_parser_would_keep_is_bounded() -> None:
    """A tag, a comment and the number of different names have an end of their own."""
    assert refusal(b"<a x='" + b">" * 3_000_000 + b"'/>")[0] == "HX-6001"
    assert refusal(b"<a><!--" + b"<b>" * 1_000_000 + b"--></a>")[0] == "HX-6001"
    names = b"".join(b"<n%d/>" % number for number in range(100_001))
    assert refusal(b"<a>" + names + b"</a>")[0] == "HX-6002"


def test_the_root_must_be_the_one_that_the_path_names() -> None:
    assert refusal(b"<Other/>", ORDERS)[0] == "HX-5004"
    assert load(b"<Orders/>", ORDERS).records == []
    assert load(b"", ORDERS).records == []
    other = load(b"<Orders><x><Order/></x></Orders>", ORDERS)
    assert other.records == []
    assert list(other.index.drift) == ["no element 'Order' leads to the records; 'x' stands there"]
    assert not load(b"<Orders><x/><Order/></Orders>", ORDERS).index.drift


XML_BYTES = st.lists(
    st.sampled_from(
        [
            *(b"<a>", b"</a>", b"<b/>", b"<b", b">", b"<a x='1'>", b' y="2>"', b"/>", b"<p:c>"),
            *(b"</p:c>", b"&lt;", b"&#x41;", b"text", b" ", b"\n", b"\r", b"<!-- <a> -->", b"]]>"),
            *(b"<![CDATA[<a>]]>", b"<?pi <a>?>", b"\xc3\xbc", b"\xff", b"<!DOCTYPE a>"),
            b" xmlns:p='u'",
        ]
    )
).map(b"".join)


@MANY
@given(st.one_of(XML_BYTES, XML_BYTES.map(lambda data: b"<a>" + data + b"</a>"), ANY))
def test_any_bytes_as_xml(data: bytes) -> None:
    """Whatever comes is records or a refusal, however few bytes come at a time."""
    agree(data, ROOT)
    agree(data, source("xml", record="a/a", namespaces={"p": "u"}))
    agree(data, source("xml", encoding=("utf-16", "cp1252")))


def tree(element: ET.Element) -> Any:
    """Make of an element what the reader promises, by another way."""
    node: dict[str, Any] = {f"@{name}": value for name, value in element.attrib.items()}
    text = element.text or ""
    for child in element:
        text += child.tail or ""
        value = tree(child)
        if child.tag in node:
            before = node[child.tag]
            node[child.tag] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            node[child.tag] = value
    if not node:
        return text
    if text.strip(" \t\r\n") or len(element) == 0:
        node["#text"] = text
    return node


TEXTS = st.text(alphabet="ab<>&\"' \nü€\u00a0", max_size=6)
TREES: st.SearchStrategy[ET.Element] = st.deferred(
    lambda: st.builds(
        element,
        st.sampled_from("abc"),
        st.dictionaries(st.sampled_from("xyz"), TEXTS, max_size=2),
        TEXTS,
        st.lists(st.tuples(TREES, TEXTS), max_size=3),
    )
)


def element(
    tag: str, attributes: dict[str, str], text: str, children: list[tuple[ET.Element, str]]
) -> ET.Element:
    """Build an element with mixed content."""
    made = ET.Element(tag, attributes)
    made.text = text
    for child, tail in children:
        child.tail = tail
        made.append(child)
    return made


@settings(max_examples=60, deadline=None)
@given(st.lists(TREES, max_size=4), st.sampled_from(["utf-8", "utf-16", "iso8859-15"]))
def test_trees_come_back(trees: list[ET.Element], encoding: str) -> None:
    """What another writer writes is read as another parser reads it, cut anywhere."""
    root = element("r", {}, "", [(each, "\n") for each in trees])
    for each in trees:
        each.tag = "n"
    data = ET.tostring(root, encoding, xml_declaration=True)
    expected = [tree(each) for each in ET.fromstring(data)]  # noqa: S314 - written just above
    found: list[Outcome] = [
        load(data, source("xml", record="r/n"), chunk=chunk) for _, chunk in CUTS
    ]
    for outcome in found:
        assert outcome.records == [e if isinstance(e, dict) else {"#text": e} for e in expected]
        assert outcome.seen() == found[0].seen()
