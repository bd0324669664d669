"""What ``helixnet check`` does."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from helixnet.cli import show
from helixnet.cli.annotations import annotation
from helixnet.cli.problems import problem_line, problem_row, problems_of
from helixnet.cli.sarif import sarif_log
from helixnet.cli.streams import opened
from helixnet.engine.codes import CODES
from helixnet.engine.context.bundle import load_bundle
from helixnet.engine.context.model import ContextProblem
from helixnet.engine.examine import examine_bundle
from helixnet.engine.plan import Plan
from helixnet.errors import ContextError, UsageError


@dataclass(frozen=True, slots=True)
class _Checked:
    """A context that was looked at; ``plan`` is None when it has errors."""

    context: str
    problems: Sequence[ContextProblem]
    plan: Plan | None = None
    samples: Sequence[str] = ()

    def placed(self) -> Iterator[tuple[str, ContextProblem]]:
        """Yield each problem with what its file is relative to."""
        for problem in self.problems:
            yield "" if problem.mark.file in self.samples else self.context, problem


def check(contexts: Sequence[str], samples: Sequence[str], *, explain: bool, form: str) -> int:
    """Print the problems of each context; return 2 if one is an error, else 0.

    Args:
        contexts: files, folders or zips.
        samples: files that the context is to map.
        explain: say also what each code means, what nothing reads and how the map runs.
        form: one of :data:`helixnet.cli.check.FORMATS`.

    Raises:
        UsageError: a sample can't be read, or it is not clear which context it is for.
    """
    if samples and len(contexts) > 1:
        raise UsageError("--sample is for one context", hint="check the others without it")
    checked = [_checked(context, samples, notes=explain) for context in contexts]
    found = [placed for one in checked for placed in one.placed()]
    match form:
        case "json":
            show.show_json([problem_row(*one) for one in found])
        case "sarif":
            show.show_json(sarif_log(found))
        case "github":
            for one in found:
                print(annotation(*one))
            _summaries(checked)
        case _:
            for one in checked:
                _show(one, explain=explain)
                _summaries([one])
    return 2 if any(problem.severity == "error" for _, problem in found) else 0


def _checked(context: str, samples: Sequence[str], *, notes: bool) -> _Checked:
    try:
        bundle = load_bundle(Path(context))
    except ContextError as error:
        return _Checked(context, problems_of(error))
    with ExitStack() as stack:
        files = [(path, stack.enter_context(opened(path))) for path in samples]
        found = examine_bundle(bundle, files)
    problems = [*found.problems, *(found.notes if notes else ())]
    return _Checked(context, problems, found.plan, samples)


def _show(checked: _Checked, *, explain: bool) -> None:
    for context, problem in checked.placed():
        print(problem_line(context, problem))
        if explain:
            _explain(problem.code)
    if explain and checked.plan is not None:
        _tell(checked.context, checked.plan)


def _explain(code: str) -> None:
    meaning = CODES.get(code)
    if meaning is not None:
        print(f"    {meaning.title}: {meaning.cause}\n    {meaning.action}")


def _tell(context: str, plan: Plan) -> None:
    """Say what is in a bundle and which executor runs it, and why."""
    tests = len(plan.context.tests)
    print(f"{context}: {plan.context.name} {plan.context.version}, {plan.hash}")
    print(f"{context}: {', '.join(sorted(plan.bundle.files))}; {_count(tests, 'test')}")
    print(f"{context}: {plan.explain()}")


def _summaries(checked: Sequence[_Checked]) -> None:
    for one in checked:
        print(f"{one.context}: {_summary(one.problems)}", file=sys.stderr)


def _summary(problems: Sequence[ContextProblem]) -> str:
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = sum(problem.severity == "warning" for problem in problems)
    if not errors + warnings:
        return "good"
    return f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
