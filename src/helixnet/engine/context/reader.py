"""A bundle's context as frozen values, with every problem found at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from helixnet.engine.context.bundle import Bundle
from helixnet.engine.context.cuts import find_cuts
from helixnet.engine.context.join_reader import read_joins
from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import text as read_text
from helixnet.engine.context.lookup_tables import read_lookups
from helixnet.engine.context.map_reader import condition, identifier, read_map
from helixnet.engine.context.model import (
    Check,
    Context,
    ContextProblem,
    Group,
    Join,
    MapNode,
    Mark,
    Source,
    StopAt,
)
from helixnet.engine.context.names import find
from helixnet.engine.context.outcome_reader import read_checks, read_on_error, read_totals
from helixnet.engine.context.output_reader import read_outputs, require_outputs
from helixnet.engine.context.pipeline_reader import (
    composed,
    inputs_of,
    read_steps,
    require_pipeline,
)
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.recovery import read_nodes
from helixnet.engine.context.source_reader import read_group, read_source
from helixnet.engine.context.trial_reader import Nameable, read_hints, read_inputs, read_tests
from helixnet.engine.context.yaml_nodes import Node, Pairs, Scalar, kind

FORMAT_VERSION: Final = "1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NAME_HINT: Final = "letters, digits and . _ -, at most 100 characters"
_VERSION_HINT: Final = "three numbers, such as 1.0.0"
_STEPS_HINT: Final = "name its steps here"
_VERSION = re.compile(r"(?=.{5,100}$)[0-9]+\.[0-9]+\.[0-9]+(?:[-+][A-Za-z0-9.+-]+)?", re.ASCII)

MAX_VARS: Final = 200


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What reading gave: ``context`` is None when an error leaves nothing to go on with."""

    context: Context | None
    problems: list[ContextProblem]


def read_context(bundle: Bundle) -> ReadContext:
    """Read the context of a bundle; never raises for a bad one."""
    problems = Problems()
    context = _read_file(bundle.entry, bundle.files, problems)
    return ReadContext(context, problems.sorted())


def _read_file(name: str, files: Mapping[str, bytes], problems: Problems) -> Context | None:
    root, text = read_nodes(files[name], name, problems)
    if root is None:
        return None
    meant = find_cuts(root, text, problems)
    if meant != text:
        root = read_nodes(meant.encode(), name, Problems())[0] or root
    return _read_root(root, files, problems)


def _read_root(root: Node, files: Mapping[str, bytes], problems: Problems) -> Context | None:
    if not isinstance(root, Pairs):
        problems.add(root.mark, "HX-4004", f"a context is a mapping, not {kind(root)}")
        return None
    if not _version_fits(root, problems):
        return None
    if root.get("pipeline") is not None:
        keys = section(root, problems, "context", ("name", "version")) or {}
        require_pipeline(root, problems)
        return _Assembly(keys, files, problems).pipeline(root.mark)
    required = ("name", "version", "source")
    keys = section(root, problems, "context", required) or {}
    require_outputs(root, keys, problems)
    return _Assembly(keys, files, problems).context(root.mark)


def _version_fits(root: Pairs, problems: Problems) -> bool:
    node = root.get("helixnet")
    if node is None:
        problems.add(root.mark, "HX-4002", "`helixnet:` is missing", "begin with `helixnet: 1`")
        return True
    if isinstance(node, Scalar) and node.plain and node.text == FORMAT_VERSION:
        return True
    given = f"`{node.text}`" if isinstance(node, Scalar) else kind(node)
    message = f"format version {given} is not one that this HelixNet reads"
    problems.add(node.mark, "HX-4002", message, f"write `helixnet: {FORMAT_VERSION}`")
    return False


class _Assembly:
    """Reads the sections one by one; a missing or wrong one does not hide the others."""

    def __init__(
        self, keys: Mapping[str, Node], files: Mapping[str, bytes], problems: Problems
    ) -> None:
        self._keys = keys
        self._files = files
        self._problems = problems

    def context(self, mark: Mark) -> Context | None:
        keys, files, problems = self._keys, self._files, self._problems
        source = read_source(keys["source"], files, problems) if "source" in keys else None
        group = read_group(keys["group"], source, problems) if "group" in keys else None
        inputs = read_inputs(keys["inputs"], problems) if "inputs" in keys else {}
        fail_file, stop_at = self._on_error()
        if "hints" in keys:
            read_hints(keys["hints"], problems)
        skip_when = condition(keys["skip_when"], problems) if "skip_when" in keys else None
        lookups = read_lookups(keys["lookups"], files, problems) if "lookups" in keys else {}
        outputs, template = read_outputs(keys, files, problems), self._template()
        vars_ = self._vars(group, source)
        checks = read_checks(keys["checks"], problems) if "checks" in keys else []
        totals, file_checks = self._of_file()
        joins = self._joins(source, group, vars_)
        names = [spec.name for spec in outputs.specs if spec.name]
        known = Nameable(inputs, joins, names, files)
        tests = read_tests(keys["tests"], known, problems) if "tests" in keys else []
        unwritten = outputs.map is None and template is None
        if source is None or not outputs.specs or unwritten:
            return None
        return Context(
            name=self._label("name", _NAME, _NAME_HINT),
            version=self._label("version", _VERSION, _VERSION_HINT),
            outputs=outputs.specs,
            source=source,
            group=group,
            lookups=lookups,
            vars=vars_,
            skip_when=skip_when,
            map=outputs.map,
            template=template,
            checks=checks,
            fail_file=fail_file,
            stop_at=stop_at,
            deliver=outputs.deliver,
            inputs=inputs,
            tests=tests,
            mark=mark,
            totals=totals,
            file_checks=file_checks,
            joins=joins,
        )

    def _joins(
        self, source: Source | None, group: Group | None, vars_: Mapping[str, MapNode]
    ) -> dict[str, Join]:
        node = self._keys.get("joins")
        if node is None:
            return {}
        if "template" in self._keys:
            hint = "a template reads tables of `lookups`"
            self._problems.add(node.mark, "HX-4004", "`joins` go with `map`", hint)
        fields = source.fields if source is not None else None
        rows = (group.header, group.lines) if group is not None else ()
        taken = (*rows, *vars_, *(fields or ()))
        return read_joins(node, self._files, taken, self._problems)

    def pipeline(self, mark: Mark) -> Context | None:
        """Read the steps, and put their contexts together."""
        keys, files, problems = self._keys, self._files, self._problems
        known: dict[str, Context | None] = {}

        def read(file: str) -> Context | None:
            if file not in known:
                root, _ = read_nodes(files[file], file, Problems())
                nested = isinstance(root, Pairs) and root.get("pipeline") is not None
                if nested:
                    problems.add(mark, "HX-4004", f"`{file}` is a pipeline itself", _STEPS_HINT)
                known[file] = None if nested else _read_file(file, files, problems)
            return known[file]

        steps = read_steps(keys["pipeline"], files, read, problems)
        fail_file, stop_at = self._on_error()
        if "hints" in keys:
            read_hints(keys["hints"], problems)
        if not steps:
            return None
        context, inputs = composed(steps, mark), inputs_of(steps, problems)
        names = [spec.name for spec in context.outputs if spec.name]
        nameable = Nameable(inputs, context.joins, names, files)
        return replace(
            context,
            name=self._label("name", _NAME, _NAME_HINT),
            version=self._label("version", _VERSION, _VERSION_HINT),
            fail_file=fail_file,
            stop_at=stop_at,
            inputs=inputs,
            tests=read_tests(keys["tests"], nameable, problems) if "tests" in keys else [],
        )

    def _label(self, key: str, pattern: re.Pattern[str], hint: str) -> str:
        node = self._keys.get(key)
        value = read_text(node, self._problems, key) if node else None
        if node is None or value is None:
            return ""
        if not pattern.fullmatch(value):
            self._problems.add(node.mark, "HX-4004", f"`{key}` can't be `{value}`", hint)
        return value

    def _on_error(self) -> tuple[bool, StopAt | None]:
        node = self._keys.get("on_error")
        return read_on_error(node, self._problems) if node else (False, None)

    def _template(self) -> str | None:
        node = self._keys.get("template")
        name = read_text(node, self._problems, "template") if node else None
        return find(name, node.mark, self._files, self._problems) if node and name else None

    def _of_file(self) -> tuple[dict[str, MapNode], Sequence[Check]]:
        node = self._keys.get("totals")
        totals = read_totals(node, self._problems) if node else {}
        checks = self._keys.get("file_checks")
        if node is not None and checks is None:
            hint = "compare it with the trailer, such as {that: totals.qty == T.SUM, …}"
            self._problems.add(node.mark, "HX-4005", "`totals` needs `file_checks`", hint)
        return totals, read_checks(checks, self._problems, "file_checks") if checks else ()

    def _vars(self, group: Group | None, source: Source | None) -> dict[str, MapNode]:
        node = self._keys.get("vars")
        if node is None:
            return {}
        if not isinstance(node, Pairs):
            self._problems.add(node.mark, "HX-4004", f"`vars` is a mapping, not {kind(node)}")
            return {}
        taken = dict.fromkeys((group.header, group.lines) if group else (), "a name of the group")
        types = source.records or () if source is not None else ()
        taken |= dict.fromkeys(types, "a record type")
        read: dict[str, MapNode] = {}
        if len(node.pairs) > MAX_VARS:
            self._problems.add(node.mark, "HX-4004", f"there are more than {MAX_VARS} `vars`")
        for key, value in node.pairs[:MAX_VARS]:
            if key.text in taken:
                message = f"`{key.text}` is {taken[key.text]} already"
                self._problems.add(key.mark, "HX-4004", message, "take another name")
            elif identifier(key, self._problems, "vars"):
                read[key.text] = read_map(value, self._problems)
        return read
