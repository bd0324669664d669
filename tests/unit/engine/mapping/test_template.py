"""Templates: our filters, exact values, and a process that no template can hold up."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from helixnet.engine.context.model import Lookup, Mark
from helixnet.engine.mapping.templates.language import environment, render, template_problems
from helixnet.engine.mapping.templates.renderer import TemplateRenderer
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.faults import ValueFault
from helixnet.errors import UnavailableError

RECORD: dict[str, object] = {
    "r": {
        "items": [1, 2],
        "null": None,
        "amount": Decimal("1.50"),
        "flag": True,
        "day": date(2026, 11, 23),
        "gone": ABSENT,
        "unit": "ST",
    },
    "absent": ABSENT,
}
MARK = Mark("c.yaml", 1, 1)
LOOKUPS = {"uom": Lookup("uom", 1, {"ST": "PCE"}, "reject", MARK)}
ENDLESS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"


def written(source: str, record: Mapping[str, object] = RECORD, **files: str) -> str:
    bundle = {name.replace("_", "."): text.encode() for name, text in files.items()}
    env = environment({**bundle, "a.j2": source.encode()}, LOOKUPS)
    return render(env.get_template("a.j2"), record, 1000)


def fault_of(source: str, record: Mapping[str, object] = RECORD, **files: str) -> ValueFault:
    with pytest.raises(ValueFault) as caught:
        written(source, record, **files)
    return caught.value


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ r.items }}", "[1,2]"),
        ("{{ r.null }} {{ r.flag }} {{ r.amount }} {{ r.day }}", "null true 1.50 2026-11-23"),
        ("{{ r.amount * 2 }}", "3.00"),
        ("{{ r.day | tojson }} {{ {'d': r.day} }}", '"2026-11-23" {"d":"2026-11-23"}'),
        ("{{ r.gone | or_else('x') }}{{ nope | or_else('y') }}", "xy"),
        (
            "{{ r.gone is present }} {{ r.null is empty }} {{ r.nope is defined }}",
            "false true false",
        ),
        ("{{ r.null | trim }}", "null"),
        ("{{ r.unit | lookup('uom') }} {{ lookups.uom.ST }}", "PCE PCE"),
        ("{{ '2.675' | decimal | round(2) }} {{ ['b', 'B'] | sort | join('') }}", "2.68 Bb"),
        ("{{ [1, 2] | map('string') | join('-') }}", "1-2"),
        ("{{ [{'A': 'x', 'B': 1}] | one(A='x') | get('B') }}", "1"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(3) }}", "<3>"),
        ("{% include 'b.j2' %}", "[PCE]"),
        ("{% include 'c.j2' ignore missing %}.", "."),
        ("{{ ['b', none] | sort(none, true) }}", '["b",null]'),
        ("{{ 'abc' | before(none) }}", "null"),
        ("{{ r.null | lookup('uom') }}", "null"),
        ("{{ [{'A': 'x'}] | maybe('A', 'y') | or_else('none') }}", "none"),
    ],
)
def test_our_values_and_filters_win(source: str, text: str) -> None:
    assert written(source, b_j2="[{{ r.unit | lookup('uom') }}]") == text


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("\n{{ nope }}", "HX-2008", "a.j2:2: 'nope' is undefined"),
        ("{{ r.gone }}", "HX-2008", "'gone'"),
        ("{{ absent }}", "HX-2008", "'absent'"),
        ("{{ r.gone | trim }}", "HX-2008", "'gone'"),
        ("{{ 'abc' | int }}", "HX-2001", "not a number"),
        ("{{ 'KG' | lookup('uom') }}", "HX-2002", "uom"),
        ("{{ 'KG' | lookup('nope') }}", "HX-2008", "unknown lookup"),
        ("{{ '1.1' | float }}", "HX-2008", "refused"),
        ("{{ [1, 2] | random }}", "HX-2008", "refused"),
        ("{{ lipsum() }}", "HX-2008", "undefined"),
        ("{{ 1.5 }}", "HX-2008", "float"),
        ("{{ 1 / 3 }}", "HX-2008", "float"),
        ("{{ r.values }}", "HX-2008", "can't be written"),
        ("{{ ''.__class__.__mro__ }}", "HX-2008", "unsafe"),
        ("{{ r['items'].append(3) }}", "HX-2008", "unsafe"),
        ("{{ range(10000000) }}", "HX-2008", "Range too big"),
        ("{% include 'c.j2' %}", "HX-2008", "c.j2"),
        ("{% include '../secret' %}", "HX-2008", "secret"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "HX-2008", "nested too deep"),
        ("{{ 'é' * 501 }}", "HX-6005", "1,000 bytes"),
        ("{{ [{'A': 'x'}] | maybe('A', 'y') }}", "HX-2008", "maybe gave nothing"),
        ("{{ 'a' | trim(1) }}", "HX-4105", "trim"),
        ("{{ 'a' | substring }}", "HX-4105", "start"),
        ("{{ '\\ud800' }}", "HX-2008", "Unicode"),
    ],
)
def test_what_a_template_does_wrong_is_a_fault(source: str, code: str, said: str) -> None:
    fault = fault_of(source)
    assert fault.code == code
    assert said in fault.message


def test_a_fault_in_an_include_names_its_line() -> None:
    assert "b.j2:2:" in fault_of("{% include 'b.j2' %}", b_j2="\n{{ nope }}").message


def test_a_message_never_holds_an_address() -> None:
    for source in ("{{ r.values | trim }}", "{{ r.values }}", "{{ range(3) | map('x') | trim }}"):
        assert "0x" not in fault_of(source).message


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{{ x }", ("a.j2", 1, "unexpected '}'", "")),
        ("\n{{ x | nope }}", ("a.j2", 2, "No filter named 'nope'.", "")),
        ("{{ x | float }}", ("a.j2", 1, "the filter float is refused", "use decimal")),
        ("\n{{ 1.5 }}", ("a.j2", 2, "1.5 would be a float", 'write "1.5" | decimal')),
        ("\n{% include 'c.j2' %}", ("a.j2", 2, "c.j2 is not in the bundle", "put it")),
        ("{% include 'b.j2' %}", ("b.j2", 1, "unexpected end", "")),
        ("(" * 9 + "{{ " + "(" * 9000, ("a.j2", 1, "the template is nested too deep", "")),
    ],
)
def test_problems_are_found_without_data(source: str, problem: tuple[str, int, str, str]) -> None:
    found = template_problems({"a.j2": source.encode(), "b.j2": b"{{ x "}, "a.j2")
    assert [item[:2] for item in found] == [problem[:2]]
    assert found[0][2].startswith(problem[2])
    assert found[0][3].startswith(problem[3])


def test_a_template_that_is_not_utf8_or_not_there_is_a_problem() -> None:
    assert "UTF-8" in template_problems({"a.j2": b"\xff"}, "a.j2")[0][2]
    assert "not in the bundle" in template_problems({}, "a.j2")[0][2]


@pytest.fixture(scope="module")
def renderer() -> Iterator[TemplateRenderer]:
    source = (
        "{% if do == 'loop' %}" + ENDLESS + "{% elif do == 'power' %}{{ 7 ** 99999999 }}"
        "{% elif do == 'memory' %}{{ 'x' * 900000000 }}{% elif do == 'size' %}{{ 'x' * 5000 }}"
        '{% else %}{"n": {{ n | tojson }}}{% endif %}'
    )
    limits = {"time_limit": 0.2, "output_limit": 4096, "memory_limit": 256 * 1024 * 1024}
    with TemplateRenderer({"o.j2": source.encode()}, "o.j2", **limits) as started:
        yield started


def record(number: int, do: str = "") -> dict[str, object]:
    return {"n": number, "do": do}


def workers() -> list[psutil.Process]:
    """List the template processes of this test process, not the children of other tests."""
    children = psutil.Process().children()
    return [
        child for child in children if any("templates.worker" in arg for arg in child.cmdline())
    ]


def test_a_batch_comes_back_in_order(renderer: TemplateRenderer) -> None:
    results = renderer.render([record(number) for number in range(500)])
    assert [json.loads(str(text))["n"] for text in results] == list(range(500))
    assert renderer.render([]) == []


@pytest.mark.parametrize(
    ("do", "code"),
    [("loop", "HX-6004"), ("power", "HX-6004"), ("memory", "HX-6005"), ("size", "HX-6005")],
)
def test_a_record_over_a_limit_costs_its_own_result_only(
    renderer: TemplateRenderer, do: str, code: str
) -> None:
    results = renderer.render([record(1), record(2, do), record(3)])
    assert (results[0], results[2]) == ('{"n": 1}', '{"n": 3}')
    assert isinstance(results[1], ValueFault)
    assert results[1].code == code


def test_a_process_that_was_killed_is_started_anew(renderer: TemplateRenderer) -> None:
    renderer.render([record(1)])
    children = workers()
    assert children
    for child in children:
        child.kill()
    assert renderer.render([record(2)]) == ['{"n": 2}']


def test_a_template_that_does_not_compile_is_a_fault_of_every_record() -> None:
    with TemplateRenderer({"o.j2": b"{{ n"}, "o.j2") as broken:
        results = broken.render([{"n": 1}, {"n": 2}])
    assert [fault.code for fault in results if isinstance(fault, ValueFault)] == ["HX-2008"] * 2


def test_no_process_outlives_its_renderer() -> None:
    before = {child.pid for child in workers()}
    forgotten = TemplateRenderer({"o.j2": b"x"}, "o.j2")
    assert forgotten.render([{}]) == ["x"]
    started = {child.pid for child in workers()} - before
    assert len(started) == 1
    del forgotten
    assert not started & {child.pid for child in workers()}


def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    """The parent dies by SIGKILL while the template loops; the kernel's limit ends the child."""
    program = tmp_path / "parent.py"
    program.write_text(
        "from helixnet.engine.mapping.templates.renderer import TemplateRenderer\n"
        f"files = {{'o.j2': b'{{% if go %}}{ENDLESS}{{% endif %}}'}}\n"
        "with TemplateRenderer(files, 'o.j2', time_limit=0.3) as renderer:\n"
        "    renderer.render([{'go': False}])\n"
        "    print('started', flush=True)\n"
        "    renderer.render([{'go': True}] * 100)\n"
    )
    command = [sys.executable, str(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        (child,) = psutil.Process(parent.pid).children()
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("program", ["/nonexistent/python", "/bin/false"])
def test_a_process_that_can_not_be_started_is_to_be_tried_later(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with (
        TemplateRenderer({"o.j2": b"x"}, "o.j2") as renderer,
        pytest.raises(UnavailableError, match="template process"),
    ):
        renderer.render([{}])
