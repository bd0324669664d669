"""Runs a context on text, through the real readers: what tests of the mapping share."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from typing import Any

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.examine import examine_bundle
from helixnet.engine.outcome import Counts, Mapped, Reject
from helixnet.engine.plan import Plan, compile_plan
from helixnet.engine.read import index_source, read


@dataclass
class Result:
    documents: list[Any]
    texts: list[str]
    rejects: list[Reject]
    counts: Counts

    @property
    def codes(self) -> list[tuple[str, str | None]]:
        return [(fault.code, fault.target) for r in self.rejects for fault in r.faults]


def bundle(context: str, **files: str) -> Any:
    named = {name.replace("__", "."): text.encode() for name, text in files.items()}
    text = textwrap.dedent(context)
    if "helixnet:" not in text:
        text = "helixnet: 1\nname: test\nversion: 1.0.0\n" + text
    return bundle_from_files("c.yaml", {"c.yaml": text.encode(), **named})


def plan(context: str, inputs: Mapping[str, object] | None = None, **files: str) -> Plan:
    return compile_plan(bundle(context, **files), inputs)


def problems(context: str, headers: Sequence[Sequence[str]] = (), **files: str) -> list[str]:
    """Every problem as `line code`."""
    shown = [("s.csv", BytesIO(f"{','.join(header)}\n".encode())) for header in headers]
    found = examine_bundle(bundle(context, **files), shown).problems
    return [f"{problem.mark.line - 3} {problem.code}" for problem in found]


def run(compiled: Plan, text: str) -> Result:
    stream = BytesIO(text.encode())
    context, grammar = compiled.context, compiled.grammar
    index = index_source(
        stream, context.source, group=context.group, grammar=grammar, used=compiled.used
    )
    mapper = compiled.bind(index.header, "in.txt")
    total, counts = Mapped(), Counts()
    for part in index.parts:
        stream.seek(0)
        first = part.first_record
        batches = read(
            stream,
            context.source,
            index,
            part,
            group=context.group,
            grammar=grammar,
            needs=compiled.needs,
        )
        for batch in batches:
            found = mapper.map(batch, first)
            first += len(batch.records)
            total.documents += found.documents
            total.rejects += found.rejects
            counts += found.counts
    assert counts.balanced
    documents = [json.loads(text, parse_float=Decimal) for text in total.documents]
    return Result(documents, total.documents, total.rejects, counts)


def mapped(context: str, text: str, inputs: Mapping[str, object] | None = None) -> Result:
    return run(plan(context, inputs), textwrap.dedent(text))


def leaf(expression: str, record: Mapping[str, Any], schema: str = "{}") -> Any:
    """Value of one expression over a JSON record: `absent`, `HX-….`, or the value."""
    quoted = "'" + expression.replace("'", "''") + "'"
    context = f"""\
        target: {{type: object, properties: {{v: {schema}}}}}
        source: {{format: ndjson}}
        map: {{v: {quoted}}}
        """
    found = mapped(context, json.dumps(record) + "\n")
    if found.rejects:
        return found.rejects[0].faults[0].code
    return found.documents[0].get("v", "absent")
