"""Declared fields: one function from the text of a cell to its value, made once a plan."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from helixnet.engine.context.model import Field, Source
from helixnet.engine.formats.fixed.stored import FIGURATIVE, bad_number
from helixnet.engine.values.dates import date_parser
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.numbers import integer_converter, number_converter

Converter: TypeAlias = Callable[[str], object]

_DATE: Final = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%dT%H:%M:%S"}


def field_converter(field: Field, source: Source) -> Converter | None:
    """Return the function that makes a value of a cell that is neither null nor missing.

    Returns:
        a function that raises ValueFault (HX-1102 to HX-1106); None for text, which stays.

    Raises:
        ValueFault: the field's format or the source's separators can't be used.
    """
    if field.stored:
        return _stored_converter(field, source)
    match field.type:
        case "integer":
            return integer_converter(source.decimal, source.thousands, field.digits)
        case "decimal":
            return number_converter(source.decimal, source.thousands, field.digits, field.scale)
        case "boolean":
            return _boolean_converter(field)
        case "date" | "datetime":
            form = field.format or _DATE[field.type]
            return date_parser(form, pivot=field.pivot, zone=field.zone)
        case _:
            return None


def _stored_converter(field: Field, source: Source) -> Converter:
    """Return the converter of what a reader of stored numbers gives: plain numbers, or why not."""
    plain = replace(field, stored="")
    convert = field_converter(plain, replace(source, decimal=".", thousands=""))

    def read(text: str) -> object:
        if why := bad_number(text, field.stored):
            hint = "name it in `nulls` if it means that there is none"
            raise ValueFault("HX-1111", why, text, hint if text in FIGURATIVE else "")
        return text if convert is None else convert(text)

    return read


def _boolean_converter(field: Field) -> Converter:
    known: Mapping[str, bool] = dict.fromkeys(field.false, False) | dict.fromkeys(field.true, True)
    listed = ", ".join(map(shown, known))

    def convert(text: str) -> bool:
        found = known.get(text)
        if found is None:
            raise ValueFault("HX-1106", f"{shown(text)} is none of {listed}", text)
        return found

    return convert


def nulls_of(field: Field, source: Source, *more: str) -> frozenset[str]:
    """Return the texts (and ``more``) that mean null here: the words of a boolean field win."""
    words = {*field.true, *field.false} if field.type == "boolean" else set[str]()
    return frozenset({*source.nulls, *more} - words)


def required_converter(convert: Converter | None, nulls: frozenset[str], name: str) -> Converter:
    """Return a converter that refuses the cells that mean null."""

    def read(text: str) -> object:
        if text in nulls:
            raise ValueFault("HX-1101", f"{name} is required and has no value", text)
        return text if convert is None else convert(text)

    return read


def nullable_converter(convert: Converter, nulls: frozenset[str]) -> Converter:
    """Return a converter that gives null for the cells that mean it."""
    return lambda text: None if text in nulls else convert(text)


def missing_column(name: str) -> Converter:
    """Return the converter of a column that the file does not have."""

    def read(_text: str) -> object:
        raise ValueFault("HX-1109", f"the file has no column {shown(name)}", None)

    return read
