"""The two contexts that the format's description shows are read as it says."""

from decimal import Decimal
from pathlib import Path

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.context.model import (
    Const,
    Context,
    EachNode,
    Leaf,
    Mark,
    ObjectNode,
    StopAt,
    WhenNode,
)
from helixnet.engine.context.reader import read_context

CONTEXTS = Path(__file__).parent / "contexts"
SCHEMA = b'{"type": "object", "properties": {"total": {"type": "number", "multipleOf": 0.01}}}'


def example(name: str) -> Context:
    files = {name: (CONTEXTS / name).read_bytes(), "purchase-order.schema.json": SCHEMA}
    result = read_context(bundle_from_files(name, files))
    assert result.problems == []
    assert result.context
    return result.context


def test_the_csv_example_gives_its_source_contract() -> None:
    source = example("acme-orders-csv.yaml").source
    assert source.format == "csv"
    assert source.encoding == ["utf-8", "cp1252"]
    assert (source.delimiter, source.decimal, source.thousands) == (";", ",", ".")
    assert source.nulls == ["", "NULL"]
    assert source.on_drift == "warn"
    assert source.fields
    assert list(source.fields)[:2] == ["PO_NO", "PO_DATE"]
    assert (source.fields["PO_NO"].type, source.fields["PO_NO"].required) == ("string", True)
    assert source.fields["PO_DATE"].format == "%d.%m.%Y"
    assert (source.fields["QTY"].digits, source.fields["QTY"].scale) == (15, 3)
    assert source.fields["LINE_NO"].digits == 18


def test_the_csv_example_gives_its_target_with_exact_numbers() -> None:
    context = example("acme-orders-csv.yaml")
    assert context.outputs[0].target == {
        "type": "object",
        "properties": {"total": {"type": "number", "multipleOf": Decimal("0.01")}},
    }
    assert context.outputs[0].target_mark == Mark("purchase-order.schema.json", 1, 1)
    assert (context.name, context.version) == ("acme-orders-csv", "1.2.0")


def test_the_csv_example_gives_its_group_tables_and_names() -> None:
    context = example("acme-orders-csv.yaml")
    group = context.group
    assert group
    assert (group.by, group.header, group.lines) == (["PO_NO"], "h", "lines")
    assert group.same == ["PO_DATE", "BUYER", "CURRENCY"]
    assert context.lookups["uom"].rows == {"ST": "PCE", "KG": "KGM"}
    assert context.lookups["uom"].missing == "reject"
    rush = context.vars["rush"]
    assert isinstance(rush, Leaf)
    assert rush.text == 'h.BUYER in ["C100", "C101"]'
    assert context.skip_when
    assert context.skip_when.text == 'h.BUYER == "TEST"'


def test_the_csv_example_gives_its_map() -> None:
    body = example("acme-orders-csv.yaml").map
    assert isinstance(body, ObjectNode)
    assert body.fields["channel"] == Const("csv", Mark("acme-orders-csv.yaml", 33, 12))
    priority = body.fields["priority"]
    assert isinstance(priority, WhenNode)
    assert isinstance(priority.map, Const)
    assert priority.map.value == 1
    items = body.fields["items"]
    assert isinstance(items, EachNode)
    assert items.name == "l"
    assert items.where == Leaf("l.QTY > 0", Mark("acme-orders-csv.yaml", 39, 12))


def test_the_csv_example_gives_what_follows_the_map() -> None:
    context = example("acme-orders-csv.yaml")
    (check,) = context.checks
    assert check.code == "NO_LINES"
    assert check.that.text == "(out.items | length) > 0"
    assert check.text.text.startswith("order {{ out.orderId }}")
    assert not context.fail_file
    assert context.stop_at == StopAt(percent=Decimal(5))
    (deliver,) = context.deliver
    assert deliver.topic == "orders.validated"
    assert deliver.key
    assert deliver.key.text == "out.orderId"
    good, bad = context.tests
    assert isinstance(good.expect, dict)
    assert good.expect["total"] == Decimal("1538.51")
    assert good.input.count("\n") == 3
    assert good.rejects is None
    assert bad.rejects == [{"code": "HX-1102", "line": 2}]
    assert bad.expect is None


def test_the_idoc_example_is_read_whole() -> None:
    context = example("sap-orders05.yaml")
    source = context.source
    assert (source.format, source.type, source.on_drift) == ("idoc", "ORDERS05", "allow")
    assert source.grammar is None
    assert context.group is None
    assert isinstance(context.map, ObjectNode)
    buyer = context.map.fields["buyer"]
    assert isinstance(buyer, ObjectNode)
    assert buyer.fields["id"] == Leaf(
        'E1EDKA1 | one(PARVW="AG") | get("PARTN") | unpad', Mark("sap-orders05.yaml", 14, 16)
    )
    items = context.map.fields["items"]
    assert isinstance(items, EachNode)
    assert isinstance(items.map, ObjectNode)
    assert isinstance(items.map.fields["schedule"], EachNode)
