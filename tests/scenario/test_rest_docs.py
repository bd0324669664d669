"""The reference of the REST interface is run against a server, example by example."""

import os
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.scenario.conftest import EXAMPLES
from tests.scenario.running import PATIENCE, Helix

pytestmark = pytest.mark.scenario
ROOT = EXAMPLES.parent
PAGE = (ROOT / "docs" / "rest.md").read_text(encoding="utf-8")


def test_every_example_runs(helix: Helix, tmp_path: Path) -> None:
    """All in one shell, in order, as a reader types them."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    issuer = httpx.get(f"{helix.url}/api/v1/auth/methods", timeout=PATIENCE).json()["issuer"]
    if issuer != helix.url:  # then the issuer's own routes are elsewhere
        blocks = [block for block in blocks if "/.well-known/" not in block]
    commands = "\n".join(blocks)
    done = subprocess.run(
        ["sh", "-exc", commands],
        cwd=ROOT,
        env=os.environ | {"HELIX": helix.url, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_route_is_described(helix: Helix) -> None:
    """A route that is not on the page is not for users."""
    document = httpx.get(f"{helix.url}/openapi.json", timeout=PATIENCE).json()
    said = PAGE.replace("replays/{id}", "replays/{replay_id}").replace("{id}", "{job_id}")
    headings = " ".join(re.findall(r"^### (.*)$", said, re.MULTILINE))
    missing = [
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if path not in headings or method.upper() not in headings
    ]
    assert missing == []
