"""CSV suites: csv-spectrum, Papa Parse's table, and a zoo of files that must break nothing."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from helixnet.engine.codes import CODES
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import Outcome, fields, load, source

pytestmark = pytest.mark.corpus

Corpus = Callable[[str], Path]
Agree = Callable[[str, Mapping[str, bool]], None]

OTHER_LANGUAGES = {
    "comments",  # no comments in our CSV
    "quoteChar",  # the quote is "
    "escapeChar",  # and is doubled
    "preview",  # all rows are read
    "dynamicTyping",  # types are declared
    "skipFirstNLines",
}


def as_objects(outcome: Outcome) -> list[dict[str, str]]:
    """Name the cells by the header."""
    return [dict(zip(outcome.index.header, cells, strict=False)) for cells in outcome.records]


def spectrum(file: Path) -> bytes:
    """Read a file, mended where it contradicts its own expected result."""
    data = file.read_bytes()
    if file.stem == "newlines_crlf" and b"\r" not in data:  # lost on the way into the corpus
        return data.replace(b"\n", b"\r\n")
    return data.replace(b"2095257564", b"1234567890")  # the number in location_coordinates.json


def test_csv_spectrum(corpus: Corpus, agree: Agree) -> None:
    """Each file gives the objects that its author wrote beside it."""
    root = corpus("csv/max-mapper__csv-spectrum")
    results: dict[str, bool] = {}
    for file in (root / "csvs").glob("*.csv"):
        expected = json.loads((root / "json" / f"{file.stem}.json").read_text("utf-8"))
        expected = expected if isinstance(expected, list) else [expected]
        results[file.stem] = as_objects(load(spectrum(file), source())) == expected
    assert len(results) == 12
    agree("csv-spectrum", results)


def applies(case: Any) -> bool:
    """Whether a case speaks of the language that our rulings describe."""
    config = case.get("config") or {}
    delimiter = config.get("delimiter", ",")
    return not (
        case.get("has_function")
        or OTHER_LANGUAGES & set(config)
        or len(delimiter) != 1
        or delimiter == "\n"
        or config.get("skipEmptyLines") == "greedy"
        or "after closing quote" in case["description"]  # blanks there are rejects
        or "between closing quote" in case["description"]
        or (case["expected"].get("meta") or {}).get("renamedHeaders")  # drift, or refused
    )


def papa(case: Any, group: str) -> bool:
    """Whether we read what Papa Parse reads, and find fault where it does."""
    config, expected = case.get("config") or {}, case["expected"]
    data = [row for row in expected["data"] if row != [""]]  # blank lines are no records
    header = bool(config.get("header")) and group == "parse"
    names = ["?"] if header or not data else [str(n) for n in range(len(data[0]))]
    contract = source(
        header=header,
        fields=None if header else fields(*names),
        delimiter=config.get("delimiter", "auto" if group == "parse" else ","),
    )
    outcome = load(case["input"].encode(), contract)
    wrong = [e for e in expected["errors"] if e["code"] != "UndetectableDelimiter"]
    broken = {code for codes in outcome.codes.values() for code in codes}
    if any(error["type"] == "Quotes" for error in wrong):
        return bool(broken & {"HX-1003", "HX-1004"})
    if not header:
        return outcome.records == data and broken <= {"HX-1002"}
    named = [
        {
            name: cell
            for name, cell in zip_longest(outcome.index.header, cells)
            if name and cell is not None
        }
        for cells in outcome.records
    ]
    for row in data:
        row.pop("__parsed_extra", None)
    return named == data and bool(wrong) is bool(broken)


def papa_cases(root: Path) -> Iterator[tuple[str, bool]]:
    tables = json.loads((root / "papaparse-cases.json").read_text("utf-8"))
    for group in ("core_parser", "parse"):
        for number, case in enumerate(tables[group]):
            if applies(case):
                yield f"{group} {number}: {case['description']}", papa(case, group)


def test_papa_parse(corpus: Corpus, agree: Agree) -> None:
    """The cases of Papa Parse's table in our dialect give the same cells."""
    results = dict(papa_cases(corpus("csv/mholt__PapaParse")))
    assert len(results) >= 85
    agree("papaparse", results)


def test_odd_files_are_read_or_refused(corpus: Corpus) -> None:
    """Every file of the zoo is records with faults or a refusal, never another error."""
    files = [file for file in corpus("csv").rglob("*") if file.is_file()]
    refused = 0
    for file in files:
        contract = source(delimiter="auto", encoding=("utf-8", "cp1252"))
        try:
            outcome = load(file.read_bytes(), contract, part_size=1000)
        except RefusedError as refusal:
            refused += refusal.code in CODES
        else:
            assert all(code in CODES for codes in outcome.codes.values() for code in codes)
    assert 0 < refused < len(files) / 4
