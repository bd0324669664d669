"""Flat IDocs of other systems: the same content as their XML, and no drift from the grammar."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from helixnet.engine.formats.idoc.grammar import IdocGrammar, import_grammar, load_idoc
from tests.unit.engine.formats.reading import load, source
from tests.unit.engine.formats.test_idoc import bare

pytestmark = pytest.mark.corpus

CONTRACT = source("idoc", type="ORDERS05", encoding=("utf-8", "cp1252"))
PAIR = "idoc/SAP__apibusinesshub-integration-recipes/flat-xml-pairs"


def shipped() -> IdocGrammar:
    """Return the grammar of ORDERS05."""
    grammar = load_idoc(CONTRACT, {})
    assert grammar is not None
    return grammar


def as_node(element: ET.Element) -> dict[str, Any]:
    """Turn an XML segment into a node: what carries SEGMENT is a child, all else a field."""
    node: dict[str, Any] = {}
    for child in element:
        if "SEGMENT" in child.attrib:
            node.setdefault(child.tag, []).append(as_node(child))
        elif child.text and child.text.strip():
            node[child.tag] = child.text.rstrip()
    return node


def compared(flat: Any, xml: Any, path: str) -> Iterator[tuple[str, bool]]:
    """Compare node by node, each with its own fields and the names of its children."""

    def own(node: Any) -> dict[str, Any]:
        return {k: len(v) if isinstance(v, list) else v for k, v in node.items()}

    yield path, own(flat) == own(xml)
    for name in sorted(set(flat) & set(xml)):
        if isinstance(xml[name], list):
            for number, (left, right) in enumerate(zip(flat[name], xml[name], strict=False)):
                yield from compared(left, right, f"{path}/{name}/{number}")


def test_flat_and_xml_are_one_document(
    corpus: Callable[[str], Path], agree: Callable[[str, Mapping[str, bool]], None]
) -> None:
    """The flat file gives, segment by segment, what SAP's converter makes of it as XML."""
    root = corpus(PAIR)
    flat = load(next(root.glob("*.idoc")).read_bytes(), CONTRACT, grammar=shipped())
    assert list(flat.index.drift) == []
    xml = next(root.glob("*.xml"))
    document = ET.parse(xml).getroot()[0]  # noqa: S314 - a known file of the corpus
    results = dict(compared(bare(flat.records[0]), as_node(document), ""))
    assert len(results) == 63
    agree("idoc-flat-xml", results)


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("blueseerERP__blueseer/sampledata/ACME_IDOC_ORDERS05.txt", 25),
        ("PeterXyp__sapidoc/ORDERS.idoc", 21),
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_files_of_other_systems(
    path: str, segments: int, *, own: bool, corpus: Callable[[str], Path]
) -> None:
    """Every segment finds its place, by the shipped grammar and by SAP's own parser report."""
    root = corpus("idoc")
    grammar = shipped()
    if own:
        report = (root / "PeterXyp__sapidoc" / "ORDERS01-Parseridoc.txt").read_bytes()
        found = load_idoc(source("idoc", grammar="r.txt"), {"r.txt": report})
        assert found is not None
        grammar = found
    outcome = load((root / path).read_bytes(), CONTRACT, grammar=grammar)
    assert [note for note in outcome.index.drift if "segment" in note] == []
    assert sum(1 for _ in nodes(outcome.records[0])) == segments + 1
    items = outcome.records[0]["E1EDP01"]
    assert all("E1EDP19" in item and "E1EDP20" in item for item in items)


def nodes(node: Any) -> Iterator[Any]:
    """Walk all nodes of a document."""
    yield node
    for value in node.values():
        if isinstance(value, list):
            for child in value:
                yield from nodes(child)


def test_an_imported_report_is_the_report(corpus: Callable[[str], Path]) -> None:
    """SAP's report of ORDERS01, made YAML, gives the grammar that the report gives."""
    name = "ORDERS01-Parseridoc.txt"
    report = (corpus("idoc") / "PeterXyp__sapidoc" / name).read_bytes()
    files = {"r.txt": report, "r.yaml": import_grammar(name, report, "WE60").encode()}
    by_report, by_yaml = (load_idoc(source("idoc", grammar=file), files) for file in files)
    assert by_report == by_yaml
    assert len(by_yaml.segments) == 26  # 24, the control record and the document
