"""The target schema: exact numbers, references inside the bundle, every fault at once."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from helixnet.engine.context.model import Mark
from helixnet.engine.output import read_json
from helixnet.engine.validation.formats import FORMATS
from helixnet.engine.validation.schema import compile_schema
from helixnet.errors import ContextError

ORDER = {
    "type": "object",
    "required": ["id", "lines"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "maxLength": 3},
        "day": {"type": ["string", "null"], "format": "date"},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {"required": ["qty"], "properties": {"qty": {"$ref": "#/$defs/amount"}}},
        },
    },
    "$defs": {"amount": {"type": "number", "multipleOf": Decimal("0.01"), "maximum": 10}},
}


def refusal(
    schema: object, files: dict[str, bytes] | None = None, entry: str = "s.json"
) -> list[str]:
    """Return ``code place-of-problem`` of each problem that keeps a schema from use."""
    with pytest.raises(ContextError) as caught:
        compile_schema(schema, files or {}, entry, mark=Mark("c.yaml", 4, 9))
    assert all(str(problem).startswith("c.yaml:4:9: error ") for problem in caught.value.problems)
    return [str(problem).split("error ")[1] for problem in caught.value.problems]


def test_every_fault_is_told_with_pointer_code_and_value() -> None:
    faults = compile_schema(ORDER, {}, "s.json").faults(
        {"id": "abcd", "day": 5, "lines": [{"qty": Decimal("1.001")}, {}, {"qty": 11}], "x/y": 1}
    )
    assert [(pointer, code, value) for pointer, code, _, value in faults] == [
        ("/day", "HX-3002", "5"),
        ("/id", "HX-3004", "abcd"),
        ("/lines/0/qty", "HX-3007", "1.001"),
        ("/lines/1/qty", "HX-3001", None),
        ("/lines/2/qty", "HX-3004", "11"),
        ("/x~1y", "HX-3006", "1"),
    ]


@pytest.mark.parametrize(
    ("schema", "document", "expected"),
    [
        ({"enum": ["A"]}, "B", ("", "HX-3003")),
        ({"const": 1}, 2, ("", "HX-3003")),
        ({"pattern": "^a$"}, "b", ("", "HX-3005")),
        ({"format": "date"}, "2026-02-30", ("", "HX-3005")),
        ({"additionalProperties": False}, {"a": 1}, ("/a", "HX-3006")),
        ({"properties": {"a": False}}, {"a": 1}, ("/a", "HX-3006")),
        ({"propertyNames": {"maxLength": 1}}, {"aa": 1}, ("", "HX-3006")),
        ({"unevaluatedProperties": False}, {"a": 1}, ("/a", "HX-3006")),
        ({"uniqueItems": True}, [1, Decimal("1.0")], ("", "HX-3007")),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, ("/b", "HX-3001")),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, ("", "HX-3002")),
        ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, 3, ("", "HX-3007")),
        ({"not": {"type": "string"}}, "a", ("", "HX-3007")),
        (False, 1, ("", "HX-3006")),
    ],
)
def test_each_rule_has_its_code(
    schema: object, document: object, expected: tuple[str, str]
) -> None:
    faults = compile_schema(schema, {}, "s.json").faults(document)
    assert [(pointer, code) for pointer, code, *_ in faults] == [expected]


def test_the_nearest_alternative_says_what_it_asks() -> None:
    schema = {"oneOf": [{"required": ["a"]}, {"required": ["b", "c"]}]}
    (_, code, message, _), *others = compile_schema(schema, {}, "s.json").faults({"b": 1})
    assert (code, others) == ("HX-3007", [])
    assert '"a" is a required property' in message


def test_a_fault_met_on_two_ways_is_told_once() -> None:
    schema = {"allOf": [{"type": "string"}, {"type": "string"}]}
    assert len(compile_schema(schema, {}, "s.json").faults(1)) == 1


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (
            {"multipleOf": Decimal("0.01")},
            Decimal("12345678901234567890123456789.07"),
            Decimal("1e-3"),
        ),
        ({"maximum": Decimal("0.1")}, Decimal("0.1"), Decimal("0.10000000000000000000000001")),
        ({"const": 2**64 + 1}, 2**64 + 1, 2**64),
        ({"enum": [10**40]}, 10**40, 10**40 + 1),
        ({"type": "integer"}, Decimal("5.00"), Decimal("5.01")),
        ({"const": Decimal("1.10")}, Decimal("1.1"), Decimal("1.1000000000000000001")),
    ],
)
def test_numbers_stay_exact(schema: object, good: object, bad: object) -> None:
    validator = compile_schema(schema, {}, "s.json")
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


def test_a_date_counts_as_its_text() -> None:
    validator = compile_schema({"type": "string", "format": "date"}, {}, "s.json")
    assert validator.is_valid(date(2026, 1, 2))
    assert compile_schema({"maxLength": 3}, {}, "s.json").faults([date(2026, 1, 2)]) == []
    assert (
        compile_schema({"maxLength": 3}, {}, "s.json").faults(date(2026, 1, 2))[0][3]
        == "2026-01-02"
    )


def test_half_of_a_surrogate_pair_ends_nothing() -> None:
    validator = compile_schema({"maxLength": 1}, {}, "s.json")
    assert validator.is_valid("\ud800")
    assert len(validator.faults("\ud800\ud800")) == 1


@pytest.mark.parametrize("format_", sorted(FORMATS))
@pytest.mark.parametrize(
    "draft",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ],
)
def test_formats_are_asserted_in_every_draft(format_: str, draft: str) -> None:
    validator = compile_schema({"$schema": draft, "format": format_}, {}, "s.json")
    assert not validator.is_valid(r"^^ \{% (-1 http://[bad")
    assert validator.is_valid(1)


def test_an_unknown_format_is_a_note() -> None:
    assert compile_schema({"format": "sap-date"}, {}, "s.json").is_valid("x")


def test_patterns_run_in_linear_time() -> None:
    validator = compile_schema({"pattern": "^(a+)+$"}, {}, "s.json")
    assert not validator.is_valid("a" * 50_000 + "b")


@pytest.mark.parametrize(
    ("schema", "beginning"),
    [
        ([1], "HX-4203: the target schema is neither"),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, "HX-4203: unknown draft"),
        ({"type": "text"}, "HX-4203: schema, at /type:"),
        ({"pattern": "(?=a)"}, "HX-4203: schema, at /pattern:"),
        ({"$ref": "#/$defs/no"}, "HX-4203: schema, at /$ref: Pointer '/$defs/no'"),
        ({"$ref": "b.json"}, "HX-4201: a $ref names b.json,"),
        ({"$ref": "../b.json"}, "HX-4202: a $ref leads out"),
        ({"$ref": "/etc/passwd"}, "HX-4202: a $ref leads out"),
        ({"$ref": "file:///etc/passwd"}, "HX-4202: a $ref leads out"),
        ({"$ref": "https://example.com/b.json"}, "HX-4204: a reference leads out"),
        ({"properties": {"a": {"$ref": "urn:x:y"}}}, "HX-4204: a reference leads out"),
        ({"properties": {"a": {"$schema": "http://x/y", "$id": "http://z"}}}, "HX-4204"),
    ],
)
def test_what_is_no_usable_schema_is_told(schema: object, beginning: str) -> None:
    assert refusal(schema)[0].startswith(beginning)


def test_all_problems_of_a_schema_are_told_at_once() -> None:
    schema = {"type": "text", "properties": {"a": {"minimum": "1"}}, "required": "a"}
    assert len(refusal(schema)) == 3
    refs = {"properties": {"a": {"$ref": "http://x/a"}, "b": {"$ref": "../b"}, "c": {"$ref": "c"}}}
    assert sorted(text[:7] for text in refusal(refs)) == ["HX-4201", "HX-4202", "HX-4204"]


def test_a_broken_file_of_the_bundle_is_named() -> None:
    assert refusal({"$ref": "b.json"}, {"b.json": b"{"})[0].startswith("HX-4203: b.json: line 1")


def test_references_are_resolved_in_the_bundle() -> None:
    files = {
        "s/a.json": b"{}",
        "s/part/b c.json": b'{"$defs":{"n":{"type":"integer"}},"$ref":"../../top.json"}',
        "top.json": b'{"type":"object"}',
        "own.json": b'{"$id":"https://example.com/own","const":1}',
    }
    schema = {
        "$ref": "part/b%20c.json",
        "properties": {
            "n": {"$ref": "part/b%20c.json#/$defs/n"},
            "own": {"$ref": "https://example.com/own"},
        },
    }
    validator = compile_schema(schema, files, "s/a.json")
    assert validator.is_valid({"n": 1, "own": 1})
    assert [fault[0] for fault in validator.faults({"n": "1", "own": 2})] == ["/n", "/own"]
    assert not validator.is_valid([])


def test_a_schema_with_an_address_of_its_own_finds_the_files_beside_it() -> None:
    files = {"x/b.json": b'{"type":"integer"}'}
    schema = {"$id": "https://example.com/schemas/a.json", "$ref": "b.json"}
    assert not compile_schema(schema, files, "x/a.json").is_valid("1")
    assert refusal({"$id": "https://example.com/a.json", "$ref": "../c.json"})[0].startswith(
        "HX-4204"
    )


TEXT = b"""{
  "type": "object",
  "properties": {
    "a": {"type": "text"},
    "b": {"$ref": "https://example.com/b.json"},
    "c": {"allOf": [{}, {"$ref": "../c.json#/x"}]}
  }
}
"""


def test_a_problem_leads_to_its_line_in_the_schema_file() -> None:
    with pytest.raises(ContextError) as caught:
        compile_schema(read_json(TEXT), {"s.json": TEXT}, "s.json")
    places = sorted(str(problem).partition(": error")[0] for problem in caught.value.problems)
    assert places == ["s.json:4:19", "s.json:5:19", "s.json:6:34"]
    broken = TEXT.replace(b'"text"', b'"string"').replace(b"https://example.com/b.json", b"#/no")
    with pytest.raises(ContextError) as caught:
        compile_schema(
            read_json(broken.replace(b"../c.json#/x", b"#")), {"s.json": broken}, "s.json"
        )
    assert str(caught.value).startswith("s.json:5:19: error HX-4203")


def test_a_schema_that_stands_in_a_context_is_marked_as_a_whole() -> None:
    files = {"c.yaml": b"target: {type: text}"}
    with pytest.raises(ContextError) as caught:
        compile_schema({"type": "text"}, files, "c.yaml", mark=Mark("c.yaml", 1, 9))
    assert str(caught.value).startswith("c.yaml:1:9: ")


def test_the_documentation_names_every_asserted_format() -> None:
    page = (Path(__file__).parents[4] / "docs" / "validation.md").read_text("utf-8")
    section = page.partition("**Formats**")[2].partition("Any other")[0].replace("\n", " ")
    named = section.partition(":")[2].strip(" .").replace(" and ", ", ").split(", ")
    assert sorted(named) == sorted(FORMATS)
