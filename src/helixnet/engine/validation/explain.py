"""Every fault of a document in the reader's words: pointer, code, message, value."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias, cast

from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from helixnet.engine.output import json_text
from helixnet.engine.values.absent import ABSENT

Finding: TypeAlias = tuple[str, str, str, str | None]
"""Pointer (RFC 6901), code, message, and the value, at most 200 characters of it."""

Place: TypeAlias = tuple[str | int, ...]
_Explained: TypeAlias = tuple[Place, str, str]

MAX_VALUE: Final = 200

_CODES: Final = {
    "required": "HX-3001",
    "dependentRequired": "HX-3001",
    "type": "HX-3002",
    "enum": "HX-3003",
    "const": "HX-3003",
    "minimum": "HX-3004",
    "maximum": "HX-3004",
    "exclusiveMinimum": "HX-3004",
    "exclusiveMaximum": "HX-3004",
    "minLength": "HX-3004",
    "maxLength": "HX-3004",
    "minItems": "HX-3004",
    "maxItems": "HX-3004",
    "minProperties": "HX-3004",
    "maxProperties": "HX-3004",
    "pattern": "HX-3005",
    "format": "HX-3005",
    "additionalProperties": "HX-3006",
    "unevaluatedProperties": "HX-3006",
    "additionalItems": "HX-3006",
    "unevaluatedItems": "HX-3006",
    "falseSchema": "HX-3006",
    "propertyNames": "HX-3006",
}
_OTHER: Final = "HX-3007"


def findings(errors: Iterable[ValidationError], document: object) -> list[Finding]:
    """Return the authority's errors of ``document``, each once, in the order of the places."""
    found = {finding for error in errors for finding in _explained(error, document)}
    return [
        (pointer_to(place), code, message, _shown(_at(document, place)))
        for place, code, message in sorted(found, key=_order)
    ]


def pointer_to(place: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)


def _order(finding: _Explained) -> tuple[object, ...]:
    place, code, message = finding
    return ([(isinstance(step, str), step) for step in place], code, message)


def _explained(error: ValidationError, document: object) -> Iterator[_Explained]:
    place = tuple(error.instance_path)
    kind = error.kind
    match kind:
        case Kind.Required(property=name):
            yield ((*place, name), "HX-3001", "required, but missing")
        case (
            Kind.AdditionalProperties(unexpected=names)
            | Kind.UnevaluatedProperties(unexpected=names)
        ):
            for name in names:
                yield ((*place, name), "HX-3006", "property not allowed by the schema")
        case Kind.FalseSchema():
            yield from _forbidden(error, place, document)
        case Kind.AnyOf(context=branches) | Kind.OneOfNotValid(context=branches):
            yield from _no_branch(place, branches)
        case Kind.PropertyNames():
            yield (place, "HX-3006", f"name of a property not allowed: {error.message}")
        case _:
            yield (place, _CODES.get(kind.name, _OTHER), error.message)


def _forbidden(error: ValidationError, place: Place, document: object) -> Iterator[_Explained]:
    value = _at(document, place)
    steps = error.schema_path
    if (
        steps
        and steps[-1] in {"additionalProperties", "unevaluatedProperties"}
        and (isinstance(value, dict))
    ):
        for name in cast("dict[str, object]", value):
            yield ((*place, name), "HX-3006", "property not allowed by the schema")
    else:
        yield (place, "HX-3006", "not allowed by the schema")


def _no_branch(place: Place, branches: list[list[ValidationError]]) -> Iterator[_Explained]:
    """Say a wrong type as a wrong type; else tell what the nearest alternative asks."""
    types: list[str] = []
    for branch in branches:
        only = branch[0] if len(branch) == 1 else None
        if only is None or not isinstance(only.kind, Kind.Type) or only.instance_path != [*place]:
            break
        types += only.kind.types
    else:
        yield (place, "HX-3002", f"the value is none of the types {', '.join(types)}")
        return
    near = min(branches, key=lambda branch: (len(branch), -len(branch[0].instance_path)))
    asks = "; ".join(_told(error, place) for error in near)
    yield (place, _OTHER, f"none of {len(branches)} alternatives holds; the nearest: {asks}")


def _told(error: ValidationError, place: Place) -> str:
    below = pointer_to(error.instance_path[len(place) :])
    return f"{below} {error.message}".strip()


def _at(document: object, place: Place) -> object:
    value = document
    for step in place:
        if isinstance(value, dict):
            members = cast("dict[object, object]", value)
            if step not in members:
                return ABSENT
            value = members[step]
        elif isinstance(value, list):
            items = cast("list[object]", value)
            if not isinstance(step, int) or step >= len(items):
                return ABSENT
            value = items[step]
    return value


def _shown(value: object) -> str | None:
    if value is ABSENT:
        return None
    text = value if isinstance(value, str) else json_text(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
