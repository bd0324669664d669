"""The zoo of CSV files against Python's csv module: the same cells, or both find fault."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from helixnet.engine.formats.encoding import Codec, bom_of, codec_of
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import load, source

pytestmark = pytest.mark.corpus

Corpus = Callable[[str], Path]
Agree = Callable[[str, Mapping[str, bool]], None]

FOLDERS = ("duckdb__duckdb", "okfn__messytables", "uniVocity__univocity-parsers")
TABLES = (".csv", ".tsv")
ENCODINGS = ("utf-8", "cp1252", "iso8859-1")


def by_csv_module(data: bytes, delimiter: str, codec: Codec) -> list[list[str]] | None:
    """Return the rows, blank lines left out; None if the module finds fault."""
    text = data[bom_of(data)[1] :].decode(codec.name, "replace")
    lines = io.StringIO(text, newline="")
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row]
    except csv.Error:
        return None


def agrees(data: bytes) -> bool:
    """Compare one file: its header is a row like the others there."""
    contract = source(encoding=ENCODINGS, delimiter="auto")
    try:
        outcome = load(data, contract)
    except RefusedError as refusal:
        if refusal.code == "HX-5001":  # NUL bytes: no text, which the module does not mind
            return b"\0" in data
        return any(by_csv_module(data, mark, codec_of("cp1252")) is None for mark in ";,\t|")
    index = outcome.index
    rows = by_csv_module(data, index.delimiter, codec_of(index.encoding))
    if rows is None:
        return any("HX-1002" not in codes for codes in outcome.codes.values())
    header = [list(index.header)] if index.header else []
    return [*header, *outcome.records] == rows


def test_cells_are_those_of_the_csv_module(corpus: Corpus, agree: Agree) -> None:
    root = corpus("csv")
    csv.field_size_limit(1 << 30)
    results = {
        f"{folder}: {file.relative_to(root / folder)}": agrees(file.read_bytes())
        for folder in FOLDERS
        for file in sorted((root / folder).rglob("*"))
        if file.suffix in TABLES
    }
    assert len(results) > 300
    agree("csv-zoo", results)
