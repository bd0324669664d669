"""What a context writes: one kind of document by ``target`` and ``map``, or several ``outputs``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from helixnet.engine.context.keys import section
from helixnet.engine.context.map_reader import condition, identifier, read_map
from helixnet.engine.context.model import (
    Deliver,
    EachNode,
    Leaf,
    MapNode,
    Mark,
    ObjectNode,
    OutputSpec,
    WhenNode,
)
from helixnet.engine.context.outcome_reader import read_deliver
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.target_schema import read_target
from helixnet.engine.context.yaml_nodes import Node, Pairs, Scalar, kind

MAX_NAME: Final = 64
_REPLACED: Final = ("target", "map", "template", "deliver")


@dataclass(frozen=True, slots=True)
class ReadOutputs:
    """What a context writes.

    Args:
        specs: the kinds of documents; one without name unless the context has ``outputs``.
        map: of the one document, or an object with the map of each output under its name.
        deliver: of all outputs, in their order.
    """

    specs: Sequence[OutputSpec]
    map: MapNode | None
    deliver: Sequence[Deliver]


def require_outputs(root: Pairs, keys: Mapping[str, Node], problems: Problems) -> None:
    """See that a context says what it writes, and says it once."""
    if "outputs" in keys:
        for key in (key for key, _ in root.pairs if key.text in _REPLACED):
            message = f"`outputs` takes the place of `{key.text}`"
            problems.add(key.mark, "HX-4004", message, "write it inside an output, or not at all")
        return
    if "target" not in keys:
        problems.add(root.mark, "HX-4005", "`context` lacks `target`", "add `target:`")
    if "map" not in keys and "template" not in keys:
        problems.add(root.mark, "HX-4005", "`context` lacks `map`", "add `map:` or `template:`")
    if "map" in keys and "template" in keys:
        message = "`map` and `template` exclude each other"
        problems.add(keys["template"].mark, "HX-4004", message, "keep one of them")


def read_outputs(
    keys: Mapping[str, Node], files: Mapping[str, bytes], problems: Problems
) -> ReadOutputs:
    """Read ``outputs``, or ``target``, ``map`` and ``deliver`` as the one output without name."""
    if "outputs" in keys:
        return _named(keys["outputs"], files, problems)
    target = read_target(keys["target"], files, problems) if "target" in keys else None
    body = read_map(keys["map"], problems) if "map" in keys else None
    deliver = read_deliver(keys["deliver"], problems) if "deliver" in keys else []
    specs = [] if target is None else [OutputSpec("", target[0], target[1], keys["target"].mark)]
    return ReadOutputs(specs, body, deliver)


def _named(node: Node, files: Mapping[str, bytes], problems: Problems) -> ReadOutputs:
    if not isinstance(node, Pairs) or not node.pairs:
        what = "it names none" if isinstance(node, Pairs) else f"not {kind(node)}"
        message = f"`outputs` is a mapping from names to outputs; {what}"
        hint = "such as outputs: {orders: {target: order.schema.json, map: …}}"
        problems.add(node.mark, "HX-4004", message, hint)
        return ReadOutputs([], None, [])
    specs: list[OutputSpec] = []
    maps: dict[str, MapNode] = {}
    deliver: list[Deliver] = []
    for key, value in node.pairs:
        name = _name(key, maps, problems)
        keys = section(value, problems, "output", ("target", "map"), f"outputs.{key.text}") or {}
        target = read_target(keys["target"], files, problems) if "target" in keys else None
        body = _body(keys, problems)
        told = read_deliver(keys["deliver"], problems) if "deliver" in keys else []
        if name is None or target is None or body is None:
            continue
        deliver += [replace(one, output=len(specs)) for one in told]
        specs.append(OutputSpec(name, target[0], target[1], key.mark))
        maps[name] = body
    whole = len(specs) == len(node.pairs)
    marks: dict[str, Mark] = {spec.name: spec.mark for spec in specs}
    return ReadOutputs(specs, ObjectNode(maps, marks, node.mark) if whole else None, deliver)


def _name(key: Scalar, taken: Mapping[str, object], problems: Problems) -> str | None:
    """Read the name of an output: a word for expressions and the name of a file."""
    name = identifier(key, problems, "outputs")
    if name is None:
        return None
    if len(name) > MAX_NAME:
        problems.add(key.mark, "HX-4004", f"`{name[:60]}…` is longer than {MAX_NAME} characters")
        return None
    if name.lower() in map(str.lower, taken):
        message = f"`{name}` differs from another output by case only"
        problems.add(key.mark, "HX-4004", message, "each output is a file: take another name")
        return None
    return name


def _body(keys: Mapping[str, Node], problems: Problems) -> MapNode | None:
    """Read the map of an output, inside its condition."""
    body = read_map(keys["map"], problems) if "map" in keys else None
    when = condition(keys["when"], problems) if "when" in keys else None
    if body is None or when is None:
        return body
    return _under(when, body, problems)


def _under(when: Leaf, body: MapNode, problems: Problems) -> MapNode:
    match body:
        case EachNode(when=None):
            return replace(body, when=when)
        case EachNode(when=Leaf(mark=mark)):
            message = "`when` stands twice: at the output and beside its `each`"
            problems.add(mark, "HX-4004", message, "join them with `and` in one of the places")
            return body
        case _:
            return WhenNode(when, body, body.mark)
