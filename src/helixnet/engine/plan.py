"""A bundle compiled: every name, type and schema resolved once; then bound to files and applied."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from helixnet.engine.context.bundle import Bundle
from helixnet.engine.context.model import Context, ContextProblem, Mark
from helixnet.engine.context.reader import read_context
from helixnet.engine.formats.grammar import Grammar, load_grammar
from helixnet.engine.mapping.codegen import generate
from helixnet.engine.mapping.inputs import input_values
from helixnet.engine.mapping.keys import KeyFunction, key_functions
from helixnet.engine.mapping.mapper import Mapper, RowMapper
from helixnet.engine.mapping.needs import fields_needed
from helixnet.engine.mapping.program import Known, Program, build_program
from helixnet.engine.mapping.template import TemplateRenderer
from helixnet.engine.mapping.template_language import template_problems
from helixnet.engine.mapping.templating import (
    TemplateMapper,
    check_functions,
    template_program,
)
from helixnet.engine.output import json_text
from helixnet.engine.samples import sample_columns, sample_keys
from helixnet.engine.validation.schema import Validator, compile_schema
from helixnet.errors import ContextError

MOST_MAPPERS = 16
__all__ = ["Mapper", "Plan", "check_bundle", "compile_plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bundle says, ready to be applied to files.

    Args:
        hash: of the bundle.
        inputs: values from outside, defaults filled in.
        inputs_hash: ``sha256:<hex>`` of the inputs as JSON.
        needs: fields read, by segment, for formats with a grammar; None = all.
        used: columns that mapping or group read, for CSV; None = all.
        warnings: problems that do not stand in the way.
        mappers: made lately, by header and what of the file's name they depend on: most files of
            a context have the same columns.
    """

    context: Context
    hash: str
    inputs: Mapping[str, object]
    inputs_hash: str
    validator: Validator
    grammar: Grammar | None
    needs: Mapping[str, frozenset[str]] | None
    used: frozenset[str] | None
    warnings: Sequence[ContextProblem]
    bundle: Bundle
    program: Program
    keys: Sequence[KeyFunction | None] = field(default=())
    mappers: dict[tuple[tuple[str, ...], str], Mapper] = field(
        default_factory=dict[tuple[tuple[str, ...], str], Mapper], compare=False, repr=False
    )

    def bind(self, header: Sequence[str], file: str) -> Mapper:
        """Return the mapper for files with these columns (none for nested records).

        Args:
            header: names of the columns, as the file has them.
            file: name of the file, as `_file` gives it.
        """
        if self.context.template is not None:
            return self._bind_template(self.context.template, header, file)
        names_file = b"_file" in self.bundle.files[self.bundle.entry]
        bound = (tuple(header), file if names_file else "")
        mapper = self.mappers.get(bound)
        if mapper is None:
            mapper = RowMapper(generate(self.program, header, file), self.validator)
            if len(self.mappers) >= MOST_MAPPERS:
                self.mappers.clear()
            self.mappers[bound] = mapper
        return mapper

    def _bind_template(self, template: str, header: Sequence[str], file: str) -> Mapper:
        context, found = self.context, list[ContextProblem]()
        known = Known(None, self.grammar, header, None, self.inputs)
        program = template_program(context, known, found, header) or self.program
        files, lookups = self.bundle.files, context.lookups
        return TemplateMapper(
            context,
            generate(program, header, file),
            TemplateRenderer(files, template, lookups=lookups),
            self.validator,
            check_functions(context, found),
        )

    def delivery_key(self, deliver_no: int, document: object) -> str | None:
        """Return the key under which a document is delivered; None without key, or for null."""
        function = self.keys[deliver_no]
        return function(document) if function is not None else None

    def explain(self) -> str:
        """Say how this context is executed, and why."""
        if self.context.template is not None:
            return f"{self.context.name}: template (slow, general): {self.context.template}"
        return f"{self.context.name}: rows: one generated function a file; no columns executor yet"


def compile_plan(bundle: Bundle, inputs: Mapping[str, object] | None = None) -> Plan:
    """Compile a bundle.

    Args:
        bundle: the context and its files.
        inputs: values from outside, as text or typed.

    Raises:
        ContextError: with every problem of context, schema, expressions and inputs at once.
    """
    problems: list[ContextProblem] = []
    plan = _compile(bundle, inputs or {}, (), problems)
    if plan is None:
        raise ContextError(_sorted(problems))
    return plan


def check_bundle(bundle: Bundle, headers: Sequence[Sequence[str]] = ()) -> list[ContextProblem]:
    """Return every problem and warning of a bundle; inputs need not be given.

    Args:
        bundle: the context and its files.
        headers: columns of actual files, against which names are checked too.
    """
    problems: list[ContextProblem] = []
    _compile(bundle, None, headers, problems)
    return _sorted(problems)


def _compile(
    bundle: Bundle,
    inputs: Mapping[str, object] | None,
    headers: Sequence[Sequence[str]],
    problems: list[ContextProblem],
) -> Plan | None:
    read = read_context(bundle)
    problems += read.problems
    context = read.context
    if context is None:
        return None
    validator = _schema(context, bundle, problems)
    grammar = _grammar(context, bundle, problems)
    values = input_values(context, inputs, problems)
    view = validator.view if validator is not None else None
    columns, keys = sample_columns(context, headers), sample_keys(context)
    known = Known(view, grammar, columns, keys, values)
    templated = context.template is not None
    if templated:
        problems += _template_problems(context, bundle)
        check_functions(context, problems)
        program = template_program(context, known, problems)
    else:
        program = build_program(context, known, problems)
    failed = any(problem.severity == "error" for problem in problems)
    if validator is None or program is None or failed:
        return None
    digest = hashlib.sha256(json_text(dict(values)).encode()).hexdigest()
    return Plan(
        context=context,
        hash=bundle.hash,
        inputs=values,
        inputs_hash=f"sha256:{digest}",
        validator=validator,
        grammar=grammar,
        needs=None if grammar is None or templated else fields_needed(program),
        used=None
        if templated
        else program.columns.union(context.group.same if context.group else ()),
        warnings=tuple(_sorted(problems)),
        bundle=bundle,
        program=program,
        keys=key_functions(program),
    )


def _schema(context: Context, bundle: Bundle, problems: list[ContextProblem]) -> Validator | None:
    mark = context.target_mark
    try:
        return compile_schema(context.target, bundle.files, mark.file, mark=mark)
    except ContextError as error:
        problems += cast("tuple[ContextProblem, ...]", error.problems)
        return None


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


def _sorted(problems: Sequence[ContextProblem]) -> list[ContextProblem]:
    """Return the problems in file order, each once."""
    return sorted(
        dict.fromkeys(problems), key=lambda p: (p.mark.file, p.mark.line, p.mark.column, p.code)
    )
