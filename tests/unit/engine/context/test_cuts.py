"""Leaves that YAML cuts: each has an own message and the line as it must be written."""

from collections.abc import Callable

import pytest

from helixnet.engine.context.balance import fault
from helixnet.engine.context.model import ContextProblem, Leaf, Mark, ObjectNode
from helixnet.engine.context.reader import ReadContext
from helixnet.engine.context.repair import corrected


@pytest.mark.parametrize(
    ("text", "column", "message", "written"),
    [
        (
            'a: {b: X | f("u", y), c: 1}',
            15,
            "cuts the expression at `,`",
            "a: {b: 'X | f(\"u\", y)', c: 1}",
        ),
        ("a: {b: f(X, 1)}", 11, "cuts the expression at `,`", "a: {b: 'f(X, 1)'}"),
        ("a: [f(X, 1), Y]", 8, "cuts the expression at `,`", "a: ['f(X, 1)', Y]"),
        (
            'a: {b: X in ["p", "q"], c: Y}',
            10,
            "cuts the expression at a bracket",
            'a: {b: \'X in ["p", "q"]\', c: Y}',
        ),
        ('a: X ~ " # " ~ Y', 10, "` #` for a comment", "a: 'X ~ \" # \" ~ Y'"),
        ('a: f("x #1")', 8, "` #` for a comment", "a: 'f(\"x #1\")'"),
        ('a: No {{ X ~ " # " }}', 16, "` #` for a comment", "a: 'No {{ X ~ \" # \" }}'"),
        ("a: {{ X }}", 6, "unquoted `{{`", "'{{ X }}'"),
        ("a: {b: {{ X }}, c: Y}", 10, "unquoted `{{`", "'{{ X }}'"),
        ("a: {{ X }} {{ Y }}", 6, "unquoted `{{`", "a: '{{ X }} {{ Y }}'"),
        ("a: {% if X %}y{% endif %}", 6, "unquoted `{%`", "a: '{% if X %}y{% endif %}'"),
        (
            'a: "x" if X else "y"',
            6,
            "first quoted text for the whole value",
            'a: \'"x" if X else "y"\'',
        ),
        ("a: 'x' ~ Y", 6, "first quoted text for the whole value", "a: '''x'' ~ Y'"),
        ('- a: "x" ~ Y', 8, "first quoted text", "- a: '\"x\" ~ Y'"),
        ('a: X | f("p: q")', 6, "`: ` in the expression for a key", "a: 'X | f(\"p: q\")'"),
        ('a: ["x", "y"] | length', 6, "at a bracket, comma or quote", 'a: \'["x", "y"] | length\''),
        ("a: @X", 6, "begin with `@`", "a: '@X'"),
        ("a: %X", 6, "begin with `%`", "a: '%X'"),
        ("a: - X", 6, "begin with `-`", "a: '- X'"),
        ('a: "x" ~ Y  # why', 6, "first quoted text", "a: '\"x\" ~ Y'  # why"),
    ],
)
def test_a_cut_leaf_is_shown_as_it_must_be_written(
    map_problems: Callable[[str], list[ContextProblem]],
    text: str,
    column: int,
    message: str,
    written: str,
) -> None:
    (problem,) = map_problems(text)
    assert (problem.mark, problem.code) == (Mark("c.yaml", 7, column), "HX-4009")
    assert message in problem.message
    assert problem.hint == (f"write {written}" if written[0] == "'" else f"write: {written}")


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: (X", 7, 6, "`(` is never closed"),
        ("a: X)", 7, 7, "`)` closes nothing"),
        ("a: (X]", 7, 8, "`]` closes nothing"),
        ("a: it's", 7, 8, "`'` is never closed"),
        ("a: '{{ X'", 7, 7, "`{{` is never closed"),
        ("a: '{{ f(X }}'", 7, 14, "`}` closes nothing"),
        ("a: 'x {# y'", 7, 9, "never closed"),
        ('a: "abc', 7, 6, "the quote opened here is never closed"),
        ("a: 'abc\nb: X", 7, 6, "the quote opened here is never closed"),
        ('a: "abc\nb: "def"\nc: X', 7, 6, "the quote opened here is not closed on its line"),
        ("a: [X, Y", 7, 6, "`[` opened here breaks off"),
        ("a: {b: X", 7, 6, "`{` opened here breaks off"),
        ("f(a: X", 7, 4, "`(` is never closed"),
        ("a: f(X,\n    (Y)", 7, 6, "`(` is never closed"),
    ],
)
def test_a_quote_or_bracket_left_open_is_shown(
    map_problems: Callable[[str], list[ContextProblem]],
    text: str,
    line: int,
    column: int,
    message: str,
) -> None:
    problem = map_problems(text)[0]
    assert (problem.mark, problem.code) == (Mark("c.yaml", line, column), "HX-4009")
    assert message in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "a: X  # a (comment",
        "a: f(X,\n  Y)",
        'a: "{{ X }} it\'s ("',
        'a: \'{{ {"a": {"b": 1}} | tojson }}\'',
        "a: '{# it''s #}{{ X }}'",
        "a: {const: it's (}",
        "a: X == '('",
        'a: X == "it\'s \\" ("',
        "a: {b: 'f(X, 1)', c: X}",
    ],
)
def test_what_is_whole_is_left_alone(
    map_problems: Callable[[str], list[ContextProblem]], text: str
) -> None:
    assert map_problems(text) == []


def test_one_cut_line_hides_neither_the_next_nor_what_it_caused(
    map_problems: Callable[[str], list[ContextProblem]],
) -> None:
    problems = map_problems('a: "x" ~ Y\nb: {{ X }}\nc: {d: f(X, 1), e: Y}\nf: 012\ng: "y" ~ Z')
    assert [(one.mark.line, one.code) for one in problems] == [
        (7, "HX-4009"),
        (8, "HX-4009"),
        (9, "HX-4009"),
        (10, "HX-4007"),
        (11, "HX-4009"),
    ]


def test_cuts_are_looked_for_where_expressions_stand(
    found: Callable[..., list[tuple[int, int, str]]],
) -> None:
    text = "skip_when: f(X\nchecks:\n  - {that: X, code: A, text: 'a {{ X'}\n"
    text += "hints: {fields: {X: our (}}\n"
    assert found(text) == [(7, 13, "HX-4009"), (9, 33, "HX-4009")]


@pytest.mark.parametrize(
    "text", ["a: X", "  X", "", "a: {b: X}", "a: (X", "| trim", "x: {y", "a: b}"]
)
def test_no_correction_without_need_or_certainty(text: str) -> None:
    assert corrected(text) is None


@pytest.mark.parametrize(
    ("text", "offset"), [("a(b)", None), ("((", 0), ("a[(]", 3), ('"a\\"', 0), ("{{ a }} {{ b", 8)]
)
def test_a_fault_is_found_at_its_character(text: str, offset: int | None) -> None:
    assert fault(text) == offset


def test_reading_goes_on_with_the_line_as_it_was_meant(read: Callable[..., ReadContext]) -> None:
    head = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nsource: {format: csv}\n"
    result = read(head + 'map:\n  a: {b: f("u", y), c: 1}\n  d: "x" ~ Y\n  e: {{ X }}\n')
    assert [one.code for one in result.problems] == ["HX-4009"] * 3
    assert result.context
    body = result.context.map
    assert isinstance(body, ObjectNode)
    inner = body.fields["a"]
    assert isinstance(inner, ObjectNode)
    assert list(inner.fields) == ["b", "c"]
    leaves = [inner.fields["b"], body.fields["d"], body.fields["e"]]
    assert [leaf.text for leaf in leaves if isinstance(leaf, Leaf)] == [
        'f("u", y)',
        '"x" ~ Y',
        "{{ X }}",
    ]
