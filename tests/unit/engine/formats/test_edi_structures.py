"""The structures that are shipped: what they say of themselves, and where segments are put."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.formats.edi.elements import Element
from helixnet.engine.formats.edi.grammar import EdiGrammar
from tests.unit.engine.formats.messages_of import paths, placed, read_message, shipped, written

FOLDER = resources.files("helixnet.engine.formats").joinpath("grammars")
GROUPS = {"ORDERS": 54, "INVOIC": 51, "DESADV": 23}
HLS = re.compile(r"HL(?:/HL)+")
TYPES = ("850", "810", "856", *GROUPS)


def file_of(kind: str) -> str:
    """Return the text of a structure."""
    (name,) = (one.name for one in FOLDER.iterdir() if one.name.startswith(f"{kind}."))
    return FOLDER.joinpath(name).read_text("utf-8")


def leaves(tree: Mapping[str, Any], level: int = 0) -> Iterator[tuple[int, str]]:
    """Give level and tag of everything in a tree, in its order."""
    for tag, below in tree.items():
        yield level, tag
        yield from leaves(below, level + 1)


@pytest.mark.parametrize("kind", TYPES)
def test_a_structure_is_whole_and_names_its_source(kind: str) -> None:
    """Every segment has its elements, none is listed for nothing, and a source is named."""
    document = yaml.safe_load(file_of(kind))
    tags = {tag for _, tag in leaves(document["tree"])}
    assert set(document["segments"]) == tags
    assert len(document["source"]) > 20
    assert document["version"] in {"004010", "D.96A"}
    assert list(document["segments"]) == sorted(document["segments"])


@pytest.mark.parametrize(("kind", "count"), GROUPS.items())
def test_every_group_of_the_message_is_there(kind: str, count: int) -> None:
    """The groups are numbered as the directory numbers them, without a gap."""
    named: list[int] = []
    for first, last in re.findall(r"# groups? ([0-9]+)(?:(?:,| to) ([0-9]+))?", file_of(kind)):
        named += range(int(first), int(last or first) + 1)
    assert named == list(range(1, count + 1))


@pytest.mark.parametrize("kind", TYPES)
def test_segments_are_put_where_they_belong(kind: str) -> None:
    """A message that has every loop, at every level, is read as it is written."""
    segments, expected = written(kind)
    outcome = read_message(kind, segments, on_drift="reject")
    assert outcome.codes == {}
    assert list(outcome.index.drift) == []
    assert placed(outcome.records[0]) == expected
    everything = paths(*zip(*leaves(shipped_tree(kind)), strict=True))
    missing = {path for _, path in everything} - {HLS.sub("HL", path) for _, path in expected}
    assert missing - {"HL/HL"} == set(), "the message has not all that the structure has"


@cache
def shipped_tree(kind: str) -> Mapping[str, Any]:
    """Return the tree of a structure."""
    tree: Mapping[str, Any] = yaml.safe_load(file_of(kind))["tree"]
    return tree


@pytest.mark.parametrize("kind", TYPES)
def test_every_element_is_read_by_its_names(kind: str) -> None:
    """A segment with each component filled gives each under its place, and its code."""
    grammar = shipped(kind)
    assert grammar.structure is not None
    tags = list(dict.fromkeys(tag for _, tag in leaves(shipped_tree(kind))))
    for path in (path for _, path in paths(*zip(*leaves(shipped_tree(kind)), strict=True))):
        tag = path.rpartition("/")[2]
        if tag not in tags or (kind == "856" and tag == "HL"):
            continue
        tags.remove(tag)
        above = path.split("/")[:-1]
        filled = filled_in(tag, grammar.elements(tag), "*>" if kind.isdecimal() else "+:")
        record = read_message(kind, [*above, filled]).records[0]
        node: Any = record
        for step in path.split("/"):
            (node,) = node[step]
        check(node, tag, grammar)
    assert tags == (["HL"] if kind == "856" else [])


def filled_in(tag: str, elements: Any, ends: str) -> str:
    """Write a segment that has everything: element 2 is ``2``, its component 3 is ``2.3``."""
    whole = [
        ends[1].join(f"{n}.{m}" for m in range(1, len(one.parts) + 1)) if one.parts else str(n)
        for n, one in enumerate(elements, 1)
    ]
    return ends[0].join([tag, *whole])


def check(node: Mapping[str, Any], tag: str, grammar: EdiGrammar) -> None:
    """Hold the node of a segment to what was filled in."""
    elements: Any = grammar.elements(tag)
    for number, one in enumerate(elements, 1):
        assert isinstance(one, Element)
        if not one.parts:
            assert node[f"{tag}{number:02}"] == str(number)
        for part in range(1, len(one.parts) + 1):
            assert node[f"{tag}{number:02}{part:02}"] == f"{number}.{part}"
    assert f"{tag}{len(elements) + 1:02}" not in node


@given(st.data())
def test_no_segment_is_lost_unsaid(data: st.DataObject) -> None:
    """In any order, each segment finds one place under an open parent, or is told as drift."""
    kind = data.draw(st.sampled_from(TYPES))
    tags = [*sorted({tag for _, tag in leaves(shipped_tree(kind))} - {"HL"}), "ZZZ"]
    end = "*X" if kind.isdecimal() else "+X"
    segments = [tag + end for tag in data.draw(st.lists(st.sampled_from(tags), max_size=25))]
    outcome = read_message(kind, segments, on_drift="warn")
    found = placed(outcome.records[0])
    everything = {path for _, path in paths(*zip(*leaves(shipped_tree(kind)), strict=True))}
    assert {path for _, path in found} <= everything
    assert outcome.codes == {}
    assert (len(found) < len(segments)) == bool(outcome.index.drift)
    refused = read_message(kind, segments, on_drift="reject")
    assert refused.codes.get(0, []).count("HX-5005") == len(segments) - len(found)


@pytest.mark.parametrize("name", ["GIN02", "GIN0201", "GIN0202", "7405"])
@pytest.mark.parametrize("number", ["1", "1:2"])
def test_a_field_is_read_alone_as_among_all(name: str, number: str) -> None:
    """What else a map reads changes nothing, also of a composite with one component only."""
    segments = ["CPS+1", "PAC+1", "PCI+33E", f"GIN+BJ+{number}"]
    steps = ("CPS", "PAC", "PCI", "GIN")
    needs = {"/".join(steps[:n]): frozenset({step}) for n, step in enumerate(steps)}
    needs["/".join(steps)] = frozenset({name})
    found = []
    for asked in (None, needs):
        node: Any = read_message("DESADV", segments, needs=asked).records[0]
        for step in steps:
            (node,) = node[step]
        found.append(node.get(name))
    assert found[0] == found[1]
    assert (found[0] is None) == ((name, number) == ("GIN0202", "1"))


def test_codes_name_the_elements_of_edifact() -> None:
    """What stands twice is numbered: the second name line is 3036:2, the second C504 an item."""
    segments = ["NAD+BY+1::9++Nordsee:Handel", "CUX+2:EUR:9+3:USD:11"]
    record = read_message("ORDERS", segments).records[0]
    assert record["NAD"][0]["C080"][0]["3036:2"] == "Handel"
    assert [one["6345"] for one in record["CUX"][0]["C504"]] == ["EUR", "USD"]
