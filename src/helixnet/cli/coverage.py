"""What ``helixnet test --coverage`` says: what no test writes, and which branches none takes."""

import sys
from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from helixnet.cli.problems import shown_file
from helixnet.engine.coverage import Coverage

_TENTH: Final = Decimal("0.1")


def show_coverage(context: str, coverage: Coverage) -> None:
    """Print what the tests do not reach, as lines that an editor can jump to, and how much."""
    for found in coverage.unwritten:
        place = f"{shown_file(context, found.mark.file)}:{found.mark.line}:{found.mark.column}"
        print(f"{place}: no test writes {found.pointer}")
    for branch in coverage.untaken:
        place = f"{shown_file(context, branch.mark.file)}:{branch.mark.line}:{branch.mark.column}"
        print(f"{place}: no test has this `{branch.kind}` {str(branch.outcome).lower()}")
    fields, branches = len(coverage.fields), coverage.branches
    written, taken = fields - len(coverage.unwritten), branches - len(coverage.untaken)
    share = "" if percent(coverage) is None else f" ({percent(coverage)} %)"
    text = f"the tests write {written} of {fields} fields{share}"
    more = f" and take {taken} of {branches} branches" if branches else ""
    print(f"{context}: {text}{more}")


def coverage_row(context: str, coverage: Coverage) -> Mapping[str, object]:
    """Return the same as a JSON object."""
    share = percent(coverage)
    return {
        "context": context,
        "coverage": {
            "fields": len(coverage.fields),
            "written": len(coverage.fields) - len(coverage.unwritten),
            "percent": None if share is None else float(share),
            "unwritten": [
                {"pointer": found.pointer, "line": found.mark.line} for found in coverage.unwritten
            ],
            "branches": coverage.branches,
            "untaken": [
                {"kind": branch.kind, "outcome": branch.outcome, "line": branch.mark.line}
                for branch in coverage.untaken
            ],
        },
    }


def percent(coverage: Coverage) -> Decimal | None:
    """Return the share of the fields that tests write, rounded down; None where none are known."""
    fields = len(coverage.fields)
    if not fields:
        return None
    share = Decimal(100 * (fields - len(coverage.unwritten))) / fields
    return share.quantize(_TENTH, ROUND_FLOOR)


def short_of(context: str, coverage: Coverage, least: Decimal | None) -> int:
    """Say whether the tests write too little: 1; 2 where that can't be told; else 0."""
    if least is None:
        return 0
    share = percent(coverage)
    if share is None:
        text = "has no fields to count: a template may write anything"
        print(f"helixnet: {context} {text}", file=sys.stderr)
        return 2
    written = len(coverage.fields) - len(coverage.unwritten)
    if 100 * written >= least * len(coverage.fields):
        return 0
    print(
        f"{context}: the tests write {share} % of the fields, less than {least} %", file=sys.stderr
    )
    return 1
