"""The workloads of the bench are what they say: good lines, and every one of them mapped."""

from io import BytesIO
from pathlib import Path

import pytest

from bench import compile_fields
from bench.make_w1 import make
from helixnet.engine import plan
from helixnet.engine.context.bundle import bundle_from_files, load_bundle
from helixnet.engine.examine import check_bundle
from helixnet.engine.transform import transform_file

BENCH = Path(__file__).resolve().parents[2] / "bench"
LINES = 2_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("w1") / "w1.csv"
    make(path, LINES)
    return path.read_bytes()


def mapped(context: Path, source: bytes) -> list[bytes]:
    documents, rejects = BytesIO(), BytesIO()
    known = plan.compile_plan(load_bundle(context))
    outcome = transform_file(
        known, BytesIO(source), documents=documents, rejects=rejects, file="w1.csv"
    )
    assert rejects.getvalue() == b""
    assert outcome.counts.rejected == outcome.counts.skipped == 0
    return documents.getvalue().splitlines()


def test_no_line_of_w1_is_a_reject_by_rows_or_by_columns(
    source: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_rows = mapped(BENCH / "w1" / "context.yaml", source)
    monkeypatch.setattr(plan, "COLUMNS_FROM", 0)
    assert mapped(BENCH / "w1" / "context.yaml", source) == by_rows
    assert len(by_rows) == LINES


def test_each_four_lines_are_an_order_of_w2(source: bytes) -> None:
    assert len(mapped(BENCH / "w2" / "context.yaml", source)) == LINES // 4


def test_the_context_of_many_fields_has_no_problem() -> None:
    assert check_bundle(bundle_from_files("context.yaml", compile_fields.files(100))) == []
