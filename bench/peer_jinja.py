"""The peer of W1: Jinja2 per field, each expression compiled once, and fastjsonschema."""

import csv
import json
import sys
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import fastjsonschema
from jinja2 import Environment

UNITS = {"ST": "PCE", "KG": "KGM", "M": "MTR", "KAR": "CT", "PAL": "PF"}
FIELDS = {
    "orderId": "VBELN",
    "line": "POSNR | whole",
    "orderDate": "ERDAT | date",
    "id": "KUNNR | unpad",
    "name": "NAME1",
    "country": "LAND1 or none",
    "sku": "MATNR | unpad",
    "text": "ARKTX",
    "quantity": "KWMENG | number",
    "unit": "units[VRKME]",
    "price": "NETPR | number",
    "amount": "((KWMENG | number) * (NETPR | number)) | money",
    "currency": "WAERK",
}


def number(text: str) -> Decimal:
    """Read a number with decimal comma and thousands dots."""
    return Decimal(text.replace(".", "").replace(",", "."))


def main(source: str, schema: str) -> None:
    """Map ``source`` to NDJSON on standard output."""
    environment = Environment(autoescape=False)  # noqa: S701 - JSON, no HTML
    environment.filters |= {
        "whole": int,
        "date": lambda text: datetime.strptime(text, "%d.%m.%Y").date().isoformat(),  # noqa: DTZ007
        "unpad": lambda text: text.lstrip("0") or "0",
        "number": number,
        "money": lambda value: value.quantize(Decimal("0.01"), ROUND_HALF_UP),
    }
    fields = {name: environment.compile_expression(text) for name, text in FIELDS.items()}
    validate = fastjsonschema.compile(json.loads(Path(schema).read_text(encoding="utf-8")))
    with Path(source).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            v = {name: expression(units=UNITS, **row) for name, expression in fields.items()}
            document = {
                "orderId": v["orderId"],
                "line": v["line"],
                "orderDate": v["orderDate"],
                "customer": {"id": v["id"], "name": v["name"], "country": v["country"]},
                "item": {"sku": v["sku"], "text": v["text"]},
                "quantity": float(v["quantity"]),
                "unit": v["unit"],
                "price": float(v["price"]),
                "amount": float(v["amount"]),
                "currency": v["currency"],
                "highValue": v["amount"] > 100000,  # noqa: PLR2004 - the workload says so
            }
            validate(document)
            sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
