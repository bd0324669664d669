"""How problems of a context are shown: the lines that editors and people jump by."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, cast

from helixnet.engine.context.model import ContextProblem
from helixnet.errors import ContextError, UsageError

_ZIP: Final = "bundle.zip"  # how the engine names the zip itself


def problems_of(error: ContextError) -> list[ContextProblem]:
    """Return the problems of an error that the engine raised."""
    return cast("list[ContextProblem]", list(error.problems))  # the engine raises no others


def shown_file(context: str, file: str) -> str:
    """Return the path of a bundle's file as seen from where the user stands."""
    path = Path(context)
    if file in {context, path.name} or (path.suffix.lower() == ".zip" and file == _ZIP):
        return context
    return str((path if path.is_dir() or path.suffix.lower() == ".zip" else path.parent) / file)


def shown_path(context: str, file: str) -> str:
    """Return :func:`shown_file` with slashes, as programs on every system read it."""
    return Path(shown_file(context, file)).as_posix()


def problem_line(context: str, problem: ContextProblem) -> str:
    """``file:line:column: severity CODE: message (hint)``."""
    mark = problem.mark
    hint = f" ({problem.hint})" if problem.hint else ""
    place = f"{shown_file(context, mark.file)}:{mark.line}:{mark.column}"
    return f"{place}: {problem.severity} {problem.code}: {problem.message}{hint}"


def problem_row(context: str, problem: ContextProblem) -> Mapping[str, object]:
    """Return a problem as a JSON object."""
    return {
        "file": shown_file(context, problem.mark.file),
        "line": problem.mark.line,
        "column": problem.mark.column,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    }


def complain(context: str, problems: Iterable[ContextProblem]) -> None:
    """Print problems to standard error, one a line."""
    for problem in problems:
        print(problem_line(context, problem), file=sys.stderr)


def read_inputs(pairs: Iterable[str]) -> dict[str, str]:
    """Read ``--input name=value`` pairs.

    Raises:
        UsageError: a pair has no ``=``.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--input {pair}: write it as name=value")
        found[name] = value
    return found
