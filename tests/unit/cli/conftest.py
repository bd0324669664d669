"""The command line in process, and a folder to stand in."""

from pathlib import Path

import pytest

from helixnet.cli.main import run
from tests.unit.cli.commanding import CONTEXT, SCHEMA, Command, Outcome


@pytest.fixture
def helixnet(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command line; it may never end in a traceback."""

    def command(*arguments: object) -> Outcome:
        capsys.readouterr()
        try:
            status = run([str(argument) for argument in arguments])
        except SystemExit as end:
            status = int(str(end.code))
        said = capsys.readouterr()
        return Outcome(status, said.out, said.err)

    return command


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, beside ``in put`` with a context and files."""
    work, folder = tmp_path / "work", tmp_path / "in put"
    work.mkdir()
    folder.mkdir()
    monkeypatch.chdir(work)
    (folder / "context.yaml").write_text(CONTEXT, "utf-8")
    (folder / "target.schema.json").write_text(SCHEMA, "utf-8")
    (folder / "good.csv").write_text("ID;QTY\nA;1,50\nB;1000\n", "utf-8")
    (folder / "bad.csv").write_text("ID;QTY\nA;1,50\nB;1x\nC;2\nD;;\n", "utf-8")
    return folder
