"""How commands print: a table for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from helixnet.errors import UsageError

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def show_json(value: object) -> None:
    """Print a value as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def show_exact(value: object) -> None:
    """Print a value as indented JSON in which decimals keep every digit."""
    import msgspec

    text = msgspec.json.Encoder(decimal_format="number").encode(value)
    print(msgspec.json.format(text, indent=2).decode())


def show_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print the named columns of ``rows``, aligned, with a head line."""
    cells = [[text(row.get(column)) for column in columns] for row in rows]
    table = [[column.upper() for column in columns], *cells]
    widths = [max(len(line[number]) for line in table) for number in range(len(columns))]
    for line in table:
        pairs = zip(line, widths, strict=True)
        print("  ".join(cell.ljust(width) for cell, width in pairs).rstrip())


def text(value: object) -> str:
    """Write one cell: nothing for None, local time with offset for a UTC time."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(text, cast("list[object]", value)))
    if isinstance(value, str) and value.endswith("Z") and "T" in value:
        try:
            return datetime.fromisoformat(value).astimezone().isoformat(" ", "seconds")
        except ValueError:
            return plain(value)
    return plain(str(value))


def plain(text: str) -> str:
    """Write control characters as escapes: a file's text must not drive a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def pair(text: str) -> tuple[str, str]:
    """Split ``k=v``.

    Raises:
        UsageError: there is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not of the form name=value")
    return name, value


def seconds(age: str) -> int:
    """Read an age such as ``90d``, ``12h`` or ``2w``.

    Raises:
        UsageError: it is none.
    """
    number, unit = age[:-1], age[-1:]
    if unit not in UNITS or not (number.isascii() and number.isdigit()):
        raise UsageError(f"{age!r} is no age", hint="write a number and s, m, h, d or w: 90d")
    return int(number) * UNITS[unit]
