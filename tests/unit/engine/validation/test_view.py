"""What the compiler may ask about one place of the target schema."""

from decimal import Decimal

import pytest

from helixnet.engine.validation.schema import compile_schema
from helixnet.engine.validation.view import SchemaView


def view(schema: object, files: dict[str, bytes] | None = None) -> SchemaView:
    return compile_schema(schema, files or {}, "s.json").view


def test_references_allof_and_siblings_are_one_place() -> None:
    seen = view(
        {
            "$ref": "#/$defs/party",
            "required": ["id"],
            "allOf": [{"properties": {"id": {"maxLength": 5}}}],
            "$defs": {"party": {"type": "object", "properties": {"id": {"type": "string"}}}},
        }
    )
    assert seen.types == {"object"}
    assert seen.required == {"id"}
    assert seen.simple
    place = seen.property("id")
    assert place is not None
    assert place.types == {"string"}
    assert len(place.parts) == 2


def test_up_to_draft_7_a_reference_stands_alone() -> None:
    schema = {"$ref": "#/definitions/a", "type": "string", "definitions": {"a": {"minLength": 1}}}
    draft = {"$schema": "http://json-schema.org/draft-07/schema#"}
    assert view(draft | schema).types is None
    assert view({"$ref": "#/$defs/a", "type": "string", "$defs": {"a": {}}}).types == {"string"}


def test_optional_written_as_a_pair_with_null_stays_simple() -> None:
    place = view({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]})
    assert place.types == {"string", "null"}
    assert (place.nullable, place.simple, place.format) == (True, True, "date")


@pytest.mark.parametrize(
    ("schema", "nullable"),
    [
        ({}, True),
        ({"type": "string"}, False),
        ({"type": ["string", "null"]}, True),
        ({"type": ["string", "null"], "enum": ["A"]}, False),
        ({"enum": ["A", None]}, True),
        ({"const": None}, True),
        ({"allOf": [{"type": ["string", "null"]}, {"type": "string"}]}, False),
        ({"oneOf": [{"type": "integer"}, {"type": ["null", "string"]}]}, True),
    ],
)
def test_null_is_known(schema: object, *, nullable: bool) -> None:
    seen = view(schema)
    assert seen.nullable is nullable
    assert compile_schema(schema, {}, "s.json").is_valid(None) is nullable


@pytest.mark.parametrize(
    ("step", "scale"),
    [("0.01", 2), ("0.010", 2), ("0.05", 2), ("1", 0), ("5", 0), ("100", 0), ("0.0000001", 7)],
)
def test_the_scale_is_what_multipleof_leaves(step: str, scale: int) -> None:
    assert view({"multipleOf": Decimal(step)}).scale == scale
    through = {"$ref": "#/$defs/a", "$defs": {"a": {"multipleOf": Decimal(step)}}}
    assert view(through).scale == scale


def test_properties_of_alternatives_are_known_but_not_simple() -> None:
    seen = view(
        {
            "oneOf": [
                {"properties": {"iban": {"type": "string"}, "k": {"const": 1}}},
                {"properties": {"card": {"type": "string"}, "k": {"const": 2}}},
            ]
        }
    )
    assert not seen.simple
    assert seen.names == ("iban", "k", "card")
    iban, kind = seen.property("iban"), seen.property("k")
    assert iban is not None
    assert iban.types is None
    assert kind is not None
    assert kind.types == {"number"}
    assert seen.property("other") is None


def test_further_properties_are_seen() -> None:
    assert not view({"properties": {}}).additional_written
    closed = view({"additionalProperties": False})
    assert (closed.forbids("any"), closed.additional_written) == (True, True)
    open_ = view({"additionalProperties": {"type": "integer"}})
    assert (open_.forbids("any"), open_.additional_written) == (False, True)
    place = open_.property("any")
    assert place is not None
    assert place.types == {"integer"}
    matched = view({"patternProperties": {"^x-": {"type": "string"}}})
    assert matched.property("x-a") is not None
    assert matched.property("a") is None
    assert not matched.simple


def test_a_schema_that_contains_itself_is_seen_level_by_level() -> None:
    seen: SchemaView | None = view(
        {"anyOf": [{"$ref": "#"}, {"type": "string"}], "properties": {"child": {"$ref": "#"}}}
    )
    for _ in range(5):
        assert seen is not None
        seen = seen.property("child")
    assert seen is not None


def test_items_and_values_are_known() -> None:
    seen = view({"items": {"enum": ["A", "B"]}, "x-note": 1})
    assert seen.simple
    assert seen.items is not None
    assert seen.items.enum == ("A", "B")
    assert seen.items.types == {"string"}
    assert view({"prefixItems": [{}], "items": {"type": "string"}}).items is None
    assert view({"const": 5}).enum == (5,)


def test_what_is_not_followed_speaks_of_everything_and_is_not_simple() -> None:
    seen = view({"$dynamicRef": "#"})
    place = seen.property("a")
    assert place is not None
    assert not seen.simple
    assert not place.simple


@pytest.mark.parametrize("schema", [True, False])
def test_a_schema_may_be_true_or_false(*, schema: bool) -> None:
    assert view(schema).simple is schema


@pytest.mark.parametrize(
    "schema",
    [
        {"if": {"required": ["a"]}, "then": {"properties": {"b": {"type": "string"}}}},
        {"dependentSchemas": {"a": {"properties": {"b": {"type": "string"}}}}},
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "dependencies": {"a": {"properties": {"b": {"type": "string"}}}, "c": ["a"]},
        },
        {"anyOf": [{"type": "null"}, {"oneOf": [{"properties": {"b": {}}}, {"minProperties": 1}]}]},
    ],
)
def test_what_holds_only_sometimes_is_known_but_leaves_the_type_open(schema: object) -> None:
    seen = view(schema)
    place = seen.property("b")
    assert not seen.simple
    assert place is not None
    assert place.types is None
    assert seen.property("c") is None


def test_a_reference_into_another_file_keeps_exact_numbers() -> None:
    other = b'{"$defs":{"m":{"$id":"m","enum":[0.1,{"a":[1.50]}],"multipleOf":0.001}}}'
    place = view({"items": {"$ref": "o.json#/$defs/m"}}, {"o.json": other}).items
    assert place is not None
    assert place.enum == (Decimal("0.1"), {"a": [Decimal("1.5")]})
    assert place.scale == 3


def test_an_anchor_and_a_nested_address_are_followed() -> None:
    schema = {
        "$id": "https://example.com/root.json",
        "properties": {
            "a": {"$ref": "#here"},
            "b": {"$ref": "nested.json"},
            "c": {"$id": "sub/", "$ref": "#/$defs/x", "$defs": {"x": {"type": "null"}}},
        },
        "$defs": {
            "one": {"$anchor": "here", "type": "string"},
            "two": {"$id": "nested.json", "type": "integer"},
        },
    }
    seen = view(schema)
    types = [place.types for name in "abc" if (place := seen.property(name)) is not None]
    assert types == [{"string"}, {"integer"}, {"null"}]


A, B = {"properties": {"a": {}}}, {"properties": {"b": {}}}
SHUT, UNEVALUATED = {"additionalProperties": False}, {"unevaluatedProperties": False}


@pytest.mark.parametrize(
    "schema",
    [
        SHUT,
        A | SHUT,
        {"allOf": [B, SHUT]},
        {"allOf": [A | SHUT, B]},
        {"$ref": "#/$defs/s", "$defs": {"s": SHUT}} | B,
        B | SHUT | {"patternProperties": {"^x": {}}, "$ref": "#/$defs/s", "$defs": {"s": SHUT}},
        SHUT | {"anyOf": [B, {}]},
        {"anyOf": [A | SHUT, SHUT]},
        {"anyOf": [SHUT, {"type": "null"}]},
        UNEVALUATED,
        A | UNEVALUATED,
        {"allOf": [A | {"additionalProperties": {}}, SHUT]},
    ],
)
def test_a_property_is_forbidden_as_the_authority_forbids_it(schema: dict[str, object]) -> None:
    assert view(schema).forbids("b")
    assert not compile_schema(schema, {}, "s.json").is_valid({"b": 1})


@pytest.mark.parametrize(
    "schema",
    [
        {},
        A,
        B | SHUT,
        SHUT | {"patternProperties": {"^b": {}}},
        {"allOf": [B | SHUT, B]},
        {"anyOf": [A | SHUT, B]},
        B | UNEVALUATED,
        UNEVALUATED | {"anyOf": [A, B]},
        UNEVALUATED | {"allOf": [{"additionalProperties": True}]},
        UNEVALUATED | {"anyOf": [{"additionalProperties": True}]},
        UNEVALUATED | {"if": {"required": ["b"], **B}},
        UNEVALUATED | {"patternProperties": {"^b": {}}},
    ],
)
def test_a_property_that_may_stand_is_not_forbidden(schema: dict[str, object]) -> None:
    assert not view(schema).forbids("b")
    assert compile_schema(schema, {}, "s.json").is_valid({"b": 1})
