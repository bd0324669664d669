"""A small context and what a command line did with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

CONTEXT = """\
helixnet: 1
name: small
version: 1.0.0
target: target.schema.json
source:
  format: csv
  delimiter: ";"
  decimal: ","
  fields:
    ID: {type: string, required: true}
    QTY: {type: decimal, scale: 2}
map:
  id: ID
  qty: QTY
"""
SCHEMA = """\
{"type": "object", "required": ["id", "qty"], "additionalProperties": false,
 "properties": {"id": {"type": "string", "maxLength": 5},
                "qty": {"type": "number", "multipleOf": 0.01},
                "plant": {"type": "string"}}}
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str


Command: TypeAlias = Callable[..., Outcome]
