"""Which files a context names: they and no others go into the bundle made from a folder."""

import json
import posixpath
from collections.abc import Callable, Iterator
from typing import cast
from urllib.parse import unquote

from jinja2 import Environment, TemplateSyntaxError, meta

from helixnet.engine.context.model import Mark
from helixnet.engine.context.names import inside
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.recovery import read_nodes
from helixnet.engine.context.yaml_nodes import Items, Node, Pairs, Scalar

Load = Callable[[str, Mark], bytes | None]


def collect(entry: str, content: bytes, load: Load) -> dict[str, bytes]:
    """Gather the context and, through ``load``, every file that it names, directly or not.

    What is missing or leads out of the bundle is left out: the reader says so with its place.
    """
    files = {entry: content}
    waiting = list(_named_by_context(content, entry))
    while waiting:
        kind, name, mark = waiting.pop()
        normal = inside(name)
        if normal is None or normal in files:
            continue
        found = load(normal, mark)
        if found is None:
            continue
        files[normal] = found
        if kind == "context":
            waiting += _named_by_context(found, normal)
        if kind == "target":
            waiting += [("target", ref, mark) for ref in _references(found, normal)]
        elif kind == "template":
            waiting += [("template", ref, mark) for ref in _includes(found)]
    return files


def _named_by_context(content: bytes, entry: str) -> Iterator[tuple[str, str, Mark]]:
    root, _ = read_nodes(content, entry, Problems())
    if not isinstance(root, Pairs):
        return
    yield from _named("template", root.get("template"))
    yield from _steps(root)
    yield from _targets(root)
    source = root.get("source")
    if isinstance(source, Pairs):
        yield from _named("grammar", source.get("grammar"))
    for key in ("lookups", "joins"):
        yield from _tables(root.get(key))
    tests = root.get("tests")
    for test in tests.items if isinstance(tests, Items) else ():
        if isinstance(test, Pairs):
            yield from _named("input", test.get("input_file"))


def _tables(node: Node | None) -> Iterator[tuple[str, str, Mark]]:
    for _, table in node.pairs if isinstance(node, Pairs) else ():
        if isinstance(table, Pairs):
            yield from _named("table", table.get("file"))


def steps_named(content: bytes, entry: str) -> list[str]:
    """Return the contexts that a pipeline uses, as their files are called in the bundle."""
    root, _ = read_nodes(content, entry, Problems())
    names = [inside(name) for _, name, _ in _steps(root)] if isinstance(root, Pairs) else []
    return [name for name in names if name is not None]


def _steps(root: Pairs) -> Iterator[tuple[str, str, Mark]]:
    pipeline = root.get("pipeline")
    for step in pipeline.items if isinstance(pipeline, Items) else ():
        if isinstance(step, Pairs):
            yield from _named("context", step.get("use"))


def _targets(node: Pairs) -> Iterator[tuple[str, str, Mark]]:
    """Yield the schemas that a context names, or refers to, also those of its outputs."""
    outputs = node.get("outputs")
    for _, output in outputs.pairs if isinstance(outputs, Pairs) else ():
        if isinstance(output, Pairs):
            yield from _targets(output)
    target = node.get("target")
    yield from _named("target", target)
    if isinstance(target, Pairs):
        for ref in _inline_references(target):
            yield "target", ref, target.mark


def _named(kind: str, node: Node | None) -> Iterator[tuple[str, str, Mark]]:
    if isinstance(node, Scalar):
        yield kind, node.text, node.mark


def _inline_references(node: Node) -> Iterator[str]:
    match node:
        case Scalar():
            return
        case Pairs():
            for key, value in node.pairs:
                if key.text in ("$ref", "$dynamicRef") and isinstance(value, Scalar):
                    yield from _relative(value.text, "")
                else:
                    yield from _inline_references(value)
        case _:
            for one in node.items:
                yield from _inline_references(one)


def _references(content: bytes, name: str) -> Iterator[str]:
    """Bundle names that a schema file refers to, relative to its own folder."""
    try:
        waiting = [cast("object", json.loads(content))]
    except (ValueError, RecursionError):
        return
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            for key, value in cast("dict[str, object]", node).items():
                if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                    yield from _relative(value, name)
                else:
                    waiting.append(value)
        elif isinstance(node, list):
            waiting += cast("list[object]", node)


def _relative(reference: str, base: str) -> Iterator[str]:
    path = unquote(reference.partition("#")[0])
    if path and "://" not in path and not path.startswith(("/", "urn:")):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(base), path))


def _includes(content: bytes) -> Iterator[str]:
    try:
        # Only parsed, never rendered: no escaping takes place.
        tree = Environment(autoescape=True).parse(content.decode("utf-8-sig"))
    except (TemplateSyntaxError, UnicodeDecodeError, RecursionError):
        return
    yield from (name for name in meta.find_referenced_templates(tree) if name)
