"""`skip_when` runs first; where it fails, the record tells all its faults all the same."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.mapping.mapped import Result, plan, run

CONTEXT = """\
target: {properties: {n: {type: integer}, m: {type: integer}, t: {maxLength: 2}, l: {}}}
source:
  format: csv
  nulls: [""]
  fields: {N: {type: integer}, M: {type: integer}, K: {type: integer}, T: {required: true}}
VARS
map: {n: N, m: M, t: T}
"""
cells = st.sampled_from(["", "1", "2", "x", "abc"])


compiled = cache(plan)


def mapped(context: str, text: str) -> Result:
    return run(compiled(context), text)


def faults(context: str, text: str) -> list[set[tuple[str, str | None, str]]]:
    """Of each rejected record its faults, as code, target and field."""
    return [
        {(f.code, f.target, f.source.field if f.source else "") for f in reject.faults}
        for reject in mapped(context, text).rejects
    ]


@pytest.mark.parametrize(
    "lines", ["skip_when: N == 7", "vars: {v: N + 1}\nskip_when: v == 8", "skip_when: N + M == 9"]
)
@given(st.lists(st.tuples(cells, cells, cells), max_size=8))
def test_a_condition_that_never_holds_changes_no_fault(
    lines: str, rows: list[tuple[str, str, str]]
) -> None:
    text = "N,M,K,T\n" + "".join(f"{n},{m},1,{t}\n" for n, m, t in rows)
    with_skip, plain = CONTEXT.replace("VARS", lines), CONTEXT.replace("VARS\n", "")
    assert mapped(with_skip, text).texts == mapped(plain, text).texts
    assert faults(with_skip, text) == faults(plain, text)


def test_a_bad_field_is_told_with_the_targets_that_it_feeds_and_so_are_the_others() -> None:
    context = CONTEXT.replace("VARS", "skip_when: N == 2")
    assert faults(context, "N,M,K,T\nx,y,1,\n2,y,z,\n") == [
        {("HX-1103", "/n", "N"), ("HX-1103", "/m", "M"), ("HX-1101", "/t", "T")}
    ]


def test_a_bad_field_that_feeds_nothing_is_told_without_target() -> None:
    context = CONTEXT.replace("VARS", "skip_when: K == 2")
    assert faults(context, "N,M,K,T\n1,y,x,a\n") == [
        {("HX-1103", None, "K"), ("HX-1103", "/m", "M")}
    ]


def test_a_condition_fails_only_on_fields_that_it_reads() -> None:
    """What is skipped may be as bad as it likes."""
    found = mapped(CONTEXT.replace("VARS", "skip_when: K == 2"), "N,M,K,T\nx,y,2,\n1,1,1,a\n")
    assert (found.counts.skipped, found.counts.used, found.rejects) == (1, 1, [])


def test_no_record_is_skipped_because_a_var_failed_and_none_after_it_pays_for_it() -> None:
    context = CONTEXT.replace("VARS", "vars: {v: T ~ (N + 1)}\nskip_when: v != 'a2'")
    found = mapped(context, "N,M,K,T\nx,1,1,a\n1,1,1,a\n2,1,1,a\n")
    assert (found.counts.rejected, found.counts.used, found.counts.skipped) == (1, 1, 1)
    assert [reject.record for reject in found.rejects] == [1]


def test_a_group_is_as_complete_as_a_row() -> None:
    context = CONTEXT.replace("VARS", "group: {by: K}\nskip_when: h.N == 2").replace(
        "map: {n: N, m: M, t: T}", "map: {n: h.N, t: h.T, l: {each: lines, as: l, map: l.M}}"
    )
    found = faults(context, "N,M,K,T\nx,y,1,abc\n1,z,1,a\n")
    bad = {("HX-1103", "/n", "N"), ("HX-1103", "/l/0", "M"), ("HX-1103", "/l/1", "M")}
    assert found == [bad | {("HX-3004", "/t", "T")}]
