"""Everything that can be said of a bundle before it maps, also beside files that it is to map."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from helixnet.engine.context.bundle import Bundle
from helixnet.engine.context.model import Context, ContextProblem, Mark
from helixnet.engine.mapping.program import Known, build_program
from helixnet.engine.mapping.unread import names_read, unread_fields, unread_names, unread_segments
from helixnet.engine.plan import Plan, in_file_order, try_plan
from helixnet.engine.samples import Sample

DRIFTED: Final = "HX-4114"
_UNKNOWN: Final = "HX-4103"
_SEVERITY: Final = {"allow": "note", "warn": "warning"}


@dataclass(frozen=True, slots=True)
class Examined:
    """What is to be said of a bundle.

    Args:
        problems: errors and warnings, by file, line and column.
        notes: what is worth knowing, and no fault.
        plan: None when a problem is an error of the context itself.
    """

    problems: Sequence[ContextProblem]
    notes: Sequence[ContextProblem]
    plan: Plan | None


def check_bundle(bundle: Bundle) -> list[ContextProblem]:
    """Return every problem and warning of a bundle; inputs need not be given."""
    return [*examine_bundle(bundle).problems]


def examine_bundle(bundle: Bundle, files: Sequence[tuple[str, BinaryIO]] = ()) -> Examined:
    """Say everything about a bundle; inputs need not be given.

    Args:
        bundle: the context and its files.
        files: name and stream (seekable, at its beginning) of files that it is to map: names are
            checked against what each of them has.
    """
    found: list[ContextProblem] = []
    plan, samples = try_plan(bundle, None, found, files)
    for sample in samples:
        found += _refusal(sample)
    if plan is not None:
        for sample in samples:
            found += _missing(plan.first, sample)
        found += _unread(plan.first, samples)
        for step in plan.steps[1:]:
            found += _unread(step.plan, ())
    return Examined(
        in_file_order([problem for problem in found if problem.severity != "note"]),
        in_file_order([problem for problem in found if problem.severity == "note"]),
        plan,
    )


def _refusal(sample: Sample) -> Iterator[ContextProblem]:
    error = sample.refused
    if error is not None:
        yield ContextProblem(Mark(sample.file, 1, 1), error.code, str(error), error.hint)


def _missing(plan: Plan, sample: Sample) -> Iterator[ContextProblem]:
    """Yield what the file lacks where it is read, and else how it differs from the contract."""
    if sample.refused is not None:
        return
    read = plan.program.columns if plan.context.source.headed else frozenset[str]()
    for name in dict.fromkeys(sample.names):
        if name in read and sample.names.count(name) > 1:
            text = f"the header has the column `{name}` twice"
            yield ContextProblem(Mark(sample.file, 1, 1), "HX-5002", text, "rename one")
    if plan.context.source.headed and sample.names:
        yield from _absent(plan.context, sample, read)
        if not read <= set(sample.names):
            yield from _unknown(plan.context, sample, plan)
    if sample.drift:
        text = f"the file differs from `source`: {'; '.join(sample.drift)}"
        severity = _SEVERITY.get(plan.context.source.on_drift, "error")
        yield ContextProblem(Mark(sample.file, 1, 1), DRIFTED, text, severity=severity)


def _absent(context: Context, sample: Sample, read: frozenset[str]) -> Iterator[ContextProblem]:
    """Yield what the contract requires, nothing reads, and the file lacks."""
    for field in (context.source.fields or {}).values():
        if field.required and field.name not in read and field.name not in sample.names:
            text = f"`{field.name}` is required, and {sample.file} does not have it"
            yield ContextProblem(field.mark, _UNKNOWN, text)


def _unknown(context: Context, sample: Sample, plan: Plan) -> Iterator[ContextProblem]:
    """Type the map again as if only this file's columns existed: each lack at its place."""
    declared = context.source.fields or {}
    fields = {name: field for name, field in declared.items() if name in sample.names}
    source = replace(context.source, fields=fields)
    found: list[ContextProblem] = []
    known = Known((), plan.grammar, sample.names, None, plan.inputs)
    build_program(replace(context, source=source), known, found)
    for problem in found:
        if problem.code == _UNKNOWN:
            yield replace(problem, message=f"{problem.message} in {sample.file}")


def _unread(plan: Plan, samples: Sequence[Sample]) -> Iterator[ContextProblem]:
    if plan.context.template is not None:
        return  # a template may read anything
    programs = [plan.program, *([plan.totals] if plan.totals is not None else [])]
    each = [names_read(program, plan.needs) for program in programs]
    known = [names for names in each if names is not None]
    if len(known) < len(each):
        return
    read = frozenset[str]().union(*known, *(check.fields for check in plan.file_checks))
    yield from unread_fields(plan.program, read)
    tell = unread_names if plan.grammar is None else unread_segments
    for sample in samples:
        yield from tell(sample.file, sample.names, read)
