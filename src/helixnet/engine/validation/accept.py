"""Predicates that the compiler writes into its function: they may accept, never refuse.

A value that a predicate does not accept goes to the authority. Each predicate is true only for
values that jsonschema-rs accepts too, whatever the value: a property test holds them to it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.regex import json_pattern
from helixnet.engine.validation.formats import FORMATS
from helixnet.engine.validation.parts import Part, members, scale_of
from helixnet.engine.validation.view import SchemaView

_USUAL: Final = 3  # scales that are asked one by one, which is faster than asking for the scale
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch


class ConstantTable(Protocol):
    """Where generated code finds values: no text of a schema is ever pasted into code."""

    def add(self, value: object) -> str:
        """Return the identifier under which generated code finds ``value``."""
        ...


def accept_expression(
    view: SchemaView, kind: Kind, variable: str, constants: ConstantTable
) -> str | None:
    """Return Python source that is true only where the value of ``variable`` surely is valid.

    Args:
        view: the place where the value goes. For LIST and OBJECT only the container itself is
            decided; the caller decides items and properties, ``required`` and ``closed``.
        kind: what the value is, as far as known when compiling; a wrong kind accepts less.
        variable: identifier of the value.
        constants: takes what the predicate compares with.

    Returns:
        an expression in parentheses, or None when this place can't be decided inline.
    """
    if not view.simple:
        return None
    kinds = _SCALARS if kind is Kind.ANY else (kind,)
    choices = [test for each in kinds if (test := _choice(view, each, variable, constants))]
    if not choices and kind is not Kind.NULL:
        return None
    if view.nullable:
        choices.insert(0, f"{variable} is None")
    return f"({' or '.join(choices)})" if choices else None


def _choice(view: SchemaView, kind: Kind, variable: str, constants: ConstantTable) -> str | None:
    rule = _RULES.get(kind)
    if rule is None:
        return None
    tests = [rule.base.format(v=variable, k=constants.add(rule.python))]
    for part in view.parts:
        if part.types is not None and not part.types & rule.types:
            return None
        found = rule.keywords(_Place(part, variable, constants, rule.python))
        if found is None:
            return None
        tests += found
    return " and ".join(tests)


@dataclass(frozen=True, slots=True)
class _Place:
    part: Part
    variable: str
    constants: ConstantTable
    python: type

    def compare(self, keyword: str, operator: str, *, length: bool = False) -> list[str] | None:
        """Compare the value, or its length, with a keyword's number; nothing without keyword."""
        limit = self.part.schema.get(keyword)
        if limit is None:
            return []
        if isinstance(limit, bool) or not isinstance(limit, int | Decimal):
            return None
        what = f"len({self.variable})" if length else self.variable
        if self.python is Decimal:
            limit = Decimal(limit)  # which compares with its like in half the time
        return [f"{what} {operator} {self.constants.add(limit)}"]

    def long(self) -> list[str] | None:
        """Compare the length with both its bounds."""
        least = self.compare("minLength", ">=", length=True)
        most = self.compare("maxLength", "<=", length=True)
        if least and most:
            low, high = self.part.schema["minLength"], self.part.schema["maxLength"]
            add = self.constants.add
            return [f"{add(low)} <= len({self.variable}) <= {add(high)}"]
        return None if least is None or most is None else least + most

    def listed(self, *types: type) -> list[str] | None:
        """Look the value up among those values of ``enum`` or ``const`` that have its type."""
        schema = self.part.schema
        tests: list[str] = []
        for keyword in ("enum", "const"):
            if keyword not in schema:
                continue
            values = members(schema["enum"]) if keyword == "enum" else (schema["const"],)
            same = frozenset(value for value in values if type(value) in types)
            if not same:
                return None
            tests.append(f"{self.variable} in {self.constants.add(same)}")
        return tests

    def has(self, *keywords: str) -> bool:
        return any(keyword in self.part.schema for keyword in keywords)


_Tests: TypeAlias = list[str] | None


def _all(*tests: _Tests) -> _Tests:
    found: list[str] = []
    for test in tests:
        if test is None:
            return None
        found += test
    return found


def _text(place: _Place) -> _Tests:
    asked = place.part.schema.get("format")
    if asked in FORMATS and asked != "date":
        return None
    day = f"len({place.variable}) == 10 and {place.constants.add(is_day)}({place.variable})"
    return _all(
        [day] if asked == "date" else [],
        place.listed(str),
        place.long(),
        _pattern(place),
    )


@lru_cache(4096)  # eleven years: a file names few days, and those often
def is_day(text: str) -> bool:
    """Tell whether a text is a day as RFC 3339 writes it, such as 2026-11-23."""
    if _DAY(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _pattern(place: _Place) -> _Tests:
    pattern = place.part.schema.get("pattern")
    if pattern is None:
        return []
    matcher = json_pattern(str(pattern))
    return None if matcher is None else [f"{place.constants.add(matcher)}({place.variable})"]


def _number(place: _Place) -> _Tests:
    types = place.part.types
    whole = types is not None and "number" not in types
    return _all(
        [f"type({place.variable}) is int"] if whole else [],
        place.listed(int, Decimal),
        place.compare("minimum", ">="),
        place.compare("maximum", "<="),
        place.compare("exclusiveMinimum", ">"),
        place.compare("exclusiveMaximum", "<"),
        _multiple(place),
    )


def _multiple(place: _Place) -> _Tests:
    """Accept a number with no more digits after the point than a step of 10^-n has."""
    step = place.part.schema.get("multipleOf")
    if step is None:
        return []
    scale = scale_of(step)
    if scale is None or Decimal(1).scaleb(-scale) != step:
        return None
    v = place.variable
    usual = [place.constants.add(Decimal(1).scaleb(-n)) for n in range(scale, -1, -1)[:_USUAL]]
    same = " or ".join(f"{v}.same_quantum({one})" for one in usual)
    return [f"(type({v}) is int or {same} or {v}.as_tuple().exponent >= -{scale})"]


def _boolean(place: _Place) -> _Tests:
    return place.listed(bool)


def _date(place: _Place) -> _Tests:
    return [] if _as_written(place, "date") else None


def _datetime(place: _Place) -> _Tests:
    if _as_written(place, "date-time"):
        return [f"{place.constants.add(_has_zone)}({place.variable})"]
    return None


def _as_written(place: _Place, own: str) -> bool:
    """Tell whether nothing is asked of a moment's text but its own format."""
    asked = place.part.schema.get("format", own)
    return (asked == own or asked not in FORMATS) and not place.has(
        "enum", "const", "minLength", "maxLength", "pattern"
    )


def _has_zone(moment: datetime) -> bool:
    offset = moment.utcoffset()
    return offset is not None and not offset.seconds % 60 and not offset.microseconds


def _list(place: _Place) -> _Tests:
    if place.has("enum", "const"):
        return None
    return _all(
        place.compare("minItems", ">=", length=True), place.compare("maxItems", "<=", length=True)
    )


def _object(place: _Place) -> _Tests:
    return None if place.has("enum", "const") else []


@dataclass(frozen=True, slots=True)
class _Rule:
    """How one kind is decided: its JSON types, its Python type, and what keywords ask of it."""

    types: frozenset[str]
    python: type
    keywords: Callable[[_Place], _Tests]
    base: str = "type({v}) is {k}"


_NUMBER: Final = frozenset({"number", "integer"})
_STRING: Final = frozenset({"string"})
_RULES: Final = {
    Kind.TEXT: _Rule(_STRING, str, _text),
    Kind.INTEGER: _Rule(_NUMBER, int, _number),
    Kind.DECIMAL: _Rule(_NUMBER, Decimal, _number, "(type({v}) is {k} or type({v}) is int)"),
    Kind.BOOLEAN: _Rule(frozenset({"boolean"}), bool, _boolean),
    Kind.DATE: _Rule(_STRING, date, _date),
    Kind.DATETIME: _Rule(_STRING, datetime, _datetime),
    Kind.LIST: _Rule(frozenset({"array"}), list, _list),
    Kind.OBJECT: _Rule(frozenset({"object"}), dict, _object),
}
_SCALARS: Final = (Kind.TEXT, Kind.DECIMAL, Kind.BOOLEAN)
