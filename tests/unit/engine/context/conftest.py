"""Reading a context given as text: what every test here does."""

from collections.abc import Callable

import pytest

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.context.model import Context, ContextProblem, MapNode
from helixnet.engine.context.reader import ReadContext, read_context

HEAD = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nsource: {format: csv}\n"

Read = Callable[..., ReadContext]
Found = Callable[..., list[tuple[int, int, str]]]


def _read(text: str, **files: bytes) -> ReadContext:
    named = {name.replace("__", "."): content for name, content in files.items()}
    return read_context(bundle_from_files("c.yaml", {"c.yaml": text.encode(), **named}))


@pytest.fixture
def read() -> Read:
    """Read a whole context; ``a__csv=b""`` is the file a.csv of its bundle."""
    return _read


@pytest.fixture
def read_map() -> Callable[[str], MapNode | None]:
    """Read the text of a map, which must be good and begins at line 7, column 3."""

    def run(text: str) -> MapNode | None:
        result = _read(HEAD + "map:\n" + _indented(text))
        assert result.problems == []
        assert result.context
        return result.context.map

    return run


@pytest.fixture
def map_problems() -> Callable[[str], list[ContextProblem]]:
    """Problems of a map whose text begins at line 7, column 3."""
    return lambda text: _read(HEAD + "map:\n" + _indented(text)).problems


@pytest.fixture
def found() -> Found:
    """(line, column, code) of the problems of a good context with more lines, from line 7 on."""

    def run(text: str, **files: bytes) -> list[tuple[int, int, str]]:
        problems = _read(HEAD + "map: {a: x}\n" + text, **files).problems
        return [(one.mark.line, one.mark.column, one.code) for one in problems]

    return run


@pytest.fixture
def context() -> Callable[..., Context]:
    """Context of the good head with more lines."""

    def run(text: str, **files: bytes) -> Context:
        result = _read(HEAD + "map: {a: x}\n" + text, **files)
        assert result.problems == []
        assert result.context
        return result.context

    return run


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.split("\n"))
