"""Fixed-width lines, record types and filled columns: any bytes, and cuts that can't be seen."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.codes import CODES
from helixnet.engine.context.model import Field, Group, RecordType, Source
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import MARK, Outcome, fields, group, load, source

MANY = settings(max_examples=100, deadline=None)
CUTS = ((10**6, None), (1, 1), (7, 3), (40, 40))

PIECES = [b"H", b"D", b"S", b"T", b"X", b"1", b"22", b" ", b"\n", b"\n", b"\r\n", b"\r", b";"]
BYTES = st.lists(
    st.sampled_from([*PIECES, b'"', b'""', b"\xc3\xbc", b"\xff", b"H1\n", b"D22\n", b"\nT 9\n"])
).map(b"".join)
ANY = st.binary(max_size=200)


def fixed(**places: tuple[str, int, int]) -> dict[str, Field]:
    """Declare fields by type and range."""
    return {n: Field(n, MARK, kind, at=(s, e)) for n, (kind, s, e) in places.items()}


def types(*, once: bool, columns: bool = False) -> dict[str, RecordType]:
    """H begins, D stands below it, S below D; T stands once or is unknown."""
    at = 0 if columns else (0, 1)
    own = fields("TYPE", "A") if columns else fixed(A=("string", 1, 4), N=("integer", 1, 2))
    below = {"H": ["D"], "D": ["S"], "S": [], "T": []}
    return {
        name: RecordType(name, at, [name], own, children, name == "T", MARK)
        for name, children in below.items()
        if name != "T" or once
    }


def overlapping() -> dict[str, RecordType]:
    """Types told at two places: a line may look like both, and is of the first."""
    own = fixed(A=("string", 1, 3))
    return {
        "H": RecordType("H", (0, 1), ["H", "X"], own, ["D"], once=False, mark=MARK),
        "D": RecordType("D", (1, 3), ["D", "22"], {}, [], once=False, mark=MARK),
    }


def agree(data: bytes, contract: Source, by: Group | None = None) -> list[Outcome]:
    """Any bytes are records with faults or a refusal, and where they are cut can't be seen."""
    found: list[Outcome] = []
    refused: list[str] = []
    for size, chunk in CUTS:
        try:
            found.append(load(data, contract, by=by, part_size=size, chunk=chunk))
        except RefusedError as refusal:
            told = "" if refusal.code == "HX-5001" else str(refusal)  # how far it had come
            refused.append(f"{refusal.code} {told}")
    assert not found or not refused
    assert len(set(refused)) <= 1
    for outcome in found:
        assert all(code in CODES for codes in outcome.codes.values() for code in codes)
        assert outcome.seen() == found[0].seen()
        assert outcome.index.once == found[0].index.once
        assert outcome.index.drift == found[0].index.drift
        for raw, byte in zip(outcome.raws, outcome.bytes, strict=True):
            if outcome.index.encoding == "utf-8":
                assert raw in data
                assert data[byte : byte + len(raw)] == raw or contract.fill_down
    return found


@MANY
@given(st.one_of(BYTES, ANY))
def test_any_bytes_as_fixed_width_lines(data: bytes) -> None:
    """Characters or bytes, in one codec or several."""
    declared = fixed(A=("string", 0, 1), N=("integer", 1, 3), B=("string", 2, 9))
    agree(data, source("fixed", fields=declared))
    agree(data, source("fixed", fields=declared, encoding=("utf-8", "cp1252", "latin-1")))
    agree(data, source("fixed", fields=declared, unit="bytes", encoding=("utf-16", "cp1252")))
    agree(data, source("fixed", fields=declared), by=group("A"))


@MANY
@given(st.one_of(BYTES, ANY), st.sampled_from(["allow", "warn"]))
def test_any_bytes_as_record_types(data: bytes, policy: str) -> None:
    """Record types of fixed-width lines and of CSV."""
    for once in (False, True):
        lines: dict[str, Any] = {"records": types(once=once), "on_drift": policy}
        agree(data, source("fixed", **lines))
        agree(data, source("fixed", encoding=("utf-8", "cp1252"), unit="bytes", **lines))
        agree(data, source("fixed", records=overlapping(), encoding=("utf-8", "cp1252")))
        rows = {"records": types(once=once, columns=True), "on_drift": policy, "delimiter": ";"}
        agree(data, source(header=False, **rows))
        agree(b"TYPE;A\n" + data, source(**rows))


@MANY
@given(BYTES)
def test_any_bytes_with_filled_columns(data: bytes) -> None:
    """Columns filled from above, with groups and without."""
    declared = fixed(A=("string", 0, 1), N=("integer", 1, 3), B=("string", 3, 9))
    for names in (("A",), ("A", "B")):
        contract = source(delimiter=";", fill_down=names)
        agree(b"A;B\n" + data, contract)
        agree(b"B;A\n" + data, contract, by=group("A"))
        agree(b"B;A\n" + data, contract, by=group("A", "B"))
        agree(data, source("fixed", fields=declared, fill_down=names))
        agree(data, source("fixed", fields=declared, fill_down=names), by=group("A"))
