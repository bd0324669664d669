"""What ``helixnet test`` does."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from helixnet.cli import show
from helixnet.cli.expectations import update_expectations
from helixnet.cli.problems import complain, problems_of
from helixnet.engine.context.bundle import load_bundle
from helixnet.engine.inspect import TestResult, run_tests
from helixnet.errors import ContextError


def try_contexts(contexts: Sequence[str], *, update: bool, as_json: bool) -> int:
    """Run the tests of each context; return 0, 1 when one fails, 2 for a bad context."""
    rows: list[Mapping[str, object]] = []
    status = 0
    for context in contexts:
        try:
            results = _results(Path(context), update=update)
        except ContextError as error:
            complain(context, problems_of(error))
            status = 2
            continue
        failed = sum(not result.passed for result in results)
        status = max(status, int(failed > 0))
        if as_json:
            rows += [_row(context, result) for result in results]
            continue
        for result in results:
            _show(context, result)
        print(f"{context}: {len(results) - failed} passed, {failed} failed", file=sys.stderr)
    if as_json:
        show.show_json(rows)
    return status


def _results(path: Path, *, update: bool) -> Sequence[TestResult]:
    results = run_tests(load_bundle(path))
    if not update or all(result.passed for result in results):
        return results
    update_expectations(path, results)
    return run_tests(load_bundle(path))


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
