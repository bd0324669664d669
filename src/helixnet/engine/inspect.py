"""The tests inside a context, run for real: text in, documents and rejects compared.

``scope`` and ``stop_at`` are left out, so that a test shows what becomes of its records.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import BinaryIO, Final, cast

from helixnet.engine.context.bundle import Bundle
from helixnet.engine.context.model import Context, ContextProblem, TestCase, encoded
from helixnet.engine.context.reader import read_context
from helixnet.engine.coverage import Coverage
from helixnet.engine.join_table import JoinFile
from helixnet.engine.mapping.totals import Sums
from helixnet.engine.output import json_text, read_json
from helixnet.engine.packing.unpack import unpacked
from helixnet.engine.plan import Plan, compile_plan, in_file_order, try_plan
from helixnet.engine.transform import index_file, map_part
from helixnet.engine.validation.explain import Place, pointer_to
from helixnet.engine.written import Sink
from helixnet.errors import ContextError, RefusedError

MAX_SHOWN: Final = 120


@dataclass(frozen=True, slots=True)
class TestResult:
    """What one test gave.

    Args:
        name: the test's own.
        index: place in ``tests``, from 0.
        line: of the test in the context.
        differences: what is not as expected, in words; empty when it passed.
        documents: what came out of each output, by its name; empty for the only one without.
        rejects: the objects of the reject lines.
    """

    __test__ = False  # pytest would take it for a test

    name: str
    index: int
    line: int
    differences: Sequence[str]
    documents: Mapping[str, Sequence[object]] = field(default_factory=dict[str, Sequence[object]])
    rejects: Sequence[Mapping[str, object]] = ()

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.differences


def run_tests(bundle: Bundle, coverage: Coverage | None = None) -> list[TestResult]:
    """Run every test of a context, each with its own ``inputs``.

    Args:
        bundle: the context and its files.
        coverage: counts what the tests reach.

    Raises:
        ContextError: the context can't be used, or a test gives no value for a required input.
    """
    read = read_context(bundle)
    if read.context is None:
        raise ContextError(read.problems)
    plans: dict[str, Plan] = {}
    results: list[TestResult] = []
    for index, case in enumerate(read.context.tests):
        key = json_text([dict(case.inputs), dict(case.joins)])
        if key not in plans:
            plan = compile_plan(bundle, case.inputs, _second_files(read.context, case))
            plans[key] = plan if coverage is None else coverage.watch(plan)
        results.append(run_test(plans[key], case, index))
        if coverage is not None:
            coverage.take(results[-1].documents)
    if coverage is not None and not results:
        coverage.watch(_without_inputs(bundle))
    return results


def _second_files(context: Context, case: TestCase) -> dict[str, JoinFile]:
    return {
        name: JoinFile(name, BytesIO(encoded(text, context.joins[name].source.encoding)))
        for name, text in case.joins.items()
    }


def _without_inputs(bundle: Bundle) -> Plan:
    problems: list[ContextProblem] = []
    plan, _ = try_plan(bundle, None, problems)
    if plan is None:
        raise ContextError(in_file_order(problems))
    return plan


def run_test(plan: Plan, case: TestCase, index: int = 0) -> TestResult:
    """Run one test with a plan that was compiled with its inputs."""
    names, rejects = [output.name for output in plan.context.outputs], BytesIO()
    documents = [BytesIO() for _ in names]
    plan = replace(plan, context=replace(plan.context, fail_file=False, stop_at=None))
    data = BytesIO(case.data(plan.context.source.encoding))
    try:
        with unpacked(data, plan.context.source, used=plan.used) as stream:
            wrong = _map(plan, stream, documents, rejects, case.name)
    except RefusedError as error:
        text = f"the file is refused: {error.code} {error}"
        return TestResult(case.name, index, case.mark.line, [text])
    written: dict[str, Sequence[object]] = {
        name: [read_json(line) for line in sink.getvalue().splitlines()]
        for name, sink in zip(names, documents, strict=True)
    }
    refused = [_object(read_json(line)) or {} for line in rejects.getvalue().splitlines()]
    differences = [*_documents_differ(case, written), *_rejects_differ(case, refused)]
    differences += _file_differs(case, wrong)
    return TestResult(case.name, index, case.mark.line, differences, written, refused)


def _map(
    plan: Plan, stream: BinaryIO, documents: Sequence[Sink], rejects: Sink, name: str
) -> Sequence[str]:
    """Map the file of a test; return which of its file checks fail."""
    found, sums = index_file(plan, stream), Sums()
    for part in found.parts:
        sums += map_part(
            plan, found, part, stream, documents=documents, rejects=rejects, file=name
        ).sums
    return plan.judge_file(found, sums)


def _file_differs(case: TestCase, wrong: Sequence[str]) -> Iterator[str]:
    """Ask that the file checks that fail are the expected ones."""
    codes = {text.partition(":")[0] for text in wrong}
    for code in case.file_checks:
        if code not in codes:
            yield f"the file check {code} does not fail"
    for text in wrong:
        if text.partition(":")[0] not in case.file_checks:
            yield f"the file check fails: {text}"


def _documents_differ(case: TestCase, written: Mapping[str, Sequence[object]]) -> Iterator[str]:
    """Compare the documents of each output that is spoken of."""
    if case.expect is None:
        return
    if "" in written:
        yield from _output_differs(case.expect, written[""], (), "one document")
        return
    for name, expected in (_object(case.expect) or {}).items():
        yield from _output_differs(expected, written[name], (name,), f"one document of {name}")


def _output_differs(
    expected: object, documents: Sequence[object], place: Place, one: str
) -> Iterator[str]:
    if isinstance(expected, list):
        yield from differences(cast("list[object]", expected), list(documents), place)
    elif len(documents) != 1:
        yield f"expected {one}, got {len(documents)}"
    else:
        yield from differences(expected, documents[0], place)


def _rejects_differ(case: TestCase, rejects: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Ask that each expected reject is there, and that no record is rejected unexpectedly."""
    expected = case.rejects or ()
    told = [[*_flat(reject)] for reject in rejects]
    for one in expected:
        if not any(_fits(one, fault) for faults in told for fault in faults):
            yield f"no record is rejected with {_shown(dict(one))}"
    for reject, faults in zip(rejects, told, strict=True):
        if not any(_fits(one, fault) for one in expected for fault in faults):
            codes = "; ".join(f"{fault['code']} {fault['message']}" for fault in faults)
            yield f"line {reject['line']} is rejected: {codes}"


def _flat(reject: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Yield each error of a reject with what stands around it, ``line`` as people look for it."""
    for error in cast("list[dict[str, object]]", reject["errors"]):
        source = _object(error.get("source")) or {}
        rule = _object(error.get("rule")) or {}
        yield {"record": reject["record"], "line": reject["line"], **error, **source, "rule": rule}


def _fits(expected: Mapping[str, object], fault: Mapping[str, object]) -> bool:
    return not any(differences(dict(expected), dict(fault)))


def differences(expected: object, actual: object, place: Place = ()) -> Iterator[str]:
    """Yield how ``actual`` differs from what is expected of it.

    Objects may have more members than expected; arrays must be as long; numbers compare by value.
    """
    one, other = _object(expected), _object(actual)
    if one is not None and other is not None:
        for name, value in one.items():
            if name in other:
                yield from differences(value, other[name], (*place, name))
            else:
                yield f"{pointer_to((*place, name))}: expected {_shown(value)}, is not there"
        return
    wanted, found = _array(expected), _array(actual)
    if wanted is not None and found is not None:
        if len(wanted) != len(found):
            yield f"{pointer_to(place) or '/'}: expected {len(wanted)} items, got {len(found)}"
        for index, (value, given) in enumerate(zip(wanted, found, strict=False)):
            yield from differences(value, given, (*place, index))
    elif not _same(expected, actual):
        yield f"{pointer_to(place) or '/'}: expected {_shown(expected)}, got {_shown(actual)}"


def _same(expected: object, actual: object) -> bool:
    """Compare by value: 1 is 1.0, but not true."""
    return isinstance(expected, bool) is isinstance(actual, bool) and expected == actual


def _object(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _array(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def _shown(value: object) -> str:
    text = json_text(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
