"""Every key of the format, by place; ``schemas/context.schema.json`` has the same."""

from collections.abc import Mapping, Sequence
from typing import Final

from helixnet.engine.context.problems import Problems, near
from helixnet.engine.context.yaml_nodes import Node, Pairs, kind

KEYS: Final[Mapping[str, Sequence[str]]] = {
    "context": (
        "helixnet", "name", "version", "target", "source", "group", "lookups", "vars",
        "joins", "skip_when", "map", "template", "outputs", "pipeline", "checks", "on_error",
        "deliver", "inputs", "tests", "hints", "totals", "file_checks",
    ),
    "source": (
        "format", "encoding", "delimiter", "header", "nulls", "decimal", "thousands", "locale",
        "on_drift", "fields", "type", "grammar", "record", "max_record_bytes", "unit", "records",
        "fill_down", "record_length", "namespaces", "structure", "sheet", "range",
    ),
    "record_length": ("bytes", "end", "prefix", "order", "counts"),
    "field": (
        "type", "required", "format", "digits", "scale", "true", "false", "pivot", "zone", "at",
        "as", "signed",
    ),
    "record": ("at", "is", "fields", "children", "once"),
    "group": ("by", "order", "header", "lines", "same"),
    "lookup": (
        "inline", "file", "key", "value", "row", "rows", "valid", "missing", "sheet", "header_row",
        "delimiter", "encoding", "nulls", "decimal", "thousands", "locale", "fields",
    ),
    "valid": ("from", "to"),
    "step": ("use", "when"),
    "output": ("target", "when", "map", "deliver"),
    "join": ("source", "file", "on", "kind", "rows"),
    "const": ("const",),
    "check": ("that", "code", "text"),
    "on_error": ("scope", "stop_at"),
    "deliver": ("topic", "key"),
    "input": ("type", "default"),
    "test": (
        "name", "input", "input_file", "inputs", "joins", "expect", "rejects", "file_checks",
    ),
    "hints": ("fields", "aliases"),
}  # fmt: skip

LATER: Final[Mapping[str, Sequence[str]]] = {
    "source": ("totals", "file_checks"),
    "deliver": ("rest", "sftp"),
}

DIRECTIVES: Final = ("each", "as", "where", "when", "map", "const", "object")


def section(
    node: Node, problems: Problems, place: str, required: Sequence[str] = (), name: str = ""
) -> dict[str, Node] | None:
    """Read the known keys of a mapping; None when it is no mapping.

    Unknown keys (HX-4003), keys of a later version (HX-4301) and missing ones (HX-4005) are
    problems.

    Args:
        node: what stands there.
        problems: where to note what is wrong.
        place: which row of :data:`KEYS` holds.
        required: keys that must be there.
        name: how messages call it; ``place`` unless given.
    """
    called = name or place
    if not isinstance(node, Pairs):
        hint = f"write `{called}: {{{required[0]}: …}}`" if required else ""
        problems.add(node.mark, "HX-4004", f"`{called}` is a mapping, not {kind(node)}", hint)
        return None
    known = KEYS[place]
    read: dict[str, Node] = {}
    for key, value in node.pairs:
        if key.text in known:
            read[key.text] = value
        elif key.text in LATER.get(place, ()):
            later(key.text, key, problems)
        else:
            hint = near(key.text, known)
            problems.add(key.mark, "HX-4003", f"unknown key `{key.text}` in `{called}`", hint)
    for key_name in required:
        if key_name not in read:
            problems.add(
                node.mark, "HX-4005", f"`{called}` lacks `{key_name}`", f"add `{key_name}:`"
            )
    return read


def later(what: str, node: Node, problems: Problems) -> None:
    """Refuse what the format has and this version does not do yet."""
    hint = "docs/context-format.md says what works"
    problems.add(node.mark, "HX-4301", f"`{what}` is not in this version", hint)
