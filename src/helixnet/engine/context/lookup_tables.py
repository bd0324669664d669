"""``lookups``: tables that translate codes, inline or from a CSV or Excel file of the bundle."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import boolean, choice, data, integer, text, texts
from helixnet.engine.context.model import Const, Field, Key, Lookup, Source
from helixnet.engine.context.names import find
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.source_reader import table_source
from helixnet.engine.context.table_rows import Table, TableSpec, read_table
from helixnet.engine.context.yaml_nodes import Node, Pairs, Scalar, kind

MISSING: Final = ("reject", "null", "keep")
_INLINE: Final = frozenset({"inline", "missing"})
_EXCEL: Final = (".xlsx", ".xlsm")
_MAX_HEADER_ROW: Final = 1_000


def read_lookups(node: Node, files: Mapping[str, bytes], problems: Problems) -> dict[str, Lookup]:
    """Read every table; one that can't be used is empty and a problem says why."""
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", f"`lookups` is a mapping, not {kind(node)}")
        return {}
    return {key.text: _lookup(key, value, files, problems) for key, value in node.pairs}


def _lookup(key: Scalar, node: Node, files: Mapping[str, bytes], problems: Problems) -> Lookup:
    keys = section(node, problems, "lookup", name=f"lookups.{key.text}") or {}
    empty = Lookup(key.text, 1, {}, _missing(keys.get("missing"), problems), key.mark)
    if ("inline" in keys) == ("file" in keys):
        message = f"`lookups.{key.text}` takes one of `inline` and `file`"
        problems.add(node.mark, "HX-4005", message)
        return empty
    if "inline" in keys:
        return _inline(empty, keys, problems)
    return _from_file(empty, keys, files, problems)


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


def _inline(empty: Lookup, keys: Mapping[str, Node], problems: Problems) -> Lookup:
    for name in keys.keys() - _INLINE:
        problems.add(keys[name].mark, "HX-4004", f"`{name}` goes with `file`, not `inline`")
    table = keys["inline"]
    if not isinstance(table, Pairs):
        problems.add(table.mark, "HX-4004", f"`inline` is a mapping, not {kind(table)}")
        return empty
    rows: dict[Key, object] = {key.text: data(value, problems) for key, value in table.pairs}
    lines = tuple(key.mark.line for key, _ in table.pairs)
    return replace(empty, rows=rows, file=empty.mark.file, lines=lines)


def _from_file(
    empty: Lookup, keys: Mapping[str, Node], files: Mapping[str, bytes], problems: Problems
) -> Lookup:
    node, found = keys["file"], None
    name = text(node, problems, "file")
    if name:
        found = find(name, node.mark, files, problems)
    spec = _spec(keys, found or "", problems)
    _check_missing(empty, keys, problems)
    if spec is None:
        return empty
    table = read_table(spec, files[found], problems) if found else Table({})
    fields = spec.source.fields or {}
    one = None
    if spec.value is not None:
        one = fields.get(spec.value) or Field(spec.value, node.mark)
    return replace(
        empty,
        keys=len(spec.keys),
        rows=table.rows,
        columns=None if one else {n: fields.get(n) or Field(n, node.mark) for n in table.header},
        value=one,
        many=spec.many,
        dated=spec.start is not None,
        nullable=bool(spec.source.nulls),
        file=found or "",
        lines=table.lines,
        spread=table.spread if spec.many else None,
    )


def _spec(keys: Mapping[str, Node], file: str, problems: Problems) -> TableSpec | None:
    """Read how the file is a table; None when its keys or values are not known."""
    node = keys["file"]
    columns = texts(keys["key"], problems, "key") if "key" in keys else []
    value = text(keys["value"], problems, "value") if "value" in keys else None
    whole = bool("row" in keys and boolean(keys["row"], problems, "row"))
    if "key" not in keys:
        hint = "name the table's key column, or a list of them"
        problems.add(node.mark, "HX-4005", "a lookup with `file` needs `key`", hint)
    if ("value" in keys) == whole:
        hint = "`value:` names the column that comes out; `row: true` gives the whole row"
        message = "a lookup with `file` needs one of `value` and `row`"
        problems.add(node.mark, "HX-4005", message, hint)
        return None
    many = choice(keys["rows"], problems, "rows", ("one", "many")) if "rows" in keys else "one"
    source = table_source(keys, node.mark, problems)
    start, end = _valid(keys.get("valid"), source, problems)
    if not columns or (value is None and not whole):
        return None
    excel = file.lower().endswith(_EXCEL)
    _check_options(keys, source, problems, excel=excel)
    if source.delimiter == "auto":
        source = replace(source, delimiter=",")
    return TableSpec(
        file=file,
        mark=node.mark,
        keys=columns,
        value=value,
        many=many == "many",
        start=start,
        end=end,
        source=source,
        excel=excel,
        sheet=text(keys["sheet"], problems, "sheet") if "sheet" in keys else None,
        header_row=_header_row(keys.get("header_row"), problems),
    )


def _header_row(node: Node | None, problems: Problems) -> int:
    if node is None:
        return 1
    return integer(node, problems, "header_row", 1, _MAX_HEADER_ROW) or 1


def _check_options(
    keys: Mapping[str, Node], source: Source, problems: Problems, *, excel: bool
) -> None:
    for name in ("delimiter", "encoding") if excel else ("sheet",):
        if name in keys:
            kinds = "CSV, not Excel" if excel else "Excel, not CSV"
            problems.add(keys[name].mark, "HX-4004", f"`{name}` goes with {kinds}")
    if source.delimiter == "auto":
        hint = 'write one character in double quotes, such as ";" or "\\t"'
        problems.add(keys["delimiter"].mark, "HX-4004", "a table's `delimiter` is written", hint)


def _check_missing(empty: Lookup, keys: Mapping[str, Node], problems: Problems) -> None:
    if empty.missing == "keep" and ("row" in keys or "rows" in keys):
        message = "`missing: keep` goes with one `value`, whose key it keeps"
        hint = "take reject, null or {const: …}"
        problems.add(keys["missing"].mark, "HX-4004", message, hint)


def _valid(node: Node | None, source: Source, problems: Problems) -> tuple[str | None, str | None]:
    """Read which columns say from when and until when a row holds: both are dates."""
    keys = section(node, problems, "valid", required=("from",)) if node is not None else None
    if not keys or "from" not in keys:
        return None, None
    names: list[str | None] = []
    for key in ("from", "to"):
        name = text(keys[key], problems, key) if key in keys else None
        field = (source.fields or {}).get(name or "")
        if field is not None and field.type != "date":
            message = f"`{name}` is of `type: {field.type}`, but `valid` takes dates"
            hint = "declare it as `type: date` with its format"
            problems.add(keys[key].mark, "HX-4105", message, hint)
        names.append(name)
    return names[0], names[1]
