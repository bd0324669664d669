"""``helixnet db``: what it says when the folder is not the right one."""

from pathlib import Path

import pytest

from tests.unit.cli.commanding import Command


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize(
    "arguments", [("check",), ("backup", "copy"), ("clean", "--older", "90d", "--dry-run")]
)
def test_a_folder_without_ledger_is_wrong_usage(
    helixnet: Command, arguments: tuple[str, ...]
) -> None:
    """The usual reason is that --data was forgotten: the hint names it."""
    outcome = helixnet("db", *arguments)
    assert outcome.status == 2
    assert "there is no ledger" in outcome.err
    assert "--data FOLDER" in outcome.err
    assert list(Path.cwd().iterdir()) == []


def test_a_backup_goes_into_an_empty_folder_only(helixnet: Command, given: Path) -> None:
    """The person must name another folder: wrong usage, and what is there stays."""
    assert helixnet("db", "upgrade", "--data", "data").status == 0
    outcome = helixnet("db", "backup", given, "--data", "data")
    assert outcome.status == 2
    assert "is not empty" in outcome.err
    assert (given / "good.csv").is_file()
    assert helixnet("db", "backup", "copy", "--data", "data").status == 0
    assert helixnet("db", "check", "--data", "copy").status == 0
