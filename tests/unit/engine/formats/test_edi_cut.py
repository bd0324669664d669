"""X12 and EDIFACT: what is found at once is what a close look finds."""

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helixnet.engine.formats.edi.cut import cut, is_even
from helixnet.engine.formats.edi.drift import DriftWatch
from helixnet.engine.formats.edi.message import Nester
from helixnet.engine.formats.edi.syntax import Syntax, edifact_syntax, x12_syntax
from tests.unit.engine.formats.edi import grammar, isa

TREE = {"BGM": ["NAD"], "BEG": ["N1"], "LIN": ["QTY"]}
BREAKS = st.sampled_from(["", "\n", "\r\n"])
TAGS = st.sampled_from(["BGM", "NAD", "BEG", "N1", "LIN", "QTY", "XYZ", "N", "", " ", "\t", "??"])
TEXTS = st.text("A?:+'*~\n\r ^\0", max_size=5)
ODD = st.sampled_from(["", "", "", "", "\n", "\r\n", "\r", " ", "?", "\t", "\n\n"])


def syntax_of(form: str) -> Syntax:
    return x12_syntax(isa()) if form == "x12" else edifact_syntax("UNA:+.? '", "3")


@st.composite
def messages(draw: st.DrawFn, form: str) -> tuple[str, str]:
    """Return the text of a message, and what ends most of its lines."""
    syntax, newline = syntax_of(form), draw(BREAKS)
    head = draw(st.sampled_from(["ST*850*1", "ST*855*1", "UNH+1+ORDERS:D", "UNH+1+OR?+S", "U?NH"]))
    drawn = draw(st.lists(st.tuples(TAGS, TEXTS), max_size=6))
    segments = [head, *(tag + syntax.element + text for tag, text in drawn)]
    end = syntax.terminator
    text = "".join(each + end + newline + draw(ODD) for each in segments)
    return text[: text.rindex(end) + 1], newline


@pytest.mark.parametrize("form", ["x12", "edifact"])
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_segments_of_even_messages_are_those_of_any(form: str, data: st.DataObject) -> None:
    text, newline = data.draw(messages(form))
    syntax = syntax_of(form)
    even = is_even(text.encode("latin-1"), syntax, newline)
    quick, exact = (cut(text, syntax, 7, newline, even=each) for each in (even, False))
    assert list(quick.segments) == list(exact.segments)
    assert list(quick.lines) == list(exact.lines)
    assert quick.marks == exact.marks


@pytest.mark.parametrize("form", ["x12", "edifact"])
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_drift_is_what_a_reader_rejects(form: str, data: st.DataObject) -> None:
    text, newline = data.draw(messages(form))
    kind = "850" if form == "x12" else "ORDERS"
    syntax, known = syntax_of(form), grammar(form, type=kind, structure={"tree": TREE})
    watch = DriftWatch.of(known, "warn", newline)
    assert watch is not None
    watch.look(text.encode("latin-1"), syntax)
    nester, root = Nester(known, syntax, None, rejects_drift=True), dict[str, Any]()
    wrong = nester.nest(cut(text, syntax, 1, newline), root)
    assert set(watch.found) == {one.message for one in wrong if one.code in {"HX-5005", "HX-1108"}}


NAMES = {
    "": {"NAD", "QTY"},
    "NAD": {"3035", "C082", "C080"},
    "NAD/C082": {"3039", "3055"},
    "NAD/C080": {"3036"},
    "QTY": {"C186", "QTY0102"},
    "QTY/C186": {"6063", "6060"},
}
LISTED = {
    "tree": {"NAD": "", "QTY": ""},
    "segments": {
        "NAD": "3035, C082(3039 1131 3055), C058(3124), C080(3036 3036)",
        "QTY": "C186(6063 6060 6411)",
    },
}


def narrowed(node: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what is wanted of a node that has everything."""
    found: dict[str, Any] = {"_line": node["_line"], "_name": node["_name"]}
    for key in NAMES[name] & set(node):
        below = f"{name}/{key}".removeprefix("/")
        value = found[key] = node[key]
        if isinstance(value, list):
            found[key] = [narrowed(one, below) for one in cast("list[dict[str, Any]]", value)]
    return found


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["NAD+", "QTY+"]), st.text("A?:+*", max_size=9))),
    st.sampled_from(["3", "4"]),
)
def test_what_is_wanted_of_segments_is_as_in_whole_ones(
    parts: list[tuple[str, str]], version: str
) -> None:
    syntax, known = edifact_syntax("UNA:+.?*'", version), grammar("edifact", structure=LISTED)
    text = "UNH+1+ORDERS:D'" + "".join(tag + one + "'" for tag, one in parts) + "UNT'"
    roots: list[dict[str, Any]] = []
    for wanted in (NAMES, None):
        roots.append({"_line": 1, "_name": ""})
        Nester(known, syntax, wanted, rejects_drift=False).nest(cut(text, syntax, 1, ""), roots[-1])
    assert roots[0] == narrowed(roots[1], "")
