"""Compile a context of many fields again and again in one process, and the same with libraries.

Prints one JSON object: CPU-milliseconds, the middle of several, imports left out.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

import fastjsonschema
import yaml
from jinja2 import Environment

from helixnet.engine.context.bundle import Bundle, bundle_from_files
from helixnet.engine.examine import examine_bundle
from helixnet.engine.plan import compile_plan

TIMES: Final = 15
KINDS: Final[list[tuple[str, str, dict[str, Any]]]] = [
    # declared as, expression, schema
    ("{type: string}", "{0} | trim | upper", {"type": "string", "maxLength": 35}),
    ("{type: string}", '{0} | or_else("EUR")', {"type": "string", "minLength": 1}),
    (
        "{type: decimal, digits: 15, scale: 2}",
        "({0} * 1.19) | money(2)",
        {"type": "number", "minimum": 0},
    ),
    ('{type: date, format: "%d.%m.%Y"}', "{0}", {"type": "string", "format": "date"}),
    ("{type: integer}", "{0} + 1", {"type": "integer"}),
    ("{type: string}", '"Customer {{{{ {0} }}}}"', {"type": "string"}),
]
HEAD: Final = """helixnet: 1
name: bench-fields
version: 1.0.0
target: target.schema.json
source:
  format: csv
  delimiter: ";"
  decimal: ","
  nulls: [""]
  fields:
"""


def columns(count: int) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return name, declaration, expression and schema of each field."""
    kinds = (KINDS[number % len(KINDS)] for number in range(count))
    return [
        (f"F{number:03d}", declared, expression.format(f"F{number:03d}"), schema)
        for number, (declared, expression, schema) in enumerate(kinds)
    ]


def files(count: int) -> dict[str, bytes]:
    """Write a context of ``count`` fields, ten in each object, and its schema."""
    lines, objects = [HEAD], dict[str, Any]()
    known = columns(count)
    lines += [f"    {name}: {declared}\n" for name, declared, _, _ in known]
    lines.append("map:\n")
    for number, (name, _, expression, schema) in enumerate(known):
        group = f"g{number // 10}"
        if group not in objects:
            lines.append(f"  {group}:\n")
            objects[group] = {"type": "object", "additionalProperties": False, "properties": {}}
        lines.append(f"    {name.lower()}: {expression}\n")
        objects[group]["properties"][name.lower()] = schema
    schema = {"type": "object", "additionalProperties": False, "properties": objects}
    return {
        "context.yaml": "".join(lines).encode(),
        "target.schema.json": json.dumps(schema).encode(),
    }


def compiled(bundle: Bundle, count: int) -> None:
    """Compile and bind to a header: what a first file waits for."""
    compile_plan(bundle).bind([name for name, *_ in columns(count)], "x.csv")


def with_libraries(written: dict[str, bytes], environment: Environment) -> None:
    """Do what a mapper of the usual libraries does: YAML, Jinja2 per field, fastjsonschema."""
    context = yaml.load(written["context.yaml"], Loader=yaml.CSafeLoader)
    for group in context["map"].values():
        for expression in group.values():
            environment.from_string(
                f"{{{{ {expression} }}}}" if "{" not in expression else expression
            )
    fastjsonschema.compile(json.loads(written["target.schema.json"]))


def milliseconds(work: Callable[[], object]) -> float:
    """Return the middle CPU time of some runs, after a first one."""
    work()
    found: list[float] = []
    for _ in range(TIMES):
        started = time.process_time()
        work()
        found.append((time.process_time() - started) * 1000)
    return median(found)


def main(count: int) -> None:
    """Measure contexts of ``count`` fields, and the check of one with twice as many."""
    written, twice = files(count), bundle_from_files("context.yaml", files(2 * count))
    bundle = bundle_from_files("context.yaml", written)
    environment = Environment(autoescape=False)  # noqa: S701 - JSON, no HTML
    environment.filters |= {"or_else": str, "money": str}
    figures = {
        "compile": milliseconds(lambda: compiled(bundle, count)),
        "libraries": milliseconds(lambda: with_libraries(written, environment)),
        "check": milliseconds(lambda: examine_bundle(twice)),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
