"""``helixnet check --sample``: a context beside a file to map, and what nothing reads."""

import json
from pathlib import Path

import pytest

from helixnet.engine import plan
from tests.unit.cli.commanding import CONTEXT, Command

EXAMPLES = Path(__file__).parents[3] / "examples"
GROUP = "group: {by: ID, order: consecutive, header: h, lines: l}"
UNDECLARED = (
    CONTEXT.partition("  fields:")[0]
    + "map:\n  id: ID\n  qty: QTY | decimal\n  plant: WERKS\n"
    + 'tests: [{name: t, input: "ID;QTY;WERKS\\nA;1;P\\n", expect: {id: A}}]\n'
)


def test_names_are_checked_against_a_file(helixnet: Command, given: Path) -> None:
    """A test's input that has a column is no proof that files have it."""
    (given / "context.yaml").write_text(UNDECLARED, "utf-8")
    assert helixnet("check", given).status == 0
    outcome = helixnet("check", given, "--sample", given / "good.csv")
    assert outcome.status == 2
    assert f"unknown name `WERKS` in {given / 'good.csv'}" in outcome.out
    assert f"{given / 'context.yaml'}:12:10: error HX-4103" in outcome.out
    wide = given / "wide.csv"
    wide.write_text("ID;QTY;WERKS\n", "utf-8")
    assert helixnet("check", given, "--sample", wide).status == 0
    assert helixnet("check", given, "--sample", wide, "--sample", given / "good.csv").status == 2


def test_a_declared_field_that_a_file_lacks_is_told_where_it_is_read(
    helixnet: Command, given: Path
) -> None:
    (given / "short.csv").write_text("ID;Menge\nA;1\n", "utf-8")
    outcome = helixnet("check", given, "--sample", given / "short.csv")
    assert outcome.status == 2
    assert f"{given / 'context.yaml'}:14:8: error HX-4103: unknown name `QTY`" in outcome.out
    drift = f"{given / 'short.csv'}:1:1: warning HX-4114"
    assert drift in outcome.out
    assert "unknown column 'Menge'; missing column 'QTY'" in outcome.out


@pytest.mark.parametrize(("policy", "status"), [("allow", 0), ("warn", 0), ("fail", 2)])
def test_drift_weighs_as_much_as_the_contract_says(
    helixnet: Command, given: Path, policy: str, status: int
) -> None:
    (given / "more.csv").write_text("ID;QTY;X\n", "utf-8")
    text = CONTEXT.replace("  fields:", f"  on_drift: {policy}\n  fields:")
    (given / "context.yaml").write_text(text, "utf-8")
    outcome = helixnet("check", given, "--sample", given / "more.csv")
    assert outcome.status == status
    assert ("HX-4114" in outcome.out) is (policy != "allow")


def test_a_required_field_that_nothing_reads_must_be_there_too(
    helixnet: Command, given: Path
) -> None:
    fields = "    NO: {type: integer, required: true}\n    QTY:"
    (given / "context.yaml").write_text(CONTEXT.replace("    QTY:", fields), "utf-8")
    assert helixnet("check", given).out == ""
    outcome = helixnet("check", given, "--sample", given / "good.csv")
    assert outcome.status == 2
    assert "11:5: error HX-4103: `NO` is required" in outcome.out


def test_a_column_that_stands_twice_is_an_error_if_it_is_read(
    helixnet: Command, given: Path
) -> None:
    (given / "twice.csv").write_text("ID;QTY;QTY\n", "utf-8")
    outcome = helixnet("check", given, "--sample", given / "twice.csv")
    assert outcome.status == 2
    assert f"{given / 'twice.csv'}:1:1: error HX-5002" in outcome.out


@pytest.mark.parametrize(
    ("content", "code"), [(b"\0\0\0", "HX-5001"), ("ID;QTÄ\n".encode("cp1252"), "HX-5002")]
)
def test_a_file_that_can_not_be_read_is_a_problem(
    helixnet: Command, given: Path, content: bytes, code: str
) -> None:
    (given / "odd.csv").write_bytes(content)
    outcome = helixnet("check", given, "--sample", given / "odd.csv")
    assert outcome.status == 2
    assert f"{given / 'odd.csv'}:1:1: error {code}" in outcome.out


def test_an_empty_file_says_nothing_of_names(helixnet: Command, given: Path) -> None:
    (given / "empty.csv").write_bytes(b"")
    assert helixnet("check", given, "--sample", given / "empty.csv").status == 0


def test_a_sample_that_is_not_there_or_not_clear_is_wrong_usage(
    helixnet: Command, given: Path
) -> None:
    outcome = helixnet("check", given, "--sample", given / "nothing.csv")
    assert (outcome.status, "No such file" in outcome.err) == (2, True)
    outcome = helixnet("check", given, given, "--sample", given / "good.csv")
    assert (outcome.status, "--sample is for one context" in outcome.err) == (2, True)


def test_a_typed_field_that_nothing_reads_is_a_warning(helixnet: Command, given: Path) -> None:
    """Its declaration reads as if values were checked, and they are not."""
    fields = "    DAY: {type: date}\n    NOTE: {type: string}\n    QTY:"
    (given / "context.yaml").write_text(CONTEXT.replace("    QTY:", fields), "utf-8")
    outcome = helixnet("check", given)
    assert outcome.status == 0
    assert outcome.out.count("HX-4113") == 1
    assert "11:5: warning HX-4113: nothing reads the field `DAY`" in outcome.out
    told = helixnet("check", given, "--explain").out
    assert "12:5: note HX-4113: nothing reads the field `NOTE`" in told


def test_a_field_that_totals_read_is_read(helixnet: Command, given: Path) -> None:
    text = CONTEXT.replace("    QTY:", "    TAX: {type: decimal, scale: 2}\n    QTY:")
    more = "totals: {tax: TAX}\nfile_checks: [{that: totals.tax >= 0, code: T, text: totals.tax}]\n"
    (given / "context.yaml").write_text(f"{text.rstrip()}\n{more}", "utf-8")
    outcome = helixnet("check", given, "--explain")
    assert (outcome.status, "HX-4113" in outcome.out) == (0, False), outcome.out


def test_a_text_field_that_nothing_reads_is_wasted_where_drift_is_allowed(
    helixnet: Command, given: Path
) -> None:
    """Elsewhere it says that files may have the column, which an unread one must be said of."""
    text = CONTEXT.replace("    QTY:", "    NOTE: {type: string}\n    QTY:")
    allowed = text.replace("  fields:", "  on_drift: allow\n  fields:")
    (given / "context.yaml").write_text(text, "utf-8")
    assert helixnet("check", given).out == ""
    (given / "context.yaml").write_text(allowed, "utf-8")
    assert "warning HX-4113: nothing reads the field `NOTE`" in helixnet("check", given).out


@pytest.mark.parametrize(
    "reader",
    [
        "vars: {v: X}\nmap: {id: ID, qty: 1, plant: v}\n",
        'map: {id: ID, qty: 1}\nskip_when: X == "1"\n',
        'map: {id: ID, qty: 1}\nchecks: [{that: X != "1", code: C, text: ID}]\n',
        "group: {by: X, order: consecutive, header: h, lines: l}\nmap: {id: h.ID, qty: 1}\n",
        f'{GROUP}\nmap: {{id: h.ID, qty: 1, plant: l | first | get("X")}}\n',
        f"{GROUP[:-1]}, same: [X]}}\nmap: {{id: h.ID, qty: 1}}\n",
    ],
)
def test_whatever_reads_a_field_counts(helixnet: Command, given: Path, reader: str) -> None:
    source = "  on_drift: allow\n  fields: {ID: {type: string}, X: {type: string}}\n"
    text = CONTEXT.partition("  fields:")[0] + source + reader
    (given / "context.yaml").write_text(text, "utf-8")
    outcome = helixnet("check", given, "--explain")
    assert outcome.status == 0, outcome.out
    assert "HX-4113" not in outcome.out


def test_explain_tells_which_columns_nothing_reads(helixnet: Command, given: Path) -> None:
    wide = given / "wide.csv"
    wide.write_text("ID;QTY;a.b;a\n", "utf-8")
    outcome = helixnet("check", given, "--sample", wide, "--explain")
    assert f"{wide}:1:1: note HX-4113: nothing reads `a.b`, `a`\n" in outcome.out
    assert "note" not in helixnet("check", given, "--sample", wide).out
    rows = json.loads(helixnet("check", given, "--sample", wide, "--explain", "--json").out)
    assert [row["severity"] for row in rows] == ["warning", "note"]
    log = json.loads(helixnet("check", given, "--sample", wide, "--explain", "--format=sarif").out)
    assert [result["level"] for result in log["runs"][0]["results"]] == ["warning", "note"]
    told = helixnet("check", given, "--sample", wide, "--explain", "--format=github").out
    assert "::notice file=" in told


def test_keys_of_json_are_names_too(helixnet: Command, given: Path) -> None:
    text = (
        CONTEXT.partition("source:")[0]
        + "source: {format: ndjson}\nmap: {id: ID, qty: lines | length}\n"
        + 'tests: [{name: t, input: "{\\"lines\\": []}\\n", rejects: [{}]}]\n'
    )
    (given / "context.yaml").write_text(text, "utf-8")
    assert "unknown name `ID`" in helixnet("check", given).out
    file = given / "a.ndjson"
    file.write_text('{"ID": "1"}\n\n{"X": 1, "lines": [{"Y": 1}]}\n', "utf-8")
    outcome = helixnet("check", given, "--sample", file, "--explain")
    assert outcome.status == 0
    assert "nothing reads `X`\n" in outcome.out


def test_segments_and_their_fields_are_named_apart(helixnet: Command) -> None:
    folder = EXAMPLES / "orders-idoc"
    told = helixnet("check", folder, "--sample", folder / "orders.idoc", "--explain").out
    assert "note HX-4113: nothing reads of EDI_DC40 `TABNAM`" in told
    assert "`DOCNUM`" not in told
    assert "BELNR" not in told


def test_the_context_is_compiled_once(
    helixnet: Command, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    original = plan.compile_schema

    def counted(*args: object, **named: object) -> object:
        calls.append(args)
        return original(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(plan, "compile_schema", counted)
    assert helixnet("check", given, "--explain").status == 0
    assert len(calls) == 1


def test_a_field_that_only_a_file_check_reads_is_read(helixnet: Command, given: Path) -> None:
    context = given / "trailer.yaml"
    context.write_text(
        "helixnet: 1\nname: t\nversion: 1.0.0\ntarget: {}\n"
        "source:\n  format: csv\n  header: false\n  records:\n"
        "    P: {at: 0, is: P, fields: {N: {at: 1, type: integer}}}\n"
        "    T: {at: 0, is: T, once: true, fields: {SUM: {at: 1, type: integer}}}\n"
        "totals: {n: P.N}\nfile_checks: [{that: totals.n == T.SUM, code: SUM, text: T.SUM}]\n"
        "map: {n: P.N}\n"
    )
    ran = helixnet("check", context)
    assert (ran.status, "T.SUM" in ran.out + ran.err) == (0, False)
