"""What maps the files: the shipped examples with small edits, and a plain table of lines."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
SCHEMA: Final = "purchase-order.schema.json"
LINES: Final = """\
helixnet: 1
name: chaos-lines
version: 1.0.0
target:
  type: object
  additionalProperties: false
  required: [no, sku, quantity, price, amount]
  properties:
    no: {type: string}
    sku: {type: string}
    quantity: {type: integer}
    price: {type: number, multipleOf: 0.01}
    amount: {type: number, multipleOf: 0.01}
source:
  format: csv
  delimiter: ";"
  fields:
    NO: {type: string, required: true}
    SKU: {type: string, required: true}
    QTY: {type: integer}
    PRICE: {type: decimal, digits: 15, scale: 2}
map:
  no: NO
  sku: SKU | upper
  quantity: QTY
  price: PRICE
  amount: (QTY * PRICE) | money(2)
on_error: {scope: record, stop_at: 100%}
"""
DELIVERED: Final = {
    "orders": "orders.validated",
    "own": "orders.validated",
    "strict": "orders.validated",
    "idocs": "idocs.seen",
}
Files = dict[str, bytes]


def _example(folder: str, *edits: tuple[str, str]) -> Files:
    text = (EXAMPLES / folder / "context.yaml").read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, f"{folder}: {old!r} is gone"
        text = text.replace(old, new)
    schema = (EXAMPLES / folder / SCHEMA).read_bytes()
    return {"context.yaml": text.encode(), SCHEMA: schema}


def bundles() -> dict[str, Files]:
    """Return the contexts by kind of file, each with the file that is the context first."""
    orders, lenient = "acme-orders-csv", ("stop_at: 50%", "stop_at: 100%")
    scope = ("{scope: record, stop_at: 50%}", "{scope: file}")
    told = ("\ntests:\n", "\ndeliver:\n  - {topic: idocs.seen, key: out.orderId}\ntests:\n")
    some = ("\nlookups:\n", "\non_error: {scope: record, stop_at: 100%}\nlookups:\n")
    return {
        "orders": _example("orders-csv", (orders, "chaos-orders"), lenient),
        "strict": _example("orders-csv", (orders, "chaos-strict"), scope),
        "lines": {"context.yaml": LINES.encode()},
        "idocs": _example("orders-idoc", ("sap-orders05", "chaos-idocs"), told, some),
    }


def own_bundle(number: int) -> Files:
    """Return a context that no other upload has, so that nothing of it is known anywhere."""
    files = bundles()["orders"]
    return files | {"context.yaml": files["context.yaml"] + f"\n# {number}\n".encode()}


def _idoc() -> str:
    """The first example of the IDoc context, as a template."""
    context = yaml.safe_load((EXAMPLES / "orders-idoc" / "context.yaml").read_text("utf-8"))
    text: str = context["tests"][0]["input"]
    assert "{" not in text
    text = text.replace("0000000004711001", "{control:016}")
    text = text.replace("4500020001", "{number:10}").replace("1250.000 ", "{quantity}.000 ")
    return text if text.endswith("\n") else f"{text}\n"


IDOC: Final = _idoc()


def idoc_document(control: int, number: str, quantity: int) -> dict[str, Any]:
    """Return what an IDoc made from the template says."""
    return {
        "orderId": number,
        "externalId": "PO-2026-118",
        "orderDate": "2026-11-03",
        "currency": "EUR",
        "channel": "idoc",
        "controlNumber": str(control),
        "buyer": {"id": "100214", "name": "Bäckerei Größl KG"},
        "shipTo": {"id": "100215", "name": "Filiale Süd"},
        "items": [
            {
                "lineNumber": 10,
                "material": "1000417",
                "description": "Weizenmehl Typ 405",
                "quantity": quantity,
                "unit": "KGM",
                "netPrice": Decimal("0.62"),
                "schedule": [
                    {"date": "2026-11-20", "quantity": 1000},
                    {"date": "2026-12-04", "quantity": 250},
                ],
            }
        ],
    }
