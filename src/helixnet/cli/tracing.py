"""What ``helixnet trace`` does and how it is shown."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

from helixnet.cli.aside import refusal
from helixnet.cli.joining import Outside, plan_with
from helixnet.cli.problems import complain, problems_of, read_inputs, shown_file
from helixnet.cli.show import plain
from helixnet.cli.streams import STDIN, opened
from helixnet.engine.context.bundle import load_bundle
from helixnet.engine.differences import shown
from helixnet.engine.excerpts import Excerpt
from helixnet.engine.mapping.emit.observe import Seen
from helixnet.engine.outcome import Fault
from helixnet.engine.output import json_text
from helixnet.engine.packing.unpack import unpacked
from helixnet.engine.plan import Plan
from helixnet.engine.seek import Choice
from helixnet.engine.trace import Rule, Step, Trace, trace_field
from helixnet.engine.values.absent import ABSENT
from helixnet.errors import ContextError

_WIDTH: Final = 80
_BYTES: Final = 24
_FAULTS: Final = 5


def trace_fields(
    context: str,
    path: str,
    pointers: Sequence[str],
    outside: Outside,
    *,
    choice: Choice,
    as_json: bool,
) -> int:
    """Trace fields of one file; return 0, 1 when one is not written, 2 for a bad context.

    Args:
        context: file, folder or zip.
        path: of the file; ``-`` is standard input.
        pointers: of the fields.
        outside: inputs and second files.
        choice: which document.
        as_json: print for programs.

    Raises:
        UsageError: the file can't be read, or no document has such a field.
        RefusedError: the context refuses the file.
    """
    try:
        bundle = load_bundle(Path(context))
        plan = plan_with(bundle, read_inputs(outside.inputs), outside.joins)
    except ContextError as error:
        complain(context, problems_of(error))
        print(f"helixnet: {context} can't be used", file=sys.stderr)
        return 2
    name = "stdin" if path == STDIN else path
    found = _traced(plan, path, name, pointers, choice)
    if as_json:
        import msgspec

        rows = [_row(context, name, trace) for trace in found]
        print(msgspec.json.format(json_text(rows).encode(), indent=2).decode())
    else:
        for trace in found:
            for line in _lines(context, name, trace):
                print(line)
    return int(not all(trace.written for trace in found))


def _traced(
    plan: Plan, path: str, name: str, pointers: Sequence[str], choice: Choice
) -> list[Trace]:
    try:
        with opened(path) as stream, unpacked(stream, plan.context.source, used=plan.used) as whole:
            return [
                trace_field(plan, whole, Path(name).name, pointer, choice) for pointer in pointers
            ]
    except OSError as error:
        raise refusal(name, error) from error


def _lines(context: str, name: str, trace: Trace) -> Iterator[str]:
    yield f"{name}:{trace.line}: record {trace.record}: {_told(trace)}"
    yield from _behind(context, name, trace)
    for fault in trace.faults[:_FAULTS]:
        yield f"  fault {_fault(name, fault)}"
    if len(trace.faults) > _FAULTS:
        yield f"  and {len(trace.faults) - _FAULTS} more faults of this record"


def _told(trace: Trace) -> str:
    result = _text(trace.value) if trace.written else _why(trace)
    return f"{plain(trace.pointer)}{' =' if trace.written else ':'} {result}"


def _behind(context: str, name: str, trace: Trace) -> Iterator[str]:
    """Write the rules of a field, and one level deeper the fields that they read."""
    for rule in trace.rules:
        mark = rule.mark
        place = f"{shown_file(context, mark.file)}:{mark.line}:{mark.column}"
        told = ", ".join(filter(None, (plain(rule.text), rule.note)))
        yield f"  {rule.what:<5} {place}: {told}"
        for step in rule.steps:
            yield f"    {'  ' * step.depth}{_step(step)}"
            yield from (f"    {'  ' * step.depth}    {_at(name, one)}" for one in step.excerpts)
    for read in trace.reads:
        yield f"  reads {_told(read)}"
        yield from (f"  {line}" for line in _behind(context, name, read))
    if trace.more:
        yield f"  reads {trace.more} more fields"


def _why(trace: Trace) -> str:
    if trace.skipped:
        return "not written, because `skip_when` passes over the record"
    if trace.faults:
        return "not written, because the record is rejected"
    failed = [rule for rule in trace.rules if rule.what == "when" and _value(rule) is not True]
    if failed:
        return f"not written, because its `when` in line {failed[0].mark.line} is not true"
    return "not written"


def _value(rule: Rule) -> object:
    return rule.steps[-1].seen.value if rule.steps else None


def _step(step: Step) -> str:
    seen = step.seen
    result = _result(seen)
    row = f" ({seen.row})" if seen.row else ""
    if seen.kind == "filter":
        given = _result(seen.parts[0]) if seen.parts else "nothing"
        return f"| {plain(seen.text)}: {given} -> {result}{row}"
    return f"{plain(seen.text)} = {result}{row}"


def _result(seen: Seen) -> str:
    if seen.fault is not None:
        code = f"{seen.fault.code}: " if seen.fault.code else ""
        return f"no value: {code}{plain(seen.fault.message)}"
    return _text(seen.value)


def _text(value: object) -> str:
    """Write a value short: a list of objects by their number, what is not there as nothing."""
    if value is ABSENT:
        return "nothing"
    if isinstance(value, dict):
        node = cast("Mapping[str, object]", value)
        if "_name" in node:
            return f"segment {node['_name']} in line {node['_line']}"
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        if items and isinstance(items[0], list | dict):
            return f"{len(items)} item{'' if len(items) == 1 else 's'}"
    text = plain(_json(cast("object", value)))
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _json(value: object) -> str:
    try:
        return json_text(value)
    except TypeError:
        return str(value)


def _at(name: str, one: Excerpt) -> str:
    """Write where a value stands, and its bytes."""
    place = one.place
    where = f"{name}:{place.line}" + (f":{place.column}" if place.column else "")
    field = ".".join(filter(None, (place.segment, place.field)))
    raw = one.raw[:_BYTES].hex(" ") + (" …" if len(one.raw) > _BYTES else "")
    return f"{where} {plain(field)}" + (f": {_text(one.text)}, bytes {raw}" if one.raw else "")


def _fault(name: str, fault: Fault) -> str:
    place = fault.source
    where = "" if place is None else f"{name}:{place.line}:{place.column}: "
    target = f" at {fault.target}" if fault.target else ""
    hint = f" ({fault.hint})" if fault.hint else ""
    return f"{where}{fault.code}: {plain(fault.message)}{target}{hint}"


def _row(context: str, name: str, trace: Trace) -> Mapping[str, object]:
    """Return a trace as a JSON object."""
    row: dict[str, Any] = {
        "file": name,
        "record": trace.record,
        "line": trace.line,
        "pointer": trace.pointer,
        "written": trace.written,
    }
    if trace.written:
        row["value"] = trace.value
    row["rules"] = [
        {
            "rule": rule.what,
            "file": shown_file(context, rule.mark.file),
            "line": rule.mark.line,
            "column": rule.mark.column,
            "expression": rule.text,
            "note": rule.note,
            "steps": [_step_row(step) for step in rule.steps],
        }
        for rule in trace.rules
    ]
    row["reads"] = [_row(context, name, read) for read in trace.reads]
    row["reads_more"] = trace.more
    row["skipped"] = trace.skipped
    row["errors"] = [
        {"code": fault.code, "message": fault.message, "target": fault.target}
        for fault in trace.faults
    ]
    return row


def _step_row(step: Step) -> Mapping[str, object]:
    seen = step.seen
    row: dict[str, Any] = {"expression": seen.text, "kind": seen.kind, "depth": step.depth}
    if seen.kind == "filter" and seen.parts:
        row |= _outcome("input", seen.parts[0])
    row |= _outcome("value", seen)
    if seen.row:
        row["row"] = seen.row
    row["sources"] = [
        {
            "line": one.place.line,
            "column": one.place.column,
            "segment": one.place.segment,
            "field": one.place.field,
            "bytes": one.raw.hex(),
            "text": one.text.encode("utf-8", "replace").decode(),
        }
        for one in step.excerpts
    ]
    return row


def _outcome(name: str, seen: Seen) -> Mapping[str, object]:
    """Return a value under ``name``; nothing for what is absent, the fault for what failed."""
    if seen.fault is not None:
        return {f"{name}_fault": f"{seen.fault.code}: {seen.fault.message}".removeprefix(": ")}
    value = seen.value
    if value is ABSENT:
        return {}
    try:
        return {name: value if isinstance(value, date) else shown(value)}
    except TypeError:
        return {name: _text(value)}
