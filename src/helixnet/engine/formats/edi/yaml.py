"""Reads the structure of a message: ``tree`` and ``segments`` (docs/edi.md)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import yaml

from helixnet.engine.formats.edi.elements import Element, elements_of
from helixnet.engine.formats.idoc.segments import GrammarError

TAG: Final = re.compile(r"[A-Z][A-Z0-9]{1,2}")
MOST_DEEP: Final = 50
_KEYS: Final = {"x12", "edifact", "version", "source", "tree", "segments"}


@dataclass(frozen=True, slots=True)
class Structure:
    """What stands under what in a message, as it is written.

    Args:
        type: message type; empty in a context's own structure.
        tree: tags under the root, and under them.
        segments: elements by tag, for the tags that list some.
        version: of the message type, such as D.96A or 004010.
    """

    type: str = ""
    tree: Mapping[str, Any] = field(default_factory=dict[str, Any])
    segments: Mapping[str, tuple[Element, ...]] = field(
        default_factory=dict[str, tuple[Element, ...]]
    )
    version: str = ""


def parse_structure(text: str, standard: str) -> Structure:
    """Return the structure in the text of a file.

    Args:
        text: YAML.
        standard: x12 or edifact, which the file must be about.

    Raises:
        GrammarError: the text is not YAML, or not of this form.
    """
    document = _load(text)
    if unknown := sorted(set(document) - _KEYS):
        raise GrammarError(f"unknown key {unknown[0]!r} in the structure")
    kind = document.get(standard)
    if not isinstance(kind, str) or not kind:
        raise GrammarError(f"`{standard}:` must name the message type")
    version = document.get("version", "")
    return structure_of(document, kind, version if isinstance(version, str) else "")


def structure_of(written: Mapping[str, object], kind: str = "", version: str = "") -> Structure:
    """Return the structure that has these ``tree`` and ``segments``.

    Raises:
        GrammarError: they are not of this form.
    """
    tree = _branch(written.get("tree"), "tree", 0)
    listed = _mapping(written.get("segments") or {}, "segments")
    segments = {_tag(tag): _elements(tag, below) for tag, below in listed.items()}
    return Structure(kind, tree, segments, version)


def _elements(tag: str, listed: object) -> tuple[Element, ...]:
    if not isinstance(listed, str):
        raise GrammarError(f"the elements of {tag} must be one text: 3035, C082(3039 1131 3055)")
    try:
        return elements_of(listed)
    except GrammarError as fault:
        raise GrammarError(f"{tag}: {fault}") from fault


def _load(text: str) -> dict[str, object]:
    try:
        for token in yaml.scan(text, Loader=yaml.BaseLoader):
            if isinstance(token, (yaml.AnchorToken, yaml.AliasToken)):
                raise GrammarError("anchors and aliases are not allowed in a structure")
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        return _mapping(_plain(node), "the structure")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise GrammarError(f"the structure is not YAML: {error}") from error


def _plain(node: yaml.Node | None) -> object:
    """Return texts, lists and mappings: an element called 0081 is no number."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(below) for below in node.value]
    if not isinstance(node, yaml.MappingNode):
        return node.value if isinstance(node, yaml.ScalarNode) else None
    found: dict[object, object] = {}
    for key, value in node.value:
        name = _plain(key)
        if not isinstance(name, str) or name in found:
            line = node.start_mark.line + 1
            raise GrammarError(f"line {line}: {name!r} is no name, or stands twice")
        found[name] = _plain(value)
    return found


def _branch(written: object, name: str, depth: int) -> dict[str, Any]:
    """Read what stands under a segment: a mapping, a list of tags, or nothing."""
    if depth > MOST_DEEP:
        raise GrammarError(f"segments nest at most {MOST_DEEP} deep")
    if written in (None, "", "null", "~"):
        return {}
    if isinstance(written, list):
        tags = [_tag(tag) for tag in cast("list[object]", written)]
        return {tag: {} for tag in tags}
    below = _mapping(written, f"what stands under {name}")
    return {_tag(tag): _branch(branch, tag, depth + 1) for tag, branch in below.items()}


def _tag(tag: object) -> str:
    if not isinstance(tag, str) or not TAG.fullmatch(tag):
        raise GrammarError(f"{tag!r} is not a segment tag, such as N1 or NAD")
    return tag


def _mapping(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise GrammarError(f"{what} must be a mapping")
    return cast("dict[str, object]", value)
