"""Problems as workflow commands of GitHub Actions: each is shown beside its line."""

from typing import Final

from helixnet.cli.problems import shown_path
from helixnet.engine.context.model import ContextProblem

_COMMANDS: Final = {"error": "error", "warning": "warning", "note": "notice"}
_IN_TEXT: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def annotation(context: str, problem: ContextProblem) -> str:
    """``::error file=…,line=…,col=…,title=…::message``, on one line whatever the texts hold.

    Args:
        context: as the user named it.
        problem: one of its problems.
    """
    mark = problem.mark
    place = {
        "file": shown_path(context, mark.file),
        "line": str(max(mark.line, 1)),
        "col": str(max(mark.column, 1)),
        "title": problem.code,
    }
    named = ",".join(f"{name}={value.translate(_IN_PROPERTY)}" for name, value in place.items())
    hint = f" ({problem.hint})" if problem.hint else ""
    text = f"{problem.message}{hint}".translate(_IN_TEXT)
    return f"::{_COMMANDS[problem.severity]} {named}::{text}"
