"""Code in the docs runs: files are written, commands executed, shown output compared.

A fenced block whose info line is ``yaml file=NAME`` (any language) is a file; ``sh run`` is run
in the page's own folder and must succeed (``sh run status=1`` expects that status); an ``output``
block right after it is what its standard output must be.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.scenario
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    info: str
    text: str


def blocks(page: Path) -> list[Block]:
    """List the fenced blocks of a page."""
    return blocks_of(page.read_text(encoding="utf-8"))


def blocks_of(text: str) -> list[Block]:
    """List the fenced blocks of a text."""
    found = BLOCK.finditer(text)
    return [Block(match["info"].strip(), match["text"]) for match in found]


def run(block: Block, folder: Path) -> str:
    """Run a block of commands and return its standard output; its status must be as announced."""
    expected = re.search(r"status=(\d+)", block.info)
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        ["sh", "-e", "-c", block.text],
        cwd=folder,
        env=os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == int(expected[1] if expected else 0), (block.text, done.stderr)
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_code_in_docs_runs(page: Path, tmp_path: Path) -> None:
    """What a page shows is what happens."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    said: str | None = None
    for block in blocks(page):
        file = re.search(r"file=(\S+)", block.info)
        if file:
            target = tmp_path / file[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.info.startswith("sh run"):
            said = run(block, tmp_path)
        elif block.info.startswith("output"):
            assert said is not None, f"{page.name}: output without a command before it"
            assert said.strip() == block.text.strip()


def test_the_reject_shown_is_the_one_that_the_readme_gives(tmp_path: Path) -> None:
    """The sample in docs/context-format.md is a real line, but for the errors it leaves out."""
    page = (ROOT / "docs" / "context-format.md").read_text(encoding="utf-8")
    (sample,) = blocks_of(page.partition("\n## Rejects\n")[2].partition("\n## ")[0])
    for block in blocks(ROOT / "README.md"):
        file = re.search(r"file=(\S+)", block.info)
        if file:
            (tmp_path / file[1]).write_text(block.text, encoding="utf-8")
    command = "helixnet run context.yaml orders.csv --rejects rejects.ndjson"
    _ = run(Block("sh run status=1", command), tmp_path)
    (given,) = (tmp_path / "rejects.ndjson").read_text(encoding="utf-8").splitlines()
    real, shown = json.loads(given), json.loads(sample.text)
    real["errors"] = real["errors"][:1]
    assert shown == real
