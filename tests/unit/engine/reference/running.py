"""One expression over many records by the engine, in the words of the plain interpreter."""

import io
import json
from collections.abc import Sequence
from typing import Any

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.plan import Plan, compile_plan
from helixnet.engine.transform import transform_file
from tests.unit.engine.reference.filters import TABLE
from tests.unit.engine.reference.interpreter import evaluate
from tests.unit.engine.reference.values import ABSENT, RejectionError, as_json

CONTEXT = """helixnet: 1
name: reference
version: 1.0.0
target: {type: object, properties: {v: {}}}
source: {format: ndjson%s}
lookups: {table: {inline: %s, missing: "null"}}
map: {v: %s}
"""
REJECTED = "rejected"
DAY = "{type: date, format: '%Y-%m-%d'}"
MOMENT = "{type: datetime, format: '%Y-%m-%dT%H:%M:%S%z'}"
DAYS = {"d": DAY, "e": DAY, "w": MOMENT}
TYPES = {
    "t": "{type: string}",
    "u": "{type: string}",
    "b": "{type: boolean}",
    "x": "{}",
    "y": DAY,
} | DAYS
TYPES |= dict.fromkeys("nm", "{type: decimal, digits: 38}") | {"i": "{type: integer, digits: 38}"}
LOOSE = dict.fromkeys([*"tunmboqsl"], "{}") | DAYS
TIGHT = LOOSE | {name: TYPES[name] for name in "tunmb"}


def planned(expression: str, fields: dict[str, str] | None = None) -> Plan:
    """Compile a context of one leaf; ContextError where `check` refuses it."""
    declared = ", ".join(f"{name}: {spec}" for name, spec in (fields or {}).items())
    lines = CONTEXT % (
        f", fields: {{{declared}}}" if fields else "",
        *(json.dumps(each, ensure_ascii=False) for each in (TABLE, expression)),
    )
    return compile_plan(bundle_from_files("c.yaml", {"c.yaml": lines.encode()}))


def compiled(plan: Plan, records: Sequence[dict[str, Any]]) -> list[str]:
    """What the engine writes for each record: the document, or `rejected`."""
    documents, rejects = io.BytesIO(), io.BytesIO()
    source = io.BytesIO("".join(as_json(record) + "\n" for record in records).encode())
    transform_file(plan, source, documents=documents, rejects=rejects, file="f")
    bad = {json.loads(line)["record"] for line in rejects.getvalue().splitlines()}
    good = iter(documents.getvalue().decode().splitlines())
    return [REJECTED if n in bad else next(good) for n in range(1, len(records) + 1)]


def expected(expression: str, record: dict[str, Any]) -> str:
    """What the documentation says."""
    try:
        found = evaluate(expression, record)
        return as_json({} if found is ABSENT else {"v": found})
    except RejectionError:
        return REJECTED
