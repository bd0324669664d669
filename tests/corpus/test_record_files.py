"""BAI2 cash management files, read as CSV rows of several types."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helixnet.engine.context.model import Field, RecordType
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import MARK, Outcome, load, source

pytestmark = pytest.mark.corpus

Corpus = Callable[[str], Path]
BELOW = {"02": ["03", "98"], "03": ["16", "49", "88"], "16": ["88"], "01": [], "99": []}


def bai2(*, once: bool) -> dict[str, RecordType]:
    """Declare the record types: 02 begins a group, 01 and 99 stand once around all."""
    kinds = {"01": 7, "02": 7, "03": 2, "16": 2, "88": 1, "49": 2, "98": 3, "99": 3}
    return {
        name: RecordType(
            name,
            0,
            [name],
            {"CODE": Field("CODE", MARK, at=0), "LAST": Field("LAST", MARK, at=width - 1)},
            BELOW.get(name, ()),
            once and name in ("01", "99"),
            MARK,
        )
        for name, width in kinds.items()
    }


def read_all(file: Path, contract: Any) -> list[Outcome] | str:
    """Read a file whole and cut small: the same records, or the same refusal."""
    data = file.read_bytes()
    found: list[Outcome] = []
    refused: list[str] = []
    for size in (10**6, 1, 200):
        try:
            found.append(load(data, contract, part_size=size))
        except RefusedError as error:
            refused.append(f"{error.code} {error}")
    assert len(set(refused)) <= 1
    assert not found or not refused
    assert all(outcome.seen() == found[0].seen() for outcome in found)
    return found or refused[0]


def test_groups_of_accounts_of_transactions(corpus: Corpus) -> None:
    """Every group of a well-formed file has its accounts, and these what stands below them."""
    root = corpus("fixedwidth/moov-io__bai2")
    contract = source(header=False, records=bai2(once=True))
    found = read_all(root / "test/testdata/sample2.txt", contract)
    assert isinstance(found, list)
    outcome = found[0]
    assert outcome.codes == {}
    assert sorted(outcome.index.once) == ["01", "99"]
    lines = (root / "test/testdata/sample2.txt").read_text("utf-8").splitlines()
    assert len(outcome.records) == sum(line.startswith("02") for line in lines)
    accounts = [account for record in outcome.records for account in record["02"]["03"]]
    assert len(accounts) == sum(line.startswith("03") for line in lines)
    below = [each for account in accounts for each in account.get("16", ())]
    assert len(below) == sum(line.startswith("16") for line in lines)


def test_every_file_is_records_or_a_refusal(corpus: Corpus) -> None:
    """Whatever is in them, cut anywhere."""
    root = corpus("fixedwidth")
    files = [path for path in root.rglob("*") if path.is_file() and path.stat().st_size < 200_000]
    assert len(files) > 50
    types = bai2(once=False)
    fixed = {"A": Field("A", MARK, at=(0, 9)), "N": Field("N", MARK, "integer", at=(9, 12))}
    for file in files:
        read_all(file, source(header=False, records=types, encoding=("utf-8", "cp1252")))
        read_all(file, source("fixed", fields=fixed, encoding=("utf-8", "cp1252")))
        read_all(file, source("fixed", fields=fixed, unit="bytes", encoding=("cp037",)))
