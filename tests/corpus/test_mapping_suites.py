"""The suites of other mapping languages, written anew as contexts: how much of them HelixNet does.

A case's input and result are read from the corpus; ``mappings/<suite>.yaml`` holds our maps. It
names, for each group of cases, the map that covers them, or the kind of reason why none does.
Each map stands for what people would write, over one record: ``data`` is the case's input, and the
constants of its expression are ``a``, ``b``, ``c``, … in their order (JOLT: its specification is
``spec``). A case is equal only if the whole result is; where the source says an error, ours must
be a typed error too.

``HELIXNET_UPDATE=1`` writes docs/mapping-suites.md anew.
"""

import json
import os
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, TypeGuard

import pytest
import yaml

from helixnet.engine.output import json_text
from tests.unit.engine.mapping.mapped import plan, run

pytestmark = pytest.mark.corpus

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[1] / "docs" / "mapping-suites.md"
ABSENT: Final = object()
FAULT: Final = object()
MAPPING: Final = frozenset({"HX-2001", "HX-2004", "HX-2005", "HX-2009", "DEAR", "FEW", "UNTRUE"})
JSON: Final = json.JSONDecoder(parse_float=Decimal, strict=False)
FREE: Final = re.compile(r"/\*.*?\*/|`[^`]*`|\$?[^\W\d]\w*|\s+", re.DOTALL)
QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
COMMENT: Final = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*')
GIVEN: Final = frozenset({*string.ascii_lowercase, "data"})
WORDS: Final = frozenset({"true", "false", "null"})
INTRO: Final = """\
<!-- Made by tests/corpus/test_mapping_suites.py from the suites' cases: HELIXNET_UPDATE=1. -->

# How much of other mapping languages

The open test suites of [JSONata](https://github.com/jsonata-js/jsonata) and
[JOLT](https://github.com/bazaarvoice/jolt), case by case: written anew as a map of HelixNet, run
over the case's own input, and compared with the case's own result, the whole of it. Numbers compare
by value, keys in any order; null is not absent. Where the suite says an error, ours must be a
reject with a code, of a map that `check` accepts. A function that a case declares is written out in
place; where JSONata makes one item of what it finds, our map says `first`. A case that no map
covers is counted under the kind of its reason.

The languages differ on purpose: HelixNet is for documents whose shape is known. The maps stand in
`tests/corpus/mappings/`, the inputs and results only in the suites.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: the record that our map sees, and what must come of it."""

    group: str
    name: str
    record: Mapping[str, Any]
    expected: Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which map covers a case, or why none does."""

    case: Case
    node: Any = None
    reason: str = ""


def constants(text: str) -> dict[str, Any]:
    """Return the constants of a JSONata expression, each as large as JSON can write it."""
    found: list[Any] = []
    at, before = 0, ""
    while at < len(text):
        free = FREE.match(text, at)
        if free is not None and not (free[0] in WORDS and before != "."):
            at, before = free.end(), before if free[0].isspace() else "x"
            continue
        value, end = _constant(text, at, before)
        if end > at:
            found.append(value)
            at, before = end, "x"
        else:
            at, before = at + 1, text[at]
    return dict(zip(string.ascii_lowercase, found, strict=False))


def _constant(text: str, at: int, before: str) -> tuple[Any, int]:
    quoted = QUOTED.match(text, at)
    if quoted is not None:
        inner = quoted[1].replace('"', '\\"').replace("\\'", "'")
        return JSON.decode(f'"{inner}"'), quoted.end()
    operand = before == "x" or before in ")]}$"
    if (text[at] in "-[" and operand and before) or text[at] in "NI":
        return None, at
    try:
        value, end = JSON.raw_decode(text, at)
    except json.JSONDecodeError:
        return None, at
    return value, end


def jsonata(root: Path) -> Iterator[Case]:
    """Read the JSONata suite."""
    for folder in sorted((root / "groups").iterdir()):
        for file in sorted(folder.glob("*.json")):
            told = load(file)
            several = is_list(told)
            for number, case in enumerate(told if several else [told]):
                name = f"{file.stem}/{number}" if several else file.stem
                yield Case(folder.name, name, _sight(root, file, case), _result(case))


def _sight(root: Path, file: Path, case: Any) -> dict[str, Any]:
    text = case.get("expr") or (file.parent / case["expr-file"]).read_text("utf-8")
    record: dict[str, Any] = constants(text)
    if "data" in case:
        record["data"] = case["data"]
    elif case.get("dataset") is not None:
        record["data"] = load(root / "datasets" / f"{case['dataset']}.json")
    return record | {"bound": case.get("bindings") or {}}


def _result(case: Any) -> Any:
    if "code" in case or "error" in case:
        return FAULT
    return case.get("result", ABSENT)


def jolt(root: Path) -> Iterator[Case]:
    """Read the JOLT suite."""
    for file in sorted(root.rglob("*.json")):
        group = file.relative_to(root).parts[0]
        if file.name == "output.json":
            continue
        if file.name == "input.json":
            record, expected = {"data": load(file)}, load(file.with_name("output.json"))
            yield Case(group, file.parent.name, record, expected)
            continue
        told = load(file)
        record = {"data": told["input"], "spec": told.get("spec")}
        yield Case(group, file.stem, record, told["expected"])


def load(file: Path) -> Any:
    """Read JSON that may hold comments."""
    bare = COMMENT.sub(lambda found: found[1] or "", file.read_text("utf-8"))
    return JSON.decode(bare.strip())


SUITES: Final[Mapping[str, tuple[str, Callable[[Path], Iterator[Case]]]]] = {
    "JSONata": ("mappings/jsonata-js__jsonata", jsonata),
    "JOLT": ("mappings/bazaarvoice__jolt", jolt),
}


def judged(suite: str, cases: Iterator[Case]) -> Iterator[Verdict]:
    """Find for each case its map or its reason; each name in our file must be used."""
    ours: dict[str, dict[str, Any]] = yaml.safe_load(
        (HERE / "mappings" / f"{suite.lower()}.yaml").read_text("utf-8")
    )
    left = {(group, names) for group, told in ours.items() for names in told if names != "rest"}
    for case in cases:
        told: dict[str, Any] = ours.get(case.group, {})
        found = [names for names in told if _named(case.name, names)]
        assert len(found) <= 1, f"{case.group} {case.name} stands twice"
        left -= {(case.group, names) for names in found}
        node = told[found[0]] if found else {"not": told.get("rest")}
        if is_object(node) and set(node) == {"not"}:
            assert node["not"], f"{case.group} {case.name} has neither a map nor a reason"
            yield Verdict(case, reason=node["not"])
        else:
            yield Verdict(case, node)
    assert not left, "these name no case"


def _named(name: str, names: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in names.split())


def outcome(node: Any, record: Mapping[str, Any]) -> Any:
    """Map one record: the value, or that it is absent, or that it is a fault of the mapping."""
    more: Mapping[str, Any] = {"map": node}
    if is_object(node) and "context" in node:
        more = node["context"]
    context: dict[str, Any] = {"target": True, "source": {"format": "json"}, **more}
    context["map"] = {**context.pop("beside", {}), "result": more["map"]}
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in context.items())
    found = run(plan(text), json_text(record))
    if found.documents:
        return found.documents[0].get("result", ABSENT)
    assert all(code in MAPPING for code, _ in found.codes), found.codes
    return FAULT


def is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is an object of JSON."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether it is a list of JSON."""
    return isinstance(value, list)


def same(left: Any, right: Any) -> bool:
    """Compare as JSON does: numbers by value, no number is a boolean, keys in any order."""
    if is_object(left) and is_object(right):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if is_list(left) and is_list(right):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) is isinstance(right, bool) and left == right


def page(verdicts: Mapping[str, list[Verdict]]) -> str:
    """Write the table of all suites."""
    lines = [INTRO]
    for suite, found in verdicts.items():
        covered = [verdict for verdict in found if not verdict.reason]
        share = 100 * len(covered) / len(found)
        bare = sum(str(verdict.node) in GIVEN for verdict in covered)
        told = f"{len(covered)} of {len(found)} cases are equal ({share:.0f} %)"
        lines += [f"## {suite}", f"{told}; {bare} of them only hand on what they are given.", ""]
        lines += ["| group | cases | equal | of these rejects | not covered, because of |"]
        lines += ["|---|---|---|---|---|"]
        for group in dict.fromkeys(verdict.case.group for verdict in found):
            lines.append(_row(group, [each for each in found if each.case.group == group]))
        reasons = Counter(verdict.reason for verdict in found if verdict.reason)
        lines += ["", "| not covered, because of | cases |", "|---|---|"]
        lines += [f"| {reason} | {count} |" for reason, count in reasons.most_common()]
        lines.append("")
    return "\n".join(lines)


def _row(group: str, found: list[Verdict]) -> str:
    covered = [verdict for verdict in found if not verdict.reason]
    faults = sum(verdict.case.expected is FAULT for verdict in covered)
    reasons = Counter(verdict.reason for verdict in found if verdict.reason)
    why = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    return f"| {group} | {len(found)} | {len(covered)} | {faults or ''} | {why} |"


def test_our_maps_give_what_the_suites_say(corpus: Callable[[str], Path]) -> None:
    """Each case is equal as a whole or named with its reason, and the page tells the share."""
    verdicts = {
        suite: list(judged(suite, read(corpus(folder)))) for suite, (folder, read) in SUITES.items()
    }
    unequal = [
        f"{suite} {verdict.case.group} {verdict.case.name}"
        for suite, found in verdicts.items()
        for verdict in found
        if not verdict.reason
        and not same(outcome(verdict.node, verdict.case.record), verdict.case.expected)
    ]
    assert unequal == []
    made = page(verdicts)
    if os.environ.get("HELIXNET_UPDATE"):
        PAGE.write_text(made, "utf-8")
    assert PAGE.read_text("utf-8") == made, "HELIXNET_UPDATE=1 writes it anew"
