r"""Decodes one JSON text exactly, and finds in it what msgspec takes without a word.

Numbers come as int or Decimal. A key that stands twice shows in the colons: written out again,
the object has fewer than its text, unless one is hidden in the escape ``\u003a``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import (
    MAX_PREC,
    Clamped,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
    Underflow,
)
from typing import Final, cast

import msgspec

MAX_DEPTH: Final = 200
_MAX_EXPONENT: Final = 9_999
_BRACE: Final = ord("{")
_NO_OPENERS: Final = bytes(set(range(256)) - set(b"[{\n"))


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a JSON text is not used; ``offset`` is the character, -1 when it can't be told."""

    code: str
    message: str
    offset: int = -1


class _NumberError(Exception):
    """A number whose plain text would be too long to write."""


def _exact(text: str) -> Decimal:
    number = Decimal(text)
    if ("e" in text or "E" in text) and abs(number.adjusted()) > _MAX_EXPONENT:
        raise _NumberError
    return number


_REFUSALS: Final = (
    msgspec.MsgspecError,
    UnicodeError,
    RecursionError,
    ArithmeticError,
    ValueError,
    _NumberError,
)
_DECODER: Final = msgspec.json.Decoder(float_hook=_exact)
# Raises where _exact would, and sometimes where it would not; never rounds.
_USUAL: Final = Context(
    prec=MAX_PREC,
    Emin=-_MAX_EXPONENT,
    Emax=_MAX_EXPONENT,
    traps=[Clamped, Inexact, InvalidOperation, Overflow, Subnormal, Underflow],
)
_QUICK: Final = msgspec.json.Decoder(float_hook=_USUAL.create_decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def decode_all(texts: Sequence[bytes]) -> tuple[list[object], dict[int, Trouble]]:
    """Decode UTF-8 texts of one JSON object each.

    Returns:
        the values (an empty object where nothing could be read), and the trouble by index.
    """
    at_once = _at_once(texts)
    if at_once is not None:
        return at_once, {}
    values: list[object] = []
    troubles: dict[int, Trouble] = {}
    for index, text in enumerate(texts):
        try:
            values.append(_DECODER.decode(text))
        except _REFUSALS:
            values.append({})
            troubles[index] = _explain(text)
        else:
            if trouble := _examine(text, values[-1]):
                troubles[index] = trouble
    return values, troubles


def decode_lines(data: bytes, spans: Sequence[tuple[int, int]]) -> list[object] | None:
    """Decode UTF-8 lines of one JSON object each, without taking the block apart.

    Args:
        data: the block.
        spans: where its lines begin and end, their line ends included.

    Returns:
        the values; None if anything may be wrong with any of them, or stands between them.
    """
    end = b"}\r\n" if data.endswith(b"\r\n") else b"}\n"
    whole = sum([after - start for start, after in spans]) == len(data)
    if not whole or data.count(b"\n") != len(spans):
        return None
    if not all(data[start] == _BRACE and data.endswith(end, start, e) for start, e in spans):
        return None
    return _decoded(data, len(spans)) if _shallow(data) else None


def _at_once(texts: Sequence[bytes]) -> list[object] | None:
    """Decode all texts in one call; None if anything may be wrong with any of them."""
    texts = [text.strip() for text in texts]
    if not all(text[:1] == b"{" and text[-1:] == b"}" for text in texts):
        return None
    data = b"\n".join(texts)
    if data.count(b"\n") == len(texts) - 1:
        shallow = _shallow(data)
    else:
        shallow = max([text.count(b"[") + text.count(b"{") for text in texts]) <= MAX_DEPTH
    return _decoded(data, len(texts)) if shallow else None


def _decoded(data: bytes, count: int) -> list[object] | None:
    """Decode ``count`` texts that begin and end with braces; None if anything may be wrong.

    Such a text can't be continued by the next, for between the two there is no comma: so as many
    values as texts are one of each.
    """
    if b"\\u003" in data:
        return None
    try:
        values = _QUICK.decode_lines(data)
    except _REFUSALS:
        return None
    written = _ENCODER.encode_lines(values)
    good = (
        len(values) == count
        and written.count(b":") == data.count(b":")
        and b"0E-" not in written  # a zero with an exponent, of any size
    )
    return values if good else None


def _shallow(data: bytes) -> bool:
    """Tell whether no line has more openers than levels are allowed."""
    openers = data.translate(None, _NO_OPENERS).split(b"\n")
    return max(map(len, openers)) <= MAX_DEPTH


def _examine(text: bytes, value: object) -> Trouble | None:
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        return Trouble("HX-6003", f"nested deeper than {MAX_DEPTH} levels")
    if b"\\u003" in text or _ENCODER.encode(value).count(b":") != text.count(b":"):
        doubled = _doubled_key(text)
        if doubled is not None:
            return Trouble("HX-1006", f"the key {doubled!r} stands twice in one object")
    if not isinstance(value, dict):
        kind = "an array" if isinstance(value, list) else "a single value"
        return Trouble("HX-1007", f"the record is {kind}, not an object")
    return None


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level := [item for node in level for item in _children(node)]:
        depth += 1
    return depth


def _children(node: object) -> Sequence[object]:
    if isinstance(node, dict):
        return list(cast("dict[str, object]", node).values()) or [None]
    if isinstance(node, list):
        return cast("list[object]", node) or [None]
    return ()


def _doubled_key(text: bytes) -> str | None:
    found: list[str] = []

    def pairs(items: list[tuple[str, object]]) -> None:
        keys = [key for key, _ in items]
        if len(set(keys)) < len(keys):
            found.append(next(key for key in keys if keys.count(key) > 1))

    json.loads(text, object_pairs_hook=pairs, parse_int=str, parse_float=str)
    return found[0] if found else None


def _explain(text: bytes) -> Trouble:
    """Say why msgspec refused ``text``; the json module knows the place."""
    try:
        string = text.decode("utf-8")
        json.loads(string, parse_int=str, parse_float=str, parse_constant=_constant)
        _DECODER.decode(text)
    except UnicodeDecodeError as error:
        return Trouble("HX-1001", "the bytes do not decode as utf-8", error.start)
    except json.JSONDecodeError as error:
        return Trouble("HX-1005", f"not JSON: {error.msg}", error.pos)
    except RecursionError:
        return Trouble("HX-6003", f"nested deeper than {MAX_DEPTH} levels")
    except (_NumberError, msgspec.ValidationError, ArithmeticError):
        return Trouble("HX-1005", "a number is too long, or its exponent too large")
    except (ValueError, msgspec.DecodeError) as error:
        detail = error.args[0] if "constant" in str(error) else "a lone surrogate in a text"
        return Trouble("HX-1005", f"not JSON: {detail}")
    return Trouble("HX-1005", "not JSON")


def _constant(name: str) -> object:
    message = f"the constant {name} is not JSON"
    raise ValueError(message)
