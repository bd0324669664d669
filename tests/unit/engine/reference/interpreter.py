"""A plain interpreter of expressions, written from the pages of docs/ alone.

It shares nothing with the engine but the documentation: Jinja's own parser, one recursive walk,
slow and obvious. Property tests hold the compiled expressions against it.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from jinja2 import Environment, nodes

TRIMMED = " \t\r\n\v\f\u00a0"
DIGITS = 38


class Nothing:
    """The absent value."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = Nothing()


class RejectionError(Exception):
    """The record would be rejected."""


def evaluate(expression: str, record: Mapping[str, Any]) -> Any:
    """Give the value of an expression for one record; raise Refused where it is a reject."""
    tree = Environment(autoescape=False).parse("{{ " + expression + " }}")  # noqa: S701 - no HTML
    (output,) = tree.body
    assert isinstance(output, nodes.Output)
    return value(output.nodes[0], record)


def value(node: nodes.Node, record: Mapping[str, Any]) -> Any:
    """Evaluate one node."""
    return WALK[type(node)](node, record)


def const(node: nodes.Const, _record: Mapping[str, Any]) -> Any:
    return Decimal(repr(node.value)) if isinstance(node.value, float) else node.value


def name(node: nodes.Name, record: Mapping[str, Any]) -> Any:
    return None if node.name == "null" else record.get(node.name, ABSENT)


def step(node: nodes.Getattr, record: Mapping[str, Any]) -> Any:
    base = value(node.node, record)
    if nothing(base):
        return ABSENT
    if not isinstance(base, dict):
        raise RejectionError(f"{base!r} has no fields")
    return base.get(node.attr, ABSENT)


def items(node: nodes.List, record: Mapping[str, Any]) -> Any:
    return [value(item, record) for item in node.items]


def nothing(found: Any) -> bool:
    return found is None or found is ABSENT


def passed_on(*operands: Any) -> Any:
    """Absent if one is absent, else null if one is null; else False for "go on"."""
    if any(operand is ABSENT for operand in operands):
        return ABSENT
    return None if any(operand is None for operand in operands) else False


def is_number(found: Any) -> bool:
    return isinstance(found, int | Decimal) and not isinstance(found, bool)


def number(found: Any) -> Any:
    if not is_number(found):
        raise RejectionError(f"{found!r} is no number")
    return found


def text(found: Any) -> str:
    if not isinstance(found, str):
        raise RejectionError(f"{found!r} is no text")
    return found


def guarded(result: Any) -> Any:
    """Numbers have at most 38 digits."""
    if isinstance(result, Decimal):
        _, digits, exponent = result.as_tuple()
        assert isinstance(exponent, int)
        if max(len(digits), -exponent) > DIGITS:
            raise RejectionError("more than 38 digits")
        return result
    if len(str(abs(result))) > DIGITS:
        raise RejectionError("more than 38 digits")
    return result


def arithmetic(work: Callable[[Any, Any], Any]) -> Callable[[Any, Mapping[str, Any]], Any]:
    def apply(node: Any, record: Mapping[str, Any]) -> Any:
        left, right = value(node.left, record), value(node.right, record)
        unknown = passed_on(left, right)
        if unknown is not False:
            for operand in (left, right):
                if not nothing(operand):
                    number(operand)
            return unknown
        with localcontext(prec=500):
            return guarded(work(number(left), number(right)))

    return apply


def negate(node: nodes.Neg, record: Mapping[str, Any]) -> Any:
    operand = value(node.node, record)
    if nothing(operand):
        return operand
    with localcontext(prec=500):
        return guarded(-number(operand) if operand else number(operand))


def join_texts(node: nodes.Concat, record: Mapping[str, Any]) -> Any:
    parts = [value(part, record) for part in node.nodes]
    unknown = passed_on(*parts)
    return "".join(as_text(part) for part in parts) if unknown is False else unknown


def as_text(found: Any) -> str:
    """Write a text or number canonically: no exponent, no negative zero."""
    if isinstance(found, str):
        return found
    if isinstance(found, Decimal):
        written = format(found, "f")
        return written.removeprefix("-") if found == 0 else written
    return str(number(found))


def kind(found: Any) -> type:
    return Decimal if is_number(found) else type(found)


def equal(left: Any, right: Any) -> bool:
    if nothing(left) or nothing(right):
        return nothing(left) and nothing(right)
    if kind(left) is not kind(right):
        raise RejectionError("different types")
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    if nothing(left) or nothing(right):
        return False
    if kind(left) is not kind(right) or isinstance(left, bool | list | dict):
        raise RejectionError("no order")
    return bool(left < right)


def contained(item: Any, container: Any) -> bool:
    if nothing(item) or nothing(container):
        return False
    if not isinstance(container, list):
        raise RejectionError("not a list")
    return any(equal(item, other) for other in container if not nothing(other))


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


def rounded(found: Any, places: int, *, even: bool) -> Decimal:
    """Round exactly, through a fraction."""
    scaled = Fraction(number(found)) * 10**places
    whole, rest = divmod(abs(scaled), 1)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and (not even or whole % 2 == 1))
    units = int(whole) + up
    with localcontext(prec=500):
        result = Decimal(-units if scaled < 0 else units).scaleb(-places)
    return guarded(abs(result) if units == 0 else result)


def or_else(found: Any, other: Any) -> Any:
    return other if nothing(found) or found == "" else found


def total(found: Any) -> Any:
    known = [number(item) for item in listed(found) if not nothing(item)]
    with localcontext(prec=500):
        return guarded(sum(known))


def listed(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise RejectionError(f"{found!r} is no list")
    return found


def substring(found: Any, start: Any, length: Any) -> str:
    return text(found)[start : start + length]


def unpad(found: Any) -> str:
    return text(found).lstrip("0") or ("0" if found else "")


def before(found: Any, separator: str) -> Any:
    head, middle, _ = text(found).partition(separator)
    return head if middle else ABSENT


def after(found: Any, separator: str) -> Any:
    _, middle, tail = text(found).partition(separator)
    return tail if middle else ABSENT


def measured(found: Any) -> int:
    if not isinstance(found, str | list):
        raise RejectionError("has no length")
    return len(found)


FILTERS: dict[str, Callable[..., Any]] = {
    "trim": lambda v: text(v).strip(TRIMMED),
    "upper": lambda v: text(v).upper(),
    "lower": lambda v: text(v).lower(),
    "length": measured,
    "substring": substring,
    "replace": lambda v, old, new: text(v).replace(old, new),
    "split": lambda v, separator: text(v).split(separator),
    "before": before,
    "after": after,
    "pad_left": lambda v, width, fill: text(v).rjust(width, fill),
    "pad_right": lambda v, width, fill: text(v).ljust(width, fill),
    "unpad": unpad,
    "round": lambda v, places=0: rounded(v, places, even=False),
    "money": lambda v, places=2: rounded(v, places, even=False),
    "round_even": lambda v, places=0: rounded(v, places, even=True),
    "abs": lambda v: guarded(number(v).copy_abs() if isinstance(v, Decimal) else abs(number(v))),
    "sum": total,
}


def apply_filter(node: nodes.Filter, record: Mapping[str, Any]) -> Any:
    assert node.node is not None
    found = value(node.node, record)
    arguments = [value(argument, record) for argument in node.args]
    if node.name == "or_else":
        return or_else(found, *arguments)
    if nothing(found):
        return found
    return FILTERS[node.name](found, *arguments)


WALK: dict[type[nodes.Node], Callable[[Any, Mapping[str, Any]], Any]] = {
    nodes.Const: const,
    nodes.Name: name,
    nodes.Getattr: step,
    nodes.List: items,
    nodes.Add: arithmetic(lambda a, b: a + b),
    nodes.Sub: arithmetic(lambda a, b: a - b),
    nodes.Mul: arithmetic(lambda a, b: a * b),
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
