"""Every command takes groups whose rows stand anywhere in the file."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.commanding import Command

KEYED = """\
helixnet: 1
name: keyed
version: 1.0.0
target: true
source:
  format: csv
  fields: {A: {type: string}, B: {type: string}, QTY: {type: integer}}
group: {by: [A, B], order: keyed, header: h, lines: lines}
map:
  id: h.A ~ h.B
  quantities: {each: lines, as: l, map: l.QTY}
tests:
  - name: rows of two keys come mixed
    input: |
      A,B,QTY
      x,1,1
      y,1,2
      x,1,3
      y,1,z
    expect: [{id: x1, quantities: [1, 3]}]
    rejects: [{code: HX-1103, line: 5, record: 2, field: QTY}]
"""
ROWS = "A,B,QTY\nx,1,1\ny,1,2\nx,1,3\ny,1,q\nx,2,4\n"


@pytest.fixture
def keyed(given: Path) -> tuple[Path, Path]:
    context, file = given / "keyed.yaml", given / "keyed.csv"
    context.write_text(KEYED, "utf-8")
    file.write_text(ROWS, "utf-8")
    return context, file


def test_run_and_test(helixnet: Command, keyed: tuple[Path, Path]) -> None:
    context, file = keyed
    rejects = file.with_name("rejects.ndjson")
    outcome = helixnet("run", context, file, "--rejects", rejects)
    assert outcome.status == 1
    assert outcome.out.splitlines() == [
        '{"id":"x1","quantities":[1,3]}',
        '{"id":"x2","quantities":[4]}',
    ]
    (reject,) = map(json.loads, rejects.read_text("utf-8").splitlines())
    assert (reject["record"], reject["line"], reject["raw"]) == (2, 3, "y,1,2\ny,1,q\n")
    assert [error["source"]["line"] for error in reject["errors"]] == [5]
    assert helixnet("test", context).status == 0


def test_trace_names_the_line_of_each_row(helixnet: Command, keyed: tuple[Path, Path]) -> None:
    (trace,) = json.loads(helixnet("trace", *keyed, "/quantities/1", "--json").out)
    (source,) = [one for step in trace["rules"][-1]["steps"] for one in step["sources"]]
    assert (source["line"], source["column"], source["text"]) == (4, 5, "3")


def test_diff_and_explain(helixnet: Command, keyed: tuple[Path, Path]) -> None:
    context, file = keyed
    after = context.with_name("after.yaml")
    after.write_text(KEYED.replace("map: l.QTY", "map: l.QTY + 1"), "utf-8")
    outcome = helixnet("diff", context, after, file)
    assert outcome.status == 1
    assert "0 unchanged, 2 changed" in outcome.out
    assert f"{file}:2" in outcome.out
    assert "not by columns: `order: keyed`" in helixnet("check", context, "--explain").out
