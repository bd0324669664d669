"""X12 and EDIFACT: any bytes are read or refused, cuts can't be seen, all values come back."""

from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from helixnet.engine.codes import CODES
from helixnet.engine.context.model import Source
from helixnet.engine.formats.edi.grammar import load_edi
from helixnet.errors import RefusedError
from tests.unit.engine.formats.edi import edifact, isa, read_edi, x12
from tests.unit.engine.formats.reading import Outcome, load, source

MANY = settings(max_examples=100, deadline=None)
CUTS = ((10**6, None), (1, 7), (300, 64))
TREE = {"tree": {"BEG": "", "N1": ["N3"], "PO1": {"PID": "", "N1": ""}, "HL": ["N1"], "BGM": ""}}

X12_PARTS = st.sampled_from(
    [
        *("ST*850*0001~", "SE*3*0001~", "SE*2*0001~", "BEG*00~", "N1*BY*a:b^c~", "HL*1**S~"),
        *("HL*2*1*I~", "PO1**~", "GE*1*1~", "IEA*1*000000001~", "GS*PO*S*R***1*X*005010~", "~"),
        *("\r\n", "\n", "XX", "N1", "Größe", " "),
    ]
)
EDIFACT_PARTS = st.sampled_from(
    [
        *("UNH+1+ORDERS:D:96A:UN'", "UNT+3+1'", "UNT+2+1'", "BGM+220?'+1'", "NAD+BY+a:b??'"),
        *("UNZ+1+77'", "UNG+ORDERS+S+R+260101:1200+5+UN+D:96A'", "UNE+1+5'", "?", "'", "+", ":"),
        *("\r\n", "\n", "UNA:+.? '", "UNB+UNOC:3+a+b+c:d+77'", "ü"),
    ]
)
PARTS = {"x12": X12_PARTS, "edifact": EDIFACT_PARTS}
HEADS = {
    "x12": ["", isa(), isa() + "GS*PO*S*R***1*X*005010~", isa(ends="|>\n"), isa() + "\r\n"],
    "edifact": ["", "UNB+UNOC:3+a+b+c:d+77'", "UNA:+.? '\r\nUNB+UNOC:4+a+b+c:d+77'", "UNA"],
}


def outcomes(data: bytes, contract: Source) -> list[Outcome]:
    """Read with several part sizes; a file is read in all of them or refused in all."""
    grammar = load_edi(contract, {})
    found: list[Outcome] = []
    refused: list[str] = []
    for size, chunk in CUTS:
        try:
            found.append(load(data, contract, grammar=grammar, part_size=size, chunk=chunk))
        except RefusedError as refusal:
            refused.append(refusal.code)
    assert not found or not refused
    assert len(set(refused)) <= 1
    assert set(refused) <= set(CODES)
    return found


def agree(data: bytes, contract: Source) -> list[Outcome]:
    """Any bytes are records with faults or a refusal, and where they are cut can't be seen."""
    found = outcomes(data, contract)
    for outcome in found:
        assert all(code in CODES for codes in outcome.codes.values() for code in codes)
        assert outcome.seen() == found[0].seen()
        for number, (raw, byte) in enumerate(zip(outcome.raws, outcome.bytes, strict=True)):
            assert data[byte : byte + len(raw)] == raw
            for pointer in pointers(outcome.records[number], ""):
                assert outcome.locate(number, pointer).line >= 1
    return found


def pointers(node: dict[str, Any], above: str) -> list[str]:
    """List the JSON pointers of all values of a record."""
    found: list[str] = []
    for name, value in node.items():
        if isinstance(value, list):
            for number, below in enumerate(cast("list[dict[str, Any]]", value)):
                found += pointers(below, f"{above}/{name}/{number}")
        elif not name.startswith("_"):
            found.append(f"{above}/{name}")
    return found


def contracts(form: str) -> list[Source]:
    encoding = ("utf-8", "latin-1") if form == "x12" else ()
    return [
        source(form, encoding=encoding),
        source(form, encoding=encoding, structure=TREE, on_drift="reject"),
    ]


@MANY
@given(st.sampled_from(["x12", "edifact"]), st.data(), st.binary(max_size=40))
def test_any_segments(form: str, data: st.DataObject, tail: bytes) -> None:
    """Whatever segments come, whole or not, in any order."""
    head = data.draw(st.sampled_from(HEADS[form]))
    body = "".join(data.draw(st.lists(PARTS[form], max_size=12)))
    for contract in contracts(form):
        agree((head + body).encode("latin-1") + tail, contract)
        agree((head + body).encode(), contract)


@MANY
@given(st.binary(max_size=200))
@example(b"UNA")
@example(b"ISA")
def test_any_bytes(data: bytes) -> None:
    for form in ("x12", "edifact"):
        for contract in contracts(form):
            agree(data, contract)


SEGMENTS = st.lists(
    st.lists(st.text("AZ09 äß", max_size=4), min_size=1, max_size=4), min_size=1, max_size=5
)
MESSAGES = st.lists(SEGMENTS, min_size=1, max_size=4)


@MANY
@given(MESSAGES, st.sampled_from(["", "\n", "\r\n"]), st.integers(1, 2))
def test_good_files_have_every_element_in_every_cut(
    messages: list[Any], line: str, times: int
) -> None:
    """Every element comes back by its name, at its place, with its bytes."""
    for form, element, write in (("x12", "*", x12), ("edifact", "+", edifact)):
        bodies = [[element.join(["ABC", *each]) for each in body] for body in messages]
        text = write(*bodies, line=line) * times
        (first, *_) = found = agree(text.encode("iso8859-1"), source(form, encoding=("latin-1",)))
        assert len(found) == len(CUTS)
        assert first.codes == {}
        assert len(first.records) == len(messages) * times
        for record, body in zip(first.records, messages, strict=False):
            for node, values in zip(record["ABC"], body, strict=True):
                names = {f"ABC{n:02}": value for n, value in enumerate(values, 1) if value}
                assert {name: node[name] for name in node if name in names} == names
        batch: Any = first.batches[0][0]
        for pointer in pointers(first.records[0], ""):
            shown, value = batch.excerpt(0, pointer), first.records[0]
            for step in pointer.split("/")[1:]:
                value = (
                    value[int(step)]
                    if step.isdecimal() and isinstance(value, list)
                    else value[step]
                )
            assert shown == value


TEXTS = st.text("A?:+'*", max_size=6)


@MANY
@given(st.lists(st.lists(TEXTS, min_size=1, max_size=3), min_size=1, max_size=3))
def test_released_text_comes_back(elements: list[list[str]]) -> None:
    """Components with any delimiters in them, released as ISO 9735 says."""

    def released(text: str) -> str:
        return "".join("?" + each if each in "?:+'" else each for each in text)

    segment = "+".join(["ABC", *(":".join(map(released, parts)) for parts in elements)])
    (record,) = read_edi(edifact((segment,)), "edifact").records
    node = record["ABC"][0]
    for number, parts in enumerate(elements, 1):
        for place, part in enumerate(parts, 1):
            assert node.get(f"ABC{number:02}{place:02}", "") == part
