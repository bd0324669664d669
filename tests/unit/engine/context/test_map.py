"""``map``: shape, directives, literals and the place of every leaf."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from helixnet.engine.context.model import (
    ArrayNode,
    Const,
    ContextProblem,
    EachNode,
    Leaf,
    Mark,
    ObjectNode,
    WhenNode,
)
from helixnet.engine.context.reader import ReadContext


def at(line: int, column: int) -> Mark:
    return Mark("c.yaml", line, column)


def test_a_map_has_the_shape_and_order_of_the_document(read_map: Callable[[str], Any]) -> None:
    node = read_map("b: X\na: {c: Y}\nl:\n  - Z")
    assert isinstance(node, ObjectNode)
    assert list(node.fields) == ["b", "a", "l"]
    assert isinstance(node.fields["a"], ObjectNode)
    assert isinstance(node.fields["l"], ArrayNode)
    assert node.marks["a"] == at(8, 3)
    assert node.mark == at(7, 3)


@pytest.mark.parametrize(
    ("text", "leaf"),
    [
        ("a: X | trim", Leaf("X | trim", at(7, 6))),
        ("a:   X", Leaf("X", at(7, 8))),
        ("a: 'X ~ \"y\"'", Leaf('X ~ "y"', at(7, 7))),
        ('a: "Customer {{ X }}"', Leaf("Customer {{ X }}", at(7, 7))),
        ("a: |-\n  X\n  | trim", Leaf("X\n| trim", at(8, 5))),
        ("a: >-\n\n    X\n    | trim", Leaf("\nX | trim", at(9, 7))),
        ("a: X\n  | trim", Leaf("X | trim", at(7, 6))),
        ("a:\n  X", Leaf("X", at(8, 5))),
    ],
)
def test_a_leaf_knows_where_its_first_character_stands(
    read_map: Callable[[str], Any], text: str, leaf: Leaf
) -> None:
    assert read_map(text).fields["a"] == leaf


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-0", 0),
        ("-12", -12),
        ("1.10", Decimal("1.10")),
        ("1e2", Decimal("1E+2")),
        ("12345678901234567890123456789012345678901", 12345678901234567890123456789012345678901),
        ("{const: EUR}", "EUR"),
        ("{const: 2026-11-23}", "2026-11-23"),
        ("{const: {a: [1, x, null]}}", {"a": [1, "x", None]}),
        ('{const: ""}', ""),
        ('{const: "012"}', "012"),
        ("{const: NO}", "NO"),
    ],
)
def test_only_json_literals_and_const_are_values(
    read_map: Callable[[str], Any], text: str, value: object
) -> None:
    node = read_map(f"a: {text}").fields["a"]
    assert isinstance(node, Const)
    assert node.value == value
    assert type(node.value) is type(value)
    assert str(node.value) == str(value)


@pytest.mark.parametrize("name", ["NO", "no", "on", "yes", "y", "Null", "TRUE", "None", "e1", "_x"])
def test_words_that_other_yaml_readers_convert_are_names(
    read_map: Callable[[str], Any], name: str
) -> None:
    assert read_map(f"a: {name}").fields["a"] == Leaf(name, at(7, 6))


@pytest.mark.parametrize("text", ["1", "true", "null", "012", "2026-11-23", "~"])
def test_a_quoted_scalar_is_always_an_expression(read_map: Callable[[str], Any], text: str) -> None:
    assert read_map(f'a: "{text}"').fields["a"] == Leaf(text, at(7, 7))


@pytest.mark.parametrize("key", ["null", "true", "on", "NO", "012", "2026-11-23", "~"])
def test_a_key_is_text_whatever_it_looks_like(read_map: Callable[[str], Any], key: str) -> None:
    assert list(read_map(f"{key}: X").fields) == [key]


def test_each_has_its_parts(read_map: Callable[[str], Any]) -> None:
    node = read_map("a: {each: lines, as: l, where: l.Q > 0, when: W, map: {x: l.X}}").fields["a"]
    assert isinstance(node, EachNode)
    assert (node.each.text, node.name) == ("lines", "l")
    assert node.where == Leaf("l.Q > 0", at(7, 34))
    assert node.when == Leaf("W", at(7, 49))
    assert isinstance(node.map, ObjectNode)
    assert node.mark == at(7, 6)


def test_each_needs_no_name_or_condition(read_map: Callable[[str], Any]) -> None:
    node = read_map("a: {each: lines, map: X}").fields["a"]
    assert isinstance(node, EachNode)
    assert (node.name, node.where, node.when) == (None, None, None)


def test_when_has_a_condition_and_a_map(read_map: Callable[[str], Any]) -> None:
    node = read_map("a: {when: true, map: 1}").fields["a"]
    assert isinstance(node, WhenNode)
    assert node.when == Leaf("true", at(7, 13))
    assert node.map == Const(1, at(7, 24))


def test_object_makes_fields_of_directive_names(read_map: Callable[[str], Any]) -> None:
    node = read_map("a: {object: {when: X, map: Y, const: Z}}").fields["a"]
    assert isinstance(node, ObjectNode)
    assert list(node.fields) == ["when", "map", "const"]
    assert node.mark == at(7, 15)


def test_the_whole_map_may_be_an_each(read: Callable[..., ReadContext]) -> None:
    text = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nsource: {format: csv}\n"
    result = read(text + "map: {each: X, map: {a: Y}}\n")
    assert result.problems == []
    assert isinstance(result.context.map, EachNode)


@pytest.mark.parametrize(
    ("text", "column", "code"),
    [
        ("a: {when: X, b: Y}", 7, "HX-4004"),
        ("a: {each: X, as: l, map: {a: Y}, other: Z}", 7, "HX-4004"),
        ("a: {const: X, b: Y}", 7, "HX-4004"),
        ("a: {object: {b: X}, c: Y}", 7, "HX-4004"),
        ("a: {as: X}", 7, "HX-4004"),
        ("a: {map: X}", 7, "HX-4004"),
        ("a: {when: X}", 6, "HX-4005"),
        ("a: {each: X, as: l}", 6, "HX-4005"),
    ],
)
def test_a_directive_beside_fields_is_refused_with_the_way_out(
    map_problems: Callable[[str], list[ContextProblem]], text: str, column: int, code: str
) -> None:
    (problem,) = map_problems(text)
    assert (problem.mark, problem.code) == (at(7, column), code)
    assert "`object:`" in problem.hint


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a: {object: X}", 15),
        ("a: {each: [X], map: Y}", 13),
        ("a: {each: X, as: out, map: Y}", 20),
        ("a: {each: X, as: _l, map: Y}", 20),
        ("a: {each: X, as: l-1, map: Y}", 20),
        ("a: {each: X, as: [l], map: Y}", 20),
        ("a: {when: 1, map: X}", 13),
        ("a: {when: null, map: X}", 13),
        ("a: {when: {b: X}, map: X}", 13),
    ],
)
def test_a_directive_with_a_wrong_value_is_refused_there(
    map_problems: Callable[[str], list[ContextProblem]], text: str, column: int
) -> None:
    (problem,) = map_problems(text)
    assert (problem.mark, problem.code) == (at(7, column), "HX-4004")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("012", 'write 12, or as a text {const: "012"}'),
        ("-012", "write -12,"),
        ("00", "write 0,"),
        ("1_000", "write 1000,"),
        ("+5", "write 5,"),
        (".5", "write 0.5,"),
        ("-.5", "write -0.5,"),
        ("5.", "write 5,"),
        ("1,5", "write 1.5,"),
        ("0x1F", "write 31,"),
        ("0o17", "write 15,"),
        ("0b11", "write 3,"),
        ("0x_", 'as a text: {const: "0x_"}'),
        ("1.2.3", 'as a text: {const: "1.2.3"}'),
        (".nan", 'as a text: {const: ".nan"}'),
        (".NaN", "as a text"),
        ("-.inf", "as a text"),
        ("~", "write `null`"),
        ("2026-11-23", 'write {const: "2026-11-23"}'),
        ("2026-11-23T08:00:00Z", 'write {const: "2026-11-23T08:00:00Z"}'),
        ("23.11.2026", 'write {const: "23.11.2026"}'),
        ("2026/11/23", 'write {const: "2026/11/23"}'),
        ("12:30", 'write {const: "12:30"}'),
        ("1e2000", "take the value from the source"),
        ("9" * 1001, "take the value from the source"),
    ],
)
def test_a_doubtful_literal_is_refused_with_what_to_write(
    map_problems: Callable[[str], list[ContextProblem]], text: str, hint: str
) -> None:
    (problem,) = map_problems(f"a: {text}")
    assert (problem.mark, problem.code) == (at(7, 6), "HX-4007")
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "hint"), [("012", 'as a text "012"'), ("0x1F", 'as a text "0x1F"')]
)
def test_doubtful_numbers_are_refused_in_data_too(
    map_problems: Callable[[str], list[ContextProblem]], text: str, hint: str
) -> None:
    (problem,) = map_problems(f"a: {{const: {text}}}")
    assert (problem.mark, problem.code) == (at(7, 14), "HX-4007")
    assert problem.hint.endswith(hint)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a:\nb: X", 7, 5),
        ("a: # X", 7, 5),
        ('a: ""', 7, 7),
        ("a: {b: , c: X}", 7, 9),
        ("a: {const: }", 7, 13),
        ("a: {each: X, where: , map: Y}", 7, 22),
        ("a: [X, '  ']", 7, 11),
    ],
)
def test_an_empty_leaf_is_refused(
    map_problems: Callable[[str], list[ContextProblem]], text: str, line: int, column: int
) -> None:
    (problem,) = map_problems(text)
    assert (problem.mark, problem.code) == (at(line, column), "HX-4008")
    assert "`null`" in problem.hint
