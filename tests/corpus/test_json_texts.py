"""JSONTestSuite: what must parse does, and with the value that it has; what must not does not."""

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import load, source

pytestmark = pytest.mark.corpus

DOCUMENT = source("json")


def faults(data: bytes) -> set[str]:
    """Say what is wrong with a document; that a record is no object is no fault of its syntax."""
    try:
        outcome = load(data, DOCUMENT)
    except RefusedError as refusal:
        return {refusal.code}
    return {code for codes in outcome.codes.values() for code in codes} - {"HX-1007"}


def same_value(text: bytes) -> bool:
    """Whether the text as a member of a record has the value that it has."""
    outcome = load(b'[{"value":' + text + b"}]", DOCUMENT)
    return outcome.records == [{"value": json.loads(text, parse_float=Decimal)}]


def results(root: Path) -> Iterator[tuple[str, bool]]:
    for file in sorted((root / "test_parsing").glob("*.json")):
        data = file.read_bytes()
        if file.name.startswith("y_"):
            yield file.name, not faults(data) and same_value(data)
        elif file.name.startswith("n_"):
            yield file.name, bool(faults(data))
        else:
            faults(data)  # free: read or refused, never another error


def test_json_test_suite(
    corpus: Callable[[str], Path], agree: Callable[[str, Mapping[str, bool]], None]
) -> None:
    """All y_ and n_ cases, except where a ruling of ours is stricter or says 0 records."""
    agree("json-test-suite", dict(results(corpus("json-parsing/nst__JSONTestSuite"))))
