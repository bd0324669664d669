"""``pipeline``: contexts of the bundle, each reading the documents of the one before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import text
from helixnet.engine.context.map_reader import condition
from helixnet.engine.context.model import Context, InputSpec, Mark, StepSpec
from helixnet.engine.context.names import find
from helixnet.engine.context.outcome_reader import members
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Node, Pairs

BESIDE: Final = ("helixnet", "name", "version", "pipeline", "on_error", "tests", "hints")
READS: Final = ("json", "ndjson")
ReadStep = Callable[[str], Context | None]


def require_pipeline(root: Pairs, problems: Problems) -> None:
    """See that a pipeline leaves to its steps what is theirs."""
    for key, _ in root.pairs:
        if key.text not in BESIDE:
            message = f"`pipeline` leaves `{key.text}` to its steps"
            problems.add(key.mark, "HX-4004", message, "write it in a step's own file")


def read_steps(
    node: Node, files: Mapping[str, bytes], read: ReadStep, problems: Problems
) -> Sequence[StepSpec]:
    """Read the steps of a pipeline; none when one of them can't be used.

    Args:
        node: what stands under ``pipeline``.
        files: of the bundle.
        read: reads the context in a file of it; None when there is none to go on with.
        problems: takes what is wrong.
    """
    nodes = members(node, problems, "pipeline")
    if not nodes:
        problems.add(node.mark, "HX-4004", "`pipeline` has no step", "such as - {use: first.yaml}")
    steps = [_step(one, files, read, problems) for one in nodes]
    found = [step for step in steps if step is not None]
    if len(found) < len(nodes):
        return ()
    for number, step in enumerate(found):
        _fits(step, number, problems, last=number == len(found) - 1)
    return found


def _step(
    node: Node, files: Mapping[str, bytes], read: ReadStep, problems: Problems
) -> StepSpec | None:
    keys = section(node, problems, "step", required=("use",))
    if keys is None or "use" not in keys:
        return None
    when = condition(keys["when"], problems) if "when" in keys else None
    named = text(keys["use"], problems, "use")
    file = find(named, keys["use"].mark, files, problems) if named else None
    if file is None:
        return None
    if file == node.mark.file:
        problems.add(keys["use"].mark, "HX-4004", "a pipeline can't be a step of itself")
        return None
    context = read(file)
    return None if context is None else StepSpec(file, context, when, node.mark)


def _fits(step: StepSpec, number: int, problems: Problems, *, last: bool) -> None:
    """Note what a context can't be at its place in a pipeline."""
    context, source = step.context, step.context.source
    if number == 0 and step.when is not None:
        text = "the first step reads the file, so there is no document yet to ask `when` of"
        problems.add(step.when.mark, "HX-4004", text, "use `skip_when` in its file")
    if number and source.format not in READS:
        text = f"`{step.file}` is step {number + 1}, so its format is json or ndjson"
        problems.add(source.mark, "HX-4004", text, "it reads what the step before wrote")
    if number and source.record is not None:
        text = f"`{step.file}` is step {number + 1}: each document before is one record"
        problems.add(source.mark, "HX-4004", text, "leave `record` out")
    if number and context.file_checks:
        text = f"`{step.file}` is step {number + 1}: only the first one knows the file"
        problems.add(context.file_checks[0].mark, "HX-4004", text, "move `file_checks` there")
    if context.named and not last:
        text = f"`{step.file}` is not the last step, so it writes one kind of document"
        problems.add(context.outputs[0].mark, "HX-4004", text, "only the last may have `outputs`")
    if context.named and step.when is not None:
        text = "a document that passes by would be of no output"
        problems.add(step.when.mark, "HX-4004", text, "use `when` in the outputs")


def inputs_of(steps: Sequence[StepSpec], problems: Problems) -> dict[str, InputSpec]:
    """Return the inputs of all steps; one that several declare is the same for all."""
    found: dict[str, InputSpec] = {}
    for step in steps:
        for name, spec in step.context.inputs.items():
            known = found.setdefault(name, spec)
            if (known.type, known.required, known.default) != (
                *(spec.type, spec.required),
                spec.default,
            ):
                message = f"`{name}` is declared otherwise at {known.mark}"
                problems.add(spec.mark, "HX-4004", message, "declare it alike, or rename one")
    return found


def composed(steps: Sequence[StepSpec], mark: Mark) -> Context:
    """Return the context that a pipeline is: the first step's source, the last one's outputs."""
    first, last = steps[0].context, steps[-1].context
    return replace(
        first,
        outputs=last.outputs,
        map=last.map,
        template=None,
        checks=last.checks,
        deliver=last.deliver,
        fail_file=False,
        stop_at=None,
        mark=mark,
        steps=steps,
        joins={name: join for step in steps for name, join in step.context.joins.items()},
    )
