"""``helixnet grammar import``."""

from pathlib import Path

from tests.unit.cli.commanding import Command
from tests.unit.engine.formats.test_grammar import REPORT
from tests.unit.engine.formats.test_idoc_xsd import SCHEMA


def test_a_report_becomes_yaml(helixnet: Command, given: Path) -> None:
    """The grammar is printed, and says where it comes from."""
    report = given / "zorder.txt"
    report.write_text(REPORT.replace("{0}", "BYTE"), "utf-8")
    outcome = helixnet("grammar", "import", report)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == (
        "idoc: ZORDER\nsource: imported from zorder.txt\ntree:\n"
        "  Z1HEAD: {}\n  Z1ITEM:\n    Z1PART:\n      Z1TEXT: {}\n    Z1DATE: {}\n"
        "segments:\n  Z1HEAD: >-\n    BELNR 10, CURCY 3\n  Z1ITEM: >-\n    POSEX 6\n"
        '  Z1PART: >-\n    CODE 2\n  Z1TEXT: ""\n  Z1DATE: ""\n'
    )


def test_a_schema_and_a_report_print_the_same(helixnet: Command, given: Path) -> None:
    """Both exports of SAP give one grammar; ``-o`` writes it whole or not at all."""
    (given / "z.txt").write_text(REPORT.replace("{0}", "BYTE"), "utf-8")
    (given / "z.xsd").write_text(SCHEMA, "utf-8")
    for name in ("z.txt", "z.xsd"):
        outcome = helixnet("grammar", "import", given / name, "-o", f"{name}.yaml")
        assert (outcome.status, outcome.out, outcome.err) == (0, "", "")
    by_report, by_schema = (Path(f"{name}.yaml").read_text("utf-8") for name in ("z.txt", "z.xsd"))
    assert by_report.replace("z.txt", "z.xsd") == by_schema


CONTEXT = """\
helixnet: 1
name: zorder
version: 1.0.0
source: {format: idoc, type: ZORDER, grammar: GRAMMAR}
target: {type: object, properties: {id: {type: string}, parts: {type: array}}}
map:
  id: Z1HEAD.BELNR
  parts: {each: Z1ITEM, as: i, map: i.Z1PART.CODE}
"""


XML = """\
<ZORDER><IDOC BEGIN="1">
  <EDI_DC40 SEGMENT="1"><TABNAM>EDI_DC40</TABNAM><IDOCTYP>ZORDER</IDOCTYP></EDI_DC40>
  <Z1HEAD SEGMENT="1"><BELNR>4500017</BELNR></Z1HEAD>
  <Z1ITEM SEGMENT="1"><Z1PART SEGMENT="1"><CODE>AB</CODE></Z1PART></Z1ITEM>
</IDOC></ZORDER>
"""


def test_a_type_that_is_not_shipped_is_mapped(helixnet: Command, given: Path) -> None:
    """The schema itself and the YAML made of it map a flat file and an XML file alike."""
    (given / "z.xsd").write_text(SCHEMA, "utf-8")
    helixnet("grammar", "import", given / "z.xsd", "-o", given / "z.yaml")
    rows = [
        f"{'EDI_DC40':<10}800{'4711':>016}{'':10}{'ZORDER':<30}",
        *(f"{name:<30}800{'4711':>016}00000000000002{values}" for name, values in (
            ("Z2HEAD000", "4500017   EUR"), ("Z2ITEM000", "000010"), ("Z2PART000", "AB"),
        )),
    ]  # fmt: skip
    (given / "orders.idoc").write_text("".join(f"{row}\n" for row in rows), "utf-8")
    (given / "orders.xml").write_text(XML, "utf-8")
    for name in ("z.xsd", "z.yaml"):
        (given / "map.yaml").write_text(CONTEXT.replace("GRAMMAR", name), "utf-8")
        for file in ("orders.idoc", "orders.xml"):
            outcome = helixnet("run", given / "map.yaml", given / file)
            assert (outcome.status, outcome.out) == (0, '{"id":"4500017","parts":["AB"]}\n')


def test_what_is_wrong_is_said(helixnet: Command, given: Path) -> None:
    """No file, no grammar, and no place to write end with status 2 and a sentence."""
    (given / "bad.xsd").write_text("<a>\n<b></a>", "utf-8")
    bad = helixnet("grammar", "import", given / "bad.xsd", "-o", "new.yaml")
    assert bad.status == 2
    assert "HX-4206" in bad.err
    assert "bad.xsd: line 2 of the XML Schema: mismatched tag" in bad.err
    assert not Path("new.yaml").exists()
    assert helixnet("grammar", "import", "nowhere.txt").status == 2
    (given / "z.xsd").write_text(SCHEMA, "utf-8")
    assert helixnet("grammar", "import", given / "z.xsd", "-o", "no/where").status == 2
    assert helixnet("grammar").status == 2
