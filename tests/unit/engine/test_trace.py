"""A trace is what happened: over any expression its last step is what the run wrote."""

import io
import json
from decimal import Decimal
from typing import Any

from hypothesis import given

from helixnet.engine.output import json_text
from helixnet.engine.seek import Choice
from helixnet.engine.trace import MOST_FIELDS, Trace, trace_field
from helixnet.engine.values.absent import ABSENT
from helixnet.errors import ContextError
from tests.unit.engine.mapping.mapped import plan
from tests.unit.engine.reference.running import LOOSE, compiled, planned
from tests.unit.engine.reference.test_expressions import MISFITS, RECORDS, WELL_TYPED
from tests.unit.engine.reference.values import as_json


def traced(expression: str, record: dict[str, Any]) -> Trace:
    stream = io.BytesIO(as_json(record).encode() + b"\n")
    return trace_field(planned(expression, LOOSE), stream, "f", "/v", Choice(record=1))


@given(WELL_TYPED, RECORDS)
def test_the_last_step_is_what_was_written(expression: str, record: dict[str, Any]) -> None:
    (written,) = compiled(planned(expression, LOOSE), [record])
    found = traced(expression, record)
    (rule,) = found.rules
    last = rule.steps[-1].seen
    if written == "rejected":
        assert found.faults
        assert last.fault is not None
        assert last.fault.code in {"", found.faults[0].code}
        assert any(step.seen.fault and step.seen.fault.code for step in rule.steps)
    elif written == "{}":
        assert (found.written, last.fault) == (False, None)
        assert last.value in (None, ABSENT)
    else:
        assert found.written
        assert json_text(found.value) == json_text(last.value) == written[len('{"v":') : -1]


@given(WELL_TYPED, RECORDS)
def test_bytes_that_are_shown_are_the_value_that_was_read(
    expression: str, record: dict[str, Any]
) -> None:
    text = as_json(record)
    for rule in traced(expression, record).rules:
        for step in rule.steps:
            for one in step.excerpts:
                assert text[one.place.column - 1 :].startswith(one.text)
                assert one.raw == one.text.encode()
                if step.seen.kind == "source":
                    value = json.loads(as_json(step.seen.value), parse_float=Decimal)
                    assert json.loads(one.text, parse_float=Decimal) == value


@given(MISFITS, RECORDS)
def test_what_fails_is_traced_too(expression: str, record: dict[str, Any]) -> None:
    try:
        found = traced(expression, record)
    except ContextError:
        return  # refused before any record
    assert found.rules


BUILT = """
target: true
source: {format: csv, fields: {A: {type: string}, N: {type: integer}, P: {type: integer}}}
group: {by: A, order: consecutive, header: h, lines: l}
map:
  id: h.A | trim
  items:
    each: l
    as: one
    where: one.N > 0
    map: {sku: one.A, price: one.P, amount: one.N * this.price}
  total: out.items | sum("amount")
  count: out.items | length
  label: "{{ out.id }}: {{ out.total }}"
  all: out.items | tojson
"""
ROWS = "A,N,P\na,2,10\na,0,9\na,3,100\n"


def lines_of(trace: Trace) -> set[int]:
    """The lines of the file that stand behind a field, through all that it read."""
    own = {
        one.place.line
        for rule in trace.rules
        if rule.what == "map"
        for step in rule.steps
        for one in step.excerpts
    }
    return own.union(*(lines_of(read) for read in trace.reads))


def test_what_a_field_read_of_the_document_is_traced_behind_it() -> None:
    """To the source, through fields that read others; the dropped row is not among them."""
    made = plan(BUILT)
    total = trace_field(made, io.BytesIO(ROWS.encode()), "f", "/total")
    assert total.value == 320
    assert [(read.pointer, read.value) for read in total.reads] == [
        ("/items/0/amount", 20),
        ("/items/1/amount", 300),
    ]
    behind = [(read.pointer, read.value) for one in total.reads for read in one.reads]
    assert behind == [("/items/0/price", 10), ("/items/1/price", 100)]
    assert lines_of(total) == {2, 4}
    assert [lines_of(read) for read in total.reads] == [{2}, {4}]


def test_a_template_and_a_whole_list_show_all_that_they_read() -> None:
    made = plan(BUILT)
    label = trace_field(made, io.BytesIO(ROWS.encode()), "f", "/label")
    assert [read.pointer for read in label.reads] == ["/id", "/total"]
    assert [read.pointer for read in label.reads[1].reads] == ["/items/0/amount", "/items/1/amount"]
    whole = trace_field(made, io.BytesIO(ROWS.encode()), "f", "/all")
    names = [f"/items/{n}/{name}" for n in (0, 1) for name in ("sku", "price", "amount")]
    assert [read.pointer for read in whole.reads] == names
    count = trace_field(made, io.BytesIO(ROWS.encode()), "f", "/count")
    assert (count.value, count.reads) == (2, [])


def test_a_field_that_was_traced_behind_another_is_as_it_is_alone() -> None:
    made = plan(BUILT)
    total = trace_field(made, io.BytesIO(ROWS.encode()), "f", "/total")
    alone = trace_field(made, io.BytesIO(ROWS.encode()), "f", "/items/1/amount")
    assert total.reads[1] == alone


def test_of_many_fields_behind_a_sum_the_first_are_shown_and_the_rest_counted() -> None:
    rows = "A,N,P\n" + "a,1,1\n" * 5000
    total = trace_field(plan(BUILT), io.BytesIO(rows.encode()), "f", "/total")
    assert total.value == 5000
    assert len(total.reads) == MOST_FIELDS
    assert total.more == 5000 - MOST_FIELDS


def test_what_a_rejected_record_has_built_is_traced_as_far_as_it_came() -> None:
    made = plan(BUILT)
    found = trace_field(made, io.BytesIO(b"A,N,P\na,1,x\n"), "f", "/label", Choice(record=1))
    assert {fault.code for fault in found.faults} == {"HX-1103"}
    assert not found.written
    assert [(read.pointer, read.written) for read in found.reads] == [
        ("/id", False),
        ("/total", False),
    ]


def test_one_output_may_read_another() -> None:
    made = plan("""
        source: {format: csv, fields: {A: {type: integer}}}
        outputs:
          one: {target: true, map: {v: A}}
          two: {target: true, map: {w: out.one.v}}
        """)
    found = trace_field(made, io.BytesIO(b"A\n5\n6\n"), "f", "/two/w", Choice(record=2))
    assert (found.value, [(read.pointer, read.value) for read in found.reads]) == (
        6,
        [("/one/v", 6)],
    )


def test_a_sum_over_many_rows_shows_the_first_only() -> None:
    made = plan(
        "target: true\nsource: {format: csv, fields: {A: {type: string}, N: {type: integer}}}\n"
        "group: {by: A, order: consecutive, header: h, lines: l}\n"
        'map: {v: l | sum("N"), c: l | count}\n'
    )
    rows = "A,N\n" + "a,1\n" * 5000
    found = trace_field(made, io.BytesIO(rows.encode()), "f", "/v")
    assert found.value == 5000
    assert [one.place.line for step in found.rules[0].steps for one in step.excerpts] == [
        *range(2, 52)
    ]
