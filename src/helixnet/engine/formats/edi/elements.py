"""Elements of segments, as a structure file lists them, and those of the envelope."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.formats.idoc.segments import GrammarError

MOST_ELEMENTS: Final = 99  # a name has two digits for its element
_ENTRY: Final = re.compile(r"([A-Z]?[0-9]{1,4})(?:\(([^()]*)\))?(?:\*([1-9][0-9]?))?")
_COUNT: Final = re.compile(r"[1-9][0-9]?")
_PART: Final = re.compile(r"([A-Z]?[0-9]{1,4})(?:\*([1-9][0-9]?))?")


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a segment.

    Args:
        code: as the directory calls it, such as 3035 or C082.
        parts: codes of the components of a composite; empty for a simple element.
    """

    code: str
    parts: Sequence[str] = ()


def elements_of(listed: str) -> tuple[Element, ...]:
    """Return the elements listed as ``3035, C082(3039 1131 3055), C212(7140 7143)*5``.

    Raises:
        GrammarError: an entry is not a code with its components.
    """
    found: list[Element] = []
    for entry in _entries(listed):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise GrammarError(f"{entry!r} is not an element such as 3035 or C082(3039 1131 3055)")
        code, parts, often = match.groups()
        element = Element(code, tuple(_parts(parts)) if parts else ())
        found += [element] * int(often or 1)
    if len(found) > MOST_ELEMENTS:
        raise GrammarError(f"a segment has at most {MOST_ELEMENTS} elements, here {len(found)}")
    return tuple(found)


def _entries(listed: str) -> list[str]:
    if _COUNT.fullmatch(listed):
        return ["0"] * int(listed)
    return [entry.strip() for entry in listed.split(",") if entry.strip()]


def _parts(listed: str) -> list[str]:
    found: list[str] = []
    for entry in listed.split():
        match = _PART.fullmatch(entry)
        if match is None:
            raise GrammarError(f"{entry!r} is not a component such as 3039 or 3124*5")
        found += [match[1]] * int(match[2] or 1)
    return found


def numbered(codes: Sequence[str]) -> list[str]:
    """Return names for codes in a row: a code that stands again is called ``3124:2`` and so on."""
    seen: dict[str, int] = {}
    names: list[str] = []
    for code in codes:
        seen[code] = seen.get(code, 0) + 1
        names.append(code if seen[code] == 1 else f"{code}:{seen[code]}")
    return names


_SERVICE = {
    "UNB": "S001(0001 0002 0080 0133), S002(0004 0007 0008 0042), S003(0010 0007 0014 0046), "
    "S004(0017 0019), 0020, S005(0022 0025), 0026, 0029, 0031, 0032, 0035",
    "UNG": "0038, S006(0040 0007), S007(0044 0007), S004(0017 0019), 0048, 0051, "
    "S008(0052 0054 0057), 0058",
    "UNH": "0062, S009(0065 0052 0054 0051 0057 0110 0113), 0068, S010(0070 0073)",
    "UNT": "0074, 0062",
    "UNS": "0081",
}
SERVICE: Final[Mapping[str, Sequence[Element]]] = {
    tag: elements_of(listed) for tag, listed in _SERVICE.items()
}
"""Service segments of ISO 9735, versions 1 to 4."""
