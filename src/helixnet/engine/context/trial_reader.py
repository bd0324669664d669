"""``inputs``, ``tests`` and ``hints``: what comes from outside, and what people say about it."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, cast

from helixnet.engine.context.field_reader import TYPES
from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import Json, choice, data, text, texts
from helixnet.engine.context.map_reader import identifier
from helixnet.engine.context.model import InputSpec, TestCase
from helixnet.engine.context.names import find
from helixnet.engine.context.outcome_reader import members
from helixnet.engine.context.problems import Problems, near
from helixnet.engine.context.yaml_nodes import Items, Node, Pairs, Scalar, kind

REJECT_KEYS: Final = (
    *("code", "message", "record", "line", "column", "byte", "field", "segment"),
    *("target", "rule", "step", "value", "hint"),
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def read_inputs(node: Node, problems: Problems) -> dict[str, InputSpec]:
    """Read ``inputs``; defaults stay as written in JSON (a date is its ISO text)."""
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", f"`inputs` is a mapping, not {kind(node)}")
        return {}
    read = [_input(key, value, problems) for key, value in node.pairs]
    return {one.name: one for one in read if one is not None}


def _input(key: Scalar, node: Node, problems: Problems) -> InputSpec | None:
    name = identifier(key, problems, "inputs")
    keys = section(node, problems, "input", required=("type",), name=f"inputs.{key.text}")
    if name is None or keys is None or "type" not in keys:
        return None
    type_ = choice(keys["type"], problems, "type", TYPES)
    if type_ is None:
        return None
    default = data(keys["default"], problems) if "default" in keys else None
    if "default" in keys and default is not None and not fits(default, type_):
        hint = f'write "{default}"' if type_ == "string" else _EXAMPLES[type_]
        message = f"`default` is no {type_}"
        problems.add(keys["default"].mark, "HX-4004", message, hint)
    return InputSpec(name, type_, default, "default" not in keys, key.mark)


_EXAMPLES: Mapping[str, str] = {
    "integer": "such as 12",
    "decimal": "such as 12.50",
    "boolean": "true or false",
    "date": 'such as "2026-11-23"',
    "datetime": 'such as "2026-11-23T08:00:00Z"',
}


def fits(value: Json, type_: str) -> bool:
    """Whether a JSON value is of an input's type; dates are ISO 8601 texts."""
    match type_:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "decimal":
            return isinstance(value, int | Decimal) and not isinstance(value, bool)
        case _:
            return isinstance(value, str) and _is_moment(value, with_time=type_ == "datetime")


def _is_moment(value: str, *, with_time: bool) -> bool:
    if (_DATE.fullmatch(value) is None) != with_time:
        return False
    try:
        _ = datetime.fromisoformat(value) if with_time else date.fromisoformat(value)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Nameable:
    """What a context's tests may name.

    Args:
        inputs: that it declares.
        joins: names of its second files.
        outputs: the names by which ``expect`` speaks of documents, if it does.
        files: of the bundle.
    """

    inputs: Mapping[str, InputSpec]
    joins: Collection[str]
    outputs: Sequence[str]
    files: Mapping[str, bytes]


def read_tests(node: Node, known: Nameable, problems: Problems) -> list[TestCase]:
    """Read ``tests``; one with a problem is left out.

    Args:
        node: what stands under ``tests``.
        known: what tests may name.
        problems: takes what is wrong.
    """
    read = [_test(one, known, problems) for one in members(node, problems, "tests")]
    return [one for one in read if one is not None]


def _test(node: Node, known: Nameable, problems: Problems) -> TestCase | None:
    keys = section(node, problems, "test", required=("name",))
    if keys is None:
        return None
    if not {"expect", "rejects", "file_checks"} & keys.keys():
        hint = "add `expect:` with the document, or `rejects:`"
        problems.add(node.mark, "HX-4005", "`test` expects nothing", hint)
    name = text(keys["name"], problems, "name") if "name" in keys else None
    content = _input_of(keys, node, known.files, problems)
    if name is None or content is None:
        return None
    return TestCase(
        name=name,
        input=content,
        expect=_expect(keys["expect"], known.outputs, problems) if "expect" in keys else None,
        rejects=_rejects(keys["rejects"], problems) if "rejects" in keys else None,
        inputs=_given(keys["inputs"], known.inputs, problems) if "inputs" in keys else {},
        mark=node.mark,
        file_checks=texts(keys["file_checks"], problems, "file_checks")
        if "file_checks" in keys
        else (),
        joins=_second_files(keys["joins"], known.joins, problems) if "joins" in keys else {},
    )


def _input_of(
    keys: Mapping[str, Node], node: Node, files: Mapping[str, bytes], problems: Problems
) -> str | bytes | None:
    """Read the file of a test: its text, or the name of a file that is no text."""
    written, named = keys.get("input"), keys.get("input_file")
    if written is not None and named is not None:
        problems.add(named.mark, "HX-4004", "`input` and `input_file` exclude each other")
        return None
    if named is not None:
        name = text(named, problems, "input_file")
        found = find(name, named.mark, files, problems) if name else None
        return files[found] if found else None
    if written is None:
        hint = "add `input:` with the text of a file, or `input_file:` with a file of the bundle"
        problems.add(node.mark, "HX-4005", "`test` lacks `input`", hint)
        return None
    return text(written, problems, "input", empty=True)


def _second_files(node: Node, joins: Collection[str], problems: Problems) -> dict[str, str]:
    """Read the text of second files, by the name of the join."""
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", f"`joins` is a mapping, not {kind(node)}")
        return {}
    read: dict[str, str] = {}
    for key, value in node.pairs:
        content = text(value, problems, key.text, empty=True)
        if key.text not in joins:
            message = f"`{key.text}` is no join of this context"
            problems.add(key.mark, "HX-4003", message, near(key.text, joins))
        elif content is not None:
            read[key.text] = content
    return read


def _expect(node: Node, outputs: Sequence[str], problems: Problems) -> Json:
    if outputs and not isinstance(node, Pairs):
        message = f"`expect` names outputs, such as {outputs[0]}, and is not {kind(node)}"
        hint = f"write expect: {{{outputs[0]}: …}}"
        problems.add(node.mark, "HX-4004", message, hint)
        return None
    if outputs and isinstance(node, Pairs):
        for key, value in node.pairs:
            if key.text not in outputs:
                message = f"`{key.text}` is no output of this context"
                problems.add(key.mark, "HX-4003", message, near(key.text, outputs))
            _documents(value, problems)
        return data(node, problems)
    return _documents(node, problems)


def _documents(node: Node, problems: Problems) -> Json:
    if isinstance(node, Scalar):
        message = f"`expect` is a document or a list of documents, not {kind(node)}"
        problems.add(node.mark, "HX-4004", message)
        return None
    return data(node, problems)


def _rejects(node: Node, problems: Problems) -> list[Mapping[str, object]]:
    read: list[Mapping[str, object]] = []
    for one in members(node, problems, "rejects"):
        if isinstance(one, Pairs):
            _reject_keys(one, problems)
            read.append(cast("dict[str, object]", data(one, problems)))
        else:
            hint = "such as {code: HX-1102, line: 2}"
            problems.add(one.mark, "HX-4004", f"a reject is a mapping, not {kind(one)}", hint)
    return read


def _reject_keys(node: Pairs, problems: Problems) -> None:
    """A key that no error has would never fit, and the test would fail for a reason not shown."""
    for key, _ in node.pairs:
        if key.text not in REJECT_KEYS:
            hint = near(key.text, REJECT_KEYS)
            if key.text in ("errors", "source"):
                hint = "an error stands there itself, with its place: {code: HX-1102, line: 2}"
            problems.add(key.mark, "HX-4003", f"unknown key `{key.text}` in `rejects`", hint)


def _given(node: Node, inputs: Mapping[str, InputSpec], problems: Problems) -> Mapping[str, object]:
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", f"`inputs` is a mapping, not {kind(node)}")
        return {}
    given: dict[str, object] = {}
    for key, value in node.pairs:
        read = data(value, problems)
        spec = inputs.get(key.text)
        if spec is None:
            message = f"`{key.text}` is no input of this context"
            problems.add(key.mark, "HX-4003", message, near(key.text, inputs))
        elif read is not None and not fits(read, spec.type):
            problems.add(value.mark, "HX-4004", f"`{key.text}` is no {spec.type}")
        else:
            given[key.text] = read
    return given


def read_hints(node: Node, problems: Problems) -> None:
    """Check ``hints``; only ``suggest`` uses them, from the YAML itself."""
    keys = section(node, problems, "hints") or {}
    for name, value in keys.items():
        if not isinstance(value, Pairs):
            problems.add(value.mark, "HX-4004", f"`{name}` is a mapping, not {kind(value)}")
            continue
        for key, said in value.pairs:
            if name == "fields":
                _ = text(said, problems, f"hints.fields.{key.text}")
            elif isinstance(said, Items | Scalar):
                _ = texts(said, problems, f"hints.aliases.{key.text}")
