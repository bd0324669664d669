"""Grammars: SAP's parser report in both dialects, and the YAML form."""

import pytest

from helixnet.engine.formats.grammar import load_grammar
from helixnet.errors import ContextError
from tests.unit.engine.formats.reading import source

REPORT = """
BEGIN_SEGMENT_SECTION
  BEGIN_IDOC           ZORDER
    BEGIN_SEGMENT        Z2HEAD000
      SEGMENTTYPE          Z1HEAD
      LEVEL                01
      BEGIN_FIELDS
        NAME                 BELNR
        TEXT                 BEGIN_GROUP of numbers
        LENGTH               000010
        {0}_FIRST           000064
        {0}_LAST            000073

        NAME                 CURCY
        {0}_FIRST           000074
        {0}_LAST            000076
      END_FIELDS
    END_SEGMENT
    BEGIN_GROUP                   1
      LEVEL                02
      BEGIN_SEGMENT        Z2ITEM000
        SEGMENTTYPE          Z1ITEM
        BEGIN_FIELDS
          NAME                 POSEX
          {0}_FIRST           000064
          {0}_LAST            000069
        END_FIELDS
      END_SEGMENT
      BEGIN_GROUP                   2
        BEGIN_SEGMENT        Z2PART000
          SEGMENTTYPE          Z1PART
          BEGIN_FIELDS
            NAME                 CODE
            {0}_FIRST           000064
            {0}_LAST            000065
          END_FIELDS
        END_SEGMENT
        BEGIN_SEGMENT        Z2TEXT000
          SEGMENTTYPE          Z1TEXT
        END_SEGMENT
      END_GROUP
      BEGIN_SEGMENT        Z2DATE000
        SEGMENTTYPE          Z1DATE
      END_SEGMENT
    END_GROUP
  END_IDOC
END_SEGMENT_SECTION
"""
RECORDS = """BEGIN_RECORD_SECTION
  BEGIN_CONTROL_RECORD
    BEGIN_FIELDS
      NAME                TABNAM
      CHARACTER_FIRST     000001
      CHARACTER_LAST      000010
    END_FIELDS
  END_CONTROL_RECORD
END_RECORD_SECTION
"""
YAML = """
idoc: ZORDER
tree:
  Z1HEAD: {}
  Z1ITEM:
    Z1PART:
      Z1TEXT: {}
    Z1DATE: {}
segments:
  Z1HEAD: BELNR 10, CURCY 3
  Z1ITEM: POSEX 6
  Z1PART: CODE 2
  Z1TEXT: "- 4, TEXT 2"
  Z1DATE: DATE 8
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report.txt", REPORT.format("BYTE")),
        ("report.txt", RECORDS + REPORT.format("CHARACTER")),
        ("grammar.yaml", YAML),
    ],
)
def test_forms(name: str, text: str) -> None:
    """Both dialects and the YAML form give the same places and nesting."""
    contract = source("idoc", grammar=name)
    for data in (text.encode(), text.replace("\n", "\r\n").encode("utf-8-sig")):
        grammar = load_grammar(contract, {name: data})
        assert grammar is not None
        assert grammar.type == "ZORDER"
        assert grammar.children("") == ("EDI_DC40", "Z1HEAD", "Z1ITEM")
        assert grammar.children("Z1ITEM") == ("Z1PART", "Z1DATE")
        assert grammar.children("Z1PART") == ("Z1TEXT",)
        assert grammar.fields("Z1HEAD") == {"BELNR": (63, 73), "CURCY": (73, 76)}
        assert grammar.fields("EDI_DC40")["IDOCTYP"] == (39, 69)
        assert grammar.type_of("Z2PART000") == "Z1PART"
        assert (grammar.children("NONE"), dict(grammar.fields("NONE"))) == ((), {})


def test_a_gap_is_no_field() -> None:
    """The name ``-`` keeps room that no field has."""
    grammar = load_grammar(source("idoc", grammar="g.yml"), {"g.yml": YAML.encode()})
    assert grammar is not None
    assert grammar.fields("Z1TEXT") == {"TEXT": (67, 69)}


def test_orders05_is_shipped() -> None:
    """The purchase order of SAP needs no grammar file."""
    grammar = load_grammar(source("idoc", type="ORDERS05"), {})
    assert grammar is not None
    assert len(grammar.segments) == 60
    assert grammar.fields("E1EDP01")["MENGE"] == (74, 89)
    assert max(end for s in grammar.segments for _, end in grammar.fields(s).values()) <= 1063


def test_other_formats_need_none() -> None:
    """Only IDocs have a grammar."""
    assert load_grammar(source("csv"), {}) is None


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        (None, "", "HX-4206"),
        ("missing.txt", None, "HX-4201"),
        ("x.xsd", "<xsd/>", "HX-4206"),
        ("x.txt", "hello", "HX-4206"),
        ("x.txt", "BEGIN_IDOC X\nEND_GROUP", "HX-4206"),
        ("x.txt", "BEGIN_IDOC X\nSEGMENTTYPE", "HX-4206"),
        ("x.txt", "BEGIN_IDOC X\nSEGMENTTYPE A\nNAME F\nBYTE_FIRST x", "HX-4206"),
        ("x.txt", "BEGIN_IDOC X\nSEGMENTTYPE A\nNAME F\nBYTE_FIRST " + "9" * 5000, "HX-4206"),
        ("x.yaml", "a: [", "HX-4206"),
        ("x.yaml", "[]", "HX-4206"),
        ("x.yaml", "- a", "HX-4206"),
        ("x.yaml", "idoc: X\nsegments: {A: B}\ntree: {A: {}}", "HX-4206"),
        ("x.yaml", "idoc: X\nsegments: {A: B 1, C: 1}\ntree: {A: {}}", "HX-4206"),
        ("x.yaml", "idoc: X\nsegments: {A: 'B 1, B 2'}\ntree: {A: {}}", "HX-4206"),
        ("x.yaml", "idoc: X\nsegments: {A: B 1}\ntree: {B: {}}", "HX-4206"),
        ("x.yaml", "idoc: X\nsegments: {A: B 1}\ntree: {A: &a {}, C: *a}", "HX-4206"),
        ("x.yaml", "idoc: X\nsegments: {A: B 1}\ntree: {A: 1}", "HX-4206"),
        ("x.yaml", "idoc: X\nsegments: {1: B 1}\ntree: {A: {}}", "HX-4206"),
        ("x.yaml", "segments: {A: B 1}\ntree: {A: {}}", "HX-4206"),
        ("x.yaml", "other: 1", "HX-4206"),
        ("x.yaml", "a: " + "{a: " * 2000, "HX-4206"),
    ],
)
def test_unusable_grammars(name: str | None, text: str | None, code: str) -> None:
    """What can't be used is a problem of the context, with its code."""
    files = {} if text is None or name is None else {name: text.encode()}
    with pytest.raises(ContextError) as caught:
        load_grammar(source("idoc", type="DELVRY07", grammar=name), files)
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize(
    ("start", "old", "new", "said"),
    [
        (0, "  END_IDOC\nEND_SEGMENT_SECTION\n", "", "ends inside IDOC"),
        (0, "      END_GROUP\n", "", "END_IDOC without BEGIN_IDOC"),
        (0, "SEGMENTTYPE          Z1PART", "SEGMENT_TYPE         Z1PART", "has no SEGMENTTYPE"),
        (0, "BYTE_LAST            000065", "", "the field CODE has no BYTE_LAST"),
        (900, "", "", "ends inside"),
    ],
)
def test_a_report_that_is_cut_off_or_lacks_something(
    start: int, old: str, new: str, said: str
) -> None:
    """What it does not say can't be guessed: a missing segment would lose what stands in it."""
    text = REPORT.format("BYTE").replace(old, new, 1) if old else REPORT.format("BYTE")[:start]
    with pytest.raises(ContextError) as caught:
        load_grammar(source("idoc", type="ZORDER", grammar="g.txt"), {"g.txt": text.encode()})
    assert said in caught.value.problems[0].message
