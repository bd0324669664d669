"""W2: the lines of W1 grouped into orders of four, with nested items and a sum, beside DuckDB."""

import sys
from pathlib import Path
from typing import Final

from bench.make_w1 import make
from bench.measure import middle, turns
from bench.peers import environment
from bench.w1 import MB, Row, folder

HERE = Path(__file__).resolve().parent
LINES_EACH: Final = 4
SIZES: Final = {True: (100_000, 1), False: (1_000_000, 5)}  # lines, pairs of runs


def commands(place: Path, source: Path) -> dict[str, list[str]]:
    """Return the commands that group ``source``."""
    duckdb = environment("table_peers", "DuckDB") / "bin" / "python"
    peer = HERE / "table_peers" / "orders_with_duckdb.py"
    context = HERE / "w2" / "context.yaml"
    ours = [sys.executable, "-m", "helixnet", "run", str(context), str(source)]
    return {
        "helixnet": [*ours, "--rejects", str(place / "rejects.ndjson")],
        "duckdb": [str(duckdb), str(peer), str(source), str(place / "duckdb.ndjson")],
    }


def rows(*, short: bool) -> list[Row]:
    """Measure both in turn; both have to give each order."""
    lines, times = SIZES[short]
    with folder() as place:
        source = place / "w1.csv"
        make(source, lines)
        costs = turns(commands(place, source), times=times, folder=place)
        for name in ("helixnet.out", "duckdb.ndjson"):
            with (place / name).open("rb") as made:
                found = sum(1 for _ in made)
            if found * LINES_EACH != lines:
                raise SystemExit(f"W2: {lines} lines in, {found} orders in {name}")
    ours, theirs = (middle(costs[name]) for name in ("helixnet", "duckdb"))
    return [
        (
            f"W2: orders of {LINES_EACH} lines, {lines:,} lines, rows per CPU-second",
            f"{lines / ours.cpu:,.0f} (peak {ours.peak / MB:.0f} MB)",
            f"DuckDB, SQL by hand {lines / theirs.cpu:,.0f}: ratio {theirs.cpu / ours.cpu:.2f}",
            "≥ 1",
        )
    ]
