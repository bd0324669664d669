"""W7: ten times W1 takes ten times as long and no more memory; once, with ten gigabytes."""

from itertools import islice, repeat
from pathlib import Path
from typing import Final

from bench.make_w1 import make
from bench.measure import Cost, middle, run
from bench.w1 import MB, Row, folder, programs

SIZES: Final = {True: (50_000, 1), False: (500_000, 5)}  # lines of W1, pairs of runs
TIMES: Final = 10
SEED_LINES: Final = 50_000
GB: Final = 1_000_000_000


def blow_up(seed: Path, target: Path, size: int) -> int:
    """Write the header of a file and its lines again and again; return how many lines."""
    header, _, lines = seed.read_bytes().partition(b"\n")
    rounds = size // len(lines)
    with target.open("wb") as file:
        file.write(header + b"\n")
        file.writelines(islice(repeat(lines), rounds))
    return rounds * lines.count(b"\n")


def mapped(source: Path, place: Path, lines: int) -> Cost:
    """Map a file of good lines, and watch the memory."""
    output = place / "columns.out"
    cost = run(programs(place, source)["columns"], output, watch=True)
    with output.open("rb") as made:
        written = sum(block.count(b"\n") for block in iter(lambda: made.read(1 << 20), b""))
    if written != lines:
        raise SystemExit(f"W7: {lines} lines in, {written} documents out")
    return cost


def rows(*, short: bool) -> list[Row]:
    """Measure both sizes in turn."""
    lines, times = SIZES[short]
    with folder() as place:
        small, large = place / "w1.csv", place / "w7.csv"
        make(small, lines)
        make(large, lines * TIMES)
        pairs = [
            (mapped(small, place, lines), mapped(large, place, lines * TIMES)) for _ in range(times)
        ]
    one, ten = middle([pair[0] for pair in pairs]), middle([pair[1] for pair in pairs])
    return [report(f"W7: {TIMES} times W1, {lines * TIMES:,} lines", ten, one, TIMES)]


def report(name: str, large: Cost, small: Cost, times: float) -> Row:
    """Write a large run beside a small one whose lines it has ``times`` as many."""
    return (
        f"{name}, CPU-seconds",
        f"{large.cpu:.1f} (PSS of all processes {large.pss / MB:.0f} MB)",
        f"W1 {small.cpu:.2f}: ratio {large.cpu / small.cpu:.1f} for {times:.0f} times the lines",
        f"ratio ≤ {times * 1.05:.1f}, PSS ≤ 512 MB",
    )


def once(size: int = 10 * GB) -> list[Row]:
    """Map one file of ``size`` bytes once, beside W1; it takes five times its size of disk."""
    lines, _ = SIZES[False]
    with folder() as place:
        seed, small, large = place / "seed.csv", place / "w1.csv", place / "large.csv"
        make(seed, SEED_LINES)
        make(small, lines)
        count = blow_up(seed, large, size)
        one, ten = mapped(small, place, lines), mapped(large, place, count)
    name = f"W7, once: {size / GB:.0f} GB, {count:,} lines"
    return [report(name, middle([ten]), middle([one]), count / lines)]
