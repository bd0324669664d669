"""X12 and EDIFACT files of other projects: what a second reader sees, and the same bytes back.

The sources give no expected results for the content. A case agrees if both readers see the same
messages and elements, or both find that the file or a message is not whole; and if messages that
are put into their envelopes again are the file as it was, line ends left out.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from helixnet.engine.formats.edi.grammar import load_edi
from helixnet.engine.reassembly import Envelope, assembled
from helixnet.errors import RefusedError
from tests.corpus.edi_oracle import Seen, look, plain
from tests.unit.engine.formats.reading import Outcome, load, source

pytestmark = pytest.mark.corpus

OTHERS = {".xml", ".xsd", ".md", ".json", ".csv"}
NO_EDI = {"sample837-HL-nested-expected.txt"}  # a listing of what another file holds
ENCODINGS = ("utf-8", "latin-1")


def files(root: Path, *begins: bytes) -> Iterator[Path]:
    """Yield the files that begin as the format does."""
    for path in sorted(root.rglob("*")):
        known = (
            path.is_file()
            and path.suffix not in OTHERS
            and "LICENSE" not in path.name
            and path.name not in NO_EDI
        )
        if known and path.read_bytes().lstrip().startswith(begins):
            yield path


def same(data: bytes, form: str) -> bool:
    """Tell whether both readers see the same in a file."""
    contract = source(form, encoding=ENCODINGS)
    try:
        outcome = load(data, contract, grammar=load_edi(contract, {}))
    except RefusedError as refusal:
        alone = form == "edifact" and b"UNB" not in data
        fault = "no delimiters" if alone else look(data.decode("latin-1")).fault
        return refusal.code == ("HX-5004" if fault == "no delimiters" else "HX-5013") and bool(
            fault
        )
    seen = look(data.decode(outcome.index.encoding))
    return not seen.fault and messages(outcome, seen) and written_back(data, outcome, form)


def messages(outcome: Outcome, seen: Seen) -> bool:
    """Compare message by message, segment by segment."""
    if len(outcome.records) != len(seen.messages):
        return False
    for number, (record, message) in enumerate(zip(outcome.records, seen.messages, strict=True)):
        if (number not in outcome.codes) != message.whole:
            return False
        nodes = {tag: iter(record.get(tag, ())) for tag in {one[0] for one in message.segments}}
        for tag, *elements in message.segments:
            if values(next(nodes[tag], {}), tag) != named(tag, elements, seen):
                return False
        if any(next(left, None) is not None for left in nodes.values()):
            return False
    return True


def values(node: Mapping[str, Any], tag: str) -> dict[str, str]:
    """Return the whole elements of a node."""
    return {
        name: text
        for name, text in node.items()
        if name.startswith(tag) and len(name) == len(tag) + 2
    }


def named(tag: str, elements: list[str], seen: Seen) -> dict[str, str]:
    """Return elements as a map reads them."""
    return {
        f"{tag}{number:02}": plain(value, seen.component, seen.release)
        for number, value in enumerate(elements, 1)
        if value
    }


def written_back(data: bytes, outcome: Outcome, form: str) -> bool:
    """Put the messages into their envelopes again; counts of a good file stay as they are."""
    index = outcome.index
    if index.drift:
        return True  # it says what it leaves out
    raws = [raw.decode(index.encoding) for raw in outcome.raws]
    envelope = Envelope(b"", index.encoding, "", (), index.envelopes)
    contract = source(form, encoding=ENCODINGS)
    numbers = range(1, len(raws) + 1)
    back = assembled(contract, raws, envelope, numbers) if raws else data
    return squeezed(back) == squeezed(data)


def squeezed(data: bytes) -> bytes:
    """Leave out blanks and line ends, and a last terminator, which may be cut off."""
    return b"".join(data.split()).rstrip(b"~'")


@pytest.mark.parametrize("form", ["x12", "edifact"])
def test_files_of_other_systems(
    form: str, corpus: Callable[[str], Path], agree: Callable[[str, Mapping[str, bool]], None]
) -> None:
    begins = (b"ISA",) if form == "x12" else (b"UNA", b"UNB")
    root = corpus("x12").parent
    found = [path for folder in ("x12", "edifact") for path in files(root / folder, *begins)]
    results = {str(path.relative_to(root)): same(path.read_bytes(), form) for path in found}
    agree(f"{form}-files", results)
