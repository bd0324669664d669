"""A trace is what happened: over any expression its last step is what the run wrote."""

import io
import json
from decimal import Decimal
from typing import Any

from hypothesis import given

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.output import json_text
from helixnet.engine.plan import compile_plan
from helixnet.engine.seek import Choice
from helixnet.engine.trace import Trace, trace_field
from helixnet.engine.values.absent import ABSENT
from helixnet.errors import ContextError
from tests.unit.engine.mapping.mapped import plan
from tests.unit.engine.reference.test_expressions import (
    CONTEXT,
    MISFITS,
    RECORDS,
    WELL_TYPED,
    compiled,
)


def traced(expression: str, record: dict[str, Any]) -> Trace:
    leaf = "'" + expression.replace("'", "''") + "'"
    made = compile_plan(bundle_from_files("c.yaml", {"c.yaml": CONTEXT.format(leaf=leaf).encode()}))
    stream = io.BytesIO(json_text(record).encode() + b"\n")
    return trace_field(made, stream, "f", "/v", Choice(record=1))


@given(WELL_TYPED, RECORDS)
def test_the_last_step_is_what_was_written(expression: str, record: dict[str, Any]) -> None:
    written = compiled(expression, record)
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
    text = json_text(record)
    for rule in traced(expression, record).rules:
        for step in rule.steps:
            for one in step.excerpts:
                assert text[one.place.column - 1 :].startswith(one.text)
                assert one.raw == one.text.encode()
                if step.seen.kind == "source":
                    assert json.loads(one.text, parse_float=Decimal) == step.seen.value


@given(MISFITS, RECORDS)
def test_what_fails_is_traced_too(expression: str, record: dict[str, Any]) -> None:
    try:
        found = traced(expression, record)
    except ContextError:
        return  # refused before any record
    assert found.rules


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
