"""The types of columns: only what all values allow, and nothing that reads them in two ways."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from helixnet.engine.sniffing.found import Yaml
from helixnet.engine.values.dates import date_parser, has_time
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.numbers import integer_converter, number_converter

DATES: Final = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%Y/%m/%d", "%d-%m-%Y"),
    *("%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"),
    *("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M"),
    *("%d.%m.%Y %H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M"),
)
NULLS: Final = frozenset({"NULL", "null", "N/A", "n/a", "NA", "None", "\\N", "-", "#N/A", "nan"})
_SEPARATORS: Final = ((".", ""), (",", ""), (".", ","), (",", "."), (".", "'"), (",", " "))
_NUMBER: Final = re.compile(r"-?[0-9][0-9.,' ]*", re.ASCII)
_PADDED: Final = re.compile(r"-?0[0-9]")
_LARGEST: Final = 38
_SHORTEST_DATE: Final = 8
_TRIED: Final = 200  # values that are tried with every format of a date
_FEWEST: Final = 2  # values of which a type is told
_MOST_DIGITS: Final = 18
_GOOD: Final = 0.9  # of the values of a column, that its type reads


@dataclass(frozen=True, slots=True)
class Columns:
    """What columns hold.

    Args:
        fields: the declaration of each, by name.
        decimal: point of all numbers.
        thousands: their separator, or empty.
        nulls: texts that stand where a value is missing.
        open: what can't be told.
    """

    fields: Mapping[str, Mapping[str, Yaml]]
    decimal: str
    thousands: str
    nulls: Sequence[str]
    open: Sequence[str]


def type_columns(columns: Mapping[str, Sequence[str]]) -> Columns:
    """Return what each column holds, by its values."""
    nulls = {text for values in columns.values() for text in values if text in NULLS}
    kept = {
        name: [value for value in values if value and value not in nulls]
        for name, values in columns.items()
    }
    decimal, thousands, doubt = _separators(kept)
    told: list[str] = list(doubt)
    fields: dict[str, Mapping[str, Yaml]] = {}
    for name, values in kept.items():
        fields[name], why = _typed(values, decimal, thousands)
        told += [f"{name}: {why}"] if why else []
    typed = [name for name, field in fields.items() if field]
    blank = any("" in columns[name] for name in typed)
    wanted = [text for text in sorted(nulls) if any(text in columns[name] for name in typed)]
    return Columns(fields, decimal, thousands, [*([""] if blank else []), *wanted], told)


def _separators(columns: Mapping[str, Sequence[str]]) -> tuple[str, str, Sequence[str]]:
    """Return point and thousands separator that read the most columns."""
    numeric = [
        values
        for values in columns.values()
        if len(values) >= _FEWEST
        and all(map(_NUMBER.fullmatch, values))
        and not _dates(values)
        and any(not value.lstrip("-").isdecimal() for value in values)
    ]
    if not numeric:
        return ".", "", ()
    reads = {
        pair: sum(_all_read(number_converter(*pair, digits=None), values) for values in numeric)
        for pair in _SEPARATORS
    }
    most = max(reads.values())
    best = [pair for pair in _SEPARATORS if reads[pair] == most]
    doubt = {point for point, _ in best if _means_more(numeric, best)}
    if len(doubt) > 1:
        return ".", "", ["whether a comma in a number is its point or separates thousands"]
    return (*best[0], ()) if most else (".", "", ())


def _means_more(numeric: Sequence[Sequence[str]], best: Sequence[tuple[str, str]]) -> bool:
    """Tell whether two ways read the same texts as other numbers."""
    converters = [number_converter(*pair, digits=None) for pair in best]
    return any(
        len({_read(convert, value) for convert in converters} - {None}) > 1
        for values in numeric
        for value in values
    )


def _read(convert: Callable[[str], object], text: str) -> object:
    try:
        return convert(text)
    except ValueFault:
        return None


def _all_read(convert: Callable[[str], object], values: Sequence[str]) -> bool:
    try:
        for value in values:
            _ = convert(value)
    except ValueFault:
        return False
    return True


def _typed(values: Sequence[str], decimal: str, thousands: str) -> tuple[Mapping[str, Yaml], str]:
    """Return the declaration of a column, empty for text, and what is open about it."""
    if len(values) < _FEWEST:
        return {}, ("no value to tell a type from" if not values else "one value is too few")
    if set(values) <= {"true", "false"}:
        return {"type": "boolean"}, ""
    dates = _dates(values)
    if len(dates) > 1:
        return {}, f"a date, {' or '.join(dates)}"
    if dates:
        field = _date(dates[0])
        return field, _bad(_date_parser(dates[0]), values)
    return _numeric(values, decimal, thousands)


def _date(form: str) -> Mapping[str, Yaml]:
    pivot: dict[str, Yaml] = {"pivot": 70} if "%y" in form else {}
    return {"type": "datetime" if has_time(form) else "date", "format": form, **pivot}


def _date_parser(form: str) -> Callable[[str], object]:
    return date_parser(form, pivot=70 if "%y" in form else None)


def _numeric(values: Sequence[str], decimal: str, thousands: str) -> tuple[Mapping[str, Yaml], str]:
    numbers = [value for value in values if _NUMBER.fullmatch(value)]
    if len(numbers) < _GOOD * len(values) or any(map(_PADDED.match, numbers)):
        return {}, ""
    digits = max(sum(map(str.isdigit, value)) for value in numbers)
    if digits > _LARGEST:
        return {}, ""
    more: dict[str, Yaml] = {"digits": digits} if digits > _MOST_DIGITS else {}
    limit = max(digits, _MOST_DIGITS)
    for name, convert in (
        ("integer", integer_converter(decimal, thousands, limit)),
        ("decimal", number_converter(decimal, thousands, limit)),
    ):
        if _most_read(convert, values):
            return {"type": name, **more}, _bad(convert, values)
    return {}, ""


def _most_read(convert: Callable[[str], object], values: Sequence[str]) -> bool:
    counts = Counter(values)
    good = sum(n for value, n in counts.items() if _read(convert, value) is not None)
    return good >= max(_GOOD * len(values), _FEWEST)


def _bad(convert: Callable[[str], object], values: Sequence[str]) -> str:
    """Say which values a column has that its type does not read."""
    wrong = {value for value in set(values) if _read(convert, value) is None}
    bad = [value for value in values if value in wrong]
    if not bad:
        return ""
    return f"whether {shown(bad[0])} is a mistake: {len(bad)} of {len(values)} values are no such"


def _dates(values: Sequence[str]) -> list[str]:
    """Return the formats that read the most values, and most of them."""
    tried = list(dict.fromkeys(values[:_TRIED]))
    if sum(len(value) >= _SHORTEST_DATE for value in tried) < _GOOD * len(tried):
        return []
    read = {form: _date_parser(form) for form in DATES}
    good = {
        form: sum(_read(parse, value) is not None for value in tried)
        for form, parse in read.items()
    }
    most = max(good.values())
    if not most:
        return []
    found = [form for form in DATES if good[form] == most and _most_read(read[form], values)]
    plain = found == ["%Y%m%d"] and not all("1900" <= v[:4] <= "2099" for v in values)
    return [] if plain else found
