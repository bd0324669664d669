"""Reads IDocs in XML as they are nearly always written, by splitting the text of one.

Only a document that has been proved well-formed comes here, without comments, CDATA sections and
processing instructions. It is cut at the start tags of its segments; up to the next one stand the
fields of a segment and the ends of segments. Which tags these are repeats endlessly, so it is
judged once: a :class:`_Plan` says where the wanted values are. Whatever is written in another way
(attributes, blanks in tags, elements in fields …) has no plan, and is left to the general way.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from helixnet.engine.formats.idoc.grammar import CONTROL
from helixnet.engine.formats.idoc.nesting import Nesting
from helixnet.engine.source import Node

_MARK: Final = ' SEGMENT="1">'
_HEAD: Final = re.compile(r'\s*<IDOC BEGIN="1">\s*<([A-Za-z]\w*)', re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_REFERENCE: Final = re.compile(r"&(?:#([0-9]+)|#x([0-9A-Fa-f]+)|([a-z]+));")
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
_BLANK: Final = " \t\r\n"
_MOST_PLANS: Final = 2_000

Tags: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the tags after the start of a segment mean.

    Args:
        values: wanted fields, each with the number of its text.
        ends: how many segments end.
        following: the segment that begins then; empty at the end of the document.
        type_at: number of the text that names the IDoc type; 0 = it does not matter.
    """

    values: Sequence[tuple[str, int]]
    ends: int
    following: str
    type_at: int


@dataclass(slots=True)
class _Kind:
    """A segment type at work: what may stand below it, and the plans that are known.

    Args:
        name: the type; empty where the grammar has none.
    """

    name: str
    below: dict[str, "_Kind"] = field(default_factory=dict[str, "_Kind"])
    plans: dict[Tags, _Plan | None] = field(default_factory=dict[Tags, "_Plan | None"])


class FastReader:
    """Makes a node of the text of one document, or leaves it to the general way.

    Args:
        nesting: of the grammar.
        needs: fields used a segment; None = all.
        strict: a document with anything that the grammar has not is left to the general way.
    """

    def __init__(
        self, nesting: Nesting, needs: Mapping[str, frozenset[str]] | None, *, strict: bool
    ) -> None:
        self._nesting, self._needs, self._strict = nesting, needs, strict
        self._kinds = {"": _Kind("")}
        self._strange = _Kind("")
        self.line = 0

    def document(self, text: str, line: int) -> Node | None:  # noqa: C901 - one loop, for speed
        """Return the node of a document; None if it is not written as usual.

        ``line`` is then the one in which it ends.

        Args:
            text: from the blanks before ``<IDOC`` up to ``</IDOC>``, that excluded.
            line: physical line at which the text begins.
        """
        first, *parts = text.split(_MARK)
        head = _HEAD.fullmatch(first)
        if head is None or text.count("<") != text.count(">"):  # there is one in a text
            return None
        simple = "&" not in text and "\r" not in text
        root: Node = {"_line": line + first.count("\n", 0, first.index("<")), "_name": ""}
        path: list[tuple[_Kind, Any]] = [(self._kinds[""], root)]
        line, written = line + first.count("\n"), head[1]
        for part in parts:
            above, parent = path[-1]
            kind = above.below.get(written) or self._below(above, written)
            node: dict[str, Any] = {"_line": line, "_name": kind.name}
            if (known := parent.get(kind.name)) is not None:
                known.append(node)
            elif kind.name:
                parent[kind.name] = [node]
            pieces = part.replace(">", "<").split("<")
            plan = kind.plans.get(tags := tuple(pieces[1::2])) or self._planned(kind, tags)
            if plan is None or (plan.type_at and not self._is_of_type(pieces[plan.type_at])):
                return None
            for name, number in plan.values:
                value = pieces[number].rstrip(" ")
                if not simple and ("&" in value or "\r" in value):
                    value = _plain(pieces[number]).rstrip(" ")
                if value and (value[0] > " " or value.strip(_BLANK)):
                    node[name] = value
            if not plan.ends:
                path.append((kind, node))
            elif plan.ends > len(path):
                return None
            elif plan.ends > 1:
                del path[1 - plan.ends :]
            line, written = line + part.count("\n"), plan.following
        self.line = line
        return root if len(path) == 1 and not written else None

    def _below(self, above: _Kind, written: str) -> _Kind:
        """Return the kind of a segment, and remember it."""
        name = self._nesting.below(above.name, written) if above is not self._strange else None
        if name is None:
            return self._strange
        kind = above.below[written] = self._kinds.setdefault(name, _Kind(name))
        return kind

    def _is_of_type(self, found: str) -> bool:
        return found.strip() in ("", self._nesting.grammar.type)

    def _planned(self, kind: _Kind, tags: Tags) -> _Plan | None:
        """Judge the tags after the start of a segment."""
        if tags in kind.plans or (self._strict and kind is self._strange):
            return None
        if len(kind.plans) > _MOST_PLANS:  # a hostile file may hold any number of them
            kind.plans.clear()
        plan = kind.plans[tags] = self._judged(kind.name, tags)
        return plan

    def _judged(self, kind: str, tags: Tags) -> _Plan | None:
        fields, count = _fields(tags)
        rest = tags[count:]
        known = self._nesting.fields.get(kind, frozenset())
        if fields is None or (self._strict and not known.issuperset(fields)):
            return None
        if any(self._nesting.below(kind, name) for name in fields):
            return None  # segments that are not marked as such
        ends = next((n for n, tag in enumerate(rest) if not tag.startswith("/")), len(rest))
        following = rest[ends] if ends < len(rest) else ""
        if len(rest) > ends + 1 or not (following == "" or _NAME.fullmatch(following)):
            return None
        wanted = known if self._needs is None else known & self._needs.get(kind, frozenset())
        values = tuple((name, at) for name, at in fields.items() if name in wanted and at)
        type_at = fields.get("IDOCTYP", 0) if self._strict and kind == CONTROL else 0
        return _Plan(values, ends, following, type_at)


def _fields(tags: Tags) -> tuple[dict[str, int] | None, int]:
    """Return the fields at the beginning of tags, each with the number of its text, 0 = empty.

    Returns:
        None for the fields if one stands twice, or if they are not plain; and their tags' number.
    """
    fields: dict[str, int] = {}
    at = 0
    while at < len(tags) and not tags[at].startswith("/"):
        tag = tags[at]
        name = tag.removesuffix("/")
        closed = at + 1 < len(tags) and tags[at + 1] == f"/{name}"
        if tag == name and not closed:
            break  # the next segment, or nothing that is known
        if name in fields or not _NAME.fullmatch(name):
            return None, at
        fields[name] = 2 * at + 2 if closed and tag == name else 0
        at += 2 if tag == name else 1
    return fields, at


def _plain(value: str) -> str:
    """Return a text with its line ends and references read."""
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if "&#" in value:
        return _REFERENCE.sub(_referred, value)
    for name, char in _ENTITIES.items():
        value = value.replace(name, char)
    return value


def _referred(match: re.Match[str]) -> str:
    if match[3]:
        return _ENTITIES[match[0]]
    return chr(int(match[1]) if match[1] else int(match[2], 16))
