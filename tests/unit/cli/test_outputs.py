"""``helixnet run`` with ``outputs``: a folder in place of a file, all of it or nothing."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.commanding import Command
from tests.unit.engine.test_outputs import CONTEXT, HEAD


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(CONTEXT, "utf-8")
    (tmp_path / "in.csv").write_text(f"{HEAD}1,A,aa,2\n1,A,bb,1\n2,NONE,cc,3\n", "utf-8")
    (tmp_path / "bad.csv").write_text(f"{HEAD}1,A,aa,x\n", "utf-8")
    return tmp_path


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}


ORDERS = '{"id":"1","n":2,"total":3}\n{"id":"2","n":1}\n'
LINES = '{"order":"1","sku":"aa","qty":2}\n{"order":"1","sku":"bb","qty":1}\n'


def test_a_run_writes_a_folder_with_a_file_an_output(helixnet: Command, shop: Path) -> None:
    outcome = helixnet("run", shop / "c.yaml", shop / "in.csv", "-o", shop / "out")
    assert (outcome.status, outcome.out) == (0, "")
    assert "4 documents (2 orders, 2 lines)" in outcome.err
    assert files(shop / "out") == {"lines.ndjson": LINES, "orders.ndjson": ORDERS}
    assert not [path for path in shop.iterdir() if ".part" in path.name]


def test_an_output_without_documents_is_an_empty_file(helixnet: Command, shop: Path) -> None:
    (shop / "in.csv").write_text(f"{HEAD}2,NONE,cc,3\n", "utf-8")
    assert helixnet("run", shop / "c.yaml", shop / "in.csv", "-o", shop / "out").status == 0
    assert files(shop / "out")["lines.ndjson"] == ""


def test_a_json_run_writes_arrays(helixnet: Command, shop: Path) -> None:
    asked = ("run", shop / "c.yaml", shop / "in.csv", "--format", "json")
    assert helixnet(*asked, "-o", shop / "out").status == 0
    assert [*files(shop / "out")] == ["lines.json", "orders.json"]
    assert [one["id"] for one in json.loads(files(shop / "out")["orders.json"])] == ["1", "2"]
    shown = json.loads(helixnet(*asked).out)
    assert [one["output"] for one in shown] == ["orders", "lines", "lines", "orders"]


def test_a_failed_run_leaves_the_folder_of_an_earlier_one(helixnet: Command, shop: Path) -> None:
    out = shop / "out"
    assert helixnet("run", shop / "c.yaml", shop / "in.csv", "-o", out).status == 0
    text = CONTEXT + "on_error: {scope: file}\n"
    (shop / "c.yaml").write_text(text, "utf-8")
    outcome = helixnet("run", shop / "c.yaml", shop / "bad.csv", "-o", out)
    assert outcome.status == 1
    assert "is not written, because a file failed" in outcome.err
    assert files(out)["orders.ndjson"] == ORDERS
    assert not [path for path in shop.iterdir() if ".part" in path.name]
    assert helixnet("run", shop / "c.yaml", shop / "bad.csv", "-o", shop / "new").status == 1
    assert not (shop / "new").exists()


def test_a_later_run_takes_the_place_of_an_earlier_one(helixnet: Command, shop: Path) -> None:
    (shop / "out").mkdir()
    (shop / "out" / "orders.ndjson").write_text("old", "utf-8")
    assert helixnet("run", shop / "c.yaml", shop / "in.csv", "-o", shop / "out").status == 0
    assert files(shop / "out") == {"lines.ndjson": LINES, "orders.ndjson": ORDERS}


@pytest.mark.parametrize("there", ["out", "out/notes.txt"])
def test_nothing_else_is_overwritten(helixnet: Command, shop: Path, there: str) -> None:
    path = shop / there
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine", "utf-8")
    outcome = helixnet("run", shop / "c.yaml", shop / "in.csv", "-o", shop / "out")
    assert outcome.status == 2
    assert path.read_text("utf-8") == "mine"


def test_update_writes_what_each_output_gave(helixnet: Command, shop: Path) -> None:
    expect = "    expect: {orders: [{id: x}], lines: {sku: x}}\n"
    text = f"{CONTEXT}tests:\n  - name: a\n    input: |\n      {HEAD}      1,A,aa,2\n{expect}"
    (shop / "c.yaml").write_text(text, "utf-8")
    assert helixnet("test", shop / "c.yaml").status == 1
    assert helixnet("test", "--update", "--coverage", shop / "c.yaml").status == 0
    after = (shop / "c.yaml").read_text("utf-8")
    assert 'expect: {"orders": [{"id": "1"}], "lines": {"sku": "aa"}}' in after


def test_the_schemas_of_outputs_are_part_of_the_bundle(helixnet: Command, shop: Path) -> None:
    for number, (name, ref) in enumerate({"orders": "a.json", "lines": "b.json"}.items()):
        (shop / ref).write_text(f'{{"$ref": "inner/{ref}"}}', "utf-8")
        (shop / "inner").mkdir(exist_ok=True)
        (shop / "inner" / ref).write_text('{"type": "object"}', "utf-8")
        old = (
            CONTEXT.split("    target:\n")[number + 1]
            .partition("    map:")[0]
            .partition("    when:")[0]
        )
        text = (shop / "c.yaml").read_text("utf-8")
        (shop / "c.yaml").write_text(
            text.replace(f"    target:\n{old}", f"    target: {ref}\n"), "utf-8"
        )
        assert f"  {name}:\n    target: {ref}\n" in (shop / "c.yaml").read_text("utf-8")
    outcome = helixnet("check", "--explain", shop / "c.yaml")
    assert outcome.status == 0, outcome.out
    assert "a.json, b.json, c.yaml, inner/a.json, inner/b.json" in outcome.out
