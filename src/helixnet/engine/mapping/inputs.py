"""Values from outside: read by their declared type, defaults filled in, what is wrong noted."""

from collections.abc import Mapping
from typing import Final

from helixnet.engine.context.model import Context, ContextProblem, Field, InputSpec, Source
from helixnet.engine.mapping.fields import field_converter
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.shapes import field_kind
from helixnet.engine.values.compare import type_name
from helixnet.engine.values.faults import ValueFault, shown

_NAMES: Final = {
    Kind.TEXT: "text",
    Kind.INTEGER: "number",
    Kind.DECIMAL: "number",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.DATETIME: "datetime",
}


def given_values(
    context: Context, inputs: Mapping[str, object], spare: Mapping[str, object]
) -> dict[str, object]:
    """Return the values that a context uses: ``inputs``, and of ``spare`` what it declares beside.

    Args:
        context: declares them.
        inputs: meant for this context; a name that it does not declare stays, as a fault to tell.
        spare: meant for any context, such as a tenant's values.
    """
    also = {name: value for name, value in spare.items() if name in context.inputs}
    return also | dict(inputs)


def input_values(
    context: Context, given: Mapping[str, object] | None, problems: list[ContextProblem]
) -> dict[str, object]:
    """Return the value of every declared input.

    Args:
        context: declares them.
        given: values by name, as text or typed; None = a check only, so none need be given.
        problems: takes what is wrong.
    """
    found: dict[str, object] = {}
    for name, spec in context.inputs.items():
        if given is not None and name in given:
            found[name] = _value(spec, given[name], problems)
        elif spec.required and given is not None:
            text = f"input `{name}` is required"
            hint = f"give it by --input {name}=…, or a default"
            problems.append(ContextProblem(spec.mark, "HX-4302", text, hint))
        else:
            found[name] = None if spec.default is None else _value(spec, spec.default, problems)
    for name in given or ():
        if name not in context.inputs:
            text = f"the context declares no input `{name}`"
            problems.append(ContextProblem(context.mark, "HX-4303", text))
    return found


def _value(spec: InputSpec, value: object, problems: list[ContextProblem]) -> object:
    declared = Field(spec.name, spec.mark, spec.type, digits=38)
    try:
        if isinstance(value, str):
            convert = field_converter(declared, Source("csv", spec.mark))
            return value if convert is None else convert(value)
    except ValueFault as error:
        text = f"input `{spec.name}`: {error.message}"
        problems.append(ContextProblem(spec.mark, "HX-4303", text, error.hint))
        return None
    fits = _NAMES[field_kind(spec.type)] == type_name(value)
    if not fits or (spec.type == "integer" and not isinstance(value, int)):
        text = f"input `{spec.name}`: {shown(value)} is no {spec.type}"
        problems.append(ContextProblem(spec.mark, "HX-4303", text))
        return None
    return value
