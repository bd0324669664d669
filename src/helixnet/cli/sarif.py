"""Problems as SARIF 2.1.0, which code scanning services and editors read."""

from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from helixnet.cli.problems import shown_path
from helixnet.engine.codes import CODES
from helixnet.engine.context.model import ContextProblem

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_BRACES: Final = str.maketrans({"{": "{{", "}": "}}"})  # single ones are placeholders (3.11.5)


def sarif_log(found: Iterable[tuple[str, ContextProblem]]) -> Mapping[str, Any]:
    """Return the log of one run.

    Args:
        found: each problem with the context as the user named it, in the order to be shown.
    """
    problems = list(found)
    codes = sorted({problem.code for _, problem in problems})
    rules = {code: number for number, code in enumerate(codes)}
    driver = {
        "name": "helixnet",
        "version": metadata.version("helixnet"),
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(context, problem, rules) for context, problem in problems],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> Mapping[str, Any]:
    meaning = CODES.get(code)
    if meaning is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": _text(meaning.title),
        "fullDescription": _text(meaning.cause),
        "help": _text(meaning.action),
    }


def _result(context: str, problem: ContextProblem, rules: Mapping[str, int]) -> Mapping[str, Any]:
    hint = f" ({problem.hint})" if problem.hint else ""
    mark = problem.mark
    place = {
        "artifactLocation": {"uri": _uri(shown_path(context, mark.file))},
        "region": {"startLine": max(mark.line, 1), "startColumn": max(mark.column, 1)},
    }
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": rules[problem.code],
        "level": problem.severity,
        "message": _text(problem.message + hint),
        "locations": [{"physicalLocation": place}],
    }
    if problem.hint:
        result["properties"] = {"hint": problem.hint}
    return result


def _uri(path: str) -> str:
    """Return a relative reference for a relative path: the reader knows where the root is."""
    return Path(path).as_uri() if Path(path).is_absolute() else quote(path)


def _text(words: str) -> Mapping[str, str]:
    return {"text": words.translate(_BRACES)}
