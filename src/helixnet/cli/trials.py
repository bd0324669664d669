"""What ``helixnet test`` does."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from helixnet.cli import show
from helixnet.cli.coverage import coverage_row, short_of, show_coverage
from helixnet.cli.expectations import update_expectations
from helixnet.cli.problems import complain, problems_of
from helixnet.engine.context.bundle import load_bundle
from helixnet.engine.coverage import Coverage
from helixnet.engine.inspect import TestResult, run_tests
from helixnet.errors import ContextError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of the tests.

    Args:
        update: write what came out into ``expect`` of failing tests.
        as_json: print for programs.
        coverage: say what the tests do not reach.
        least: percent of the fields that must be written.
    """

    update: bool
    as_json: bool
    coverage: bool
    least: Decimal | None


def try_contexts(contexts: Sequence[str], asked: Asked) -> int:
    """Run the tests of each context; return 0, 1 when one fails, 2 for a bad context."""
    rows: list[Mapping[str, object]] = []
    status = 0
    for context in contexts:
        try:
            results, coverage = _results(Path(context), asked)
        except ContextError as error:
            complain(context, problems_of(error))
            status = 2
            continue
        status = max(status, _tell(context, results, coverage, asked))
        rows += [_row(context, result) for result in results]
        if coverage is not None:
            rows.append(coverage_row(context, coverage))
    if asked.as_json:
        show.show_json(rows)
    return status


def _results(path: Path, asked: Asked) -> tuple[Sequence[TestResult], Coverage | None]:
    results, coverage = _run(path, asked)
    if asked.update and not all(result.passed for result in results):
        update_expectations(path, results)
        return _run(path, asked)
    return results, coverage


def _run(path: Path, asked: Asked) -> tuple[Sequence[TestResult], Coverage | None]:
    coverage = Coverage() if asked.coverage else None
    return run_tests(load_bundle(path), coverage), coverage


def _tell(
    context: str, results: Sequence[TestResult], coverage: Coverage | None, asked: Asked
) -> int:
    """Show how it went, unless that is for programs; return the exit status."""
    failed = sum(not result.passed for result in results)
    if not asked.as_json:
        for result in results:
            _show(context, result)
        if coverage is not None:
            show_coverage(context, coverage)
        print(f"{context}: {len(results) - failed} passed, {failed} failed", file=sys.stderr)
    short = 0 if coverage is None else short_of(context, coverage, asked.least)
    return max(int(failed > 0), short)


def _show(context: str, result: TestResult) -> None:
    print(f"{'ok  ' if result.passed else 'FAIL'}  {result.name}")
    for text in result.differences:
        print(f"      {context}:{result.line}: {text}")


def _row(context: str, result: TestResult) -> Mapping[str, object]:
    return {
        "context": context,
        "test": result.name,
        "line": result.line,
        "passed": result.passed,
        "differences": [*result.differences],
    }
