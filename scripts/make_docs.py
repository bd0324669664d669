"""Write what is generated from the tables in the code; ``--check`` compares only.

The pages of ``docs/``, and the AsyncAPI document.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from helixnet.engine.codes import CODES
from helixnet.engine.mapping.filters.registry import (
    FAMILIES,
    REFUSED_FILTERS,
    REFUSED_TESTS,
    TESTS,
)
from helixnet.engine.mapping.filters.spec import REQUIRED, Example, FilterSpec, Param
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.dates import date_text

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, it stands beside no package
from scripts import asyncapi  # noqa: E402 - only now can it be found

DOCS: Final = ROOT / "docs"
NOTE: Final = "<!-- Made by `make docs` from the tables in the code: change those, not this. -->\n"

FILTERS_INTRO: Final = """\
# Filters and tests

`value | filter(arguments)`. All filters are HelixNet's own and strict: what does not fit exactly
is a reject with its place, never a guess. A filter binds tighter than arithmetic: write
`(QTY * PRICE) | money(2)`.

- **Null and absent** pass through a filter unchanged, unless its entry says otherwise. An
  argument that comes out null or absent makes the result null; a `null` that is written leaves
  out an argument whose default is null, and is an error of `check` for any other.
- **Types.** A value of a type that a filter does not take is an error of `check` where types are
  known, else a reject (HX-2005).
- **Numbers** are exact decimals. A text is a number if it is ASCII digits with an optional minus
  before them and an optional fraction (`12`, `-0.50`, `007`), without blanks, plus, exponent or
  grouping; `decimal` takes other separators. A result of more than 38 digits is a reject
  (HX-2004). Numbers are written without exponent, with their scale; zero never has a sign.
- **Quotients.** A division, and `avg`, give an exact quotient, which a rounding filter must
  follow: `(A / B * 100) | round(1)`.
- **Text** is counted, cut, compared and sorted by code points. The blanks are space, tab, CR, LF,
  VT, FF and the no-break space.
- **Fields of items.** Filters on lists take a key: `lines | sum("QTY")`. A dotted key goes on
  into children.

Dates are read and written with these codes, each in its full width:

| code | means | code | means |
|---|---|---|---|
| `%Y` | year, four digits | `%H` | hour, 00 to 23 |
| `%y` | year, two digits, with a `pivot` | `%M` | minute |
| `%m` | month, two digits | `%S` | second |
| `%d` | day, two digits | `%f` | fraction of a second, six digits |
| `%%` | a percent sign | `%z` | zone: `Z` or `+hh:mm` |

Without a format, dates are written as ISO 8601: `2026-11-23`, `2026-11-23T09:05:00`, with `Z` or
`+01:00` where a zone is declared.
"""
TESTS_INTRO: Final = """\
## Tests

`value is test`, `value is not test`. They see null and absent.
"""
REFUSED_INTRO: Final = """\
## Jinja's others

What Jinja has and HelixNet refuses in expressions, with what to write. Whole-document templates
(`template: NAME.j2`) keep Jinja's harmless ones; there `float`, `random`, `groupby`, `dictsort`,
`filesizeformat`, `pprint`, `urlize` and `lipsum` are refused too.
"""
FAMILY_TITLES: Final = {
    "1": "Source records",
    "2": "Mapping",
    "3": "Target document",
    "4": "Context",
    "5": "File and envelope",
    "6": "Limits",
    "7": "Operation",
}
ERRORS_INTRO: Final = """\
# Error codes

Every fault that HelixNet reports has one of these codes, in rejects, in `helixnet check`, in the
API and in logs. A code keeps its meaning for good. The codes that a context's own `checks` declare
stand beside HX-2006.
"""


def literal(value: object) -> str:
    """Write a value as an expression would."""
    if isinstance(value, str):
        return '"' + "".join(_escaped(char) for char in value) + '"'
    if isinstance(value, date):
        return date_text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(literal(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, Decimal | Fraction):
        return str(value)
    if value is None or value is ABSENT:
        return "null" if value is None else "absent"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _escaped(char: str) -> str:
    named = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\u00a0": "\\u00a0"}
    return named.get(char, char)


def kinds(found: frozenset[Kind]) -> str:
    """Name the kinds in a fixed order."""
    return " or ".join(str(kind) for kind in Kind if kind in found)


def gives(spec: FilterSpec) -> str:
    """Name what comes out, for each kind that goes in."""
    if spec.name == "date":
        return "date or datetime"
    return kinds(frozenset(spec.kind(kind, {}) for kind in spec.takes))


def signature(spec: FilterSpec) -> str:
    """Write how the filter is called, with the types on both sides."""
    names = [
        param.name if param.default is REQUIRED else f"{param.name}=…" for param in spec.params
    ]
    names += ["…"] if spec.more else []
    names += ["NAME=value, …"] if spec.selects else []
    call = f"{spec.name}({', '.join(names)})" if names else spec.name
    return f"{kinds(spec.takes)} | {call} → {gives(spec)}"


def parameter(param: Param) -> str:
    """Write one line about a parameter."""
    default = "" if param.default is REQUIRED else f", default {literal(param.default)}"
    constant = ", a literal" if param.constant else ""
    return f"- `{param.name}` ({kinds(param.takes)}{constant}{default}): {param.doc}"


def example(name: str, shown: Example) -> str:
    """Write one call and what comes of it."""
    arguments = [literal(arg) for arg in shown.args]
    arguments += [f"{key}={literal(value)}" for key, value in (shown.named or {}).items()]
    call = f"{name}({', '.join(arguments)})" if arguments else name
    return f"{literal(shown.value)} | {call}  →  {shown.fault or literal(shown.result)}"


def filter_entry(spec: FilterSpec) -> Iterator[str]:
    """Yield the lines of one filter."""
    yield f"### {spec.name}\n"
    yield f"`{signature(spec)}`\n"
    yield f"{spec.doc}\n"
    if spec.params:
        yield from map(parameter, spec.params)
        yield ""
    if spec.nulls:
        yield f"{spec.nulls}\n"
    if spec.examples:
        yield "```text"
        yield from (example(spec.name, shown) for shown in spec.examples)
        yield "```\n"


def filters_page() -> str:
    """Return docs/filters.md."""
    lines = [NOTE, FILTERS_INTRO]
    for family, specs in FAMILIES.items():
        links = " · ".join(f"[{spec.name}](#{spec.name})" for spec in specs)
        lines.append(f"- {family}: {links}")
    lines.append("")
    for family, specs in FAMILIES.items():
        lines.append(f"## {family}\n")
        for spec in specs:
            lines += filter_entry(spec)
    lines.append(TESTS_INTRO)
    for name, test in TESTS.items():
        lines += [f"### is {name}\n", f"{test.doc}\n", "```text"]
        lines += [f"{literal(e.value)} is {name}  →  {literal(e.result)}" for e in test.examples]
        lines.append("```\n")
    lines += [REFUSED_INTRO, *hints("filter", REFUSED_FILTERS), *hints("test", REFUSED_TESTS)]
    return "\n".join(lines).rstrip() + "\n"


def hints(title: str, refused: Mapping[str, str]) -> Sequence[str]:
    """Return a table of names, those with the same hint in one row."""
    by_hint: dict[str, list[str]] = {}
    for name, hint in refused.items():
        by_hint.setdefault(hint, []).append(f"`{name}`")
    rows = [f"| {', '.join(names)} | {hint} |" for hint, names in by_hint.items()]
    return [f"| {title} | instead |", "|---|---|", *rows, ""]


def errors_page() -> str:
    """Return docs/errors.md."""
    lines = [NOTE, ERRORS_INTRO]
    family = ""
    for code, about in CODES.items():
        if code[3] != family:
            family = code[3]
            lines.append(f"## {family}xxx: {FAMILY_TITLES[family]}\n")
        lines += [f"### {code}", f"**{about.title}.** {about.cause}\n", f"{about.action}\n"]
    return "\n".join(lines).rstrip() + "\n"


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "filters.md": filters_page,
    "errors.md": errors_page,
}
FILES: Final[Mapping[Path, Callable[[], str]]] = {
    **{DOCS / name: page for name, page in PAGES.items()},
    **dict.fromkeys(asyncapi.FILES, asyncapi.text),
}


def main() -> int:
    """Write the files, or with ``--check`` exit 1 if one is not up to date."""
    stale = {path: made() for path, made in FILES.items() if _text(path) != made()}
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not up to date: make docs")
        return 1 if stale else 0
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)} written")
    return 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    raise SystemExit(main())
