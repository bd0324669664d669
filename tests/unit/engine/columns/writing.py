"""Contexts and files for holding columns to rows: what is drawn, and one run by each executor."""

import io
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from hypothesis import strategies as st

from helixnet.engine import plan as plans
from helixnet.engine.columns.mapper import ColumnMapper
from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.outcome import Counts
from helixnet.engine.plan import Plan, compile_plan
from helixnet.engine.source import SourceIndex
from helixnet.engine.transform import index_file, map_part
from helixnet.errors import ContextError, RefusedError

HEADER = "T;U;I;D;E;F;B"
FIELDS = {
    "T": "{type: string}",
    "U": "{type: string}",
    "I": "{type: integer}",
    "D": "{type: decimal, scale: 2, digits: 12}",
    "E": "{type: decimal, scale: 3, digits: 9}",
    "F": "{type: date, format: '%d.%m.%Y'}",
    "B": "{type: boolean, 'true': [X, '1'], 'false': ['0']}",
}


@dataclass(frozen=True, slots=True)
class Made:
    """What mapping gave, and how many blocks went by columns and rows were asked for."""

    documents: bytes
    rejects: bytes
    counts: Counts
    tally: dict[str, int]


def mapped(plan: Plan, data: bytes, index: SourceIndex, *, columns: bool) -> Made:
    """Map a file by one executor."""
    documents, rejects, counts = io.BytesIO(), io.BytesIO(), Counts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "COLUMNS_FROM", 0 if columns else 1 << 60)
        for part in index.parts:
            counts += map_part(
                plan,
                index,
                part,
                io.BytesIO(data),
                documents=documents,
                rejects=rejects,
                file="f.csv",
            ).counts
        mapper = plan.bind(index.header, "f.csv", 1)
    tally = mapper.tally if isinstance(mapper, ColumnMapper) else {}
    return Made(documents.getvalue(), rejects.getvalue(), counts, dict(tally))


def planned(context: str, schema: dict[str, Any]) -> Plan | None:
    """Compile a context; None for one that is refused."""
    files = {"c.yaml": context.encode(), "s.json": json.dumps(schema).encode()}
    try:
        return compile_plan(bundle_from_files("c.yaml", files))
    except ContextError:
        return None


def indexed(plan: Plan, data: bytes, part_size: int = 1 << 24) -> SourceIndex | None:
    """Index a file; None for one that is refused."""
    try:
        return index_file(plan, io.BytesIO(data), part_size=part_size)
    except RefusedError:
        return None


LOOKUPS = "".join(
    f"  '{name}': {{inline: {{a: A, ST: PCE, '007': 'q\"'}}, missing: {missing}}}\n"
    for name, missing in (
        ("keep", "keep"),
        ("null", "'null'"),
        ("const", "{const: other}"),
        ("reject", "reject"),
    )
)

# what is drawn

TEXT_CELLS = ["", "a", "ab", " a ", "0", "007", "00", "X", "ÄÖ", "ß", "\u20ac", "😀", "N", "NULL"]
TEXT_CELLS += ["x,y", "a\\b", "ST", "KG", "tab\there", "\u00a0z", "\u2003e", "5", "-3", "1.50"]
TEXT_CELLS += ["20260102", "00000000", "20260230", "00000101", "a b"]
TEXT_CELLS += ["2026-01-02", "\x1f", "\x7f", '"a;b"', '"say ""hi"""', '""', '"line\nbreak"', '"x"']
NUMBER_CELLS = ["0", "1", "-1", "007", "1,5", "1,50", "-0", "-0,00", "12.345,67", "1.234", "12.34"]
NUMBER_CELLS += ["1234567", "999999999999", "9999999999,99", "123456789012345678", "1e5", "+5"]
NUMBER_CELLS += ["1234567890123456789", "0,005", "0,015", "2,675", "-2,675", "1,0000", ",5", "5,"]
NUMBER_CELLS += [" 5", "\uff11", "", "N", "100000,01", "42"]
NUMBER_CELLS += ["9999999999999999,99", "-99999999999999999999999999999999,99"]
DATE_CELLS = ["01.02.2026", "31.12.1999", "29.02.2024", "29.02.2023", "1.2.2026", "", "N"]
DATE_CELLS += ["00.00.0000", "01.01.0000", "01.01.0001", "31.12.9999", "01.02.2026 ", "+1.02.2026"]
BOOLEAN_CELLS = ["X", "1", "0", "", "N", "y"]
_EVERY = (TEXT_CELLS, TEXT_CELLS, NUMBER_CELLS, NUMBER_CELLS, NUMBER_CELLS, DATE_CELLS)
_GOOD = ("ab", "X", "42", "1,50", "2,675", "01.02.2026", "X")
EVERY_ROW = [
    ";".join([*_GOOD[:place], cell, *_GOOD[place + 1 :]])
    for place, cells in enumerate((*_EVERY, BOOLEAN_CELLS))
    for cell in cells
] + [f"{one};{other};1;2,00;2,000;01.02.2026;0" for one in TEXT_CELLS for other in ("a", "", "N")]

TEXTS, NUMBERS, DATES, BOOLEANS = map(
    st.sampled_from, (TEXT_CELLS, NUMBER_CELLS, DATE_CELLS, BOOLEAN_CELLS)
)
QUOTED = st.sampled_from([*(cell for cell in TEXT_CELLS if cell.startswith('"')), '"\r\n"'])
STRAY = st.sampled_from(['a"b', '"a"b', '"open', "a\rb"])
CELLS = (TEXTS, TEXTS, NUMBERS, NUMBERS, NUMBERS, DATES, BOOLEANS)
WORDS = st.sampled_from(["a", "ab", "X", "ST", "007", "b 1", "ÄÖ", " a ", "\u2003e"])
CENTS = st.sampled_from(["0,00", "1,50", "12.345,67", "-3,20", "2,68", "100000,01", "7"])
MILLS = st.sampled_from(["0,005", "2,675", "-2,665", "1,500", "0,015", "1234,5", "0"])
USUAL = (
    WORDS,
    WORDS,
    st.sampled_from(["1", "007", "0", "-5", "1.234", "42"]),
    CENTS,
    MILLS,
    st.sampled_from(["01.02.2026", "31.12.1999", "29.02.2024", "31.12.9999", "01.01.0000"]),
    st.sampled_from(["X", "0"]),
)


@st.composite
def rows(draw: st.DrawFn, *, whole: bool = False) -> str:
    """A row: mostly of good cells, sometimes quoted, and broken, short or long unless ``whole``."""
    cells = [draw(cell) for cell in USUAL]
    kind = draw(st.integers(0, 13 if whole else 29))
    if kind < 8:
        for _ in range(draw(st.integers(1, 3))):
            place = draw(st.integers(0, 6))
            cells[place] = draw(CELLS[place])
    elif kind < 14:
        cells[draw(st.integers(0, 1))] = draw(QUOTED)
    elif kind == 14:
        cells[draw(st.integers(0, 6))] = draw(STRAY)
    elif kind == 15:
        cells = cells[: draw(st.integers(0, 6))]
    elif kind == 16:
        cells.append("more")
    return ";".join(cells)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file with a header, in one of two line ends, with or without the last one."""
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    lines = [HEADER, *draw(st.lists(rows(), min_size=3, max_size=20))]
    text = end.join(lines) + draw(st.sampled_from([end, end, ""]))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "cp1252"])), "replace")


DAY_FORMS = ['"%d.%m.%Y"', '"%y%m%d"', "'%Y \"%%\"'", '"{ %m }"', '"%d %H"']
_TEXT_LEAVES = ["T", "U", '"lit"', "'quote\"d'", '"back\\\\\\\\s"', "inputs.plant"]
_NUMBER_LEAVES = ["I", "D", "E", "1", "2.50", "-3", "100000"]


@cache
def texts(depth: int) -> st.SearchStrategy[str]:
    """Expressions that give a text."""
    leaf = st.sampled_from(_TEXT_LEAVES)
    if depth == 0:
        return leaf
    below = texts(depth - 1)
    return st.one_of(
        leaf,
        st.builds(
            "({} | {})".format,
            below,
            st.sampled_from(
                [
                    *("trim", "upper", "lower", "unpad", 'unpad("a")', "substring(1)"),
                    *("substring(0, 2)", 'replace("a", "b")', 'pad_left(4, "0")', "pad_right(3)"),
                    *('before("a")', 'after(" ")', 'after("ab")', "before(U)"),
                    *('or_else("none")', 'lookup("keep")', 'lookup("null")', 'lookup("const")'),
                    'lookup("reject")',
                ]
            ),
        ),
        st.builds("({} ~ {})".format, below, st.one_of(below, numbers(0), days(1))),
        st.builds("({} | format_date({}))".format, days(1), st.sampled_from(DAY_FORMS)),
        st.builds("({} if {} else {})".format, below, conditions(depth - 1), below),
        st.builds('(({} if {}) | or_else("gone"))'.format, below, conditions(depth - 1)),
        st.builds("({} | or_else({}))".format, below, below),
    )


@cache
def numbers(depth: int) -> st.SearchStrategy[str]:
    """Expressions that give a number."""
    leaf = st.sampled_from(_NUMBER_LEAVES)
    if depth == 0:
        return leaf
    below = numbers(depth - 1)
    cents = st.sampled_from(["D", "(E | money(2))", "2.50", "((D * E) | round(2))"])
    filters = ["money(2)", "round", "round(1)", "round_even(1)", "round_even(2)", "abs", "money"]
    filters += ["sign", "int", "round | int"]
    return st.one_of(
        leaf,
        st.builds("({} {} {})".format, below, st.sampled_from("+-*"), below),
        st.builds("({} | {})".format, below, st.sampled_from(filters)),
        st.builds("(-{})".format, below),
        st.builds("({} | {})".format, texts(0), st.sampled_from(["length", "int"])),
        st.builds("({} | days_between({}))".format, days(1), days(0)),
        st.builds("({} if {} else {})".format, cents, conditions(depth - 1), cents),
    )


@cache
def days(depth: int) -> st.SearchStrategy[str]:
    """Expressions that give a date."""
    leaf = st.just("F")
    if depth == 0:
        return leaf
    below = days(depth - 1)
    read = ["date", "sap_date", 'date("%d.%m.%Y")', 'date("%Y%m%d")']
    return st.one_of(
        leaf,
        st.builds("({} | {})".format, st.sampled_from("TU"), st.sampled_from(read)),
        st.builds("({} | add_days({}))".format, below, st.sampled_from([1, -1, 400, -800000])),
        st.builds("({} | date)".format, below),
    )


@cache
def conditions(depth: int) -> st.SearchStrategy[str]:
    """Expressions that give a boolean."""
    compare = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    leaf = st.one_of(
        st.sampled_from(["B", "T is present", "U is empty", "F is present", 'T in ["a", "X"]']),
        st.sampled_from(
            ['T | matches("[a-z]+")', "T == null", "D != null", 'U | matches("[0-9]*")']
        ),
        st.builds("{} {} {}".format, numbers(0), compare, numbers(0)),
        st.builds("{} {} {}".format, texts(0), compare, texts(0)),
    ).map("({})".format)
    if depth == 0:
        return leaf
    below = conditions(depth - 1)
    return st.one_of(
        leaf,
        st.builds("({} and {})".format, below, below),
        st.builds("({} or {})".format, below, below),
        st.builds("(not {})".format, below),
        st.builds("({} {} {})".format, numbers(depth - 1), compare, numbers(depth - 1)),
    )


TEXT_SCHEMAS: list[dict[str, Any]] = [
    *[{"type": ["string", "null"]}] * 5,
    {"type": "string"},
    {"type": "string", "maxLength": 3},
    {"type": "string", "minLength": 1, "pattern": "^[a-zA-Z0-9]*$"},
    {"type": ["string", "null"], "enum": ["a", "X", "none", None]},
    {"type": "string", "pattern": "[0-9]"},
    {},
]
NUMBER_SCHEMAS: list[dict[str, Any]] = [
    *[{"type": ["number", "null"]}] * 6,
    {"type": "number"},
    {"type": ["number", "null"], "minimum": 0},
    {"type": "number", "maximum": 100000, "exclusiveMinimum": -3},
    {"type": "string"},
    {"type": "number", "multipleOf": 0.001},
    {"enum": [0, 1, 2.5]},
    {},
]


@st.composite
def contexts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A context over the columns above, with its schema."""
    leaves: dict[str, tuple[str, dict[str, Any]]] = {}
    for name in ("a", "b"):
        leaves[name] = (draw(texts(2)), draw(st.sampled_from(TEXT_SCHEMAS)))
    for name in ("c", "d"):
        leaves[name] = (draw(numbers(2)), draw(st.sampled_from(NUMBER_SCHEMAS)))
    others = st.sampled_from([*"FFBv", "_pos", "_file", "F if B"])
    leaves["e"] = (draw(st.one_of(others, days(2))), {})
    leaves["f"] = (draw(conditions(1)), {"type": ["boolean", "null"]})
    names = draw(st.permutations(sorted(leaves)))
    required = draw(st.lists(st.sampled_from(names), unique=True, max_size=1))
    lines = [f"  {name}: {json.dumps(leaves[name][0])}" for name in names]
    inner = {"type": "object", "properties": {"g": {}, "h": {"type": "string"}}}
    lines.append(f"  o: {{g: {json.dumps(draw(numbers(1)))}, h: {json.dumps(draw(texts(1)))}}}")
    when = json.dumps(draw(conditions(0)))
    lines.append(f"  w: {{when: {when}, map: {json.dumps(draw(texts(1)))}}}")
    fields = dict(FIELDS)
    digits = draw(st.sampled_from(["digits: 12", "digits: 12", "digits: 18", "digits: 34"]))
    fields["D"] = fields["D"].replace("digits: 12", digits)
    for name in draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=2)):
        fields[name] = fields[name].replace("}", ", required: true}", 1)
    nulls = draw(st.sampled_from(["[]", '[""]', '["", "N"]', '["N"]']))
    skip = draw(st.sampled_from(["", 'skip_when: T == "X"\n', "skip_when: B\n"]))
    check = draw(st.sampled_from(["", 'checks: [{that: "out.c is present", code: C, text: no}]\n']))
    context = (
        "helixnet: 1\nname: drawn\nversion: 1.0.0\ntarget: s.json\n"
        "inputs: {plant: {type: string, default: P1}}\n"
        f"source:\n  format: csv\n  delimiter: ';'\n  decimal: ','\n  thousands: '.'\n"
        f"  encoding: [utf-8, cp1252]\n  nulls: {nulls}\n  fields:\n"
        + "".join(f"    {name}: {spec}\n" for name, spec in fields.items())
        + f"lookups:\n{LOOKUPS}"
        + f"vars: {{v: {json.dumps(draw(numbers(1)))}}}\n{skip}{check}map:\n"
        + "\n".join(lines)
        + "\n"
    )
    properties = {name: schema for name, (_, schema) in leaves.items()} | {"o": inner, "w": {}}
    return context, {"type": "object", "properties": properties, "required": required}


MANY = 100


@dataclass(slots=True)
class Ran:
    """How many drawn contexts, blocks and records went by columns: else a property says little."""

    contexts: int = 0
    columnar: int = 0
    records: int = 0
    tally: dict[str, int] = field(default_factory=lambda: {"blocks": 0, "left": 0, "asked": 0})

    def hold(self, context: tuple[str, dict[str, Any]], data: bytes, part_size: int) -> None:
        """Hold columns to rows, over the whole file and over its parts."""
        plan = planned(*context)
        if plan is None:
            return
        whole, cut = indexed(plan, data), indexed(plan, data, part_size)
        if whole is None or cut is None:
            return
        self.contexts += 1
        by_rows = mapped(plan, data, whole, columns=False)
        for index in (whole, cut):
            by_columns = mapped(plan, data, index, columns=True)
            assert by_columns.documents == by_rows.documents
            assert by_columns.rejects == by_rows.rejects
            assert by_columns.counts == by_rows.counts
        if by_columns.tally:
            self.columnar += 1
            self.records += by_rows.counts.records
            for name, count in by_columns.tally.items():
                self.tally[name] += count

    def enough(self) -> None:
        """Say that columns ran in half of the contexts, and in half of their blocks."""
        assert self.columnar, self
        if self.contexts >= MANY:  # of few, any share may be chance
            assert self.columnar * 2 >= self.contexts, self
            assert self.tally["blocks"] * 2 >= self.tally["left"], self
