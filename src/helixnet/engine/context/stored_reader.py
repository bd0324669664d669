"""``as`` and ``record_length``: numbers that are no text, and records without line ends."""

from collections.abc import Iterable, Mapping
from typing import Final

from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import boolean, choice, integer
from helixnet.engine.context.model import Field, RecordLength, RecordType
from helixnet.engine.context.places import FARTHEST
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Node, Pairs, Scalar

STORED: Final[Mapping[str, str]] = {
    "packed": "packed",
    "comp-3": "packed",
    "zoned": "zoned",
    "display": "zoned",
    "binary": "binary",
    "comp": "binary",
    "comp-4": "binary",
    "binary-le": "binary-le",
    "comp-5": "binary-le",
}
PREFIXES: Final = ("rdw", "bdw")
ENDS: Final = {"lf": b"\n", "crlf": b"\r\n", "nel": b"\x15"}
_WIDEST: Final = 16  # bytes of a binary number
_LONGEST: Final = 20  # bytes of a packed number: 39 digits
_TYPES: Final = ("integer", "decimal", "date")


def read_stored(keys: Mapping[str, Node], problems: Problems) -> tuple[str, bool]:
    """Read ``as`` and ``signed`` of a field; an empty text means that it is text."""
    node, sign = keys.get("as"), keys.get("signed")
    named = choice(node, problems, "as", tuple(STORED)) if node else None
    signed = boolean(sign, problems, "signed") if sign else None
    if sign is not None and node is None:
        problems.add(sign.mark, "HX-4004", "`signed` needs `as`", "a text has its sign written")
    return STORED[named] if named else "", signed is not False


def stored_type(keys: Mapping[str, Node]) -> str:
    """Return the type of a stored number that declares none."""
    return "decimal" if "scale" in keys else "integer"


def check_stored_type(keys: Mapping[str, Node], type_: str, problems: Problems) -> None:
    """Say that a stored number can't be of a type."""
    if "as" in keys and type_ not in _TYPES:
        message = f"`as` does not go with `type: {type_}`"
        problems.add(keys["as"].mark, "HX-4004", message, f"it belongs to: {', '.join(_TYPES)}")


def read_record_length(node: Node, problems: Problems) -> RecordLength | None:
    """Read ``record_length``: bytes, the name of a prefix, or a mapping that says more."""
    if isinstance(node, Scalar):
        if node.text in PREFIXES:
            return RecordLength(prefix=node.text)
        size = integer(node, problems, "record_length", 1, FARTHEST)
        return RecordLength(size) if size else None
    if not isinstance(node, Pairs):
        hint = "such as 80, rdw or {bytes: 80, end: crlf}"
        problems.add(node.mark, "HX-4004", "`record_length` is no list", hint)
        return None
    keys = section(node, problems, "record_length")
    if keys is None:
        return None
    if ("bytes" in keys) == ("prefix" in keys):
        hint = "such as {bytes: 80, end: crlf} or {prefix: rdw, order: little, counts: data}"
        problems.add(node.mark, "HX-4005", "`record_length` has `bytes` or `prefix`", hint)
        return None
    return _sized(keys, problems) if "bytes" in keys else _prefixed(keys, problems)


def _sized(keys: Mapping[str, Node], problems: Problems) -> RecordLength | None:
    _only(keys, ("bytes", "end"), problems)
    size = integer(keys["bytes"], problems, "bytes", 1, FARTHEST)
    end = choice(keys["end"], problems, "end", tuple(ENDS)) if "end" in keys else None
    return RecordLength(size, ENDS[end] if end else b"") if size else None


def _prefixed(keys: Mapping[str, Node], problems: Problems) -> RecordLength | None:
    prefix = choice(keys["prefix"], problems, "prefix", PREFIXES)
    _only(keys, ("prefix",) if prefix == "bdw" else ("prefix", "order", "counts"), problems)
    order = choice(keys["order"], problems, "order", ("big", "little")) if "order" in keys else ""
    counts = choice(keys["counts"], problems, "counts", ("all", "data")) if "counts" in keys else ""
    if prefix is None:
        return None
    return RecordLength(prefix=prefix, little=order == "little", own=counts != "data")


def _only(keys: Mapping[str, Node], known: Iterable[str], problems: Problems) -> None:
    for name in keys.keys() - set(known):
        message = f"`{name}` does not go with these records"
        problems.add(keys[name].mark, "HX-4004", message, f"they have: {', '.join(known)}")


def check_places(
    fields: Mapping[str, Field] | None,
    records: Mapping[str, RecordType] | None,
    length: RecordLength | None,
    problems: Problems,
) -> None:
    """Say which fields can't be where they are declared."""
    of_types = [field for one in (records or {}).values() for field in one.fields.values()]
    for field in (*(fields or {}).values(), *of_types):
        if isinstance(field.at, tuple):
            _check_place(field, *field.at, length, problems)


def _check_place(
    field: Field, start: int, end: int, length: RecordLength | None, problems: Problems
) -> None:
    message = hint = ""
    if field.stored not in ("", "zoned") and length is None:
        message = f"`fields.{field.name}` may hold any byte, also that of a line end"
        hint = "say how long records are: `record_length`"
    elif field.stored.startswith("binary") and end - start > _WIDEST:
        message = f"`fields.{field.name}` has more than {_WIDEST} bytes"
    elif field.stored == "packed" and end - start > _LONGEST:
        message = f"`fields.{field.name}` has more than {_LONGEST} bytes"
    elif length is not None and length.size and end > length.size:
        message = f"`fields.{field.name}` ends behind the record of {length.size} bytes"
    if message:
        problems.add(field.mark, "HX-4004", message, hint or "correct `at`")
