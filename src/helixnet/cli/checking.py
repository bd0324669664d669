"""What ``helixnet check`` does."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from helixnet.cli import show
from helixnet.cli.problems import problem_line, problem_row, problems_of
from helixnet.engine.codes import CODES
from helixnet.engine.context.bundle import Bundle, load_bundle
from helixnet.engine.context.model import ContextProblem
from helixnet.engine.context.reader import read_context
from helixnet.engine.plan import check_bundle
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
    """Say what is in a bundle and which executor will run it."""
    read = read_context(bundle).context
    if read is None:
        return
    runs = "by a template for each record" if read.template else "by rows, in one compiled function"
    for line in (
        f"{read.name} {read.version}, {bundle.hash}",
        f"files: {', '.join(sorted(bundle.files))}",
        f"tests: {len(read.tests)}",
        f"records are mapped {runs}",
    ):
        print(f"{context}: {line}")


def _summary(problems: Sequence[ContextProblem]) -> str:
    if not problems:
        return "good"
    errors = sum(problem.severity == "error" for problem in problems)
    return f"{_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
