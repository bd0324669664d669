"""The shipped structures beside those of other projects, and with the messages of others."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.unit.engine.formats.messages_of import paths, read_message, shipped
from tests.unit.engine.formats.test_edi_structures import TYPES, leaves, shipped_tree

pytestmark = pytest.mark.corpus

ENVELOPE = {"ST", "SE", "UNH", "UNT"}
DRIFT = {
    # PYT, terms of payment, is of later directories than the D.96A that the message names
    "x12/blueseer/ACME_EDIFACT_ORDERS.txt 1": ["unknown segment PYT"],
}


def ours(kind: str) -> set[str]:
    """Return the paths of a shipped structure; an HL under another is X12's own way of nesting."""
    levels, tags = zip(*leaves(shipped_tree(kind)), strict=True)
    return {path for _, path in paths(levels, tags)} - {"HL/HL"}


def nested(items: Sequence[Any], above: tuple[str, ...]) -> Iterator[str]:
    """Give the paths of a group: a tag is a segment, a list is a group in it."""
    head = (*above, items[0])
    yield "/".join(head)
    for item in items[1:]:
        if isinstance(item, str):
            yield "/".join((*head, item))
        else:
            yield from nested(item, head)


def whole(items: Sequence[Any]) -> set[str]:
    """Return the paths of a message, its summary under UNS."""
    found: set[str] = set()
    section: tuple[str, ...] = ()
    for item in items:
        if not isinstance(item, str):
            found.update(nested(item, section))
        elif item not in ENVELOPE:
            found.add("/".join((*section, item)))
            section = ("UNS",) if item == "UNS" else section
    return found


def as_lists(written: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Read a group of ts-edifact."""
    contents = (one["content"] for one in written)
    return [one if isinstance(one, str) else as_lists(one) for one in contents]


def as_groups(element: ET.Element) -> list[Any]:
    """Read a group of pydifact."""
    found: list[Any] = []
    for one in element:
        if one.tag == "segment":
            found.append(one.attrib["id"])
        elif one.tag == "group":
            found.append(as_groups(one))
    return found


def rows_of(file: Path) -> Iterator[list[str]]:
    """Give the rows of a structure of blueseer."""
    with file.open(encoding="utf-8", newline="") as rows:
        yield from (row for row in csv.reader(rows) if row and not row[0].startswith("#"))


def test_segments_stand_where_other_projects_have_them(
    corpus: Callable[[str], Path], agree: Callable[[str, Mapping[str, bool]], None]
) -> None:
    """Each of our segments has the parent that it has elsewhere; one of them has the same ones."""
    root = corpus("edi-definitions")
    specs = root / "RovoMe__ts-edifact" / "messageSpec"
    results: dict[str, bool] = {}
    for name in ("D96A_INVOIC", "INVOIC", "ORDERS", "DESADV"):
        theirs = whole(as_lists(json.loads((specs / f"{name}.struct.json").read_text("utf-8"))))
        mine = ours(name.rpartition("_")[2])
        cases = mine | theirs if name == "D96A_INVOIC" else mine
        results |= {f"ts-edifact {name}: {path}": path in mine & theirs for path in sorted(cases)}
    for name in ("850", "810", "856"):
        file = root / "blueseerERP__blueseer" / "structure" / f"X12{name}.csv"
        rows = [row for row in rows_of(file) if row[5] == "landmark"]
        theirs = {"/".join([*filter(None, row[1].split(":")), row[0]]) for row in rows}
        results |= {f"blueseer {name}: {path}": path in theirs for path in sorted(ours(name))}
    assert len(results) == 854
    agree("edi-structures", results)


def test_segments_have_the_elements_that_other_projects_have(
    corpus: Callable[[str], Path], agree: Callable[[str, Mapping[str, bool]], None]
) -> None:
    """D.96A has the same elements in the same order, and 4010 no more than later versions."""
    root = corpus("edi-definitions")
    specs = root / "RovoMe__ts-edifact" / "messageSpec"
    theirs = json.loads((specs / "D96A_INVOIC.segments.json").read_text("utf-8"))
    results: dict[str, bool] = {}
    for kind in ("INVOIC", "ORDERS", "DESADV"):
        for tag in {tag for _, tag in leaves(shipped_tree(kind))} & set(theirs):
            codes = [one.code for one in shipped(kind).elements(tag)]
            results[f"ts-edifact D.96A {tag}"] = codes == theirs[tag]["elements"]
    for kind in ("850", "810", "856"):
        counts: dict[str, int] = {}
        for row in rows_of(root / "blueseerERP__blueseer" / "structure" / f"X12{kind}.csv"):
            if re.fullmatch("e[0-9]+", row[5]):
                counts[row[0]] = max(counts.get(row[0], 0), int(row[5][1:]))
        for tag in {tag for _, tag in leaves(shipped_tree(kind))} & set(counts):
            results[f"blueseer {tag}"] = len(shipped(kind).elements(tag)) <= counts[tag]
    assert len(results) == 132
    agree("edi-elements", results)


def test_the_groups_of_a_later_directory_keep_most_of_ours(corpus: Callable[[str], Path]) -> None:
    """In D.24A, 28 years later, nearly all of our segments still have the same parents."""
    folder = corpus("edi-definitions") / "nerdocs__pydifact" / "d24a" / "data" / "messages"
    kept: dict[str, tuple[int, int]] = {}
    for kind in ("ORDERS", "INVOIC", "DESADV"):
        root = ET.parse(folder / f"{kind.lower()}.xml").getroot()  # noqa: S314 - a known file of the corpus
        mine = ours(kind)
        kept[kind] = (len(mine & whole(as_groups(root))), len(mine))
    assert kept == {"ORDERS": (152, 160), "INVOIC": (131, 141), "DESADV": (74, 74)}


def messages(text: str) -> Iterator[tuple[str, list[str]]]:
    """Give type and segments of the messages in a file, written with the usual delimiters."""
    text = text.lstrip()
    if text.startswith("ISA"):
        component, element, release, terminator = text[104], text[3], "", text[105]
        opening, closing, at, usual = "ST", "SE", 1, ">*"
    else:
        text = text if text.startswith("UNA") else f"UNA:+.? '{text}"
        component, element, release, terminator = text[3], text[4], text[6], text[8]
        opening, closing, at, usual = "UNH", "UNT", 2, ":+"
    released = f"(?<!{re.escape(release)})" if release.strip() else ""
    kind, found = "", list[str]()
    text = text.replace("\r", "") if terminator == "\n" else re.sub("[\r\n]", "", text)
    for one in re.split(released + re.escape(terminator), text):
        elements = one.split(element)
        if elements[0] == opening and len(elements) > at:
            kind, found = elements[at].split(component)[0], []
        elif elements[0] == closing:
            yield kind, found
        else:
            swap = str.maketrans({component: usual[0], element: usual[1]})
            found.append(one.translate(swap))


def test_messages_of_others_find_their_places(corpus: Callable[[str], Path]) -> None:
    """Each message of a shipped type, also of other versions, is placed without drift."""
    seen: dict[str, int] = {}
    drift: dict[str, list[str]] = {}
    for folder in ("x12", "edifact"):
        for file in sorted(corpus(folder).rglob("*.[te][xd][ti]")):
            owner = file.relative_to(corpus(folder)).parts[0].partition("__")[2]
            for number, (kind, segments) in enumerate(messages(file.read_text("latin-1")), 1):
                if kind not in TYPES:
                    continue
                outcome = read_message(kind, [one for one in segments if one], on_drift="reject")
                seen[kind] = seen.get(kind, 0) + 1
                if outcome.index.drift or outcome.codes:
                    name = f"{folder}/{owner}/{file.name} {number}"
                    drift[name] = [str(one) for one in outcome.index.drift]
    assert seen == {"850": 6, "810": 7, "856": 1, "ORDERS": 15, "INVOIC": 14}
    assert drift == DRIFT
