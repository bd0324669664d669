"""What a person who knows spreadsheets types by habit, and how an expression says it."""

import re
from typing import Final, NamedTuple

from helixnet.engine.mapping.filters.registry import FILTERS

_LIST: Final = 'LIST | sum("COLUMN")'
_SOME: Final = 'LIST | many(COLUMN="X") | sum("COLUMN")'
_TABLE: Final = 'value | lookup("TABLE")'
_ROUND: Final = "(a * b) | round(2)"
_INPUT: Final = "inputs.today, a date that is declared under `inputs`"
FORMULAS: Final = {
    "and": "a and b",
    "average": 'LIST | avg("COLUMN") | round(2)',
    "concat": "a ~ b",
    "concatenate": "a ~ b",
    "count": "LIST | length",
    "counta": "LIST | length",
    "countif": 'LIST | many(COLUMN="X") | length',
    "countifs": 'LIST | many(COLUMN="X") | length',
    "date": 'text | date("%d.%m.%Y")',
    "datedif": "start | days_between(end)",
    "datevalue": 'text | date("%d.%m.%Y")',
    "day": 'day | format_date("%d")',
    "days": "start | days_between(end)",
    "edate": "day | add_months(1)",
    "find": 'text | before("-"), text | after("-")',
    "hlookup": _TABLE,
    "if": "a if CONDITION else b",
    "iferror": "value | or_else(b) where it may be empty; what is wrong is a reject",
    "ifna": "value | or_else(b)",
    "ifs": "a if CONDITION else b if CONDITION else c",
    "index": _TABLE,
    "isblank": "value is empty",
    "iserror": "nothing: what is wrong is a reject",
    "left": "text | substring(0, 3)",
    "len": "text | length",
    "match": _TABLE,
    "max": 'LIST | max("COLUMN"), [a, b] | max',
    "mid": "text | substring(1, 3), counted from 0",
    "min": 'LIST | min("COLUMN"), [a, b] | min',
    "month": 'day | format_date("%m")',
    "not": "not a",
    "now": _INPUT,
    "numbervalue": 'text | decimal(",", ".")',
    "or": "a or b",
    "proper": "text | upper, text | lower",
    "right": "text[-3:]",
    "round": _ROUND,
    "search": 'text | before("-"), text | after("-")',
    "substitute": 'text | replace("a", "b")',
    "sum": _LIST,
    "sumif": _SOME,
    "sumifs": _SOME,
    "sumproduct": "a list whose items have the product, then its sum",
    "switch": _TABLE,
    "text": 'day | format_date("%d.%m.%Y"), number | format_number(2)',
    "textjoin": 'LIST | join(", ", "COLUMN")',
    "today": _INPUT,
    "value": 'text | decimal(",", ".")',
    "vlookup": _TABLE,
    "xlookup": _TABLE,
    "year": 'day | format_date("%Y")',
}
"""How an expression says what a function of a spreadsheet does, by its name in small letters."""

_GERMAN: Final = {
    "heute": "today",
    "links": "left",
    "mittelwert": "average",
    "nicht": "not",
    "oder": "or",
    "rechts": "right",
    "runden": "round",
    "summe": "sum",
    "summewenn": "sumif",
    "sverweis": "vlookup",
    "teil": "mid",
    "und": "and",
    "verketten": "concatenate",
    "wechseln": "substitute",
    "wenn": "if",
}

_HABIT: Final = re.compile(
    r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
    r"""|(?P<lead>\A\s*=(?!=))|(?P<call>\b[A-Za-z]+(?=\s*\())|(?P<word>\b(?:AND|OR|NOT|TRUE|FALSE|THEN)\b)"""
    r"""|(?P<percent>[0-9]\s*%(?=\s*(?:[)|]|\Z)))|(?P<sign>&&?|\|\||<>|=>|=<|;|\^|\?|\$|[\u201c-\u201e\u2018\u2019])"""
)
_SIGNS: Final = {
    "&": "texts are joined with `~`",
    "&&": "write `and`",
    "||": "write `or`",
    "<>": "unequal is `!=`",
    "=>": "write `>=`",
    "=<": "write `<=`",
    ";": "arguments stand between `,`",
    "^": "multiply",
    "?": "write `a if CONDITION else b`",
    "$": "columns are named as they are, without `$`",
}
_WORD: Final = {"THEN": _SIGNS["?"]}
_CHAR: Final = re.compile(r"unexpected char '(.+)' at ([0-9]+)", re.DOTALL)
_TOKEN: Final = re.compile(r"(?:expected token '.+', got|unexpected) '(.+)'", re.DOTALL)
_MOST: Final = 3  # hints of one problem
_WORDS: Final = (
    'a fixed text is {const: TEXT}; a text with values in it is "Customer {{ NAME }}"; '
    'a column with a blank in its name is record["PO NO"]'
)


class Explained(NamedTuple):
    """A syntax error in a mapper's words; ``at`` is its offset in the leaf."""

    at: int
    message: str
    hint: str


def formula_hint(name: str) -> str:
    """Return how an expression says what the function ``name`` does; empty if none is known."""
    known = FORMULAS.get(_GERMAN.get(name.lower(), name.lower()))
    if known is not None:
        return f"{name.upper()} is written: {known}"
    return f"write value | {name.lower()}" if name.lower() in FILTERS else ""


def explained(text: str, message: str, at: int) -> Explained:
    """Say what is wrong in a leaf that does not parse, and what to write for a spreadsheet's habit.

    Args:
        text: the leaf.
        message: what Jinja says.
        at: where; Jinja's lexer says it only in its message.
    """
    char, token = _CHAR.fullmatch(message), _TOKEN.fullmatch(message)
    if char is not None:
        at, message = int(char[2]), f"unexpected `{char[1]}`"
    elif token is not None:
        message = f"unexpected `{token[1]}`"
    elif "function call" in message:
        message = "functions can't be called"
    start, end = _part(text, at)
    hints = _habits(text[start:end])
    here = _at_place(text, at)
    if here and not hints:
        hints.append(here)
    return Explained(at, message, "; ".join(hints[:_MOST]))


def _part(text: str, at: int) -> tuple[int, int]:
    """Return where the expression around ``at`` begins and ends: of a template only that one."""
    if "{{" not in text and "{%" not in text:
        return 0, len(text)
    start = max(text.rfind("{{", 0, at + 1), text.rfind("{%", 0, at + 1), 0) + 2
    ends = [found for found in (text.find("}}", start), text.find("%}", start)) if found >= 0]
    return start, min(ends, default=len(text))


def _habits(text: str) -> list[str]:
    hints: list[str] = []
    for found in _HABIT.finditer(text):
        match found.lastgroup:
            case "lead":
                hints.append("leave out the `=` at the beginning")
            case "call" if not text[: found.start()].rstrip().endswith("|"):
                hints.append(formula_hint(found["call"]))
            case "word":
                hints.append(_WORD.get(found["word"], f"write `{found['word'].lower()}`"))
            case "percent":
                hints.append("write 0.19 for 19 %")
            case "sign":
                hints.append(_SIGNS.get(found["sign"], "quotes are straight: \" or '"))
            case _:
                pass
    return list(dict.fromkeys(filter(None, hints)))


def _at_place(text: str, at: int) -> str:
    """Return what is meant by a sign that is wrong only where it stands."""
    before, after = text[:at].rstrip(), text[at:].lstrip()
    if after.startswith("="):
        return "equal is `==`"
    if re.match(r",\s*[0-9]", after) and before[-1:].isdigit():
        return "a decimal number has a point: 1.19"
    if after.startswith(">") and before.endswith("<"):
        return _SIGNS["<>"]
    if before[-1:].isalnum() and re.match(r"[^\W\d]|\{", after):
        return _WORDS
    return ""
