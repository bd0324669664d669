"""What ``helixnet diff`` does and how it is shown."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from helixnet.cli.aside import refusal
from helixnet.cli.joining import Outside, plan_with
from helixnet.cli.problems import complain, problems_of, read_inputs
from helixnet.cli.show import plain, show_table
from helixnet.cli.streams import STDIN, opened
from helixnet.engine.compare import Comparison, FieldChanges, compare_plans
from helixnet.engine.context.bundle import load_bundle
from helixnet.engine.context.reader import read_context
from helixnet.engine.lockstep import Side
from helixnet.engine.output import json_text
from helixnet.engine.plan import Plan
from helixnet.errors import ContextError, UsageError

DIFFERENT: Final = 1
_KINDS: Final = {
    "new": "would be rejected",
    "gone": "would no longer be rejected",
    "other": "would be rejected for other reasons",
}
_WIDTH: Final = 120


def compare_files(
    contexts: tuple[str, str],
    files: Sequence[str],
    outside: Outside,
    *,
    most: int,
    as_json: bool,
) -> int:
    """Compare two contexts over files; return 0 without difference, 1 with one, 2 for bad usage.

    Args:
        contexts: the old one and the new one: files, folders or zips.
        files: paths; ``-`` is standard input.
        outside: inputs and second files; each context takes those that it declares.
        most: samples of each field and kind.
        as_json: print for programs.

    Raises:
        UsageError: a file can't be read, or neither context can use it.
    """
    inputs = read_inputs(outside.inputs)
    plans = [_plan(context, inputs, outside.joins) for context in contexts]
    _require_used(contexts, inputs, plans)
    before, after = plans
    if before is None or after is None:
        return 2
    rows: list[Mapping[str, object]] = []
    status = 0
    for path in files:
        name = "stdin" if path == STDIN else path
        found = _compared(before, after, path, name, most)
        status |= DIFFERENT if found.differs else 0
        if as_json:
            rows.append(_row(name, found))
        else:
            _show(name, found)
    if as_json:
        import msgspec

        print(msgspec.json.format(json_text(rows).encode(), indent=2).decode())
    return status


def _plan(context: str, inputs: Mapping[str, str], joins: Sequence[str]) -> Plan | None:
    """Compile a context with those inputs and joins that it has; say what is wrong with it."""
    try:
        bundle = load_bundle(Path(context))
        declared = read_context(bundle).context
        names = declared.inputs if declared is not None else ()
        second = declared.joins if declared is not None else ()
        given = {name: inputs[name] for name in inputs if name in names}
        return plan_with(bundle, given, joins, only=second)
    except ContextError as error:
        complain(context, problems_of(error))
        print(f"helixnet: {context} can't be used", file=sys.stderr)
        return None


def _require_used(
    contexts: Sequence[str], inputs: Mapping[str, str], plans: Sequence[Plan | None]
) -> None:
    for name in inputs:
        if all(plan is not None and name not in plan.context.inputs for plan in plans):
            raise UsageError(f"neither {contexts[0]} nor {contexts[1]} has an input `{name}`")


def _compared(before: Plan, after: Plan, path: str, name: str, most: int) -> Comparison:
    try:
        with opened(path) as stream:
            found = compare_plans(before, after, stream, file=Path(name).name, samples=most)
    except OSError as error:
        raise refusal(name, error) from error
    if (first := found.before.refused) and found.after.refused:
        text = f"{name}: neither context can use it: {first.code}: {first}"
        raise UsageError(text, hint=first.hint)
    return found


def _show(name: str, found: Comparison) -> None:
    """Print what differs: sums, a line a field, then samples."""
    if not found.differs:
        records = found.after.counts.records
        print(f"{name}: no difference in {found.unchanged} documents of {records} records")
        return
    for title, side in (("before", found.before), ("after", found.after)):
        print(f"{name}: {title}: {_side_text(side)}")
    print(
        f"{name}: documents: {found.unchanged} unchanged, {found.changed} changed, "
        f"{found.rewritten} in another order of keys, {found.added} added, {found.removed} removed"
    )
    print(
        f"{name}: rejects: {found.new_rejects} new, {found.gone_rejects} gone, "
        f"{found.other_rejects} for other reasons"
    )
    if found.fields:
        columns = ("field", "changed", "added", "removed")
        show_table([_table_row(field) for field in _in_order(found)], columns)
    for line in _samples(found):
        print(f"{name}:{line}")


def _side_text(side: Side) -> str:
    verdict, counts = side.verdict, side.counts
    if side.refused is not None:
        return f"the file is refused: {verdict.code}: {verdict.message}"
    why = f": {verdict.code}: {verdict.message}" if verdict.code else ""
    return (
        f"{counts.records} records: {counts.used} used, {counts.rejected} rejected, "
        f"{counts.skipped} skipped; {counts.written} documents; {verdict.state}{why}"
    )


def _in_order(found: Comparison) -> list[FieldChanges]:
    """Return the fields, those that differ most often first."""
    return sorted(
        found.fields.values(), key=lambda field: -(field.changed + field.added + field.removed)
    )


def _table_row(field: FieldChanges) -> Mapping[str, object]:
    counts = {"changed": field.changed, "added": field.added, "removed": field.removed}
    return {"field": field.pointer or "(others)", **counts}


def _samples(found: Comparison) -> Iterator[str]:
    for field in _in_order(found):
        for sample in field.samples:
            before, after = (_text(sample, side) for side in ("before", "after"))
            yield f"{sample['line']}: {plain(sample['pointer'])}: {before} -> {after}"
    for sample in found.documents:
        kind = "added" if "added" in sample else "removed"
        yield f"{sample['line']}: {kind}: {_text(sample, kind)}"
    for sample in found.rejects:
        reasons = sample["after"] or sample["before"]
        told = "; ".join(f"{error['code']}: {error['message']}" for error in reasons)
        yield f"{sample['line']}: record {sample['record']} {_KINDS[sample['kind']]}: {plain(told)}"


def _text(sample: Mapping[str, object], side: str) -> str:
    if side not in sample:
        return "nothing"
    text = plain(json_text(sample[side]))
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _row(name: str, found: Comparison) -> Mapping[str, object]:
    """Return a comparison as a JSON object."""
    return {
        "file": name,
        "differs": found.differs,
        "before": _side_row(found.before),
        "after": _side_row(found.after),
        "documents": {
            "unchanged": found.unchanged,
            "changed": found.changed,
            "rewritten": found.rewritten,
            "added": found.added,
            "removed": found.removed,
            "samples": found.documents,
        },
        "rejects": {
            "new": found.new_rejects,
            "gone": found.gone_rejects,
            "other": found.other_rejects,
            "samples": found.rejects,
        },
        "fields": [
            {
                "pointer": field.pointer or None,
                "changed": field.changed,
                "added": field.added,
                "removed": field.removed,
                "samples": field.samples,
            }
            for field in _in_order(found)
        ],
    }


def _side_row(side: Side) -> Mapping[str, object]:
    counts = side.counts
    row: dict[str, Any] = {
        "state": side.verdict.state,
        "records": counts.records,
        "used": counts.used,
        "rejected": counts.rejected,
        "skipped": counts.skipped,
        "documents": counts.written,
    }
    if side.verdict.code:
        row |= {"code": side.verdict.code, "message": side.verdict.message}
    return cast("Mapping[str, object]", row)
