"""A crash point ends the process at the passing that was asked for, and costs nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from helixnet.crashpoints import POINTS, STATUS, arm
from helixnet.errors import UsageError

SOURCES = Path(__file__).resolve().parents[2] / "src"
PROGRAM = """
from helixnet.crashpoints import arm, reach
arm({at!r})
for number in range(5):
    print(number, flush=True)
    reach("sink.copied")
"""


@pytest.mark.parametrize(
    ("at", "status", "passings"),
    [
        ("", 0, 5),
        ("sink.committed", 0, 5),
        ("sink.copied", STATUS, 1),
        ("sink.copied:3", STATUS, 3),
        ("sink.copied:6", 0, 5),
    ],
)
def test_the_process_ends_at_the_asked_passing(at: str, status: int, passings: int) -> None:
    program = PROGRAM.format(at=at)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == status, done.stderr
    assert len(done.stdout.split()) == passings


@pytest.mark.parametrize("at", ["sink", "sink.nowhere", "sink.copied:0", "sink.copied:x", ":1"])
def test_an_unknown_point_is_refused(at: str) -> None:
    with pytest.raises(UsageError, match="no point"):
        arm(at)


def test_each_point_of_the_table_stands_in_the_code_once() -> None:
    """A point that nothing reaches, or that means two places, proves nothing."""
    calls = [
        name
        for path in SOURCES.rglob("*.py")
        for name in re.findall(r"\breach\(\"([a-z.]+)\"\)", path.read_text(encoding="utf-8"))
    ]
    assert sorted(calls) == sorted(POINTS)
