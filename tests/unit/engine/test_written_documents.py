"""The promise of the target: nothing is written that the authority does not accept."""

from io import BytesIO

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.outcome import Counts
from helixnet.engine.output import json_text, read_json
from helixnet.engine.plan import compile_plan
from helixnet.engine.transform import transform_file
from helixnet.engine.validation.schema import compile_schema
from helixnet.errors import ContextError

MAP = {
    "v": "v",
    "o": {"x": "x", "y": {"when": "v is present", "map": "y"}},
    "l": {"each": "l", "as": "i", "map": {"n": "i.n"}},
    "p": {"each": "p", "as": "i", "map": "i"},
}
texts = st.sampled_from(["", "a", "AB", "12", "1.50", "ä", "2026-11-23", "x@y.de"])
numbers = st.one_of(st.integers(-5, 5), st.decimals(-5, 5, places=2), st.just(10**30))
values = st.one_of(st.none(), st.booleans(), numbers, texts)
rules = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            ["string", "number", "integer", "boolean", ["string", "null"], ["number", "string"]]
        ),
        "enum": st.lists(values, min_size=1, max_size=3),
        "minimum": st.integers(-2, 2),
        "maxLength": st.integers(0, 3),
        "minLength": st.integers(0, 2),
        "multipleOf": st.sampled_from([1, 2]),
        "pattern": st.sampled_from(["^[a-z]*$", "[0-9]"]),
        "format": st.sampled_from(["date", "email"]),
        "not": st.just({"const": 1}),
    },
)


SHUT: dict[str, object] = {"type": "object", "additionalProperties": False}


def shaped(form: str, properties: dict[str, object], required: list[str]) -> dict[str, object]:
    """An object's schema: names no property and takes none, or names them in one of three ways."""
    if form == "nameless":
        return SHUT
    found: dict[str, object] = {"type": "object", "properties": properties, "required": required}
    if form == "apart":
        return {"allOf": [found, SHUT]}
    return found if form == "open" else found | SHUT


forms = st.sampled_from(["closed"] * 5 + ["open", "apart", "nameless"])
targets = st.builds(
    lambda v, x, y, n, p, needed, least, form, outer, inner: shaped(
        outer,
        {
            "v": v,
            "o": shaped(form, {"x": x, "y": y}, needed),
            "l": {"type": "array", "items": shaped(inner, {"n": n}, ["n"])},
            "p": {"type": "array", "items": p, "minItems": least, "maxItems": 2},
        },
        ["v"] if needed else [],
    ),
    *[rules] * 5,
    st.sampled_from([[], ["x"], ["x", "y"]]),
    st.integers(0, 1),
    *[forms] * 3,
)
records = st.fixed_dictionaries(
    {},
    optional={
        "v": values,
        "x": values,
        "y": values,
        "l": st.lists(st.fixed_dictionaries({}, optional={"n": values}), max_size=3),
        "p": st.lists(values, max_size=3),
    },
)


@settings(max_examples=50, deadline=None)
@example(SHUT, [{}])
@example({"properties": {"o": SHUT}, "additionalProperties": True}, [{"x": 1}])
@example({"allOf": [shaped("open", {key: {} for key in MAP}, []), SHUT]}, [{}])
@given(targets, st.lists(records, max_size=6))
def test_every_document_that_is_written_is_valid(
    target: dict[str, object], given_records: list[dict[str, object]]
) -> None:
    context = yaml.safe_dump({"helixnet": 1, "name": "n", "version": "1.0.0", "map": MAP})
    context += "target: t.json\nsource: {format: ndjson}\n"
    files = {"c.yaml": context.encode(), "t.json": json_text(target).encode()}
    try:
        plan = compile_plan(bundle_from_files("c.yaml", files))
    except ContextError:
        return  # such as a list where the schema wants a text: told before any record
    data = "\n".join(map(json_text, given_records)).encode()
    documents, rejects = BytesIO(), BytesIO()
    outcome = transform_file(
        plan, BytesIO(data), documents=documents, rejects=rejects, file="f.ndjson"
    )
    authority = compile_schema(target, {}, "t.json")
    written = [read_json(line) for line in documents.getvalue().splitlines()]
    assert [document for document in written if not authority.is_valid(document)] == []
    total = len(given_records)
    assert outcome.counts.balanced
    assert outcome.counts == Counts(
        total, len(written), total - len(written), 0, total, len(written), total - len(written)
    )
