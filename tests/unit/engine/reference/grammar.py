"""Expressions to draw: for each kind what gives it, where {T} stands for a text, and so on."""

import re
from functools import cache

from hypothesis import strategies as st

CUT = ["substring(1, 2)", "substring(2)", 'before(",")', 'after(",")', "pad_left(3, o.t)", "trim"]
CUT += ["upper", "lower", "unpad", 'unpad("a")', 'replace("a", "bb")', 'replace("\u0301", "")']
CUT += ['pad_left(4, "0")', 'pad_right(4, "x")', 'or_else("none")', 'lookup("table")', "tojson"]
ROUND = ["round", "round(1)", "round(2)", "money", "money(3)", "round_even", "round_even(38)"]
ORDERS = ["==", "!=", "<", "<=", ">", ">="]
CHOICE = "({0} if {{B}} else {0})"

RULES = {
    "T": [  # texts
        *('"a"', '""', '"0aB"', '" x "', '","', '"é"', '"😀"', "t", "u", "o.t", "t", "u"),
        *(f"({{T}} | {call})" for call in CUT),
        *("({N} | format_number)", '({N} | format_number(3, ",", "."))', "({N} | tojson)"),
        *('({D} | format_date("%d.%m.%Y"))', '({D} | format_date("%y%m%d"))', "({D} | tojson)"),
        *('({N} | lookup("table"))', '({D} | lookup("table"))', "(q | tojson)", "({S} | tojson)"),
        *(f"({{S}} | {call})" for call in ("join", 'join(", ")', "first", "last", "min", "max")),
        *("({S} | get(1))", '({L} | join("|"))', '(q | join("-", "t"))', '(q | join("", "n"))'),
        *('(q | max("t"))', '(q | min("k"))', '(q | one(k="a") | get("t"))', "(q | first).k"),
        *('(q | maybe(k="b") | get("t"))', "(q | sort('n') | last | get('k'))"),
        *("({T} ~ {T})", "({T} ~ {N})", "({T} ~ {D} ~ {T})", "({T} | or_else({T}))"),
        *("({T} | replace({T}, {T}))", "({T} | before({T}))", "({T} | substring({T} | length))"),
        *("{T}[0]", "{T}[-1]", "{T}[1:]", "{T}[:2]", "{T}[-2:]", CHOICE.format("{T}")),
    ],
    "N": [  # numbers
        *("0", "1", "2.5", "10000000000", "0.005", "1.5", "n", "m", "o.n", "n", "m"),
        *("({N} + {N})", "({N} - {N})", "({N} * {N})", "(-{N})", "({N} | abs)", "({N} | sign)"),
        *(f"({{N}} | {call})" for call in ROUND),
        *(f"({{Q}} | {call})" for call in ROUND),
        *("({N} | or_else(1))", "({N} | or_else({N}))", "({N} | decimal)", "({N} | round | int)"),
        *("({T} | length)", "({T} | int)", "({T} | decimal)", '({T} | decimal(",", "."))'),
        *("({T} | sap_number)", "({T} | x12_number)", "({T} | edifact_number)"),
        *("({T} | x12_number(2))", "({D} | days_between({D}))", "({S} | length)", "({S} | count)"),
        *(f"({{L}} | {call})" for call in ("sum", "min", "max", "count", "length", "get(1)")),
        *(f'(q | {call}("n"))' for call in ("sum", "min", "max", "count")),
        *('(q | many(k=["a", "B"]) | sum("n"))', '(q | maybe(k="a") | get("n"))', "({L} | first)"),
        *("({N} if {B})", CHOICE.format("{N}")),
    ],
    "Q": [
        "({N} / {N})",
        "({Q} + {N})",
        "({N} - {Q})",
        "({Q} * {Q})",
        "({L} | avg)",
        '(q | avg("n"))',
    ],
    "D": [  # dates
        *("d", "e", "(w | date)", "({D} | add_days(1))", "({D} | add_days({T} | length))"),
        *("({D} | add_months(1))", "({D} | add_months(-13))", "({D} | date)", "({T} | date)"),
        *("({T} | sap_date)", '({T} | date("%Y%m%d"))', '({T} | date("%d.%m.%y", 50))'),
        *("([{D}, {D}] | max)", "([{D}, {D}] | sort | first)", CHOICE.format("{D}")),
    ],
    "S": [  # lists of texts
        *("s", "s", '({T} | split(","))', '({T} | split("a"))', "[{T}, {T}]", "({S} | sort)"),
        *("({S} | sort(null, true))", "({S} | unique)", "{S}[1:]"),
    ],
    "L": [  # lists of numbers
        *("l", "l", "({L} | sort)", "({L} | sort(reverse=true))", "({L} | unique)", "[{N}, {N}]"),
        *("({L} | running_sum)", '(q | running_sum("n"))', "{L}[:2]"),
    ],
    "B": [  # conditions
        *("b", "({N} == null)", "({N} is present)", "({T} is empty)", "({T} is not empty)"),
        *(f"({{{kind}}} {order} {{{kind}}})" for kind in "NTD" for order in ORDERS),
        *('({T} in ["a", "0aB", ""])', "({T} in {S})", "({N} not in {L})", "({T} in {T})"),
        *('({T} | matches("[a-z]*"))', '({T} | matches("\\\\d+|."))', '(q | any(k="a"))'),
        *('(q | any(n=0, k="b"))', "({B} and {B})", "({B} or {B})", "(not {B})", "(w >= w)"),
    ],
    "O": [  # objects and lists of objects
        *('(q | sort("n"))', '(q | sort("k", true))', '(q | unique("k"))', '(q | group("k"))'),
        *('(q | many(k="a"))', '(q | group("n"))', '(q | one(k="b"))', "(q | maybe(n={N}))"),
        *("(q | unique | count)", "(q | first)", "(q | last)", '(q | sort("t") | first)', "q[1]"),
    ],
    "X": [  # what does not fit
        *("({T} + {N})", "({T} == {N})", "({D} < {T})", "(1 if {N} else 2)", "t.x", "({T} and b)"),
        *(f"({{N}} | {call})" for call in ("upper", 'split(",")', "first", "sum", "sap_date")),
        *(f"({{T}} | {call})" for call in ("sum", "round(1)", "add_months(1)", "sort", "avg")),
        *(f"(q | {call})" for call in ("sort", "max", "trim", "join", "sum", 'get("k")', "int")),
        *("({D} + 1)", '({T} | one(k="a"))', "({S} | sum)", "({L} | join | upper | round)", "-t"),
    ],
}


NESTED = re.compile(r'(?<![%"])\b[qslodew]\b(?!")')
KINDS = re.compile("{([A-Z])}")


@cache
def drawn(kind: str, depth: int, *, flat: bool = False) -> st.SearchStrategy[str]:
    """Draw an expression of a kind, at most so deep; a flat one reads t, u, n, m and b only."""
    rules = [rule for rule in RULES[kind] if not (flat and NESTED.search(rule))]
    ends = [
        rule for rule in rules if set(KINDS.findall(rule)) <= set("" if kind in "TNB" else "TN")
    ]
    return st.sampled_from(rules if depth > 0 else ends).flatmap(
        lambda rule: filled(rule, depth, flat=flat)
    )


@cache
def filled(rule: str, depth: int, *, flat: bool) -> st.SearchStrategy[str]:
    parts = KINDS.split(rule)
    kinds = [drawn(part, depth - 1, flat=flat) for part in parts[1::2]]
    return st.tuples(*kinds).map(lambda found: "".join(map(str.__add__, parts[::2], (*found, ""))))
