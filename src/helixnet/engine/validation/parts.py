"""What one schema object says by itself, references and alternatives taken out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, TypeAlias, cast

from jsonschema_rs import RegexOptions, Resolver, validator_for

Schema: TypeAlias = Mapping[str, object]

LINEAR: Final = RegexOptions()
"""Patterns run on an engine whose time is linear in the text: no look-around, no references."""

NEVER: Final[Schema] = {"not": {}}
OPAQUE: Final[Schema] = {"$dynamicRef": "#"}
"""What can't be seen from here: the authority alone decides."""

_SIMPLE: Final = frozenset(
    {
        *("$schema", "$id", "id", "$comment", "$anchor", "$defs", "definitions", "title"),
        *("description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *("type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "pattern", "format", "multipleOf", "minItems", "maxItems"),
        *("properties", "required", "additionalProperties", "items"),
    }
)
_JSON_TYPES: Final[dict[type, str]] = {
    str: "string",
    int: "number",
    Decimal: "number",
    bool: "boolean",
    type(None): "null",
    dict: "object",
    list: "array",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One schema object of a view.

    Args:
        schema: its keywords without ``$ref``, ``allOf`` and alternatives.
        resolver: resolves references from here.
        draft: 4, 6, 7, 19 or 20.
        or_null: null passes beside what the keywords say.
    """

    schema: Schema
    resolver: Resolver
    draft: int
    or_null: bool = False

    def with_null(self) -> "Part":
        """Return the same, null allowed too."""
        return replace(self, or_null=True)

    @property
    def types(self) -> frozenset[str] | None:
        """The JSON types that the keywords leave; None = any."""
        found = self._written_types()
        return found | {"null"} if found is not None and self.or_null else found

    def _written_types(self) -> frozenset[str] | None:
        written = self.schema.get("type")
        if isinstance(written, str):
            return frozenset({written})
        if isinstance(written, list):
            return frozenset(str(name) for name in cast("list[object]", written))
        if "const" in self.schema:
            return frozenset({_JSON_TYPES[type(self.schema["const"])]})
        if "enum" in self.schema:
            return frozenset(_JSON_TYPES[type(value)] for value in members(self.schema["enum"]))
        return None

    @property
    def opaque(self) -> bool:
        """Whether a reference stands here that only the authority follows."""
        return "$dynamicRef" in self.schema or "$recursiveRef" in self.schema

    @property
    def nullable(self) -> bool:
        """Whether the keywords leave null."""
        types = self._written_types()
        return self.or_null or (
            (types is None or "null" in types)
            and self.schema.get("const") is None
            and ("enum" not in self.schema or None in members(self.schema["enum"]))
        )

    @property
    def simple(self) -> bool:
        """Whether every keyword is one that predicates and the compiler can decide."""
        schema = self.schema
        return (
            all(name in _SIMPLE or name.startswith("x-") for name in schema)
            and isinstance(schema.get("additionalProperties", True), bool)
            and isinstance(schema.get("items", True), bool | dict)
            and not isinstance(schema.get("exclusiveMinimum"), bool)
            and not isinstance(schema.get("exclusiveMaximum"), bool)
        )

    def forbids(self, name: str) -> bool:
        """Tell whether the keywords leave no property ``name``: only their own names count."""
        return (
            self.schema.get("additionalProperties") is False
            and name not in keyed(self.schema.get("properties"))
            and not any(
                _matches(pattern, name) for pattern in keyed(self.schema.get("patternProperties"))
            )
        )


Step: TypeAlias = Callable[[Part, str], Iterator[object]]
"""From a part to the schemas that hold one level further down."""


def property_schemas(part: Part, name: str) -> Iterator[object]:
    """Yield the schemas that hold for the property ``name``."""
    if part.opaque:
        yield OPAQUE
    properties = keyed(part.schema.get("properties"))
    named = name in properties
    if named:
        yield properties[name]
    for pattern, schema in keyed(part.schema.get("patternProperties")).items():
        if _matches(pattern, name):
            named = True
            yield schema
    further = part.schema.get("additionalProperties")
    if not named and isinstance(further, dict):
        yield cast("object", further)


def item_schemas(part: Part, _: str) -> Iterator[object]:
    """Yield the schema that holds for every item of an array, if one is written."""
    if part.opaque:
        yield OPAQUE
    written = part.schema.get("items")
    if isinstance(written, dict) and "prefixItems" not in part.schema:
        yield cast("object", written)


def _matches(pattern: str, name: str) -> bool:
    return validator_for({"pattern": pattern}, pattern_options=LINEAR).is_valid(name)


def members(value: object) -> Sequence[object]:
    """Return a JSON array as it is, anything else as empty."""
    return cast("list[object]", value) if isinstance(value, list) else ()


def keyed(value: object) -> Schema:
    """Return a JSON object as it is, anything else as empty."""
    return cast("Schema", value) if isinstance(value, dict) else {}


def other_than_null(branches: Sequence[object]) -> object | None:
    """Return the other one of two branches if one is just null, the usual way to say optional."""
    match branches:
        case [{"type": "null"}, other] | [other, {"type": "null"}]:
            return other
        case _:
            return None


def scale_of(step: object) -> int | None:
    """Return how many digits after the point a multiple of ``step`` may have; None = unknown."""
    if isinstance(step, bool) or not isinstance(step, int | Decimal):
        return None
    exponent = Decimal(step).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else None


def both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """Return the types that two sets share; an integer is a number, None is any type."""
    if one is None or other is None:
        return other if one is None else one
    shared = one & other
    if ("integer" in one and "number" in other) or ("integer" in other and "number" in one):
        shared |= {"integer"}
    return shared


def either(sets: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    """Return the types that stand in any of the sets."""
    known = [types for types in sets if types is not None]
    return frozenset[str]().union(*known) if len(known) == len(sets) else None


def exact(value: object, *, without: str = "") -> object:
    """Return a schema with Decimals in place of the floats that reference look-ups give."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        pairs = cast("Schema", value).items()
        return {name: exact(member) for name, member in pairs if name != without}
    if isinstance(value, list):
        return [exact(item) for item in cast("list[object]", value)]
    return value
