"""The fast path: predicates may accept only what the authority accepts too."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.mapping.constants import Constants
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.validation.accept import accept_expression
from helixnet.engine.validation.schema import compile_schema

numbers = st.one_of(
    st.integers(-20, 20),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-30, max_value=30),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30),
)
texts = st.one_of(st.text(max_size=4), st.sampled_from(["A", "B", "AB", "ä", "12", "1a", ""]))
moments = st.one_of(
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, seconds=3))])),
)
values = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    texts,
    moments,
    st.lists(st.integers(0, 2), max_size=3),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2),
)
type_names = st.sampled_from(["string", "number", "integer", "boolean", "null", "array", "object"])
keywords = {
    "type": st.one_of(type_names, st.lists(type_names, min_size=1, max_size=3, unique=True)),
    "enum": st.lists(st.one_of(texts, numbers, st.booleans(), st.none()), min_size=1, max_size=4),
    "const": st.one_of(texts, numbers, st.booleans(), st.none()),
    "minimum": numbers,
    "maximum": numbers,
    "exclusiveMinimum": numbers,
    "exclusiveMaximum": numbers,
    "multipleOf": st.sampled_from([1, 2, 5, Decimal("0.01"), Decimal("0.05"), Decimal("0.1")]),
    "minLength": st.integers(0, 3),
    "maxLength": st.integers(0, 3),
    "minItems": st.integers(0, 2),
    "maxItems": st.integers(0, 2),
    "pattern": st.sampled_from([r"^\d+$", "^[A-Z]*$", "a|b", "."]),
    "format": st.sampled_from(["date", "date-time", "email", "made-up"]),
}
simple = st.fixed_dictionaries({}, optional=keywords)
schemas = st.one_of(
    simple,
    st.builds(lambda one, other: {"allOf": [one, other]}, simple, simple),
    st.builds(lambda one: {"anyOf": [one, {"type": "null"}]}, simple),
    st.builds(
        lambda one, other: {"$ref": "#/$defs/x", "$defs": {"x": one}} | other, simple, simple
    ),
    st.builds(
        lambda one, draft: {"$schema": f"http://json-schema.org/draft-0{draft}/schema#"} | one,
        simple.filter(lambda one: "exclusiveMinimum" not in one and "exclusiveMaximum" not in one),
        st.sampled_from([4, 6, 7]),
    ),
)


def accepts(schema: object, kind: Kind, value: object) -> object:
    """Return what the predicate says, None where there is none."""
    constants = Constants()
    view = compile_schema(schema, {}, "s.json").view
    source = accept_expression(view, kind, "v", constants)
    return None if source is None else eval(source, dict(constants.values), {"v": value})  # noqa: S307 - generated code is what is tested


@given(schema=schemas, kind=st.sampled_from(Kind), value=values)
def test_the_fast_path_never_accepts_what_the_authority_refuses(
    schema: object, kind: Kind, value: object
) -> None:
    if accepts(schema, kind, value):
        assert compile_schema(schema, {}, "s.json").is_valid(value)


@given(schema=simple, value=values)
def test_a_value_of_its_kind_is_never_accepted_wrongly(schema: object, value: object) -> None:
    kinds = {
        str: Kind.TEXT,
        int: Kind.INTEGER,
        Decimal: Kind.DECIMAL,
        bool: Kind.BOOLEAN,
        date: Kind.DATE,
        datetime: Kind.DATETIME,
        list: Kind.LIST,
        dict: Kind.OBJECT,
        type(None): Kind.NULL,
    }
    if accepts(schema, kinds[type(value)], value):
        assert compile_schema(schema, {}, "s.json").is_valid(value)


@pytest.mark.parametrize(
    ("schema", "kind", "value"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 3}, Kind.TEXT, "äöü"),
        ({"type": "string", "enum": ["PCE", "KGM"]}, Kind.TEXT, "PCE"),
        ({"type": "string", "pattern": "^[A-Z]+$"}, Kind.TEXT, "ABC"),
        ({"type": ["string", "null"]}, Kind.TEXT, None),
        ({"type": "number", "multipleOf": Decimal("0.01")}, Kind.DECIMAL, Decimal("12.50")),
        ({"type": "number", "multipleOf": Decimal("0.01")}, Kind.DECIMAL, Decimal("12.5")),
        ({"type": "number", "exclusiveMinimum": 0}, Kind.DECIMAL, Decimal("0.001")),
        ({"type": "integer", "minimum": 1}, Kind.INTEGER, 10**30),
        ({"type": "string", "format": "date"}, Kind.DATE, date(2026, 11, 23)),
        ({"type": "array", "minItems": 1}, Kind.LIST, [1]),
        ({"type": "string"}, Kind.ANY, "x"),
        ({"const": True}, Kind.BOOLEAN, True),
    ],
)
def test_the_usual_leaf_is_decided_inline(schema: object, kind: Kind, value: object) -> None:
    assert accepts(schema, kind, value)


@pytest.mark.parametrize(
    ("schema", "kind", "value"),
    [
        ({"type": "string", "maxLength": 3}, Kind.TEXT, "abcd"),
        ({"enum": [1]}, Kind.BOOLEAN, True),
        ({"const": 1}, Kind.ANY, True),
        ({"type": "integer"}, Kind.DECIMAL, Decimal("1.5")),
        ({"type": "number", "multipleOf": Decimal("0.01")}, Kind.DECIMAL, Decimal("0.001")),
        ({"type": "string"}, Kind.TEXT, None),
        ({"type": "string"}, Kind.NULL, None),
        ({"type": "string", "format": "date-time"}, Kind.DATETIME, datetime(2026, 1, 1)),  # noqa: DTZ001 - a datetime without zone is the point
        ({"type": "string", "format": "email"}, Kind.TEXT, "a@b.de"),
        ({"not": {"type": "string"}}, Kind.TEXT, "x"),
    ],
)
def test_what_is_not_sure_is_left_to_the_authority(
    schema: object, kind: Kind, value: object
) -> None:
    assert not accepts(schema, kind, value)
