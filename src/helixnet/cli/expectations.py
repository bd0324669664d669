"""``helixnet test --update``: new expectations, and nothing else, written into the YAML."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias, cast

import yaml

from helixnet.cli.aside import Aside
from helixnet.engine.context.bundle import Bundle, bundle_from_files, load_bundle
from helixnet.engine.context.model import TestCase
from helixnet.engine.context.reader import read_context
from helixnet.engine.inspect import TestResult
from helixnet.engine.output import json_string, json_text
from helixnet.errors import UsageError

WIDTH: Final = 120

_Pair: TypeAlias = tuple[yaml.Node, yaml.Node]


def update_expectations(path: Path, results: Sequence[TestResult]) -> None:
    """Rewrite ``expect`` of the tests whose documents differ; all other bytes stay.

    An updated expectation speaks of the members that the old one spoke of; a test without
    ``expect`` is left alone.

    Args:
        path: context file or folder.
        results: of all tests, in order.

    Raises:
        UsageError: the context is in a zip, or the new file would not read back as meant.
    """
    if path.suffix.lower() == ".zip":
        raise UsageError("--update needs the context as a file or folder, not in a zip")
    bundle = load_bundle(path)
    text = bundle.files[bundle.entry].decode()
    cases = _cases(bundle)
    pairs = _expectations(text)
    for result in sorted(results, key=lambda result: result.index, reverse=True):
        if not result.passed and result.index in pairs and cases[result.index].expect is not None:
            renewed = _renewed(cases[result.index].expect, result.documents)
            text = _replaced(text, pairs[result.index], renewed)
    _check(bundle, text, cases)
    out = Aside(path / bundle.entry if path.is_dir() else path)
    try:
        out.write(text.encode())
        out.keep()
    finally:
        out.drop()


def _cases(bundle: Bundle) -> Sequence[TestCase]:
    context = read_context(bundle).context
    return () if context is None else context.tests


def _check(bundle: Bundle, text: str, before: Sequence[TestCase]) -> None:
    """Make sure that the new text says the same as the old one, expectations aside."""
    files = {**bundle.files, bundle.entry: text.encode()}
    after = _cases(bundle_from_files(bundle.entry, files))
    if [_rest(case) for case in before] != [_rest(case) for case in after]:
        raise UsageError(
            "the expectations can't be rewritten without touching more than them",
            hint="write each `expect` as one JSON object or list",
        )


def _rest(case: TestCase) -> tuple[object, ...]:
    return (case.name, case.input, case.rejects, case.inputs, case.expect is None)


def _expectations(text: str) -> Mapping[int, _Pair]:
    """Find key and value of ``expect`` in each test, by the test's place in the list."""
    found = _pair(yaml.compose(text, Loader=yaml.SafeLoader), "tests")
    if found is None or not isinstance(found[1], yaml.SequenceNode):
        return {}
    tests = cast("list[yaml.Node]", found[1].value)
    pairs = [(index, _pair(test, "expect")) for index, test in enumerate(tests)]
    return {index: pair for index, pair in pairs if pair is not None}


def _pair(node: yaml.Node | None, name: str) -> _Pair | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    pairs = cast("list[_Pair]", node.value)
    return next((pair for pair in pairs if pair[0].value == name), None)


def _renewed(old: object, written: Mapping[str, Sequence[object]]) -> object:
    if "" in written:
        return _documents(old, written[""])
    by_output = cast("dict[str, object]", old)
    return {name: _documents(known, written[name]) for name, known in by_output.items()}


def _documents(old: object, documents: Sequence[object]) -> object:
    if isinstance(old, list):
        return _same_members(cast("object", old), list(documents))
    return _same_members(old, documents[0]) if len(documents) == 1 else list(documents)


def _same_members(old: object, new: object) -> object:
    """Return ``new`` with only those members that ``old`` has, all the way down."""
    if isinstance(old, dict) and isinstance(new, dict):
        members = cast("dict[str, object]", new)
        return {
            name: _same_members(value, members[name])
            for name, value in cast("dict[str, object]", old).items()
            if name in members
        }
    if isinstance(old, list) and isinstance(new, list):
        known, items = cast("list[object]", old), cast("list[object]", new)
        return [
            _same_members(known[index], item) if index < len(known) else item
            for index, item in enumerate(items)
        ]
    return new


def _replaced(text: str, pair: _Pair, value: object) -> str:
    """Put a value, as JSON, which is YAML too, in the place of a node."""
    key, node = pair
    indent = key.start_mark.column + 2
    start, end = node.start_mark.index, node.end_mark.index
    if getattr(node, "flow_style", True):
        return text[:start] + _json(value, indent) + text[end:]
    start = key.end_mark.index + text[key.end_mark.index :].index(":") + 1
    lines = text[start:end].split("\n")
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    end = start + len("\n".join(lines))
    return text[:start] + " " + _json(value, indent) + text[end:]


def _json(value: object, indent: int) -> str:
    """Write JSON on one line if it fits, else a member or item a line."""
    line = _one_line(value)
    if indent + len(line) <= WIDTH or not value or not isinstance(value, dict | list):
        return line
    inner = indent + 2
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        items = [f"{json_string(name)}: {_json(one, inner)}" for name, one in members.items()]
        begin, end = "{", "}"
    else:
        items = [_json(one, inner) for one in cast("list[object]", value)]
        begin, end = "[", "]"
    gap = "\n" + " " * inner
    return begin + gap + ("," + gap).join(items) + "\n" + " " * indent + end


def _one_line(value: object) -> str:
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return (
            "{"
            + ", ".join(f"{json_string(name)}: {_one_line(one)}" for name, one in members.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_one_line, cast("list[object]", value))) + "]"
    return json_text(value)
