"""Every key of the format has its kind of value; each mistake is shown at its place."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from helixnet.engine.context.model import Const, Context, StopAt
from helixnet.engine.context.reader import ReadContext
from helixnet.engine.context.trial_reader import fits

HEAD = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nsource: {format: csv}\nmap: {a: x}\n"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        (HEAD.replace("helixnet: 1", "helixnet: 2"), 1, 11),
        (HEAD.replace("helixnet: 1", 'helixnet: "1"'), 1, 12),
        (HEAD.replace("helixnet: 1", "helixnet: 1.0"), 1, 11),
        (HEAD.replace("helixnet: 1", "helixnet:"), 1, 10),
        (HEAD.replace("helixnet: 1\n", ""), 1, 1),
    ],
)
def test_another_format_version_is_refused(
    read: Callable[..., ReadContext], text: str, line: int, column: int
) -> None:
    (problem,) = read(text).problems
    assert (problem.mark.line, problem.mark.column, problem.code) == (line, column, "HX-4002")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("name", "lacks `name`"),
        ("version", "lacks `version`"),
        ("target", "lacks `target`"),
        ("source", "lacks `source`"),
        ("map", "lacks `map`"),
    ],
)
def test_a_missing_key_is_named(read: Callable[..., ReadContext], key: str, expected: str) -> None:
    lines = [line for line in HEAD.splitlines() if not line.startswith(key)]
    (problem,) = read("\n".join(lines)).problems
    assert (problem.mark.line, problem.mark.column, problem.code) == (1, 1, "HX-4005")
    assert expected in problem.message


@pytest.mark.parametrize("key", ["target", "source", "map"])
def test_without_its_core_there_is_no_context(read: Callable[..., ReadContext], key: str) -> None:
    lines = [line for line in HEAD.splitlines() if not line.startswith(key)]
    assert read("\n".join(lines)).context is None


def test_a_problem_elsewhere_leaves_a_context_for_the_compiler(
    read: Callable[..., ReadContext],
) -> None:
    result = read(HEAD + "checkz: []\non_error: {scope: all}\n")
    assert result.context
    assert len(result.problems) == 2


@pytest.mark.parametrize(
    ("text", "line", "column", "hint"),
    [
        ("checkz: []", 7, 1, "did you mean `checks`?"),
        ("Checks: []", 7, 1, "did you mean `checks`?"),
        ("on_error: {scop: file}", 7, 12, "did you mean `scope`?"),
        ("checks: [{that: x, code: A, text: b, txt: c}]", 7, 38, "did you mean `text`?"),
        ("group: {by: A, ordr: keyed}", 7, 16, "did you mean `order`?"),
        ("lookups: {u: {inlinx: {}, inline: {}}}", 7, 15, "did you mean `inline`?"),
        ("inputs: {p: {type: string, default_is: x}}", 7, 28, "did you mean `default`?"),
        ("hints: {field: {A: b}}", 7, 9, "did you mean `fields`?"),
        ("on_error: {zzz: 1}", 7, 12, "known here: scope, stop_at"),
        (
            "inputs: {p: {type: string}}\ntests: [{name: a, input: b, expect: {}, inputs: {q: x}}]",
            8,
            50,
            "known here: p",
        ),
    ],
)
def test_an_unknown_key_is_shown_with_the_nearest_name(
    read: Callable[..., ReadContext], text: str, line: int, column: int, hint: str
) -> None:
    (problem,) = read(HEAD + text).problems
    assert (problem.mark.line, problem.mark.column, problem.code) == (line, column, "HX-4003")
    assert problem.hint == hint


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("deliver: [{rest: x}, {sftp: y}]", [(7, 12), (7, 23)]),
    ],
)
def test_what_comes_later_is_refused_by_name(
    found: Callable[..., list[tuple[int, int, str]]], text: str, places: list[tuple[int, int]]
) -> None:
    assert found(text) == [(*place, "HX-4301") for place in places]


def test_outputs_need_no_map_beside_them(read: Callable[..., ReadContext]) -> None:
    text = "helixnet: 1\nname: a\nversion: 1.0.0\nsource: {format: csv}\n"
    text += "outputs: {a: {target: true, map: {b: c}}}\n"
    assert read(text).problems == []


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("vars: [x]", 7),
        ("vars: {out: x}", 8),
        ("vars: {a-b: x}", 8),
        ("lookups: x", 10),
        ("checks: {that: x}", 9),
        ("checks: [x]", 10),
        ("checks: [{that: 1, code: A, text: b}]", 17),
        ("checks: [{that: x, code: A B, text: b}]", 26),
        ("checks: [{that: x, code: HX-1, text: b}]", 26),
        ("checks: [{that: x, code: A, text: [b]}]", 35),
        ("on_error: file", 11),
        ("on_error: {scope: all}", 19),
        ("on_error: {stop_at: 101%}", 21),
        ("on_error: {stop_at: -1}", 21),
        ("on_error: {stop_at: 1.5}", 21),
        ("on_error: {stop_at: [1]}", 21),
        ("deliver: {topic: a}", 10),
        ("deliver: [{topic: A.b}]", 19),
        ("deliver: [{topic: a/b}]", 19),
        ("deliver: [{topic: [a]}]", 19),
        ("deliver: [{topic: a, key: {b: c}}]", 27),
        ("inputs: [a]", 9),
        ("inputs: {a: {type: text}}", 20),
        ("inputs: {out: {type: string}}", 10),
        ("inputs: {a: {type: string, default: 1000}}", 37),
        ("inputs: {a: {type: integer, default: 1.5}}", 38),
        ("inputs: {a: {type: integer, default: true}}", 38),
        ('inputs: {a: {type: date, default: "2026-02-30"}}', 36),
        ("tests: {name: a}", 8),
        ("tests: [{name: a, input: b, expect: c}]", 37),
        ("tests: [{name: a, input: b, rejects: {}}]", 38),
        ("tests: [{name: a, input: b, rejects: [HX-1102]}]", 39),
        ("tests: [{name: a, input: {}, expect: {}}]", 26),
        ("tests: [{name: a, input: b, expect: {}, inputs: c}]", 49),
        ("hints: {fields: [a]}", 17),
        ("hints: {fields: {a: [b]}}", 21),
        ("hints: {aliases: {a: [{}]}}", 23),
        ("skip_when: {a: b}", 12),
        ("skip_when: null", 12),
        ("template: x.j2", 11),
        ("group: A", 8),
        ("group: {by: A, order: any}", 23),
        ("group: {by: A, header: 1h}", 24),
        ("group: {by: A, header: l, lines: l}", 8),
        ("group: {by: A, header: r}\nvars: {b: x}", None),
        ("skip_when: [a]", 12),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_there(
    found: Callable[..., list[tuple[int, int, str]]], text: str, column: int | None
) -> None:
    files = {"x__j2": b"x"} if "template" in text else {}
    assert found(text, **files) == ([] if column is None else [(7, column, "HX-4004")])


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("group: {order: consecutive}", 8),
        ("checks: [{that: x}]", 10),
        ("deliver: [{key: x}]", 11),
        ("inputs: {a: {default: 1}}", 13),
        ("tests: [{name: a, input: b}]", 9),
        ("lookups: {u: {}}", 14),
        ("lookups: {u: {inline: {}, file: a.csv}}", 14),
        ("lookups: {u: {inline: {}, missing: {}}}", 36),
    ],
)
def test_a_part_without_its_core_is_refused(
    found: Callable[..., list[tuple[int, int, str]]], text: str, column: int
) -> None:
    assert {*found(text)} == {(7, column, "HX-4005")}


def test_a_variable_may_not_hide_a_name_of_the_group(
    found: Callable[..., list[tuple[int, int, str]]],
) -> None:
    assert found("group: {by: A}\nvars: {h: x, lines: y}\n") == [
        (8, 8, "HX-4004"),
        (8, 14, "HX-4004"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5%", StopAt(percent=Decimal(5))),
        ("0.5%", StopAt(percent=Decimal("0.5"))),
        ("100 %", StopAt(percent=Decimal(100))),
        ("0", StopAt(number=0)),
        ('"12"', StopAt(number=12)),
    ],
)
def test_stop_at_is_a_percentage_or_a_number(
    context: Callable[..., Context], text: str, expected: StopAt
) -> None:
    read = context(f"on_error: {{scope: file, stop_at: {text}}}\n")
    assert read.stop_at == expected
    assert read.fail_file


def test_what_is_left_out_has_its_default(context: Callable[..., Context]) -> None:
    read = context("")
    assert (read.fail_file, read.stop_at, read.skip_when, read.template) == (
        False,
        None,
        None,
        None,
    )
    assert [*read.lookups, *read.vars, *read.checks, *read.deliver, *read.tests] == []
    assert read.group is None


def test_name_and_version_are_texts_as_written(read: Callable[..., ReadContext]) -> None:
    result = read(
        HEAD.replace("version: 1.0.0", "version: 1.20.3-rc.1").replace("name: a", "name: 007")
    )
    assert result.problems == []
    assert result.context
    assert (result.context.name, result.context.version) == ("007", "1.20.3-rc.1")


def test_a_name_that_can_not_be_an_address_is_refused(read: Callable[..., ReadContext]) -> None:
    problems = read(
        HEAD.replace("name: a", "name: a b/c").replace("version: 1.0.0", "version:")
    ).problems
    assert [(one.mark.line, one.mark.column, one.code) for one in problems] == [
        (2, 7, "HX-4004"),
        (3, 9, "HX-4004"),
    ]


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "1.0.x", "1.0.0.0", "1.0.0-"])
def test_a_version_is_three_numbers(read: Callable[..., ReadContext], version: str) -> None:
    problems = read(HEAD.replace("1.0.0", version)).problems
    assert [(one.mark.line, one.mark.column, one.code) for one in problems] == [(3, 10, "HX-4004")]
    assert problems[0].hint == "three numbers, such as 1.0.0"


def test_an_expected_reject_has_the_keys_of_an_error(read: Callable[..., ReadContext]) -> None:
    """The reject line's own shape would never fit, so it is refused with what to write."""
    case = "tests: [{name: a, input: b, rejects: [{errors: [{code: HX-1102}]}]}]\n"
    problems = read(HEAD + case).problems
    assert [(one.mark.line, one.mark.column, one.code) for one in problems] == [(7, 40, "HX-4003")]
    assert "{code: HX-1102, line: 2}" in problems[0].hint
    near = read(HEAD + case.replace("errors: [{code: HX-1102}]", "cod: HX-1102")).problems
    assert [(one.code, one.hint) for one in near] == [("HX-4003", "did you mean `code`?")]


def test_inputs_have_a_type_and_perhaps_a_default(context: Callable[..., Context]) -> None:
    inputs = context(
        'inputs: {plant: {type: string, default: "1000"}, today: {type: date}, '
        "rate: {type: decimal, default: 1.10}, nil: {type: string, default: null}}\n"
        'tests: [{name: t, input: "", expect: [], inputs: {today: 2026-11-23}}]\n'
    )
    assert inputs.inputs["plant"].default == "1000"
    assert not inputs.inputs["plant"].required
    assert inputs.inputs["today"].required
    assert str(inputs.inputs["rate"].default) == "1.10"
    assert not inputs.inputs["nil"].required
    assert inputs.tests[0].inputs == {"today": "2026-11-23"}
    assert inputs.tests[0].expect == []


def test_a_value_given_to_an_input_has_its_type(
    found: Callable[..., list[tuple[int, int, str]]],
) -> None:
    text = "inputs: {n: {type: integer}}\n"
    text += "tests: [{name: t, input: a, expect: [], inputs: {n: x}}]\n"
    assert found(text) == [(8, 53, "HX-4004")]


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ("a", "string", True),
        (1, "string", False),
        (True, "boolean", True),
        ("true", "boolean", False),
        (1, "integer", True),
        (False, "integer", False),
        (Decimal("1.5"), "integer", False),
        (1, "decimal", True),
        (Decimal("1.5"), "decimal", True),
        (True, "decimal", False),
        ("2026-11-23", "date", True),
        ("20261123", "date", False),
        ("2026-11-23T08:00:00", "date", False),
        ("2026-11-23T08:00:00+01:00", "datetime", True),
        ("2026-11-23", "datetime", False),
        (5, "date", False),
    ],
)
def test_a_value_fits_its_input_type_exactly(value: object, type_: str, expected: object) -> None:
    assert fits(value, type_) is expected


def test_lookup_policies(context: Callable[..., Context]) -> None:
    lookups = context(
        "lookups:\n  a: {inline: {x: 1, 007: y, NO: [1]}}\n  b: {inline: {}, missing: null}\n"
        "  c: {inline: {}, missing: keep}\n  d: {inline: {}, missing: {const: null}}\n"
    ).lookups
    assert lookups["a"].rows == {"x": 1, "007": "y", "NO": [1]}
    assert [one.missing for one in lookups.values()][:3] == ["reject", "null", "keep"]
    missing = lookups["d"].missing
    assert isinstance(missing, Const)
    assert missing.value is None


def test_keyed_groups_know_no_row_above(read: Callable[..., ReadContext]) -> None:
    head = HEAD.replace("{format: csv}", "{format: csv, fill_down: [A]}")
    (problem,) = read(head + "group: {by: A, order: keyed}").problems
    assert (problem.mark.line, problem.mark.column, problem.code) == (7, 23, "HX-4004")
