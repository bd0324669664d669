"""``source`` and ``group``: the contract of the incoming file."""

import codecs
from collections.abc import Mapping
from typing import Final

from helixnet.engine.context.field_reader import read_fields
from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import boolean, choice, integer, text, texts
from helixnet.engine.context.locales import LOCALES
from helixnet.engine.context.map_reader import identifier
from helixnet.engine.context.model import Field, Group, Mark, RecordLength, RecordType, Source
from helixnet.engine.context.names import find
from helixnet.engine.context.namespace_reader import check_path, read_namespaces
from helixnet.engine.context.places import COLUMN, NUMBER, RANGE
from helixnet.engine.context.problems import Problems, near
from helixnet.engine.context.record_reader import read_records
from helixnet.engine.context.sheet_reader import read_header, read_range, read_sheet_name
from helixnet.engine.context.stored_reader import check_places, read_record_length
from helixnet.engine.context.structure_reader import read_structure
from helixnet.engine.context.yaml_nodes import Items, Node
from helixnet.engine.formats.fixed.code_pages import know_code_pages

FORMATS: Final = ("csv", "fixed", "json", "ndjson", "idoc", "xml", "x12", "edifact", "excel")
ORDERS: Final = ("consecutive", "keyed")
ROWS: Final = frozenset({"csv", "fixed", "excel"})
UNITS: Final = ("characters", "bytes")
DRIFT: Final = ("allow", "warn", "reject", "fail")
THOUSANDS: Final = (".", ",", "'", " ", "\u2019", "\u00a0", "\u202f")

_EVERY = frozenset({"format", "encoding", "on_drift", "max_record_bytes"})
_TYPED = frozenset({"nulls", "decimal", "thousands", "locale", "fields"})
_ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "csv": _EVERY | _TYPED | {"delimiter", "header", "records", "fill_down"},
    "fixed": _EVERY | _TYPED | {"unit", "records", "fill_down", "record_length"},
    "ndjson": _EVERY | _TYPED,
    "json": _EVERY | _TYPED | {"record"},
    "idoc": _EVERY | {"type", "grammar"},
    "xml": _EVERY | {"record", "namespaces"},
    "x12": _EVERY | {"type", "grammar", "structure"},
    "edifact": _EVERY | {"type", "grammar", "structure"},
    "excel": (_EVERY | _TYPED | {"sheet", "header", "range", "fill_down"}) - {"encoding"},
}

_NOT_TEXT = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})


def read_source(node: Node, files: Mapping[str, bytes], problems: Problems) -> Source | None:
    """Read ``source``; None when not even its format is known."""
    keys = section(node, problems, "source", required=("format",))
    if keys is None or "format" not in keys:
        return None
    kind = choice(keys["format"], problems, "format", FORMATS)
    if kind is None:
        return None
    for key in [key for key in keys if key not in _ALLOWED[kind]]:
        owners = ", ".join(one for one in FORMATS if key in _ALLOWED[one])
        message = f"`{key}` does not go with `format: {kind}`"
        problems.add(keys.pop(key).mark, "HX-4004", message, f"it belongs to: {owners}")
    reader = _SourceReader(keys, files, problems)
    return reader.read(kind, node.mark)


def table_source(keys: Mapping[str, Node], mark: Mark, problems: Problems) -> Source:
    """Return how the cells of a lookup table are read: the same keys mean the same as in a source.

    Args:
        keys: of the table; those that are no key of a CSV source are left alone.
        mark: of the table.
        problems: takes what is wrong.
    """
    known = {name: node for name, node in keys.items() if name in _ALLOWED["csv"]}
    return _SourceReader(known, {}, problems).read("csv", mark)


class _SourceReader:
    """Reads the single keys; a wrong one keeps its default, so that the rest is read too."""

    def __init__(
        self, keys: Mapping[str, Node], files: Mapping[str, bytes], problems: Problems
    ) -> None:
        self._keys = keys
        self._files = files
        self._problems = problems

    def read(self, kind: str, mark: Mark) -> Source:
        decimal, thousands = self._separators()
        header, header_row = self._header(kind)
        declared = self._keys.get("namespaces")
        namespaces = read_namespaces(declared, self._problems) if declared else None
        places = RANGE if kind == "fixed" else COLUMN if header else NUMBER
        fields, records = self._fields(kind), self._records(places)
        self._one_of(kind, mark)
        length = self._record_length()
        if kind == "fixed":
            check_places(fields, records, length, self._problems)
        return Source(
            format=kind,
            mark=mark,
            encoding=self._encoding(kind),
            delimiter=self._delimiter(),
            header=header,
            nulls=self._nulls(),
            decimal=decimal,
            thousands=thousands,
            on_drift=self._drift(),
            fields=fields,
            type=self._type(kind, mark),
            grammar=self._grammar(),
            record=self._record(kind, namespaces),
            max_record_bytes=self._limit(),
            unit=self._unit(),
            records=records,
            fill_down=self._fill_down(fields),
            record_length=length,
            namespaces=namespaces,
            structure=self._structure(),
            sheet=read_sheet_name(self._keys, self._problems),
            header_row=header_row,
            cells=read_range(self._keys, self._problems),
        )

    def _record(self, kind: str, namespaces: Mapping[str, str] | None) -> str | None:
        node = self._keys.get("record")
        path = text(node, self._problems, "record") if node else None
        if kind == "xml" and node is not None and path is not None:
            check_path(path, node, namespaces, self._problems)
        return path

    def _record_length(self) -> RecordLength | None:
        """Read how long records are, and see that nothing speaks of lines of text then."""
        node = self._keys.get("record_length")
        if node is None:
            return None
        length, several = read_record_length(node, self._problems), self._keys.get("encoding")
        if isinstance(several, Items) and len(several.items) > 1:
            hint = "name one: which one is right can't be told from records that are no text"
            message = "`encoding` is one of several, with `record_length`"
            self._problems.add(several.mark, "HX-4004", message, hint)
        if (unit := self._keys.get("unit")) is not None and self._unit() != "bytes":
            hint = "places in records of bytes count bytes: leave it out"
            self._problems.add(unit.mark, "HX-4004", "`unit` goes with lines", hint)
        if length is not None and length.prefix == "bdw":
            for key in ("records", "fill_down"):
                if key in self._keys:
                    blocked(self._keys[key].mark, key, self._problems)
        return length

    def _fields(self, kind: str) -> dict[str, Field] | None:
        node = self._keys.get("fields")
        untyped = "string" if kind in ROWS else "any"
        place = RANGE if kind == "fixed" else ""
        return read_fields(node, self._problems, untyped, place=place) if node else None

    def _records(self, places: str) -> dict[str, RecordType] | None:
        node = self._keys.get("records")
        return read_records(node, places, self._problems) if node else None

    def _one_of(self, kind: str, mark: Mark) -> None:
        """Lines are of one kind, with `fields`, or of several, with `records`."""
        keys = self._keys
        if kind == "fixed" and "fields" not in keys and "records" not in keys:
            hint = "say where the fields stand"
            self._problems.add(mark, "HX-4005", "`source` lacks `fields`, or `records`", hint)
        for other in ("fields", "fill_down"):
            if "records" in keys and other in keys:
                message = f"`records` and `{other}` exclude each other"
                hint = "each record type has its own `fields`"
                self._problems.add(keys[other].mark, "HX-4004", message, hint)

    def _unit(self) -> str:
        node = self._keys.get("unit")
        return (choice(node, self._problems, "unit", UNITS) if node else None) or UNITS[0]

    def _fill_down(self, fields: Mapping[str, Field] | None) -> list[str]:
        node = self._keys.get("fill_down")
        if node is None:
            return []
        names = list(dict.fromkeys(texts(node, self._problems, "fill_down")))
        known_fields(names, node, fields, self._problems)
        return names

    def _encoding(self, kind: str) -> list[str]:
        node = self._keys.get("encoding")
        if node is None:
            return [] if kind == "edifact" else ["utf-8"]  # its interchange names the character set
        read = [self._codec(name, node) for name in texts(node, self._problems, "encoding")]
        return [name for name in read if name] or ["utf-8"]

    def _codec(self, name: str, node: Node) -> str | None:
        codec = text_codec(name)
        if codec is not None:
            return codec
        hint = "such as utf-8, cp1252, iso8859-15 or utf-16"
        self._problems.add(node.mark, "HX-4004", f"`{name}` is no text encoding", hint)
        return None

    def _delimiter(self) -> str:
        node = self._keys.get("delimiter")
        value = text(node, self._problems, "delimiter") if node else None
        if node is None or value is None:
            return ","
        if value == "auto" or (len(value) == 1 and value not in '"\r\n\0'):
            return value
        hint = 'write one character in double quotes, such as ";" or "\\t", or auto'
        self._problems.add(node.mark, "HX-4004", f"`delimiter` can't be `{value}`", hint)
        return ","

    def _header(self, kind: str) -> tuple[bool, int]:
        node = self._keys.get("header")
        if node is None:
            return True, 0
        if kind == "excel":
            value, row = read_header(node, self._problems)
        else:
            value, row = boolean(node, self._problems, "header") is not False, 0
        if value is False and not {"fields", "records"} & self._keys.keys():
            hint = "list the columns in order under `fields:`"
            self._problems.add(node.mark, "HX-4005", "`header: false` needs `fields`", hint)
        return value, row

    def _nulls(self) -> list[str]:
        node = self._keys.get("nulls")
        return texts(node, self._problems, "nulls", empty=True) if node else []

    def _separators(self) -> tuple[str, str]:
        decimal, thousands = self._locale()
        point, groups = self._keys.get("decimal"), self._keys.get("thousands")
        if point is not None:
            decimal = choice(point, self._problems, "decimal", (".", ",")) or decimal
        if groups is not None:
            thousands = self._thousands(groups)
        if decimal == thousands:
            mark = (groups or point or self._keys["locale"]).mark
            message = f"`decimal` and `thousands` are both `{decimal}`"
            self._problems.add(mark, "HX-4004", message, "a number could mean two things")
            thousands = ""
        return decimal, thousands

    def _locale(self) -> tuple[str, str]:
        node = self._keys.get("locale")
        name = choice(node, self._problems, "locale", tuple(LOCALES)) if node else None
        return LOCALES[name] if name else (".", "")

    def _thousands(self, node: Node) -> str:
        value = text(node, self._problems, "thousands", empty=True)
        if value is None or value == "" or value in THOUSANDS:
            return value or ""
        hint = "one of . , ' or a space; empty for none"
        self._problems.add(node.mark, "HX-4004", f"`thousands` can't be `{value}`", hint)
        return ""

    def _type(self, kind: str, mark: Mark) -> str | None:
        node = self._keys.get("type")
        if node is not None:
            return text(node, self._problems, "type")
        if kind == "idoc" and "grammar" not in self._keys:
            hint = "add `type:` with the IDoc type, such as ORDERS05"
            self._problems.add(mark, "HX-4005", "`source` lacks `type`", hint)
        return None

    def _grammar(self) -> str | None:
        node = self._keys.get("grammar")
        name = text(node, self._problems, "grammar") if node else None
        if node is None or name is None:
            return None
        return find(name, node.mark, self._files, self._problems)

    def _structure(self) -> dict[str, object] | None:
        node = self._keys.get("structure")
        if node is None:
            return None
        if "grammar" in self._keys:
            message = "`structure` and `grammar` exclude each other"
            self._problems.add(node.mark, "HX-4004", message, "both say what stands under what")
        return read_structure(node, self._problems)

    def _limit(self) -> int:
        node = self._keys.get("max_record_bytes")
        default = 16 * 1024 * 1024
        if node is None:
            return default
        return integer(node, self._problems, "max_record_bytes", 1, 1024**3) or default

    def _drift(self) -> str:
        node = self._keys.get("on_drift")
        return (choice(node, self._problems, "on_drift", DRIFT) if node else None) or "warn"


def blocked(mark: Mark, key: str, problems: Problems) -> None:
    """Say that records in blocks are read one by one."""
    hint = "have the file sent without block lengths (`record_length: rdw`)"
    problems.add(mark, "HX-4004", f"`{key}` does not go with `record_length: bdw`", hint)


def text_codec(name: str) -> str | None:
    """Python's name of a text encoding; None when there is none of that name."""
    know_code_pages()
    try:
        _ = b"x".decode(name)
    except UnicodeDecodeError:
        pass  # an encoding of more than one byte
    except (LookupError, ValueError):
        return None
    codec = codecs.lookup(name).name
    return None if codec in _NOT_TEXT else codec


def read_group(node: Node, source: Source | None, problems: Problems) -> Group | None:
    """Read ``group``; None after a problem that leaves no group."""
    keys = section(node, problems, "group", required=("by",))
    if keys is None or "by" not in keys:
        return None
    if source is not None and (not source.tabular or source.records is not None):
        what = "records" if source.records is not None else f"format: {source.format}"
        message = f"`group` does not go with `{what}`"
        hint = "rows of CSV are grouped; here a record holds its lines as a list: use `each`"
        problems.add(node.mark, "HX-4004", message, hint)
    if source is not None and source.record_length and source.record_length.prefix == "bdw":
        blocked(node.mark, "group", problems)
    keyed = "order" in keys and choice(keys["order"], problems, "order", ORDERS) == "keyed"
    if keyed and source is not None and source.fill_down:
        message = "`order: keyed` does not go with `fill_down`"
        hint = "what is filled from above belongs to the row above: use `order: consecutive`"
        problems.add(keys["order"].mark, "HX-4004", message, hint)
    header, lines = (
        (identifier(keys[key], problems, key) if key in keys else None) or default
        for key, default in (("header", "h"), ("lines", "lines"))
    )
    if header == lines:
        problems.add(node.mark, "HX-4004", f"`header` and `lines` are both `{header}`")
    by = texts(keys["by"], problems, "by")
    same = texts(keys["same"], problems, "same") if "same" in keys else []
    declared = source.fields if source is not None else None
    known_fields(by, keys["by"], declared, problems)
    if "same" in keys:
        known_fields(same, keys["same"], declared, problems)
    return Group(by, header, lines, same, node.mark, keyed=keyed) if by else None


def known_fields(
    names: list[str], node: Node, fields: Mapping[str, Field] | None, problems: Problems
) -> None:
    """A declared source has no other columns, so a wrong name shows before any file comes."""
    if not fields:
        return
    marks = [one.mark for one in node.items] if isinstance(node, Items) else [node.mark]
    for name, mark in zip(names, marks, strict=False):
        if name not in fields:
            hint = near(name, fields)
            problems.add(mark, "HX-4103", f"`{name}` is no field of the source", hint)
