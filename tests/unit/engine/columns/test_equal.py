"""Columns give what rows give, byte for byte, whatever the context, the file and the cut."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.columns.writing import (
    EVERY_ROW,
    FIELDS,
    HEADER,
    LOOKUPS,
    Ran,
    contexts,
    files,
    indexed,
    mapped,
    planned,
)

RAN = Ran()


@given(contexts(), files(), st.integers(20, 400))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_columns_and_rows_agree(
    context: tuple[str, dict[str, Any]], data: bytes, part_size: int
) -> None:
    RAN.hold(context, data, part_size)


def test_columns_ran_in_half_of_the_examples() -> None:
    """Else the property above says little; it runs before this one, in this process."""
    if not RAN.contexts:
        test_columns_and_rows_agree()
    RAN.enough()


EXPRESSIONS = [
    *("T", "U", "I", "D", "E", "F", "B", "_pos", "_file", "inputs.plant", "7", "2.50", "null"),
    *("T | trim", "T | upper", "T | lower", "T | unpad", 'T | unpad("a")', "T | substring(1)"),
    *("T | substring(0, 2)", 'T | replace("a", "\\"")', 'T | pad_left(4, "0")', "T | pad_right(3)"),
    *('T | matches("[a-z]+")', 'T | matches("\\\\w*")', "T | length", 'T | or_else("none")'),
    *('T | lookup("keep")', 'T | lookup("null")', 'T | lookup("const")', 'T | lookup("reject")'),
    *("D + E", "D - E", "D * E", "I + 1", "I * I", "I - D", "-D", "-I", "D | abs", "I | abs"),
    *("D | money", "D | money(1)", "E | money(2)", "D | round", "E | round(1)", "I | round(2)"),
    *("E | round_even(2)", "E | round_even", "D | round(4)", "(D * E) | money(2)", "I | money"),
    *("D == E", "D != E", "D < E", "D <= 1", "I > D", "I >= 42", 'T == "a"', "T != U", "T < U"),
    *("F == F", "T == null", "T != null", "D == null", 'T in ["a", "X"]', "B and T is present"),
    *("B or T is empty", "not B", "D is present", "F is present", "T ~ U", 'T ~ "-" ~ I', "D ~ E"),
    *('T | before("a")', 'T | after(",")', 'T | after("ab")', "T | int", "D | int", "D | sign"),
    *("I | sign", "T | date", "T | sap_date", 'T | date("%Y%m%d")', "F | date", "F | add_days(1)"),
    *("F | add_days(-800000)", 'F | format_date("%d.%m.%y")', "F | days_between(F | add_days(9))"),
    *('F | format_date("%Y")', "F | format_date('\"%d\"')", 'F | format_date("%%{ %m }")'),
    *("F ~ T", "T if B", "T if B else U", "D if D > 1 else (E | money(2))", "F if B", "null if B"),
]


ROWS_ONLY = {"null if B"}  # null and absent are both written, and columns know one "nothing"
ROWS_ONLY_WITH_NULLS = {"T if B", "F if B"}  # either could be meant, too
ROWS_ONLY_WITH_NULLS |= {'T | before("a")', 'T | after(",")', 'T | after("ab")'}


@pytest.mark.parametrize("nulls", ["[]", '[""]', '["", "N", "NULL"]'])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_agrees_on_each_value(expression: str, nulls: str) -> None:
    """Each alone in a document, over a file that has every value in every column."""
    fields = "".join(f"    {name}: {spec}\n" for name, spec in FIELDS.items())
    plan = planned(
        "helixnet: 1\nname: one\nversion: 1.0.0\ntarget: s.json\n"
        "inputs: {plant: {type: string, default: P1}}\n"
        "source:\n  format: csv\n  delimiter: ';'\n  decimal: ','\n  thousands: '.'\n"
        f"  nulls: {nulls}\n  fields:\n{fields}lookups:\n{LOOKUPS}"
        f"map:\n  x: {json.dumps(expression)}\n",
        {"type": "object"},
    )
    assert plan is not None
    data = "\n".join([HEADER, *EVERY_ROW]).encode()
    index = indexed(plan, data)
    assert index is not None
    by_rows, by_columns = (mapped(plan, data, index, columns=way) for way in (False, True))
    assert by_columns.documents == by_rows.documents
    assert by_columns.rejects == by_rows.rejects
    assert by_columns.counts == by_rows.counts
    if expression in ROWS_ONLY or (nulls != "[]" and expression in ROWS_ONLY_WITH_NULLS):
        assert not by_columns.tally
        return
    assert by_columns.tally["blocks"] == 1
    assert by_columns.tally["asked"] < by_rows.counts.records


@pytest.mark.parametrize(
    "data", [b"T\na\n\nb\n", b"T\n\na", b"T\na\n\n", b"T\r\na\r\n\r\nb", b'T\n""\n']
)
def test_a_blank_line_of_a_single_column_is_no_record(data: bytes) -> None:
    """To Polars it is a row, and no byte of it is missing; a quoted nothing is a record."""
    plan = planned(
        "helixnet: 1\nname: one\nversion: 1.0.0\ntarget: s.json\n"
        "source: {format: csv, fields: {T: {type: string}}}\nmap: {x: T}\n",
        {"type": "object"},
    )
    assert plan is not None
    index = indexed(plan, data)
    assert index is not None
    by_rows, by_columns = (mapped(plan, data, index, columns=way) for way in (False, True))
    assert (by_columns.documents, by_columns.counts) == (by_rows.documents, by_rows.counts)
