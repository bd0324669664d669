"""Messages: X12, EDIFACT and flat IDocs, told by how they begin."""

import re
from collections.abc import Iterable
from typing import Final

from helixnet.engine.formats.shipped import shipped_types
from helixnet.engine.sniffing.found import CERTAIN, LIKELY, Found, Text, Yaml

_ISA: Final = 106  # characters of an ISA segment
_UNA: Final = 9
_SHOWN: Final = 8
_CONTROL: Final = "EDI_DC40"


def message(text: Text) -> Found | None:
    """Return the file as messages of a standard; None if it does not begin as one."""
    body = text.text.lstrip()
    if body.startswith(_CONTROL):
        return _idoc(text, body)
    if body.startswith("ISA") and len(body) >= _ISA:
        return _x12(body)
    if body.startswith(("UNA", "UNB")):
        return _edifact(body)
    return None


def _several(values: Iterable[str]) -> str:
    found = list(dict.fromkeys(value for value in values if value))
    return ", ".join(found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")


def _x12(body: str) -> Found | None:
    element, repetition, component, end = body[3], body[82], body[104], body[105]
    if body[:_ISA].count(element) < 16 or element.isalnum():  # noqa: PLR2004 - of an ISA
        return None
    segments = [one.strip("\r\n").split(element) for one in body.split(end)]
    types = [one[1] for one in segments if one[0] == "ST" and len(one) > 1]
    versions = [one[8] for one in segments if one[0] == "GS" and len(one) > 8]  # noqa: PLR2004 - GS08
    found = Found("x12", CERTAIN if types else LIKELY, rows=len(segments))
    found.facts["messages"] = _several(types)
    found.facts["versions"] = _several(versions)
    found.facts["delimiters"] = f"element {element} component {component} segment {end!r}" + (
        f" repetition {repetition}" if not repetition.isalnum() else ""
    )
    _type(found, "x12", types)
    return found


def _edifact(body: str) -> Found | None:
    component, element, release, end = ":", "+", "?", "'"
    if body.startswith("UNA"):
        if len(body) <= _UNA:
            return None
        component, element, release, end = body[3], body[4], body[6], body[8]
    pattern = re.compile(f"(?<!{re.escape(release)}){re.escape(end)}")
    segments = [one.strip() for one in pattern.split(body)]
    heads = [one.split(element) for one in segments if one.startswith("UNH" + element)]
    messages = [one[2].split(component) for one in heads if len(one) > 2]  # noqa: PLR2004 - S009
    syntax = [one.split(element) for one in segments[:2] if one.startswith("UNB" + element)]
    if not syntax and not messages:
        return None
    types = [one[0] for one in messages]
    found = Found("edifact", CERTAIN if types and syntax else LIKELY, rows=len(segments))
    if not syntax:
        found.open.append("where UNB is: a file without it is refused")
    found.facts["messages"] = _several(types)
    found.facts["versions"] = _several(".".join(one[1:3]) for one in messages)
    found.facts["syntax"] = syntax[0][1] if syntax and len(syntax[0]) > 1 else ""
    found.facts["delimiters"] = (
        f"element {element} component {component} segment {end!r} release {release}"
    )
    _type(found, "edifact", types)
    return found


def _type(found: Found, form: str, types: Iterable[str]) -> None:
    """Name the grammar if one is shipped for all messages, else say what works without."""
    kinds, shipped = set(types), shipped_types(form)
    if len(kinds) == 1 and kinds <= set(shipped):
        found.source["type"] = kinds.pop()
        return
    if len(kinds) > 1:
        found.open.append("which of the messages is wanted: a context reads one type")
    known = ", ".join(shipped) or "no type"
    found.open.append(
        f"which loops the segments stand in: grammars are shipped for {known}; without one, "
        "segments are read by position, or write `structure`"
    )


def _idoc(text: Text, body: str) -> Found:
    lines = [line for line in text.lines() if line.startswith(_CONTROL)] or [body]
    types = [line[39:69].strip() for line in lines]
    found = Found("idoc", CERTAIN, rows=len(lines))
    found.facts["messages"] = _several(line[99:129].strip() for line in lines)
    found.facts["types"] = _several(types)
    idoc_type(found, types, list(text.encodings))
    return found


def idoc_type(found: Found, types: Iterable[str], encodings: list[str]) -> None:
    """Name the type, and say where its grammar comes from if none is shipped."""
    kinds = list(dict.fromkeys(types))
    encoding: Yaml = encodings[0] if len(encodings) == 1 else list[Yaml](encodings)
    found.source["type"] = kinds[0] if kinds and kinds[0] else "ORDERS05"
    found.source["encoding"] = encoding
    if not kinds or kinds[0] not in shipped_types("idoc"):
        found.open.append(
            f"the fields of {kinds[0] if kinds else 'the type'}: make a grammar of SAP's parser "
            "report or XSD by `helixnet grammar import`, and name it in `grammar`"
        )
    if len(kinds) > 1:
        found.open.append(f"which type is wanted: {', '.join(kinds)}; a context reads one")
