"""What docs/edi-structures.md shows is what it says."""

import re
from pathlib import Path

import pytest

from helixnet.engine.mapping.filters.registry import FILTERS
from tests.unit.cli.commanding import Command

PAGE = (Path(__file__).parents[3] / "docs" / "edi-structures.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
CONTEXTS = [block for block in BLOCKS if block.startswith("helixnet:")]


@pytest.mark.parametrize("number", range(len(CONTEXTS)))
def test_the_contexts_are_good_and_their_tests_pass(
    helixnet: Command, tmp_path: Path, number: int
) -> None:
    (tmp_path / "context.yaml").write_text(CONTEXTS[number], "utf-8")
    (grammar,) = (block for block in BLOCKS if block.startswith("edifact:"))
    if "ordrsp.yaml" in CONTEXTS[number]:
        (tmp_path / "ordrsp.yaml").write_text(grammar, "utf-8")
    assert helixnet("check", tmp_path).out == ""
    outcome = helixnet("test", tmp_path)
    assert (outcome.status, outcome.out.count("ok  ")) == (0, 1)


def test_what_it_names_is_there() -> None:
    """Its links lead to files, and its filters are filters."""
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (Path(__file__).parents[3] / "docs" / link).exists()
    for name in re.findall(r"filters\.md#(\w+)", PAGE):
        assert name in FILTERS
    assert len(CONTEXTS) == 2
