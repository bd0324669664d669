"""The YAML form that is written gives the grammar from which it was written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.formats.idoc.grammar import IdocGrammar, import_grammar, load_idoc
from helixnet.engine.formats.idoc.segments import GrammarError, SegmentDraft
from helixnet.engine.formats.idoc.write import write_yaml
from helixnet.engine.formats.idoc.yaml import parse_yaml
from helixnet.errors import UsageError
from tests.unit.engine.formats.reading import source
from tests.unit.engine.formats.test_grammar import RECORDS, REPORT
from tests.unit.engine.formats.test_idoc_xsd import SCHEMA

NAMES = st.sampled_from(["E1EDK01", "Z1A", "/ABC/Z1", "NO", "ON", "1E5", "=", "Z1-B", "0x1F"])


def loaded(name: str, text: str) -> IdocGrammar:
    """Load a grammar that a context names."""
    return load_idoc(source("idoc", grammar=name), {name: text.encode()})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("z.txt", REPORT.replace("{0}", "BYTE")),
        ("z.txt", (RECORDS + REPORT).replace("{0}", "CHARACTER")),
        ("z.xsd", SCHEMA),
    ],
)
def test_an_imported_grammar_is_the_grammar(name: str, text: str) -> None:
    """What is imported and named as YAML reads as what SAP exported."""
    written = import_grammar(name, text.encode(), "imported from WE60")
    assert loaded("z.yaml", written) == loaded(name, text)


@st.composite
def drafts(draw: st.DrawFn) -> dict[str, SegmentDraft]:
    """Draw segments with gaps, that stand at several places, under themselves too."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    found = {"": SegmentDraft(children=["EDI_DC40", *names])}
    for name in names:
        fields: dict[str, tuple[int, int]] = {}
        place = 63
        for field in draw(st.lists(st.sampled_from(["A", "NO", "B/C", "-D", "E_F"]), unique=True)):
            place += draw(st.integers(0, 3))
            end = place + draw(st.integers(1, 70))
            fields[field] = (place, end)
            place = end
        found[name] = SegmentDraft(fields, draw(st.lists(st.sampled_from(names), unique=True)))
    return found


def bare(drafts: dict[str, SegmentDraft]) -> dict[str, Any]:
    """Take the built-in control record away."""
    return {name: draft for name, draft in drafts.items() if name != "EDI_DC40"}


@given(drafts())
def test_what_is_written_is_read(given_drafts: dict[str, SegmentDraft]) -> None:
    """Names, gaps, order and nesting come back, also names that YAML takes for something else."""
    kind, found = parse_yaml(write_yaml("ZORDER", given_drafts, 'a "source": 1'))
    assert kind == "ZORDER"
    assert bare(found) == bare(given_drafts)


def test_fields_that_overlap_have_no_such_form() -> None:
    """A broken report is told, not written in a form that reads as something else."""
    draft = SegmentDraft({"A": (63, 70), "B": (69, 72)})
    with pytest.raises(GrammarError, match="B of Z1A overlaps"):
        write_yaml("Z", {"": SegmentDraft(children=["Z1A"]), "Z1A": draft}, "test")


def test_what_is_no_grammar_is_not_imported() -> None:
    """The error names the file and says what to do."""
    with pytest.raises(UsageError, match=r"^r.txt: this is not a parser report"):
        import_grammar("r.txt", b"hello", "test")
