"""The peer's worker: get the file, map it with Jinja2, check it with jsonschema, put the result.

Run by `celery -A tasks worker` in an environment of its own; it imports nothing of HelixNet.
"""

import csv
import io
import json
import os
import time
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import redis
from celery import Celery
from jinja2 import Environment
from jsonschema import Draft202012Validator
from minio import Minio

BUCKET = "peer"
UNITS = {"ST": "PCE", "KG": "KGM", "M": "MTR", "L": "LTR"}
ORDER = {
    "orderId": "PO_NO | trim",
    "orderDate": "PO_DATE | date",
    "currency": "CURRENCY or 'EUR'",
    "buyer": "{'id': BUYER, 'name': NAME or 'Customer ' ~ BUYER}",
    "priority": "1 if BUYER in ['C100', 'C101'] else none",
}
ITEM = {
    "lineNumber": "LINE_NO | int",
    "material": "SKU | trim | upper",
    "description": "TEXT or none",
    "quantity": "QTY | number",
    "unit": "units[UOM]",
    "netPrice": "PRICE | number",
    "amount": "((QTY | number) * (PRICE | number)) | money",
}

broker = os.environ.get("PEER_REDIS", "redis://127.0.0.1:6379/0")
app = Celery("peer", broker=broker)
app.conf.task_ignore_result = True  # the status that clients see is kept by the tasks themselves
states = redis.Redis.from_url(broker)
store = Minio(
    os.environ.get("PEER_STORE", "127.0.0.1:9000"),
    access_key=os.environ.get("PEER_ACCESS_KEY", ""),
    secret_key=os.environ.get("PEER_SECRET_KEY", ""),
    secure=False,
)


def number(text: str) -> Decimal:
    """Read a number with decimal comma and thousands dots."""
    return Decimal(text.replace(".", "").replace(",", "."))


def environment() -> Environment:
    """Jinja2 with the filters of this mapping."""
    made = Environment(autoescape=False)  # noqa: S701 - JSON, no HTML
    made.filters |= {
        "date": lambda text: datetime.strptime(text, "%d.%m.%Y").date().isoformat(),  # noqa: DTZ007
        "number": number,
        "money": lambda value: value.quantize(Decimal("0.01"), ROUND_HALF_UP),
    }
    return made


jinja = environment()
order = {name: jinja.compile_expression(text) for name, text in ORDER.items()}
item = {name: jinja.compile_expression(text) for name, text in ITEM.items()}
schema = Path(__file__).resolve().parent.parent / "w0" / "purchase-order.schema.json"
validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))


def mapped(fields: dict, row: dict) -> dict:
    """Apply each expression to a row; what gives nothing is left out."""
    values = {name: expression(units=UNITS, **row) for name, expression in fields.items()}
    return {name: value for name, value in values.items() if value is not None}


def documents(content: bytes) -> list[dict]:
    """Map a file: neighbouring lines of one order are one document."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), delimiter=";")
    found = []
    for _, group in groupby(rows, key=itemgetter("PO_NO")):
        lines = list(group)
        items = [mapped(item, line) for line in lines if number(line["QTY"]) > 0]
        total = sum(each["amount"] for each in items)
        found.append(mapped(order, lines[0]) | {"channel": "csv", "items": items, "total": total})
    return found


@app.task
def map_file(job: str) -> None:
    """Do one job and tell whoever listens."""
    answer = store.get_object(BUCKET, f"inbox/{job}")
    try:
        content = answer.read()
    finally:
        answer.close()
        answer.release_conn()
    found = documents(content)
    # Doubles, because jsonschema's multipleOf on a Decimal fails; HelixNet keeps decimals exact.
    plain = json.loads(json.dumps(found, default=float))
    for each in plain:
        errors = [error for error in validator.iter_errors(each) if error.validator != "multipleOf"]
        if errors:
            raise ValueError(errors[0].message)
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in plain).encode()
    store.put_object(BUCKET, f"results/{job}.ndjson", io.BytesIO(text), len(text))
    done = {"job": job, "state": "COMPLETED", "finished": time.time()}
    states.set(f"job:{job}", json.dumps(done))
    states.publish("done", json.dumps(done))
