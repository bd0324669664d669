"""The filters of the plain interpreter, each written from its entry in docs/filters.md alone."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.unit.engine.reference.values import (
    ABSENT,
    RejectionError,
    added,
    as_json,
    as_text,
    day,
    equal,
    guarded,
    kind,
    less,
    listed,
    nothing,
    number,
    path,
    rounded,
    text,
    whole,
)

TRIMMED = " \t\r\n\v\f\u00a0"
WIDEST = 10_000
PARTS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "f": 6}
TABLE = {"a": "A", "ß": "SS", "1": "one", "1.50": "one and a half", "2026-02-28": "end"}


def rejected(condition: bool, why: str) -> None:  # noqa: FBT001 - reads like an assertion
    if condition:
        raise RejectionError(why)


# text


def substring(found: Any, start: Any, length: Any = None) -> str:
    points = list(text(found))
    rejected(whole(start) < 0 or (length is not None and whole(length) < 0), "below zero")
    return "".join(points[start:] if length is None else points[start : start + length])


def split(found: Any, separator: Any) -> list[str]:
    rejected(text(separator) == "", "empty separator")
    return text(found).split(separator) if text(found) else []


def join(found: Any, separator: Any = "", key: Any = None) -> str:
    items = values(found, key)
    rejected(any(kind(item) in {"boolean", "list", "object"} for item in items), "no text")
    return text(separator).join(as_text(item) for item in items)


def replace(found: Any, old: Any, new: Any) -> str:
    rejected(text(old) == "", "nothing to replace")
    return text(found).replace(old, text(new))


def parted(found: Any, separator: Any) -> tuple[str, str, str]:
    rejected(text(separator) == "", "empty separator")
    return text(found).partition(separator)


def before(found: Any, separator: Any) -> Any:
    head, middle, _ = parted(found, separator)
    return head if middle else ABSENT


def after(found: Any, separator: Any) -> Any:
    _, middle, tail = parted(found, separator)
    return tail if middle else ABSENT


def padding(found: Any, width: Any, fill: Any) -> str:
    rejected(
        not 0 <= whole(width) <= WIDEST or len(text(fill)) != 1, "too wide, or not one character"
    )
    return fill * max(0, width - len(text(found)))


def unpad(found: Any, fill: Any = "0") -> str:
    rejected(len(text(fill)) != 1, "not one character")
    stripped = text(found).lstrip(fill)
    return stripped or found[:1]


# numbers


def to_int(found: Any) -> int:
    known = parsed(found, ".", "") if isinstance(found, str) else number(found)
    rejected(known != int(known), "a fraction")
    return int(known)


def to_decimal(found: Any, decimal: Any = ".", thousands: Any = "") -> Any:
    return parsed(found, decimal, thousands) if isinstance(found, str) else number(found)


def parsed(found: str, decimal: str, thousands: str) -> Decimal:
    """Read ASCII digits, an optional minus, an optional fraction, groups of three."""
    unsigned = found.removeprefix("-")
    units, point, fraction = unsigned.partition(decimal)
    groups = units.split(thousands) if thousands else [units]
    digits = [*groups, fraction] if point else groups
    rejected(not all(re.fullmatch("[0-9]+", part) for part in digits), "no number")
    if len(groups) > 1:
        rejected(len(groups[0]) > 3 or groups[0].startswith("0"), "no group of three")
        rejected(any(len(group) != 3 for group in groups[1:]), "no group of three")
    return Decimal(("-" if found[0] == "-" else "") + "".join(groups) + "." + (fraction or ""))


def format_number(found: Any, places: Any = None, decimal: Any = ".", thousands: Any = "") -> str:
    """Write with groups; zeros at the end may go, other digits may not."""
    digits = as_text(number(found)).removeprefix("-")
    sign = "-" if found < 0 else ""
    units, _, fraction = digits.partition(".")
    if places is not None:
        rejected(fraction[places:].strip("0") != "", "it never rounds")
        fraction = fraction[:places].ljust(places, "0")
    grouped = re.sub("([0-9])(?=([0-9]{3})+$)", lambda found: found[1] + thousands, units)
    return sign + grouped + (decimal + fraction if fraction else "")


# dates


def to_date(found: Any, form: str = "%Y-%m-%d", pivot: Any = None, zone: Any = None) -> Any:
    if not isinstance(found, str):
        rejected(form != "%Y-%m-%d", "it is a date already")
        return day(found).date() if isinstance(found, datetime) else day(found)
    pattern = re.sub(
        "%[YymdHMSf]", lambda code: f"(?P<{code[0][1]}>[0-9]{{{PARTS[code[0][1]]}}})", form
    )
    pattern = pattern.replace("%z", "(?P<z>Z|[+-][0-9]{2}:[0-9]{2})").replace("%%", "%")
    read = re.fullmatch(pattern, found)
    rejected(read is None, "not of the format")
    assert read is not None
    parts = read.groupdict()
    year = int(parts["Y"]) if "Y" in parts else int(parts["y"])
    if "y" in parts:
        year += 2000 if year < pivot else 1900
    try:
        if "H" not in parts:
            return date(year, int(parts["m"]), int(parts["d"]))
        time = [int(parts.get(code, "0")) for code in "HMSf"]
        offset = offset_of(parts.get("z", zone))
        return datetime(year, int(parts["m"]), int(parts["d"]), *time, tzinfo=offset)
    except ValueError as error:
        raise RejectionError("there is no such day or time") from error


def offset_of(zone: str | None) -> timezone | None:
    if zone is None:
        return None
    if zone == "Z":
        return UTC
    hours, minutes = map(int, zone[1:].split(":"))
    rejected(hours > 14 or minutes > 59, "no such zone")
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if zone[0] == "-" else away)


def format_date(found: Any, form: str) -> str:
    moment = day(found)
    timed = isinstance(found, datetime)
    rejected(not timed and re.search("%[HMSfz]", form) is not None, "a date has no time")
    rejected("%z" in form and moment.tzinfo is None, "no zone")
    written = {"Y": moment.year, "y": moment.year % 100, "m": moment.month, "d": moment.day}
    if timed:
        written |= {"H": moment.hour, "M": moment.minute, "S": moment.second}
        written |= {"f": moment.microsecond}

    def write(code: re.Match[str]) -> str:
        name = code[0][1]
        if name == "z":
            return re.sub(r"^.*?(Z|[+-]\d\d:\d\d)$", r"\1", as_text(moment))
        return "%" if name == "%" else str(written[name]).zfill(PARTS[name])

    return re.sub("%.", write, form)


def add_days(found: Any, days: Any) -> Any:
    try:
        return day(found) + timedelta(days=whole(days))
    except OverflowError as error:
        raise RejectionError("no such year") from error


def add_months(found: Any, months: Any) -> Any:
    year, month = divmod(day(found).year * 12 + found.month - 1 + whole(months), 12)
    rejected(not 1 <= year <= 9999, "no such year")
    return found.replace(
        year=year, month=month + 1, day=min(found.day, monthrange(year, month + 1)[1])
    )


def days_between(found: Any, other: Any) -> int:
    rejected(isinstance(found, datetime) or isinstance(other, datetime), "no dates")
    return (day(other) - day(found)).days


# any value


def lookup(found: Any) -> Any:
    """Look up in :data:`TABLE`, whose `missing` is null."""
    rejected(kind(found) in {"boolean", "list", "object"}, "no key")
    return TABLE.get(as_text(found))


# lists and objects


def get(found: Any, name: Any) -> Any:
    if isinstance(found, list):
        rejected(whole(name) < 0, "below zero")
        return found[name] if name < len(found) else ABSENT
    rejected(not isinstance(found, dict), "neither list nor object")
    return path(found, text(name))


def chosen(found: Any, conditions: Mapping[str, Any]) -> list[Any]:
    """Take the items that meet all conditions; every value is compared, fitting or not."""

    def meets(item: Any, name: str, wanted: Any) -> bool:
        value = path(item, name)
        if isinstance(wanted, list):
            return True in [equal(value, each) for each in wanted]
        return equal(value, wanted)

    if nothing(found):
        return []
    return [item for item in listed(found) if all(meets(item, *c) for c in conditions.items())]


def one(found: Any, conditions: Mapping[str, Any]) -> Any:
    items = chosen(found, conditions)
    rejected(len(items) != 1, "not exactly one")
    return items[0]


def maybe(found: Any, conditions: Mapping[str, Any]) -> Any:
    items = chosen(found, conditions)
    rejected(len(items) > 1, "several")
    return items[0] if items else ABSENT


def keyed(item: Any, key: Any) -> Any:
    return item if key is None else path(item, text(key))


def values(found: Any, key: Any) -> list[Any]:
    """What a key names of each item, without null and absent."""
    named = [keyed(item, key) for item in listed(found)]
    return [value for value in named if not nothing(value)]


def ordered(known: list[Any]) -> list[Any]:
    """Hold that all are of one type that has an order."""
    for value in known:
        less(known[0], value)
    return known


def sort(found: Any, key: Any = None, reverse: Any = None) -> list[Any]:
    """Insert each before the first that must come after it; nothing comes last."""
    rejected(not (reverse is None or isinstance(reverse, bool)), "no boolean")
    named = [(keyed(item, key), item) for item in listed(found)]
    known = [pair for pair in named if not nothing(pair[0])]
    ordered([pair[0] for pair in known])
    placed: list[Any] = []
    for pair in known:
        later = [
            less(other[0], pair[0]) if reverse else less(pair[0], other[0]) for other in placed
        ]
        placed.insert(later.index(True) if True in later else len(placed), pair)
    return [item for _, item in placed] + [item for value, item in named if nothing(value)]


def identical(left: Any, right: Any) -> bool:
    """Whether equal and of one type, at every depth."""
    try:
        return equal(left, right)
    except RejectionError:
        return False


def unique(found: Any, key: Any = None) -> list[Any]:
    kept: list[tuple[Any, Any]] = []
    for item in listed(found):
        value = keyed(item, key)
        if not any(identical(value, other) for other, _ in kept):
            kept.append((value, item))
    return [item for _, item in kept]


def group(found: Any, key: Any) -> list[Any]:
    groups: list[dict[str, Any]] = []
    for item in listed(found):
        value = keyed(item, key)
        same = [each for each in groups if identical(each["key"], value)]
        if not same:
            same = [{"key": None if nothing(value) else value, "items": []}]
            groups += same
        same[0]["items"].append(item)
    return groups


# sums and counts


def running_sum(found: Any, key: Any = None) -> list[Any]:
    known: list[Any] = []
    sums: list[Any] = []
    for item in listed(found):
        value = keyed(item, key)
        known += [] if nothing(value) else [value]
        sums.append(guarded(added(known)))
    return sums


def avg(found: Any, key: Any = None) -> Any:
    known = values(found, key)
    return Fraction(added(known)) / len(known) if known else None


def least(found: Any, key: Any = None) -> Any:
    best = None
    for value in ordered(values(found, key)):
        best = value if best is None or less(value, best) else best
    return best


def greatest(found: Any, key: Any = None) -> Any:
    best = None
    for value in ordered(values(found, key)):
        best = value if best is None or less(best, value) else best
    return best


def length(found: Any) -> int:
    rejected(not isinstance(found, str | list), "has no length")
    return len(found)


# SAP


def sap_date(found: Any) -> Any:
    return None if text(found) in {"", "00000000"} else to_date(found, "%Y%m%d")


def sap_number(found: Any) -> Any:
    digits = text(found).strip(" ")
    if not digits:
        return None
    if digits.endswith("-"):
        rejected(digits.startswith("-"), "two signs")
        digits = "-" + digits[:-1]
    return parsed(digits, ".", "")


def x12_number(found: Any, implied: Any = 0) -> Any:
    written = text(found)
    rejected(type(implied) is not int or not 0 <= implied <= 38, "no number of digits")
    sign, digits = ("-", written[1:]) if written.startswith("-") else ("", written)
    if implied:
        rejected("." in digits, "the point is implied")
        digits = digits.rjust(implied + 1, "0") if digits else digits
        return parsed(f"{sign}{digits[:-implied]}.{digits[-implied:]}", ".", "")
    return parsed(sign + ("0" if digits.startswith(".") else "") + digits, ".", "")


def edifact_number(found: Any) -> Any:
    return x12_number(text(found).replace(",", "."))


SELECTORS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "one": one,
    "maybe": maybe,
    "any": lambda v, conditions: bool(chosen(v, conditions)),
    "many": chosen,
}
SEE_NOTHING = {"or_else", "tojson"}
MAY_BE_LEFT_OUT = {"substring", "join", "sort", "date", "format_number", "running_sum"}
MAY_BE_LEFT_OUT |= {"unique", "sum", "avg", "min", "max", "count"}
FILTERS: dict[str, Callable[..., Any]] = {
    "trim": lambda v: text(v).strip(TRIMMED),
    "upper": lambda v: text(v).upper(),
    "lower": lambda v: text(v).lower(),
    "substring": substring,
    "split": split,
    "join": join,
    "replace": replace,
    "matches": lambda v, pattern: re.fullmatch(pattern, text(v), re.ASCII) is not None,
    "before": before,
    "after": after,
    "pad_left": lambda v, width, fill=" ": padding(v, width, fill) + v,
    "pad_right": lambda v, width, fill=" ": v + padding(v, width, fill),
    "unpad": unpad,
    "int": to_int,
    "decimal": to_decimal,
    "round": lambda v, places=0: rounded(v, places, even=False),
    "money": lambda v, places=2: rounded(v, places, even=False),
    "round_even": lambda v, places=0: rounded(v, places, even=True),
    "abs": lambda v: guarded(number(v).copy_abs() if isinstance(v, Decimal) else abs(number(v))),
    "sign": lambda v: 0 if number(v) == 0 else 1 if v > 0 else -1,
    "format_number": format_number,
    "date": to_date,
    "format_date": format_date,
    "add_days": add_days,
    "add_months": add_months,
    "days_between": days_between,
    "or_else": lambda v, other: other if nothing(v) or v in ("", []) else v,
    "lookup": lambda v, _table: lookup(v),
    "tojson": lambda v: v if v is ABSENT else as_json(v),
    "get": get,
    "first": lambda v: [*listed(v), ABSENT][0],
    "last": lambda v: [ABSENT, *listed(v)][-1],
    "sort": sort,
    "unique": unique,
    "group": group,
    "sum": lambda v, key=None: guarded(added(values(v, key))),
    "running_sum": running_sum,
    "avg": avg,
    "min": least,
    "max": greatest,
    "count": lambda v, key=None: len(values(v, key)),
    "length": length,
    "sap_date": sap_date,
    "sap_number": sap_number,
    "x12_number": x12_number,
    "edifact_number": edifact_number,
}
