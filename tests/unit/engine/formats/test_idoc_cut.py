"""A flat IDoc file that breaks off is never taken for a shorter, whole one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.errors import RefusedError
from tests.unit.engine.formats.reading import PART_SIZE, load
from tests.unit.engine.formats.test_idoc import CONTRACT, GRAMMAR, ORDER, control, flat, segment

UNBROKEN = flat(*ORDER, *ORDER, end="").decode()
_ONE = {0, 524, *(524 + 1063 * n for n in range(1, 10))}
BORDERS = _ONE | {border + len(UNBROKEN) // 2 for border in _ONE}


def codes(data: bytes, part_size: int = PART_SIZE) -> list[str]:
    """Return the faults of a file, or the code of its refusal."""
    try:
        found = load(data, CONTRACT, grammar=GRAMMAR, part_size=part_size).codes
    except RefusedError as refusal:
        return [refusal.code]
    return [code for codes in found.values() for code in codes]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, len(UNBROKEN)), st.sampled_from([100, 5000, 1 << 24]))
def test_a_cut_file_without_line_ends_is_never_whole(size: int, part_size: int) -> None:
    """Cut anywhere but at a border of records, the document that is cut is a reject."""
    found = codes(UNBROKEN[:size].encode(), part_size=part_size)
    assert bool(found) == (size not in BORDERS)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("left", [1, 40, 63, 600, 1062])
def test_only_the_cut_document_is_a_reject(end: str, left: int) -> None:
    """The documents before are used; a line end after the cut does not hide it."""
    data = flat(*ORDER, *ORDER, segment("E2EDS01")[:left], end="") + end.encode()
    outcome = load(data, CONTRACT, grammar=GRAMMAR)
    assert outcome.codes == {1: ["HX-1008"]}
    fault = outcome.batches[-1][0].faults[1][0]
    assert fault.source is not None
    assert (fault.message, fault.source.line) == ("the file ends inside a record", 21)


@pytest.mark.parametrize("tail", ["E", "E2EDP19002", "E2EDS01".ljust(62), "EDI_DC40", "EDI_DC4"])
def test_a_cut_record_header_in_a_file_with_lines(tail: str) -> None:
    """Less than a record header without a line end is a broken record, whatever it begins with."""
    assert codes(flat(*ORDER) + tail.encode()) == ["HX-1008"]


def test_a_tail_that_is_no_record() -> None:
    """A short last line of no known segment rejects, too; blank lines and cut blanks do not."""
    assert codes(flat(*ORDER) + b"EOF\n") == ["HX-1008"]
    for tail in (b"", b"\r\n", b"\n\n", b"E2EDS01" + b" " * 60 + b"\n"):
        assert codes(flat(*ORDER) + tail) == []
    assert codes(flat(*ORDER, end="") + b"\r\n") == []
    assert codes(control().encode()[:300]) == ["HX-1008"]


def test_a_last_record_that_breaks_off_within_its_fields() -> None:
    """Shorter than the padded ones before it, it is no whole record; trimmed ones only look odd."""
    assert codes(flat(*ORDER)[:-4]) == ["HX-1008"]
    assert codes(flat(*ORDER)[:-1]) == []
    trimmed = flat(*ORDER, cut=True)
    whole = load(trimmed, CONTRACT, grammar=GRAMMAR)
    short = load(trimmed[:-2], CONTRACT, grammar=GRAMMAR)
    told = "the last record has no line end: the file may be cut off"
    assert told not in whole.index.drift
    assert told in short.index.drift
