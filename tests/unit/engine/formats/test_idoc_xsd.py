"""Grammars from the XML Schema of an IDoc type, as SAP exports it."""

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helixnet.engine.formats.grammar import load_grammar
from helixnet.engine.formats.idoc.grammar import IdocGrammar, load_idoc
from helixnet.engine.formats.idoc.segments import GrammarError
from helixnet.engine.formats.idoc.xsd import parse_xsd
from helixnet.errors import ContextError
from tests.unit.engine.formats.reading import source
from tests.unit.engine.formats.test_grammar import REPORT

SHIPPED = load_idoc(source("idoc", type="ORDERS05"), {})
SCHEMA = """<?xml version="1.0" encoding="utf-8"?>
<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" version="1.0">
  <xsd:element name="ZORDER">
    <xsd:annotation><xsd:documentation>Our order</xsd:documentation></xsd:annotation>
    <xsd:complexType><xsd:sequence>
      <xsd:element name="IDOC">
        <xsd:complexType>
          <xsd:sequence>
            <xsd:element name="EDI_DC40" type="EDI_DC40.ZORDER"/>
            <xsd:element name="Z1HEAD" minOccurs="0">
              <xsd:complexType>
                <xsd:sequence>
                  <xsd:element name="BELNR" minOccurs="0">
                    <xsd:annotation><xsd:documentation>number</xsd:documentation></xsd:annotation>
                    <xsd:simpleType>
                      <xsd:restriction base="xsd:string">
                        <xsd:maxLength value="10"/>
                      </xsd:restriction>
                    </xsd:simpleType>
                  </xsd:element>
                  <xsd:element name="CURCY" type="currency" minOccurs="0"/>
                </xsd:sequence>
                <xsd:attribute name="SEGMENT" fixed="1" use="required"/>
              </xsd:complexType>
            </xsd:element>
            <xsd:element name="Z1ITEM" type="ZORDER.Z1ITEM" minOccurs="0" maxOccurs="999999"/>
          </xsd:sequence>
          <xsd:attribute name="BEGIN" fixed="1" use="required"/>
        </xsd:complexType>
      </xsd:element>
    </xsd:sequence></xsd:complexType>
  </xsd:element>
  <xsd:complexType name="EDI_DC40.ZORDER">
    <xsd:sequence><xsd:element name="TABNAM" type="xsd:string"/></xsd:sequence>
  </xsd:complexType>
  <xsd:complexType name="ZORDER.Z1ITEM">
    <xsd:sequence>
      <xsd:element name="POSEX"><xsd:simpleType>
        <xsd:restriction base="xsd:string"><xsd:length value="6"/></xsd:restriction>
      </xsd:simpleType></xsd:element>
      <xsd:element name="Z1PART" minOccurs="0" maxOccurs="99">
        <xsd:complexType>
          <xsd:sequence>
            <xsd:element ref="CODE"/>
            <xsd:element name="Z1TEXT"><xsd:complexType/></xsd:element>
          </xsd:sequence>
        </xsd:complexType>
      </xsd:element>
      <xsd:element name="Z1DATE"><xsd:complexType/></xsd:element>
    </xsd:sequence>
  </xsd:complexType>
  <xsd:element name="CODE" type="two"/>
  <xsd:simpleType name="two"><xsd:restriction base="two.more"/></xsd:simpleType>
  <xsd:simpleType name="two.more">
    <xsd:restriction base="xsd:string"><xsd:maxLength value="2"/></xsd:restriction>
  </xsd:simpleType>
  <xsd:simpleType name="currency">
    <xsd:restriction base="xsd:string"><xsd:maxLength value="3"/></xsd:restriction>
  </xsd:simpleType>
</xsd:schema>
"""


def grammar_of(name: str, text: str) -> IdocGrammar:
    """Load a grammar that a context names."""
    return load_idoc(source("idoc", grammar=name), {name: text.encode()})


def declared(grammar: IdocGrammar, segment: str) -> Iterator[str]:
    """Write what a grammar says in the language of schemas, as SAP nests it."""
    yield f'<xsd:element name="{segment or "IDOC"}" minOccurs="0"><xsd:complexType><xsd:sequence>'
    for field, (first, last) in grammar.fields(segment).items():
        facet = f'<xsd:maxLength value="{last - first}"/>'
        simple = f'<xsd:restriction base="xsd:string">{facet}</xsd:restriction>'
        yield f'<xsd:element name="{field}"><xsd:simpleType>{simple}</xsd:simpleType></xsd:element>'
    for child in grammar.children(segment):
        yield from declared(grammar, child)
    yield "</xsd:sequence></xsd:complexType></xsd:element>"


def schema_of(grammar: IdocGrammar) -> str:
    """Write a grammar as the schema that SAP would export."""
    body = "".join(declared(grammar, ""))
    return (
        '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f'<xsd:element name="{grammar.type}"><xsd:complexType><xsd:sequence>{body}'
        "</xsd:sequence></xsd:complexType></xsd:element></xsd:schema>"
    )


def test_schema_and_report_give_one_grammar() -> None:
    """Inline, named and referred types nest and measure as the parser report does."""
    by_report = grammar_of("z.txt", REPORT.replace("{0}", "BYTE"))
    assert grammar_of("z.xsd", SCHEMA) == by_report


def test_the_schema_of_a_shipped_type() -> None:
    """ORDERS05 as a schema is ORDERS05 as it is shipped."""
    assert grammar_of("ORDERS05.XSD", schema_of(SHIPPED)) == SHIPPED


def test_a_segment_may_stand_in_itself() -> None:
    """A type that holds its own segment is no endless one."""
    date = '<xsd:element name="Z1DATE"><xsd:complexType/></xsd:element>'
    nested = SCHEMA.replace(date, '<xsd:element name="Z1ITEM" type="ZORDER.Z1ITEM"/>')
    assert grammar_of("z.xsd", nested).children("Z1ITEM") == ("Z1PART", "Z1ITEM")


DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
TYPES = '<xsd:complexType name="EDI_DC40.ZORDER">'


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ('<xsd:maxLength value="3"/>', "", '"CURCY"', "the field CURCY of Z1HEAD has no maxLength"),
        ('value="10"', 'value="x"', "", "'x' is not the length of a field"),
        ('value="10"', 'value="0"', "", "'0' is not the length of a field"),
        (
            'name="CURCY"',
            'name="BELNR"',
            'type="currency"',
            "the field BELNR stands twice in Z1HEAD",
        ),
        ('ref="CODE"', 'ref="CODA"', "", "there is no element 'CODA'"),
        (TYPES, "<xsd:import/>" + TYPES, "", "xsd:import is not followed"),
        ('<xsd:sequence><xsd:element name="T', '<xsd:complexContent/><xsd:element name="T', "", ""),
        ('<xsd:sequence>\n      <xsd:element name="P', "<xsd:group/><a", "", ""),
        (DECLARATION, DECLARATION + "<!DOCTYPE a [<!ENTITY b 'c'>]>", "", "a document type"),
        ("utf-8", "klingon", "", "unknown encoding"),
        ("XMLSchema", "Else", "", "this is no XML Schema"),
    ],
)
def test_unusable_schemas(old: str, new: str, where: str, message: str) -> None:
    """What can't be used is a problem of the context that names the line."""
    text = SCHEMA.replace(old, new, 1)
    line = text[: text.index(where or new)].count("\n") + 1
    with pytest.raises(ContextError) as caught:
        grammar_of("z.xsd", text)
    problem = str(caught.value.problems[0])
    assert "HX-4206" in problem
    assert f"line {line} of the XML Schema: {message}" in problem


@pytest.mark.parametrize("text", ["", "<a>", "<xsd/" * 300, "<a>" * 300])
def test_what_is_no_xml_is_refused(text: str) -> None:
    """A broken file, an empty one, and one that nests without end."""
    with pytest.raises(ContextError, match="line 1 of the XML Schema"):
        grammar_of("z.xsd", text)


def test_a_schema_of_something_else_is_refused() -> None:
    """A schema without IDOC is none of an IDoc type; the hint says where to get one."""
    with pytest.raises(ContextError, match="no element holds IDOC"):
        grammar_of("z.xsd", SCHEMA.replace('name="IDOC"', 'name="DOC"'))


def test_one_segment_has_the_same_fields_everywhere() -> None:
    """Two types for the same segment must agree, as its rows in a flat file are the same."""
    odd = SCHEMA.replace('name="Z1PART"', 'name="Z1HEAD"')
    with pytest.raises(ContextError, match="Z1HEAD has other fields than before"):
        grammar_of("z.xsd", odd)


def test_a_bomb_of_types_ends() -> None:
    """Types that use each other over and over are cut off, not followed for ever."""
    doubles = "".join(
        f'<xsd:complexType name="T{n}"><xsd:sequence>'
        + f'<xsd:element name="A" type="T{n + 1}"/><xsd:element name="B{n}" type="T{n + 1}"/>' * 2
        + "</xsd:sequence></xsd:complexType>"
        for n in range(100)
    )
    text = SCHEMA.replace('type="ZORDER.Z1ITEM"', 'type="T0"').replace(
        "</xsd:schema>", f"{doubles}</xsd:schema>"
    )
    with pytest.raises(ContextError, match="nest at most"):
        grammar_of("z.xsd", text)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@example(SCHEMA.encode()[:900])
@example(b'<?xml version="1.0" encoding="utf-7"?><a/>')
def test_any_bytes_end_in_a_typed_error(data: bytes) -> None:
    """No schema, no traceback."""
    with pytest.raises(GrammarError):
        parse_xsd(data)


def test_a_context_may_name_a_schema() -> None:
    """`source.grammar` takes the file by its ending."""
    found = load_grammar(source("idoc", grammar="z.xsd"), {"z.xsd": SCHEMA.encode()})
    assert found is not None
    assert found.field("Z1ITEM", "POSEX")
