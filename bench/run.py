"""``make bench``: measure, print, and write bench/RESULTS*.md with machine and versions."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import formats, keyed, large, orders, small_jobs, stack_rows, starting, w1
from bench.measure import machine
from bench.stack_rows import Row

FOLDER: Final = Path(__file__).resolve().parent
HEAD: Final = "| workload | HelixNet | in the same run | to reach |\n|---|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Part:
    """What is measured at a time, and where it is written.

    Args:
        measure: gives the lines of the report; takes whether to be ``short``.
        results: name of the file.
    """

    measure: Callable[..., list[Row]]
    results: str


def engine(*, short: bool) -> list[Row]:
    """Measure maps over large files."""
    return [row for each in (w1, orders, keyed, large) for row in each.rows(short=short)]


def small(*, short: bool) -> list[Row]:
    """Measure starts, and small jobs on the embedded server."""
    jobs = small_jobs.measure(jobs=500 if short else 3000, seconds=5 if short else 20)
    return [
        *starting.rows(short=short),
        (f"W0 at saturation, {jobs.jobs} jobs", f"{jobs.per_second:.0f} jobs/s", "", "≥ 200"),
        (
            "W0 at 20/s, upload to COMPLETED",
            f"p50 {jobs.p50 * 1000:.0f} ms, p95 {jobs.p95 * 1000:.0f} ms",
            "",
            "p50 ≤ 40 ms",
        ),
        ("server ready (process start to /health/ready)", f"{jobs.ready:.1f} s", "", "< 4 s"),
    ]


PARTS: Final = {
    "engine": Part(engine, "RESULTS.md"),
    "formats": Part(formats.rows, "RESULTS-FORMATS.md"),
    "small": Part(small, "RESULTS-SMALL.md"),
    "stack": Part(stack_rows.rows, "RESULTS-STACK.md"),
    "10gb": Part(lambda **_: large.once(), "RESULTS-10GB.md"),
}


def measure(part: Part, *, short: bool) -> bool:
    """Measure a part, print it and write it; False when something of it could not run."""
    table = part.measure(short=short)
    report = HEAD + "\n".join(f"| {' | '.join(row)} |" for row in table)
    print(report, flush=True)
    if not short:
        day = datetime.now(UTC).date().isoformat()
        text = f"# Measured by `make bench` on {day}\n\n{machine()}\n\n{report}\n"
        (FOLDER / part.results).write_text(text, encoding="utf-8")
    return not any("NOT RUN" in figure for _, figure, *_ in table)


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="small sizes, few repetitions")
    parser.add_argument(
        "--part",
        choices=PARTS,
        action="append",
        help="default: all but 10gb; stack not if short",
    )
    asked = parser.parse_args()
    usual = ["engine", "formats", "small", *([] if asked.short else ["stack"])]
    names: list[str] = asked.part or usual
    whole = [measure(PARTS[name], short=asked.short) for name in names]
    # On a developer's machine a part may be missing; where CI runs, that is a failure.
    return 1 if not all(whole) and os.environ.get("CI", "") not in ("", "0", "false") else 0


if __name__ == "__main__":
    raise SystemExit(main())
