"""What is fuzzed: every reader with some contracts. Any bytes are records or a typed error."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from helixnet.engine.codes import CODES
from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.context.model import Context, Mark, Source
from helixnet.engine.context.reader import read_context
from helixnet.engine.formats.grammar import Grammar, load_grammar
from helixnet.engine.mapping.mapper import reject
from helixnet.engine.output import reject_line
from helixnet.engine.packing.unpack import unpack, unpacked
from helixnet.engine.read import index_source, read
from helixnet.engine.sniffing.found import Head, UnknownError
from helixnet.engine.sniffing.sniff import sniff_head
from helixnet.errors import RefusedError
from tests.workbooks import package

HEAD: Final = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nmap: {a: {const: 1}}\n"
NUMBERS: Final = '{A: {at: "0:2"}, B: {at: "2:5", as: comp-3}, C: {at: "5:8", as: zoned, scale: 1}}'
TYPES: Final = (
    '{H: {at: "0:1", fields: {A: {at: "1:3"}}, children: D},'
    ' D: {fields: {B: {at: "1:3", type: integer}}}, T: {once: true, fields: {C: {at: "1:3"}}}}'
)
LITTLE: Final = "{prefix: rdw, order: little, counts: data}"
CONTRACTS: Final[dict[str, Sequence[str]]] = {
    "csv": (
        "source: {format: csv, delimiter: auto, encoding: [utf-8, cp1252]}",
        'source: {format: csv, delimiter: ";", fields: {A: {type: decimal}, B: {type: date}}}',
        "source: {format: csv, header: false, fields: {A: {}}, fill_down: A}\ngroup: {by: A}",
        "source: {format: csv, fields: {A: {}, B: {}}}\ngroup: {by: A, order: keyed}",
        "source: {format: csv, header: false, records: {H: {at: 0, children: D}, D: {}}}",
        "source: {format: csv, encoding: utf-16}",
        "source: {format: csv, encoding: cp1047}",
    ),
    "fixed": (
        'source: {format: fixed, fields: {A: {at: "0:2"}, B: {at: "2:5", type: integer}}}',
        'source: {format: fixed, unit: bytes, fields: {A: {at: "0:2"}, B: {at: "1:5", as: zoned}}}',
        f"source: {{format: fixed, record_length: 8, encoding: cp273, fields: {NUMBERS}}}",
        f"source: {{format: fixed, record_length: rdw, fields: {NUMBERS}}}\ngroup: {{by: A}}",
        f"source: {{format: fixed, record_length: bdw, encoding: cp037, fields: {NUMBERS}}}",
        f"source: {{format: fixed, record_length: {LITTLE}, records: {TYPES}}}",
        f"source: {{format: fixed, records: {TYPES}}}",
    ),
    "ndjson": (
        "source: {format: ndjson}",
        "source: {format: ndjson, fields: {a: {type: decimal, required: true}, b: {}}}",
        "source: {format: ndjson, encoding: utf-16}",
    ),
    "json": (
        "source: {format: json}",
        "source: {format: json, record: data.orders, fields: {a: {type: date}}}",
        'source: {format: json, record: "/a", encoding: [utf-8, cp1252]}',
    ),
    "idoc": (
        "source: {format: idoc, type: ORDERS05}",
        "source: {format: idoc, type: ORDERS05, encoding: [utf-8, cp1252], on_drift: allow}",
        "source: {format: idoc, type: ORDERS05, encoding: utf-16, on_drift: reject}",
    ),
    "xml": (
        "source: {format: xml}",
        "source: {format: xml, record: orders/order}",
        'source: {format: xml, record: "p:a/b", namespaces: {p: "urn:p"}, encoding: cp1252}',
    ),
    "x12": (
        "source: {format: x12}",
        'source: {format: x12, type: "850"}',
        'source: {format: x12, type: "856", on_drift: allow}',
    ),
    "edifact": (
        "source: {format: edifact}",
        "source: {format: edifact, type: ORDERS}",
        "source: {format: edifact, type: INVOIC, on_drift: reject}",
    ),
    "excel": (
        "source: {format: excel}",
        "source: {format: excel, header: false, fields: {A: {type: decimal}, B: {}}}",
        "source: {format: excel, sheet: A}\ngroup: {by: A}",
        "source: {format: excel, header: 2, fields: {A: {type: date}, B: {type: decimal}}}",
        "source: {format: excel, range: 'B2:C9', fill_down: A}\ngroup: {by: A}",
    ),
}
"""Contracts of each format: the first byte of an input chooses one."""

OTHERS: Final = ("packed", "sniff")
MOST_UNPACKED: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Contract:
    """A context whose source is read, and its grammar."""

    context: Context
    grammar: Grammar | None


def known_formats() -> list[str]:
    """Return the targets that this version has."""
    return [name for name in CONTRACTS if contracts_of(name)] + list(OTHERS)


@lru_cache(maxsize=len(CONTRACTS))
def contracts_of(name: str) -> Sequence[Contract]:
    """Compile the contracts of a format; none if it is not in this version."""
    found: list[Contract] = []
    for text in CONTRACTS[name]:
        bundle = bundle_from_files("a.yaml", {"a.yaml": f"{HEAD}{text}\n".encode()})
        outcome = read_context(bundle)
        problems = [one for one in outcome.problems if one.severity == "error"]
        if any(one.code == "HX-4301" for one in problems):
            return ()
        assert not problems, f"{text}: {problems[0]}"
        assert outcome.context is not None
        found.append(Contract(outcome.context, load_grammar(outcome.context.source, {})))
    return found


def one_input(name: str, data: bytes) -> None:
    """Read an input; only a typed refusal may come of it."""
    if name == "sniff":
        sniffed(data)
    elif name == "packed":
        lend(data)
    elif name == "excel":
        found = contracts_of(name)
        book = package([("S", data[1:].decode("latin-1"))]) if data[:1] > b"\x7f" else data[1:]
        read_packed(found[data[0] % len(found)] if data else found[0], book)
    elif data:
        found = contracts_of(name)
        contract = found[data[0] % len(found)]
        read_all(contract, data[1:], part_size=1 + (data[0] // len(found)) * 7)


def read_all(contract: Contract, data: bytes, *, part_size: int) -> None:
    """Index the file, read its parts, and write each fault down as a reject."""
    source, group, grammar = contract.context.source, contract.context.group, contract.grammar
    stream = io.BytesIO(data)
    try:
        index = index_source(
            stream, source, group=group, grammar=grammar, used=None, part_size=part_size
        )
    except RefusedError as refusal:
        known(refusal)
        return
    for part in index.parts:
        read_records = 0
        for batch in read(stream, source, index, part, group=group, grammar=grammar, needs=None):
            for number in range(len(batch.records)):
                batch.raw(number)
                assert batch.line(number) >= 1
                batch.locate(number, "")
            read_records += len(batch.records)
            for number, faults in batch.faults.items():
                assert all(fault.code in CODES for fault in faults)
                reject_line(reject(batch, number, 1, faults), "a", index.encoding)
        assert read_records == part.records


def read_packed(contract: Contract, data: bytes) -> None:
    """Unpack a workbook, or a sheet's rows in a sound one, and read what it holds."""
    plain = io.BytesIO()
    try:
        unpack(io.BytesIO(data), contract.context.source, plain, most=MOST_UNPACKED)
    except RefusedError as refusal:
        known(refusal)
    else:
        read_all(contract, plain.getvalue(), part_size=1 + len(data) % 50)


def known(refusal: RefusedError) -> None:
    """A refusal has a code that the table of errors explains."""
    assert refusal.code in CODES


def lend(data: bytes) -> None:
    """Unpack, within limits."""
    source = Source("csv", Mark("", 0, 0))
    try:
        with unpacked(io.BytesIO(data), source, most=MOST_UNPACKED) as plain:
            while plain.read(1 << 16):
                pass
    except RefusedError as refusal:
        known(refusal)


def sniffed(data: bytes) -> None:
    """Tell what it is, or that it is nothing known."""
    try:
        found = sniff_head(Head(data, whole=len(data) % 2 == 0), len(data))
    except UnknownError:
        return
    assert found.format
