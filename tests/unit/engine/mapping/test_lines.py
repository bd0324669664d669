"""Records of several lines in maps: typed fields, lists of lines, what stands once, rejects."""

import json
from io import BytesIO
from typing import Any

import pytest

from helixnet.engine.excerpts import Opened, excerpt
from helixnet.engine.plan import Plan
from helixnet.engine.reassembly import Envelope, assembled
from helixnet.engine.seek import Choice
from helixnet.engine.trace import trace_field
from helixnet.engine.transform import batches_of, index_file, transform_file
from helixnet.errors import RefusedError, UsageError
from tests.unit.engine.mapping.mapped import plan, problems, run

SOURCE = """
target:
  type: object
  properties:
    no: {type: string}
    total: {type: number}
    sender: {type: string}
    items: {type: array}
    v: true
source:
  format: fixed
  nulls: [""]
  records:
    F: {at: "0:1", once: true, fields: {NAME: {at: "1:6"}}}
    H:
      fields:
        NO: {at: "1:5", required: true}
        DAY: {at: "5:13", type: date, format: "%Y%m%d"}
      children: [D]
    D:
      fields:
        SKU: {at: "1:4", required: true}
        QTY: {at: "4:9", type: decimal, scale: 1}
        OK: {at: "9:10", type: boolean, true: [Y], false: [N, ""]}
      children: [S]
    S: {fields: {DAYS: {at: "1:3", type: integer}}}
    T: {once: true, fields: {N: {at: "1:4", type: integer}}}
"""
WIDTHS = {"H": 13, "D": 10}


def file(*lines: str, sender: str = "", count: str = "  1") -> str:
    """Write a file; its lines are padded."""
    padded = [line.ljust(WIDTHS.get(line[0], 0)) for line in lines]
    return "\n".join([f"F{sender}", *padded, f"T{count}", ""])


FILE = file(
    *("H4711", "Dab   1.5Y", "S 1", "S 2", "Dcd    2 N", "H471220260102", "Def   10"),
    sender="acme",
    count="  2",
)


def mapped(leaf: str, text: str = FILE) -> list[Any]:
    """Return what a leaf gives for each record, or its codes."""
    result = run(plan(f"{SOURCE}map:\n  v: {leaf}\n"), text)
    assert result.rejects == []
    return [document.get("v") for document in result.documents]


@pytest.mark.parametrize(
    ("leaf", "first", "second"),
    [
        ("H.NO", "4711", "4712"),
        ("H.DAY", None, "2026-01-02"),
        ("F.NAME", "acme", "acme"),
        ("T.N + 1", 3, 3),
        ('H.D | sum("QTY")', 3.5, 10),
        ("H.D | length", 2, 1),
        ('H.D | first | get("QTY")', 1.5, 10),
        ('H.D | maybe(QTY=2) | get("SKU")', "cd", None),
        ("H.D | any(OK=true)", True, False),
        ('H.D | many(SKU=["ab", "ef"]) | length', 1, 1),
        ("H.D | many(SKU=F.NAME) | length", 0, 0),
        ('H.D | sort("QTY") | last | get("SKU")', "cd", "ef"),
        ('H.D | max("QTY")', 2, 10),
        ('H["NO"]', "4711", "4712"),
        ("H._line", 2, 7),
        ("_line", 2, 7),
        ("H.DAY is present", False, True),
        ("'{% for d in H.D %}{{ d.SKU }}={{ d.QTY }};{% endfor %}'", "ab=1.5;cd=2.0;", "ef=10.0;"),
        ("{each: H.D, as: d, map: d.QTY}", [1.5, 2], [10]),
        ("{each: H.D, as: d, map: {each: d.S, as: s, map: s.DAYS}}", [[1, 2], []], [[]]),
        ("{each: H, as: h, map: h.NO}", ["4711"], ["4712"]),
        ("{each: H.D, as: d, where: d.OK, map: d._line}", [3], []),
        ("{each: H.D, as: d, map: d._prev.QTY}", [1.5], []),
        ("{each: H.D, as: d, map: d._parent.H.NO}", ["4711", "4711"], ["4712"]),
    ],
)
def test_what_expressions_read(leaf: str, first: object, second: object) -> None:
    leaf = leaf if leaf.startswith("{") or '"' not in leaf else f"'{leaf}'"
    assert mapped(leaf) == [first, second]


def faults(context: str, text: str) -> list[tuple[str, str | None, int, int, str]]:
    """Code, target, line, column and TYPE.FIELD of every fault."""
    return [
        (f.code, f.target, f.source.line, f.source.column, f"{f.source.segment}.{f.source.field}")
        for reject in run(plan(SOURCE + context), text).rejects
        for f in reject.faults
        if f.source
    ]


def test_a_bad_value_is_told_for_each_target_that_it_feeds() -> None:
    context = """
map:
  total: H.D | sum("QTY")
  items: {each: H.D, as: d, map: {q: d.QTY, s: d.SKU}}
"""
    assert faults(context, file("H1", "Dab  1.0", "Dcd  x.0", "D    1.0")) == [
        ("HX-1102", "/total", 4, 5, "D.QTY"),
        ("HX-1102", "/items/1/q", 4, 5, "D.QTY"),
        ("HX-1101", "/items/2/s", 5, 2, "D.SKU"),
    ]


def test_of_two_fields_the_bad_one_is_shown() -> None:
    context = "map:\n  items: {each: H.D, as: d, map: '\"{{ d.SKU }} {{ d.QTY }}\"'}\n"
    assert faults(context, file("H1", "Dab   1,0")) == [
        ("HX-1102", "/items/0", 3, 5, "D.QTY"),
    ]


def test_a_required_value_is_missed_whether_it_is_read_or_not() -> None:
    context = "map:\n  v: H.DAY\n"
    assert faults(context, file("H1", "D   1    ", "H    20260101")) == [
        ("HX-1101", None, 3, 2, "D.SKU"),
        ("HX-1101", None, 4, 2, "H.NO"),
    ]
    rejects = run(plan(SOURCE + context), file("H    20260101")).rejects
    rule = rejects[0].faults[0].rule
    assert rule is not None
    assert rule.expression == "NO: required"


def test_a_bad_value_that_nothing_reads_rejects_nothing() -> None:
    text = file("H1  2026xxxx", "Dab x    ")
    assert faults("map:\n  v: H.NO\n", text) == []
    unread = "map:\n  v: {when: 'H.NO == \"2\"', map: H.DAY}\n"
    assert faults(unread, file("H1", "H1   2026xxxx")) == []


def test_conditions_and_checks_read_typed_values() -> None:
    context = """
skip_when: H.DAY == F.NAME
map: {no: H.NO}
"""
    assert problems(SOURCE + context) == ["29 HX-4106"]
    context = """
vars: {many: '(H.D | sum("QTY")) > 5'}
skip_when: many
map: {no: H.NO}
checks: [{that: "T.N == 2", code: C, text: "{{ T.N }}"}]
"""
    result = run(plan(SOURCE + context), FILE)
    assert (result.counts.used, result.counts.skipped) == (1, 1)


@pytest.mark.parametrize(
    "leaf",
    [
        "D.SKU",
        "H.SKU",
        "S",
        "H.D.S.DAY",
        "T.M",
        'H.D | sum("QTI")',
        "H.D | one(SKO=1)",
        "H.QTY + 1",
    ],
)
def test_an_unknown_name_is_a_problem(leaf: str) -> None:
    found = problems(f"{SOURCE}map:\n  v: {leaf}\n")
    assert {each.split()[1] for each in found} == {"HX-4103"}


def test_a_record_may_begin_with_several_types() -> None:
    context = """
target: true
source:
  format: csv
  header: false
  records:
    A: {at: 0, fields: {T: {}, X: {type: integer}}}
    B: {fields: {T: {}, Y: {}}}
map: {x: A.X, y: B.Y, a: A is present}
"""
    result = run(plan(context), "A,1\nB,b\n")
    assert result.documents == [{"x": 1, "a": True}, {"y": "b", "a": False}]


def test_a_template_sees_lines_with_typed_fields() -> None:
    context = SOURCE + "template: t.j2\n"
    text = (
        '{"no": "{{ H.NO }}", "items": [{% for d in H.D %}{{ d.QTY }}{% endfor %}], "v": {{ T.N }}}'
    )
    compiled = plan(context, t__j2=text)
    result = run(compiled, file("H1", "Dab   1.5", "H2", "Dab   x.0", "D     2.0"))
    assert result.documents == [{"no": "1", "items": [1.5], "v": 1}]
    told = [(f.code, f.source.line if f.source else 0) for f in result.rejects[0].faults]
    assert told == [("HX-1101", 6), ("HX-1102", 5)]
    skipping = plan(context + "skip_when: T.N == 1\n", t__j2=text)
    assert run(skipping, file("H1", "Dab   x.0")).counts.skipped == 1


def spine(compiled: Plan, data: bytes) -> tuple[bytes, bytes]:
    """Map a whole file as `run` does."""
    documents, rejects = BytesIO(), BytesIO()
    transform_file(compiled, BytesIO(data), documents=documents, rejects=rejects, file="f")
    return documents.getvalue(), rejects.getvalue()


def test_rejected_records_are_a_file_again_with_what_stands_once() -> None:
    compiled = plan(SOURCE + "map:\n  v: H.DAY\n")
    data = file("H1   20260101", "H2   2026xxxx", "Dab", "H3").encode()
    _, rejects = spine(compiled, data)
    raws = [json.loads(line)["raw"] for line in rejects.splitlines()]
    index = index_file(compiled, BytesIO(data))
    envelope = Envelope(b"", index.encoding, index.newline, list(index.once.values()))
    again = assembled(compiled.context.source, raws, envelope)
    assert again == b"F\nH2   2026xxxx\nDab       \nT  1\n"
    assert spine(compiled, again)[0] == b""


def test_filled_rows_are_no_file_of_their_own() -> None:
    compiled = plan("target: true\nsource: {format: csv, fill_down: A}\nmap: {v: A}\n")
    with pytest.raises(UsageError, match="values of A stand on lines above"):
        assembled(compiled.context.source, [], Envelope(b"", "utf-8", "\n"))


def test_a_var_has_another_name_than_record_types() -> None:
    assert problems(f"{SOURCE}vars: {{H: T.N}}\nmap: {{v: T.N}}\n") == ["28 HX-4004"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{format: csv, fill_down: A}", "`source.fill_down`"),
        (
            "{format: csv, header: false, records: {A: {at: 0, fields: {A: {}}}}}",
            "`source.records`",
        ),
        ('{format: fixed, fields: {A: {at: "0:2"}}}', "the format fixed"),
    ],
)
def test_columns_leave_it_to_rows_and_say_why(source: str, reason: str) -> None:
    leaf = "A.A" if "records" in source else "A"
    compiled = plan(f"target: true\nsource: {source}\nmap: {{v: {leaf}}}\n")
    assert compiled.explain().endswith(f"not by columns: {reason}")


def test_a_value_is_traced_to_its_bytes() -> None:
    compiled = plan(SOURCE + "map:\n  v: T.N\n  items: {each: H.D, as: d, map: d.QTY}\n")
    for pointer, line, raw in (("/v", 9, b"  2"), ("/items/1", 6, b"   2 ")):
        trace = trace_field(compiled, BytesIO(FILE.encode()), "f", pointer, Choice(record=1))
        shown = [one for step in trace.rules[-1].steps for one in step.excerpts]
        assert [(one.place.line, one.raw) for one in shown] == [(line, raw)]


def test_an_excerpt_of_bytes_and_of_csv() -> None:
    context = """
target: true
source: {format: fixed, unit: bytes, fields: {A: {at: "0:3"}, B: {at: "3:6"}}}
map: {v: B}
"""
    compiled = plan(context)
    stream = BytesIO("äxö \n".encode())
    index = index_file(compiled, stream)
    batch = next(batches_of(compiled, index, index.parts[0], stream))
    opened = Opened(compiled.context.source, index, None)
    assert excerpt(batch, 0, "B", 0, file=opened).raw == "ö ".encode()


def test_longer_lines_reject_every_record_or_fail_the_file_where_that_is_asked() -> None:
    data = file("H1", "Dab      YYY", "H2").encode()
    context = SOURCE.replace("  nulls:", "  on_drift: {}\n  nulls:") + "map:\n  v: H.NO\n"
    rejecting = plan(context.replace("on_drift: {}", "on_drift: reject"))
    _, rejects = spine(rejecting, data)
    told = [json.loads(line)["errors"][0]["code"] for line in rejects.splitlines()]
    assert told == ["HX-1108", "HX-1108"]
    failing = plan(context.replace("on_drift: {}", "on_drift: fail"))
    with pytest.raises(RefusedError, match="line 3, a D, is longer") as caught:
        index_file(failing, BytesIO(data))
    assert caught.value.code == "HX-5003"
