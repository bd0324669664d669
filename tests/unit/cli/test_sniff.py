"""``helixnet sniff``: each sample gives a source block that checks and runs."""

import gzip
import json
import struct
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.context.reader import read_context
from helixnet.engine.context.source_reader import FORMATS
from helixnet.engine.sniffing.block import source_block
from helixnet.engine.sniffing.found import Head, UnknownError
from helixnet.engine.sniffing.sniff import sniff_head
from tests.unit.cli.commanding import Command
from tests.workbooks import number, text, workbook

EXAMPLES = Path(__file__).parents[3] / "examples"
HEAD = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: {type: object}\n"
GERMAN = "PO_NO;DAY;QTY;UOM\n4711;23.11.2026;1.012,50;ST\n4712;24.11.2026;2,25;NULL\n"
ISA = (
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       "
    "*260101*1200*U*00401*000000001*0*P*>~"
)
X12 = ISA + (
    "GS*PO*S*R*20260101*1200*1*X*004010~ST*850*0001~BEG*00*SA*4711**20260101~"
    "PO1*1*2*EA*9.5**VP*AB~CTT*1~SE*5*0001~GE*1*1~IEA*1*000000001~"
)
EDIFACT = (
    "UNB+UNOC:3+S+R+260101:1200+1'UNH+1+ORDERS:D:96A:UN'BGM+220+4711+9'LIN+1++AB:SA'"
    "QTY+21:2'UNS+S'UNT+6+1'UNZ+1+1'"
)
XML = "<orders><order><no>1</no></order><order><no>2</no></order></orders>"
IDOC_XML = (
    '<ORDERS05><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><TABNAM>EDI_DC40</TABNAM>'
    "<IDOCTYP>ORDERS05</IDOCTYP><MESTYP>ORDERS</MESTYP></EDI_DC40>"
    '<E1EDK01 SEGMENT="1"><BELNR>4711</BELNR></E1EDK01></IDOC></ORDERS05>'
)
FIXED = "AB-1   12.5020261123\nCD-2    3.2520261124\nEF-3  104.0020261125\n"
PACKED = b"".join(
    name.ljust(12).encode("cp037") + bytes.fromhex(qty) + b"\xf0\xf1\xf2"
    for name, qty in (("MILLER", "00123C"), ("SMITH AND CO", "00456D"), ("BAKER", "98765C"))
    for _ in range(20)
)


def prefixed(*records: bytes) -> bytes:
    return b"".join(struct.pack(">HH", len(one) + 4, 0) + one for one in records)


SAMPLES: list[tuple[str, bytes, str, str]] = [
    ("german", GERMAN.encode(), "csv", "PO_NO"),
    ("cp1252", GERMAN.replace("ST", "Stück").encode("cp1252"), "csv", "QTY"),
    ("utf-16", GERMAN.encode("utf-16"), "csv", "QTY"),
    ("bom", b"\xef\xbb\xbf" + GERMAN.encode(), "csv", "PO_NO"),
    ("tab", b"a\tb\n1\tx\n2\ty\n", "csv", "a"),
    ("bare", b"1,2,3\n4,5,6\n7,8,9\n", "csv", "C1"),
    ("odd", b'on,"a ""b""",x: y\n1,2,3\n2,3,4\n', "csv", "on"),
    ("nel", GERMAN.replace("\n", "\x85").encode("cp037"), "csv", "PO_NO"),
    ("fixed", FIXED.encode(), "fixed", "F1"),
    ("packed", PACKED, "fixed", "F1"),
    ("rdw", prefixed(*(PACKED[n : n + 18] for n in range(0, 180, 18))), "fixed", "F1"),
    ("ndjson", b'{"a":1}\n{"a":2}\n', "ndjson", "a"),
    ("json", b'[{"a":1},{"a":2}]', "json", "a"),
    ("nested", b'{"head":{"n":[1]},"data":{"orders":[{"a":1},{"a":2}]}}', "json", "a"),
    ("idoc", (EXAMPLES / "orders-idoc" / "orders.idoc").read_bytes(), "idoc", "EDI_DC40.DOCNUM"),
    ("x12", X12.encode(), "x12", "BEG.BEG03"),
    ("edifact", EDIFACT.encode(), "edifact", "BGM"),
    ("xml", XML.encode(), "xml", "no"),
    ("idoc-xml", IDOC_XML.encode(), "idoc", "E1EDK01.BELNR"),
    ("excel", workbook([[text("A"), text("B")], [text("x"), number(1)]]), "excel", "A"),
    ("gzip", gzip.compress(GERMAN.encode()), "csv", "PO_NO"),
]
READ = [one for one in SAMPLES if one[2] in FORMATS]


@pytest.mark.parametrize(("name", "data", "form", "field"), SAMPLES, ids=[s[0] for s in SAMPLES])
def test_the_format_is_told(
    helixnet: Command, tmp_path: Path, name: str, data: bytes, form: str, field: str
) -> None:
    (tmp_path / name).write_bytes(data)
    outcome = helixnet("sniff", tmp_path / name)
    assert outcome.status == 0
    block = yaml.safe_load(outcome.out)["source"]
    assert block["format"] == form
    row = json.loads(helixnet("sniff", tmp_path / name, "--json").out)[0]
    assert (row["format"], row["source"]) == (form, block)
    if "fields" in block:
        assert field in block["fields"]


@pytest.mark.parametrize(("name", "data", "form", "field"), READ, ids=[s[0] for s in READ])
def test_the_block_and_a_map_check_and_run(
    helixnet: Command, tmp_path: Path, name: str, data: bytes, form: str, field: str
) -> None:
    (tmp_path / name).write_bytes(data)
    block = helixnet("sniff", tmp_path / name).out
    context = tmp_path / "context.yaml"
    value = f'record["{field}"]' if form in ("csv", "json", "ndjson", "excel") else field
    if form == "edifact":
        value = "BGM.1004"
    context.write_text(f"{HEAD}{block}map: {{a: '{value}'}}\n", "utf-8")
    checked = helixnet("check", context)
    assert checked.status == 0, checked.out + checked.err
    ran = helixnet("run", context, tmp_path / name)
    assert ran.status == 0, ran.err
    assert ran.out.startswith('{"a":')


def test_columns_are_told_with_separators_dates_and_nulls(
    helixnet: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(GERMAN + "4713;25.11.2026;;ST\n", "utf-8")
    row = json.loads(helixnet("sniff", tmp_path / "a.csv", "--json").out)[0]
    assert row["source"] | {"encoding": ""} == {
        "format": "csv",
        "encoding": "",
        "delimiter": ";",
        "decimal": ",",
        "thousands": ".",
        "nulls": [""],
        "fields": {
            "PO_NO": {"type": "integer"},
            "DAY": {"type": "date", "format": "%d.%m.%Y"},
            "QTY": {"type": "decimal"},
            "UOM": {},
        },
    }
    assert row["rows"] == 4


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("01/02/2026\n03/04/2026\n", "D: a date, %d/%m/%Y or %m/%d/%Y"),
        ("1,234\n2,345\n", "whether a comma in a number is its point or separates thousands"),
    ],
)
def test_what_could_be_two_things_is_told_and_not_guessed(
    helixnet: Command, tmp_path: Path, rows: str, told: str
) -> None:
    text = "".join(f"{n};{row}\n" for n, row in enumerate(rows.split()))
    (tmp_path / "a.csv").write_text("N;D\n" + text, "utf-8")
    outcome = helixnet("sniff", tmp_path / "a.csv")
    assert f"# can't tell: {told}" in outcome.out
    assert yaml.safe_load(outcome.out)["source"]["fields"]["D"] == {}


def test_padded_numbers_are_text(helixnet: Command, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ZIP;N\n01067;1\n80331;2\n", "utf-8")
    block = yaml.safe_load(helixnet("sniff", tmp_path / "a.csv").out)["source"]
    assert block["fields"] == {"ZIP": {}, "N": {"type": "integer"}}


def test_messages_are_described(helixnet: Command, tmp_path: Path) -> None:
    (tmp_path / "a.x12").write_text(X12, "utf-8")
    (tmp_path / "a.edi").write_text(EDIFACT, "utf-8")
    (tmp_path / "a.xlsx").write_bytes(workbook([["A"]], sheet="A &amp; B"))
    out = helixnet("sniff", tmp_path / "a.x12", tmp_path / "a.edi", tmp_path / "a.xlsx").out
    assert "# messages: 850\n# versions: 004010\n# delimiters: element * component >" in out
    assert 'type: "850"' in out
    assert "# messages: ORDERS\n# versions: D.96A\n# syntax: UNOC:3" in out
    assert "# sheets: A & B" in out


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file has 0 bytes"),
        (b"\x89PNG\r\n", "a picture"),
        (bytes(range(256)) * 3, "EBCDIC text"),
        (b"one\n", "lines that comma"),
        (b"\x1f\x8bnothing", "HX-505"),
    ],
)
def test_what_is_nothing_known_ends_with_what_was_looked_for(
    helixnet: Command, tmp_path: Path, data: bytes, words: str
) -> None:
    (tmp_path / "a").write_bytes(data)
    outcome = helixnet("sniff", tmp_path / "a")
    assert outcome.status == 1
    assert words in outcome.err
    assert helixnet("sniff", tmp_path / "gone").status == 2


PIECES = [b"a", b"1", b",", b";", b"\n", b"\r\n", b'"', b"<a>", b"</a>", b"{", b"}", b'"a":']
MORE = [b"[", b"]", b"\0", b"\x40", b"\xc1", b"\xf0", b"\x15", b"\xff", b"UNB+", b"ISA*", b"UNA"]


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.lists(st.sampled_from([*PIECES, *MORE]), max_size=60).map(b"".join),
        st.binary(max_size=300),
    ),
    st.booleans(),
)
def test_any_bytes_give_a_block_that_checks_or_nothing(data: bytes, whole: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    try:
        found = sniff_head(Head(data, whole), len(data))
    except UnknownError:
        return
    if found.format not in FORMATS or found.open:
        return
    text = f"{HEAD}{source_block(found)}map: {{a: {{const: 1}}}}\n"
    read = read_context(bundle_from_files("a.yaml", {"a.yaml": text.encode()}))
    assert [one for one in read.problems if one.severity == "error"] == []


def test_a_sheet_is_told_with_its_header_and_what_excel_typed(
    helixnet: Command, tmp_path: Path
) -> None:
    """A title above is no header; digits that Excel holds as texts stay texts."""
    done = helixnet("sniff", EXAMPLES / "orders-excel" / "orders.xlsx")
    block = yaml.safe_load(done.out)["source"]
    assert (block["header"], block["fields"]["Qty"]) == (3, {"type": "decimal"})
    assert block["fields"]["PO No"] == {}
    assert block["fields"]["Ordered"]["type"] == "date"
    (tmp_path / "cut.xlsx").write_bytes(b"PK\x03\x04 and no more")
    assert helixnet("sniff", tmp_path / "cut.xlsx").status == 1
