"""Whatever the language has: columns, where they can, and any cut give what rows give."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.columns.writing import Ran
from tests.unit.engine.reference.grammar import drawn

HEADER = "t;u;n;m;b;d;e"
FIELDS = """    t: {type: string}
    u: {type: string}
    n: {type: integer}
    m: {type: decimal, scale: 2}
    b: {type: boolean, true: [X], false: ["0"]}
    d: {type: date}
    e: {type: date, format: '%Y%m%d'}
"""
VARS = """vars:
  s: 't | split(",")'
  l: "[n, m]"
  o: {t: t, n: n}
  w: '"2026-01-02T03:04:05Z" | date("%Y-%m-%dT%H:%M:%S%z")'
  q: [{k: t, n: n, t: u}, {k: {const: a}, n: m, t: t}]
"""
TEXTS = st.sampled_from(["", "a", "aB", "a,b", "0aB", "12.50", "20260131", "2026-02-28", "é\u0301"])
NUMBERS = st.sampled_from(["", "0", "-3", "7", "123456789012345678", "1x"])
PRICES = st.sampled_from(["", "0.00", "-1.05", "2.675", "2.50", "9999999999999999.99"])
CELLS = st.tuples(
    *(TEXTS, TEXTS, NUMBERS, PRICES),
    st.sampled_from(["", "X", "0"]),
    st.sampled_from(["2026-01-31", "9999-12-31", "", "2026-02-30"]),
    st.sampled_from(["20240229", "00010101", ""]),
)
FILES = st.lists(CELLS.map(";".join), min_size=1, max_size=8).map(
    lambda rows: "\n".join([HEADER, *rows, ""]).encode()
)


@st.composite
def contexts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A context of expressions of all kinds; one without lists and objects may go by columns."""
    nested = draw(st.booleans())
    kinds = st.sampled_from("TNDBSLOX" if nested else "TTNND")
    leaves = [
        draw(kinds.flatmap(lambda kind: drawn(kind, 3 if nested else 2, flat=not nested)))
        for _ in range(3)
    ]
    nulls = draw(st.sampled_from(["[]", '[""]']))
    context = (
        "helixnet: 1\nname: drawn\nversion: 1.0.0\ntarget: s.json\n"
        f"source:\n  format: csv\n  delimiter: ';'\n  nulls: {nulls}\n  fields:\n{FIELDS}"
        "lookups: {table: {inline: {a: A, '7': seven, '2026-01-31': last}, missing: keep}}\n"
        + (VARS if nested else "")
        + "map:\n"
        + "".join(f"  x{number}: {json.dumps(leaf)}\n" for number, leaf in enumerate(leaves))
    )
    return context, {"type": "object"}


RAN = Ran()


@given(contexts(), FILES, st.integers(20, 120))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_rows_columns_and_cuts_agree(
    context: tuple[str, dict[str, Any]], data: bytes, part_size: int
) -> None:
    RAN.hold(context, data, part_size)


def test_some_of_them_ran_by_columns() -> None:
    """It runs after the property above, in this process, or runs it."""
    if not RAN.contexts:
        test_rows_columns_and_cuts_agree()
    assert RAN.contexts, "no drawn context was accepted"
    assert RAN.columnar or RAN.contexts < 100, RAN
