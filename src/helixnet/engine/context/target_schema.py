"""``target``: the JSON Schema of the result, inline or from a file, decoded exactly."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from helixnet.engine.context.literals import data, text
from helixnet.engine.context.model import Mark
from helixnet.engine.context.names import find
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Node, Pairs, Scalar

Schema = Mapping[str, object] | bool


def read_target(
    node: Node, files: Mapping[str, bytes], problems: Problems
) -> tuple[Schema, Mark] | None:
    """Read ``target`` with the place where the schema begins; None after a problem."""
    if isinstance(node, Pairs):
        return cast("Mapping[str, object]", data(node, problems)), node.mark
    if isinstance(node, Scalar) and node.plain and node.text in ("true", "false"):
        return node.text == "true", node.mark
    name = text(node, problems, "target")
    found = find(name, node.mark, files, problems) if name else None
    if found is None:
        return None
    schema = decode_schema(files[found], found, problems)
    return None if schema is None else (schema, Mark(found, 1, 1))


def decode_schema(content: bytes, file: str, problems: Problems) -> Schema | None:
    """Decode a schema file: JSON with exact numbers, each key once (HX-4203 if not)."""
    try:
        decoded = cast(
            "object",
            json.loads(
                content.decode("utf-8-sig"),
                parse_float=Decimal,
                parse_constant=_no_constant,
                object_pairs_hook=_unique,
            ),
        )
    except UnicodeDecodeError as error:
        mark = Mark(file, content.count(b"\n", 0, error.start) + 1, 1)
        problems.add(mark, "HX-4203", "the schema is not UTF-8")
    except json.JSONDecodeError as error:
        mark = Mark(file, error.lineno, error.colno)
        problems.add(mark, "HX-4203", f"the schema is not JSON: {error.msg}", _NOT_JSON)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        problems.add(Mark(file, 1, 1), "HX-4203", f"the schema is not usable: {reason}")
    else:
        if isinstance(decoded, dict):
            return cast("dict[str, object]", decoded)
        if isinstance(decoded, bool):
            return decoded
        problems.add(Mark(file, 1, 1), "HX-4203", "a JSON Schema is an object, true or false")
    return None


_NOT_JSON = "a schema file is JSON; YAML goes inline under `target:`"


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is no JSON number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    decoded = dict(pairs)
    if len(decoded) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key `{twice}` stands twice in one object")
    return decoded
