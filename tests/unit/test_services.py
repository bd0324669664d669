"""The deployables: each a thin program, and a page for operators that names what there is."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from helixnet.events import Topic
from helixnet.metrics import TABLE
from helixnet.pipeline import SERVICES as NAMES
from helixnet.settings import Settings

SERVICES = Path(__file__).resolve().parents[2] / "services"


def page(name: str) -> str:
    return (SERVICES / name / "README.md").read_text(encoding="utf-8")


def test_each_service_has_a_folder() -> None:
    """No deployable without a service, no service without a deployable."""
    assert {path.name for path in SERVICES.iterdir() if path.is_dir()} - {"__pycache__"} == set(
        NAMES
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_the_command(name: str) -> None:
    """It hands its arguments to `helixnet service` and does nothing else."""
    program = SERVICES / name / "app.py"
    assert len(program.read_text(encoding="utf-8").splitlines()) <= 40
    wrong = subprocess.run(
        [sys.executable, program, "--port", "many"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("helixnet: --port: port must be a whole number")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_names_what_there_is(name: str) -> None:
    """Its settings, metrics and topics exist; it answers each question of an operator."""
    text = page(name)
    rows = dict(re.findall(r"^\| ([a-z ]+?) \| (.*) \|$", text, re.MULTILINE))
    asked = {"run", "topics in", "topics out", "settings", "watch", "scale", "dies", "backing down"}
    assert set(rows) == asked
    known = {field.name for field in fields(Settings)}
    assert set(re.findall(r"`(\w+)`", rows["settings"])) - {"helix_gateway"} <= known
    metrics = set(re.findall(r"helixnet_\w+", rows["watch"]))
    assert metrics
    assert metrics <= set(TABLE)
    told = set(re.findall(r"`(helix\.\w+)`", rows["topics in"] + rows["topics out"]))
    assert told <= {str(topic) for topic in Topic}
    assert f"helixnet service {name}" in rows["run"]
