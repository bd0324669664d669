"""``make chaos`` and ``make chaos-report``: kill a HelixNet under load and judge what it did.

A run prints its seed, adds one line to the results outside of the tree, and leaves its folder for
whoever looks into a failure. The same seed gives the same files and the same faults in the same
order; when they meet is chance.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.chaos.campaign import Campaign, Outcome, keep, results_file, run
from tests.chaos.shapes import SHAPES, make_target


def arguments() -> argparse.ArgumentParser:
    """Declare what may be asked for."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="default: a random one")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="embedded")
    parser.add_argument("--report", action="store_true", help="sum the results so far")
    return parser


def campaign(shape: str, seed: int, kills: int) -> int:
    """Do one run; 1 if the promise was broken."""
    folder = Path(tempfile.mkdtemp(prefix=f"helixnet-chaos-{shape}-{seed}-"))
    print(f"seed {seed}, {kills} kills, {shape}; in {folder}", flush=True)
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s {text}", flush=True)

    target = make_target(shape, folder)
    outcome = run(
        Campaign(target=target, folder=folder, shape=shape, seed=seed, kills=kills, say=say)
    )
    keep(outcome)
    show(outcome)
    if outcome.good:
        shutil.rmtree(folder)
        return 0
    print(f"BROKEN PROMISE; the log: {target.describe()}", flush=True)
    return 1


def show(outcome: Outcome) -> None:
    """Print the line of a run, and what was wrong."""
    print(json.dumps(outcome.line, indent=1))
    for text in outcome.texts:
        print(f"  {text}")


def report() -> int:
    """Sum all runs of the results file, by shape; 1 if any of them broke the promise."""
    path = results_file()
    if not path.is_file():
        print(f"no results in {path}: run `make chaos`")
        return 2
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in path.read_text("utf-8").splitlines()
    ]
    bad = 0
    for shape in sorted({line["shape"] for line in lines}):
        mine = [line for line in lines if line["shape"] == shape]
        bad += _sum(shape, mine)
    return 1 if bad else 0


def _sum(shape: str, lines: list[dict[str, Any]]) -> int:
    words = ("kills", "acknowledged", "runs", "documents", "delivered", "seconds")
    sums = {word: sum(line[word] for line in lines) for word in words}
    faults = ("lost", "doubled", "unbalanced", "dead", "open", "wrong")
    found = {word: sum(line[word] for line in lines) for word in faults}
    kinds: Counter[str] = Counter()
    points: Counter[str] = Counter()
    for line in lines:
        kinds.update(line["by_kind"])
        points.update(line["points"])
    print(f"{shape}: {len(lines)} runs, seeds {', '.join(str(line['seed']) for line in lines)}")
    print(f"  {', '.join(f'{count} {word}' for word, count in sums.items())}")
    print(f"  ends: {', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}")
    print(f"  points: {', '.join(f'{count} {point}' for point, count in sorted(points.items()))}")
    print(f"  {', '.join(f'{count} {word}' for word, count in found.items())}")
    for line in lines:
        if any(line[word] for word in faults):
            print(f"  BROKEN: seed {line['seed']} at {line['revision']}")
    return sum(found.values())


def main() -> int:
    """Do what was asked."""
    asked = arguments().parse_args()
    if asked.report:
        return report()
    seed = random.randrange(1 << 31) if asked.seed is None else asked.seed  # noqa: S311 - no secret
    return campaign(asked.shape, seed, asked.kills)


if __name__ == "__main__":
    sys.exit(main())
