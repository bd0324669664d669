"""The generated pages are up to date, and nothing that a user meets is missing from them."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from helixnet.engine.codes import CODES
from helixnet.engine.mapping.filters.registry import (
    FILTERS,
    REFUSED_FILTERS,
    REFUSED_TESTS,
    TESTS,
)

ROOT = Path(__file__).resolve().parents[2]


def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "scripts" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["filters.md", "errors.md"])
def test_a_generated_page_is_up_to_date(name: str) -> None:
    """After a change of a table, `make docs` writes the page anew."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == make_docs().PAGES[name]()


def test_every_filter_and_test_has_an_entry() -> None:
    page = (ROOT / "docs" / "filters.md").read_text(encoding="utf-8")
    entries = set(re.findall(r"^### (.+)$", page, re.MULTILINE))
    assert entries == set(FILTERS) | {f"is {name}" for name in TESTS}
    for name in (*REFUSED_FILTERS, *REFUSED_TESTS):
        assert f"`{name}`" in page


def test_every_code_has_an_entry() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (HX-\d{4})$", page, re.MULTILINE)) == set(CODES)


def test_every_code_in_the_source_is_in_the_table() -> None:
    """A code that is raised but not documented helps nobody."""
    used: set[str] = set()
    for path in (ROOT / "src").glob("**/*.py"):
        used |= set(re.findall(r"HX-\d{4}", path.read_text(encoding="utf-8")))
    assert used <= set(CODES)
