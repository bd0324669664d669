"""Whatever bytes come as a context, the reader answers with problems, never with a crash."""

from pathlib import Path
from unittest.mock import patch

import yaml
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.context.bundle import bundle_from_files, bundle_from_zip
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.reader import read_context
from helixnet.engine.context.repair import corrected
from helixnet.engine.context.yaml_nodes import compose
from helixnet.errors import ContextError

EXAMPLES = [path.read_text("utf-8") for path in (Path(__file__).parent / "contexts").iterdir()]
PIECES = st.sampled_from(
    ["a", ": ", "- ", "\n  ", "\n", "{", "}", "[", "]", ",", "'", '"', "{{", "}}", " #", "|", "&x ",
     "*x", "!t ", "<<", "? ", "each", "map", "when", "const", "012", "~", "\t", "\u2028", "%", "\\"]
)  # fmt: skip


def read(content: bytes) -> None:
    result = read_context(bundle_from_files("c.yaml", {"c.yaml": content}))
    assert result.context is not None or result.problems
    assert all(one.mark.line > 0 and one.mark.column > 0 for one in result.problems)
    assert result.problems == sorted(
        result.problems, key=lambda one: (one.mark.file, one.mark.line, one.mark.column)
    )


@given(st.binary(max_size=200))
def test_any_bytes_give_problems(content: bytes) -> None:
    read(content)


@given(st.lists(PIECES, max_size=30))
def test_any_yaml_signs_in_a_map_give_problems_or_a_context(pieces: list[str]) -> None:
    head = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nsource: {format: csv}\nmap:\n  a: "
    read((head + "".join(pieces)).encode())


@given(st.sampled_from(EXAMPLES), st.data())
def test_an_example_with_a_piece_missing_gives_problems_or_a_context(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    read((text[:start] + text[end:]).encode())


@given(
    st.one_of(st.sampled_from(EXAMPLES), st.just("a: ")), st.lists(PIECES, max_size=12), st.data()
)
def test_libyaml_and_pyyaml_read_the_same(
    text: str, pieces: list[str], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text)))
    text = text[max(0, at - 200) : at] + "".join(pieces) + text[at : at + 200]
    found: list[tuple[object, object]] = []
    for fast in (True, False):
        problems = Problems()
        with patch.object(yaml, "__with_libyaml__", fast):
            try:
                found.append((compose(text, "c.yaml", problems), problems.found))
            except (yaml.YAMLError, ValueError) as error:
                found.append((str(error), type(error)))
    assert found[0] == found[1]


@given(st.lists(PIECES, max_size=20).map("".join))
def test_a_correction_needs_no_further_correction(line: str) -> None:
    fixed = corrected(line)
    assert fixed is None or corrected(fixed) is None


@given(st.integers(0, 400), st.binary(max_size=8))
def test_a_damaged_zip_is_refused_or_a_bundle(start: int, damage: bytes) -> None:
    good = bundle_from_files("c.yaml", {"c.yaml": b"helixnet: 1\n", "s.json": b"{}"}).to_zip()
    try:
        bundle = bundle_from_zip(good[:start] + damage + good[start + len(damage) :])
    except ContextError:
        return
    assert bundle.entry in bundle.files
