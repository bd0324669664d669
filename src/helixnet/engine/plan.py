"""A bundle compiled: every name, type and schema resolved once; then bound to files and applied."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, cast

from helixnet.engine.context.bundle import Bundle
from helixnet.engine.context.model import Context, ContextProblem, Mark
from helixnet.engine.context.reader import read_context
from helixnet.engine.formats.grammar import Grammar, load_grammar
from helixnet.engine.formats.records.read import once_nodes
from helixnet.engine.join_table import JoinFile, JoinTable, join_tables, unknown_joins
from helixnet.engine.mapping.emit.codegen import generate
from helixnet.engine.mapping.emit.emitter import Told
from helixnet.engine.mapping.given import Target
from helixnet.engine.mapping.inputs import given_values, input_values
from helixnet.engine.mapping.keys import KeyFunction, key_functions
from helixnet.engine.mapping.mapper import Mapper, RowMapper
from helixnet.engine.mapping.needs import fields_needed
from helixnet.engine.mapping.pipeline import (
    Condition,
    PipelineMapper,
    StepMapper,
    keys_written,
    missing_fields,
    step_condition,
)
from helixnet.engine.mapping.program import Known, Program, build_program
from helixnet.engine.mapping.templates.language import template_problems
from helixnet.engine.mapping.templates.mapper import (
    TemplateMapper,
    check_functions,
    template_program,
)
from helixnet.engine.mapping.templates.renderer import TemplateRenderer
from helixnet.engine.mapping.totals import (
    Adder,
    FileCheck,
    Sums,
    file_checks,
    totals_program,
    wrong_totals,
)
from helixnet.engine.output import json_text
from helixnet.engine.samples import Sample, look_at, sample_columns, sample_keys
from helixnet.engine.source import SourceIndex
from helixnet.engine.validation.schema import compile_schema
from helixnet.errors import ContextError

MOST_MAPPERS = 16
COLUMNS_FROM = 2 << 20  # bytes of a part; below, importing Polars takes longer than rows do
__all__ = ["Mapper", "Plan", "compile_plan", "in_file_order", "try_plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bundle says, ready to be applied to files.

    Args:
        hash: of the bundle.
        targets: what the documents of each output must be.
        inputs: values from outside, defaults filled in.
        inputs_hash: ``sha256:<hex>`` of the inputs as JSON, and of second files from outside.
        needs: fields read, by segment or record type, for files that have some; None = all.
        used: columns that mapping or group read, for CSV; None = all.
        warnings: problems that do not stand in the way.
        mappers: made lately, by header and what of the file's name they depend on: most files of
            a context have the same columns.
        totals: what each record adds to the totals; None without.
        file_checks: judge a file as a whole.
        joins: second files, indexed.
        told: what is called with the outcome of a condition; see
            :func:`~helixnet.engine.mapping.emit.codegen.generate`.
    """

    context: Context
    hash: str
    inputs: Mapping[str, object]
    inputs_hash: str
    targets: Sequence[Target]
    grammar: Grammar | None
    needs: Mapping[str, frozenset[str]] | None
    used: frozenset[str] | None
    warnings: Sequence[ContextProblem]
    bundle: Bundle
    program: Program
    keys: Sequence[KeyFunction | None] = field(default=())
    mappers: dict[tuple[tuple[str, ...], str, str], Mapper] = field(
        default_factory=dict[tuple[tuple[str, ...], str, str], Mapper], compare=False, repr=False
    )
    totals: Program | None = None
    file_checks: Sequence[FileCheck] = ()
    joins: Mapping[str, JoinTable] = field(
        default_factory=dict[str, JoinTable], compare=False, repr=False
    )
    told: Mapping[int, Told] = field(default_factory=dict[int, Told], compare=False, repr=False)
    steps: Sequence["PlanStep"] = ()

    @property
    def first(self) -> "Plan":
        """What reads the file: the plan itself, or that of a pipeline's first step."""
        return self.steps[0].plan if self.steps else self

    def bind(self, header: Sequence[str], file: str, size: int = 0) -> Mapper:
        """Return the mapper for files with these columns (none for nested records).

        Args:
            header: names of the columns, as the file has them.
            file: name of the file, as `_file` gives it.
            size: bytes to map: large parts go by columns where the context allows it. The
                documents are the same.
        """
        if self.steps:
            return self._bind_steps(header, file)
        if self.context.template is not None:
            return self._bind_template(self.context.template, header, file)
        names_file = b"_file" in self.bundle.files[self.bundle.entry]
        known = (tuple(header), file if names_file else "")
        large = size >= COLUMNS_FROM and self.context.source.format == "csv" and not self.told
        bound = (*known, "columns" if large else "rows")
        mapper = self.mappers.get(bound)
        if mapper is None:
            rows = RowMapper(generate(self.program, header, file, self.told), self.targets)
            mapper = (self._columns(rows, header, file) if large else None) or rows
            if len(self.mappers) >= MOST_MAPPERS:
                self.mappers.clear()
            self.mappers[bound] = mapper
        return mapper

    def adder(self, header: Sequence[str], file: str) -> Adder | None:
        """Return what adds up the totals of a part; None where nothing asks for any."""
        if self.totals is None:
            return None
        return Adder(generate(self.totals, header, file), list(self.context.totals))

    def judge_file(self, index: SourceIndex, sums: Sums) -> Sequence[str]:
        """Return what is wrong with a file as a whole, each with the code of its check."""
        if not self.file_checks:
            return ()
        wrong = wrong_totals(sums)
        if wrong:
            return [f"{check.code}: {wrong}" for check in self.context.file_checks]
        once = once_nodes(self.context.source, index)
        return [text for check in self.file_checks if (text := check.judge(sums, once))]

    def _columns(self, rows: RowMapper, header: Sequence[str], file: str) -> Mapper | None:
        from helixnet.engine.columns.mapper import column_mapper  # noqa: PLC0415 - Polars takes 0.2 s

        return column_mapper(self.program, rows, header, file)

    def _bind_steps(self, header: Sequence[str], file: str) -> Mapper:
        columns = [header, *[()] * (len(self.steps) - 1)]
        steps = [
            StepMapper(step.file, step.plan.bind(own, file), step.when)
            for step, own in zip(self.steps, columns, strict=True)
        ]
        return PipelineMapper(steps, self.targets[0])

    def _bind_template(self, template: str, header: Sequence[str], file: str) -> Mapper:
        context, found = self.context, list[ContextProblem]()
        known = Known((), self.grammar, header, None, self.inputs)
        program = template_program(context, known, found, header) or self.program
        files, lookups = self.bundle.files, context.lookups
        return TemplateMapper(
            context,
            generate(program, header, file),
            TemplateRenderer(files, template, lookups=lookups),
            self.targets[0].validator,
            check_functions(context, found),
        )

    def delivery_key(self, deliver_no: int, document: object) -> str | None:
        """Return the key under which a document is delivered; None without key, or for null."""
        function = self.keys[deliver_no]
        return function(document) if function is not None else None

    def explain(self) -> str:
        """Say how this context is executed, and why."""
        name, template = self.context.name, self.context.template
        if self.steps:
            each = " > ".join(f"{step.file} ({step.plan.explain()})" for step in self.steps)
            return f"{name}: pipeline by rows, a record after the other: {each}"
        if template is not None:
            return f"{name}: template (slow, general): {template}"
        from helixnet.engine.columns.mapper import why_rows  # noqa: PLC0415 - as above

        reason = why_rows(self.program)
        if reason:
            return f"{name}: rows: one generated function a file; not by columns: {reason}"
        large = f"parts of {COLUMNS_FROM >> 20} MiB and more"
        return f"{name}: columns for {large}; rows for smaller ones, and where a row is in doubt"


@dataclass(frozen=True, slots=True)
class PlanStep:
    """A compiled step of a pipeline."""

    file: str
    plan: Plan
    when: Condition | None


def compile_plan(
    bundle: Bundle,
    inputs: Mapping[str, object] | None = None,
    joins: Mapping[str, JoinFile] | None = None,
    spare: Mapping[str, object] | None = None,
) -> Plan:
    """Compile a bundle.

    Args:
        bundle: the context and its files.
        inputs: values from outside, as text or typed.
        joins: second files from outside, by the name of the join; read to their end here.
        spare: values of any names, such as a tenant's: those are used that the context declares
            and ``inputs`` does not give.

    Raises:
        ContextError: with every problem of context, schema, expressions and inputs at once.
        RefusedError: HX-5040 a second file from outside can't be used.
    """
    problems: list[ContextProblem] = []
    plan, _ = try_plan(bundle, inputs or {}, problems, joins=joins, spare=spare)
    if plan is None:
        raise ContextError(in_file_order(problems))
    return plan


def try_plan(
    bundle: Bundle,
    inputs: Mapping[str, object] | None,
    problems: list[ContextProblem],
    files: Sequence[tuple[str, BinaryIO]] = (),
    *,
    joins: Mapping[str, JoinFile] | None = None,
    spare: Mapping[str, object] | None = None,
) -> tuple[Plan | None, Sequence[Sample]]:
    """Compile a bundle as far as that goes.

    Args:
        bundle: the context and its files.
        inputs: values from outside; None = none need be given.
        problems: takes what is wrong.
        files: name and stream of files of the kind that the context is for, by which names are
            checked too.
        joins: second files from outside, by the name of the join.
        spare: see :func:`compile_plan`.

    Returns:
        the plan, None when something is wrong; what the files have, as far as it was asked.
    """
    read = read_context(bundle)
    problems += read.problems
    context = read.context
    if context is None:
        return None, ()
    if inputs is not None and spare:
        inputs = given_values(context, inputs, spare)
    outside = _Outside(inputs, None if inputs is None else joins or {})
    if inputs is not None:
        problems += unknown_joins(context, joins or {})
    if context.steps:
        return _try_steps(context, bundle, outside, problems, files)
    return _try_context(context, bundle, outside, problems, files)


@dataclass(frozen=True, slots=True)
class _Outside:
    """What comes from outside: inputs and second files; None where none need be given."""

    inputs: Mapping[str, object] | None
    joins: Mapping[str, JoinFile] | None

    def of(self, context: Context) -> "_Outside":
        """Return what one step of a pipeline declares of it."""
        inputs, joins = self.inputs, self.joins
        return _Outside(
            None if inputs is None else {n: v for n, v in inputs.items() if n in context.inputs},
            None if joins is None else {n: v for n, v in joins.items() if n in context.joins},
        )


def _try_steps(
    context: Context,
    bundle: Bundle,
    outside: _Outside,
    problems: list[ContextProblem],
    files: Sequence[tuple[str, BinaryIO]],
) -> tuple[Plan | None, Sequence[Sample]]:
    """Compile a pipeline: each step knows what the one before writes."""
    values = input_values(context, outside.inputs, problems)
    steps: list[PlanStep] = []
    samples: Sequence[Sample] = ()
    keys: frozenset[str] | None = None
    for number, spec in enumerate(context.steps):
        own = spec.context
        given = outside.of(own)
        if number == 0:
            own = replace(own, tests=[*own.tests, *context.tests])
            plan, samples = _try_context(own, bundle, given, problems, files)
        else:
            problems += missing_fields(spec, keys, context.steps[number - 1].file)
            plan, _ = _try_context(replace(own, tests=()), bundle, given, problems, (), keys)
        when = step_condition(spec, keys, values, problems)
        written = keys_written(own)
        passing = spec.when is not None and written is not None
        keys = (written | keys if keys is not None else None) if passing and written else written
        if plan is not None:
            steps.append(PlanStep(spec.file, plan, when))
    failed = any(problem.severity == "error" for problem in problems)
    if failed or len(steps) < len(context.steps):
        return None, samples
    tables = {name: table for step in steps for name, table in step.plan.joins.items()}
    first, last = steps[0].plan, steps[-1].plan
    plan = replace(
        first,
        context=context,
        inputs=values,
        inputs_hash=_inputs_hash(values, tables, outside.joins),
        targets=last.targets,
        warnings=tuple(in_file_order(problems)),
        program=last.program,
        keys=last.keys,
        mappers={},
        steps=steps,
    )
    return plan, samples


def _try_context(
    context: Context,
    bundle: Bundle,
    outside: _Outside,
    problems: list[ContextProblem],
    files: Sequence[tuple[str, BinaryIO]],
    members: frozenset[str] | None = None,
) -> tuple[Plan | None, Sequence[Sample]]:
    targets = _targets(context, bundle, problems)
    grammar = _grammar(context, bundle, problems)
    values = input_values(context, outside.inputs, problems)
    views = [None if target is None else target.validator.view for target in targets]
    usable = grammar is not None or not context.source.graded
    samples = [look_at(context, grammar, *file) for file in files] if usable else []
    columns, keys = sample_columns(context, samples), members or sample_keys(context, samples)
    tables = join_tables(context, bundle.files, outside.joins, problems)
    headers = {name: table.header for name, table in tables.items()}
    known = Known(views, grammar, columns, keys, values, headers)
    templated = context.template is not None
    program = _program(context, bundle, known, problems)
    totals = totals_program(context, known, problems)
    checks = file_checks(context, values, problems)
    failed = any(problem.severity == "error" for problem in problems)
    if program is None or failed:
        return None, samples
    lined = grammar is not None or context.source.records is not None
    for one in (program, *([totals] if totals is not None else [])):
        one.finders = {name: table.find for name, table in tables.items()}
    plan = Plan(
        context=context,
        hash=bundle.hash,
        inputs=values,
        inputs_hash=_inputs_hash(values, tables, outside.joins),
        targets=[target for target in targets if target is not None],
        grammar=grammar,
        needs=_needs(program, totals) if lined and not templated else None,
        used=None if templated else _used(context, program, totals),
        warnings=tuple(in_file_order(problems)),
        bundle=bundle,
        program=program,
        keys=key_functions(program),
        totals=totals,
        file_checks=checks,
        joins=tables,
    )
    return plan, samples


def _used(context: Context, program: Program, totals: Program | None) -> frozenset[str]:
    """Return the columns that map, group and totals read."""
    same = context.group.same if context.group else ()
    return program.columns.union(same, totals.columns if totals is not None else ())


def _needs(program: Program, totals: Program | None) -> Mapping[str, frozenset[str]] | None:
    """Return the fields that map and totals read, by segment; None = all of one."""
    found = fields_needed(program)
    if totals is None or found is None:
        return found
    more, none = fields_needed(totals), frozenset[str]()
    if more is None:
        return None
    return {name: found.get(name, none) | more.get(name, none) for name in {**found, **more}}


def _program(
    context: Context, bundle: Bundle, known: Known, problems: list[ContextProblem]
) -> Program | None:
    if context.template is None:
        return build_program(context, known, problems)
    problems += _template_problems(context, bundle)
    check_functions(context, problems)
    return template_program(context, known, problems)


def _inputs_hash(
    values: Mapping[str, object],
    tables: Mapping[str, JoinTable],
    given: Mapping[str, JoinFile] | None,
) -> str:
    """Return the hash of what comes from outside: inputs, and second files by their own hash."""
    outside = {name: tables[name].sha256 for name in given or ()}
    told = {"inputs": values, "joins": outside} if outside else dict(values)
    return f"sha256:{hashlib.sha256(json_text(told).encode()).hexdigest()}"


def _targets(
    context: Context, bundle: Bundle, problems: list[ContextProblem]
) -> list[Target | None]:
    """Compile the schema of each output; None for one that can't be."""
    found: list[Target | None] = []
    for output in context.outputs:
        prefix, mark = f"/{output.name}" if output.name else "", output.target_mark
        try:
            validator = compile_schema(output.target, bundle.files, mark.file, mark=mark)
            found.append(Target(prefix, validator))
        except ContextError as error:
            problems += cast("tuple[ContextProblem, ...]", error.problems)
            found.append(None)
    return found


def _grammar(context: Context, bundle: Bundle, problems: list[ContextProblem]) -> Grammar | None:
    try:
        return load_grammar(context.source, bundle.files)
    except ContextError as error:
        problems += cast("tuple[ContextProblem, ...]", error.problems)
        return None


def _template_problems(context: Context, bundle: Bundle) -> list[ContextProblem]:
    found: list[ContextProblem] = []
    for file, line, message, hint in template_problems(bundle.files, context.template or ""):
        missing = message.endswith("is not in the bundle")
        mark = Mark(file, line, 1) if line else context.mark
        code = "HX-4201" if missing else "HX-4101"
        found.append(ContextProblem(mark, code, message, hint))
    return found


def in_file_order(problems: Sequence[ContextProblem]) -> list[ContextProblem]:
    """Return problems by file, line and column, each once."""
    return sorted(
        dict.fromkeys(problems), key=lambda p: (p.mark.file, p.mark.line, p.mark.column, p.code)
    )
