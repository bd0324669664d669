"""What holds for every file: any bytes are read or refused, and cuts can't be seen."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from helixnet.engine.codes import CODES
from helixnet.engine.context.model import Group, Source
from helixnet.engine.formats.csv.dialect import dialect_of
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import Outcome, fields, group, load, source
from tests.unit.engine.formats.test_idoc import GRAMMAR, control, flat, segment

MANY = settings(max_examples=100, deadline=None)
CUTS = ((10**6, None), (1, 1), (7, 3), (40, 40))

CSV_BYTES = st.lists(
    st.sampled_from(
        [b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"a", b"K", b" ", b"\xc3\xbc", b"\xff"]
    )
).map(b"".join)
JSON_BYTES = st.lists(
    st.sampled_from(
        [
            *(b'{"a":1}', b"{", b"}", b"[", b"]", b",", b":", b'"', b"a", b"1", b"\\u003a", b"\n"),
            *(b'"a":', b"\xff", b"NaN", b"\r\n", b"1e9999999", b" "),
        ]
    )
).map(b"".join)
ROWS = st.sampled_from(
    [
        control(),
        control("EDI_DC40_U").rstrip(),
        segment("E2EDP01008", POSEX="1").rstrip(),
        segment("E2EDP20001", WMENG="ü"),
        segment("Z2WHAT").rstrip(),
        "",
        "\x1a",
        "E2EDK01",
    ]
)
ANY = st.binary(max_size=200)


LONG_CUTS = ((10**6, None), (1, 300), (600, 2000))


def outcomes(data: bytes, contract: Source, by: Group | None = None) -> list[Outcome]:
    """Read with several part sizes; a file is read in all of them or refused in all."""
    found: list[Outcome] = []
    refused: list[str] = []
    for size, chunk in LONG_CUTS if contract.format == "idoc" else CUTS:
        try:
            found.append(load(data, contract, by=by, grammar=GRAMMAR, part_size=size, chunk=chunk))
        except RefusedError as refusal:
            refused.append(refusal.code)
    assert not found or not refused
    assert len(set(refused)) <= 1
    assert set(refused) <= set(CODES)
    return found


def agree(data: bytes, contract: Source, by: Group | None = None) -> None:
    """Any bytes are records with faults or a refusal, and where they are cut can't be seen."""
    found = outcomes(data, contract, by)
    for outcome in found:
        assert all(code in CODES for codes in outcome.codes.values() for code in codes)
        assert outcome.seen() == found[0].seen()
        for raw, byte in zip(outcome.raws, outcome.bytes, strict=True):
            if outcome.index.encoding == "utf-8" and outcome.index.newline:
                assert data[byte : byte + len(raw)] == raw


@MANY
@given(st.one_of(CSV_BYTES, ANY))
@example(b'K\n"\n\n"\r\r""')
def test_any_bytes_as_csv(data: bytes) -> None:
    """CSV: whatever comes, cut anywhere."""
    agree(data, source())
    agree(data, source(encoding=("utf-16", "cp1252")))
    agree(data, source(delimiter="auto", header=False, fields=fields("A", "B")))


@MANY
@given(CSV_BYTES)
def test_any_bytes_as_grouped_csv(data: bytes) -> None:
    """Groups: whatever comes, cut only where the key changes."""
    agree(b"a,K\n" + data, source(), by=group("K"))
    agree(b"K,a\n" + data, source(), by=group("K", "a"))


@MANY
@given(st.one_of(JSON_BYTES, ANY))
def test_any_bytes_as_json(data: bytes) -> None:
    """NDJSON and JSON documents: whatever comes."""
    agree(data, source("ndjson"))
    agree(data, source("json"))
    agree(data, source("json", record="a"))


@MANY
@given(st.lists(ROWS, max_size=12), st.sampled_from(["\n", "\r\n", ""]), ANY)
def test_any_rows_as_idoc(rows: list[str], end: str, tail: bytes) -> None:
    """Flat IDocs: whatever comes, cut at control records."""
    for policy in ("warn", "reject"):
        contract = source("idoc", encoding=("utf-8", "cp1252"), on_drift=policy)
        agree(flat(*rows, end=end) + tail, contract)
        agree(tail, contract)


@MANY
@given(st.lists(st.lists(st.text(alphabet='a",;\n\r ü', max_size=5), min_size=2, max_size=2)))
def test_what_is_quoted_comes_back(rows: list[list[str]]) -> None:
    """Cells written in quotes are read as they were, whatever is in them."""
    text = "".join(
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows
    )
    assert load(f"A,B\n{text}".encode(), source()).records == rows


@MANY
@given(CSV_BYTES.filter(lambda data: b"\xff" not in data))
def test_the_fast_ways_read_as_the_slow_one(data: bytes) -> None:
    """Plain splitting, the csv module and our own scanner give the same cells."""
    found = outcomes(data, source(header=False, fields=fields("A")))
    if not found:
        return
    newline = "\r" if found[0].index.newline == "\r" else "\n"
    dialect = dialect_of(",", newline, "utf-8")
    slow = [dialect.cells(data[start:end].decode()).cells for start, end in dialect.spans(data)]
    assert found[0].records == slow


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@MANY
@given(
    st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), min_size=1), st.booleans()
)
def test_json_comes_back(objects: list[dict[str, Any]], escaped: object) -> None:
    """Objects are read as they were written, in lines and in a document, escaped or not."""
    lines = "\n".join(json.dumps(each, ensure_ascii=bool(escaped)) for each in objects)
    assert load(lines.encode(), source("ndjson")).records == objects
    document = json.dumps({"o": objects}, ensure_ascii=bool(escaped), indent=1)
    assert load(document.encode(), source("json", record="o")).records == objects


@MANY
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "\\u0061", ":"]), st.text(alphabet=':"\\u03a')))
)
def test_doubled_keys_are_always_found(pairs: list[tuple[str, str]]) -> None:
    """A key that stands twice is a reject, however keys and texts are written."""
    keys = [json.loads(f'"{key}"') for key, _ in pairs]
    members = ", ".join(f'"{key}" : {json.dumps(text)}' for key, text in pairs)
    outcome = load(b"{" + members.encode() + b"}", source("ndjson"))
    expected = {0: ["HX-1006"]} if len(set(keys)) < len(keys) else {}
    assert outcome.codes == expected
