"""What is meant to break the engine ends in a typed error, in little time and memory."""

import io
import json
import tracemalloc
from typing import Any

import pytest

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.mapping import outline, runtime
from helixnet.engine.plan import compile_plan
from helixnet.engine.transform import transform_file
from helixnet.errors import ContextError

MEGABYTES = 200
RECORD: dict[str, Any] = {"x": "a", "n": 10**9, "l": list(range(100))}


@pytest.fixture(autouse=True)
def lower_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million turns under the watch of memory would take a minute."""
    monkeypatch.setattr(runtime, "MAX_TURNS", 10_000)
    monkeypatch.setattr(runtime, "MAX_VALUES", 10_000)
    monkeypatch.setattr(outline, "MAX_SLOTS", 400)


def context(leaf: str, more: str = "", target: str = "{type: object}") -> str:
    return (
        f"helixnet: 1\nname: h\nversion: 1.0.0\ntarget: {target}\n"
        f"source: {{format: ndjson}}\n{more}map: {leaf}\n"
    )


def growing(first: str, step: str, times: int) -> str:
    """Vars of which each makes more of the one before."""
    steps = (f"  a{n}: {json.dumps(step.replace('@', f'a{n - 1}'))}\n" for n in range(1, times))
    return f"vars:\n  a0: {first}\n{''.join(steps)}"


def products(depth: int) -> str:
    """Lists within lists, each over all of `l`."""
    lists = "".join("{r: {each: l, as: b" + f"{n}, map: " for n in range(depth))
    return "{r: {each: l, as: a, map: " + lists + "n" + "}}" * (depth + 1)


def outcome(text: str, record: dict[str, Any]) -> set[str]:
    """The codes of the errors of one record; memory is watched."""
    tracemalloc.start()
    try:
        plan = compile_plan(bundle_from_files("c.yaml", {"c.yaml": text.encode()}))
        documents, rejects = io.BytesIO(), io.BytesIO()
        source = io.BytesIO(json.dumps(record).encode() + b"\n")
        transform_file(plan, source, documents=documents, rejects=rejects, file="f")
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 2**20
    finally:
        tracemalloc.stop()
    reject = json.loads(rejects.getvalue() or '{"errors": []}')
    return {error["code"] for error in reject["errors"]}


@pytest.mark.parametrize(
    ("leaf", "more", "code"),
    [
        ('{v: "a38 | length"}', growing("x ~ x", "@ ~ @", 40), "HX-6005"),
        ("{v: '{{ a38 }}!'}", growing("x ~ x", "{{ @ }}{{ @ }}", 40), "HX-6005"),
        ('{v: "a14 | length"}', growing("x", "@ | replace('a', 'aaaaaaaaaa')", 20), "HX-6005"),
        ('{v: "a10 | length"}', growing("x", "[@, @, @, @, @, @, @, @] | join", 12), "HX-6005"),
        ("{v: a30}", growing("l", "[@, @]", 32), "HX-6005"),
        (products(2), "", "HX-6004"),
        (products(7), "", "HX-6004"),
        ('{v: "x | pad_left(n)"}', "", "HX-2005"),
        ('{v: "[x, n] | sort"}', "", "HX-2005"),
    ],
)
def test_what_grows_without_end_is_a_reject(leaf: str, more: str, code: str) -> None:
    assert outcome(context(leaf, more), RECORD) == {code}


def test_what_is_large_but_not_too_large_is_mapped() -> None:
    assert outcome(context('{v: "a18 | length"}', growing("x ~ x", "@ ~ @", 20)), RECORD) == set()
    assert outcome(context(products(0)), RECORD) == set()


def doubling(times: int) -> str:
    """A schema of which each part asks the one below twice."""
    parts = [
        f"d{n}: {{anyOf: [{{$ref: '#/$defs/d{n - 1}'}}, {{$ref: '#/$defs/d{n - 1}'}}]}}"
        for n in range(1, times + 1)
    ]
    return f"{{$ref: '#/$defs/d{times}', $defs: {{d0: {{type: string}}, {', '.join(parts)}}}}}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (context("{a: " * 100 + "x" + "}" * 100), "HX-4001"),
        (context('{v: "' + "(" * 200 + "n" + ")" * 200 + '"}'), "HX-4102"),
        (context('{v: "' + "not " * 4000 + 'true"}'), "HX-4102"),
        (context('{v: "' + "*".join(["n"] * 3000) + '"}'), "HX-4102"),
        (context('{v: "' + "9" * 5000 + '"}'), "HX-4101"),
        (context('{v: "1e999999 + n"}'), "HX-4101"),
        (context("{v: 1e999999999}"), "HX-4007"),
        (context("{v: \"'a' * 1000000000\"}"), "HX-4106"),
        (context('{v: "2 ** 100000000"}'), "HX-4102"),
        (context('{v: "n | round(1000000000)"}'), "HX-4105"),
        (context('{v: "n | format_number(1000000000)"}'), "HX-4105"),
        (context("{v: \"x | matches('(a{1000}){1000}')\"}"), "HX-4105"),
        (context("{v: \"''.__class__.__mro__\"}"), "HX-4102"),
        (context('{v: "x.upper()"}'), "HX-4102"),
        (context("{v: x}", "vars:\n  a: &a [1]\n  b: [*a, *a]\n"), "HX-4006"),
        (context("{v: a}", "vars:\n" + "".join(f"  a{n}: x\n" for n in range(300))), "HX-4004"),
        (context("{v: x}", target=doubling(30)), "HX-4203"),
    ],
)
def test_what_is_too_large_to_compile_is_an_error_of_check(text: str, code: str) -> None:
    with pytest.raises(ContextError) as caught:
        outcome(text, RECORD)
    assert code in {problem.code for problem in caught.value.problems}


def test_a_map_of_very_many_leaves_is_refused() -> None:
    keys = ", ".join(f"k{n}: n" for n in range(500))
    with pytest.raises(ContextError, match="more than 400 nodes"):
        outcome(context(f"{{{keys}}}"), RECORD)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*(a|aa)+c", "(.*)*x"])
def test_no_pattern_takes_more_than_linear_time(pattern: str) -> None:
    record = {"x": "a" * 50_000}
    assert outcome(context(f"{{v: \"x | matches('{pattern}')\"}}"), record) == set()
    target = f'{{type: object, properties: {{v: {{type: string, pattern: "^{pattern}$"}}}}}}'
    assert outcome(context("{v: x}", target=target), record) == {"HX-3005"}


@pytest.mark.parametrize("schema", ['{$ref: "#"}', '{allOf: [{$ref: "#"}], type: object}'])
def test_a_schema_that_refers_to_itself_ends(schema: str) -> None:
    assert outcome(context("{v: x}", target=schema), RECORD) == set()
