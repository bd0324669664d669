"""What `check` says of a context: every problem at once, each at its place, before any data."""

import pytest

from helixnet.engine.context.model import Leaf, Mark
from helixnet.engine.examine import check_bundle
from helixnet.engine.mapping.constants import Constants
from helixnet.engine.mapping.infer.parse import MAX_DEPTH, parse_leaf
from helixnet.engine.plan import compile_plan
from helixnet.errors import ContextError
from tests.unit.engine.mapping.mapped import bundle, leaf, plan, problems

JSON = "target: {}\nsource: {format: ndjson}\n"
CSV = """\
target:
  type: object
  required: [id, must]
  properties:
    id: {type: string}
    must: {type: string}
    n: {type: integer}
    day: {type: string, format: date-time}
    flag: {type: boolean}
source:
  format: csv
  fields:
    ID: {type: string}
    QTY: {type: decimal, scale: 2}
    DAY: {type: date}
    ON: {type: boolean}
"""


def codes(expression: str) -> list[str]:
    """Codes that one expression over declared fields gives."""
    quoted = "'" + expression.replace("'", "''") + "'"
    context = CSV.replace("required: [id, must]", "required: []")
    return [found.split()[1] for found in problems(f"{context}map: {{id: {quoted}}}\n")]


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("ID +", "HX-4101"),
        ("ID ID", "HX-4101"),
        ("1_000", "HX-4101"),
        ("012", "HX-4101"),
        ("0x1F", "HX-4101"),
        ("ID % 2", "HX-4102"),
        ("QTY // 2", "HX-4102"),
        ("QTY ** 2", "HX-4102"),
        ("''.__class__.__mro__", "HX-4102"),
        ("ID.upper()", "HX-4102"),
        ("range(9)", "HX-4102"),
        ("{1: 2}", "HX-4102"),
        ("(1, 2)", "HX-4102"),
        ("None", "HX-4102"),
        ("True", "HX-4102"),
        ("{% include 'x' %}{{ ID }}", "HX-4102"),
        ("ID | trim(*QTY)", "HX-4102"),
        ("__import__", "HX-4102"),
        ("Id", "HX-4103"),
        ("inputs.plant", "HX-4103"),
        ("ID | lookup('x')", "HX-4103"),
        ("out.other", "HX-4103"),
        ("ID | default('x')", "HX-4104"),
        ("ID is defined", "HX-4104"),
        ("ID | replace('a')", "HX-4105"),
        ("ID | trim(1)", "HX-4105"),
        ("ID | matches(ID)", "HX-4105"),
        ("QTY | round(99)", "HX-4105"),
        ("ID + 1", "HX-4106"),
        ("ID == QTY", "HX-4106"),
        ("ON < ON", "HX-4106"),
        ("QTY | upper", "HX-4106"),
        ("'a' if QTY else 'b'", "HX-4106"),
        ("not ID", "HX-4106"),
        ("ID and ON", "HX-4106"),
        ("ID.x", "HX-4106"),
        ("ON ~ ID", "HX-4106"),
        ("ID in [1, 2]", "HX-4106"),
        ("out.id", "HX-4107"),
        ("QTY * QTY | round(2)", "HX-4108"),
        ("QTY / 2", "HX-4109"),
        ("(QTY / 2) ~ 'x'", "HX-4109"),
        ("(QTY / 2) | abs", "HX-4109"),
        ("ON", "HX-4112"),
    ],
)
def test_what_does_not_fit_is_said_with_its_code(expression: str, code: str) -> None:
    assert code in codes(expression)


def test_every_problem_of_a_context_comes_at_once_in_file_order() -> None:
    context = CSV + (
        "map:\n"
        "  id: IDD | trim\n"
        "  must: ID +\n"
        "  n: ON\n"
        "  day: DAY\n"
        "  more: ID\n"
        "  flag: (QTY / 2) | sqrt\n"
    )
    assert problems(context) == [
        "18 HX-4103",
        "19 HX-4101",
        "20 HX-4112",
        "21 HX-4112",
        "22 HX-4110",
        "23 HX-4104",
    ]


def test_a_problem_has_its_column_and_the_nearest_name() -> None:
    context = CSV.replace("[id, must]", "[]") + "map: {id: 'ID | trim ~ QTTY'}\n"
    (found,) = check_bundle(bundle(context))
    assert (found.mark.line, found.mark.column) == (20, 24)
    assert found.hint == "did you mean QTY?"


def test_a_required_property_that_is_not_mapped_is_a_problem() -> None:
    assert problems(CSV + "map: {id: ID}\n") == ["17 HX-4111"]


SHUT = "type: object, additionalProperties: false"


@pytest.mark.parametrize(
    ("target", "body", "found"),
    [
        (f"{{{SHUT}}}", "{a: A}", ["3 HX-4110"]),
        (f"{{{SHUT}}}", "{a: A, o: {b: A}}", ["3 HX-4110", "3 HX-4110"]),
        (f"{{properties: {{o: {{{SHUT}}}}}}}", "{o: {a: A}}", ["3 HX-4110"]),
        (f"{{properties: {{o: {{{SHUT}}}}}}}", "{o: {when: A == 1, map: {a: A}}}", ["3 HX-4110"]),
        (
            f"{{properties: {{l: {{items: {{{SHUT}}}}}}}}}",
            "{l: {each: A, as: i, map: {a: i}}}",
            ["3 HX-4110"],
        ),
        (f"{{allOf: [{{properties: {{a: {{}}}}}}, {{{SHUT}}}]}}", "{a: A}", ["3 HX-4110"]),
        (f"{{properties: {{a: {{}}}}, patternProperties: {{'^x': {{}}}}, {SHUT}}}", "{x: A}", []),
        (f"{{{SHUT}}}", "{object: {}}", []),
        ("{type: object}", "{a: A}", []),
    ],
)
def test_a_key_that_the_schema_forbids_is_a_problem(
    target: str, body: str, found: list[str]
) -> None:
    context = f"target: {target}\nsource: {{format: ndjson}}\nmap: {body}\n"
    assert problems(context) == found


def test_names_are_checked_against_headers_and_tests_where_nothing_is_declared() -> None:
    context = """\
target: {}
source: {format: csv}
map: {a: A, b: B}
tests:
  - {name: t, input: "A,C\\n1,2\\n", expect: {}}
"""
    assert problems(context) == ["3 HX-4103"]
    assert problems(context, [["A", "B"]]) == []
    assert problems(context.partition("tests:")[0]) == []


def test_vars_and_built_lists_that_need_themselves_are_circles() -> None:
    assert problems(JSON + "vars: {a: b + 1, b: a + 1}\nmap: {x: a}\n") == ["3 HX-4107"]
    assert problems(JSON + "map: {x: out.y, y: out.x}\n") == ["3 HX-4107"]
    inside = "map: {l: {each: i, as: e, map: {n: 'out.l | length'}}}\n"
    assert problems(JSON + inside) == ["3 HX-4107"]


def test_index_inside_where_and_out_inside_vars_are_refused() -> None:
    assert problems(JSON + "map: {l: {each: i, as: e, where: e._index > 1, map: 1}}\n") == [
        "3 HX-4102"
    ]
    assert problems(JSON + "vars: {a: out.x}\nmap: {x: 1, y: a}\n") == ["3 HX-4103"]


def test_a_required_input_without_value_is_a_problem_of_the_run_not_of_the_check() -> None:
    context = JSON + "inputs: {day: {type: date}}\nmap: {x: inputs.day}\n"
    assert problems(context) == []
    with pytest.raises(ContextError, match="HX-4302"):
        plan(context)
    with pytest.raises(ContextError, match="HX-4303"):
        plan(context, {"day": "soon"})


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "not " * 5000 + "a",
        "-" * 5000 + "1",
        "[" * 5000 + "]" * 5000,
        " | trim".join(["a"] * 1) + " | trim" * 3000,
        "a" + ".b" * 5000,
        "a if b else " * 2000 + "c",
        "1 + " * 3000 + "1",
        "x" * 30_000,
        "{{ a }}" * 4000,
    ],
)
def test_hostile_sizes_end_in_a_problem_not_a_crash(text: str) -> None:
    found: list[object] = []
    parse_leaf(Leaf(text, Mark("c.yaml", 1, 1)), found)  # type: ignore[arg-type]
    assert [problem.code for problem in found] in (["HX-4102"], ["HX-4101"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "form", ["({} + a)", "({} | or_else(a))", "(a if {} == a else a)", "({} ~ t)", "(- {})"]
)
def test_what_is_allowed_to_be_deep_compiles(form: str) -> None:
    expression = "a"
    for _ in range(MAX_DEPTH // 3):
        expression = form.format(expression)
    assert leaf(expression, {"a": 1, "t": "x"}) is not None


@pytest.mark.parametrize("operator", [" or ", " and ", " ~ "])
def test_long_chains_are_flat(operator: str) -> None:
    part = "t" if "~" in operator else "a == 1"
    assert leaf(operator.join([part] * 300), {"a": 1, "t": "x"}) in (True, "x" * 300)


def test_no_text_of_a_context_is_ever_part_of_generated_code() -> None:
    """Names, keys and literals go through the constants table, by construction."""
    from helixnet.engine.mapping.emit.codegen import generate  # noqa: PLC0415

    context = """\
target: {}
source: {format: csv}
lookups: {lukup: {inline: {kee: vallue}, missing: keep}}
vars: {varr: COL_A ~ "litteral"}
map:
  'quo"te\\ {x} %s': varr
  tgt_name: {each: '["ay"]', as: itm_name, map: {inn_key: itm_name, low: 'COL_B | lookup("lukup")'}}
checks: [{that: COL_C == "chk", code: CODE_X, text: "txt {{ COL_A }}"}]
"""
    compiled = plan(context)
    assert compiled.program is not None
    source = generate(compiled.program, ["COL_A", "COL_B", "COL_C"], "file_name").source
    for word in ("COL", "quo", "litteral", "varr", "tgt", "itm", "inn", "ay", "lukup", "kee"):
        assert word not in source.replace("array", ""), word
    assert "file_name" not in source
    words = set(source.replace("(", " ").replace(")", " ").split())
    assert not words & {"__import__", "eval", "exec", "import"}


def test_constants_are_told_apart_by_type() -> None:
    constants = Constants()
    assert constants.add(1) != constants.add(True)  # noqa: FBT003 - the value matters
    assert constants.add("a") == constants.add("a")
    assert constants.add([]) != constants.add([])


def test_warnings_do_not_stand_in_the_way() -> None:
    compiled = compile_plan(bundle(JSON + "map: {x: 'a * b | round(2)'}\n"))
    assert [warning.code for warning in compiled.warnings] == ["HX-4108"]
    assert "rows" in compiled.explain()


def test_keys_of_documents_are_checked_against_the_inputs_of_tests() -> None:
    tests = """\
tests:
  - {name: t, input: '{"a": {"x": 1}}', expect: {}}
"""
    context = JSON + "map: {p: a.anything, q: b}\n"
    assert problems(context) == []
    assert problems(context + tests) == ["3 HX-4103"]


def test_declared_types_of_json_are_known_to_the_check() -> None:
    context = "target: {}\nsource: {format: ndjson, fields: {q: {type: decimal}, t: {}}}\n"
    assert problems(context + "map: {q: 'q + 1', r: 'record[\"q\"] * 2', t: 't.any.where'}\n") == []
    assert problems(context + "map: {q: 'q | trim'}\n") == ["3 HX-4106"]
    assert problems(context + "map: {q: 'record[t]'}\n") == ["3 HX-4106"]
    assert problems(context + "map: {q: z}\n") == ["3 HX-4103"]
    assert problems(context.replace("t: {}", "t: {scale: 2}") + "map: {q: q}\n") == ["2 HX-4004"]


def test_a_bare_word_is_told_how_a_fixed_text_is_written() -> None:
    """`status: open` is a forgotten constant as often as a misspelt field."""
    (found,) = check_bundle(bundle(CSV.replace("[id, must]", "[]") + "map: {id: open}\n"))
    assert found.code == "HX-4103"
    assert found.hint.endswith("; a fixed text is {const: open}")
    (found,) = check_bundle(bundle(CSV.replace("[id, must]", "[]") + "map: {id: open | trim}\n"))
    assert "const" not in found.hint


@pytest.mark.parametrize(
    "call",
    ["matches(null)", "matches(5)", "date(null)", "date(5)", "replace(null, ID)", "unpad(null)"],
)
def test_a_literal_that_is_no_argument_is_a_problem_and_no_crash(call: str) -> None:
    assert "HX-4105" in codes(f"ID | {call}")


def test_an_unknown_name_as_table_is_one_problem() -> None:
    """`lookup(status)` lacks quotes; that no table is called None is no news."""
    assert codes("ID | lookup(status)") == ["HX-4103"]
    assert codes("ID | lookup(ID)") == ["HX-4105"]
    assert codes('ID | lookup("status")') == ["HX-4103"]
    assert codes("ID | lookup(null)") == ["HX-4103"]


LINES = """\
target: {properties: {flag: {type: integer}, items: {}, id: {}}}
source:
  format: csv
  nulls: [""]
  fields:
    NO: {type: string, required: true}
    QTY: {type: decimal, scale: 2}
    SURE: {type: integer, required: true}
group: {by: NO, order: consecutive, header: h, lines: lines}
map:
"""


@pytest.mark.parametrize(
    ("where", "warned"),
    [
        ("l.QTY > 0", True),
        ("l.QTY >= 0 or l.SURE > 0", True),
        ("l.SURE > 0", False),
        ("l.QTY == 1", False),
        ("l.QTY is present and l.QTY > 0", False),
    ],
)
def test_items_that_null_leaves_out_are_warned_of(where: str, warned: bool) -> None:  # noqa: FBT001 - a case
    found = problems(f"{LINES}  items: {{each: lines, as: l, where: {where}, map: {{n: l.QTY}}}}\n")
    assert [each.split()[1] for each in found] == ["HX-4115"] * warned


def test_nothing_as_empty_text_is_refused_where_no_text_may_stand() -> None:
    (found,) = check_bundle(bundle(f"{LINES}  id: h.QTY\n  flag: '1 if h.SURE > 1 else \"\"'\n"))
    assert (found.code, "without `else` the value is absent" in found.hint) == ("HX-4112", True)
    assert problems(f"{LINES}  id: h.QTY\n  flag: '1 if h.SURE > 1'\n") == []


def test_names_of_a_group_that_is_not_there_are_known() -> None:
    (found,) = check_bundle(bundle(LINES.partition("group:")[0] + "map: {id: h.NO}\n"))
    assert (found.code, "is it missing?" in found.hint) == ("HX-4103", True)
