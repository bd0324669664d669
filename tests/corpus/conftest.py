"""Third-party suites: where they are, which exceptions are listed, and one table at the end.

``EXCEPTIONS.toml`` names, for each suite, the cases that do not agree with their source, each group
with its reason. A case that fails unlisted, or is listed and agrees, fails the suite; so does less
than 98 % of agreement.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

HERE = Path(__file__).parent
LEAST = 0.98
WHERE = (
    "Files of other projects with what their authors say of them; they are not part of the "
    "repository. Made by `HELIXNET_CORPUS_TABLE=tests/corpus/RESULTS.md pytest tests/corpus`."
)
Agree: TypeAlias = Callable[[str, Mapping[str, bool]], None]
_table: dict[str, tuple[int, int]] = {}


@pytest.fixture
def corpus() -> Callable[[str], Path]:
    """Return the folder of a corpus; without it the test is skipped loudly."""
    root = Path(os.environ.get("HELIXNET_CORPORA", HERE.parents[2] / "shared" / "corpora"))

    def find(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"NO CORPUS: {root / name} is not there; set HELIXNET_CORPORA")
        return root / name

    return find


@pytest.fixture
def agree() -> Agree:
    """Hold the results of a suite, True where a case agrees, to its listed exceptions."""

    def hold(suite: str, results: Mapping[str, bool]) -> None:
        listed = exceptions(suite)
        failing = {case for case, agrees in results.items() if not agrees}
        assert len(results) > 0
        assert sorted(failing - listed) == [], "these do not agree and are not listed"
        assert sorted(listed - failing) == [], "these are listed but agree, or are gone"
        _table[suite] = (len(results), len(failing))
        assert len(results) - len(failing) >= LEAST * len(results)

    return hold


def exceptions(suite: str) -> set[str]:
    """Return the listed cases of one suite."""
    listed = tomllib.loads((HERE / "EXCEPTIONS.toml").read_text("utf-8"))
    return {case for group in listed.get(suite, []) for case in group["cases"]}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many cases of each suite agree; ``$HELIXNET_CORPUS_TABLE`` names a file for it."""
    for suite, (cases, failing) in sorted(_table.items()):
        share = 100 * (cases - failing) / cases
        terminalreporter.write_line(f"{suite}: {cases - failing} of {cases} agree ({share:.1f} %)")
    if _table and (table := os.environ.get("HELIXNET_CORPUS_TABLE")):
        Path(table).write_text(as_page(), "utf-8")


def as_page() -> str:
    """Write counts and exceptions with their reasons as one page."""
    lines = ["# Third-party suites", "", WHERE, ""]
    lines += ["| suite | cases | agree | |", "|---|---|---|---|"]
    for suite, (cases, failing) in sorted(_table.items()):
        good = cases - failing
        lines.append(f"| {suite} | {cases} | {good} | {100 * good / cases:.1f} % |")
    listed = tomllib.loads((HERE / "EXCEPTIONS.toml").read_text("utf-8"))
    lines += ["", "Exceptions:", ""]
    for suite in sorted(set(listed) & set(_table)):
        lines += [f"- {suite}: {len(g['cases'])} because {g['reason']}" for g in listed[suite]]
    return "\n".join(lines) + "\n"
