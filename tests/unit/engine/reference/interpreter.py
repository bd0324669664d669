"""A plain interpreter of expressions, written from the pages of docs/ alone.

It shares nothing with the engine but the documentation: Jinja's own parser, one recursive walk,
slow and obvious. Property tests hold the compiled expressions against it.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any

from jinja2 import Environment, nodes

from tests.unit.engine.reference import values
from tests.unit.engine.reference.filters import FILTERS, MAY_BE_LEFT_OUT, SEE_NOTHING, SELECTORS
from tests.unit.engine.reference.values import (
    ABSENT,
    RejectionError,
    as_text,
    contained,
    equal,
    guarded,
    less,
    nothing,
    quantity,
)


def evaluate(leaf: str, record: Mapping[str, Any]) -> Any:
    """Give the value of a leaf for one record; raise RejectionError where it is a reject."""
    parts = parsed(leaf)
    if len(parts) == 1:
        return value(parts[0], record)
    return joined([value(part, record) for part in parts])


@cache
def parsed(leaf: str) -> list[nodes.Expr]:
    """Read an expression, or a template of text and expressions."""
    template = leaf if "{{" in leaf else "{{ " + leaf + " }}"
    tree = Environment(autoescape=False).parse(template)  # noqa: S701 - no HTML
    (output,) = tree.body
    assert isinstance(output, nodes.Output)
    return output.nodes


def value(node: nodes.Node, record: Mapping[str, Any]) -> Any:
    """Evaluate one node."""
    return WALK[type(node)](node, record)


def const(node: nodes.Const, _record: Mapping[str, Any]) -> Any:
    return Decimal(repr(node.value)) if isinstance(node.value, float) else node.value


def name(node: nodes.Name, record: Mapping[str, Any]) -> Any:
    return None if node.name == "null" else record.get(node.name, ABSENT)


def step(node: nodes.Getattr, record: Mapping[str, Any]) -> Any:
    return values.step(value(node.node, record), node.attr)


def subscript(node: nodes.Getitem, record: Mapping[str, Any]) -> Any:
    base = value(node.node, record)
    if isinstance(node.arg, nodes.Slice):
        ends = [end and value(end, record) for end in (node.arg.start, node.arg.stop)]
        if nothing(base):
            return base
        if not isinstance(base, str | list):
            raise RejectionError("can't be sliced")
        start, stop = (None if nothing(end) else values.whole(end) for end in ends)
        return base[start:stop]
    key = value(node.arg, record)
    if nothing(base) or nothing(key):
        return ABSENT
    if isinstance(key, str):
        return values.step(base, key)
    if not isinstance(base, str | list):
        raise RejectionError("has no items")
    return base[values.whole(key)] if -len(base) <= key < len(base) else ABSENT


def items(node: nodes.List, record: Mapping[str, Any]) -> Any:
    return [item for item in (value(item, record) for item in node.items) if item is not ABSENT]


def passed_on(*operands: Any) -> Any:
    """Absent if one is absent, else null if one is null; else False for "go on"."""
    if any(operand is ABSENT for operand in operands):
        return ABSENT
    return None if any(operand is None for operand in operands) else False


def arithmetic(work: Callable[[Any, Any], Any]) -> Callable[[Any, Mapping[str, Any]], Any]:
    def apply(node: Any, record: Mapping[str, Any]) -> Any:
        left, right = value(node.left, record), value(node.right, record)
        unknown = passed_on(left, right)
        if unknown is not False:
            for operand in (left, right):
                if not nothing(operand):
                    quantity(operand)
            return unknown
        if isinstance(left, Fraction) or isinstance(right, Fraction):
            left, right = Fraction(quantity(left)), Fraction(quantity(right))
        with localcontext(prec=500):
            return guarded(work(quantity(left), quantity(right)))

    return apply


def negate(node: nodes.Neg, record: Mapping[str, Any]) -> Any:
    operand = value(node.node, record)
    if nothing(operand):
        return operand
    with localcontext(prec=500):
        return guarded(-quantity(operand) if operand else quantity(operand))


def join_texts(node: nodes.Concat, record: Mapping[str, Any]) -> Any:
    return joined([value(part, record) for part in node.nodes])


def joined(parts: list[Any]) -> Any:
    unknown = passed_on(*parts)
    return "".join(as_text(part) for part in parts) if unknown is False else unknown


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": equal,
    "ne": lambda a, b: not equal(a, b),
    "lt": less,
    "gt": lambda a, b: less(b, a),
    "lteq": lambda a, b: not (nothing(a) or nothing(b)) and not less(b, a),
    "gteq": lambda a, b: not (nothing(a) or nothing(b)) and not less(a, b),
    "in": contained,
    "notin": lambda a, b: not contained(a, b),
}


def compare(node: nodes.Compare, record: Mapping[str, Any]) -> Any:
    left = value(node.expr, record)
    (operand,) = node.ops
    return COMPARE[operand.op](left, value(operand.expr, record))


def condition(found: Any) -> bool:
    if nothing(found):
        return False
    if not isinstance(found, bool):
        raise RejectionError(f"{found!r} is no condition")
    return found


def both(node: nodes.And, record: Mapping[str, Any]) -> Any:
    return condition(value(node.left, record)) and condition(value(node.right, record))


def either(node: nodes.Or, record: Mapping[str, Any]) -> Any:
    return condition(value(node.left, record)) or condition(value(node.right, record))


def opposite(node: nodes.Not, record: Mapping[str, Any]) -> Any:
    return not condition(value(node.node, record))


def choice(node: nodes.CondExpr, record: Mapping[str, Any]) -> Any:
    if condition(value(node.test, record)):
        return value(node.expr1, record)
    return ABSENT if node.expr2 is None else value(node.expr2, record)


def test(node: nodes.Test, record: Mapping[str, Any]) -> Any:
    found = value(node.node, record)
    answers = {"present": not nothing(found), "empty": nothing(found) or found in ("", [])}
    return answers[node.name]


def divided(left: Any, right: Any) -> Fraction:
    if right == 0:
        raise RejectionError("division by zero")
    return Fraction(left) / Fraction(right)


def apply_filter(node: nodes.Filter, record: Mapping[str, Any]) -> Any:
    assert node.node is not None
    found = value(node.node, record)
    if node.name == "or_else" and not (nothing(found) or found in ("", [])):
        return found  # the other one is evaluated only then
    given = [value(argument, record) for argument in node.args]
    named = {pair.key: value(pair.value, record) for pair in node.kwargs}
    if node.name in SELECTORS:
        conditions = dict(zip(given[::2], given[1::2], strict=True)) | named
        return SELECTORS[node.name](found, conditions)
    if node.name in SEE_NOTHING:
        return FILTERS[node.name](found, *given, **named)
    if nothing(found):
        return found
    if null_argument(node, record):
        return None
    return FILTERS[node.name](found, *given, **named)


def null_argument(node: nodes.Filter, record: Mapping[str, Any]) -> bool:
    """Whether an argument is null; a written one leaves out what is null by default."""
    arguments = [*node.args, *(pair.value for pair in node.kwargs)]
    written = [arg for arg in arguments if isinstance(arg, nodes.Name) and arg.name == "null"]
    if written and node.name not in MAY_BE_LEFT_OUT:
        raise RejectionError("an argument is missing")
    return any(nothing(value(arg, record)) for arg in arguments if arg not in written)


WALK: dict[type[nodes.Node], Callable[[Any, Mapping[str, Any]], Any]] = {
    nodes.Const: const,
    nodes.TemplateData: lambda node, _record: node.data,
    nodes.Name: name,
    nodes.Getattr: step,
    nodes.Getitem: subscript,
    nodes.List: items,
    nodes.Add: arithmetic(lambda a, b: a + b),
    nodes.Sub: arithmetic(lambda a, b: a - b),
    nodes.Mul: arithmetic(lambda a, b: a * b),
    nodes.Div: arithmetic(divided),
    nodes.Neg: negate,
    nodes.Concat: join_texts,
    nodes.Compare: compare,
    nodes.And: both,
    nodes.Or: either,
    nodes.Not: opposite,
    nodes.CondExpr: choice,
    nodes.Test: test,
    nodes.Filter: apply_filter,
}
