"""``helixnet diff``: what an edit would change, as counts and samples."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.cli.commanding import CONTEXT, Command

LISTS = """\
helixnet: 1
name: lists
version: 1.0.0
target: true
source: {format: ndjson}
map: {id: id, items: {each: items, as: i, map: {no: i.no, qty: i.qty | decimal}}}
"""
NONE_ELSE = "0 in another order of keys, 0 added, 0 removed"
ROWS = (
    '{"id":"A","items":[{"no":1,"qty":"1.5"},{"no":2,"qty":"3"}]}\n'
    '{"id":"B","items":[]}\n'
    '{"id":"C","items":[{"no":1,"qty":"7"}]}\n'
)


def edited(given: Path, *replacements: tuple[str, str], name: str = "edited.yaml") -> Path:
    text = CONTEXT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path = given / name
    path.write_text(text, "utf-8")
    return path


def test_equal_contexts_differ_in_nothing(helixnet: Command, given: Path) -> None:
    outcome = helixnet("diff", given / "context.yaml", given / "context.yaml", given / "bad.csv")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == f"{given / 'bad.csv'}: no difference in 2 documents of 4 records\n"


def test_each_field_has_its_counts_and_samples(helixnet: Command, given: Path) -> None:
    after = edited(given, ("qty: QTY", "qty: QTY + 1\n  plant: ID"))
    outcome = helixnet("diff", given / "context.yaml", after, given / "good.csv", "--samples", "1")
    assert outcome.status == 1
    file = given / "good.csv"
    assert outcome.out.splitlines() == [
        f"{file}: before: 2 records: 2 used, 0 rejected, 0 skipped; 2 documents; COMPLETED",
        f"{file}: after: 2 records: 2 used, 0 rejected, 0 skipped; 2 documents; COMPLETED",
        f"{file}: documents: 0 unchanged, 2 changed, {NONE_ELSE}",
        f"{file}: rejects: 0 new, 0 gone, 0 for other reasons",
        "FIELD   CHANGED  ADDED  REMOVED",
        "/qty    2        0      0",
        "/plant  0        2      0",
        f"{file}:2: /qty: 1.50 -> 2.50",
        f'{file}:2: /plant: nothing -> "A"',
    ]


def test_items_of_a_list_are_one_field(helixnet: Command, given: Path) -> None:
    (given / "a.yaml").write_text(LISTS, "utf-8")
    (given / "b.yaml").write_text(LISTS.replace("i.qty | decimal", "i.qty"), "utf-8")
    (given / "c.ndjson").write_text(ROWS, "utf-8")
    outcome = helixnet("diff", given / "a.yaml", given / "b.yaml", given / "c.ndjson", "--json")
    assert outcome.status == 1
    (found,) = json.loads(outcome.out)
    assert found["documents"]["unchanged"] == 1
    assert found["documents"]["changed"] == 2
    (field,) = found["fields"]
    samples = field.pop("samples")
    assert field == {"pointer": "/items/*/qty", "changed": 3, "added": 0, "removed": 0}
    assert samples[1] == {
        "record": 1,
        "line": 1,
        "pointer": "/items/1/qty",
        "before": 3,
        "after": "3",
    }


def test_rejects_appear_disappear_and_change(helixnet: Command, given: Path) -> None:
    after = edited(
        given,
        ("QTY: {type: decimal, scale: 2}", "QTY: {type: string}"),
        ("qty: QTY", 'qty: (QTY if QTY != "2" else "x") | replace("x", "") | decimal'),
    )
    (given / "in.csv").write_text("ID;QTY\nA;1x\nB;2\nC;3,00\nD;4\n", "utf-8")
    outcome = helixnet("diff", given, after, given / "in.csv", "--json")
    outcome = helixnet("diff", given / "context.yaml", after, given / "in.csv", "--json")
    assert outcome.status == 1
    (found,) = json.loads(outcome.out)
    assert {k: v for k, v in found["rejects"].items() if k != "samples"} == {
        "new": 2,
        "gone": 1,
        "other": 0,
    }
    by_line = {sample["line"]: sample for sample in found["rejects"]["samples"]}
    assert {line: sample["kind"] for line, sample in by_line.items()} == {
        2: "gone",
        3: "new",
        4: "new",
    }
    assert by_line[2]["before"][0]["code"] == "HX-1102"
    assert by_line[2]["after"] == []
    assert by_line[3]["after"][0]["target"] == "/qty"
    assert found["documents"]["added"] == 1
    assert found["documents"]["removed"] == 2
    assert found["before"]["state"] == found["after"]["state"] == "PARTIAL"


def test_a_reject_for_another_reason_is_a_difference(helixnet: Command, given: Path) -> None:
    after = edited(given, ("decimal, scale: 2", "integer"))
    outcome = helixnet("diff", given / "context.yaml", after, given / "bad.csv")
    assert outcome.status == 1
    assert "1 for other reasons" in outcome.out
    assert ":3: record 2 would be rejected for other reasons: HX-1103" in outcome.out


def test_documents_of_one_record_are_added_and_removed(helixnet: Command, given: Path) -> None:
    many = LISTS.replace("map: {id: id, items: {", "map: {").replace("i.qty | decimal}}}", "id}}")
    (given / "a.yaml").write_text(many, "utf-8")
    (given / "b.yaml").write_text(many.replace("as: i,", "as: i, where: i.no == 2,"), "utf-8")
    (given / "c.ndjson").write_text(ROWS, "utf-8")
    outcome = helixnet("diff", given / "a.yaml", given / "b.yaml", given / "c.ndjson", "--json")
    (found,) = json.loads(outcome.out)
    assert found["documents"] == {
        "unchanged": 1,
        "changed": 0,
        "rewritten": 0,
        "added": 0,
        "removed": 2,
        "samples": [
            {"record": 1, "line": 1, "removed": {"no": 1, "qty": "A"}},
            {"record": 3, "line": 3, "removed": {"no": 1, "qty": "C"}},
        ],
    }


def test_the_order_of_keys_and_the_scale_are_differences_too(
    helixnet: Command, given: Path
) -> None:
    """Results are compared as they are written: a receiver that hashes them would notice."""
    turned = edited(given, ("  id: ID\n  qty: QTY\n", "  qty: QTY\n  id: ID\n"))
    outcome = helixnet("diff", given / "context.yaml", turned, given / "good.csv")
    assert (outcome.status, "2 in another order of keys" in outcome.out) == (1, True)
    scaled = edited(given, ("scale: 2", "scale: 3"))
    outcome = helixnet("diff", given / "context.yaml", scaled, given / "good.csv")
    assert "/qty: 1.50 -> 1.500" in outcome.out


def test_records_that_are_passed_over_are_a_difference(helixnet: Command, given: Path) -> None:
    after = edited(given, ("map:", 'skip_when: ID == "A"\nmap:'))
    outcome = helixnet("diff", given / "context.yaml", after, given / "good.csv")
    assert outcome.status == 1
    assert "1 removed" in outcome.out
    assert f'{given / "good.csv"}:2: removed: {{"id":"A","qty":1.50}}' in outcome.out


def test_how_the_run_would_end_is_a_difference(helixnet: Command, given: Path) -> None:
    after = edited(given, ("map:", "on_error: {scope: file}\nmap:"))
    outcome = helixnet("diff", given / "context.yaml", after, given / "bad.csv")
    assert outcome.status == 1
    assert "after: 4 records: 2 used, 2 rejected, 0 skipped; 2 documents; FAILED: HX-5006" in (
        outcome.out
    )


def test_a_file_that_one_context_refuses_is_a_difference(helixnet: Command, given: Path) -> None:
    after = edited(given, ("  fields:", "  on_drift: fail\n  fields:"))
    (given / "more.csv").write_text("ID;QTY;X\nA;1;x\n", "utf-8")
    outcome = helixnet("diff", given / "context.yaml", after, given / "more.csv")
    assert outcome.status == 1
    assert "after: the file is refused: HX-5003" in outcome.out
    outcome = helixnet("diff", after, after, given / "more.csv")
    assert outcome.status == 2
    assert "neither context can use it: HX-5003" in outcome.err


def test_a_different_grouping_pairs_records_by_number(helixnet: Command, given: Path) -> None:
    """The last records of the longer side have no partner."""
    group = "group: {by: ID, order: consecutive, header: h, lines: l}\nmap:"
    after = edited(given, ("map:", group), ("id: ID", "id: h.ID"), ("qty: QTY", "qty: h.QTY"))
    (given / "in.csv").write_text("ID;QTY\nA;1\nA;2\nB;3\n", "utf-8")
    outcome = helixnet("diff", given / "context.yaml", after, given / "in.csv")
    assert outcome.status == 1
    assert "1 unchanged, 1 changed, 0 in another order of keys, 0 added, 1 removed" in outcome.out
    assert f"{given / 'in.csv'}:4: removed:" in outcome.out


def test_inputs_go_to_the_contexts_that_have_them(helixnet: Command, given: Path) -> None:
    after = edited(
        given,
        ("map:", "inputs: {plant: {type: string}}\nmap:"),
        ("qty: QTY", "qty: QTY\n  plant: inputs.plant"),
    )
    arguments = ("diff", given / "context.yaml", after, given / "good.csv")
    assert helixnet(*arguments).status == 2
    assert '/plant: nothing -> "P"' in helixnet(*arguments, "--input", "plant=P").out
    outcome = helixnet(*arguments, "--input", "plant=P", "--input", "x=1")
    assert (outcome.status, "has an input `x`" in outcome.err) == (2, True)


def test_digits_are_kept_whatever_their_number(helixnet: Command, given: Path) -> None:
    digits = "12345678901234567890123456789012345678901234567890"
    (given / "a.yaml").write_text(LISTS.partition("map:")[0] + "map: {x: n}\n", "utf-8")
    (given / "b.yaml").write_text(LISTS.partition("map:")[0] + "map: {x: m}\n", "utf-8")
    (given / "c.ndjson").write_text(f'{{"n": {digits}, "m": 1.0000000000000000001}}\n', "utf-8")
    out = helixnet("diff", given / "a.yaml", given / "b.yaml", given / "c.ndjson", "--json").out
    assert digits in out
    assert "1.0000000000000000001" in out


def test_standard_input_is_read_once_for_both(
    helixnet: Command, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = io.BytesIO((given / "good.csv").read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data))
    after = edited(given, ("qty: QTY", "qty: QTY + 1"))
    outcome = helixnet("diff", given / "context.yaml", after, "-")
    assert (outcome.status, "stdin:2: /qty: 1.50 -> 2.50" in outcome.out) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.yaml", "context.yaml", "good.csv"], "HX-4207"),
        (["context.yaml", "bad.yaml", "good.csv"], "can't be used"),
        (["context.yaml", "context.yaml", "nothing.csv"], "No such file"),
        (["context.yaml", "context.yaml", "good.csv", "--samples", "-1"], "no whole number"),
        (["context.yaml", "context.yaml", "good.csv", "--samples", "x"], "no whole number"),
        (["context.yaml", "context.yaml", "good.csv", "--input", "x"], "name=value"),
        (["context.yaml", "context.yaml"], "required: FILE"),
    ],
)
def test_wrong_usage_is_told(
    helixnet: Command,
    given: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    (given / "bad.yaml").write_text(CONTEXT + "mapp: 1\n", "utf-8")
    monkeypatch.chdir(given)
    outcome = helixnet("diff", *arguments)
    assert outcome.status == 2
    assert said in outcome.err
