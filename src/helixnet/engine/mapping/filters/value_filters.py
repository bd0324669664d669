"""Filters on values of any kind, and the tests that see null and absent."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, cast

from helixnet.engine.context.model import Const, Key, Lookup, TableRow
from helixnet.engine.mapping.filters.spec import Example, FilterSpec, Param, TestSpec
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.output import json_text
from helixnet.engine.values.absent import ABSENT, Absent
from helixnet.engine.values.compare import is_nothing, type_name
from helixnet.engine.values.convert import as_text
from helixnet.engine.values.faults import ValueFault, shown

ANY: Final = frozenset({Kind.ANY})
TEXT: Final = frozenset({Kind.TEXT})
DATES: Final = frozenset({Kind.DATE})
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
        found = table.rows.get(key_of(value, *keys), ABSENT)
        if found is not ABSENT:
            return found
    return _missed(value, table, keys)


def look_up_on(value: Any, table: Lookup, day: Any, *keys: Any) -> Any:
    """Translate by a table whose rows hold for a time.

    Raises:
        ValueFault: HX-2002 as :func:`look_up`, also when no row of the key holds on the day;
            HX-2005 the day is no date.
    """
    rows = rows_on(value, table, day, *keys)
    if rows:
        return [row.value for row in rows] if table.many else rows[0].value
    return _missed(value, table, (*keys, day))


def rows_on(value: Any, table: Lookup, day: Any, *keys: Any) -> list[TableRow]:
    """Return the rows of a key that hold on a day: one, unless the table has many a key.

    Raises:
        ValueFault: HX-2005 the day is no date.
    """
    if any(map(is_nothing, (*keys, day))):
        return []
    if type_name(day) != "date":
        text = f"a table is read on a date, not on {type_name(day)} {shown(day)}"
        raise ValueFault("HX-2005", text, day, "convert it with the filter date")
    rows = cast("Sequence[TableRow]", table.rows.get(key_of(value, *keys), ()))
    if table.many:
        return [row for row in rows if row.holds(day)]
    at = bisect_right(rows, day, key=lambda row: row.start or date.min) - 1
    return [rows[at]] if at >= 0 and rows[at].holds(day) else []


def table_lines(table: Lookup, keys: Sequence[Any]) -> Sequence[int]:
    """Return the lines of the rows that keys (and last the day, where rows have days) lead to."""
    if table.dated:
        *parts, day = keys
        return [row.line for row in rows_on(parts[0], table, day, *parts[1:])]
    if any(map(is_nothing, keys)):
        return ()
    key = key_of(*keys)
    if key not in table.rows:
        return ()
    if table.spread is not None:
        return table.spread[key]
    at = list(table.rows).index(key)
    return table.lines[at : at + 1]


def key_of(value: Any, *keys: Any) -> Key:
    """Return the key of a table: keys compare as text."""
    return (as_text(value), *map(as_text, keys)) if keys else as_text(value)


def _missed(value: Any, table: Lookup, keys: Sequence[Any]) -> Any:
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
        "not in the table follows its `missing`: reject (HX-2002), null, keep, or a constant. A "
        "table with `row: true` gives the row as an object, one with `rows: many` a list; one with "
        '`valid` is read for a day: `SKU | lookup("price", on=PO_DATE)`.',
        params=(
            Param("table", TEXT, "name of the table", constant=True),
            Param("on", DATES, "day on which the row must hold", default=None, keyword=True),
        ),
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
