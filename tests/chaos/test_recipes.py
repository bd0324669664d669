"""What the recipes expect is what the context language promises, seen by the plain command."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.chaos.checks import compare
from tests.chaos.contexts import bundles
from tests.chaos.findings import Findings
from tests.chaos.recipes import Recipe, make

pytestmark = pytest.mark.scenario


@pytest.mark.parametrize("kind", ["orders", "strict", "lines", "idocs"])
@pytest.mark.parametrize("faulty", [0, 5])
def test_the_expectation_is_what_the_command_maps(kind: str, faulty: int, tmp_path: Path) -> None:
    for name, content in bundles()[kind].items():
        (tmp_path / name).write_bytes(content)
    made = make(Recipe(kind, 123, 60, faulty))
    (tmp_path / "file").write_bytes(made.content)
    set_aside = tmp_path / "rejects"
    done = subprocess.run(
        [sys.executable, "-m", "helixnet", "run", "context.yaml", "file", f"--rejects={set_aside}"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    documents = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
    expected = made.expected
    if expected.state != "FAILED":
        assert documents == expected.documents, done.stderr
    lines = set_aside.read_text("utf-8").splitlines() if set_aside.exists() else []
    rejects = [json.loads(line) for line in lines]
    assert [(r["line"], r["errors"][0]["code"]) for r in rejects] == expected.rejects
    assert bool(rejects) == (faulty > 0)


def test_a_recipe_gives_the_same_file_each_time() -> None:
    """The checker makes the file of the log anew, in another process."""
    assert make(Recipe("orders", 7, 40, 5)) == make(Recipe("orders", 7, 40, 5))
    assert make(Recipe("orders", 7, 40, 5)).content != make(Recipe("orders", 8, 40, 5)).content


@pytest.mark.parametrize(
    ("found", "expected", "kinds"),
    [
        ([1, 2, 3], [1, 2, 3], {}),
        ([1, 3], [1, 2, 3], {"lost": 1}),
        ([1, 2, 2, 3], [1, 2, 3], {"doubled": 1}),
        ([1, 9, 3], [1, 2, 3], {"lost": 1, "wrong": 1}),
        ([2, 1, 3], [1, 2, 3], {"wrong": 1}),
        ([], [], {}),
    ],
)
def test_a_difference_is_called_what_it_is(
    found: list[int], expected: list[int], kinds: dict[str, int]
) -> None:
    findings = Findings()
    compare(found, expected, "numbers", findings)
    assert dict(findings.counts) == kinds
