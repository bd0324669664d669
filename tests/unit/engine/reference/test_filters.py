"""Each filter and operator on each of the odd values gives what the plain interpreter gives."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from helixnet.engine.mapping.filters.registry import FILTERS as OURS
from helixnet.errors import ContextError
from tests.unit.engine.reference.filters import FILTERS, SELECTORS
from tests.unit.engine.reference.running import REJECTED, TYPES, compiled, expected, planned
from tests.unit.engine.reference.values import ABSENT

TEXTS = [
    "",
    " ",
    "a",
    "ab",
    " a ",
    "\u00a0a\u00a0",
    "\u2003a",
    "aXa",
    "a,b,,c",
    ",",
    "0",
    "007",
    "00",
]
TEXTS += ["ß", "ŉ", "e\u0301", "é", "😀a", "אב", "İ", "ΑΣ", "ﬁ", "\u200fa", "ǆ", "NULL", "null"]
TEXTS += [
    "1",
    "-1",
    "1.50",
    "-0",
    "-0.00",
    "1e2",
    "+5",
    "1_0",
    ".5",
    "5.",
    "٣",
    "12.0",
    " 1",
    "1-",
    "1.5-",
]
TEXTS += ["1.234,56", "1.23,4", "0.123", "9" * 38, "9" * 39, "0." + "3" * 38, "0." + "3" * 39]
TEXTS += [
    "2026-02-28",
    "2024-02-29",
    "2023-02-29",
    "2026-2-1",
    "20260131",
    "00000000",
    "0001-01-01",
]
TEXTS += [
    "28.02.26",
    "9999-12-31",
    "2026-01-31T23:59:59Z",
    "true",
    "false",
    "a\nb",
    "\ta\r\n",
    "--1",
]
NUMBERS = [0, 1, -1, 2, 10, 10**18, 10**37, 10**38 - 1, 10**38, -(10**38), 10**39]
NUMBERS += [Decimal(n) for n in ("0.00", "1.50", "-0.5", "2.5", "-2.5", "0.5", "1.005", "2.675")]
NUMBERS += [
    Decimal(n) for n in ("1.00", "-1.0", "1234567.891", "0." + "0" * 37 + "1", "0." + "3" * 39)
]
NUMBERS += [Decimal("9" * 36 + ".99"), Decimal("9" * 37 + ".5"), Decimal("1" * 30 + "." + "2" * 30)]
LISTS: list[Any] = [
    [],
    [None],
    [1],
    ["a"],
    [1, 2, 3],
    [3, None, 1, 2],
    ["b", "B", "a", "b"],
    [1, "a"],
]
LISTS += [
    [True, False],
    [Decimal("1.5"), Decimal("1.50"), 1],
    [[1], [Decimal("1.0")], [True]],
    [[]],
]
LISTS += [[10**38 - 1, 1, -1], [10**38 - 1, 1], [10**38], ["ä", "z", "a\u0308", "😀"], [None, None]]
LISTS += [[{"k": "a", "n": 1}, {"k": "b", "n": Decimal("2.50")}, {"k": "a", "n": None}, {"n": 0}]]
LISTS += [
    [{"k": "a", "n": 1}],
    [{"k": 1, "n": "x"}],
    [{"k": None}, {"k": "b"}],
    [{"k": "b"}, 1],
    [{}],
]
LISTS += [
    [{"k": {"n": 1}, "k.n": 2}, {"k": {"n": 3}}],
    [{"k": True, "n": [1]}],
    [None, {"k": "a", "n": 5}],
]
OBJECTS: list[Any] = [
    {},
    {"k": "a"},
    {"k": {"n": 1}},
    {"k.n": 1},
    {"k": None},
    {"k": [1]},
    {"items": 1},
]
ZOO = [ABSENT, None, True, False, *TEXTS, *NUMBERS, *LISTS, *OBJECTS]
RECORDS = [{} if found is ABSENT else {"x": found} for found in ZOO]
DATES = [date(2026, 1, 31), date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31), None, ABSENT]
ZONES = [UTC, timezone(timedelta(hours=1)), timezone(-timedelta(hours=3, minutes=30))]
MOMENTS = [datetime(2026, 1, 31, 23, 59, 59, tzinfo=zone) for zone in ZONES]

DAYS: list[dict[str, Any]] = [
    {name: found for name, found in (("d", day), ("w", moment), ("x", 5)) if found is not ABSENT}
    for day in DATES
    for moment in [*MOMENTS, None, ABSENT]
]
SHORT = [number for number in NUMBERS if len(str(number)) <= 38]
WHOLE = [number for number in SHORT if isinstance(number, int)]
TYPED: list[dict[str, Any]] = [
    {"t": text, "n": SHORT[n % len(SHORT)], "i": WHOLE[n % len(WHOLE)], "b": n % 2 == 0}
    for n, text in enumerate(TEXTS)
]
TYPED += [{}, {"t": None, "n": None, "i": None, "b": None}]
VALUELESS = {REJECTED, "{}", '{"v":null}', '{"v":false}'}

CALLS = {
    "trim": [""],
    "upper": [""],
    "lower": [""],
    "substring": [
        "(0)",
        "(1)",
        "(0, 1)",
        "(1, 2)",
        "(5)",
        "(-1)",
        "(0, -1)",
        "(0, null)",
        "(1, y)",
    ],
    "split": ['(",")', '("a")', '("")', '("ab")', "(null)"],
    "join": ["", '("")', '("-")', '(", ", "k")', '(key="n")', '("", null)'],
    "replace": [
        '("a", "bb")',
        '("a", "")',
        '("", "x")',
        '("ß", "s")',
        '("a", null)',
        '("\u0301", "")',
    ],
    "matches": ['("[a-z]+")', '("\\\\d*")', '(".")', '("a|ab")', '("\\\\w+")', '("")', '("[^a]*")'],
    "before": ['(",")', '("a")', '("")', '("\u0301")'],
    "after": ['(",")', '("a")', '("")', '("X")'],
    "pad_left": ["(4)", '(4, "0")', '(0, "x")', '(-1, "x")', '(3, "😀")', '(4, "")', "(10001)"],
    "pad_right": ["(4)", '(4, "0")', '(2, "xy")', '(3, "\u0301")'],
    "unpad": ["", '("0")', '("a")', '(" ")', '("")', '("ab")'],
    "int": [""],
    "decimal": ["", '(",", ".")', '(",")', '(".", ",")'],
    "round": ["", "(1)", "(2)", "(38)", "(0)", "(39)", "(-1)"],
    "money": ["", "(0)", "(3)"],
    "round_even": ["", "(1)", "(2)", "(37)"],
    "abs": [""],
    "sign": [""],
    "format_number": ["", "(2)", "(0)", '(2, ",", ".")', '(null, ",", " ")', '(3, ".", ",")'],
    "date": ["", '("%Y%m%d")', '("%d.%m.%y", 50)', '("%d.%m.%y", 0)', '("%Y-%m-%dT%H:%M:%S%z")'],
    "or_else": ['("d")', "(0)", "(null)", "(y)", "([1])"],
    "lookup": ['("table")'],
    "tojson": [""],
    "get": ['("k")', '("k.n")', "(0)", "(1)", "(-1)", '("items")'],
    "one": [
        '(k="a")',
        '(k="b")',
        "(n=1)",
        '("k", "a")',
        '("k.n", 1)',
        '(k=["a", "b"])',
        "(k=null)",
    ],
    "maybe": ['(k="a")', '(k="b")', '(k="b", n=2.5)', "(n=null)", "(k=y)"],
    "any": ['(k="a")', '(k="z")', "(n=0)", '(k=["b", "z"])', "(k=1)"],
    "many": ['(k="a")', '(k="z")', "(n=[1, 2.5])", '(k=["b", "a"])'],
    "first": [""],
    "last": [""],
    "sort": [
        "",
        '("k")',
        "(null, true)",
        '("n", true)',
        '("n", false)',
        "(reverse=true)",
        '("k.n")',
    ],
    "unique": ["", '("k")', '("n")'],
    "group": ['("k")', '("n")', '("k.n")'],
    "sum": ["", '("n")', '("k.n")'],
    "running_sum": ["", '("n")'],
    "avg": [" | round(2)", '("n") | round(3)', " | round_even"],
    "min": ["", '("n")', '("k")'],
    "max": ["", '("n")', '("k")'],
    "count": ["", '("n")', '("k")'],
    "length": [""],
    "sap_date": [""],
    "sap_number": [""],
    "x12_number": ["", "(2)", "(0)", "(38)", "(39)"],
    "edifact_number": [""],
}
ON_DAYS = {
    "format_date": [
        '("%d.%m.%Y")',
        '("%y%m%d")',
        '("100%% %Y")',
        '("%H:%M")',
        '("%Y%m%dT%H%M%S.%f%z")',
    ],
    "add_days": ["(1)", "(-1)", "(0)", "(3652058)", "(10000000000)", '("1")'],
    "add_months": ["(1)", "(-1)", "(12)", "(119988)", "(-11)", "(1.0)"],
    "days_between": ["(d)", "(w)", "(y)"],
}
OPERATORS = [
    *(
        '((x | avg("n")) * 3) | round(1)',
        "(x | avg) - 1",
        "((x | sum) / (x | count)) | money",
    ),
    *(
        "x + 1",
        "x - 0.5",
        "x * 3",
        "2 * x",
        "(x / 3) | round(2)",
        "(1 / x) | round(5)",
        "-x",
        "x + x",
    ),
    *(
        "(x * x) | money",
        "((x / 7) * 7) | round_even(3)",
        "(x / 3 - x / 3) | round",
        "x - x",
        "x * 0",
    ),
    *(
        'x ~ ""',
        "x ~ 1",
        'x ~ "-" ~ x',
        'x == "a"',
        "x == 1",
        "x == null",
        "x != 1.50",
        'x < "b"',
        "x <= x",
    ),
    *(
        "x > 0",
        "x >= 1.5",
        "x == x",
        "x != y",
        'x in ["a", "", "ß"]',
        "x in [1, 1.5]",
        '"a" in x',
        "1 in x",
    ),
    *(
        "not x",
        "x and true",
        "true and x",
        "false and x",
        "x or true",
        "false or x",
        "x if x",
        "1 if x else 2",
    ),
    *(
        "x is present",
        "x is empty",
        "x is not present",
        "not (x is empty)",
        "x == true",
        "x < true",
    ),
    *(
        "x.k",
        "x.k.n",
        'x["k.n"]',
        "x[0]",
        "[x, 1]",
        "[x, x] | count",
        "[x] == [1]",
        "[x] == [true]",
    ),
    *(
        "x == [1]",
        "x == []",
        "null in x",
        "x not in [1]",
        "x.items",
        "x[-1]",
        "x[1:]",
        "x[:2]",
        "x[-2:9]",
        "x[y]",
        "x[y:1]",
        '[x, "b"] | first',
        "x if null",
    ),
    *("{{ x }}", "a{{ x }}b", "{{ x }}{{ y }}"),
]
MORE = [
    *(
        'x in ["a", null]',
        "x in [1, null]",
        "null if x == t else x",
        "t ~ n ~ i",
        "(n * i) | round(2)",
    ),
    *(
        "(n + i) | abs",
        "n - n",
        "i - i",
        "-(-i)",
        "(i / n) | round(3)",
        "t == t",
        "t != x",
        "i < n",
    ),
    *(
        "n <= i",
        "x == i",
        "[x, t] | join",
        "[n, i, n] | sum",
        "[n, i] | max",
        "[t, x] | unique | count",
    ),
    *(
        "x | or_else(t)",
        "x | or_else(n) | or_else(1)",
        "(t | length) + (i | or_else(0))",
        "b or x == t",
    ),
    *(
        "t if b else null",
        "not b and not (x is empty)",
        "[n, null, i] | sort | first",
        "{{ t }}-{{ i }}",
    ),
    *(
        "t | substring(i)",
        "t | pad_left(i, t)",
        "t | replace(t, t)",
        "t | before(t)",
        "t in t",
        "t in [t]",
    ),
    *(
        "t[0] ~ t[1:]",
        "t | decimal | round(1)",
        "t | int",
        "[t, t] | join(t)",
        "n in [i, n]",
    ),
]
EXPRESSIONS = [f"x | {name}{call}" for name, calls in CALLS.items() for call in calls]
DATED = [
    f"{of} | {name}{call}" for name, calls in ON_DAYS.items() for call in calls for of in "xdw"
]
DATED += [
    "d | date",
    "w | date",
    'd | date("%Y%m%d")',
    "d ~ w",
    "d == d",
    "d < w",
    "d <= d",
    "w < w",
]
DATED += [
    "[d, y] | max",
    "[d] | sort",
    "[d, w] | min",
    "d | tojson",
    'd | lookup("table")',
    "[w] | join",
]
DATED += [
    "d + 1",
    "d in [d]",
    "d | add_months(1) | add_days(-1) | format_date('%Y%m%d')",
    "w ~ ''",
    "d",
]


def test_every_filter_is_here() -> None:
    assert set(CALLS) | set(ON_DAYS) == set(OURS) == set(FILTERS) | set(SELECTORS)


def differences(
    expression: str, records: list[dict[str, Any]], fields: dict[str, str] | None
) -> Iterator[Any]:
    plan = planned(expression, fields)
    for record, ours in zip(records, compiled(plan, records), strict=True):
        wanted = expected(expression, record)
        if ours != wanted:
            yield record, ours, wanted


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *OPERATORS])
def test_each_expression_on_each_value(expression: str) -> None:
    if refused(expression, RECORDS, None):
        return
    assert list(differences(expression, RECORDS, None)) == []


@pytest.mark.parametrize("expression", DATED)
def test_each_expression_on_each_date(expression: str) -> None:
    if refused(expression, DAYS, TYPES):
        return
    assert list(differences(expression, DAYS, TYPES)) == []


@pytest.mark.parametrize("name", ["t", "n", "i", "b"])
def test_each_expression_on_each_declared_field(name: str) -> None:
    """A known type leaves out checks and calls: it must not change a value."""
    count = 0
    for expression in [*EXPRESSIONS, *OPERATORS, *MORE]:
        named = re.sub(r"\by\b", "i", re.sub(r"\bx\b", name, expression))
        if not refused(named, TYPED, TYPES):
            count += 1
            assert list(differences(named, TYPED, TYPES)) == [], named
    assert count > 50


def refused(expression: str, records: list[dict[str, Any]], fields: dict[str, str] | None) -> bool:
    """`check` may refuse only what gives no value, or, of known types, what can be a reject."""
    try:
        planned(expression, fields)
    except ContextError:
        found = {expected(expression, record) for record in records}
        return found <= VALUELESS or (fields is not None and REJECTED in found)
    return False
