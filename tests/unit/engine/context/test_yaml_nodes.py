"""YAML is read strictly: what hides meaning is refused, every problem has its place."""

from collections.abc import Callable

import pytest

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.context.reader import ReadContext, read_context


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("vars: &x {a: X}\n", (7, 7), "anchor `&x`"),
        ("vars: {a: &x X, b: *x}\n", (7, 11), "anchor `&x`"),
        ("vars: {a: !!str X}\n", (7, 11), "tag `!!str`"),
        ("vars: {a: !x X}\n", (7, 11), "tag `!x`"),
        ("vars: {<<: X}\n", (7, 8), "merge key `<<`"),
        ("vars: {a: X, a: Y}\n", (7, 14), "duplicate key `a`, first on line 7"),
        ('vars: {a: X, "a": Y}\n', (7, 15), "duplicate key `a`"),
        ("vars: {? {a: X} : Y}\n", (7, 10), "a mapping as a key"),
        ("---\nhelixnet: 1\n", (7, 1), "a second document"),
        ("map: {a: Y}\n", (7, 1), "duplicate key `map`, first on line 6"),
    ],
)
def test_a_feature_that_hides_meaning_is_refused(
    read: Callable[..., ReadContext], text: str, place: tuple[int, int], message: str
) -> None:
    base = (
        "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nsource: {format: csv}\nmap: {a: X}\n"
    )
    problem = read(base + text).problems[0]
    assert (problem.mark.line, problem.mark.column) == place
    assert problem.code == "HX-4006"
    assert message in problem.message


def test_an_alias_is_refused_beside_its_anchor(
    found: Callable[..., list[tuple[int, int, str]]],
) -> None:
    assert found("vars: {a: &x X, b: *x}\n") == [(7, 11, "HX-4006"), (7, 20, "HX-4006")]


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"", (1, 1), "empty"),
        (b"# only a comment\n", (1, 1), "empty"),
        (b"name: a\nb: \xff", (2, 4), "not UTF-8"),
        (b"name: a\nb: \x01", (2, 4), "U+0001"),
        (b"name: a\n\tb: c", (2, 1), "tab"),
        (b"a: [\nb: c\n", (1, 4), "breaks off"),
        (b"a\nb: c", (2, 2), "`: ` stands where no key can be"),
        (b"a: b\n c: d", (2, 3), "`: ` stands where no key can be"),
        (b"a: b\n- c", (2, 1), "does not go on from the one above"),
        (b"a: c\nb\nd: e", (2, 1), "no `key: value`"),
        (b"a: }", (1, 4), "value is missing, or a bracket closes nothing"),
        (b"{a: b} {c: d}", (1, 8), "second value"),
        (b'a: "\\U00110000"', (1, 5), "no Unicode character"),
        (b'a: "\\ud800"', (1, 5), "surrogate"),
        (b"[" * 100, (1, 65), "nested deeper"),
        (b"a: &b\n  - " + b"- " * 100, (2, 129), "nested deeper"),
    ],
)
def test_what_is_no_yaml_is_said_in_our_words_at_its_place(
    content: bytes, place: tuple[int, int], message: str
) -> None:
    result = read_context(bundle_from_files("c.yaml", {"c.yaml": content}))
    problem = next(one for one in result.problems if message in one.message)
    assert (problem.mark.line, problem.mark.column) == place
    assert problem.code in ("HX-4001", "HX-4009")
    assert result.context is None


def test_too_many_values_are_refused(
    read: Callable[..., ReadContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helixnet.engine.context.yaml_nodes.MAX_NODES", 100)
    (problem,) = read("a: [" + "[]," * 100 + "]").problems
    assert (problem.code, problem.mark.line) == ("HX-4001", 1)


def test_a_byte_order_mark_moves_no_column(read: Callable[..., ReadContext]) -> None:
    assert read("\ufeffhelixnet: 2\n").problems[0].mark.column == 11


def test_lines_count_as_editors_count_them(read: Callable[..., ReadContext]) -> None:
    problems = read("helixnet: 1\r\nname: a\r\nnaem: b\r\n").problems
    assert [one.mark.line for one in problems if one.code == "HX-4003"] == [3]


def test_problems_are_counted_up_to_a_thousand(map_problems: Callable[[str], list[object]]) -> None:
    assert len(map_problems("\n".join(f"k{n}: x ~ ' # '" for n in range(1_100)))) == 1_000


def test_a_message_quotes_no_megabyte(read: Callable[..., ReadContext]) -> None:
    problems = read(
        "helixnet: 1\n" + "k" * 100_000 + ": 1\n? " + "l" * 100_000 + "\n: 1\n"
    ).problems
    assert max(len(str(one)) for one in problems) < 2_000
