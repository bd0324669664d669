"""What of the target schema columns can check: conditions that only accept what surely is valid."""

# pyright: reportUnknownMemberType=false
# Polars leaves parts of its signatures unknown.

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from helixnet.engine.columns.value import MOST_DIGITS, NotColumnarError, Value, is_clean
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.regex import plain_pattern, rust_pattern
from helixnet.engine.validation.formats import FORMATS
from helixnet.engine.validation.parts import Part, members, scale_of
from helixnet.engine.validation.view import SchemaView

_TYPES = {
    Kind.TEXT: frozenset({"string"}),
    Kind.INTEGER: frozenset({"number", "integer"}),
    Kind.DECIMAL: frozenset({"number", "integer"}),
    Kind.BOOLEAN: frozenset({"boolean"}),
    Kind.DATE: frozenset({"string"}),
}


def accepted(view: SchemaView, value: Value) -> tuple[list[pl.Expr], bool]:
    """Return the conditions under which a value that is there surely is valid.

    Returns:
        the conditions, none where every value is valid; and whether what they let through
        needs no escape in JSON.

    Raises:
        NotColumnarError: the schema says something here that only the validator can judge.
    """
    if not view.simple:
        raise NotColumnarError("a schema with alternatives or references to judge")
    conditions: list[pl.Expr] = []
    clean = False
    for part in view.parts:
        if part.types is not None and not part.types & _TYPES[value.kind]:
            raise NotColumnarError(f"a {value.kind} where the schema has another type")
        found, plain = _KEYWORDS[value.kind](part, value)
        conditions += found
        clean = clean or plain
    return conditions, clean


def _text(part: Part, value: Value) -> tuple[list[pl.Expr], bool]:
    schema, expr = part.schema, value.expr
    if schema.get("format") in FORMATS:
        raise NotColumnarError(f"the format {schema['format']}")
    found = [expr.is_in(texts) for texts in _listed(part, str)]
    for keyword, method in (("minLength", "ge"), ("maxLength", "le")):
        limit = limit_of(part, keyword)
        if limit is not None:
            found.append(getattr(expr.str.len_chars(), method)(int(limit)))
    clean = any(all(map(is_clean, texts)) for texts in _listed(part, str))
    pattern = schema.get("pattern")
    if pattern is not None:
        rust = rust_pattern(str(pattern), anchored=False)
        if rust is None:
            raise NotColumnarError(f"the pattern {pattern}")
        found.append(expr.str.contains(rust))
        clean = clean or plain_pattern(str(pattern))
    return found, clean


def _number(part: Part, value: Value) -> tuple[list[pl.Expr], bool]:
    whole = part.types is not None and "number" not in part.types
    if whole and value.kind is not Kind.INTEGER:
        raise NotColumnarError("a decimal where the schema has an integer")
    step = part.schema.get("multipleOf")
    if step is not None:
        scale = scale_of(step)
        if scale is None or Decimal(1).scaleb(-scale) != step or value.scale > scale:
            raise NotColumnarError(f"multipleOf {step}")
    found = [
        pl.any_horizontal([value.expr == _as(value, number) for number in numbers])
        for numbers in _listed(part, int, Decimal)
    ]
    for keyword, method in (
        ("minimum", "ge"),
        ("maximum", "le"),
        ("exclusiveMinimum", "gt"),
        ("exclusiveMaximum", "lt"),
    ):
        limit = limit_of(part, keyword)
        if limit is not None:
            found.append(getattr(value.expr, method)(_as(value, limit)))
    return found, True


def _as(value: Value, number: Any) -> pl.Expr:
    """Return a number of the schema to compare with, exactly."""
    exact = Decimal(number)
    _, digits, exponent = exact.as_tuple()
    scale = max(-int(exponent), value.scale)
    if max(len(digits) + max(int(exponent), 0), value.digits - value.scale) + scale > MOST_DIGITS:
        raise NotColumnarError(f"the number {number} of the schema")
    if value.kind is Kind.INTEGER and exact == exact.to_integral_value():
        return pl.lit(int(exact), dtype=pl.Int64 if abs(exact) < 1 << 62 else pl.Int128)
    return pl.lit(exact, dtype=pl.Decimal(MOST_DIGITS, scale))


def _boolean(part: Part, value: Value) -> tuple[list[pl.Expr], bool]:
    return [value.expr.is_in(known) for known in _listed(part, bool)], True


def _date(part: Part, _value: Value) -> tuple[list[pl.Expr], bool]:
    asked = part.schema.get("format", "date")
    others = ("enum", "const", "minLength", "maxLength", "pattern")
    if (asked != "date" and asked in FORMATS) or any(name in part.schema for name in others):
        raise NotColumnarError("a date of which the schema asks more than `format: date`")
    return [], True


_KEYWORDS = {
    Kind.TEXT: _text,
    Kind.INTEGER: _number,
    Kind.DECIMAL: _number,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
}


def _listed(part: Part, *types: type) -> Sequence[Sequence[Any]]:
    """Return for `enum` and `const` those of their values that have one of the types."""
    found: list[list[Any]] = []
    for keyword in ("enum", "const"):
        if keyword in part.schema:
            given = part.schema[keyword]
            values = members(given) if keyword == "enum" else (given,)
            found.append([value for value in values if type(value) in types])
    if any(not same for same in found):
        raise NotColumnarError("an enum without a value of this type")
    return found


def limit_of(part: Part, keyword: str) -> int | Decimal | None:
    """Return the number that a keyword of the schema gives, if it is there."""
    limit = part.schema.get(keyword)
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int | Decimal):
        raise NotColumnarError(f"{keyword} that is no number")
    return limit
