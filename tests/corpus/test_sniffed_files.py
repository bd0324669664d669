"""Files of all corpora are told for what they are, and their blocks are good contexts."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.context.reader import read_context
from helixnet.engine.sniffing.block import source_block
from helixnet.engine.sniffing.found import HEAD, Head, UnknownError
from helixnet.engine.sniffing.sniff import sniff_head

pytestmark = pytest.mark.corpus

Corpus = Callable[[str], Path]
Agree = Callable[[str, Mapping[str, bool]], None]

CONTEXT = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nmap: {a: {const: 1}}\n"
KINDS = [  # corpus, names, how such a file begins, format
    ("x12", "*", b"ISA", "x12"),
    ("edifact", "*", b"UNA", "edifact"),
    ("edifact", "*", b"UNB", "edifact"),
    ("idoc", "*", b"EDI_DC40", "idoc"),
    ("einvoice", "*.xml", b"", "xml"),
    ("finance", "*.xml", b"", "xml"),
    ("finance", "*.json", b"", "json"),
    ("fixedwidth", "*.dat", b"", "fixed"),
]


def is_told(data: bytes, form: str) -> bool:
    """Whether a file is told, and its block is a good one."""
    try:
        found = sniff_head(Head(data[:HEAD], len(data) <= HEAD), len(data))
    except UnknownError:
        return False
    text = CONTEXT + source_block(found)
    read = read_context(bundle_from_files("a.yaml", {"a.yaml": text.encode()}))
    return found.format == form and not [p for p in read.problems if p.severity == "error"]


def test_files_are_told_for_what_they_are(corpus: Corpus, agree: Agree) -> None:
    results = {
        f"{folder}: {file.relative_to(corpus(folder))}": is_told(file.read_bytes(), form)
        for folder, names, mark, form in KINDS
        for file in sorted(corpus(folder).rglob(names))
        if file.is_file() and file.read_bytes().lstrip().startswith(mark)
    }
    assert len(results) > 300
    agree("sniffed", results)
