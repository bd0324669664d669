"""``helixnet trace``: from a field of a result back to the bytes that it came of."""

import csv
import io
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from helixnet.engine.context.bundle import load_bundle
from helixnet.engine.plan import compile_plan
from tests.unit.cli.commanding import CONTEXT, Command

EXAMPLES = Path(__file__).parents[3] / "examples"
LINES = """\
helixnet: 1
name: lines
version: 1.0.0
target: true
source:
  format: csv
  delimiter: ";"
  decimal: ","
  encoding: ENCODING
  fields: {NO: {type: string}, TEXT: {type: string}, QTY: {type: decimal, scale: 1}}
group: {by: NO, order: consecutive, header: h, lines: lines}
lookups: {unit: {inline: {x: X}, missing: keep}}
vars: {twice: lines | sum("QTY")}
skip_when: h.NO == "skip"
map:
  no: h.NO
  total: twice * 2
  first: lines | first | get("TEXT")
  kind: ("many" if h.QTY > 5 else h.TEXT | lookup("unit"))
  given: h.TEXT | or_else(h.NO)
  late: {when: h.QTY > 5, map: {qty: h.QTY}}
  items:
    each: lines
    as: l
    where: l.QTY > 1
    map: {text: l.TEXT | trim, before: l._prev.TEXT, pos: l._pos, index: l._index}
"""
ROWS = 'NO;TEXT;QTY\nA;"a ;""1""\n";1\nA;ä;2,5\nA; c;3\nskip;s;1\nB;;9\n'


def traced(helixnet: Command, *arguments: object) -> list[dict[str, Any]]:
    outcome = helixnet("trace", *arguments, "--json")
    assert outcome.err == ""
    return json.loads(outcome.out, parse_float=Decimal)


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from leaves(below, f"{pointer}/{name}")
    elif isinstance(value, list) and value:
        for number, below in enumerate(value):
            yield from leaves(below, f"{pointer}/{number}")
    else:
        yield pointer, value


def sources_of(trace: dict[str, Any]) -> list[dict[str, Any]]:
    rule = trace["rules"][-1]
    return [source for step in rule["steps"] for source in step["sources"]]


@pytest.fixture(params=["utf-8", "cp1252", "utf-16-le"])
def lines(request: pytest.FixtureRequest, given: Path) -> tuple[Path, Path, str]:
    context, file = given / "lines.yaml", given / "lines.csv"
    context.write_text(LINES.replace("ENCODING", request.param), "utf-8")
    file.write_bytes(ROWS.encode(request.param))
    return context, file, request.param


def test_a_cell_is_shown_as_it_stands_in_the_file(
    helixnet: Command, lines: tuple[Path, Path, str]
) -> None:
    """With its quotes, in the file's own bytes, over the end of a line."""
    context, file, encoding = lines
    (trace,) = traced(helixnet, context, file, "/first")
    (source,) = sources_of(trace)
    cell = '"a ;""1""\n"'
    assert trace["value"] == 'a ;"1"\n'
    assert (source["line"], source["column"], source["field"]) == (2, 3, "TEXT")
    assert (source["text"], bytes.fromhex(source["bytes"])) == (cell, cell.encode(encoding))


def test_the_row_of_a_line_is_found_behind_those_that_were_left_out(
    helixnet: Command, lines: tuple[Path, Path, str]
) -> None:
    context, file, encoding = lines
    (trace,) = traced(helixnet, context, file, "/items/0/text")
    (source,) = sources_of(trace)
    assert (trace["value"], source["line"], source["column"]) == ("ä", 4, 3)
    assert bytes.fromhex(source["bytes"]) == "ä".encode(encoding)
    assert [rule["rule"] for rule in trace["rules"]] == ["each", "where", "map"]
    assert trace["rules"][0]["note"] == "element 2"
    assert trace["rules"][1]["steps"][-1]["value"] is True
    (before,) = traced(helixnet, context, file, "/items/1/before")
    assert [source["line"] for source in sources_of(before)] == [4]


def test_each_filter_has_its_input_and_its_output(
    helixnet: Command, lines: tuple[Path, Path, str]
) -> None:
    context, file, _ = lines
    outcome = helixnet("trace", context, file, "/items/1/text")
    assert outcome.status == 0
    assert '    | trim: " c" -> "c"\n' in outcome.out
    number = next(n for n, t in enumerate(LINES.splitlines(), 1) if "| trim" in t)
    assert f"  map   {context}:{number}:17: l.TEXT | trim\n" in outcome.out
    assert f'{file}:5:3 TEXT: " c", bytes 20 ' in outcome.out


def test_a_var_is_followed_to_the_rows_that_it_sums(
    helixnet: Command, lines: tuple[Path, Path, str]
) -> None:
    context, file, _ = lines
    (trace,) = traced(helixnet, context, file, "/total")
    assert trace["value"] == Decimal("13.0")
    assert [source["text"] for source in sources_of(trace)] == ["1", "2,5", "3"]
    kinds = [step["kind"] for step in trace["rules"][-1]["steps"]]
    assert kinds[-2:] == ["var", "value"]


def test_only_the_branch_that_was_taken_is_shown(
    helixnet: Command, lines: tuple[Path, Path, str]
) -> None:
    context, file, _ = lines
    (small,) = traced(helixnet, context, file, "/kind")
    (large,) = traced(helixnet, context, file, "/kind", "--record", "3")
    told = [[step["expression"] for step in t["rules"][-1]["steps"]] for t in (small, large)]
    assert 'lookup("unit")' in told[0]
    assert 'lookup("unit")' not in told[1]
    row = next(step["row"] for step in small["rules"][-1]["steps"] if step["kind"] == "filter")
    assert row.endswith("missing: keep")
    (given,) = traced(helixnet, context, file, "/given")
    assert [source["field"] for source in sources_of(given)] == ["TEXT"]
    (other,) = traced(helixnet, context, file, "/given", "--document", "2")
    assert [source["field"] for source in sources_of(other)] == ["TEXT", "NO"]


def test_a_condition_tells_why_a_field_is_not_there(
    helixnet: Command, lines: tuple[Path, Path, str]
) -> None:
    context, file, _ = lines
    outcome = helixnet("trace", context, file, "/late/qty", "--record", "1")
    assert outcome.status == 1
    assert "/late/qty: not written, because its `when` in line 21 is not true" in outcome.out
    assert "h.QTY > 5 = false" in outcome.out
    (trace,) = traced(helixnet, context, file, "/late/qty")
    assert (trace["record"], trace["line"], trace["value"]) == (3, 7, Decimal("9.0"))
    outcome = helixnet("trace", context, file, "/no", "--record", "2")
    assert (outcome.status, "`skip_when` passes over" in outcome.out) == (1, True)


@pytest.mark.parametrize("name", ["orders-csv", "orders-idoc", "invoice-ubl"])
def test_every_field_of_the_examples_ends_in_the_value_that_the_run_wrote(
    helixnet: Command, name: str, tmp_path: Path
) -> None:
    """The last step of each rule, written as JSON, is what stands in the document."""
    folder = EXAMPLES / name
    (file,) = [path for path in folder.iterdir() if path.suffix in (".csv", ".idoc", ".xml")]
    documents = helixnet("run", folder, file, "--rejects", tmp_path / "r").out.splitlines()
    seen = 0
    for number, text in list(enumerate(documents, 1))[:3]:
        found = dict(leaves(json.loads(text, parse_float=Decimal)))
        traces = traced(helixnet, folder, file, *found, "--document", number)
        for (pointer, value), trace in zip(found.items(), traces, strict=True):
            assert trace["pointer"] == pointer
            assert trace["value"] == value
            rule = trace["rules"][-1]
            if rule["rule"] == "map":
                last = rule["steps"][-1]["value"]
                assert last == value or Decimal(str(last)) == value, (pointer, rule)
                seen += 1
    assert seen > 20


def test_every_cell_of_the_example_is_cut_out_exactly(helixnet: Command, tmp_path: Path) -> None:
    """What is shown, read by another CSV reader, is the cell of that line and column."""
    folder = EXAMPLES / "orders-csv"
    content = (folder / "orders.csv").read_text("cp1252")
    rows = list(csv.DictReader(io.StringIO(content), delimiter=";"))
    documents = helixnet(
        "run", folder, folder / "orders.csv", "--rejects", tmp_path / "r"
    ).out.splitlines()
    cells = 0
    for number, text in enumerate(documents, 1):
        found = dict(leaves(json.loads(text)))
        for trace in traced(helixnet, folder, folder / "orders.csv", *found, "--document", number):
            for source in sources_of(trace):
                (cell,) = next(csv.reader([source["text"]], delimiter=";")) or [""]
                assert cell == rows[source["line"] - 2][source["field"]]
                assert bytes.fromhex(source["bytes"]) == source["text"].encode("cp1252")
                line = content.splitlines()[source["line"] - 1]
                assert line[source["column"] - 1 :].startswith(source["text"])
                cells += 1
    assert cells > 50


def test_members_of_json_are_found_by_their_pointer(helixnet: Command, given: Path) -> None:
    context, file = given / "j.yaml", given / "j.json"
    head = LINES.partition("source:")[0]
    context.write_text(
        head + "source: {format: json, record: data.orders}\nmap:\n  id: 'head[\"a/b\"]'\n"
        "  tags: {each: tags, as: t, map: t}\n  deep: {each: lines, map: {q: q.v | decimal}}\n"
        '  one: lines | one(k="y") | get("w")\n  all: lines | sum("n")\n',
        "utf-8",
    )
    order = '{"head": {"a/b": "ä\\u0041"}, "tags": ["p", "q"],\n "lines": [{"k": "x", "n": 1,'
    order += ' "q": {"v": "1"}}, {"k": "y", "n": 2.50, "w": "W", "q": {"v": "2"}}]}'
    file.write_text(f'{{"data": {{"orders": [{order}]}}}}', "utf-8")
    pointers = ("/id", "/tags/1", "/deep/1/q", "/one", "/all")
    found = traced(helixnet, context, file, *pointers)
    sources = [[(s["field"], s["text"]) for s in sources_of(trace)] for trace in found]
    assert sources == [
        [("/head/a~1b", '"ä\\u0041"')],
        [("/tags/1", '"q"')],
        [("/lines/1/q/v", '"2"')],
        [("/lines/1/w", '"W"')],
        [("/lines/0/n", "1"), ("/lines/1/n", "2.50")],
    ]
    assert [trace["value"] for trace in found] == ["äA", "q", 2, "W", Decimal("3.50")]
    text = file.read_text("utf-8").split("\n")
    for source in (source for trace in found for source in sources_of(trace)):
        assert text[source["line"] - 1][source["column"] - 1 :].startswith(source["text"])


def test_a_field_of_an_idoc_without_line_ends(helixnet: Command, given: Path) -> None:
    folder = EXAMPLES / "orders-idoc"
    rows = (folder / "orders.idoc").read_text("latin-1").splitlines()
    widths = [524 if row.startswith("EDI_DC40") else 1063 for row in rows]
    unbroken = "".join(row.ljust(width) for row, width in zip(rows, widths, strict=True))
    (given / "u.idoc").write_text(unbroken, "latin-1")
    pointer = "/items/0/material"
    one = traced(helixnet, folder, folder / "orders.idoc", pointer)[0]
    two = traced(helixnet, folder, given / "u.idoc", pointer)[0]
    assert sources_of(one)[0] == sources_of(two)[0]
    assert sources_of(two)[0]["text"] == "000000000001000417".ljust(35)


@pytest.mark.parametrize(
    ("example", "file", "pointer", "text"),
    [
        ("orders-edifact", "orders.edi", "/orderId", "4500020001"),
        ("orders-x12", "orders.x12", "/orderId", "4500020001"),
        ("invoice-ubl", "invoice.xml", "/seller/id", "4098765000012"),
    ],
)
def test_elements_of_messages_and_documents_are_shown_as_they_stand(
    helixnet: Command, example: str, file: str, pointer: str, text: str
) -> None:
    (found,) = traced(helixnet, EXAMPLES / example, EXAMPLES / example / file, pointer)
    source = list(sources_of(found))[-1]
    assert (source["text"], bytes.fromhex(source["bytes"])) == (text, text.encode())
    lines = (EXAMPLES / example / file).read_text("utf-8").split("\n")
    assert lines[source["line"] - 1][source["column"] - 1 :].find(text) in range(40)


def test_the_faults_of_a_rejected_record_are_told(helixnet: Command, given: Path) -> None:
    outcome = helixnet("trace", given, given / "bad.csv", "/qty", "--record", "2")
    assert outcome.status == 1
    assert "bad.csv:3: record 2: /qty: not written, because the record is rejected" in outcome.out
    assert 'QTY = no value: HX-1102: "1x" is not a number' in outcome.out
    assert 'bad.csv:3:3 QTY: "1x", bytes 31 78' in outcome.out
    assert f'fault {given / "bad.csv"}:3:3: HX-1102: "1x" is not a number at /qty' in outcome.out
    unread = helixnet("trace", given, given / "bad.csv", "/qty", "--record", "4")
    assert (unread.status, "fault" in unread.out, "HX-1002" in unread.out) == (1, True, True)


def test_a_record_that_gives_several_documents(helixnet: Command, given: Path) -> None:
    context = given / "many.yaml"
    text = LINES.replace("ENCODING", "utf-8").partition("map:")[0]
    context.write_text(
        text + "map: {each: lines, as: l, where: l.QTY != 2.5, map: {t: l.TEXT, q: l.QTY}}\n",
        "utf-8",
    )
    (given / "lines.csv").write_text(ROWS, "utf-8")
    lines = [
        sources_of(traced(helixnet, context, given / "lines.csv", "/q", "--document", n)[0])
        for n in (1, 2, 3)
    ]
    assert [source["line"] for (source,) in lines] == [3, 5, 7]


def test_an_element_of_a_list_of_several_rules(helixnet: Command, given: Path) -> None:
    """Which rule writes an index depends on those before it that drop out."""
    (given / "p.yaml").write_text(
        CONTEXT.partition("target:")[0]
        + 'target: true\nsource: {format: csv, delimiter: ";"}\n'
        + 'map: {p: [{when: ID == "A", map: {v: ID}}, {v: QTY}]}\n',
        "utf-8",
    )
    arguments = (given / "p.yaml", given / "good.csv")
    first = traced(helixnet, *arguments, "/p/0/v", "--record", 1)[0]
    second = traced(helixnet, *arguments, "/p/0/v", "--record", 2)[0]
    assert [s["field"] for t in (first, second) for s in sources_of(t)] == ["ID", "QTY"]
    assert sources_of(traced(helixnet, *arguments, "/p/1/v")[0])[0]["field"] == "QTY"


def test_constants_inputs_and_built_values_are_named(helixnet: Command, given: Path) -> None:
    (given / "c.yaml").write_text(
        CONTEXT.partition("target:")[0]
        + 'target: true\nsource: {format: csv, delimiter: ";"}\n'
        + "inputs: {plant: {type: string}}\n"
        + "map: {a: {const: x}, b: inputs.plant, c: out.b ~ 1, d: _line}\n",
        "utf-8",
    )
    arguments = (given / "c.yaml", given / "good.csv", "/a", "/b", "/c", "/d")
    outcome = helixnet("trace", *arguments, "--input", "plant=P")
    assert outcome.status == 0
    for line in (
        "const {}:7:10: a fixed value",
        'inputs.plant = "P"',
        'out.b = "P"',
        'out.b ~ 1 = "P1"',
        "_line = 2",
    ):
        assert line.format(given / "c.yaml") in outcome.out


def test_standard_input_can_be_traced(
    helixnet: Command, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = io.BytesIO((given / "good.csv").read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data))
    outcome = helixnet("trace", given, "-", "/id", "/qty", "--document", "2")
    assert outcome.status == 0
    assert "stdin:3: record 2: /qty = 1000.00\n" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nosuch"], "the map writes no field /nosuch"),
        (["/idd"], "did you mean /id?"),
        (["id"], "try: write /id"),
        ([""], "the map writes no field (the document)"),
        (["/plant"], "the map writes no field /plant"),
        (["/id", "--record", "9"], "the file has 2 records, no number 9"),
        (["/id", "--document", "9"], "the result has no document 9"),
        (["/id", "--record", "0"], "is no number from 1 on"),
        (["/id", "--record", "1", "--document", "1"], "not allowed with argument"),
        (["/id", "--input", "x=1"], "HX-4303"),
        ([], "required: POINTER"),
    ],
)
def test_wrong_usage_is_told(
    helixnet: Command, given: Path, arguments: list[str], said: str
) -> None:
    outcome = helixnet("trace", given, given / "good.csv", *arguments)
    assert outcome.status == 2
    assert said in outcome.err


def test_files_and_contexts_that_can_not_be_used(helixnet: Command, given: Path) -> None:
    assert helixnet("trace", given, given / "nothing.csv", "/id").status == 2
    assert helixnet("trace", given / "nothing.yaml", given / "good.csv", "/id").status == 2
    (given / "odd.csv").write_bytes(b"\0")
    refused = helixnet("trace", given, given / "odd.csv", "/id")
    assert (refused.status, "HX-5001" in refused.err) == (1, True)
    (given / "empty.csv").write_bytes(b"ID;QTY\n")
    none = helixnet("trace", given, given / "empty.csv", "/id")
    assert (none.status, "no document has /id" in none.err) == (2, True)
    text = CONTEXT.partition("map:")[0] + "template: t.j2\n"
    (given / "t.yaml").write_text(text, "utf-8")
    (given / "t.j2").write_text("{}", "utf-8")
    template = helixnet("trace", given / "t.yaml", given / "good.csv", "/id")
    assert (template.status, "a template can't be traced" in template.err) == (2, True)


def test_the_function_that_maps_has_no_probe(given: Path) -> None:
    plan = compile_plan(load_bundle(given))
    assert "locals()" not in plan.bind(["ID", "QTY"], "f").generated.source  # type: ignore[attr-defined]
