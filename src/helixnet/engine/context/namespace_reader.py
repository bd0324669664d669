"""``source.namespaces`` and the path of an XML record."""

import re
from collections.abc import Mapping
from typing import Final

from helixnet.engine.context.literals import text
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Node, Pairs, kind

_PREFIX: Final = re.compile(r"[^\W\d][\w.-]*")
_STEP: Final = re.compile(r"(?:[^\W\d][\w.-]*:)?[^\W\d][\w.-]*")
_RESERVED: Final = ("xml", "xmlns", "xsi")


def read_namespaces(node: Node, problems: Problems) -> dict[str, str] | None:
    """Read the URI of each prefix; None when it is no mapping."""
    if not isinstance(node, Pairs):
        message = f"`namespaces` is a mapping of prefixes to URIs, not {kind(node)}"
        problems.add(node.mark, "HX-4004", message, "write {cbc: 'urn:…'}")
        return None
    found: dict[str, str] = {}
    for key, value in node.pairs:
        uri = text(value, problems, key.text or "namespaces")
        if key.text in _RESERVED or not (key.text == "" or _PREFIX.fullmatch(key.text)):
            hint = 'such as cbc; "" gives the URI of plain names'
            problems.add(key.mark, "HX-4004", f"`{key.text}` is no prefix of yours", hint)
        elif uri is not None and uri in found.values():
            problems.add(value.mark, "HX-4004", f"`{uri}` has two prefixes", "keep one of them")
        elif uri is not None:
            found[key.text] = uri
    return found


def check_path(
    path: str, node: Node, namespaces: Mapping[str, str] | None, problems: Problems
) -> None:
    """See that ``source.record`` of XML is a path of names whose prefixes are declared."""
    steps = path.removeprefix("/").split("/")
    for step in steps:
        prefix, colon, _ = step.rpartition(":")
        if not _STEP.fullmatch(step):
            hint = "write the names from the root element on, such as Orders/Order"
            problems.add(node.mark, "HX-4004", f"`record` can't be `{path}`", hint)
            return
        if colon and prefix not in (namespaces or {}):
            hint = "declare it under `namespaces`, or leave the prefix out: names are local then"
            problems.add(node.mark, "HX-4004", f"`{prefix}:` in `record` is not declared", hint)
            return
