"""Two plans in lock step: every document and reject is accounted for, in bounded memory."""

import tracemalloc
from io import BytesIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.compare import MOST_FIELDS, Comparison, compare_plans
from helixnet.engine.plan import Plan
from tests.unit.engine.mapping.mapped import plan

SOURCE = "target: true\nsource: {format: csv, fields: {A: {type: string}, N: {type: integer}}}\n"
PLAINLY = plan(SOURCE + "map: {a: A, n: N}\n")
GROUPED = plan(
    SOURCE + "group: {by: A, order: consecutive, header: h, lines: l}\nmap: {a: h.A, n: h.N}\n"
)
PICKY = plan(
    SOURCE + 'skip_when: A == "b"\nmap: {a: A, n: N if N > 1 else 0}\n'
    "checks: [{that: out.n != 3, code: THREE, text: A}]\n"
)
MANY = plan(
    SOURCE + "group: {by: A, order: consecutive, header: h, lines: l}\n"
    "map: {each: l, as: x, where: x.N != 2, map: {a: x.A, n: x.N}}\n"
)
PLANS = st.sampled_from([PLAINLY, GROUPED, PICKY, MANY])
ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["1", "2", "3", "x"])))


def compared(before: Plan, after: Plan, text: str, samples: int = 3) -> Comparison:
    return compare_plans(before, after, BytesIO(text.encode()), file="f", samples=samples)


@given(before=PLANS, after=PLANS, rows=ROWS)
def test_every_document_and_reject_is_accounted_for(
    before: Plan, after: Plan, rows: list[tuple[str, str]]
) -> None:
    text = "A,N\n" + "".join(f"{a},{n}\n" for a, n in rows)
    found = compared(before, after, text)
    both = found.unchanged + found.changed + found.rewritten
    assert both + found.removed == found.before.counts.written
    assert both + found.added == found.after.counts.written
    rejected = found.after.counts.rejected - found.before.counts.rejected
    assert found.new_rejects - found.gone_rejects == rejected
    assert found.before.counts.balanced
    assert found.after.counts.balanced
    assert found.differs or before is after or found.before.counts == found.after.counts
    if before is after:
        assert not found.differs


@given(before=PLANS, after=PLANS, rows=ROWS)
def test_the_other_way_round_is_the_mirror(
    before: Plan, after: Plan, rows: list[tuple[str, str]]
) -> None:
    text = "A,N\n" + "".join(f"{a},{n}\n" for a, n in rows)
    there, back = compared(before, after, text), compared(after, before, text)
    assert (there.unchanged, there.changed) == (back.unchanged, back.changed)
    assert (there.added, there.removed) == (back.removed, back.added)
    assert (there.new_rejects, there.gone_rejects) == (back.gone_rejects, back.new_rejects)
    assert there.other_rejects == back.other_rejects
    assert there.fields.keys() == back.fields.keys()


def test_one_difference_in_a_large_file_is_found_at_its_line() -> None:
    rows = ["a,1\n"] * 60_000
    rows[41_234] = "a,2\n"
    two = plan(SOURCE + "map: {a: A, n: (5 if N == 2 else N)}\n")
    found = compared(PLAINLY, two, "A,N\n" + "".join(rows))
    assert (found.unchanged, found.changed) == (59_999, 1)
    assert found.fields["/n"].samples == [
        {"record": 41_235, "line": 41_236, "pointer": "/n", "before": 2, "after": 5}
    ]


def test_memory_does_not_grow_with_the_file() -> None:
    """All of 12 MB differs; what is held is a batch of each side and the samples."""
    two = plan(SOURCE + "map: {a: A | upper, n: N}\n")
    text = "A,N\n" + f"{'a' * 1200},1\n" * 10_000
    tracemalloc.start()
    try:
        stream = BytesIO(text.encode())
        base = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        found = compare_plans(PLAINLY, two, stream, file="f", samples=2)
        peak = tracemalloc.get_traced_memory()[1] - base
    finally:
        tracemalloc.stop()
    assert found.changed == 10_000
    assert peak < 10_000_000, peak


def test_ever_new_keys_do_not_fill_the_memory() -> None:
    source = "target: true\nsource: {format: ndjson}\n"
    before, after = plan(source + "map: {x: a}\n"), plan(source + "map: {x: b}\n")
    rows: list[str] = [f'{{"a": {{}}, "b": {{"k{n}": 1}}}}\n' for n in range(MOST_FIELDS + 50)]
    found: Any = compared(before, after, "".join(rows))
    assert len(found.fields) == MOST_FIELDS + 1
    assert found.fields[""].added == 50
