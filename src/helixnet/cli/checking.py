"""What ``helixnet check`` does."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from helixnet.cli import show
from helixnet.cli.problems import problem_line, problem_row, problems_of
from helixnet.engine.codes import CODES
from helixnet.engine.context.bundle import Bundle, load_bundle
from helixnet.engine.context.model import ContextProblem
from helixnet.engine.plan import check_bundle, compile_plan
from helixnet.errors import ContextError


def check(contexts: Sequence[str], *, explain: bool, as_json: bool) -> int:
    """Print the problems of each context; return 2 if one is an error, else 0."""
    rows: list[Mapping[str, object]] = []
    status = 0
    for context in contexts:
        bundle, problems = _checked(context)
        if any(problem.severity == "error" for problem in problems):
            status = 2
        if as_json:
            rows += [problem_row(context, problem) for problem in problems]
            continue
        for problem in problems:
            print(problem_line(context, problem))
            if explain:
                _explain(problem.code)
        if explain and bundle is not None:
            _tell(context, bundle)
        print(f"{context}: {_summary(problems)}", file=sys.stderr)
    if as_json:
        show.show_json(rows)
    return status


def _checked(context: str) -> tuple[Bundle | None, list[ContextProblem]]:
    try:
        bundle = load_bundle(Path(context))
    except ContextError as error:
        return None, problems_of(error)
    return bundle, check_bundle(bundle)


def _explain(code: str) -> None:
    meaning = CODES.get(code)
    if meaning is not None:
        print(f"    {meaning.title}: {meaning.cause}\n    {meaning.action}")


def _tell(context: str, bundle: Bundle) -> None:
    """Say what is in a bundle and which executor runs it, and why."""
    try:
        plan = compile_plan(bundle)
    except ContextError:
        return  # the problems are told already; a required input is no problem of the context
    tests = len(plan.context.tests)
    print(f"{context}: {plan.context.name} {plan.context.version}, {plan.hash}")
    print(f"{context}: {', '.join(sorted(bundle.files))}; {_count(tests, 'test')}")
    print(f"{context}: {plan.explain()}")


def _summary(problems: Sequence[ContextProblem]) -> str:
    if not problems:
        return "good"
    errors = sum(problem.severity == "error" for problem in problems)
    return f"{_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
