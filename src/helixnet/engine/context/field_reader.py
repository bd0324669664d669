"""``source.fields``: the declared type of each source field."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import boolean, choice, integer, text, texts
from helixnet.engine.context.model import Field, Place
from helixnet.engine.context.places import RANGE, read_place
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.stored_reader import check_stored_type, read_stored, stored_type
from helixnet.engine.context.yaml_nodes import Node, Pairs, Scalar, kind
from helixnet.engine.values.dates import date_parser, has_time, suggested
from helixnet.engine.values.faults import ValueFault

TYPES: Final = ("string", "integer", "decimal", "boolean", "date", "datetime")

_ONLY_FOR: Final[Mapping[str, frozenset[str]]] = {
    "format": frozenset({"date", "datetime"}),
    "pivot": frozenset({"date", "datetime"}),
    "zone": frozenset({"datetime"}),
    "digits": frozenset({"integer", "decimal"}),
    "scale": frozenset({"decimal"}),
    "true": frozenset({"boolean"}),
    "false": frozenset({"boolean"}),
}
_ZONE = re.compile(r"Z|[-+](?:0[0-9]|1[0-4]):[0-5][0-9]")
_MAX_DIGITS = 38


def read_fields(
    node: Node, problems: Problems, untyped: str = "string", *, place: str = ""
) -> dict[str, Field]:
    """Read ``fields`` in the order written; a wrong field counts as one without type.

    Args:
        node: the value of ``fields``.
        problems: takes what is wrong.
        untyped: type of a field that declares none.
        place: what ``at`` of a field is: ``range`` (which each must have), ``column``, or empty
            where fields have no ``at``.
    """
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", f"`fields` is a mapping, not {kind(node)}")
        return {}
    if not node.pairs:
        hint = "leave `fields` out if every field is text"
        problems.add(node.mark, "HX-4004", "`fields` is empty", hint)
    fields = {key.text: _field(key, value, problems, untyped) for key, value in node.pairs}
    for key, value in node.pairs:
        stored = value.get("as") if isinstance(value, Pairs) else None
        if stored is not None and place != RANGE:
            hint = "it belongs to `format: fixed`"
            problems.add(stored.mark, "HX-4004", "`as` does not go with this format", hint)
        at = _at(key, value, problems, place)
        fields[key.text] = replace(fields[key.text], at=at)
    return fields


def _at(key: Scalar, node: Node, problems: Problems, place: str) -> Place | None:
    """Read where a field stands, or say that it does not say."""
    at = node.get("at") if isinstance(node, Pairs) else None
    if at is not None and not place:
        message = f"`at` of `fields.{key.text}` does not go with this format"
        hint = "it belongs to `format: fixed` and to `records` of CSV"
        problems.add(at.mark, "HX-4004", message, hint)
        return None
    if at is None:
        if place == RANGE and isinstance(node, Pairs):
            hint = 'say where it stands, such as `at: "1:6"`'
            problems.add(key.mark, "HX-4005", f"`fields.{key.text}` lacks `at`", hint)
        return None
    return read_place(at, problems, place)


def _field(key: Scalar, node: Node, problems: Problems, untyped: str) -> Field:
    keys = section(node, problems, "field", name=f"fields.{key.text}")
    if keys is None:
        return Field(key.text, key.mark, untyped)
    type_node = keys.get("type")
    untyped = stored_type(keys) if "as" in keys else untyped
    type_ = (choice(type_node, problems, "type", TYPES) if type_node else None) or untyped
    check_stored_type(keys, type_, problems)
    stored, signed = read_stored(keys, problems)
    for name in [name for name in keys if type_ not in _ONLY_FOR.get(name, {type_})]:
        owners = ", ".join(sorted(_ONLY_FOR[name]))
        message = f"`{name}` does not go with `type: {type_}`"
        if type_ == "any":
            message = f"`{name}` needs a `type`"
        problems.add(keys.pop(name).mark, "HX-4004", message, f"it belongs to: {owners}")
    digits = _integer(keys, "digits", 1, _MAX_DIGITS, problems)
    scale = _integer(keys, "scale", 0, digits or 18, problems)
    required = keys.get("required")
    format_ = keys.get("format")
    pivot, zone = _pivot(keys, problems), _zone(keys.get("zone"), problems)
    return Field(
        name=key.text,
        mark=key.mark,
        type=type_,
        required=bool(required and boolean(required, problems, "required")),
        format=_format(format_, type_, pivot, zone, problems) if format_ else None,
        digits=18 if digits is None else digits,
        scale=0 if stored and type_ == "decimal" and "scale" not in keys else scale,
        true=_words(keys, "true", problems),
        false=_words(keys, "false", problems),
        pivot=pivot,
        zone=zone,
        stored=stored,
        signed=signed,
    )


def _format(
    node: Node, type_: str, pivot: int | None, zone: str | None, problems: Problems
) -> str | None:
    """Read a date format; one that would fail at the first value is a problem of the context."""
    form = text(node, problems, "format")
    if form is None:
        return None
    try:
        _ = date_parser(form, pivot=pivot, zone=zone)
    except ValueFault as fault:
        meant = suggested(form)
        hint = f"`{form}` is written `{meant}`" if meant else fault.hint
        problems.add(node.mark, fault.code, fault.message, hint)
        return None
    if has_time(form) != (type_ == "datetime"):
        kind_ = "date and time" if has_time(form) else "date without time"
        hint = f"declare `type: {'datetime' if has_time(form) else 'date'}`"
        message = f"`{form}` is the format of a {kind_}, the field is of `type: {type_}`"
        problems.add(node.mark, "HX-4105", message, hint)
        return None
    return form


def _integer(
    keys: Mapping[str, Node], name: str, low: int, high: int, problems: Problems
) -> int | None:
    return integer(keys[name], problems, name, low, high) if name in keys else None


def _words(keys: Mapping[str, Node], name: str, problems: Problems) -> list[str]:
    if name not in keys:
        return [name]
    words = texts(keys[name], problems, name, empty=True)
    if name == "false" and "true" in keys:
        shared = set(words) & set(texts(keys["true"], Problems(), "true", empty=True))
        for word in sorted(shared):
            problems.add(keys[name].mark, "HX-4004", f"`{word}` means both true and false")
    return words


def _pivot(keys: Mapping[str, Node], problems: Problems) -> int | None:
    pivot = _integer(keys, "pivot", 0, 99, problems)
    format_ = keys.get("format")
    if pivot is not None and not (isinstance(format_, Scalar) and "%y" in format_.text):
        message = "`pivot` needs a format with `%y`"
        problems.add(keys["pivot"].mark, "HX-4004", message, "`%Y` has four digits and no pivot")
    return pivot


def _zone(node: Node | None, problems: Problems) -> str | None:
    zone = text(node, problems, "zone") if node else None
    if node is None or zone is None or _ZONE.fullmatch(zone):
        return zone
    hint = "write Z or an offset such as +01:00; names of zones change with the law"
    problems.add(node.mark, "HX-4004", f"`zone` can't be `{zone}`", hint)
    return None
