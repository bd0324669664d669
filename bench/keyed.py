"""Keyed groups: order lines in no order at all, sorted on disk, and how much memory that takes."""

import random
import sys
from pathlib import Path
from typing import Final

from bench.measure import run
from bench.w1 import MB, Row, folder

SIZES: Final = {True: 200_000, False: 2_000_000}  # lines of some hundred bytes
LINES_EACH: Final = 4
CONTEXT: Final = """\
helixnet: 1
name: keyed
version: 1.0.0
target: true
source: {format: csv, fields: {NO: {type: string}, QTY: {type: decimal, scale: 2}, TEXT: {}}}
group: {by: NO, order: keyed}
map: {no: h.NO, quantity: lines | sum("QTY")}
"""


def make(path: Path, lines: int) -> None:
    """Write lines whose orders are drawn by chance, the same each time."""
    chance = random.Random(1)  # noqa: S311 - a sample, no secret
    with path.open("w", encoding="utf-8") as file:
        file.write("NO,QTY,TEXT\n")
        for number in range(lines):
            file.write(f"{chance.randrange(lines // LINES_EACH)},{number % 97}.25,{'x' * 85}\n")


def rows(*, short: bool) -> list[Row]:
    """Measure one run."""
    lines = SIZES[short]
    with folder() as place:
        source, context = place / "keyed.csv", place / "keyed.yaml"
        context.write_text(CONTEXT, encoding="utf-8")
        make(source, lines)
        size = source.stat().st_size / MB
        command = [sys.executable, "-m", "helixnet", "run", str(context), str(source)]
        cost = run(command, place / "keyed.ndjson")
    figure = f"{lines / cost.cpu:,.0f} (peak {cost.peak / MB:.0f} MB)"
    what = f"keyed groups, {lines:,} lines in no order, {size:.0f} MB, rows per CPU-second"
    return [(what, figure, "", "peak < 150 MB")]
