"""The wheel installs on its own, extra by extra, and runs the README's example."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.scenario.test_docs import blocks

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(600), pytest.mark.xdist_group("wheel")]
ROOT = Path(__file__).resolve().parents[2]
UV = str(ROOT / "scripts" / "uv")


def uv(*arguments: str, **environment: str) -> None:
    """Run uv; show what it said if it fails."""
    done = subprocess.run(
        [UV, *arguments], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder))
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.parametrize("extra", ["", "serve"])
def test_the_wheel_runs_the_readme_in_a_bare_environment(
    wheel: Path, extra: str, tmp_path: Path
) -> None:
    """The engine needs no extra; the server's modules import with theirs."""
    environment = tmp_path / "environment"
    uv("venv", "--quiet", "--python", sys.executable, str(environment))
    python = str(environment / "bin" / "python")
    wanted = f"helixnet[{extra}] @ {wheel.as_uri()}" if extra else str(wheel)
    uv("pip", "install", "--quiet", "--python", python, wanted)
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    for block in blocks(ROOT / "README.md"):
        if "file=" in block.info:
            name = block.info.partition("file=")[2].split()[0]
            (folder / name).write_text(block.text, encoding="utf-8")
    command = [str(environment / "bin" / "helixnet"), "run", "context.yaml", "orders.csv"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    expected = next(block.text for block in blocks(ROOT / "README.md") if block.info == "output")
    assert done.stdout == expected
    server = subprocess.run(
        [python, "-c", "import helixnet.gateway.app"], capture_output=True, check=False
    )
    assert (server.returncode == 0) is (extra == "serve")
    shutil.rmtree(environment)


def test_the_version_is_the_changelogs() -> None:
    """`helixnet --version` and the newest entry of CHANGELOG.md agree."""
    command = [sys.executable, "-m", "helixnet", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    newest = next(
        line.split()[1]
        for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
        if line.startswith("## ")
    )
    assert said.strip() == f"helixnet {newest}" == f"helixnet {metadata.version('helixnet')}"
