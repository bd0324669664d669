"""``make bench``: measure, print, and write bench/RESULTS.md with machine and versions."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import keyed, large, orders, small_jobs, stack_rows, starting, w1
from bench.measure import machine
from bench.stack_rows import Row

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
LARGE = RESULTS.with_name("RESULTS-10GB.md")


def rows(*, short: bool, stack: bool) -> list[Row]:
    """Measure everything; return (workload, figure, peer or reference, to reach)."""
    table = [row for each in (w1, orders, keyed, large, starting) for row in each.rows(short=short)]
    jobs = small_jobs.measure(jobs=500 if short else 3000, seconds=5 if short else 20)
    table += [
        (f"W0 at saturation, {jobs.jobs} jobs", f"{jobs.per_second:.0f} jobs/s", "", "≥ 200"),
        (
            "W0 at 20/s, upload to COMPLETED",
            f"p50 {jobs.p50 * 1000:.0f} ms, p95 {jobs.p95 * 1000:.0f} ms",
            "",
            "p50 ≤ 40 ms",
        ),
        ("server ready (process start to /health/ready)", f"{jobs.ready:.1f} s", "", "< 4 s"),
    ]
    return table + (stack_rows.rows(short=short) if stack else [])


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="small sizes, few repetitions")
    parser.add_argument("--stack", action="store_true", help="the stack too, also when short")
    parser.add_argument("--ten-gigabytes", action="store_true", help="W7 with 10 GB, nothing else")
    asked = parser.parse_args()
    short = asked.short
    if asked.ten_gigabytes:
        table = large.once()
    else:
        table = rows(short=short, stack=asked.stack or not short)
    head = ["| workload | HelixNet | in the same run | to reach |", "|---|---|---|---|"]
    report = "\n".join([*head, *(f"| {' | '.join(row)} |" for row in table)])
    print(report, flush=True)
    if not short:
        day = datetime.now(UTC).date().isoformat()
        text = f"# Measured by `make bench` on {day}\n\n{machine()}\n\n{report}\n"
        results = LARGE if asked.ten_gigabytes else RESULTS
        results.write_text(text, encoding="utf-8")
    # On a developer's machine a part may be missing; where CI runs, that is a failure.
    missing = any("NOT RUN" in figure for _, figure, *_ in table)
    return 1 if missing and os.environ.get("CI", "") not in ("", "0", "false") else 0


if __name__ == "__main__":
    raise SystemExit(main())
