"""JSON at the edges, exact: decimals stay decimals, integers have any size, keys are unique.

Numbers are written as RFC 8259 numbers without exponent, ``-0`` as ``0``, and text as UTF-8 with
only the escapes that the RFC demands. What is written here reads back as the same values.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Final

from helixnet.engine.outcome import Fault, Reject
from helixnet.engine.values.numbers import number_text
from helixnet.errors import RejectedError

MAX_EXPONENT: Final = 6144
"""Largest power of ten read, either way: that of IEEE 754 decimal128."""

_MAX_INT_DIGITS: Final = 4000

json_string: Final = encode_basestring
"""Return the JSON text of a string, quotes included."""


def moment_text(value: date) -> str:
    """Return a date, or a datetime with its fraction and zone if it has them, as ISO 8601."""
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def json_text(value: object) -> str:
    """Return the one JSON text of a value made of the engine's types.

    Args:
        value: text, int, Decimal, bool, None, date, datetime, or lists and dicts of these.

    Raises:
        ValueFault: HX-2004 a number that would need more than 6,144 zeros.
        TypeError: the value holds something else, such as a float or ``ABSENT``: a fault of ours.
    """
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise TypeError(f"no JSON text for {type(value).__name__}")
    return writer(value)


def _object_text(value: Mapping[str, object]) -> str:
    return "{" + ",".join([json_string(k) + ":" + json_text(v) for k, v in value.items()]) + "}"


def _list_text(value: list[object]) -> str:
    return "[" + ",".join([json_text(item) for item in value]) + "]"


def _quoted(value: date) -> str:
    return f'"{moment_text(value)}"'


_WRITERS: Final[dict[type, Callable[..., str]]] = {
    str: json_string,
    int: number_text,
    Decimal: number_text,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): {None: "null"}.__getitem__,
    date: _quoted,
    datetime: _quoted,
    dict: _object_text,
    list: _list_text,
    tuple: _list_text,
}


def read_json(data: bytes | str) -> object:
    """Read one JSON text (RFC 8259) exactly: int of any size, Decimal for the rest, unique keys.

    Raises:
        RejectedError: HX-1001 not UTF-8, HX-1005 not JSON (with line and column), HX-1006 a key
            twice, HX-2004 an exponent beyond :data:`MAX_EXPONENT`, HX-6003 nested too deep.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        value = _DECODER.decode(text)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False, default=str).encode()  # meets lone surrogates
    except UnicodeDecodeError as error:
        where = f"byte {error.start}"
        raise RejectedError(f"{where} is not UTF-8", code="HX-1001") from error
    except UnicodeEncodeError as error:
        raise RejectedError("half of a surrogate pair in a text", code="HX-1005") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RejectedError(f"{where}: {error.msg}", code="HX-1005") from error
    except RecursionError as error:
        raise RejectedError("nested too deep", code="HX-6003") from error
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise RejectedError(f"key {json_string(twice)} stands twice in one object", code="HX-1006")
    return found


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = None
    if value is None or not -MAX_EXPONENT <= value.adjusted() <= MAX_EXPONENT:
        raise RejectedError(f"number {text[:40]} is out of range", code="HX-2004")
    return value


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) < _MAX_INT_DIGITS else Decimal(text)


def _constant(text: str) -> object:
    raise RejectedError(f"{text} is no JSON number", code="HX-1005")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_constant,
)


def reject_record(reject: Reject, file: str, encoding: str = "utf-8") -> dict[str, object]:
    """Return a reject as the object that its NDJSON line holds; empty members are left out."""
    return {
        "file": file,
        "record": reject.record,
        "line": reject.line,
        "raw": reject.raw.decode(encoding, "backslashreplace"),
        "errors": [_fault_record(fault) for fault in reject.faults],
    }


def reject_line(reject: Reject, file: str, encoding: str = "utf-8") -> bytes:
    r"""Return a reject as one NDJSON line, UTF-8, with its line end.

    Args:
        reject: what was set aside.
        file: name of the source file, as people know it.
        encoding: of the source file; bytes that it does not know show as ``\xNN``.
    """
    raw = json_string(reject.raw.decode(encoding, "backslashreplace"))
    head = f'"file":{json_string(file)},"record":{reject.record},"line":{reject.line},"raw":{raw}'
    text = f'{{{head},"errors":[{",".join(map(_fault_text, reject.faults))}]}}\n'
    return text.encode(errors="backslashreplace")


def _fault_text(fault: Fault) -> str:
    """Return the JSON text of :func:`_fault_record`, ten times as fast as an encoder finds it."""
    text = f'{{"code":{json_string(fault.code)},"message":{json_string(fault.message)}'
    if (place := fault.source) is not None:
        column = f',"column":{place.column}' if place.column else ""
        segment = f',"segment":{json_string(place.segment)}' if place.segment else ""
        name = f',"field":{json_string(place.field)}' if place.field else ""
        text += f',"source":{{"line":{place.line},"byte":{place.byte}{column}{segment}{name}}}'
    if fault.target is not None:
        text += f',"target":{json_string(fault.target)}'
    if (rule := fault.rule) is not None:
        text += f',"rule":{{"line":{rule.line},"expression":{json_string(rule.expression)}}}'
    if fault.step:
        text += f',"step":{json_string(fault.step)}'
    if fault.value is not None:
        text += f',"value":{json_string(fault.value)}'
    return f'{text},"hint":{json_string(fault.hint)}}}' if fault.hint else text + "}"


def _fault_record(fault: Fault) -> dict[str, object]:
    found: dict[str, object | None] = {"code": fault.code, "message": fault.message}
    if (place := fault.source) is not None:
        found["source"] = {"line": place.line, "byte": place.byte} | _present(
            {"column": place.column, "segment": place.segment, "field": place.field}
        )
    found["target"] = fault.target
    if fault.rule is not None:
        found["rule"] = {"line": fault.rule.line, "expression": fault.rule.expression}
    found |= {"step": fault.step or None, "value": fault.value, "hint": fault.hint or None}
    return {name: member for name, member in found.items() if member is not None}


def _present(members: dict[str, object]) -> dict[str, object]:
    return {name: member for name, member in members.items() if member}
