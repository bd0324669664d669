"""What the target schema makes of a value: conversions that are tried, and those that can't be."""

from dataclasses import replace
from typing import Final

from helixnet.engine.mapping.ir import Type
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.validation.view import SchemaView

_JSON: Final[dict[Kind, frozenset[str]]] = {
    Kind.TEXT: frozenset({"string"}),
    Kind.INTEGER: frozenset({"integer", "number"}),
    Kind.DECIMAL: frozenset({"number"}),
    Kind.BOOLEAN: frozenset({"boolean"}),
    Kind.DATE: frozenset({"string"}),
    Kind.DATETIME: frozenset({"string"}),
    Kind.LIST: frozenset({"array"}),
    Kind.OBJECT: frozenset({"object"}),
}
_FROM_TEXT: Final = (("integer", Kind.INTEGER), ("number", Kind.DECIMAL), ("boolean", Kind.BOOLEAN))


def wanted_types(view: SchemaView | None) -> frozenset[str] | None:
    """Return the JSON types that a value other than null may have; None = any."""
    if view is None or view.types is None:
        return None
    return view.types - {"null"}


def allows_null(view: SchemaView | None) -> bool:
    """Tell whether null is written here rather than left out."""
    return view is None or view.nullable


def target_kind(kind: Kind, types: frozenset[str] | None) -> Kind | None:
    """Return the kind that a value of ``kind`` becomes; None when it never can.

    ANY stays ANY: the conversion is then chosen for each value.
    """
    if types is None or kind in (Kind.ANY, Kind.NULL) or _JSON[kind] & types:
        return kind
    if kind is Kind.TEXT:
        fits = [found for name, found in _FROM_TEXT if name in types]
        if "number" in types and Kind.INTEGER in fits:
            fits.remove(Kind.INTEGER)
        return fits[0] if len(fits) == 1 else None
    if kind is Kind.DECIMAL and "integer" in types:
        return Kind.INTEGER
    if kind in NUMBERS and "string" in types:
        return Kind.TEXT
    return None


def written_type(of: Type, view: SchemaView | None) -> Type | None:
    """Return the type of a leaf as the document has it; None when it can't fit the schema."""
    kind = target_kind(of.kind, wanted_types(view))
    if kind is None or _other_moment(kind, view):
        return None
    scale = of.scale if kind is Kind.DECIMAL else None
    same = kind is of.kind and scale == of.scale
    return of if same else replace(of, kind=kind, scale=scale)


def _other_moment(kind: Kind, view: SchemaView | None) -> bool:
    asked = view.format if view is not None else None
    return (kind is Kind.DATE and asked in ("date-time", "time")) or (
        kind is Kind.DATETIME and asked in ("date", "time")
    )


def document_type(of: Type) -> Type:
    """Return the type that `out` reads: what JSON makes of it, so dates are texts."""
    if of.kind in (Kind.DATE, Kind.DATETIME):
        return replace(of, kind=Kind.TEXT)
    return of
