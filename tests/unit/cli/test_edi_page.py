"""What docs/edi.md shows is what it says."""

import re
from pathlib import Path

from helixnet.engine.codes import CODES
from tests.unit.cli.commanding import Command

PAGE = (Path(__file__).parents[3] / "docs" / "edi.md").read_text("utf-8")


def test_the_context_is_good_and_its_test_passes(helixnet: Command, tmp_path: Path) -> None:
    (context,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "context.yaml").write_text(context, "utf-8")
    assert helixnet("check", tmp_path).out == ""
    outcome = helixnet("test", tmp_path)
    assert (outcome.status, outcome.out.count("ok  ")) == (0, 1)


def test_what_it_names_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (Path(__file__).parents[3] / "docs" / link).exists()
    assert set(re.findall(r"HX-[0-9]{4}", PAGE)) <= set(CODES)
