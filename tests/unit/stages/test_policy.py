"""Errors mean an action, decided in one place."""

import io

import pytest

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.context.model import ContextProblem, Mark
from helixnet.engine.source import Part, SourceIndex
from helixnet.engine.values.faults import ValueFault
from helixnet.errors import (
    ContextError,
    NotFoundError,
    RefusedError,
    UnavailableError,
    UsageError,
)
from helixnet.ledger.leases import Lease
from helixnet.ports import Ended
from helixnet.stages.policy import EndedError, Refused, Retry, decide, failure_of
from helixnet.stages.work import Beat, Input, Recipe, ToIndex, ToMap, index_one, map_one

LEASE = Lease(7, 3)


@pytest.mark.parametrize(
    "error",
    [
        RefusedError("no", code="HX-5001", hint="send text"),
        UsageError("no", code="HX-5001", hint="send text"),
        NotFoundError("no", code="HX-5001", hint="send text"),
    ],
)
def test_what_a_person_must_correct_is_refused(error: Exception) -> None:
    assert decide(error) == Refused({"code": "HX-5001", "message": "no", "hint": "send text"})


def test_a_bad_context_is_refused_with_all_its_problems() -> None:
    problems = [ContextProblem(Mark("c.yaml", n, 1), f"HX-410{n}", "wrong") for n in (1, 2)]
    action = decide(ContextError(problems))
    assert isinstance(action, Refused)
    assert action.error["code"] == "HX-4101"
    assert action.error["problems"] == [str(problem) for problem in problems]


class Faulty(Input):
    """A file at whose reading a fault of the context shows."""

    def open(self, beat: Beat) -> io.BytesIO:
        beat()
        raise ValueFault("HX-4105", "no usable date format", "DD", "write %d")


def test_a_fault_of_the_context_that_shows_late_ends_the_run_at_once() -> None:
    """It would show at every attempt; a fault of a value that escapes is a fault of ours."""
    refused = Refused({"code": "HX-4105", "message": "no usable date format", "hint": "write %d"})
    text = (
        b"helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nsource: {format: csv}\nmap: {a: A}\n"
    )
    bundle = bundle_from_files("c.yaml", {"c.yaml": text})
    recipe = Recipe(bundle.to_zip(), bundle.hash, {})
    assert (
        index_one(ToIndex(recipe, Faulty(b""), "a.csv", "", 100, "", 0, -1, 0), lambda: None)
        == refused
    )
    part = Part(number=0, start=0, end=0, first_record=1, records=0, first_line=1)
    index = SourceIndex(
        size=0,
        sha256="",
        encoding="utf-8",
        delimiter=",",
        newline="\n",
        header=["A"],
        header_end=0,
        drift=[],
        parts=[part],
    )
    work = ToMap(recipe, Faulty(b""), "a.csv", index, part, "", 1000)
    assert map_one(work, lambda: None) == refused
    assert isinstance(decide(ValueFault("HX-1105", "no date")), Retry)


def test_what_the_world_lacks_waits_without_blame() -> None:
    failure = failure_of(UnavailableError("no room", code="HX-7004"), LEASE, 9)
    assert (failure.id, failure.epoch, failure.counted) == (7, 3, False)
    assert failure.error["code"] == "HX-7004"
    assert failure.retry_seconds > 0


def test_anything_else_ends_an_attempt_and_keeps_its_traceback() -> None:
    try:
        _ = 1 // 0
    except ZeroDivisionError as error:
        failure = failure_of(error, LEASE, 1)
    assert failure.counted
    assert "1 // 0" in str(failure.error["traceback"])
    assert failure.error["message"] == "ZeroDivisionError: integer division or modulo by zero"


def test_waits_double_up_to_a_minute() -> None:
    waits = [failure_of(ValueError("x"), LEASE, n).retry_seconds for n in range(1, 11)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_worker_that_died_counts_only_if_the_work_had_begun() -> None:
    for begun in (True, False):
        action = decide(EndedError(Ended("killed", begun=begun)))
        assert action == Retry(
            {"code": "", "message": "killed", "traceback": "killed"}, counted=begun
        )
    stalled = decide(Ended("HX-6004: no progress for 300 s", begun=True))
    assert isinstance(stalled, Retry)
    assert stalled.error["code"] == "HX-6004"


def test_where_nothing_can_be_refused_any_more_it_is_tried_again() -> None:
    assert failure_of(RefusedError("no"), LEASE, 1).counted
