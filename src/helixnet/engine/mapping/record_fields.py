"""Declared fields of a JSON record: one function from a member to its value, made once a plan."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypeAlias, cast

from helixnet.engine.context.model import Field, Source
from helixnet.engine.mapping.fields import field_converter, nulls_of
from helixnet.engine.values.compare import is_nothing
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.numbers import is_number, number_text

Read: TypeAlias = Callable[[object], object]

_CODES: Final = {
    "string": ("HX-1110", "text"),
    "integer": ("HX-1103", "number"),
    "decimal": ("HX-1102", "number"),
    "boolean": ("HX-1106", "boolean"),
    "date": ("HX-1105", "text with a date"),
    "datetime": ("HX-1105", "text with a date and time"),
}


def member_reader(field: Field, source: Source) -> Read | None:
    """Return the function that makes a value of a member, or of :data:`ABSENT`; None = as it is.

    A text is read as a cell of a CSV file is: its separators are those of ``source``, and the
    texts of ``nulls`` mean null. Any other value of JSON is taken if it has the declared type.

    Returns:
        a function that raises ValueFault (HX-1101 to HX-1106, HX-1110).
    """
    nulls = nulls_of(field, source, *([""] if field.required else []))
    if field.type == "any" and not nulls and not field.required:
        return None
    read_text, read_other = field_converter(field, source), _other_reader(field, source)

    def read(value: object) -> object:
        if type(value) is str:
            if value not in nulls:
                return value if read_text is None else read_text(value)
        elif not is_nothing(value):
            return read_other(value)
        if field.required:
            raise ValueFault("HX-1101", f"{field.name} is required and has no value", value)
        return None if type(value) is str else value

    return read


def _other_reader(field: Field, source: Source) -> Read:
    """Return the function for what is neither text nor nothing."""
    match field.type:
        case "any":
            return lambda value: value
        case "string":
            return lambda value: number_text(_number(field, value))
        case "integer" | "decimal":
            plain = field_converter(field, replace(source, decimal=".", thousands=""))
            convert = cast("Callable[[str], object]", plain)  # a number has a converter
            return lambda value: convert(number_text(_number(field, value)))
        case "boolean":
            word = cast("Callable[[str], object]", field_converter(field, source))
            return lambda value: (
                value if type(value) is bool else word(number_text(_number(field, value)))
            )
        case _:
            return lambda value: _misfit(field, value)


def _number(field: Field, value: object) -> int | Decimal:
    return cast("int | Decimal", value) if is_number(value) else _misfit(field, value)


def _misfit(field: Field, value: object) -> int:
    code, what = _CODES[field.type]
    raise ValueFault(code, f"{shown(value)} is not a {what}", value)
