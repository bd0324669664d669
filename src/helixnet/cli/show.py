"""How commands print: a table for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from helixnet.errors import UsageError


def show_json(value: object) -> None:
    """Print a value as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


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
