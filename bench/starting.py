"""What a start costs: compiling a context, and ``helixnet --help`` beside bare Python."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.measure import middle, turns
from bench.w1 import Row, folder

FIELDS: Final = 100
HERE = Path(__file__).resolve().parent


def rows(*, short: bool) -> list[Row]:
    """Measure the compiler in a process of its own, then whole starts of the command."""
    command = [sys.executable, str(HERE / "compile_fields.py"), str(FIELDS)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    ours, theirs = found["compile"], found["libraries"]
    with folder() as place:
        commands = {
            "help": [sys.executable, "-m", "helixnet", "--help"],
            "python": [sys.executable, "-c", "pass"],
        }
        costs = turns(commands, times=3 if short else 9, folder=place)
    shown, bare = (middle(costs[name]).wall * 1000 for name in commands)
    return [
        (
            f"compile of a context of {FIELDS} fields",
            f"{ours:.0f} ms",
            f"PyYAML, Jinja2 per field, fastjsonschema {theirs:.0f} ms: ratio {theirs / ours:.1f}",
            "< 20 ms",
        ),
        (f"check of a context of {2 * FIELDS} fields", f"{found['check']:.0f} ms", "", "< 100 ms"),
        (
            "helixnet --help",
            f"{shown:.0f} ms",
            f"python -c pass {bare:.0f} ms: ratio {shown / bare:.1f}",
            "< 250 ms",
        ),
    ]
