"""Packed files and workbooks of other people's suites, beside the same data as plain CSV."""

import gzip
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from helixnet.engine.context.model import Source
from helixnet.engine.packing.unpack import packing, unpacked
from helixnet.engine.read import index_source, read
from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import source

pytestmark = pytest.mark.corpus
CSV = source("csv", delimiter="auto", encoding=("utf-8", "utf-16", "latin-1"))
EXCEL = source("excel")
OTHERS = (".xls", ".ods")


def table(content: bytes, contract: Source) -> list[list[str]]:
    """Read header and rows of a file as it came; nothing else may be wrong with it."""
    with unpacked(io.BytesIO(content), contract) as stream:
        index = index_source(stream, contract, group=None, grammar=None, used=())
        found: list[list[str]] = [list(index.header)]
        for part in index.parts:
            batches = read(stream, contract, index, part, group=None, grammar=None, needs=None)
            for batch in batches:
                found += map(list[str], batch.records)  # type: ignore[arg-type]
    return found


def code_of(content: bytes, contract: Source) -> str:
    try:
        table(content, contract)
    except RefusedError as refusal:
        return refusal.code
    return ""


def files(folder: Path, *ends: str) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in ends)


def test_packed_files_are_read_as_what_they_hold(
    corpus: Callable[[str], Path], agree: Callable[[str, Mapping[str, bool]], None]
) -> None:
    results: dict[str, bool] = {}
    for path in files(corpus("csv"), ".gz"):
        content = path.read_bytes()
        assert packing(io.BytesIO(content), CSV) == "gzip"
        results[path.name] = table(content, CSV) == table(gzip.decompress(content), CSV)
    horror = corpus("csv") / "okfn__messytables" / "horror"
    plain = table((horror / "simple.csv").read_bytes(), CSV)
    results["simple.zip"] = table((horror / "simple.zip").read_bytes(), CSV) == plain
    agree("packed files", results)


def test_workbooks_hold_what_their_csv_holds_and_other_formats_are_refused(
    corpus: Callable[[str], Path], agree: Callable[[str, Mapping[str, bool]], None]
) -> None:
    horror = corpus("csv") / "okfn__messytables" / "horror"
    plain = table((horror / "simple.csv").read_bytes(), CSV)
    tweets = table((horror / "sw_gen.xlsx").read_bytes(), EXCEL)
    results = {
        "simple.xlsx": table((horror / "simple.xlsx").read_bytes(), EXCEL) == plain,
        "sw_gen.xlsx": (len(tweets), len(tweets[0]), tweets[1][0])
        == (16, 17, "474939423470395392"),
        "libreoffice.xlsx": code_of((horror / "libreoffice.xlsx").read_bytes(), EXCEL) == "",
    }
    for path in files(horror, ".xlsm"):
        results[path.name] = code_of(path.read_bytes(), EXCEL) == ""
    for path in files(horror, *OTHERS):
        results[path.name] = code_of(path.read_bytes(), EXCEL) == "HX-5004"
    agree("workbooks", results)
