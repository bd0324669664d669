"""Nested records: JSON, NDJSON and XML, and the path of what repeats."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast
from xml.parsers import expat

from helixnet.engine.sniffing.found import CERTAIN, LIKELY, Found, Text
from helixnet.engine.sniffing.messages import idoc_type

_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str)
_DEEPEST: Final = 4
_CUT: Final = object()
_NAME: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*+")\s*:\s*')
_SPACE: Final = re.compile(r"\s*")
_MOST: Final = 10_000
_SHOWN: Final = 20


def tree(text: Text) -> Found | None:
    """Return the file as JSON or XML; None if it is neither."""
    body = text.text.lstrip()
    if body.startswith("<"):
        return _xml(text)
    if body.startswith(("{", "[")):
        return _ndjson(text) or _json(text, body)
    return None


def _ndjson(text: Text) -> Found | None:
    lines = text.lines()[:_MOST]
    try:
        records = [_DECODER.decode(line.strip()) for line in lines if line.strip()]
    except (ValueError, RecursionError):
        return None
    if len(records) < 2 or not all(isinstance(one, dict) for one in records):  # noqa: PLR2004 - lines
        return None
    found = Found("ndjson", CERTAIN, rows=len(records))
    _encode(found, text)
    found.facts["members"] = _members(cast("list[dict[str, Any]]", records))
    return found


def _encode(found: Found, text: Text) -> None:
    if list(text.encodings) != ["utf-8"]:
        found.source["encoding"] = list(text.encodings)


def _members(records: Iterable[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for one in records for name in one))
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def _json(text: Text, body: str) -> Found | None:
    """Walk down to the first list of objects: what repeats is a record."""
    path: list[str] = []
    rest = body
    while rest.startswith("{") and len(path) <= _DEEPEST:
        step = _big_member(rest)
        if step is None:
            break
        path.append(step[0])
        rest = step[1]
    if not rest.startswith("["):
        path = []
        rest = body
    records = _elements(rest) if rest.startswith("[") else _one(rest)
    if records is None:
        return None
    found = Found("json", CERTAIN if text.whole else LIKELY, rows=len(records))
    _encode(found, text)
    if path:
        found.source["record"] = ".".join(path)
    found.facts["records"] = (
        "elements of "
        + (".".join(path) or "the root")
        + ("" if rest.startswith("[") else ", which is one object")
    )
    found.facts["members"] = _members(
        [cast("dict[str, Any]", one) for one in records if isinstance(one, dict)]
    )
    if any("." in step for step in path):
        found.source["record"] = "/" + "/".join(
            step.replace("~", "~0").replace("/", "~1") for step in path
        )
    return found


def _one(rest: str) -> list[Any] | None:
    try:
        return [_DECODER.raw_decode(rest)[0]]
    except (ValueError, RecursionError):
        return None


def _big_member(text: str) -> tuple[str, str] | None:
    """Return name and text of the first member that is a list of objects, or cut off."""
    nested: tuple[str, str] | None = None
    for name, rest, value in _each_member(text):
        if _is_list(value) or (value is _CUT and rest[:1] in ("{", "[")):
            return name, rest
        if nested is None and isinstance(value, dict):
            below = cast("dict[str, object]", value).values()
            nested = (name, rest) if any(map(_is_list, below)) else None
    return nested


def _each_member(text: str) -> Iterator[tuple[str, str, object]]:
    """Yield the members of an object that may be cut off: name, text from the value on, value."""
    at = 1
    while True:
        match = _NAME.match(text, at)
        if match is None:
            return
        at = match.end()
        try:
            name = str(json.loads(match[1], strict=False))
        except ValueError:
            return
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield name, text[at:], _CUT
            return
        yield name, text[at:], value
        at = _skip(text, end)
        if text[at : at + 1] != ",":
            return
        at += 1


def _is_list(value: object) -> bool:
    """Tell whether a value is a list of objects."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return bool(items) and isinstance(items[0], dict)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _elements(text: str) -> list[Any] | None:
    """Return the whole elements of a list; None if it is none."""
    found: list[Any] = []
    at = _skip(text, 1)
    while len(found) < _MOST and text[at : at + 1] not in ("", "]"):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found or None
        found.append(value)
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
    return found


class _Outline:
    """Counts elements by their paths, three deep."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.counts = Counter[tuple[str, ...]]()
        self.spaces: dict[str, None] = {}
        self.types: list[str] = []
        self._text = ""

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition("\n")
        if space:
            self.spaces.setdefault(space)
        self.path.append(local)
        self._text = ""
        if len(self.path) <= _DEEPEST:
            self.counts[tuple(self.path)] += 1

    def text(self, data: str) -> None:
        self._text += data if len(self._text) < _MOST else ""

    def end(self, _name: str) -> None:
        if self.path[-1:] == ["IDOCTYP"]:
            self.types.append(self._text.strip())
        self.path.pop()


class _Refused(Exception):  # noqa: N818 - ends the parser, no fault
    """An entity is declared; it is nothing for a look."""


def _refuse(*_args: object) -> None:
    raise _Refused


def _xml(text: Text) -> Found | None:
    outline, parser = _Outline(), expat.ParserCreate("utf-8", "\n")
    parser.StartElementHandler = outline.start
    parser.EndElementHandler = outline.end
    parser.CharacterDataHandler = outline.text
    parser.EntityDeclHandler = _refuse
    body = text.text.lstrip()
    try:
        parser.Parse(body.encode("utf-8", "replace"), text.whole)
    except expat.ExpatError:
        if not outline.counts:
            return None
    except _Refused:
        return Found("xml", LIKELY, open=["the file declares entities, which are refused"])
    roots = [path for path in outline.counts if len(path) == 1]
    if not roots:
        return None
    sure = CERTAIN if text.whole else LIKELY
    if any(path[1:2] == ("IDOC",) for path in outline.counts):
        found = Found("idoc", sure, rows=outline.counts[roots[0][0], "IDOC"])
        found.facts["written as"] = "XML"
        idoc_type(found, outline.types[:1] or list(roots[0]), ["utf-8"])
        del found.source["encoding"]
        return found
    found = Found("xml", sure, rows=sum(outline.counts.values()))
    found.facts["root"] = roots[0][0]
    if outline.spaces:
        found.facts["namespaces"] = " ".join(list(outline.spaces)[:_SHOWN])
    _record(found, outline)
    return found


def _record(found: Found, outline: _Outline) -> None:
    """Name what repeats right below the root, or below its only child."""
    for depth in (2, 3):
        below = [(n, path) for path, n in outline.counts.items() if len(path) == depth]
        if len(below) == 1 and below[0][0] > 1:
            found.source["record"] = "/".join(below[0][1])
            return
        if len(below) != 1:
            break
    found.open.append("what a record is: the whole document unless `record` names a path")
