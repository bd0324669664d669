"""Tables of text: CSV by its delimiter, fixed-width lines by their blank columns."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from helixnet.engine.formats.csv.dialect import dialect_of
from helixnet.engine.formats.csv.index import sniff
from helixnet.engine.formats.encoding import codec_of
from helixnet.engine.sniffing.found import CERTAIN, GUESSED, LIKELY, Found, Text, Yaml
from helixnet.engine.sniffing.values import Columns, type_columns

_MOST_ROWS: Final = 5_000
_EVEN: Final = 0.9  # of the rows, that have as many cells as most
_MOST: Final = 0.6  # of them, where the first is such a row
_NAME: Final = re.compile(r"[^\W\d][^\n]{0,63}")
_LINES: Final = 3  # of one length, that are fixed-width
_SHORTEST: Final = 8
_MOST_FIELDS: Final = 200


def csv_table(text: Text) -> Found | None:
    """Return the file as CSV; None if no delimiter cuts its lines evenly."""
    if not text.text.strip():
        return None
    data = text.text.encode("utf-8", "surrogatepass")
    delimiter = sniff(data, codec_of("utf-8"))
    rows = _rows(text, delimiter)
    widths = Counter(map(len, rows))
    width, count = widths.most_common(1)[0] if rows else (0, 0)
    ragged = count < _EVEN * len(rows)
    if width < 2 or (ragged and (count < _MOST * len(rows) or len(rows[0]) != width)):  # noqa: PLR2004 - one column is no table
        return None
    whole = [row for row in rows if len(row) == width]
    header, why = _header(whole)
    sure = CERTAIN if count == len(rows) > _LINES else LIKELY
    found = Found("csv", GUESSED if ragged or len(rows) == 1 else sure, rows=len(rows))
    found.source["encoding"] = _encoding(text)
    found.source["delimiter"] = delimiter
    if not header:
        found.source["header"] = False
    names = whole[0] if header else [f"C{n}" for n in range(1, width + 1)]
    found.facts |= {"delimiter": _shown(delimiter), "header": why, "columns": str(width)}
    found.facts["quotes"] = "some cells" if '"' in text.text else "none"
    if len(rows) - count:
        found.open.append(f"{len(rows) - count} rows have another number of cells than {width}")
    describe(found, names, whole[1:] if header else whole)
    return found


def _rows(text: Text, delimiter: str) -> list[list[str]]:
    data = text.text.encode("utf-8", "surrogatepass")
    newline = "\n" if "\n" in text.text or "\r" not in text.text else "\r"
    dialect = dialect_of(delimiter, newline, "utf-8")
    end = len(data) if text.whole else dialect.whole(data)
    spans = dialect.spans(data[:end])
    ends = [stop for (_, stop), _ in zip(spans, range(_MOST_ROWS), strict=False)]
    return dialect.rows(data[: ends[-1]]).cells if ends else []


def _header(rows: Sequence[Sequence[str]]) -> tuple[bool, str]:
    """Tell whether the first row names the columns, and why."""
    first, rest = rows[0], rows[1:]
    if len(set(first)) < len(first) or not all(map(_NAME.fullmatch, first)):
        return False, "no: the first row has no distinct names"
    if not rest:
        return True, "yes, a guess: there is no other row"
    typed = type_columns({str(n): [row[n] for row in rest] for n in range(len(first))}).fields
    if any(typed.values()):
        return True, "yes: columns hold numbers or dates, the first row does not"
    again = sum(first[n] in {row[n] for row in rest} for n in range(len(first)))
    return again == 0, "yes, a guess: its texts stand nowhere else" if not again else "no: a guess"


def describe(found: Found, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Note names and types of the columns of some rows."""
    columns: dict[str, list[str]] = {}
    for number, name in enumerate(names):
        columns.setdefault(name, [row[number] for row in rows])
    told = type_columns(columns)
    _note(found, told)
    found.source["fields"] = {name: dict(told.fields[name]) for name in columns}


def _note(found: Found, told: Columns) -> None:
    """Take what holds for all columns."""
    if told.decimal != ".":
        found.source["decimal"] = told.decimal
    if told.thousands:
        found.source["thousands"] = told.thousands
    if told.nulls:
        found.source["nulls"] = list(told.nulls)
    found.open += told.open


def _encoding(text: Text) -> Yaml:
    return text.encodings[0] if len(text.encodings) == 1 else list(text.encodings)


def _shown(delimiter: str) -> str:
    return {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}.get(delimiter, delimiter)


def fixed_table(text: Text) -> Found | None:
    """Return the file as fixed-width lines; None if its lines have several lengths."""
    lines = text.lines()[:_MOST_ROWS]
    sizes = Counter(map(len, lines))
    size, count = sizes.most_common(1)[0] if lines else (0, 0)
    if len(lines) < _LINES or size < _SHORTEST or count < _EVEN * len(lines):
        return None
    whole = [line for line in lines if len(line) == size]
    found = Found("fixed", LIKELY if count == len(lines) else GUESSED, rows=len(lines))
    found.source["encoding"] = _encoding(text)
    places = cut_places(whole, size)
    columns = {
        f"F{n}": [line[start:end].strip(" ") for line in whole]
        for n, (start, end) in enumerate(places, 1)
    }
    told = type_columns(columns)
    _note(found, told)
    found.source["fields"] = placed(places, told.fields)
    found.facts |= {"line": f"{size} characters", "fields": str(len(places))}
    found.open.append("names of the fields, and fields with no blank between them")
    first = Counter(line[:1] for line in whole)
    if 1 < len(first) <= 6 and not any(char.isdecimal() for char in first):  # noqa: PLR2004 - few types
        kinds = " ".join(sorted(first))
        found.open.append(f"whether the first character ({kinds}) tells types of `records`")
    return found


def cut_places(lines: Sequence[str], size: int) -> list[tuple[int, int]]:
    """Return where fields stand: between columns in which all lines are blank."""
    used = [any(line[place] != " " for line in lines) for place in range(size)]
    starts = [n for n in range(size) if used[n] and (n == 0 or not used[n - 1])]
    if not starts or len(starts) > _MOST_FIELDS:
        return [(0, size)]
    starts[0] = 0
    return list(zip(starts, [*starts[1:], size], strict=True))


def placed(
    places: Sequence[tuple[int, int]], fields: Mapping[str, Mapping[str, Yaml]]
) -> dict[str, Yaml]:
    """Return fields with their places."""
    return {
        name: {"at": f"{start}:{end}", **field}
        for (start, end), (name, field) in zip(places, fields.items(), strict=True)
    }
