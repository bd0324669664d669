"""``lookups``: small tables, inline or from a CSV file of the bundle."""

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from typing import Final

from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import data, text, texts
from helixnet.engine.context.model import Const, Lookup, Mark
from helixnet.engine.context.names import find
from helixnet.engine.context.problems import Problems, near
from helixnet.engine.context.yaml_nodes import Node, Pairs, Scalar, kind

MISSING: Final = ("reject", "null", "keep")

Rows = dict[tuple[str, ...], object]


def read_lookups(node: Node, files: Mapping[str, bytes], problems: Problems) -> dict[str, Lookup]:
    """Read every table; one that can't be used is empty and a problem says why."""
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", f"`lookups` is a mapping, not {kind(node)}")
        return {}
    return {key.text: _lookup(key, value, files, problems) for key, value in node.pairs}


def _lookup(key: Scalar, node: Node, files: Mapping[str, bytes], problems: Problems) -> Lookup:
    keys = section(node, problems, "lookup", name=f"lookups.{key.text}") or {}
    missing = _missing(keys.get("missing"), problems)
    rows: Rows = {}
    count = 1
    if ("inline" in keys) == ("file" in keys):
        message = f"`lookups.{key.text}` takes one of `inline` and `file`"
        problems.add(node.mark, "HX-4005", message)
    elif "inline" in keys:
        rows = _inline(keys, problems)
    else:
        count, rows = _table(keys, files, problems)
    return Lookup(key.text, count, rows, missing, key.mark)


def _missing(node: Node | None, problems: Problems) -> str | Const:
    if isinstance(node, Pairs):
        keys = section(node, problems, "const", required=("const",), name="missing") or {}
        return Const(data(keys["const"], problems), node.mark) if "const" in keys else "reject"
    if node is None:
        return "reject"
    if isinstance(node, Scalar) and node.text in MISSING:
        return node.text
    hint = f"one of {', '.join(MISSING)}, or {{const: …}}"
    problems.add(node.mark, "HX-4004", "`missing` is no policy", hint)
    return "reject"


def _inline(keys: Mapping[str, Node], problems: Problems) -> Rows:
    for name in ("key", "value", "delimiter", "encoding"):
        if name in keys:
            problems.add(keys[name].mark, "HX-4004", f"`{name}` goes with `file`, not `inline`")
    table = keys["inline"]
    if not isinstance(table, Pairs):
        problems.add(table.mark, "HX-4004", f"`inline` is a mapping, not {kind(table)}")
        return {}
    return {(key.text,): data(value, problems) for key, value in table.pairs}


def _table(
    keys: Mapping[str, Node], files: Mapping[str, bytes], problems: Problems
) -> tuple[int, Rows]:
    node = keys["file"]
    key_columns = texts(keys["key"], problems, "key") if "key" in keys else []
    value_column = text(keys["value"], problems, "value") if "value" in keys else None
    for name in ("key", "value"):
        if name not in keys:
            hint = f"name the table's {name} column"
            problems.add(node.mark, "HX-4005", f"a lookup with `file` needs `{name}`", hint)
    name = text(node, problems, "file")
    found = find(name, node.mark, files, problems) if name else None
    if found is None or not key_columns or value_column is None:
        return max(1, len(key_columns)), {}
    content = _decode(files[found], keys.get("encoding"), found, problems)
    delimiter = _delimiter(keys.get("delimiter"), problems)
    if content is None or delimiter is None:
        return len(key_columns), {}
    rows = _CsvTable(content, delimiter, found, problems).rows(key_columns, value_column)
    return len(key_columns), rows


def _delimiter(node: Node | None, problems: Problems) -> str | None:
    value = text(node, problems, "delimiter") if node else ","
    if node is None or value is None or (len(value) == 1 and value not in '"\r\n\0'):
        return value
    hint = 'write one character in double quotes, such as ";" or "\\t"'
    problems.add(node.mark, "HX-4004", f"`delimiter` can't be `{value}`", hint)
    return None


def _decode(content: bytes, node: Node | None, file: str, problems: Problems) -> str | None:
    encoding = text(node, problems, "encoding") if node else "utf-8-sig"
    if encoding is None:
        return None
    if content.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        mark = Mark(file, content.count(b"\n", 0, error.start) + 1, 1)
        hint = "name the right `encoding` of the table"
        problems.add(mark, "HX-4205", f"the table is not {encoding}", hint)
    except (LookupError, ValueError):
        if node is not None:
            problems.add(node.mark, "HX-4004", f"`{encoding}` is no text encoding")
    return None


class _CsvTable:
    """A table file: header, then rows of the same width; a key stands once."""

    def __init__(self, content: str, delimiter: str, file: str, problems: Problems) -> None:
        self._reader = csv.reader(
            io.StringIO(content, newline=""), delimiter=delimiter, strict=True
        )
        self._file = file
        self._problems = problems

    def rows(self, keys: Sequence[str], value: str) -> Rows:
        try:
            header = next(self._reader, None)
            if header is None:
                self._add(1, "the table is empty", f"its first line names {', '.join(keys)}")
                return {}
            places = [self._column(name, header) for name in (*keys, value)]
            found = [place for place in places if place is not None]
            return self._read(found, len(header)) if len(found) == len(places) else {}
        except csv.Error as error:
            self._add(self._reader.line_num, f"the table is not CSV: {error}")
            return {}

    def _column(self, name: str, header: Sequence[str]) -> int | None:
        if header.count(name) == 1:
            return header.index(name)
        if name in header:
            self._add(1, f"column `{name}` stands twice in the table's header")
        else:
            self._add(1, f"the table has no column `{name}`", near(name, header))
        return None

    def _read(self, places: Sequence[int], width: int) -> Rows:
        rows: Rows = {}
        lines: dict[tuple[str, ...], int] = {}
        for row in self._reader:
            line = self._reader.line_num
            if not row:
                continue
            if len(row) != width:
                self._add(line, f"a row of {len(row)} cells under a header of {width}")
                continue
            *key, value = (row[place] for place in places)
            if tuple(key) in rows:
                first = lines[tuple(key)]
                shown = ", ".join(key)
                self._add(line, f"key `{shown}` stands twice, first on line {first}")
                continue
            rows[tuple(key)] = value
            lines[tuple(key)] = line
        return rows

    def _add(self, line: int, message: str, hint: str = "") -> None:
        self._problems.add(Mark(self._file, line, 1), "HX-4205", message, hint)
