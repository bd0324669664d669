"""Filters on values of any kind, and the tests that see null and absent."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from helixnet.engine.context.model import Const, Lookup
from helixnet.engine.mapping.filters.spec import Example, FilterSpec, Param, TestSpec
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.output import json_text
from helixnet.engine.values.absent import ABSENT, Absent
from helixnet.engine.values.compare import is_nothing
from helixnet.engine.values.convert import as_text
from helixnet.engine.values.faults import ValueFault, shown

ANY: Final = frozenset({Kind.ANY})
TEXT: Final = frozenset({Kind.TEXT})
KEYS: Final = frozenset({Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.DATETIME})


def is_present(value: object) -> bool:
    """Tell whether there is a value: neither absent nor null."""
    return not is_nothing(value)


def is_empty(value: object) -> bool:
    """Tell whether there is nothing in it: absent, null, the empty text or the empty list."""
    return is_nothing(value) or value in ("", [])


def or_else(value: Any, other: Any) -> Any:
    """Take the other value where there is nothing; the compiler evaluates it only then."""
    return other if is_empty(value) else value


def look_up(value: Any, table: Lookup, *keys: Any) -> Any:
    """Translate by a table; the compiler passes the table in place of its name.

    Raises:
        ValueFault: HX-2002 if the key is missing and the table's policy is ``reject``.
    """
    if not any(map(is_nothing, keys)):
        found = table.rows.get((as_text(value), *map(as_text, keys)), ABSENT)
        if found is not ABSENT:
            return found
    if isinstance(table.missing, Const):
        return table.missing.value
    if table.missing == "keep":
        return value
    if table.missing == "null":
        return None
    text = ", ".join(map(shown, (value, *keys)))
    raise ValueFault("HX-2002", f"{text} is not in the table {table.name}", value)


def tojson(value: Any) -> str | Absent:
    """Write as JSON, exactly."""
    return ABSENT if value is ABSENT else json_text(value)


def _or_else_kind(value: Kind, _literals: Mapping[str, object]) -> Kind:
    return value


SPECS: Final[Sequence[FilterSpec]] = (
    FilterSpec(
        "or_else",
        or_else,
        ANY,
        _or_else_kind,
        "Takes another value where there is none: for absent, null, the empty text and the empty "
        "list; 0 and false are values. The other one is evaluated only then.",
        params=(Param("other", ANY, "what to take"),),
        passes_null=False,
        nulls="Null and absent are replaced.",
        examples=(
            Example(None, ("EUR",), "EUR"),
            Example("", ("EUR",), "EUR"),
            Example(0, (1,), 0),
        ),
    ),
    FilterSpec(
        "lookup",
        look_up,
        KEYS,
        Kind.ANY,
        'Translates by a table of `lookups`: `UOM | lookup("uom")`, with further keys in the '
        'order of the table\'s `key`: `UOM | lookup("uom", PLANT)`. Keys compare as text. What is '
        "not in the table follows its `missing`: reject (HX-2002), null, keep, or a constant.",
        params=(Param("table", TEXT, "name of the table", constant=True),),
        more=KEYS,
        nulls="Null and absent pass on; a further key that is null or absent is missing.",
    ),
    FilterSpec(
        "tojson",
        tojson,
        ANY,
        Kind.TEXT,
        "Writes a value as JSON: decimals exactly, dates as ISO 8601 texts, no character escaped "
        "that need not be.",
        passes_null=False,
        nulls="Null gives the text `null`; absent stays absent.",
        examples=(
            Example({"a": [1, True, None]}, (), '{"a":[1,true,null]}'),
            Example("<é>", (), '"<é>"'),
        ),
    ),
)

TEST_SPECS: Final[Sequence[TestSpec]] = (
    TestSpec(
        "present",
        is_present,
        "There is a value: neither absent nor null. The empty text is a value.",
        examples=(
            Example("", result=True),
            Example(None, result=False),
            Example(ABSENT, result=False),
        ),
    ),
    TestSpec(
        "empty",
        is_empty,
        "There is nothing in it: absent, null, the empty text or the empty list.",
        examples=(
            Example("", result=True),
            Example([], result=True),
            Example(ABSENT, result=True),
            Example(0, result=False),
            Example(" ", result=False),
        ),
    ),
)
