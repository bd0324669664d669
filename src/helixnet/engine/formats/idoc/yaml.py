"""Reads the YAML form of a grammar: ``idoc``, ``tree`` and ``segments`` (docs/idoc-grammar.md)."""

from typing import Final, cast

import yaml

from helixnet.engine.formats.idoc.segments import (
    CONTROL_FIELDS,
    DATA_START,
    GrammarError,
    SegmentDraft,
    fields_of,
)

_REUSE: Final = frozenset("&*")  # what anchors and aliases begin with
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # as safe, and ten times as fast
_KEYS: Final = {"idoc", "version", "source", "tree", "segments"}


def parse_yaml(text: str) -> tuple[str, dict[str, SegmentDraft]]:
    """Return the IDoc type and its segments.

    Raises:
        GrammarError: the text is not YAML, or not of this form.
    """
    document = _load(text)
    if unknown := sorted(set(document) - _KEYS):
        raise GrammarError(f"unknown key {unknown[0]!r} in the grammar")
    kind, listed = document.get("idoc"), _mapping(document.get("segments"), "segments")
    if not isinstance(kind, str):
        raise GrammarError("`idoc:` must name the IDoc type")
    drafts = {"": SegmentDraft(), "EDI_DC40": SegmentDraft(fields_of(CONTROL_FIELDS, 0))}
    for name, fields in listed.items():
        if not isinstance(fields, str):
            raise GrammarError(f"the fields of {name} must be one text: NAME length, NAME length")
        start = 0 if name == "EDI_DC40" else DATA_START
        drafts[name] = SegmentDraft(fields_of(fields, start) if fields.strip() else {})
    _plant(_mapping(document.get("tree"), "tree"), "", drafts)
    if "EDI_DC40" not in drafts[""].children:
        drafts[""].children.insert(0, "EDI_DC40")
    return kind, drafts


def _load(text: str) -> dict[str, object]:
    try:
        if not _REUSE.isdisjoint(text):
            for token in yaml.scan(text, Loader=yaml.SafeLoader):
                if isinstance(token, (yaml.AnchorToken, yaml.AliasToken)):
                    raise GrammarError("anchors and aliases are not allowed in a grammar")
        return _mapping(yaml.load(text, Loader=_LOADER), "the grammar")  # noqa: S506 - a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise GrammarError(f"the grammar is not YAML: {error}") from error


def _plant(tree: dict[str, object], parent: str, drafts: dict[str, SegmentDraft]) -> None:
    for name, below in tree.items():
        drafts.setdefault(parent, SegmentDraft()).children.append(name)
        _plant(_mapping(below or {}, f"what stands under {name}"), name, drafts)


def _mapping(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise GrammarError(f"{what} must be a mapping")
    found = cast("dict[object, object]", value)
    if not all(isinstance(key, str) for key in found):
        raise GrammarError(f"{what}: a name must be text")
    return cast("dict[str, object]", value)
