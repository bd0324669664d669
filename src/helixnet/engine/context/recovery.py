"""Text to nodes, going on after each line that YAML can't read but that we can correct.

So one unquoted leaf does not hide the other problems of a context.
"""

import re
from typing import Final

import yaml
from yaml.reader import ReaderError

from helixnet.engine.context.model import Mark
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.repair import corrected, first_change, open_quote, quoted_at
from helixnet.engine.context.yaml_nodes import Node, compose, replace_lines, split_lines

MAX_REPAIRS: Final = 20
_BEYOND = re.compile(r"\\U(?!0010|000)")
_BUDGET: Final = 1_000_000  # characters read again after repairs


def read_nodes(content: bytes, file: str, problems: Problems) -> tuple[Node | None, str]:
    """Read a context's bytes as nodes, with the text that they are of (repaired lines included).

    Every line that had to be repaired is a problem, and so is what stopped the reading.
    """
    text = _decoded(content, file, problems)
    repairs = min(MAX_REPAIRS, _BUDGET // max(1, len(content)))
    while text is not None:
        attempt = Problems()
        try:
            root = compose(text, file, attempt)
        except yaml.MarkedYAMLError as error:
            repaired = _repair(text, file, error, problems) if repairs else None
            if repaired is None:
                _explain(text, file, error, problems)
            text = repaired
            repairs -= 1
        except ReaderError as error:
            shown = f"U+{ord(text[error.position]):04X}"
            message = f"the character {shown} is not allowed in YAML"
            problems.add(_place(text, error.position, file), "HX-4001", message)
            text = None
        except ValueError:  # chr() of an escape such as "\U00110000"
            found = _BEYOND.search(text)
            mark = _place(text, found.start() if found else 0, file)
            problems.add(mark, "HX-4001", "the escape names no Unicode character")
            text = None
        else:
            if root is None and not attempt.found:
                problems.add(Mark(file, 1, 1), "HX-4001", "the context is empty")
            problems.absorb(attempt)
            return root, text
    return None, ""


def _decoded(content: bytes, file: str, problems: Problems) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        mark = _place(before, len(before), file)
        problems.add(mark, "HX-4001", "the context is not UTF-8", "save it as UTF-8")
        return None


def _place(text: str, index: int, file: str) -> Mark:
    before = split_lines(text[:index])
    return Mark(file, len(before), len(before[-1]) + 1)


def _at(mark: yaml.Mark | None) -> tuple[int, int]:
    return (int(mark.line), int(mark.column)) if mark else (0, 0)


def _repair(text: str, file: str, error: yaml.MarkedYAMLError, problems: Problems) -> str | None:
    """Correct the line at fault and note it; None when no correction lets YAML read on."""
    lines = split_lines(text)
    problem, context = _at(error.problem_mark), _at(error.context_mark)
    for number in dict.fromkeys((problem[0], context[0], problem[0] - 1)):
        if not 0 <= number < len(lines):
            continue
        line = lines[number]
        fixed = corrected(line)
        if fixed is None:
            continue
        repaired = replace_lines(text, {number: fixed})
        if _reads_further(repaired, problem[0]):
            offset = first_change(line, fixed)
            mark = Mark(file, number + 1, offset + 1)
            problems.cut(mark, _why(quoted_at(fixed, offset)), f"write: {fixed.strip()}")
            return repaired
    return None


def _reads_further(text: str, line: int) -> bool:
    try:
        _ = compose(text, "", Problems())
    except yaml.MarkedYAMLError as error:
        return _at(error.problem_mark)[0] > line
    except (yaml.YAMLError, ValueError):
        return False
    return True


def _why(leaf: str) -> str:
    if leaf.startswith(("{{", "{%")):
        return f"YAML takes an unquoted `{leaf[:2]}` for a mapping"
    if leaf[:1] in ("'", '"'):
        return "YAML takes the first quoted text for the whole value"
    if leaf[:1] in tuple("%@`&*!|>#,") or leaf[:2] in ("- ", "? "):
        return f"YAML lets no plain value begin with `{leaf[0]}`"
    if ": " in leaf:
        return "YAML takes `: ` in the expression for a key"
    return "YAML cuts the expression at a bracket, comma or quote"


_REASONS: Final = (
    ("'\\t'", "a tab stands where YAML wants spaces", "indent with spaces"),
    (
        "mapping values",
        "`: ` stands where no key can be",
        "check the indentation, and for a blank behind `:` in the line above; quote the text",
    ),
    ("block end", "the line does not go on from the one above", "check indentation and quotes"),
    ("could not find expected", "the line is no `key: value`", "add the colon, or quote the text"),
    ("sequence entries", "`- ` stands where no list can be", "begin the list on a line of its own"),
    ("document start", "a second value stands at the top level", "a context is one mapping"),
    ("node content", "a value is missing, or a bracket closes nothing", "quote the text"),
    ("document separator", "a `---` or `...` stands inside a quoted text", "close the quote"),
)


def _explain(text: str, file: str, error: yaml.MarkedYAMLError, problems: Problems) -> None:
    """Say in our words what stopped YAML, at the place where a person has to look."""
    reason, context = error.problem or "", error.context or ""
    line, column = _at(error.problem_mark)
    opened = _at(error.context_mark)
    above = open_quote(split_lines(text), line) if "block end" in reason else None
    if above is not None:
        mark = Mark(file, above[0] + 1, above[1] + 1)
        problems.cut(mark, "the quote opened here is not closed on its line", "close it")
    elif "quoted scalar" in context and "end of stream" in reason:
        mark = Mark(file, opened[0] + 1, opened[1] + 1)
        problems.cut(mark, "the quote opened here is never closed", "close it on its line")
    elif "flow" in context:
        mark = Mark(file, opened[0] + 1, opened[1] + 1)
        sign = split_lines(text)[opened[0]][opened[1] : opened[1] + 1]
        hint = "inside { } or [ ] put an expression with , : [ ] { } or quotes in single quotes"
        message = f"`{sign}` opened here breaks off at line {line + 1}, column {column + 1}"
        problems.cut(mark, message, hint)
    else:
        known = next((one for one in _REASONS if one[0] in f"{context} {reason}"), None)
        message, hint = known[1:] if known else (f"not YAML: {reason}", "")
        if "simple key" in context:
            line, column = opened
        problems.add(Mark(file, line + 1, column + 1), "HX-4001", message, hint)
