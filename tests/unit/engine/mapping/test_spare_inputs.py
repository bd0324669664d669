"""Values that are meant for any context, as a tenant's are: each takes what it declares."""

from datetime import date

import pytest

from helixnet.engine.plan import compile_plan
from helixnet.errors import ContextError
from tests.unit.engine.mapping.mapped import bundle

CONTEXT = """
target: {type: object}
source: {format: csv}
inputs: {plant: {type: string, default: none}, day: {type: date}}
map: {id: ID, plant: inputs.plant, day: inputs.day}
"""
STEP = """
target: {type: object}
source: {format: json}
inputs: {site: {type: string}}
map: {id: id, site: inputs.site}
"""
HEAD = "helixnet: 1\nname: test\nversion: 1.0.0\n"
DAY = date(2026, 11, 27)


def values(inputs: dict[str, object], spare: dict[str, object]) -> dict[str, object]:
    return dict(compile_plan(bundle(CONTEXT), inputs, spare=spare).inputs)


def test_what_is_given_wins_over_a_spare_value_over_the_default() -> None:
    day: dict[str, object] = {"day": "2026-11-27"}
    assert values({}, day) == {"plant": "none", "day": DAY}
    assert values(day, {"plant": "1000", "day": "no date"}) == {"plant": "1000", "day": DAY}
    assert values(day | {"plant": "1"}, {"plant": "1000"}) == {"plant": "1", "day": DAY}


def test_a_name_that_is_not_declared_is_left_alone_only_where_it_is_spare() -> None:
    assert values({"day": "2026-11-27"}, {"other": "x"}) == {"plant": "none", "day": DAY}
    with pytest.raises(ContextError, match="declares no input `other`"):
        values({"day": "2026-11-27", "other": "x"}, {})


def test_a_spare_value_must_fit_the_declared_type() -> None:
    with pytest.raises(ContextError, match="day"):
        values({}, {"day": "27.11.2026"})


def test_the_steps_of_a_pipeline_take_what_each_declares() -> None:
    whole = bundle(
        "pipeline: [{use: a.yaml}, {use: b.yaml}]", a__yaml=HEAD + CONTEXT, b__yaml=HEAD + STEP
    )
    spare = {"day": "2026-11-27", "site": "north", "other": "x"}
    assert compile_plan(whole, {}, spare=spare).inputs == {
        "plant": "none",
        "day": DAY,
        "site": "north",
    }


def test_the_same_values_give_the_same_hash_whoever_gave_them() -> None:
    day: dict[str, object] = {"day": "2026-11-27"}
    tenant = compile_plan(bundle(CONTEXT), {}, spare=day)
    job = compile_plan(bundle(CONTEXT), day, spare={"x": "y"})
    assert tenant.inputs_hash == job.inputs_hash
