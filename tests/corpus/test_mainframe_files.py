"""EBCDIC files with copybooks: each field has the values that Cobrix wrote down for it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from helixnet.engine.context.model import Field, RecordLength
from helixnet.engine.mapping.fields import field_converter
from helixnet.engine.values.faults import ValueFault
from tests.corpus.copybook import Leaf, leaves, read_copybook
from tests.unit.engine.formats.reading import MARK, load, source

pytestmark = pytest.mark.corpus

Corpus = Callable[[str], Path]
Agree = Callable[[str, Mapping[str, bool]], None]

LITTLE = RecordLength(prefix="rdw", little=True, own=False)
BIG = RecordLength(prefix="rdw", own=False)


DETAILS = "COMP.DETAILS.SEP30.DATA.dat"


class Case(NamedTuple):
    """A file, its copybook, what the source expects of it, and how it is cut."""

    data: str
    copybook: str
    expected: str
    length: RecordLength
    encoding: str = "cp037"


CASES = [
    Case("test1_data/example.bin", "test1_copybook", "1/test1", RecordLength(2202)),
    Case("test3_data/TRAN2.AUG31.DATA.dat", "test3_copybook", "3/test3", RecordLength(45)),
    Case(f"test4_data/{DETAILS}", "test4_copybook", "4/test4", LITTLE, "iso8859-1"),
    Case(f"test4a_data/{DETAILS}", "test4_copybook", "4/test4a", LITTLE, "iso8859-1"),
    Case(f"test5_data/{DETAILS}", "test5_copybook", "5/test5", LITTLE),
    Case(f"test5_data/{DETAILS}", "test5_copybook", "5/test5a", LITTLE),
    Case(f"test5_data/{DETAILS}", "test5_copybook", "5/test5c", LITTLE),
    Case("test5b_data/COMP.DETAILS.FEB02.DATA.RDW.BE.dat", "test5_copybook", "5/test5b", BIG),
    Case("test6_data/INTEGR.TYPES.NOV28.DATA.dat", "test6_copybook", "6/test6", RecordLength(1493)),
    Case(
        "test8_data/TRAN2.MAR14.DATA.dat", "test8_copybook", "8/test8_printable", RecordLength(45)
    ),
]
CASES += [
    Case(
        "test7_data/TEST.FILLERS.DEC07.DATA.dat", "test7_fillers", f"7/test7{of}", RecordLength(60)
    )
    for of in ("", "a", "b", "c", "d")
]
NATIONAL = "test9_data/TRAN.APR14.NPT.DATA.dat"
CASES += [
    Case(NATIONAL, "test9_copybook", f"9/test9_{page}", RecordLength(45), page.removesuffix("_ext"))
    for page in ("cp037_ext", "cp1140", "cp1141", "cp1148", "cp273", "cp500")
]


def declared(leaf: Leaf) -> Field:
    """Declare a field as a person would from the copybook."""
    item = leaf.item
    name, at = "/".join(map(str, leaf.path)), (leaf.start, leaf.start + item.size)
    if item.kind in ("text", "float"):
        return Field(name, MARK, at=at)
    return Field(
        name,
        MARK,
        "decimal",
        digits=9 if item.kind == "binary" and item.size == 4 else max(item.digits, item.scale),
        scale=item.scale,
        at=at,
        stored=item.kind,
        signed=item.signed,
    )


def rows(file: Path) -> list[Any]:
    """Read what is expected: a list, or objects one a line; numbers exact."""
    text = file.read_text("utf-8")
    if text.startswith("["):
        return json.loads(text, parse_float=Decimal)
    return [json.loads(line, parse_float=Decimal) for line in text.split("\n") if line.strip()]


def step(value: Any, path: Sequence[str | int]) -> Any:
    """Return the value at a path, None where there is none; unused fillers are numbered there."""
    for name in path:
        if isinstance(value, list):
            value = value[name] if isinstance(name, int) and name < len(value) else None
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value


def visible(text: str, *, ascii_only: bool) -> str:
    """Return what Cobrix keeps of a text by default: it drops or blanks the rest."""
    return "".join(
        char
        for char in text
        if char.isprintable() and not char.isspace() and (char.isascii() or not ascii_only)
    )


def same(text: str, expected: Any, leaf: Leaf, case: Case, convert: Any) -> bool:
    """Compare a cell with what is expected of it."""
    if leaf.item.kind == "text":
        plain = "test9" not in case.expected
        return visible(text, ascii_only=plain) == visible(expected or "", ascii_only=plain)
    try:
        value = None if convert is None else convert(text)
    except ValueFault:
        value = None
    if value is None or expected is None:
        return value is expected
    return Fraction(value) * 10**leaf.item.factor == Fraction(expected)


def in_order(records: list[Any], fields: list[Leaf], expected: list[Any]) -> list[Any]:
    """Return the records that are expected; where AMOUNT sorts them, by it."""
    amounts = [row.get("AMOUNT") for row in expected]
    if None in amounts or amounts != sorted(amounts) or len(set(amounts)) == 1:
        return records
    columns = {leaf.path[-1]: number for number, leaf in enumerate(fields)}
    amount, name = columns["AMOUNT"], columns["FIRST_NAME"]
    known = {(Decimal(cells[amount]), cells[name]): cells for cells in records}
    return [known[row["AMOUNT"], row["CONTACT_PERSON"]["FIRST_NAME"]] for row in expected]


def compared(root: Path, case: Case) -> Iterator[tuple[str, bool]]:
    """Yield each field of a file that is expected at all, and whether all its values agree."""
    book = read_copybook((root / f"{case.copybook}.cob").read_text("utf-8"))
    fields = [leaf for leaf in leaves(book) if "FILLER" not in leaf.path]
    contract = source(
        "fixed",
        encoding=[case.encoding],
        record_length=case.length,
        fields={field.name: field for field in map(declared, fields)},
    )
    records = load((root / case.data).read_bytes(), contract).records
    folder, _, name = case.expected.partition("/")
    expected = rows(root / f"test{folder}_expected" / f"{name}.txt")
    records = in_order(records, fields, expected)
    for number, leaf in enumerate(fields):
        convert = field_converter(declared(leaf), contract)
        wanted = [step(row, leaf.path) for row in expected]
        if all(one is None for one in wanted):
            continue
        pairs = zip(records, wanted, expected, strict=False)
        found = [
            same(cells[number], one, leaf, case, convert)
            for cells, one, row in pairs
            if one is not None or step(row, leaf.path[:-1]) is not None
        ]
        yield f"{name}: {'.'.join(map(str, leaf.path))}", all(found)


def test_fields_of_copybooks_have_the_values_of_the_source(corpus: Corpus, agree: Agree) -> None:
    root = corpus("fixedwidth") / "AbsaOSS__cobrix" / "data"
    results = {name: good for case in CASES for name, good in compared(root, case)}
    assert len(results) > 300
    agree("cobrix", results)
